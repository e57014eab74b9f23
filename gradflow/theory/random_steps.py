"""What a step does in one random network, instead of in the mean over all: values forwards, gradients back.

Arrays are (networks, units, samples). Where a layer has many more inputs than there are samples, its weights are not
drawn: its z = W·a are, from N(0, σ_w²·aᵀa/N), and on the way back Wᵀδ given that W·a = z. With new draws D of Wᵀδ from
N(0, σ_w²·δᵀδ/N) that is D + a·(aᵀa)⁻¹·(zᵀδ − aᵀD): the same networks, in law, for some N·m² operations of N units and
m samples instead of N²·m.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import singledispatch

import numpy as np

from gradflow.theory.quadrature import Array
from gradflow.theory.steps import (
    NORM_EPSILON,
    BatchRescale,
    Bend,
    Beside,
    Drop,
    Linear,
    Rescale,
    Step,
    Sum,
)

JITTER = 1e-10
"""What keeps a covariance of samples that are all the same positive, as a share of its mean diagonal."""

SILENT = 1e-300
"""The same for a network through which nothing comes."""

MANY = 2
"""From so many times more inputs than samples on, a layer's weights are not drawn."""

Pull = Callable[[Array], tuple[Array, ...]]
"""From ∂L/∂output to ∂L/∂input, for every input."""


@singledispatch
def through(step: Step, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    """Return what comes out of a step in random networks, and how a gradient comes back through it."""
    raise NotImplementedError


@through.register
def _(step: Linear, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    (a,) = inputs
    networks, units, samples = a.shape
    variance = step.weight_variance / units
    if units <= MANY * samples or not variance:
        W = rng.standard_normal((networks, step.units, units)) * math.sqrt(variance)
        b = rng.standard_normal((networks, step.units, 1)) * math.sqrt(step.bias_variance)
        return W @ a + b, lambda g: (np.swapaxes(W, 1, 2) @ g,)
    if step.bias_variance:
        # A bias is the weight of one more input, the same for all samples.
        one = np.full((networks, 1, samples), math.sqrt(step.bias_variance / variance))
        a = np.concatenate([a, one], axis=1)
    kernel = gram(a)
    z = _draw(variance * kernel, step.units, rng)

    def pull(g: Array) -> tuple[Array]:
        size = scale(g)
        g = g / size
        drawn = _draw(variance * gram(g), a.shape[1], rng)
        own = np.linalg.solve(_regular(kernel), np.swapaxes(z, 1, 2) @ g - np.swapaxes(a, 1, 2) @ drawn)
        return ((drawn + a @ own)[:, :units] * size,)

    return z, pull


@through.register
def _(step: Bend, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    (z,) = inputs
    a, slope, scratch = np.empty_like(z), np.empty_like(z), np.empty_like(z)
    step.function.value(z, a, scratch)
    step.function.slope(z, a, slope, scratch)
    return a, lambda g: (g * slope,)


@through.register
def _(step: Sum, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    left, right = inputs
    return left + step.scale * right, lambda g: (g, step.scale * g)


@through.register
def _(step: Beside, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    left, right = inputs
    return np.concatenate([left, right], axis=1), lambda g: (g[:, : left.shape[1]], g[:, left.shape[1] :])


@through.register
def _(step: Drop, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    (a,) = inputs
    mask = (rng.random(a.shape) >= step.rate) / (1.0 - step.rate)
    return a * mask, lambda g: (g * mask,)


@through.register
def _(step: Rescale, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    return _normed(inputs[0], 1, step.centred)


@through.register
def _(step: BatchRescale, inputs: Sequence[Array], rng: np.random.Generator) -> tuple[Array, Pull]:
    return _normed(inputs[0], 2, centred=True)


def gram(values: Array) -> Array:
    """Return Σ_i v_iα·v_iβ over units for every network."""
    return np.swapaxes(values, 1, 2) @ values


def scale(values: Array) -> Array:
    """Return the largest number of every network, without which squares of small ones would underflow; 1 of zeros."""
    size = np.abs(values).max(axis=(1, 2), keepdims=True)
    return np.where(size == 0.0, 1.0, size)


def _normed(x: Array, axis: int, centred: bool) -> tuple[Array, Pull]:
    """Divide by the root mean square over units (axis 1) or samples (axis 2), less the mean there if `centred`."""

    def mean_product(one: Array, other: Array) -> Array:
        subscripts = "rus,rus->rs" if axis == 1 else "rus,rus->ru"
        return np.expand_dims(np.einsum(subscripts, one, other) / x.shape[axis], axis)

    if centred:
        x = x - x.mean(axis=axis, keepdims=True)
    inverse = 1.0 / np.sqrt(mean_product(x, x) + NORM_EPSILON)
    x_hat = x * inverse

    def pull(g: Array) -> tuple[Array]:
        if centred:
            g = g - g.mean(axis=axis, keepdims=True)
        return (inverse * (g - x_hat * mean_product(g, x_hat)),)

    return x_hat, pull


def _draw(covariance: Array, units: int, rng: np.random.Generator) -> Array:
    """Return (networks, units, samples) from N(0, covariance), one covariance for each network."""
    normal = rng.standard_normal((len(covariance), units, covariance.shape[-1]))
    drawn: Array = normal @ np.swapaxes(np.linalg.cholesky(_regular(covariance)), 1, 2)
    return drawn


def _regular(covariance: Array) -> Array:
    """Return it with what makes it positive definite; numbers that have left floating point raise LinAlgError later."""
    count = covariance.shape[-1]
    mean = np.trace(covariance, axis1=1, axis2=2)[:, None, None] / count
    return covariance + np.where(mean == 0.0, SILENT, JITTER * mean) * np.eye(count)
