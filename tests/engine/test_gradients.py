"""Backpropagation against differences of the loss: every combination of registered parts, every kind of layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from engine_architectures import EXACT, SLOPE, Architecture, images, rows
from engine_kit import BRANCHED, Rig, load_random_batch, network_of, small_network, source, stir, turn, worst_error
from hypothesis import given, settings

from gradflow.engine.activations import ACTIVATIONS, PReLU, PReLUPerUnit, Tanh
from gradflow.engine.gradcheck import LayerCheck, check
from gradflow.engine.graph import Graph, Input, Node, Shape
from gradflow.engine.initializers import INITIALIZERS, Fans
from gradflow.engine.losses import LOSSES, MeanSquaredError
from gradflow.engine.network import LayerSpec, Network
from gradflow.engine.nodes import (
    NORMS,
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    LearnableActivate,
    MaxPool,
)


def checked(network: Network, per_layer: int | None = None) -> list[LayerCheck]:
    return list(check(network, np.random.default_rng(1), per_layer))


def assert_exact(layers: list[LayerCheck]) -> None:
    """Every entry agrees to 10⁻⁷ of its layer's gradient, beside the differences' own round-off."""
    for layer in layers:
        assert layer.difference <= 2e-7 * layer.gradient_norm + 3.0 * layer.round_off, layer


def error(of: Network | Rig) -> float:
    worst = worst_error(of, np.random.default_rng(1))
    assert worst is not None, "there must be something to compare"
    return worst


def tame(scheme: str) -> float:
    """Return a scale at which schemes blind to the width keep the loss smooth on the scale of the differences."""
    return 1.0 if INITIALIZERS[scheme].part(Fans(5, 5)).n else 0.3


# Every combination of registered parts


@pytest.mark.parametrize("scheme", INITIALIZERS)
@pytest.mark.parametrize("activation", EXACT)
def test_every_activation_and_initialiser_agree_with_differences_under_every_loss(activation: str, scheme: str) -> None:
    for loss in LOSSES:
        network = small_network(activation, scheme, loss, skips=(None, 1), scale=tame(scheme))
        if network.data_driven:
            network.fit_to_data()
        assert error(network) <= 1.0, loss


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", EXACT)
def test_every_activation_and_loss_pass_the_gradient_check_in_every_entry(activation: str, loss: str) -> None:
    layers = checked(small_network(activation, loss=loss))
    assert_exact(layers)
    assert all(layer.passed for layer in layers), layers
    # Random weights leave nothing undecided: every layer was really compared.
    assert all(layer.resolved and layer.verdict == "agrees to 6 digits" for layer in layers), layers
    assert all(layer.at_kinks <= 2 for layer in layers), layers


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - set(EXACT)))
def test_layer_below_a_stand_in_for_a_slope_is_called_so_and_not_wrong(activation: str, loss: str) -> None:
    *below, last = checked(small_network(activation, loss=loss))
    assert [layer.verdict for layer in below] == ["straight-through slope"] * len(BRANCHED)
    assert all(layer.passed for layer in below)
    assert last.verdict == "agrees to 6 digits"
    assert_exact([last])


# Every kind of layer

JOINTS = {
    "none": {},
    "post": {"skip_from": 1},
    "post-before": {"skip_from": 1, "join_before_activation": True},
    "pre": {"skip_from": 1, "order": "pre"},
}
CURVES = {"tanh": Tanh(), "prelu": PReLU(SLOPE), "prelu-per-unit": PReLUPerUnit(SLOPE)}


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.0], ids="scale {}".format)
@pytest.mark.parametrize("norm", [None, *NORMS])
@pytest.mark.parametrize("joint", JOINTS)
def test_dense_layers_in_every_order_and_join(joint: str, norm: str | None, scale: float) -> None:
    """Skips that fit, that need a projection, that are put beside, and from the data itself."""
    how = {**JOINTS[joint], "norm": norm, "branch_scale": scale}
    specs = [
        LayerSpec(4, Tanh()),
        LayerSpec(4, PReLUPerUnit(SLOPE), **how, dropout=0.3),
        LayerSpec(5, Tanh(), **how),
        LayerSpec(3, PReLU(SLOPE), **{**how, "skip_from": 0}, join="concat"),
    ]
    network = stir(network_of(specs, 3, batch=5))
    assert_exact(checked(network, per_layer=20))
    assert error(network) <= 1.0


CONVOLUTIONS = [(k, s, p) for k in (1, 3, 5) for s in (1, 2, 3) for p in range(k)]


@pytest.mark.parametrize("image", [(6, 7, 2), (5, 8, 1)], ids=str)
@pytest.mark.parametrize(("kernel", "stride", "padding"), CONVOLUTIONS)
def test_convolutions_of_every_kernel_stride_and_padding(
    kernel: int, stride: int, padding: int, image: tuple[int, int, int]
) -> None:
    """A layer before it shows that the gradient it hands down is right as well."""
    specs = [
        LayerSpec(2, Tanh(), kind="conv", kernel=3, padding=1),
        LayerSpec(3, Tanh(), kind="conv", kernel=kernel, stride=stride, padding=padding),
    ]
    network = network_of(specs, image, batch=3)
    assert_exact(checked(network, per_layer=8))
    assert error(network) <= 1.0


@pytest.mark.parametrize("kind", ["max-pool", "average-pool"])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pooling_of_every_size_and_stride(kind: str, size: int, stride: int) -> None:
    """Windows that overlap, touch, leave gaps, and do not divide the image of 5 x 7."""
    specs = [
        LayerSpec(2, Tanh(), kind="conv", kernel=3, padding=1),
        LayerSpec(kind=kind, kernel=size, stride=stride),
        LayerSpec(3, Tanh(), kind="conv", kernel=1),
    ]
    network = network_of(specs, (5, 7, 2), batch=3)
    assert_exact(checked(network, per_layer=8))
    assert error(network) <= 1.0


@pytest.mark.parametrize("activation", CURVES)
@pytest.mark.parametrize("norm", [None, *NORMS])
@pytest.mark.parametrize("end", ["flatten", "global-average"])
def test_residual_convolutions_with_every_norm(end: str, norm: str | None, activation: str) -> None:
    """A skip that fits, one with a 1 x 1 convolution and stride on its way, and one put beside, then to units."""
    phi = CURVES[activation]
    specs = [
        LayerSpec(2, phi, kind="conv", kernel=3, padding=1, norm=norm),
        LayerSpec(2, phi, 1, kind="conv", kernel=3, padding=1, norm=norm, dropout=0.2),
        LayerSpec(4, phi, 1, "conv", kernel=3, stride=2, padding=1, norm=norm, join_before_activation=True),
        LayerSpec(3, phi, 3, kind="conv", kernel=3, padding=1, norm=norm, order="pre", branch_scale=0.5),
        LayerSpec(2, phi, 4, kind="conv", kernel=1, norm=norm, join="concat"),
        LayerSpec(kind=end),
        LayerSpec(4, phi, 3, norm=norm),
    ]
    network = stir(network_of(specs, (5, 6, 2), loss="softmax-cross-entropy", batch=4))
    assert_exact(checked(network, per_layer=4))
    assert error(network) <= 1.0


@settings(max_examples=50)
@given(rows(EXACT, dropout=0.3, fewest=3))
def test_any_network_of_dense_layers_agrees_with_differences(architecture: Architecture) -> None:
    worst = worst_error(architecture.build(), np.random.default_rng(0))
    assert worst is None or worst <= 1.0


@settings(max_examples=50)
@given(images(EXACT, dropout=0.3, fewest=3))
def test_any_small_network_on_images_agrees_with_differences(architecture: Architecture) -> None:
    worst = worst_error(architecture.build(), np.random.default_rng(0))
    assert worst is None or worst <= 1.0


# Several consumers

ANYWHERE = {
    "activate": lambda node: Activate(node, Tanh()),
    "prelu": lambda node: LearnableActivate(node, PReLU()),
    "prelu-per-unit": lambda node: LearnableActivate(node, PReLUPerUnit()),
    "dropout": lambda node: Dropout(node, 0.4, np.random.default_rng(5)),
    "sum": lambda node: Add(node, node, 0.3),
    "beside": lambda node: Concatenate(node, node),
    "flatten": Flatten,
    **{name: entry.part for name, entry in NORMS.items()},
}
ON_ROWS = {**ANYWHERE, "dense": lambda node: Dense(node, 3)}
ON_IMAGES = {
    **ANYWHERE,
    "conv": lambda node: Conv(node, 2, (3, 3), 2, 1),
    "max-pool": lambda node: MaxPool(node, 3, 2),
    "average-pool": lambda node: AveragePool(node, 2, 1),
    "global-average": GlobalAverage,
}


@pytest.mark.parametrize("name", ON_ROWS)
def test_gradient_of_a_row_is_the_sum_over_two_consumers_of_any_kind(name: str) -> None:
    assert_adds_to_others(ON_ROWS, name, 4)


@pytest.mark.parametrize("name", ON_IMAGES)
def test_gradient_of_an_image_is_the_sum_over_two_consumers_of_any_kind(name: str) -> None:
    assert_adds_to_others(ON_IMAGES, name, (4, 3, 2))


def assert_adds_to_others(consumers: dict[str, Callable[[Node], Node]], name: str, shape: Shape | int) -> None:
    """Run the kind of node before every other kind, where it adds, and after it, where it writes."""
    for other in consumers:
        for pair in ((name, other), (other, name)):
            node = source(shape)
            branches = [Dense(as_row(consumers[kind](node)), 2) for kind in pair]
            assert error(Rig(Add(*branches), batch=4)) <= 1.0, pair


def as_row(node: Node) -> Node:
    return node if len(node.shape) == 1 else Flatten(node)


def test_gradient_of_a_node_is_the_sum_over_its_three_consumers() -> None:
    """∂L/∂a₁ by hand along three paths: through layers 2 and 3, to the first sum, to the second sum."""
    network = small_network("tanh", batch=3)
    turn(network)
    one, two, three, four, out = network.layers
    delta_out = 2 / network.loss.targets.size * (out.linear.value - network.loss.targets)
    into_second_sum = delta_out @ out.linear.W.T
    delta_four = into_second_sum * (1 - four.output.value**2)
    into_first_sum = delta_four @ four.linear.W.T
    delta_three = into_first_sum * (1 - three.output.value**2)
    delta_two = (delta_three @ three.linear.W.T) * (1 - two.output.value**2)
    by_hand = delta_two @ two.linear.W.T + into_first_sum + into_second_sum
    np.testing.assert_allclose(one.linear.grad, by_hand * (1 - one.output.value**2), rtol=1e-13, atol=1e-16)


def test_dense_and_activate_also_add_to_a_gradient_that_is_there_already() -> None:
    """One source read by two dense layers, an activation and a sum, by hand."""
    rng = np.random.default_rng(0)
    data = Input(2)
    node = Dense(data, 3)
    first, second, bent = Dense(node, 3), Dense(node, 3), Activate(node, Tanh())
    graph = Graph(MeanSquaredError(Add(Add(Add(first, second), bent), node)))
    for learning in (node, first, second):
        learning.bind(rng.standard_normal(learning.parameter_count), np.zeros(learning.parameter_count))
    graph.allocate(4)
    data.value[:] = rng.standard_normal((4, 2))
    for _ in range(2):  # the second walk must not add to the first one's gradients
        graph.forward()
        graph.backward()
    delta = 2 / 12 * (first.value + second.value + bent.value + node.value)
    expected = delta @ first.W.T + delta @ second.W.T + delta * (1 - np.tanh(node.value) ** 2) + delta
    np.testing.assert_allclose(node.grad, expected, rtol=1e-13)


# Batches


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_short_batch_has_the_gradient_of_a_network_of_its_own_size(samples: int) -> None:
    """Its mean is over its own samples, not over those of a full batch."""
    short, own = small_network(batch=4), small_network(batch=samples)
    turn(short)
    short.resize(samples)
    own.input.value[:], own.loss.targets[:] = short.input.value, short.loss.targets
    assert turn(short) == pytest.approx(turn(own), rel=1e-14)
    np.testing.assert_allclose(short.gradients, own.gradients, rtol=1e-12, atol=1e-17)
    assert all(layer.passed and layer.resolved for layer in checked(short))


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_of_a_batch_is_the_mean_over_its_samples(loss: str) -> None:
    network = small_network(loss=loss, batch=4)
    value = turn(network)
    whole = network.gradients.copy()
    x, y = network.input.value.copy(), network.loss.targets.copy()
    network.resize(1)
    values, parts = [], []
    for i in range(4):
        network.input.value[:], network.loss.targets[:] = x[i], y[i]
        values.append(turn(network))
        parts.append(network.gradients.copy())
    assert value == pytest.approx(np.mean(values), rel=1e-13)
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-11, atol=1e-15)


def test_gradients_are_overwritten_not_accumulated_from_turn_to_turn() -> None:
    network = small_network()
    turn(network)
    first = network.gradients.copy()
    turn(network)
    np.testing.assert_array_equal(network.gradients, first)
    load_random_batch(network, np.random.default_rng(7))
    turn(network)
    assert (network.gradients != first).all()
