"""The theory of a batch on Glorot & Bengio's network: δ and ∂L/∂W layer by layer, with nothing measured.

784–5 × 1000–10 tanh, cross-entropy, 128 samples of unit variance with random classes; logits are drawn from theory.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from theory_kit import Array

from gradflow.engine.activations import Tanh
from gradflow.theory.propagation import Graph, output_gradient
from gradflow.theory.steps import Bend, Data, Linear

WIDTHS, BATCH = (784, *[1000] * 5, 10), 128
SQUARES = {
    "standard": [1 / 3] * 6,
    "normalised": [2 * n_in / (n_in + n_out) for n_in, n_out in pairwise(WIDTHS)],
}


@cache
def deviations(case: str) -> tuple[Array, Array]:
    """Return the standard deviations of δ (per sample) and of ∂L/∂W in the five hidden layers."""
    rng = np.random.default_rng(0)
    y = np.eye(10)[rng.integers(10, size=BATCH)]
    steps = [Data(rng.standard_normal((BATCH, 784)))]
    for square, units in zip(SQUARES[case], WIDTHS[1:], strict=True):
        steps.append(Linear(units, square))
        if units > 10:
            steps.append(Bend(Tanh()))
    graph = Graph(tuple(steps), ((), *((i,) for i in range(len(steps) - 1))))
    signals = graph.forward()

    def delta(logits: Array) -> Array:
        odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return odds / odds.sum(axis=-1, keepdims=True) - y

    grams = graph.backward(signals, output_gradient(signals[-1], delta, 400, rng).gram)
    places = range(1, 2 * len(WIDTHS) - 3, 2)
    delta_std = [np.sqrt(np.trace(grams[i]) / BATCH / signals[i].units) for i in places]
    # ‖∂L/∂W‖² = n_{l−1}·Σ G∘K/B², over n_l·n_{l−1} weights.
    weight_std = [np.sqrt((grams[i] * signals[i - 1].covariance).sum() / signals[i].units) / BATCH for i in places]
    return np.array(delta_std), np.array(weight_std)


@pytest.mark.parametrize(
    ("case", "published"),
    [("standard", [1.438, 3.049, 5.611, 9.912, 17.28]), ("normalised", [16.46, 23.55, 29.25, 34.16, 38.52])],
)
def test_back_propagated_gradients(case: str, published: list[float]) -> None:
    """A2, the theory's side: Fig. 7."""
    np.testing.assert_allclose(deviations(case)[0] * 1e3, published, rtol=0.015)


@pytest.mark.parametrize(
    ("case", "published"),
    [
        ("standard", [0.1277, 0.1247, 0.1244, 0.1243, 0.1243]),
        ("normalised", [1.459, 1.273, 1.239, 1.222, 1.211]),
    ],
)
def test_weight_gradients(case: str, published: list[float]) -> None:
    """A3, the theory's side: Fig. 8 and eq. 14, ten times smaller with the standard initialisation, and level."""
    found = deviations(case)[1]
    np.testing.assert_allclose(found * 1e3, published, rtol=0.03)
    assert found.max() / found.min() == pytest.approx(max(published) / min(published), rel=0.01)
