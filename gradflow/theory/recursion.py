"""One sample through a random network of any widths, and its gradient back: means, and the band of finite width.

Forward  q_l = σ_w²·k_{l−1} + σ_b²,  k_l = E φ(√q_l·z)²;  backward ‖δ_l‖² = ‖δ_{l+1}‖²·σ_w²(l+1)·E φ′(√q_l·z)², in which
widths cancel when Var W = σ_w²/fan-in; and since ∂ℓ/∂W = δ·aᵀ has rank one, ‖∂ℓ/∂W_l‖² = ‖δ_l‖²·n_{l−1}·k_{l−1}
(Schoenholz et al. 2017, for one sample and any shape).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


@dataclass(frozen=True)
class Recursion:
    """What a random network does to one sample; every array has one number per layer, from the input on.

    `q` is E z² and `k` E a² per unit; `factor` is E ‖δ_l‖²/‖δ_{l+1}‖², 1 for the last layer. `delta_norm` is √E ‖δ_l‖²
    and `weight_grad_norm` √E ‖∂ℓ/∂W_l‖² for ‖δ‖ = 1 at the output. `delta_variance` and `weight_grad_variance` are the
    variances of ln ‖δ_l‖² and ln ‖∂ℓ/∂W_l‖² over the draws of normal weights, to the first order in 1/width; what is
    typical lies e^(−variance/2) below the mean square. Orthogonal weights scatter less.
    """

    q: Array
    k: Array
    factor: Array
    delta_norm: Array
    weight_grad_norm: Array
    delta_variance: Array
    weight_grad_variance: Array


def follow(input_square: float, input_width: int, layers: Sequence[RandomLayer]) -> Recursion:
    """Follow one sample whose components have mean square `input_square` through the layers, and its gradient back."""
    count = len(layers)
    squares = np.array([layer.square for layer in layers])
    q, k = np.empty(count), np.empty(count)
    with np.errstate(all="ignore"):
        for i, layer in enumerate(layers):
            q[i] = layer.square * (k[i - 1] if i else input_square) + layer.bias_square
            k[i] = layer.moments.value(q[i])
        slope = np.empty(count)
        for moments, rows in _alike(layers):
            slope[rows] = moments.slope(q[rows])
        factor = np.append(squares[1:] * slope[:-1], 1.0)
        # Norms, not squares: 10⁻²⁰⁰ is a result.
        delta = np.cumprod(np.sqrt(factor[::-1]))[::-1]
        widths = np.array([input_width, *(layer.width for layer in layers[:-1])])
        weight_grad = delta * np.sqrt(widths * np.append(input_square, k[:-1]))
        return Recursion(
            q, k, factor, delta, weight_grad, *variances(layers, q, np.append(input_square, k[:-1]), _by_quadrature)
        )


def by_table(moments: Moments, q: Array) -> list[Array]:
    """Return what `variances` asks of an activation, to five digits: V₂, D₂, V₄, D₄, E φ²φ′², s and g."""
    table = table_of(moments)
    return [*table(q, *AVERAGES), table.growth("value", q), table.growth("slope", q)]


def _by_quadrature(moments: Moments, q: Array) -> list[Array]:
    averages = [getattr(moments, name)(q) for name in AVERAGES]
    return [*averages, q * moments.value_growth(q) / averages[0], moments.slope_growth(q)]


def variances(
    layers: Sequence[RandomLayer], q: Array, below: Array, averages: Callable[[Moments, Array], list[Array]] = by_table
) -> tuple[Array, Array]:
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
            value, slope, value4, slope4, mixed, *growths = averages(moments, np.clip(q[rows], 1e-60, 1e60))
            eta[rows] = value4 / value**2 - 1.0
            zeta[rows] = 3.0 * slope4 / slope**2 - 1.0
            both[rows] = mixed / (value * slope) - 1.0
            s[rows], g[rows] = growths
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
