"""Backpropagation against differences of the loss, for every combination of registered parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from engine_kit import BRANCHED, load_random_batch, small_network, turn
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gradflow.engine.activations import ACTIVATIONS, Activation, Identity, Tanh, make_activation
from gradflow.engine.gradcheck import LayerCheck, check
from gradflow.engine.graph import Graph, Input
from gradflow.engine.initializers import INITIALIZERS, Fans
from gradflow.engine.losses import LOSSES, MeanSquaredError
from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Add, Dense

PER_LAYER = 14


def checked(network: Network, seed: int = 1) -> list[LayerCheck]:
    return list(check(network, np.random.default_rng(seed), PER_LAYER))


def tame(scheme: str) -> float:
    """Return a scale at which schemes blind to the width keep the loss smooth on the scale of the differences."""
    return 1.0 if INITIALIZERS[scheme].part(Fans(5, 5)).n else 0.3


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scheme", INITIALIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_combination_of_parts_passes_the_gradient_check(activation: str, scheme: str, loss: str) -> None:
    network = small_network(activation, scheme, loss, scale=tame(scheme))
    layers = checked(network)
    assert all(layer.passed for layer in layers), layers
    assert layers[-1].resolved, "the output layer has no kink and always receives a gradient"
    if all(layer.spread.std > 0 for layer in network.layers):
        # Random weights leave nothing undecided: every layer was really compared.
        assert all(layer.resolved for layer in layers), layers
        assert all(layer.at_kinks <= 1 for layer in layers), layers


@settings(max_examples=60, deadline=None)
@given(
    activation=st.sampled_from(list(ACTIVATIONS)),
    loss=st.sampled_from(list(LOSSES)),
    depth=st.integers(1, 6),
    width=st.integers(1, 7),
    batch=st.integers(1, 9),
    skips=st.randoms(use_true_random=False),
    seed=st.integers(0, 2**32 - 1),
)
def test_directional_derivative_equals_gradient_times_direction(activation, loss, depth, width, batch, skips, seed):
    """(L(θ+hv) − L(θ−hv))/2h, extrapolated to h → 0, is ∇L·v for any shape of network."""
    sources = [None, *(skips.choice([None, *range(1, number)]) for number in range(2, depth + 1))]
    network = small_network(activation, loss=loss, width=width, batch=batch, skips=sources, seed=seed)
    turn(network)
    gradient, start = network.gradients.copy(), network.parameters.copy()
    direction = np.random.default_rng(seed + 1).standard_normal(start.size)
    direction /= np.linalg.norm(direction)
    kinked = [layer for layer in network.layers if layer.activate and layer.activate.function.kinked]
    h, losses, sides = 1e-3, {}, []
    for steps in (-2, -1, 1, 2):
        network.parameters[:] = start + steps * h * direction
        losses[steps] = network.forward()
        sides.append(np.concatenate([np.sign(layer.dense.value).ravel() for layer in kinked] or [np.empty(0)]))
    assume(all(np.array_equal(sides[0], other) for other in sides))
    difference = (8 * (losses[1] - losses[-1]) - (losses[2] - losses[-2])) / (12 * h)
    # The five-point formula is off by h⁴·L⁗′/30 and by a few ε·|L|/h.
    roundoff = 8 * np.finfo(float).eps * abs(losses[1]) / h
    assert abs(difference - gradient @ direction) <= 1e-8 * max(np.linalg.norm(gradient), 1.0) + roundoff


def test_gradient_of_a_node_is_the_sum_over_its_three_consumers() -> None:
    """∂L/∂a₁ by hand along three paths: through layers 2 and 3, to the first sum, to the second sum."""
    network = small_network("tanh", batch=3)
    turn(network)
    one, two, three, four, out = network.layers
    delta_out = 2 / network.loss.targets.size * (out.dense.value - network.loss.targets)
    into_second_sum = delta_out @ out.dense.W.T
    delta_four = into_second_sum * (1 - four.output.value**2)
    into_first_sum = delta_four @ four.dense.W.T
    delta_three = into_first_sum * (1 - three.output.value**2)
    delta_two = (delta_three @ three.dense.W.T) * (1 - two.output.value**2)
    by_hand = delta_two @ two.dense.W.T + into_first_sum + into_second_sum
    np.testing.assert_allclose(one.output.grad, by_hand, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(one.dense.grad, by_hand * (1 - one.output.value**2), rtol=1e-13, atol=1e-16)


def test_dense_and_activate_also_add_to_a_gradient_that_is_there_already() -> None:
    """One source read by two dense layers, an activation and a sum: each kind of node can come second."""
    rng = np.random.default_rng(0)
    data = Input(2)
    source = Dense(data, 3)
    first, second, bent = Dense(source, 3), Dense(source, 3), Activate(source, Tanh())
    loss = MeanSquaredError(Add(Add(Add(first, second), bent), source))
    graph = Graph(loss)
    nodes = [source, first, second]
    for node in nodes:
        node.bind(rng.standard_normal(node.parameter_count), np.zeros(node.parameter_count))
    graph.allocate(4)
    data.value[:] = rng.standard_normal((4, 2))
    for _ in range(2):  # the second walk must not add to the first one's gradients
        graph.forward()
        graph.backward()
    delta = 2 / 12 * (first.value + second.value + bent.value + source.value)
    expected = delta @ first.W.T + delta @ second.W.T + delta * (1 - np.tanh(source.value) ** 2) + delta
    np.testing.assert_allclose(source.grad, expected, rtol=1e-13)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_short_batch_has_the_gradient_of_a_network_of_its_own_size(samples: int) -> None:
    short, own = small_network(batch=4), small_network(batch=samples)
    turn(short)
    short.resize(samples)
    own.input.value[:], own.loss.targets[:] = short.input.value, short.loss.targets
    assert turn(short) == pytest.approx(turn(own), rel=1e-14)
    np.testing.assert_allclose(short.gradients, own.gradients, rtol=1e-12, atol=1e-17)
    assert all(layer.passed and layer.resolved for layer in checked(short))


def test_gradients_are_overwritten_not_accumulated_from_turn_to_turn() -> None:
    network = small_network()
    turn(network)
    first = network.gradients.copy()
    turn(network)
    np.testing.assert_array_equal(network.gradients, first)


# The check itself must be able to fail, and to say that it does not know.


@dataclass(frozen=True)
class WrongTanh(Tanh):
    """tanh with the slope of somebody else: 1 − φ instead of 1 − φ²."""

    def slope(self, z, a, out):
        np.subtract(1.0, a, out=out)


@dataclass(frozen=True)
class SlightlyWrongTanh(Tanh):
    """tanh with a slope that is off by one part in ten thousand."""

    def slope(self, z, a, out):
        super().slope(z, a, out)
        np.multiply(out, 1.0001, out=out)


@dataclass(frozen=True)
class SilentTanh(Tanh):
    """tanh that passes no gradient on."""

    def slope(self, z, a, out):
        out.fill(0.0)


@dataclass(frozen=True)
class BrokenTanh(Tanh):
    """tanh whose slope is not a number."""

    def slope(self, z, a, out):
        out.fill(np.nan)


@pytest.mark.parametrize("wrong", [WrongTanh(), SlightlyWrongTanh()])
def test_wrong_slope_fails_in_every_layer_below_it_and_not_above(wrong: Activation) -> None:
    layers = checked(small_network(wrong))
    assert [layer.passed for layer in layers] == [False] * len(BRANCHED) + [True]


@pytest.mark.parametrize("wrong", [SilentTanh(), BrokenTanh()])
def test_gradient_that_backprop_loses_fails(wrong: Activation) -> None:
    """Backprop says 0 or nan where the differences clearly see a gradient."""
    layers = checked(small_network(wrong))
    assert [layer.passed for layer in layers] == [False] * len(BRANCHED) + [True]


def test_gradient_far_below_round_off_is_unresolved_not_right() -> None:
    """Twenty small sigmoid layers: ‖∂L/∂W₁‖ is far smaller than what differences of the loss can show."""
    layers = checked(small_network("sigmoid", scale=0.1, skips=[None] * 20))
    assert 0.0 < layers[0].gradient_norm < 1e-20 < layers[0].round_off
    assert not layers[0].resolved
    assert layers[0].passed, "not knowing is not failing"
    assert layers[-1].resolved


@pytest.mark.parametrize("loss", [name for name in LOSSES if name.endswith("cross-entropy")])
def test_right_gradient_of_a_confident_network_does_not_fail(loss: str) -> None:
    """The first logit is 20 and right: L ≈ 2e-9 is small, its round-off is not, yet backprop is exact."""
    network = small_network("tanh", loss=loss)
    for array, value in ((network.layers[-1].dense.b, 20.0), (network.loss.targets, 1.0)):
        array.fill(0.0)
        array[..., 0] = value
    assert all(layer.passed for layer in checked(network)), checked(network)


def test_layer_without_any_gradient_is_unresolved() -> None:
    layers = checked(small_network("tanh", "zeros", bias_scale=0.0))
    assert [layer.resolved for layer in layers] == [False] * len(BRANCHED) + [True]
    assert layers[0].relative_error is None


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if make_activation(name).kinked])
def test_entries_whose_difference_straddles_a_kink_are_counted_and_left_out(activation: str) -> None:
    """With W = 0 and b = 0 every z lies on the kink, and every parameter of layer 1 moves some z across it."""
    first, *_, last = checked(small_network(activation, "zeros", bias_scale=0.0))
    assert (first.checked, first.at_kinks) == (0, PER_LAYER)
    assert not first.resolved
    assert last.at_kinks == 0


def test_smooth_activations_have_no_kinks_to_count() -> None:
    assert all(layer.at_kinks == 0 for layer in checked(small_network("tanh", "zeros", bias_scale=0.0)))


def test_check_leaves_parameters_and_gradients_as_they_were() -> None:
    network = small_network()
    turn(network)
    parameters, gradients = network.parameters.copy(), network.gradients.copy()
    layers = checked(network)
    assert [layer.checked for layer in layers] == [PER_LAYER] * 4 + [12]
    np.testing.assert_array_equal(network.parameters, parameters)
    np.testing.assert_array_equal(network.gradients, gradients)


def test_check_looks_at_every_entry_of_a_small_layer_and_at_a_drawn_part_of_a_large_one() -> None:
    network = small_network(Identity(), width=12, skips=[None])
    load_random_batch(network, np.random.default_rng(3))
    counts = [layer.checked for layer in check(network, np.random.default_rng(0), per_layer=30)]
    assert counts == [30, 26]
