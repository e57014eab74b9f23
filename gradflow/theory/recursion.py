"""One sample through a random network of any widths, and its gradient back: means, and the band of finite width.

Forward  q_l = σ_w²·k_{l−1} + σ_b²,  k_l = E φ(√q_l·z)²;  backward ‖δ_l‖² = ‖δ_{l+1}‖²·σ_w²(l+1)·E φ′(√q_l·z)², in which
widths cancel when Var W = σ_w²/fan-in; and since ∂ℓ/∂W = δ·aᵀ has rank one, ‖∂ℓ/∂W_l‖² = ‖δ_l‖²·n_{l−1}·k_{l−1}
(Schoenholz et al. 2017, for one sample and any shape).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array


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
        factor = np.append(squares[1:] * _of_each(layers, "slope", q)[:-1], 1.0)
        # Norms, not squares: 10⁻²⁰⁰ is a result.
        delta = np.cumprod(np.sqrt(factor[::-1]))[::-1]
        widths = np.array([input_width, *(layer.width for layer in layers[:-1])])
        weight_grad = delta * np.sqrt(widths * np.append(input_square, k[:-1]))
        share = squares * np.append(input_square, k[:-1]) / q
        variances = _variances(layers, q, np.where(np.isfinite(share), share, 1.0))
        return Recursion(q, k, factor, delta, weight_grad, *variances)


def _variances(layers: Sequence[RandomLayer], q: Array, f: Array) -> tuple[Array, Array]:
    """Return Var ln ‖δ_l‖² and Var ln ‖∂ℓ/∂W_l‖².

    Each hidden layer i adds noise of order 1/n_i to ln k_i (η) and to the step of δ back through it (ζ). What reaches
    ln q_{i+1} is the share f = σ_w²k/q that does not come from the biases; there it changes ln k by s = d ln V₂/d ln q
    and the factor by g = d ln D₂/d ln q.
    """
    count = len(layers)
    widths = np.array([*(layer.width for layer in layers[:-1]), np.inf])
    # All of these are ratios, which are what they are at the limits long before squares under- or overflow.
    q = np.clip(q, 1e-60, 1e60)
    value, slope = _of_each(layers, "value", q), _of_each(layers, "slope", q)
    eta = (_of_each(layers, "value4", q) / value**2 - 1.0) / widths
    zeta = (3.0 * _of_each(layers, "slope4", q) / slope**2 - 1.0) / widths
    both = (_of_each(layers, "mixed", q) / (value * slope) - 1.0) / widths
    s = q * _of_each(layers, "value_growth", q) / value
    g = _of_each(layers, "slope_growth", q)
    # What a change of ln k below layer l does to all the factors above, and what noise has gathered in ln k there.
    reach, gathered = np.zeros(count + 1), np.zeros(count)
    for i in range(count - 2, -1, -1):
        reach[i] = f[i] * (g[i] + s[i] * reach[i + 1])
    for i in range(1, count):
        gathered[i] = gathered[i - 1] * (f[i - 1] * s[i - 1]) ** 2 + eta[i - 1]
    above = reach[1:]
    behind = np.cumsum((above**2 * eta + 2.0 * above * both + zeta)[::-1])[::-1]
    return gathered * reach[:-1] ** 2 + behind, gathered * (reach[:-1] + 1.0) ** 2 + behind


def _of_each(layers: Sequence[RandomLayer], average: str, q: Array) -> Array:
    """Return an average of every layer's φ, at once for those that share it."""
    found = np.empty(len(layers))
    for moments in {layer.moments for layer in layers}:
        rows = [i for i, layer in enumerate(layers) if layer.moments is moments]
        found[rows] = getattr(moments, average)(q[rows])
    return found
