"""The theory of a batch against the neural tangent kernel: two recursions, one backwards and one forwards.

Jacot et al. 2018: in a wide network Σ_l ∂f_α/∂θ_l·∂f_β/∂θ_l, with Var W put outside of the weights, follows
Θ ← Σ + σ_w²·Θ∘Ġ from layer to layer on the way forwards. The gradient's own theory goes backwards, layer by layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from theory_kit import Array, of

from gradflow.engine.activations import make_activation
from gradflow.theory.propagation import Graph
from gradflow.theory.steps import Bend, Data, Linear

Kernels = Callable[[Array], tuple[Array, Array]]
WIDTH = 512


def arc_cosine(negative_slope: float) -> Kernels:
    """Return E φφ and E φ′φ′ of a leaky rectifier (Cho & Saul 2009), which is (1 − a)·relu + a·identity."""

    def kernels(Q: Array) -> tuple[Array, Array]:
        q = np.sqrt(np.diagonal(Q))
        c = np.clip(Q / np.outer(q, q), -1.0, 1.0)
        np.fill_diagonal(c, 1.0)
        angle, a = np.arccos(c), negative_slope
        relu = (np.sin(angle) + (math.pi - angle) * c) / (2 * math.pi)
        steps = (math.pi - angle) / (2 * math.pi)
        return np.outer(q, q) * ((1 - a) ** 2 * relu + a * c), (1 - a) ** 2 * steps + a

    return kernels


def arc_sine(Q: Array) -> tuple[Array, Array]:
    """Return E φφ and E φ′φ′ of erf (Williams 1997)."""
    q = 1.0 + 2.0 * np.diagonal(Q)
    size = np.outer(q, q)
    return 2 / math.pi * np.arcsin(2 * Q / np.sqrt(size)), 4 / math.pi / np.sqrt(size - 4 * Q**2)


def forwards(kernels: Kernels, x: Array, depth: int, square: float, bias_square: float) -> Array:
    """Return Θ of `depth` hidden layers and a linear output."""
    sigma = square * (x @ x.T) / x.shape[1] + bias_square
    theta = sigma
    for _ in range(depth):
        K, G = kernels(sigma)
        sigma = square * K + bias_square
        theta = sigma + square * theta * G
    return theta


def backwards(name: str, x: Array, depth: int, square: float, bias_square: float, slope: float | None) -> Array:
    """Return Σ_l of σ_w²·P_l∘K_{l−1} + σ_b²·P_l, from the theory of a batch and an output of one unit with δ = 1."""
    steps = [Data(x)]
    for _ in range(depth):
        steps += [Linear(WIDTH, square, bias_square), Bend(make_activation(name, slope))]
    graph = Graph((*steps, Linear(1, square, bias_square)), ((), *((i,) for i in range(len(steps)))))
    signals = graph.forward()
    grams = graph.backward(signals, np.ones((len(x), len(x))))
    total = np.zeros((len(x), len(x)))
    for place in range(1, len(graph.steps), 2):
        total += grams[place] * (square * signals[place - 1].covariance + bias_square)
    return total


CASES = {
    "relu": ("relu", None, arc_cosine(0.0), 2.0, 0.0),
    "relu with biases": ("relu", None, arc_cosine(0.0), 1.7, 0.2),
    "leaky": ("leaky-relu", 0.2, arc_cosine(0.2), 1.9, 0.1),
    "erf": ("erf", None, arc_sine, 1.5, 0.05),
}


@pytest.mark.parametrize("depth", [2, 6, 20])
@pytest.mark.parametrize("case", CASES)
def test_gradients_of_a_batch_add_up_to_the_tangent_kernel(case: str, depth: int) -> None:
    """A21, with published closed forms on the forward side."""
    name, slope, kernels, square, bias_square = CASES[case]
    x = np.random.default_rng(0).standard_normal((6, 20))
    x[1] = x[0] + 0.1 * x[1]
    expected = forwards(kernels, x, depth, square, bias_square)
    found = backwards(name, x, depth, square, bias_square, slope)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["gelu", "silu", "sigmoid", "tanh"])
def test_the_same_holds_without_closed_forms(name: str) -> None:
    """A21: pairs one by one on the forward side, the Hermite expansion of the batch on the other."""
    m, x = of(name), np.random.default_rng(1).standard_normal((4, 20))

    def pairs(Q: Array) -> tuple[Array, Array]:
        q = np.diagonal(Q)
        c = np.clip(Q / np.sqrt(np.outer(q, q)), -1.0, 1.0)
        return np.asarray(m.pair(q[:, None], q, c)), np.asarray(m.slope_pair(q[:, None], q, c))

    expected = forwards(pairs, x, 6, 1.5, 0.1)
    np.testing.assert_allclose(backwards(name, x, 6, 1.5, 0.1, None), expected, rtol=1e-6)
