"""How much random networks of finite width differ, for one sample in a plain chain: to the first order in 1/width.

What is typical lies e^(−variance/2) below the mean square. Orthogonal weights scatter less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array
from gradflow.theory.tables import AVERAGES, table_of


@dataclass(frozen=True)
class RandomLayer:
    """A layer before its weights are drawn: `width` units, σ_w² = fan-in·Var W, σ_b² = Var b, and what follows z."""

    width: int
    square: float
    bias_square: float
    moments: Moments


def variances(layers: Sequence[RandomLayer], q: Array, below: Array) -> tuple[Array, Array]:
    """Return Var ln ‖δ_l‖² and Var ln ‖∂ℓ/∂W_l‖² for E z² = `q` of every layer and E a² = `below` of its input.

    Each hidden layer i adds noise of order 1/n_i to ln k_i (η) and to the step of δ back through it (ζ). What reaches
    ln q_{i+1} is the share f = σ_w²k/q that does not come from the biases; there it changes ln k by s = d ln V₂/d ln q
    and the factor by g = d ln D₂/d ln q.
    """
    count = len(layers)
    eta, zeta, both, s, g = np.empty((5, count))
    with np.errstate(all="ignore"):
        for moments, rows in _alike(layers):
            # All of these are ratios, which are what they are at the limits long before squares under- or overflow.
            table, clipped = table_of(moments), np.clip(q[rows], 1e-60, 1e60)
            value, slope, value4, slope4, mixed = table(clipped, *AVERAGES)
            eta[rows] = value4 / value**2 - 1.0
            zeta[rows] = 3.0 * slope4 / slope**2 - 1.0
            both[rows] = mixed / (value * slope) - 1.0
            s[rows], g[rows] = table.growth("value", clipped), table.growth("slope", clipped)
        share = np.array([layer.square for layer in layers]) * below / q
    eta, zeta, both = np.array([eta, zeta, both]) / np.array([*(layer.width for layer in layers[:-1]), np.inf])
    f = np.where(np.isfinite(share), share, 1.0)
    forward, to_factor = (f * s).tolist(), (f * g).tolist()
    # What a change of ln k below layer l does to all the factors above, and what noise has gathered in ln k there.
    reaching, gathering = [0.0, 0.0], [0.0]
    for own, onwards in zip(to_factor[-2::-1], forward[-2::-1], strict=True):
        reaching.append(own + onwards * reaching[-1])
    for noise, onwards in zip(eta[:-1].tolist(), forward[:-1], strict=True):
        gathering.append(gathering[-1] * onwards**2 + noise)
    reach, above, gathered = np.array(reaching[:0:-1]), np.array(reaching[-2::-1]), np.array(gathering)
    behind = np.cumsum((above**2 * eta + 2.0 * above * both + zeta)[::-1])[::-1]
    return gathered * reach**2 + behind, gathered * (reach + 1.0) ** 2 + behind


def _alike(layers: Sequence[RandomLayer]) -> list[tuple[Moments, list[int]]]:
    """Return every φ with the places of the layers that share it."""
    rows: dict[Moments, list[int]] = {}
    for i, layer in enumerate(layers):
        rows.setdefault(layer.moments, []).append(i)
    return list(rows.items())
