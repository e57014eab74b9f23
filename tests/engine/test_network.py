"""The network: views on two flat vectors, first weights, twins, fitting to data, and what depth does to a gradient."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from engine_architectures import Architecture, images, rows
from engine_kit import BRANCHED, distance, load_random_batch, network_of, small_network, turn
from hypothesis import given, settings

from gradflow.engine.activations import PReLU, ReLU, Tanh
from gradflow.engine.graph import Phase
from gradflow.engine.initializers import INITIALIZERS, he_normal, lsuv, saved, xavier_normal, zeros
from gradflow.engine.layers import Init, LayerSpec
from gradflow.engine.network import Network
from gradflow.engine.optimizers import SGD, Hyper
from gradflow.engine.update import Update

# The flat vectors


@settings(max_examples=50)
@given(rows() | images())
def test_nodes_are_views_of_two_flat_vectors_in_order_without_gaps_or_overlaps(architecture: Architecture) -> None:
    network = architecture.build()
    flat = np.arange(network.parameters.size, dtype=float)
    network.parameters[:], network.gradients[:] = flat, -flat
    views = [view for _, node in network.learning for view in node.parameter_views.values()]
    gradients = [view for _, node in network.learning for view in node.gradient_views.values()]
    np.testing.assert_array_equal(np.concatenate([view.ravel() for view in views]), flat)
    np.testing.assert_array_equal(np.concatenate([view.ravel() for view in gradients]), -flat)
    assert all(np.shares_memory(view, network.parameters) for view in views)
    assert all(np.shares_memory(view, network.gradients) for view in gradients)
    for _, node in network.learning:
        np.testing.assert_array_equal(flat[node.span][: node.parameter_count], network.parameters[node.span])
    learning = [node for node in network.graph.order if hasattr(node, "parameter_views")]
    assert sorted(map(id, learning)) == sorted(id(node) for _, node in network.learning), "every node has its layer"


def test_layers_own_their_weights_under_the_names_of_the_lecture() -> None:
    network = small_network()
    network.parameters[:] = np.arange(network.parameters.size)
    for layer in network.layers:
        linear = layer.linear
        assert linear.W.shape == linear.W_grad.shape == (linear.inputs[0].units, linear.units)
        assert linear.b.shape == linear.b_grad.shape == (linear.units,)
        np.testing.assert_array_equal(network.parameters[linear.span], np.append(linear.W, linear.b))


def test_running_statistics_lie_in_a_flat_vector_of_their_own() -> None:
    network = small_network(norm="batch-norm")
    assert network.state.size == 4 * 2 * 5
    network.state[:] = np.arange(40.0)
    for i, layer in enumerate(network.layers[:-1]):
        assert layer.norm.state_views["running_mean"].tolist() == list(np.arange(5.0) + 10 * i)
        assert layer.norm.state_views["running_variance"].tolist() == list(np.arange(5.0) + 10 * i + 5)


def test_parameters_written_to_the_vector_are_used_at_once() -> None:
    network = small_network()
    network.parameters[:] = 0.0
    network.parameters[-2:] = 1.5, -2.0  # the output layer's biases
    network.forward()
    np.testing.assert_array_equal(network.layers[-1].linear.value, [[1.5, -2.0]] * 4)


def test_vector_taken_over_is_copied() -> None:
    network = small_network()
    other = np.ones(network.parameters.size)
    network.take_over(other)
    other[:] = 5.0
    assert (network.parameters == 1.0).all()


def test_step_of_sgd_moves_a_bias_once_per_step_and_not_once_per_weight_or_sample() -> None:
    network = network_of([LayerSpec(7, Tanh()), LayerSpec(3, kind="dense")], 9, batch=16)
    turn(network)
    before = [(layer.linear.W.copy(), layer.linear.b.copy()) for layer in network.layers]
    update = Update(network.master, network.gradients, SGD(network.parameters.size))
    update.prepare(Hyper(), 1.0)
    update.take(0.5)
    for layer, (W, b) in zip(network.layers, before, strict=True):
        np.testing.assert_array_equal(layer.linear.W, W - 0.5 * layer.linear.W_grad)
        np.testing.assert_array_equal(layer.linear.b, b - 0.5 * layer.linear.b_grad)
        assert distance(layer.linear.b_grad, layer.linear.delta_rows.sum(axis=0)) <= 1e-14


# First weights


def test_same_generator_draws_the_same_network_and_none_draws_nothing() -> None:
    one, two = small_network(), small_network()
    np.testing.assert_array_equal(one.parameters, two.parameters)
    blank = Network(3, [LayerSpec(2)], type(one.loss), Init(xavier_normal), None)
    assert not blank.parameters.any()


def test_no_two_units_begin_with_the_same_weights() -> None:
    """Otherwise they would compute and learn the same for ever."""
    for name in INITIALIZERS:
        network = small_network(scheme=name, width=20, inputs=30)
        layer = network.layers[1]
        alike = layer.spread.distribution == "constant"
        assert len(np.unique(layer.linear.W, axis=1).T) == (1 if alike else 20), name
        assert len(np.unique(layer.linear.W, axis=0)) == (1 if alike else 20), name


def test_norms_and_learnt_slopes_start_anew_when_a_network_is_drawn_anew() -> None:
    network = small_network(PReLU(0.3), norm="batch-norm")
    first = network.parameters.copy()
    turn(network)
    network.parameters.fill(9.0)
    network.initialize(np.random.default_rng(0))
    np.testing.assert_array_equal(network.parameters, first)
    for layer in network.layers[:-1]:
        assert (layer.norm.gamma == 1.0).all() and not layer.norm.parameter_views["beta"].any()
        assert not layer.norm.state_views["running_mean"].any()
        assert (layer.norm.state_views["running_variance"] == 1.0).all()
        assert (layer.activate.a == 0.3).all()


def test_weights_of_a_saved_run_are_drawn_by_another_scheme_until_they_come() -> None:
    waiting, plain = small_network(scheme="saved"), small_network(scheme="xavier-normal")
    np.testing.assert_array_equal(waiting.parameters, plain.parameters)
    waiting.initialize(np.random.default_rng(0), instead=he_normal)
    np.testing.assert_array_equal(waiting.parameters, small_network(scheme="he-normal").parameters)
    assert np.isnan(saved(waiting.layers[0].fans).std)


def test_biases_follow_the_constant_and_the_deviation_of_their_layer() -> None:
    specs = [LayerSpec(4000, init=Init(xavier_normal, bias=0.2, bias_scale=0.5)), LayerSpec(3, init=Init(zeros))]
    network = network_of(specs, 2)
    one, two, _ = network.layers
    assert one.linear.b.mean() == pytest.approx(0.2, abs=5 * 0.5 / np.sqrt(4000))
    assert one.linear.b.std() == pytest.approx(0.5, rel=0.06)
    assert not two.linear.b.any() and not two.linear.W.any()


# Fitting to data


@pytest.mark.parametrize("norm", [None, "layer-norm"])
@pytest.mark.parametrize("order", ["post", "pre"])
def test_fitting_to_data_gives_every_layer_unit_variance_times_its_scale(order: str, norm: str | None) -> None:
    """Whatever φ, skips, norms or convolutions stand between."""
    image = [LayerSpec(6, ReLU(), kind="conv", norm=norm), LayerSpec(6, ReLU(), 1, "conv", padding=1)]
    specs = [*image, LayerSpec(kind="flatten"), *(LayerSpec(30, ReLU(), 3, norm=norm, order=order) for _ in range(3))]
    network = network_of(specs, (8, 8, 3), init=Init(lsuv), batch=200)
    assert network.data_driven
    network.fit_to_data()
    network.forward()
    for layer in network.layers:
        assert layer.linear.value.var() == pytest.approx(1.0, abs=0.1), layer.number
    assert {node.phase for node in network.graph.order} == {Phase.TRAIN}


def test_scale_is_applied_after_the_data_have_spoken() -> None:
    plain, scaled = (small_network("tanh", "lsuv", scale=scale, skips=[None] * 2, batch=50) for scale in (1.0, 0.5))
    for network in (plain, scaled):
        network.fit_to_data()
    for ours, theirs in zip(scaled.layers, plain.layers, strict=True):
        np.testing.assert_array_equal(ours.linear.W, 0.5 * theirs.linear.W)
        np.testing.assert_array_equal(ours.linear.b, theirs.linear.b)


def test_only_layers_whose_scheme_asks_for_it_are_fitted() -> None:
    specs = [LayerSpec(6, Tanh()), LayerSpec(6, Tanh(), init=Init(lsuv))]
    network = network_of(specs, 3, batch=50)
    before = [layer.linear.W.copy() for layer in network.layers]
    network.fit_to_data()
    assert [np.array_equal(a, b.linear.W) for a, b in zip(before, network.layers, strict=True)] == [True, False, True]


def test_fitting_draws_no_mask_and_moves_no_running_statistics() -> None:
    network = small_network("tanh", "lsuv", norm="batch-norm", dropout=0.5, batch=50)
    state = network.state.copy()
    network.fit_to_data()
    np.testing.assert_array_equal(network.state, state)
    fresh = small_network("tanh", "lsuv", norm="batch-norm", dropout=0.5, batch=50)
    fresh.take_over(network.parameters)
    assert network.forward() == fresh.forward(), "both draw their first masks now"


# Twins


def test_twin_shares_parameters_and_statistics_and_nothing_else() -> None:
    network = small_network(skips=BRANCHED, norm="batch-norm")
    twin = network.twin()
    twin.allocate(7)
    twin.graph.set_phase(Phase.HOLD)
    load_random_batch(twin, np.random.default_rng(9))
    loss = turn(network)
    values, gradients = [node.value.copy() for node in network.graph.order], network.gradients.copy()
    assert twin.parameters is network.parameters and twin.state is network.state and twin.master is network.master
    turn(twin)
    for node, value in zip(network.graph.order, values, strict=True):
        np.testing.assert_array_equal(node.value, value)
    np.testing.assert_array_equal(network.gradients, gradients)
    twin.resize(4)
    twin.input.value[:], twin.loss.targets[:] = network.input.value, network.loss.targets
    assert twin.forward() == loss
    network.parameters *= 2.0
    assert twin.forward() == network.forward() != loss


def test_making_a_twin_draws_nothing_anew() -> None:
    network = small_network(norm="batch-norm")
    turn(network)
    parameters, state = network.parameters.copy(), network.state.copy()
    network.twin()
    np.testing.assert_array_equal(network.parameters, parameters)
    np.testing.assert_array_equal(network.state, state)


# Frozen layers


def test_spans_of_trainable_layers_leave_the_frozen_ones_out_with_all_they_have() -> None:
    how = {"norm": "batch-norm", "skip_from": 0}
    specs = [LayerSpec(4, PReLU(), trainable=False, **how), LayerSpec(5, PReLU(), **how)]
    network = network_of(specs, 3)
    trainable = np.zeros(network.parameters.size, bool)
    for span in network.trainable_spans():
        trainable[span] = True
    for layer, node in network.learning:
        assert (trainable[node.span] == (layer.number > 1)).all()
    assert len(network.layers[0].learning) == 4


# What depth does to a gradient


def test_he_initialised_relu_network_of_twenty_layers_keeps_the_length_of_the_gradient() -> None:
    """256 wide: a factor of 1.00 ± 0.02 per layer, not the 0.707 that counting the slope ½ on the norm gives."""
    factors = []
    for seed in range(6):
        network = small_network(
            "relu", "he-normal", inputs=256, width=256, skips=[None] * 20, batch=64, bias_scale=0.0, seed=seed
        )
        turn(network)
        delta = [np.linalg.norm(layer.linear.grad) for layer in network.layers[:20]]
        factors.append((delta[0] / delta[-1]) ** (1 / 19))
    assert np.mean(factors) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("activation", "scheme", "factor"), [("sigmoid", "xavier-normal", 0.25), ("tanh", "zeros", 0)])
def test_what_vanishes_vanishes(activation: str, scheme: str, factor: float) -> None:
    """A sigmoid passes at most a quarter of the length, layer by layer; zeros pass nothing at all."""
    network = small_network(activation, scheme, inputs=100, width=100, skips=[None] * 10, batch=32)
    turn(network)
    delta = [np.linalg.norm(layer.linear.grad) for layer in network.layers]
    assert delta[-1] > 0.0
    assert all(above * factor * 1.1 >= below for below, above in pairwise(delta[:-1]))
    assert (delta[0] == 0.0) == (factor == 0)
