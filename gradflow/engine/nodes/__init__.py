"""The kinds of node: one noun per module, forward and backward on one screen."""

from gradflow.engine.nodes.activate import Activate, LearnableActivate
from gradflow.engine.nodes.conv import Conv
from gradflow.engine.nodes.dense import Dense, Linear
from gradflow.engine.nodes.dropout import Dropout
from gradflow.engine.nodes.merge import Add, Concatenate
from gradflow.engine.nodes.norm import NORMS, Norm
from gradflow.engine.nodes.pool import AveragePool, GlobalAverage, MaxPool
from gradflow.engine.nodes.reshape import Flatten

__all__ = [
    "NORMS",
    "Activate",
    "Add",
    "AveragePool",
    "Concatenate",
    "Conv",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAverage",
    "LearnableActivate",
    "Linear",
    "MaxPool",
    "Norm",
]
