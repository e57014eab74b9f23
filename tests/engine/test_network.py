"""The network as a static graph: memory, views on two flat vectors, twins, and the order of the walk."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from engine_kit import BRANCHED, load_random_batch, small_network, turn

from gradflow.engine.activations import ACTIVATIONS, Tanh
from gradflow.engine.graph import Graph, Input
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.losses import LOSSES, MeanSquaredError
from gradflow.engine.network import Init, LayerSpec, Network
from gradflow.engine.nodes import Add, Dense
from gradflow.engine.optimizers import SGD, Step


def test_layers_are_views_of_two_flat_vectors_in_order_without_gaps() -> None:
    network = small_network()
    flat = np.arange(network.parameters.size, dtype=float)
    network.parameters[:], network.gradients[:] = flat, -flat
    W_and_b = [part.ravel() for layer in network.layers for part in (layer.dense.W, layer.dense.b)]
    grads = [part.ravel() for layer in network.layers for part in (layer.dense.W_grad, layer.dense.b_grad)]
    np.testing.assert_array_equal(np.concatenate(W_and_b), flat)
    np.testing.assert_array_equal(np.concatenate(grads), -flat)
    for layer in network.layers:
        assert np.shares_memory(layer.dense.W, network.parameters)
        assert np.shares_memory(layer.dense.b_grad, network.gradients)
        assert layer.dense.W.shape == (layer.dense.inputs[0].units, layer.dense.units)


def test_parameters_written_to_the_vector_are_used_at_once() -> None:
    network = small_network()
    network.parameters[:] = 0.0
    network.parameters[-2:] = 1.5, -2.0  # the output layer's biases
    network.forward()
    np.testing.assert_array_equal(network.layers[-1].dense.value, [[1.5, -2.0]] * 4)


def test_twin_shares_the_parameters_and_nothing_else() -> None:
    network = small_network(skips=BRANCHED)
    twin = network.twin()
    twin.allocate(7)
    load_random_batch(twin, np.random.default_rng(9))
    loss = turn(network)
    values, gradients = [node.value.copy() for node in network.graph.order], network.gradients.copy()
    assert twin.parameters is network.parameters
    turn(twin)
    for node, value in zip(network.graph.order, values, strict=True):
        np.testing.assert_array_equal(node.value, value)
    np.testing.assert_array_equal(network.gradients, gradients)
    twin.resize(4)
    twin.input.value[:], twin.loss.targets[:] = network.input.value, network.loss.targets
    assert twin.forward() == loss
    network.parameters *= 2.0
    assert twin.forward() == network.forward() != loss


def test_network_without_memory_for_gradients_runs_forwards_with_the_same_result() -> None:
    network = small_network()
    twin = network.twin()
    twin.allocate(4, backward=False)
    twin.input.value[:], twin.loss.targets[:] = network.input.value, network.loss.targets
    assert twin.forward() == network.forward()
    assert all(node.grad.size == 0 for node in twin.graph.order)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_training_turn_allocates_no_arrays(activation: str, loss: str) -> None:
    """Fifty turns with momentum; an array of batch × width would take 150 kB, the buffer of a NumPy loop takes 64."""
    network = small_network(activation, loss=loss, width=64, batch=300, skips=(None, None, 1))
    optimizer, step = SGD(network.parameters.size), Step(network.parameters)

    def train(turns: int) -> None:
        for _ in range(turns):
            turn(network)
            step.take(optimizer.direction(network.gradients, 0.9), 1e-4)

    train(turns=3)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        train(turns=50)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 80_000
    assert after - before < 4_000


def test_resizing_to_a_short_batch_and_back_keeps_the_buffers() -> None:
    network = small_network(batch=8)
    base = network.layers[0].dense.value.base
    network.resize(3)
    assert network.layers[0].dense.value.shape == (3, 5)
    network.resize(8)
    assert network.layers[0].dense.value.base is base


def test_nodes_run_after_everything_they_read() -> None:
    network = small_network(skips=BRANCHED)
    place = {id(node): i for i, node in enumerate(network.graph.order)}
    assert len(place) == len(network.graph.order)
    for node in network.graph.order:
        assert all(place[id(source)] < place[id(node)] for source in node.inputs)
    assert network.graph.order[-1] is network.loss


def test_exactly_one_consumer_writes_a_gradient_and_the_others_add() -> None:
    network = small_network(skips=BRANCHED)
    writers = [
        id(source)
        for node in network.graph.order
        for source, first in zip(node.inputs, node.writes_first, strict=True)
        if first
    ]
    assert len(writers) == len(set(writers))


def test_walk_through_many_diamonds_visits_each_node_once() -> None:
    """Forty sums of a node with itself: 2⁴⁰ paths, 40 additions."""
    source = Input(1)
    node = dense = Dense(source, 1)
    for _ in range(40):
        node = Add(node, node)
    loss = MeanSquaredError(node)
    graph = Graph(loss)
    dense.bind(np.array([1.0, 0.0]), np.zeros(2))
    graph.allocate(1)
    source.value[:] = 1.0
    graph.forward()
    graph.backward()
    assert node.value[0, 0] == 2.0**40
    assert dense.W_grad[0, 0] == 2 * 2.0**40 * 2.0**40


def test_skip_adds_the_output_of_the_layer_it_names() -> None:
    network = small_network("tanh", skips=(None, None, 1))
    network.forward()
    one, _, three, out = network.layers
    np.testing.assert_array_equal(out.dense.inputs[0].value, one.output.value + three.output.value)


def test_skip_from_the_input_is_the_data_itself() -> None:
    specs = [LayerSpec(3, Tanh(), skip_from=0), LayerSpec(1, None)]
    init = Init(INITIALIZERS["xavier-normal"].part)
    network = Network(3, specs, MeanSquaredError, init, np.random.default_rng(0))
    network.allocate(2)
    load_random_batch(network, np.random.default_rng(1))
    turn(network)
    one, out = network.layers
    np.testing.assert_array_equal(out.dense.inputs[0].value, network.input.value + one.output.value)


def test_branches_of_different_width_cannot_be_added() -> None:
    data = Input(2)
    with pytest.raises(ValueError, match="cannot add 2 units to 3"):
        Add(data, Dense(data, 3))
