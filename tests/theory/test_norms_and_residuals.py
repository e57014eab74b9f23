"""Growth per block and per normalised layer, and shattered gradients, against published and computed numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from theory_kit import of

from gradflow.theory.maps import CorrelationMap
from gradflow.theory.norms import (
    batch_norm_factor,
    layer_norm_factor,
    linear_batch_norm_factor,
    unit_variance_square,
)
from gradflow.theory.residual import gradient_correlation, residual_growth


def test_residual_rectifiers_grow_exponentially_in_the_number_of_blocks() -> None:
    """A17, the theory's side: √2 per block with He inside, √3 with He on both layers, √e in all with α = 1/√L."""
    relu = of("relu")
    assert residual_growth(relu, 20, 2.0, 1.0).decades == pytest.approx(3.010, abs=1e-3)
    assert residual_growth(relu, 20, 2.0, 2.0).decades == pytest.approx(4.771, abs=1e-3)
    assert residual_growth(relu, 50, 2.0, 1.0, 50**-0.5).decades == pytest.approx(0.215, abs=1e-3)
    for blocks in (10, 1000):
        scaled = residual_growth(relu, blocks, 2.0, 1.0, blocks**-0.5)
        assert 10**scaled.decades < math.sqrt(math.e)
        np.testing.assert_allclose(scaled.lengths[1:] / scaled.lengths[:-1], scaled.factors, rtol=1e-13)


def test_residual_tanh_grows_with_the_root_of_the_number_of_blocks() -> None:
    """A17, the theory's side; Yang & Schoenholz 2017: exp(Θ(√L)), ln(p_0/p_L) ≈ 1.08·√L."""
    tanh = of("tanh")
    assert residual_growth(tanh, 50, 1.0, 1.0).decades == pytest.approx(1.567, abs=1e-3)
    assert residual_growth(tanh, 100, 1.0, 1.0).decades == pytest.approx(2.290, abs=1e-3)
    for blocks, ratio in {25: 0.962, 100: 1.055, 400: 1.081, 1600: 1.083}.items():
        exponent = residual_growth(tanh, blocks, 1.0, 1.0).decades * 2 * math.log(10) / math.sqrt(blocks)
        assert exponent == pytest.approx(ratio, abs=1e-3)


def test_closed_branches_leave_everything_as_it_is() -> None:
    found = residual_growth(of("relu"), 7, 2.0, 0.0)
    assert found.decades == 0.0
    assert (found.lengths == 1.0).all()


def test_batch_norm_factors() -> None:
    """A15, the theory's side; Yang et al. 2019: ReLU √(π/(π − 1)); finite batches of a linear network."""
    assert batch_norm_factor(of("relu")) == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=1e-12)
    assert batch_norm_factor(of("relu")) == pytest.approx(1.211174, abs=1e-6)
    assert batch_norm_factor(of("tanh")) == pytest.approx(1.0853, abs=5e-5)
    assert batch_norm_factor(of("identity")) == 1.0
    assert linear_batch_norm_factor(8) == pytest.approx(1.0954, abs=5e-5)
    assert linear_batch_norm_factor(32) == pytest.approx(1.0171, abs=5.1e-5)
    assert linear_batch_norm_factor(3) == math.inf


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
def test_layer_norm_factors(name: str, factor: float) -> None:
    assert layer_norm_factor(of(name)) == pytest.approx(factor, abs=5e-5)


def test_lsuv_ends_at_the_weights_that_keep_unit_variance() -> None:
    assert unit_variance_square(of("tanh")) == pytest.approx(2.5362, abs=5e-5)
    assert unit_variance_square(of("relu")) == 2.0


@pytest.mark.parametrize(("depth", "expected"), [(5, 0.1046), (10, 0.0337), (24, 0.0055), (50, 0.0009)])
def test_plain_rectifiers_shatter_slowly(depth: int, expected: float) -> None:
    """Π(1 − θ_l/π) from inputs at right angles; Balduzzi's 2^−l would be 34 times too small at l = 10."""
    relu = of("relu")
    c = CorrelationMap(relu, 2.0, 0.0, 1.0).path(0.0, depth)
    found = gradient_correlation(relu, np.ones(depth), c)
    assert found == pytest.approx(expected, abs=5.1e-5)
    assert found == pytest.approx(np.prod(1 - np.arccos(c) / math.pi), rel=1e-12)


@pytest.mark.parametrize(("first", "expected"), [(0.9, 0.0896), (0.99, 0.3886), (0.5, 0.0153), (0.0, 0.0055)])
def test_alike_inputs_keep_alike_gradients(first: float, expected: float) -> None:
    relu = of("relu")
    c = CorrelationMap(relu, 2.0, 0.0, 1.0).path(first, 24)
    assert gradient_correlation(relu, np.ones(24), c) == pytest.approx(expected, abs=5.1e-5)


def test_where_batch_norm_keeps_inputs_apart_gradients_halve() -> None:
    """A20, the theory's side; Balduzzi et al. 2017: with c = 0 in every layer, 2^−l."""
    for depth in (1, 5, 20):
        found = gradient_correlation(of("relu"), np.ones(depth), np.zeros(depth))
        assert found == pytest.approx(2.0**-depth, rel=1e-12)
