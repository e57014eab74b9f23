"""Rectifiers with the corner rounded off: z times a gate that opens around zero, and the softplus.

All of them can be written with a positive exponential, E = eᶻ or the like, over 1 + E. That form keeps every digit in
the left tail, where 1 − σ(z) or 1 + tanh z would cancel; on the right, E is held where 1 is lost beside it.
"""

from __future__ import annotations

import math

import numpy as np

from gradflow.engine.activations.base import Activation, Array, activation
from gradflow.engine.activations.classics import logistic
from gradflow.engine.activations.mean_field import CRITICAL
from gradflow.engine.activations.special import special

# Below this every gate is shut, and a finite z makes the product z·0 the limit 0, also for z = −∞.
LEFT_END = -1e30

# The cubic inside the tanh of GELU's approximation, times 2: tanh u = 2σ(2u) − 1.
LINEAR = 2.0 * math.sqrt(2.0 / math.pi)
CUBIC = 0.044715 * LINEAR


@activation("gelu", "GELU")
class GELU(Activation):
    """φ(z) = z·Φ(z), Φ the normal distribution function, slope Φ(z) + z·e^(−z²/2)/√(2π).

    The activation of transformers (Hendrycks & Gimpel 2016). Its slope at 0 is ½, and it falls below zero around
    z = −0.75. He initialisation starves it at depth: its critical points have biases.
    """

    gain = 1.53353044119553523
    mean_field = CRITICAL["gelu"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        special().ndtr(z, out=out)
        np.maximum(z, LEFT_END, out=scratch)
        np.multiply(out, scratch, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        if z.dtype == np.float64:
            # Φ = a/z costs a quarter of asking for Φ again. The smallest normal number, added to z with z's sign and
            # half of it to a, makes this ½ at zero and is lost beside any other z.
            np.copysign(np.finfo(z.dtype).tiny, z, out=scratch)
            np.add(z, scratch, out=out)
            np.multiply(scratch, 0.5, out=scratch)
            np.add(a, scratch, out=scratch)
            np.divide(scratch, out, out=out)
        else:
            # The a of a half precision was rounded, and near zero has no digits to divide.
            special().ndtr(z, out=out)
        np.square(z, out=scratch)
        np.multiply(scratch, -0.5, out=scratch)
        np.exp(scratch, out=scratch)
        np.multiply(scratch, 1.0 / math.sqrt(2.0 * math.pi), out=scratch)
        np.multiply(scratch, z, out=scratch)
        np.add(out, scratch, out=out)


@activation("gelu-tanh", "GELU (tanh form)")
class GELUTanh(Activation):
    """φ(z) = z·σ(2u) = z·(1+tanh u)/2, u = √(2/π)(z + 0.044715z³), slope σ(2u) + 2u′·φ·(1−σ(2u)).

    GELU without the normal distribution function, never more than 0.0005 from it (Hendrycks & Gimpel 2016). It is what
    GPT-2 and its descendants were trained with.
    """

    gain = 1.53358052166614692

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.square(z, out=out)
        np.multiply(out, CUBIC, out=out)
        np.add(out, LINEAR, out=out)
        np.multiply(out, z, out=out)
        logistic(out, out, scratch)
        np.maximum(z, LEFT_END, out=scratch)
        np.multiply(out, scratch, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        # With E = e²ᵘ this is (E + 2u′·a)/(1 + E). Beyond |z| = 10 the slope is 0 or 1 whatever the limits on z² and
        # 2u′·a make of the numbers; they keep a product of 0 and ∞ away.
        np.square(z, out=out)
        np.minimum(out, 1e4, out=out)
        np.multiply(out, 3.0 * CUBIC, out=scratch)
        np.add(scratch, LINEAR, out=scratch)
        np.multiply(scratch, a, out=scratch)
        np.minimum(scratch, 1e4, out=scratch)
        np.multiply(out, CUBIC, out=out)
        np.add(out, LINEAR, out=out)
        np.multiply(out, z, out=out)
        np.minimum(out, 80.0, out=out)
        np.exp(out, out=out)
        np.add(scratch, out, out=scratch)
        np.add(out, 1.0, out=out)
        np.divide(scratch, out, out=out)


@activation("silu", "SiLU (Swish)")
class SiLU(Activation):
    """φ(z) = z·σ(z), slope σ(z) + φ·(1−σ(z)).

    Close to GELU and cheaper (Elfwing et al. 2017; as "Swish" Ramachandran et al. 2017). Its slope at 0 is ½, and He
    initialisation starves it at depth.
    """

    gain = 1.67653247033109116
    mean_field = CRITICAL["silu"]

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        logistic(z, out, scratch)
        np.maximum(z, LEFT_END, out=scratch)
        np.multiply(out, scratch, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        # (eᶻ + a)/(eᶻ + 1): from z = 80 on, both are e⁸⁰ and the limit on a keeps it from counting again.
        np.minimum(z, 80.0, out=out)
        np.exp(out, out=out)
        np.minimum(a, 1e4, out=scratch)
        np.add(scratch, out, out=scratch)
        np.add(out, 1.0, out=out)
        np.divide(scratch, out, out=out)


@activation("mish", "Mish")
class Mish(Activation):
    """φ(z) = z·tanh(ln(1+eᶻ)), slope t + z·(1−t²)·σ(z) with t = tanh(ln(1+eᶻ)).

    A smooth rectifier that dips to −0.31 at z = −1.2 (Misra 2019); for deep vision networks, beside SiLU.
    """

    gain = 1.4868475812732081

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        # tanh(ln(1+e)) = n/(n+2) with n = e² + 2e, e = eᶻ: one exponential instead of three functions. e⁴⁰ squared
        # still fits into float32.
        np.minimum(z, 40.0, out=out)
        np.exp(out, out=out)
        np.add(out, 2.0, out=scratch)
        np.multiply(out, scratch, out=out)
        np.add(out, 2.0, out=scratch)
        np.divide(out, scratch, out=out)
        np.maximum(z, LEFT_END, out=scratch)
        np.multiply(out, scratch, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        # In the letters of `value`, (n + a·(4 − 4/(e+2)))/(n+2); a may not outgrow the e that was held at e⁴⁰.
        np.minimum(z, 40.0, out=out)
        np.exp(out, out=out)
        np.add(out, 2.0, out=scratch)
        np.multiply(out, scratch, out=out)
        np.divide(4.0, scratch, out=scratch)
        np.subtract(4.0, scratch, out=scratch)
        np.multiply(scratch, a, out=scratch)
        np.minimum(scratch, 1e4, out=scratch)
        np.add(scratch, out, out=scratch)
        np.add(out, 2.0, out=out)
        np.divide(scratch, out, out=out)


@activation("softplus", "Softplus")
class Softplus(Activation):
    """φ(z) = ln(1+eᶻ), slope σ(z).

    The smooth ReLU whose slope is the sigmoid (Dugas et al. 2001). Always positive, so the mean activation drifts
    upwards with depth; for outputs that must be positive, such as a variance.
    """

    gain = 1.04186683553530171

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.minimum(z, 80.0, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        np.maximum(z, out, out=out)  # ln(1+eᶻ) > z for every z, so this takes over only where eᶻ is held

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        logistic(z, out, scratch)
