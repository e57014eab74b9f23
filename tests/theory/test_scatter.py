"""Finite width: random walks against networks, and against the formula of first order where that holds."""

from __future__ import annotations

import numpy as np
import pytest
from recursion_kit import follow

from gradflow.engine.activations import make_activation
from gradflow.theory.finite_width import RandomLayer
from gradflow.theory.moments import moments_of
from gradflow.theory.scatter import scatter


def chain(name: str, square: float, width: int, depth: int, bias_square: float = 0.0) -> list[RandomLayer]:
    return [RandomLayer(width, square, bias_square, moments_of(make_activation(name)))] * (depth + 1)


@pytest.mark.parametrize(
    ("name", "square"),
    [("relu", 2.0), ("identity", 1.0), ("tanh", 1.0), ("tanh", 1.7), ("selu", 1.0), ("sigmoid", 16.0)],
)
def test_the_spread_is_that_of_the_first_order_where_networks_differ_little(name: str, square: float) -> None:
    layers = chain(name, square, 1000, 10)
    delta, gradient = scatter(1.0, layers, np.random.default_rng(1))
    expected = follow(1.0, 1000, layers)
    np.testing.assert_allclose(delta.var(axis=1)[:-1], expected.delta_variance[:-1], rtol=0.35)
    np.testing.assert_allclose(gradient.var(axis=1)[2:], expected.weight_grad_variance[2:], rtol=0.35)
    # A factor of mean 1 is typically half its variance below.
    np.testing.assert_allclose(delta.mean(axis=1)[:3], -0.5 * delta.var(axis=1)[:3], atol=0.02)


@pytest.mark.parametrize(
    ("name", "square", "measured"),
    [("identity", 1.0, 0.424), ("relu", 2.0, 0.742), ("tanh", 1.0, 0.512), ("gelu", 2.0, 2.74)],
)
def test_the_spread_is_that_of_networks(name: str, square: float, measured: float) -> None:
    """The standard deviation of ln‖δ₁‖² over 60 networks of 20 layers of 200 units, from unit inputs."""
    delta, _ = scatter(1.0, chain(name, square, 200, 20), np.random.default_rng(2))
    assert delta[0].std() == pytest.approx(measured, rel=0.3)


def test_wide_layers_do_not_scatter() -> None:
    delta, gradient = scatter(1.0, chain("tanh", 1.5, 10**9, 20), np.random.default_rng(3))
    assert np.abs(delta).max() < 1e-3 and np.abs(gradient).max() < 1e-3
