"""What mean-field theory says about each activation: the initialisations at which neither signal nor gradient dies.

With Var W = σ_w²/n and Var b = σ_b², the mean square q of a wide layer's pre-activations settles at a fixed point q*
of q = σ_w²·E[φ(√q·z)²] + σ_b², and each layer multiplies the squared gradient by χ₁ = σ_w²·E[φ′(√q·z)²], z ~ N(0, 1).
The critical points are those with χ₁ = 1 (Poole et al. 2016, Schoenholz et al. 2017); the numbers are solved by
quadrature, and the tests integrate them again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class CriticalPoint(NamedTuple):
    """An initialisation with χ₁ = 1."""

    bias_variance: float
    """σ_b²."""

    weight_std: float
    """σ_w: the weights have variance σ_w²/n."""

    length: float | None
    """q*, or None where every q is a fixed point."""

    stable: bool = True
    """False if a network that starts at another q runs away from this one, on one side at least."""


@dataclass(frozen=True)
class MeanField:
    """The known critical points of one activation, by rising bias variance, and a sentence on what they mean."""

    critical: tuple[CriticalPoint, ...]
    note: str

    def __str__(self) -> str:
        """Say where the critical points are."""
        return f"Critical (χ₁ = 1): σ_w = {', '.join(map(_spelled, self.critical))}. {self.note}"


def _spelled(point: CriticalPoint) -> str:
    bias_std = math.sqrt(point.bias_variance)
    return f"{point.weight_std:.4g} at σ_b = {bias_std:.3g}{'' if point.stable else ' (unstable)'}"


def rectifier(negative_slope: float) -> MeanField:
    """Return the one critical point of a rectifier with slope α below zero: He's σ_w² = 2/(1+α²), without biases."""
    return MeanField(
        (CriticalPoint(0.0, math.sqrt(2.0 / (1.0 + negative_slope**2)), None),),
        "He initialisation without biases is the only critical point; it keeps whatever q the data bring.",
    )


CRITICAL = {
    "identity": MeanField(
        (CriticalPoint(0.0, 1.0, None),),
        "LeCun initialisation without biases is the only critical point; it keeps whatever q the data bring.",
    ),
    "sigmoid": MeanField(
        (
            CriticalPoint(0.0, 10.1493, 45.624),
            CriticalPoint(0.01, 10.1505, 45.646),
            CriticalPoint(0.05, 10.1552, 45.734),
            CriticalPoint(0.25, 10.1789, 46.174),
        ),
        "No critical point has small weights: with Xavier initialisation the gradient's norm falls to 0.236 per layer.",
    ),
    "tanh": MeanField(
        (
            CriticalPoint(0.0, 1.0, 0.0),
            CriticalPoint(0.01, 1.193401, 0.273301),
            CriticalPoint(0.05, 1.327010, 0.570048),
            CriticalPoint(0.25, 1.549674, 1.317939),
        ),
        "Xavier initialisation is critical, and q falls slowly to 0; PyTorch's gain 5/3 makes the gradient's norm grow "
        "by 10 % per layer.",
    ),
    "relu": rectifier(0.0),
    "elu": MeanField(
        (
            CriticalPoint(0.0, 1.0, 0.0),
            CriticalPoint(0.01, 1.176148, 0.437829),
            CriticalPoint(0.05, 1.238434, 1.300913),
            CriticalPoint(0.25, 1.306112, 4.886627),
        ),
        "LeCun initialisation is critical, and q falls slowly to 0.",
    ),
    "selu": MeanField(
        (
            CriticalPoint(0.0, 0.690487, 0.0),
            CriticalPoint(0.01, 0.871913, 0.308942),
            CriticalPoint(0.05, 0.949614, 0.827302),
            CriticalPoint(0.25, 1.049637, 2.555510),
        ),
        "LeCun initialisation holds q at 1 but is not critical: the gradient's norm grows by 3.5 % per layer.",
    ),
    "gelu": MeanField(
        (
            CriticalPoint(0.0, 2.0, 0.0, stable=False),
            CriticalPoint(0.01, 1.727078, 0.183483, stable=False),
            CriticalPoint(0.05, 1.517406, 0.722036, stable=False),
            CriticalPoint(0.17292239, 1.408211014, 3.56155281, stable=False),
            CriticalPoint(0.25, 1.399868, 6.434102),
        ),
        "He initialisation is not critical: the signal fades and the gradient's norm falls to 0.707 per layer. Without "
        "a bias variance near 0.2 or more, every critical point is unstable.",
    ),
    "silu": MeanField(
        (
            CriticalPoint(0.0, 2.0, 0.0, stable=False),
            CriticalPoint(0.01, 1.820052, 0.259713, stable=False),
            CriticalPoint(0.05, 1.651851, 0.826576, stable=False),
            CriticalPoint(0.25, 1.456947, 4.428077, stable=False),
            CriticalPoint(0.55514317, 1.409966198, 14.32017362, stable=False),
        ),
        "He initialisation is not critical: the signal fades and the gradient's norm falls to 0.707 per layer. With a "
        "bias variance below 0.555, every critical point is unstable.",
    ),
    "softsign": MeanField(
        (
            CriticalPoint(0.0, 1.0, 0.0),
            CriticalPoint(0.01, 1.512868, 0.153958),
            CriticalPoint(0.05, 1.772356, 0.412183),
            CriticalPoint(0.25, 2.166227, 1.176933),
        ),
        "Xavier initialisation is critical, and q falls slowly to 0.",
    ),
    "erf": MeanField(
        (
            CriticalPoint(0.0, math.sqrt(math.pi) / 2.0, 0.0),
            CriticalPoint(0.01, 1.055595, 0.253210),
            CriticalPoint(0.05, 1.172962, 0.517177),
            CriticalPoint(0.25, 1.371330, 1.183272),
        ),
        "Without biases σ_w = √π/2 is critical, because the slope at 0 is 2/√π, and q falls slowly to 0.",
    ),
}
