"""One sample through a random network of any widths, and its gradient back: a witness of its own, by quadrature.

Forward  q_l = σ_w²·k_{l−1} + σ_b²,  k_l = E φ(√q_l·z)²;  backward ‖δ_l‖² = ‖δ_{l+1}‖²·σ_w²(l+1)·E φ′(√q_l·z)², in which
widths cancel when Var W = σ_w²/fan-in; and since ∂ℓ/∂W = δ·aᵀ has rank one, ‖∂ℓ/∂W_l‖² = ‖δ_l‖²·n_{l−1}·k_{l−1}
(Schoenholz et al. 2017, for one sample and any shape).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradflow.engine.activations import make_activation
from gradflow.theory.finite_width import RandomLayer, variances
from gradflow.theory.propagation import Graph
from gradflow.theory.quadrature import Array
from gradflow.theory.steps import Bend, Data, Linear, Step, Sum


@dataclass(frozen=True)
class Recursion:
    """What a random network does to one sample; every array has one number per layer, from the input on.

    `q` is E z² and `k` E a² per unit; `factor` is E ‖δ_l‖²/‖δ_{l+1}‖², 1 for the last layer. `delta_norm` is √E ‖δ_l‖²
    and `weight_grad_norm` √E ‖∂ℓ/∂W_l‖² for ‖δ‖ = 1 at the output. The variances of ln ‖δ_l‖² and ln ‖∂ℓ/∂W_l‖² are the
    program's own.
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
    q, k, slope = np.empty((3, len(layers)))
    with np.errstate(all="ignore"):
        for i, layer in enumerate(layers):
            q[i] = layer.square * (k[i - 1] if i else input_square) + layer.bias_square
            k[i], slope[i] = layer.moments.value(q[i]), layer.moments.slope(q[i])
        factor = np.append([layer.square for layer in layers[1:]] * slope[:-1], 1.0)
        # Norms, not squares: 10⁻²⁰⁰ is a result.
        delta = np.cumprod(np.sqrt(factor[::-1]))[::-1]
        below, widths = np.append(input_square, k[:-1]), [input_width, *(layer.width for layer in layers[:-1])]
        return Recursion(q, k, factor, delta, delta * np.sqrt(widths * below), *variances(layers, q, below))


@dataclass(frozen=True)
class Blocks:
    """What blocks x ← x + α·V·φ(W·x) do by the program's steps: x² before each and after the last, and to ‖δ‖²."""

    lengths: Array
    factors: Array

    @property
    def decades(self) -> float:
        """log₁₀ of what the whole stack does to the norm of the gradient, from the output back to the input."""
        return float(np.log10(self.factors).sum() / 2.0)


def blocks(activation: str, count: int, square: float, branch_square: float, scale: float = 1.0) -> Blocks:
    """Return how blocks grow with σ_w² = `square` of W, σ_v² = `branch_square` of V and α = `scale`, from x² = 1."""
    steps, inputs = list[Step]([Linear(100, 1.0)]), [(0,)]
    for _ in range(count):
        start = len(steps)
        steps += [Linear(100, square), Bend(make_activation(activation)), Linear(100, branch_square), Sum(scale)]
        inputs += [(start,), (start + 1,), (start + 2,), (start, start + 3)]
    graph = Graph((Data(np.ones((1, 100))), *steps), ((), *inputs))
    signals = graph.forward()
    grams = graph.backward(signals, np.ones((1, 1)))
    joins = range(1, len(graph.steps), 4)
    squares = np.array([grams[i].item() for i in joins])
    return Blocks(np.array([signals[i].lengths.item() for i in joins]), squares[:-1] / squares[1:])
