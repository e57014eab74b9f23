"""Rectifiers that do something better than nothing below zero: a learnt line, or a curve down to a plateau."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradflow.engine.activations.base import Activation, Array, Mask, activation
from gradflow.engine.activations.classics import LeakyReLU
from gradflow.engine.activations.mean_field import CRITICAL

# Klambauer et al. 2017: the pair for which mean 0 and variance 1 reproduce themselves.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@activation("prelu", "PReLU")
@dataclass(frozen=True)
class PReLU(LeakyReLU):
    """φ(z) = z for z > 0 and α·z for z ≤ 0, slope 1 or α; each layer learns its α, from the negative slope on.

    One more parameter per layer, and the network decides how linear it wants to be (He et al. 2015). He's gain
    √(2/(1+α²)) is right at the start and drifts as α is learnt.
    """

    negative_slope: float = 0.25
    learnable = "layer"


@activation("prelu-per-unit", "PReLU per unit")
@dataclass(frozen=True)
class PReLUPerUnit(LeakyReLU):
    """φ(z) = z for z > 0 and α·z for z ≤ 0, slope 1 or α; every unit learns its own α.

    The channel-wise form of He et al. 2015: as many slopes as biases. They show which units stay rectifiers (α near 0)
    and which become linear (α near 1).
    """

    negative_slope: float = 0.25
    learnable = "unit"


@activation("elu", "ELU")
class ELU(Activation):
    """φ(z) = z for z > 0 and eᶻ−1 for z ≤ 0, slope 1 or eᶻ.

    Negative values pull the mean activation towards 0, and the slope has no kink; far below zero the unit saturates
    at −1 (Clevert et al. 2015).
    """

    saturation = "φ < −0.97"
    gain = 1.24519830070070655
    mean_field = CRITICAL["elu"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.minimum(z, 0.0, out=out)
        np.expm1(out, out=out)
        np.maximum(z, out, out=out)  # eᶻ−1 ≥ z for every z, so below zero this keeps the curve

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.minimum(a, 0.0, out=out)
        np.add(out, 1.0, out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.less(a, -0.97, out=out)


@activation("selu", "SELU")
class SELU(Activation):
    """φ(z) = λz for z > 0 and λα(eᶻ−1) for z ≤ 0, slope λ or λα·eᶻ; λ = 1.0507, α = 1.6733.

    With LeCun initialisation, activations of mean 0 and variance 1 reproduce themselves from layer to layer without
    any normalisation (Klambauer et al. 2017); the gradient then grows mildly, by 3.5 % per layer.
    """

    saturation = "φ < −0.97·λα"
    kinks = (0.0,)
    gain = 0.75
    mean_field = CRITICAL["selu"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.minimum(z, 0.0, out=out)
        np.expm1(out, out=out)
        np.multiply(out, SELU_SCALE * SELU_ALPHA, out=out)
        np.maximum(z, 0.0, out=scratch)
        np.multiply(scratch, SELU_SCALE, out=scratch)
        np.add(out, scratch, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.greater(z, 0.0, out=out)
        np.multiply(out, SELU_SCALE * (1.0 - SELU_ALPHA), out=out)
        np.minimum(a, 0.0, out=scratch)
        np.add(out, scratch, out=out)
        np.add(out, SELU_SCALE * SELU_ALPHA, out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.less(a, -0.97 * SELU_SCALE * SELU_ALPHA, out=out)
