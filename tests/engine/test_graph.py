"""The static graph: the order of the walk, who writes and who adds, shared and reused memory, taps and phases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from engine_architectures import Architecture, images, rows
from engine_kit import BRANCHED, Rig, distance, hold, load_random_batch, network_of, small_network, turn
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.engine.activations import ReLU, Tanh
from gradflow.engine.graph import Abandoned, Graph, Input, Node, ParameterNode, Phase
from gradflow.engine.layers import LayerSpec
from gradflow.engine.losses import MeanSquaredError
from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Add, Dense, Dropout, Flatten, Norm
from gradflow.engine.precision import Float32

architectures = rows(dropout=0.3) | images(dropout=0.3)


# The order of the walk


def test_nodes_run_after_everything_they_read() -> None:
    network = small_network(skips=BRANCHED)
    place = {id(node): i for i, node in enumerate(network.graph.order)}
    assert len(place) == len(network.graph.order)
    for node in network.graph.order:
        assert all(place[id(read)] < place[id(node)] for read in node.inputs)
    assert network.graph.order[-1] is network.loss


def test_order_is_the_same_every_time_a_network_is_built() -> None:
    kinds = [[type(node) for node in small_network(skips=BRANCHED).graph.order] for _ in range(2)]
    assert kinds[0] == kinds[1]


def test_exactly_one_consumer_writes_a_gradient_and_the_others_add() -> None:
    network = small_network(skips=BRANCHED)
    writers = [
        id(read)
        for node in network.graph.order
        for read, first in zip(node.inputs, node.writes_first, strict=True)
        if first
    ]
    assert len(writers) == len(set(writers)) == len(network.graph.order) - 1, "all but the loss are read by somebody"


def test_walk_through_many_diamonds_visits_each_node_once() -> None:
    """Forty sums of a node with itself: 2⁴⁰ paths, 40 additions."""
    data = Input(1)
    node = dense = Dense(data, 1)
    for _ in range(40):
        node = Add(node, node)
    graph = Graph(MeanSquaredError(node))
    dense.bind(np.array([1.0, 0.0]), np.zeros(2))
    graph.allocate(1)
    data.value[:] = 1.0
    graph.forward()
    graph.backward()
    assert node.value[0, 0] == 2.0**40
    assert dense.W_grad[0, 0] == 2 * 2.0**40 * 2.0**40


def test_graph_of_five_thousand_layers_is_no_deeper_than_pythons_stack() -> None:
    network = small_network("relu", skips=[None] * 2500)
    turn(network)
    assert len(network.graph.order) > 5000
    assert np.isfinite(network.gradients).all()


# Gradients that share memory


@contextmanager
def nothing_in_place() -> Iterator[None]:
    """Give every node of the graphs built here a gradient of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Activate, Norm, Add, Dropout, Flatten):
            patch.setattr(kind, "in_place", None)
        yield


def twice(architecture: Architecture) -> tuple[Network, Network]:
    """Return the network as it is, and one in which no gradient is turned in place."""
    network = architecture.build()
    with nothing_in_place():
        apart = architecture.build()
    assert all(node.shares_grad_of is None for node in apart.graph.order)
    return network, apart


@settings(max_examples=50)
@given(architecture=architectures, data=st.data())
def test_sharing_memory_changes_no_gradient(architecture: Architecture, data: st.DataObject) -> None:
    """For the full batch, a short one, and the full one again."""
    network, apart = twice(architecture)
    short = data.draw(st.integers(1, architecture.batch))
    for samples in (architecture.batch, short, architecture.batch):
        for one in (network, apart):
            one.resize(samples)
            load_random_batch(one, np.random.default_rng(architecture.seed))
        assert turn(network) == pytest.approx(turn(apart), rel=1e-13, nan_ok=True)
        assert distance(network.gradients, apart.gradients) <= 1e-12
        for ours, theirs in zip(network.layers, apart.layers, strict=True):
            assert distance(ours.linear.grad, theirs.linear.grad) <= 1e-12, f"δ of layer {ours.number}"
    assert network.state == pytest.approx(apart.state, rel=1e-12, nan_ok=True)


def test_only_reader_of_a_gradient_takes_it_over_and_one_of_several_does_not() -> None:
    data = Input(3)
    alone = Activate(Dense(data, 3), Tanh())
    crowded = Dense(alone, 3)
    one_of_two = Activate(crowded, Tanh())
    rig = Rig(Add(crowded, one_of_two))
    assert alone.shares_grad_of is alone.inputs[0]
    assert np.shares_memory(alone.grad, alone.inputs[0].grad)
    assert one_of_two.shares_grad_of is None
    assert not np.shares_memory(one_of_two.grad, crowded.grad)
    assert rig.output.shares_grad_of is one_of_two


def test_nothing_takes_over_the_gradient_of_the_data_because_there_is_none() -> None:
    rig = Rig(Dense(Activate(Input(3), Tanh()), 2))
    data, bent = rig.graph.order[:2]
    assert not data.needs_grad and data.grad.size == 0
    assert bent.shares_grad_of is None
    rig.turn()
    assert bent.grad.any()


# Memory of a forward pass used again


@settings(max_examples=50)
@given(architecture=architectures, data=st.data())
def test_network_without_memory_for_gradients_runs_forwards_with_the_same_result(
    architecture: Architecture, data: st.DataObject
) -> None:
    """In every phase, and for short batches too: what is overwritten is never needed again."""
    network = architecture.build()
    looking = network.twin()
    looking.allocate(architecture.batch, backward=False)
    assert all(node.grad.size == 0 for node in looking.graph.order)
    turn(network)
    for phase in (Phase.EVALUATE, Phase.HOLD):
        for samples in (architecture.batch, data.draw(st.integers(1, architecture.batch))):
            for one in (network, looking):
                one.resize(samples)
                one.graph.set_phase(phase)
                load_random_batch(one, np.random.default_rng(architecture.seed))
            without_dropout(network)
            network.forward()
            looking.forward()
            assert distance(looking.loss.inputs[0].value, network.loss.inputs[0].value) <= 1e-12
            assert looking.loss.loss == pytest.approx(network.loss.loss, rel=1e-12, nan_ok=True)


def without_dropout(network: Network) -> None:
    """Take the masks of a training pass off again: in a twin that was never trained all units are in."""
    for node in network.graph.order:
        if isinstance(node, Dropout):
            node._mask.fill(1.0)


@pytest.mark.parametrize("skips", [[None] * 200, [None, *[1] * 199]], ids=["chain", "all read the first layer"])
def test_forward_pass_of_two_hundred_layers_takes_turns_on_a_few_arrays(skips: list[int | None]) -> None:
    network = small_network("relu", width=32, skips=skips, batch=50)
    looking = network.twin()
    looking.allocate(50, backward=False)
    values = {id(node.value.base if node.value.base is not None else node.value) for node in looking.graph.order}
    assert len(looking.graph.order) > 400
    assert len(values) <= 6


def test_output_survives_the_forward_pass_for_whoever_asks_for_it() -> None:
    network = small_network(skips=[None] * 9, width=2)
    looking = network.twin()
    looking.allocate(4, backward=False)
    looking.input.value[:], looking.loss.targets[:] = network.input.value, network.loss.targets
    assert looking.forward() == network.forward()
    np.testing.assert_array_equal(looking.loss.inputs[0].value, network.loss.inputs[0].value)


def test_allocating_anew_with_gradients_brings_them_back() -> None:
    network = small_network()
    turn(network)
    before = network.gradients.copy()
    x, y = network.input.value.copy(), network.loss.targets.copy()
    network.allocate(4, backward=False)
    network.allocate(4)
    network.input.value[:], network.loss.targets[:] = x, y
    turn(network)
    np.testing.assert_array_equal(network.gradients, before)


# Batches of other sizes


def test_resizing_to_a_short_batch_and_back_keeps_the_buffers() -> None:
    network = small_network(batch=8)
    base = network.layers[0].linear.value.base
    network.resize(3)
    assert network.layers[0].linear.value.shape == (3, 5)
    network.resize(8)
    assert network.layers[0].linear.value.base is base


@settings(max_examples=50)
@given(architecture=architectures, data=st.data())
def test_short_batch_is_a_batch_of_its_own(architecture: Architecture, data: st.DataObject) -> None:
    """What a full batch left in the buffers, borders of images and masks among it, does not reach a short one."""
    network, own = architecture.build(), architecture.build()
    turn(network)
    samples = data.draw(st.integers(1, architecture.batch))
    network.resize(samples)
    own.allocate(samples)
    for one in (network, own):
        one.graph.set_phase(Phase.HOLD)
        load_random_batch(one, np.random.default_rng(architecture.seed))
    without_dropout(network)
    assert turn(network) == pytest.approx(turn(own), rel=1e-12)
    assert distance(network.gradients, own.gradients) <= 1e-11


# Taps


def test_tap_runs_right_after_the_backward_of_its_node() -> None:
    """Then a layer has its gradients, and the next one in the walk has not begun."""
    network = small_network(skips=BRANCHED)
    turn(network)
    expected = network.gradients.copy()
    network.gradients.fill(np.nan)
    seen: list[Node] = []

    def tap(node: ParameterNode) -> None:
        np.testing.assert_array_equal(network.gradients[node.span], expected[node.span])
        later = [other.span for _, other in network.learning if other not in (node, *seen)]
        assert all(np.isnan(network.gradients[span]).all() for span in later)
        seen.append(node)

    network.graph.tap({node: lambda node=node: tap(node) for _, node in network.learning})
    turn(network)
    assert seen == [node for _, node in network.learning][::-1]


def test_tap_may_be_put_on_any_node_and_replaces_the_one_before() -> None:
    network = small_network(skips=[None])
    calls: list[str] = []
    network.graph.tap({node: lambda: calls.append("old") for node in network.graph.order[:-1]})
    network.graph.tap({node: lambda: calls.append("new") for node in network.graph.order[1:-1]})
    turn(network)
    assert calls == ["new"] * (len(network.graph.order) - 2) + ["old"]


# Phases


def test_phase_reaches_every_node() -> None:
    network = small_network(norm="batch-norm", dropout=0.5)
    for phase in Phase:
        network.graph.set_phase(phase)
        assert {node.phase for node in network.graph.order} == {phase}


@settings(max_examples=60)
@given(architectures)
def test_held_network_says_the_same_twice_and_moves_no_running_statistics(architecture: Architecture) -> None:
    network = architecture.build()
    hold(network)
    state = network.state.copy()
    first, gradients = turn(network), network.gradients.copy()
    assert turn(network) == first
    np.testing.assert_array_equal(network.gradients, gradients)
    np.testing.assert_array_equal(network.state, state)


# Number formats


@settings(max_examples=60)
@given(rows(("tanh", "sigmoid", "gelu", "prelu"), norms=(), most=3) | images(("tanh", "gelu"), norms=(), most=3))
def test_single_precision_agrees_with_double_to_its_own_digits(architecture: Architecture) -> None:
    double, single = architecture.build(), architecture.build(Float32())
    single.take_over(double.parameters)
    single.input.value[:], single.loss.targets[:] = double.input.value, double.loss.targets
    assert single.parameters.dtype == np.float32
    turn(double)
    turn(single)
    assert {node.value.dtype for node in single.graph.order} == {np.dtype(np.float32)}
    assert single.loss.loss == pytest.approx(double.loss.loss, rel=1e-5, abs=1e-6)
    assert np.linalg.norm(single.gradients - double.gradients) <= 1e-4 * np.linalg.norm(double.gradients) + 1e-6


def test_image_with_a_relu_and_a_sum_shares_one_gradient_from_the_sum_down_to_the_convolution() -> None:
    specs = [
        LayerSpec(2, ReLU(), kind="conv", padding=1),
        LayerSpec(2, ReLU(), 1, kind="conv", padding=1, norm="batch-norm"),
    ]
    network = network_of(specs, (4, 4, 1))
    branch = network.layers[1]
    joint = network.layers[2].linear.inputs[0].inputs[0]
    assert isinstance(joint, Add)
    assert np.shares_memory(joint.grad, branch.linear.grad)
    assert not np.shares_memory(joint.grad, network.layers[0].linear.grad)


def test_an_abandoned_pass_ends_at_its_next_node_and_so_does_every_later_one() -> None:
    """Given up by another thread while a node computes: those still to come never run, and no number is half made."""
    network = small_network(skips=[None] * 5)
    turn(network)
    at, go_on, ended = threading.Event(), threading.Event(), []
    first, third = network.layers[0].linear, network.layers[2].linear

    def wait() -> None:
        at.set()
        assert go_on.wait(5.0)

    def walk() -> None:
        try:
            network.backward()
        except Abandoned:
            ended.append(True)

    network.graph.tap({third: wait})
    first.W_grad.fill(7.0)
    thread = threading.Thread(target=walk)
    thread.start()
    assert at.wait(5.0)
    network.graph.abandon()
    go_on.set()
    thread.join(5.0)
    assert ended == [True]
    assert (first.W_grad == 7.0).all()
    network.graph.tap({third: wait})
    for again in (network.forward, network.backward):
        with pytest.raises(Abandoned):
            again()
