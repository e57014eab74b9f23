"""Losses: the last node of the graph. Its value is one number, the mean over the batch.

`predictions` are the network's linear outputs (logits for the cross-entropies), `targets` an array of the same
shape: values for regression, 0/1 for binary classes, one row of class weights (one-hot) for several classes.
Averages are PyTorch's ``reduction="mean"``.
"""

# The first loss registered for a kind of data is its default, and the modules register in the order of their import.
from gradflow.engine.losses.base import LOSSES, Loss, Task, default_loss, loss, make_loss, smooth
from gradflow.engine.losses.classification import BinaryCrossEntropy, Hinge, SoftmaxCrossEntropy
from gradflow.engine.losses.regression import Huber, MeanAbsoluteError, MeanSquaredError

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "Hinge",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SoftmaxCrossEntropy",
    "Task",
    "default_loss",
    "loss",
    "make_loss",
    "smooth",
]
