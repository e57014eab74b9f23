"""How much one random network differs from the next, for a batch: what differs between samples averages itself out.

Of one sample, `scatter` follows the lengths. Over a batch its deviations are those of the other samples too only as far
as these are correlated, and the sums over pairs that make up ‖∂L/∂W‖² have deviations of their own. So a few samples
that stand for the batch go through random layers of the real width: given the layer below, the units' z are draws from
N(0, σ_w²·K + σ_b²) with the kernel K = aᵀa/N that came out there, and ∂L/∂a on the way back are draws from
N(0, σ_w²·G/N) with the Gram matrix G of δ. No weights are drawn: a layer of N units takes some N·m² operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradflow.theory.quadrature import Array
from gradflow.theory.recursion import RandomLayer

NETWORKS, FEWEST = 96, 12
"""How many random networks are followed at most, and at least."""

NUMBERS = AT_ONCE = 4_000_000
"""So many z are drawn altogether, about (then fewer networks have to do), and so many slopes kept for the way back."""

JITTER = 1e-10
"""What keeps a covariance of samples that are all the same positive, as a share of its mean diagonal."""


def scatter_of_batch(
    kernel: Array, gram: Array, layers: Sequence[RandomLayer], rng: np.random.Generator, watch: Callable[[], Any]
) -> tuple[Array, Array]:
    """Return ln Σ_α G_αα and ln Σ_αβ G_αβ·K_αβ of every layer in random networks, each as (layers, networks).

    G is the Gram matrix of δ and K the kernel of the layer's input, per unit; `kernel` is that of the data and `gram`
    that of ∂L/∂z at the output. `watch` is called now and then. Raises LinAlgError where numbers leave floating point.
    """
    size = max(len(kernel) * sum(layer.width for layer in layers[:-1]), 1)
    networks = int(np.clip(NUMBERS // size, FEWEST, NETWORKS))
    together = min(max(AT_ONCE // size, 1), networks)
    with np.errstate(all="ignore"):
        walks = []
        for start in range(0, networks, together):
            watch()
            walks.append(_walk(kernel, gram, layers, min(together, networks - start), rng))
    delta, gradient = (np.concatenate(parts, axis=1) for parts in zip(*walks, strict=True))
    return delta, gradient


def _walk(
    kernel: Array, gram: Array, layers: Sequence[RandomLayer], networks: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Go forwards and back through so many networks at once."""
    kernels = [np.broadcast_to(kernel, (networks, *kernel.shape))]
    slopes: list[Array] = []
    for layer in layers[:-1]:
        covariance = layer.square * kernels[-1] + layer.bias_square
        z = _draw(covariance, layer.width, rng)
        a, slope, scratch = np.empty_like(z), np.empty_like(z), np.empty_like(z)
        function = layer.moments.function
        function.value(z, a, scratch)
        function.slope(z, a, slope, scratch)
        slopes.append(slope)
        kernels.append(np.swapaxes(a, 1, 2) @ a / layer.width)
    delta, gradient = np.empty((2, len(layers), networks))
    gram, scale = np.broadcast_to(gram, kernels[0].shape), np.zeros(networks)
    for i in range(len(layers) - 1, -1, -1):
        if i < len(layers) - 1:
            back = _draw(layers[i + 1].square / layers[i].width * gram, layers[i].width, rng) * slopes[i]
            gram = np.swapaxes(back, 1, 2) @ back
        # Squares of small gradients would underflow: the scale is kept apart.
        size = np.trace(gram, axis1=1, axis2=2)
        gram, scale = gram / size[:, None, None], scale + np.log(size)
        delta[i] = scale
        gradient[i] = scale + np.log(np.einsum("rab,rab->r", gram, kernels[i]))
    return delta, gradient


def _draw(covariance: Array, units: int, rng: np.random.Generator) -> Array:
    """Return (networks, units, samples) from N(0, covariance), one covariance for each network."""
    count = covariance.shape[-1]
    mean = np.trace(covariance, axis1=1, axis2=2)[:, None, None] / count
    root = np.linalg.cholesky(covariance / mean + JITTER * np.eye(count)) * np.sqrt(mean)
    drawn: Array = rng.standard_normal((len(covariance), units, count)) @ np.swapaxes(root, 1, 2)
    return drawn
