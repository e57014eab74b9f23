"""Activation functions φ: the value, the slope, and when a unit counts as saturated.

Every method writes into the array it is given, because the training step may not allocate. `z` is the
pre-activation and `a` = φ(z) the activation, both of shape (batch, units).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.registry import Registry

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Activation:
    """The contract of an activation; a subclass gives `value` and `slope` and overrides the rest where it differs."""

    negative_slope: float = 0.0
    """a in φ(z) = a·z for z < 0; it enters He's gain √(2/(1+a²))."""

    saturation: str | None = None
    """What "saturated" means, in words, or None for a function that has no plateau to speak of."""

    kinked: bool = False
    """Whether the slope jumps at z = 0, where finite differences disagree with every convention."""

    def value(self, z: Array, out: Array) -> None:
        """Write φ(z) into `out`."""
        raise NotImplementedError

    def slope(self, z: Array, a: Array, out: Array) -> None:
        """Write φ′(z) into `out`; `a` is φ(z)."""
        raise NotImplementedError

    def saturated(self, a: Array) -> Mask:
        """Return the mask of saturated entries; only called where `saturation` is not None."""
        raise NotImplementedError


ACTIVATIONS: Registry[type[Activation]] = Registry("activation")
activation = ACTIVATIONS.register


def make_activation(name: str, negative_slope: float = 0.01) -> Activation:
    """Return the activation called `name`; `negative_slope` reaches those that have one."""
    part = ACTIVATIONS[name].part
    takes_slope = "negative_slope" in inspect.signature(part).parameters
    return part(negative_slope) if takes_slope else part()  # type: ignore[call-arg]


@activation("identity", "Identity")
@dataclass(frozen=True)
class Identity(Activation):
    """φ(z) = z, slope 1.

    A deep linear network: depth and initialisation alone decide the gradient (Saxe et al. 2013).
    """

    def value(self, z: Array, out: Array) -> None:
        np.copyto(out, z)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        out.fill(1.0)


@activation("sigmoid", "Sigmoid")
@dataclass(frozen=True)
class Sigmoid(Activation):
    """φ(z) = 1/(1+e⁻ᶻ), slope φ(1−φ) ≤ ¼.

    Every layer multiplies the gradient by at most ¼·‖W‖: the classic vanishing gradient.
    """

    saturation = "|2φ−1| > 0.97"

    def value(self, z: Array, out: Array) -> None:
        np.negative(z, out=out)
        np.exp(out, out=out)
        np.add(out, 1.0, out=out)
        np.reciprocal(out, out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.subtract(1.0, a, out=out)
        np.multiply(out, a, out=out)

    def saturated(self, a: Array) -> Mask:
        return np.abs(2.0 * a - 1.0) > 0.97


@activation("tanh", "tanh")
@dataclass(frozen=True)
class Tanh(Activation):
    """φ(z) = tanh z, slope 1−φ² ≤ 1.

    Symmetric around 0. With Xavier initialisation (Glorot & Bengio 2010) a deep tanh network is critical: its
    gradients fall only slowly with depth (Schoenholz et al. 2017).
    """

    saturation = "|φ| > 0.97"

    def value(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.multiply(a, a, out=out)
        np.subtract(1.0, out, out=out)

    def saturated(self, a: Array) -> Mask:
        return np.abs(a) > 0.97


@activation("relu", "ReLU")
@dataclass(frozen=True)
class ReLU(Activation):
    """φ(z) = max(0, z), slope 1 for z > 0 and 0 elsewhere.

    Half of the units pass the gradient on unchanged; He initialisation (σ² = 2/n) makes up for the other half
    (He et al. 2015). A unit that is 0 on every sample receives no gradient: it is dead.
    """

    kinked = True

    def value(self, z: Array, out: Array) -> None:
        np.maximum(z, 0.0, out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.sign(a, out=out)


@activation("leaky-relu", "Leaky ReLU")
@dataclass(frozen=True)
class LeakyReLU(Activation):
    """φ(z) = z for z > 0 and a·z for z ≤ 0, slope 1 or a (the negative slope).

    No unit dies. He's gain becomes √(2/(1+a²)) (He et al. 2015, eq. 15).
    """

    negative_slope: float = 0.01
    kinked = True

    def value(self, z: Array, out: Array) -> None:
        np.multiply(z, self.negative_slope, out=out)
        np.maximum(z, out, out=out)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.greater(z, 0.0, out=out)
        np.multiply(out, 1.0 - self.negative_slope, out=out)
        np.add(out, self.negative_slope, out=out)
