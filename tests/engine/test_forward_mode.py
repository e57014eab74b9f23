"""Forward mode against backprop: the Jacobian–vector product of any network is ∇L·h."""

from __future__ import annotations

import numpy as np
import pytest
from engine_architectures import Architecture, images, rows
from engine_kit import hold, small_network, stir, turn
from hypothesis import given
from hypothesis import strategies as st

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.forward_mode import tangents
from gradflow.engine.network import Network
from gradflow.engine.nodes import NORMS


def both_modes(network: Network, seed: int) -> tuple[float, float, float]:
    """Return ∇L·h by forward and by reverse mode for a random h, and how large its terms are."""
    h = np.random.default_rng([seed, 7]).standard_normal(network.parameters.size)
    with np.errstate(all="ignore"):
        turn(network)
        terms = network.gradients * h
        forward = tangents(network, h)[network.loss]
    return float(forward[0]), float(terms.sum()), float(np.abs(terms).sum())


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_has_the_derivative_of_backprop(name: str) -> None:
    forward, reverse, size = both_modes(stir(small_network(name)), 0)
    assert abs(forward - reverse) <= 1e-13 * size


@pytest.mark.parametrize("name", sorted(NORMS))
def test_every_norm_has_the_derivative_of_backprop(name: str) -> None:
    network = stir(small_network(norm=name, dropout=0.3))
    hold(network)
    forward, reverse, size = both_modes(network, 0)
    assert abs(forward - reverse) <= 1e-13 * size


@given(architecture=rows(fewest=3) | images(fewest=3), seed=st.integers(0, 5))
def test_random_networks_of_every_kind_agree(architecture: Architecture, seed: int) -> None:
    network = architecture.build()
    hold(network)
    forward, reverse, size = both_modes(network, seed)
    assert abs(forward - reverse) <= 1e-11 * max(size, 1e-290)


def test_it_leaves_values_and_parameters_as_they_were() -> None:
    network = stir(small_network("relu", norm="layer-norm"))
    turn(network)
    before = network.parameters.copy(), [node.value.copy() for node in network.graph.order[:-1]]
    tangents(network, np.ones(network.parameters.size))
    np.testing.assert_array_equal(network.parameters, before[0])
    for node, value in zip(network.graph.order, before[1], strict=False):
        np.testing.assert_array_equal(node.value, value)
