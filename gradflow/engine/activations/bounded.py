"""Activations that stay between two bounds: plateaus reached slowly, quickly and at once, and a wave."""

from __future__ import annotations

import math

import numpy as np

from gradflow.engine.activations.base import Activation, Array, Mask, activation
from gradflow.engine.activations.mean_field import CRITICAL
from gradflow.engine.activations.special import special


@activation("softsign", "Softsign")
class Softsign(Activation):
    """φ(z) = z/(1+|z|), slope 1/(1+|z|)².

    Like tanh, but its plateaus are reached so slowly that saturation stays mild: for sigmoid-shaped networks that
    must not get stuck (Glorot & Bengio 2010).
    """

    saturation = "|φ| > 0.97"
    gain = 2.33753336310853966
    mean_field = CRITICAL["softsign"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        # Beyond 1e30, φ is ±1 to the last digit, and ∞/∞ stays away.
        np.clip(z, -1e30, 1e30, out=out)
        np.abs(out, out=scratch)
        np.add(scratch, 1.0, out=scratch)
        np.divide(out, scratch, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.abs(z, out=out)
        np.add(out, 1.0, out=out)
        np.reciprocal(out, out=out)
        np.square(out, out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.abs(a, out=scratch)
        np.greater(scratch, 0.97, out=out)


@activation("hard-sigmoid", "Hard sigmoid")
class HardSigmoid(Activation):
    """φ(z) = z/6 + ½ kept between 0 and 1, slope ⅙ for |z| < 3 and 0 elsewhere.

    The sigmoid of small devices (Howard et al. 2019). On its plateaus the gradient is not small but exactly 0.
    """

    saturation = "φ = 0 or φ = 1"
    kinks = (-3.0, 3.0)
    gain = 1.89784042472955899

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.add(z, 3.0, out=out)
        np.maximum(out, 0.0, out=out)
        np.minimum(out, 6.0, out=out)
        np.divide(out, 6.0, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.abs(z, out=out)
        np.subtract(3.0, out, out=out)
        np.sign(out, out=out)
        np.maximum(out, 0.0, out=out)
        np.divide(out, 6.0, out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.abs(z, out=scratch)
        np.greater_equal(scratch, 3.0, out=out)


@activation("erf", "erf")
class Erf(Activation):
    """φ(z) = erf z = 2/√π·∫₀ᶻ e^(−t²) dt, slope 2/√π·e^(−z²).

    tanh with thinner tails, and the sigmoid shape whose mean-field integrals have closed forms (Williams 1997): for
    comparing a network with its theory.
    """

    saturation = "|φ| > 0.97"
    gain = 1.46716695048913862
    mean_field = CRITICAL["erf"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        special().erf(z, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.square(z, out=out)
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.multiply(out, 2.0 / math.sqrt(math.pi), out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.abs(a, out=scratch)
        np.greater(scratch, 0.97, out=out)


@activation("sine", "Sine")
class Sine(Activation):
    """φ(z) = sin z, slope cos z.

    Never saturates, but its slope changes sign: the loss gets many valleys. For networks that represent pictures and
    waves (Sitzmann et al. 2020), with their own scale of the first weights.
    """

    gain = 1.52086662317881488

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.sin(z, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.cos(z, out=out)


@activation("step", "Step")
class Step(Activation):
    """φ(z) = 1 for z > 0 and 0 elsewhere; its slope is 0, replaced here by 1 for |z| ≤ 1 and 0 elsewhere.

    The threshold unit of the perceptron (Rosenblatt 1958). Its true gradient is 0 everywhere, so what is shown is the
    straight-through estimator (Bengio et al. 2013, Hubara et al. 2016): not the gradient of the loss, but good enough
    to train on. The gradient check cannot agree with it.
    """

    saturation = "|z| > 1"
    kinks = (0.0,)
    surrogate = True
    gain = math.sqrt(2.0)

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.sign(z, out=out)  # unlike a comparison, this passes nan on
        np.maximum(out, 0.0, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.abs(z, out=out)
        np.subtract(out, 1.0, out=out)
        np.sign(out, out=out)
        np.maximum(out, 0.0, out=out)
        np.subtract(1.0, out, out=out)

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        np.abs(z, out=scratch)
        np.greater(scratch, 1.0, out=out)
