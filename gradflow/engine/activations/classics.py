"""The activations of the lecture: a straight line, two plateaus, and the rectifier with and without a leak."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradflow.engine.activations.base import Activation, Array, Mask, activation
from gradflow.engine.activations.mean_field import CRITICAL, MeanField, rectifier


def logistic(z: Array, out: Array, scratch: Array) -> None:
    """Write σ(z) = eᶻ/(1+eᶻ) into `out`.

    Below zero this form keeps every digit down to e⁻⁷⁴⁵, where 1/(1+e⁻ᶻ) overflows 35 earlier; above 80, σ is 1 and
    e⁸⁰ still fits into float32.
    """
    np.minimum(z, 80.0, out=out)
    np.exp(out, out=out)
    np.add(out, 1.0, out=scratch)
    np.divide(out, scratch, out=out)


@activation("identity", "Identity")
class Identity(Activation):
    """φ(z) = z, slope 1.

    A deep linear network: depth and initialisation alone decide the gradient (Saxe et al. 2013).
    """

    mean_field = CRITICAL["identity"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.positive(z, out=out)  # np.copyto is the C library's memcpy, ten times slower between some addresses

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        out.fill(1.0)


@activation("sigmoid", "Sigmoid")
class Sigmoid(Activation):
    """φ(z) = 1/(1+e⁻ᶻ), slope φ(1−φ) ≤ ¼.

    Every layer multiplies the gradient by at most ¼·‖W‖: the classic vanishing gradient. For an output that is a
    probability; in hidden layers to see what goes wrong.
    """

    saturation = "|2φ−1| > 0.97"
    mean_field = CRITICAL["sigmoid"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        logistic(z, out, scratch)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.subtract(1.0, a, out=out)
        np.multiply(out, a, out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.subtract(a, 0.5, out=scratch)
        np.abs(scratch, out=scratch)
        np.greater(scratch, 0.97 / 2, out=out)


@activation("tanh", "tanh")
class Tanh(Activation):
    """φ(z) = tanh z, slope 1−φ² ≤ 1.

    Symmetric around 0. With Xavier initialisation (Glorot & Bengio 2010) a deep tanh network is critical: its
    gradients fall only slowly with depth (Schoenholz et al. 2017).
    """

    saturation = "|φ| > 0.97"
    gain = 5.0 / 3.0
    mean_field = CRITICAL["tanh"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        if z.dtype == np.float32:
            np.tanh(z, out=out)
            return
        # Without AVX-512, NumPy's float64 tanh is slow: 13.4 ns an entry, where t/(t+2) with t = e²ᶻ−1 took 10.2 and is
        # right to 2.5 units in the last place. In float32 it is tanh that is fast: 2.7, and expm1 alone 9.5.
        np.multiply(z, 2.0, out=out)
        np.minimum(out, 40.0, out=out)
        np.expm1(out, out=out)
        np.add(out, 2.0, out=scratch)
        np.divide(out, scratch, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.multiply(a, a, out=out)
        np.subtract(1.0, out, out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.abs(a, out=scratch)
        np.greater(scratch, 0.97, out=out)


@activation("relu", "ReLU")
class ReLU(Activation):
    """φ(z) = max(0, z), slope 1 for z > 0 and 0 elsewhere.

    Half of the units pass the gradient on unchanged; He initialisation (σ² = 2/n) makes up for the other half
    (He et al. 2015). A unit that is 0 on every sample receives no gradient: it is dead.
    """

    kinks = (0.0,)
    silent_when_zero = True
    gain = math.sqrt(2.0)
    mean_field = CRITICAL["relu"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.maximum(z, 0.0, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.sign(a, out=out)


@activation("leaky-relu", "Leaky ReLU")
@dataclass(frozen=True)
class LeakyReLU(Activation):
    """φ(z) = z for z > 0 and α·z for z ≤ 0, slope 1 or α (the negative slope).

    No unit dies (Maas et al. 2013). He's gain becomes √(2/(1+α²)) (He et al. 2015, eq. 15).
    """

    negative_slope: float = 0.01
    kinks = (0.0,)

    @property
    def gain(self) -> float:
        return math.sqrt(2.0 / (1.0 + self.negative_slope**2))

    @property
    def mean_field(self) -> MeanField:
        return rectifier(self.negative_slope)

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.multiply(z, self.negative_slope, out=out)
        # A learnt slope may have passed 1, and then the steeper line is the left one.
        outer = np.maximum if self.negative_slope <= 1.0 else np.minimum
        outer(z, out, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.greater(z, 0.0, out=out)
        np.multiply(out, 1.0 - self.negative_slope, out=out)
        np.add(out, self.negative_slope, out=out)
