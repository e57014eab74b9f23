"""Losses: the last node of the graph. Its value is one number, the mean over the batch.

`predictions` are the network's linear outputs (logits for the cross-entropies), `targets` an array of the same
shape: values for regression, 0/1 for binary classes, one row of class weights (one-hot) for several classes.
Averages are PyTorch's ``reduction="mean"``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.registry import Registry

Array = NDArray[np.float64]
Task = Literal["regression", "binary", "multiclass"]


class Loss(Node):
    """The contract of a loss: `forward` sets `loss`, `backward` writes ∂L/∂predictions into the input's gradient."""

    wants_grad = False
    threshold = 0.0
    """Above which a single output says yes."""

    tasks: tuple[Task, ...] = ()
    """The kinds of data it is defined on; the first loss registered for a kind is that kind's default."""

    def __init__(self, source: Node) -> None:
        super().__init__((source,), source.units)
        self.loss = float("nan")

    def allocate(self, batch: int) -> None:
        super().allocate(batch)
        self._targets = np.zeros((batch, self.units))
        self._scratch = np.empty((batch, self.units))
        self._row = np.empty((batch, 1))

    def resize(self, samples: int) -> None:
        super().resize(samples)
        self.targets = self._targets[:samples]
        self.scratch, self.row = self._scratch[:samples], self._row[:samples]

    def correct(self) -> int:
        """Return how many samples of the batch are classified right; has no meaning for regression."""
        z, targets = self.inputs[0].value, self.targets
        if self.units == 1:
            return int(np.count_nonzero((z > self.threshold) == (targets > 0.5)))
        return int(np.count_nonzero(z.argmax(axis=1) == targets.argmax(axis=1)))


LOSSES: Registry[type[Loss]] = Registry("loss")
loss = LOSSES.register


def default_loss(task: Task) -> str:
    """Return the name of the loss that goes with a kind of data."""
    return next(name for name, entry in LOSSES.items() if task in entry.part.tasks)


@loss("binary-cross-entropy", "Binary cross-entropy")
class BinaryCrossEntropy(Loss):
    """L = mean(log(1+eᶻ) − y·z), on logits; ∂L/∂z = (σ(z) − y)/count.

    For yes or no. At the start of training L ≈ ln 2.
    """

    tasks = ("binary",)

    def forward(self) -> None:
        # max(z, 0) − y·z + log(1 + e^−|z|): no term overflows, and none swallows another where L is tiny.
        z, out, scratch = self.inputs[0].value, self.value, self.scratch
        np.multiply(z, self.targets, out=scratch)
        np.maximum(z, 0.0, out=out)
        np.subtract(out, scratch, out=out)
        np.abs(z, out=scratch)
        np.negative(scratch, out=scratch)
        np.exp(scratch, out=scratch)
        np.log1p(scratch, out=scratch)
        np.add(out, scratch, out=out)
        self.loss = float(np.add.reduce(out, axis=None)) / out.size

    def backward(self) -> None:
        # σ(z)(1−y) − σ(−z)y: unlike σ(z) − y it stays exact where the sigmoid rounds to 1.
        z, gradient, scratch, unlikely = self.inputs[0].value, self.inputs[0].grad, self.scratch, self.value
        np.exp(z, out=scratch)
        np.add(scratch, 1.0, out=scratch)
        np.divide(self.targets, scratch, out=scratch)
        np.negative(z, out=gradient)
        np.exp(gradient, out=gradient)
        np.add(gradient, 1.0, out=gradient)
        np.subtract(1.0, self.targets, out=unlikely)
        np.divide(unlikely, gradient, out=gradient)
        np.subtract(gradient, scratch, out=gradient)
        np.divide(gradient, gradient.size, out=gradient)


@loss("softmax-cross-entropy", "Softmax cross-entropy")
class SoftmaxCrossEntropy(Loss):
    """L = −mean log softmax(z)[class]; ∂L/∂z = (softmax(z) − one-hot)/batch.

    For one class out of several. At the start of training L ≈ ln C for C classes.
    """

    tasks = ("multiclass", "binary")

    def forward(self) -> None:
        z, shifted, exponentials = self.inputs[0].value, self.scratch, self.value
        np.maximum.reduce(z, axis=1, keepdims=True, out=self.row)
        np.subtract(z, self.row, out=shifted)
        np.exp(shifted, out=exponentials)
        np.add.reduce(exponentials, axis=1, keepdims=True, out=self.row)
        np.divide(exponentials, self.row, out=self.value)
        np.log(self.row, out=self.row)
        np.subtract(shifted, self.row, out=shifted)
        self.loss = -float(np.vdot(shifted, self.targets)) / len(z)

    def backward(self) -> None:
        gradient = self.inputs[0].grad
        np.subtract(self.value, self.targets, out=gradient)
        np.divide(gradient, len(gradient), out=gradient)


@loss("mean-squared-error", "Mean squared error")
class MeanSquaredError(Loss):
    """L = mean (z − y)² over samples and outputs; ∂L/∂z = 2(z − y)/count.

    For regression; on classes it fits the 0/1 targets.
    """

    tasks = ("regression", "binary", "multiclass")
    threshold = 0.5

    def forward(self) -> None:
        np.subtract(self.inputs[0].value, self.targets, out=self.scratch)
        self.loss = float(np.vdot(self.scratch, self.scratch)) / self.scratch.size

    def backward(self) -> None:
        np.multiply(self.scratch, 2.0 / self.scratch.size, out=self.inputs[0].grad)
