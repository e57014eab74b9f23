"""Activation functions φ: the value, the slope, and what initialisation and theory need to know about each.

An activation is one decorated class. Importing the package registers them all.
"""

from gradflow.engine.activations.base import ACTIVATIONS, Activation, activation, make_activation
from gradflow.engine.activations.mean_field import CriticalPoint, MeanField
from gradflow.engine.activations.special import special

# Registration order is the order in the combo box: what the lecture teaches comes first.
from gradflow.engine.activations.classics import Identity, LeakyReLU, ReLU, Sigmoid, Tanh  # isort: skip
from gradflow.engine.activations.rectifiers import ELU, SELU, PReLU, PReLUPerUnit  # isort: skip
from gradflow.engine.activations.smooth import GELU, GELUTanh, Mish, SiLU, Softplus  # isort: skip
from gradflow.engine.activations.bounded import Erf, HardSigmoid, Sine, Softsign, Step  # isort: skip

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "CriticalPoint",
    "Erf",
    "GELUTanh",
    "HardSigmoid",
    "Identity",
    "LeakyReLU",
    "MeanField",
    "Mish",
    "PReLU",
    "PReLUPerUnit",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Sine",
    "Softplus",
    "Softsign",
    "Step",
    "Tanh",
    "activation",
    "make_activation",
    "special",
]
