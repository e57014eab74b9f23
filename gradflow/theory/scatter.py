"""How much one random network differs from the next by its finite width: lengths and gradients as random walks.

In a layer of N units the mean square of the activations is an average over N independent units, and so is the factor by
which δ passes: each deviates from its mean by noise of variance (E φ⁴/(E φ²)² − 1)/N and (3·E φ′⁴/(E φ′²)² − 1)/N, the
two correlated. A deviation of the length lives on in the layers above it and changes their factors. Following some
thousand networks through their layers, instead of a formula of first order, stays right where the length map amplifies
deviations (GELU and SiLU at He's scale).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradflow.theory.finite_width import RandomLayer
from gradflow.theory.quadrature import Array
from gradflow.theory.tables import AVERAGES, table_of

NETWORKS = 2048
"""How many random networks are followed: the spread of 256 would itself be off by a tenth, of these by a fiftieth."""


def scatter(input_square: float, layers: Sequence[RandomLayer], rng: np.random.Generator) -> tuple[Array, Array]:
    """Return ln‖δ_l‖² and ln‖∂ℓ/∂W_l‖² of random networks, (layers, networks), each less its wide-layer value.

    For one sample whose components have mean square `input_square`, relative to ‖δ‖ at the output.
    """
    half = rng.standard_normal((len(layers), 2, NETWORKS // 2))
    # Half of the networks mirror the others, and the last column is the network of infinite width.
    noise = np.concatenate([half, -half, np.zeros((len(layers), 2, 1))], axis=2)
    k = np.full(NETWORKS + 1, input_square)
    lengths, steps = np.zeros((2, len(layers), NETWORKS + 1))
    with np.errstate(all="ignore"):
        for i, layer in enumerate(layers):
            lengths[i] = np.log(k)
            q = layer.square * k + layer.bias_square
            if i == len(layers) - 1:
                break
            value, slope, value4, slope4, mixed = table_of(layer.moments)(q, *AVERAGES)
            eta, zeta = _noise(
                noise[i],
                (value4 / value**2 - 1.0) / layer.width,
                (3.0 * slope4 / slope**2 - 1.0) / layer.width,
                (mixed / (value * slope) - 1.0) / layer.width,
            )
            k = value * eta
            steps[i] = np.log(slope * zeta)
        delta = np.cumsum(steps[::-1], axis=0)[::-1]
        gradient = delta + lengths
    return delta[:, :-1] - delta[:, -1:], gradient[:, :-1] - gradient[:, -1:]


def _noise(normal: Array, forward: Array, backward: Array, both: Array) -> tuple[Array, Array]:
    """Return positive factors of mean 1 with these variances and covariance, log-normal; exactly 1 for no noise."""
    a, b, c = np.log1p(np.maximum(forward, 0.0)), np.log1p(np.maximum(backward, 0.0)), np.log1p(both)
    first, second = normal
    along = np.divide(c, np.sqrt(a), out=np.zeros_like(a), where=a > 0.0)
    across = np.sqrt(np.maximum(b - along**2, 0.0))
    still = (first == 0.0) & (second == 0.0)
    eta = np.exp(np.sqrt(a) * first - 0.5 * a)
    zeta = np.exp(along * first + across * second - 0.5 * b)
    return np.where(still, 1.0, eta), np.where(still, 1.0, zeta)
