"""Growth per block and per normalised layer, and shattered gradients, against published and computed numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from recursion_kit import blocks
from theory_kit import Array, of

from gradflow.engine.activations import make_activation
from gradflow.theory.maps import CorrelationMap
from gradflow.theory.propagation import Graph
from gradflow.theory.steps import Bend, Data, Linear, Rescale, Step


def test_residual_rectifiers_grow_exponentially_in_the_number_of_blocks() -> None:
    """A17, the theory's side: √2 per block with He inside, √3 with He on both layers, √e in all with α = 1/√L."""
    assert blocks("relu", 20, 2.0, 1.0).decades == pytest.approx(3.010, abs=1e-3)
    assert blocks("relu", 20, 2.0, 2.0).decades == pytest.approx(4.771, abs=1e-3)
    assert blocks("relu", 50, 2.0, 1.0, 50**-0.5).decades == pytest.approx(0.215, abs=1e-3)
    for count in (10, 1000):
        scaled = blocks("relu", count, 2.0, 1.0, count**-0.5)
        assert 10**scaled.decades < math.sqrt(math.e)
        np.testing.assert_allclose(scaled.lengths[1:] / scaled.lengths[:-1], scaled.factors, rtol=1e-13)


def test_residual_tanh_grows_with_the_root_of_the_number_of_blocks() -> None:
    """A17, the theory's side; Yang & Schoenholz 2017: exp(Θ(√L)), ln(p_0/p_L) ≈ 1.08·√L."""
    assert blocks("tanh", 50, 1.0, 1.0).decades == pytest.approx(1.567, abs=1e-3)
    for count, ratio in {25: 0.962, 100: 1.055, 400: 1.081, 1600: 1.083}.items():
        exponent = blocks("tanh", count, 1.0, 1.0).decades * 2 * math.log(10) / math.sqrt(count)
        assert exponent == pytest.approx(ratio, abs=1e-3)


def test_closed_branches_leave_everything_as_it_is() -> None:
    found = blocks("relu", 7, 2.0, 0.0)
    assert found.decades == 0.0
    assert (found.lengths == 1.0).all()


def sent_back(samples: Array, name: str, square: float, depth: int, norm: bool = False) -> list[Array]:
    """Return what equal layers make of a Gram matrix of ones at the output, in front of each φ from the last one on."""
    steps: list[Step] = [Data(samples)]
    for _ in range(depth):
        steps += [Linear(100, square), *([Rescale(centred=True)] if norm else []), Bend(make_activation(name))]
    graph = Graph((*steps, Linear(1, square)), ((), *((i,) for i in range(len(steps)))))
    grams = graph.backward(graph.forward(), np.ones((len(samples), len(samples))))
    return [gram for step, gram in zip(graph.steps, grams, strict=True) if isinstance(step, Linear)][-2::-1]


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("relu", 1.0),
        ("tanh", 1.0853),
        ("gelu", 1.0354),
        ("silu", 1.0328),
        ("selu", 1.0352),
        ("elu", 1.0178),
        ("sigmoid", 0.3909),
    ],
)
@pytest.mark.parametrize("square", [2.0, 50.0])
def test_layer_norm_has_a_factor_of_its_own_whatever_the_weights(name: str, factor: float, square: float) -> None:
    last, before, _ = sent_back(np.ones((1, 100)), name, square, 3, norm=True)
    assert np.sqrt(before / last).item() == pytest.approx(factor, abs=5e-5)


@pytest.mark.parametrize(
    ("first", "depth", "expected"),
    [
        *[(0.0, 5, 0.1046), (0.0, 10, 0.0337), (0.0, 24, 0.0055), (0.0, 50, 0.0009)],
        *[(0.5, 24, 0.0153), (0.9, 24, 0.0896), (0.99, 24, 0.3886)],
    ],
)
def test_plain_rectifiers_shatter_slowly(first: float, depth: int, expected: float) -> None:
    """Π(1 − θ_l/π) from inputs at some angle; Balduzzi's 2^−l would be 34 times too small at l = 10."""
    samples = np.array([[1.0, 0.0], [first, math.sqrt(1.0 - first**2)]])
    gram = sent_back(samples, "relu", 2.0, depth)[-1]
    found = gram[0, 1] / gram[0, 0]
    assert found == pytest.approx(expected, abs=5.1e-5)
    c = CorrelationMap(of("relu"), 2.0, 0.0, 1.0).path(first, depth)
    assert found == pytest.approx(np.prod(1 - np.arccos(c) / math.pi), rel=1e-9)
