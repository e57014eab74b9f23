"""Nodes without weights of an image: dense layers, activations with a learnt slope, joints and flattening, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from engine_kit import Rig, distance, network_of, source, turn

from gradflow.engine.activations import PReLU, PReLUPerUnit, ReLU, Tanh
from gradflow.engine.graph import Input
from gradflow.engine.layers import LayerSpec
from gradflow.engine.nodes import Activate, Add, Concatenate, Conv, Dense, Flatten, LearnableActivate

# Dense


@pytest.mark.parametrize("bias", [True, False])
def test_dense_layer_is_a_matrix_product_and_its_gradients_are_the_lectures(bias: bool) -> None:
    """z = x·W + b; ∂L/∂W = xᵀ·δ, ∂L/∂b = Σ δ, ∂L/∂x = δ·Wᵀ."""
    below = source(3)
    node = Dense(below, 4, bias)
    rig = Rig(node, batch=5)
    rig.turn()
    x, delta = below.value, 2 / 20 * (node.value - rig.loss.targets)
    assert node.b.size == (4 if bias else 0)
    assert distance(node.value, x @ node.W + (node.b if bias else 0.0)) <= 1e-15
    assert distance(node.grad, delta) <= 1e-15
    assert distance(node.W_grad, x.T @ delta) <= 1e-14
    assert distance(node.b_grad, delta.sum(axis=0) if bias else []) <= 1e-14
    assert distance(below.grad, delta @ node.W.T) <= 1e-14


def test_rows_of_a_dense_layer_give_its_weight_gradient() -> None:
    network = network_of([LayerSpec(4, Tanh())], 3)
    turn(network)
    for layer in network.layers:
        x = layer.linear.inputs[0].value
        assert distance(layer.linear.W_grad, x.T @ layer.linear.delta_rows) <= 1e-14


# The learnt slope


@pytest.mark.parametrize("shape", [4, (3, 2, 4)], ids=["row", "image"])
@pytest.mark.parametrize("function", [PReLU(), PReLUPerUnit()], ids=["layer", "unit"])
def test_learnt_slope_and_its_gradient_by_hand(function: PReLU | PReLUPerUnit, shape) -> None:
    """∂L/∂a = Σ δ·min(z, 0), over everything or for each unit (channel); slopes beyond 1 and below 0 as well."""
    below = source(shape)
    node = LearnableActivate(below, function)
    rig = Rig(node, batch=6)
    node.a[:] = np.linspace(-0.5, 1.7, node.a.size)
    rig.turn()
    z = below.value.reshape(-1, 4)
    delta = 2 / node.value.size * (node.value - rig.loss.targets).reshape(-1, 4)
    assert node.a.shape == ((1,) if function.learnable == "layer" else (4,))
    assert distance(node.value.reshape(-1, 4), np.where(z > 0, z, node.a * z)) <= 1e-15
    per_unit = (delta * np.minimum(z, 0)).sum(axis=0)
    assert distance(node.a_grad, per_unit if function.learnable == "unit" else [per_unit.sum()]) <= 1e-14
    assert distance(below.grad.reshape(-1, 4), delta * np.where(z > 0, 1.0, node.a)) <= 1e-14


def test_slope_written_for_a_view_is_the_one_that_backprop_multiplies_by() -> None:
    for function, kind in ((PReLUPerUnit(), LearnableActivate), (Tanh(), Activate), (ReLU(), Activate)):
        below = source(4)
        node = kind(below, function)
        rig = Rig(node, batch=6)
        rig.turn()
        slope = np.empty((6, 4))
        node.write_slope(slope)
        delta = 2 / 24 * (node.value - rig.loss.targets)
        assert distance(below.grad, delta * slope) <= 1e-15


@pytest.mark.parametrize("function", [PReLU(0.3), PReLUPerUnit(0.3)], ids=["layer", "unit"])
def test_learnt_slopes_begin_where_the_activation_says(function: PReLU | PReLUPerUnit) -> None:
    network = network_of([LayerSpec(4, function)], 3)
    assert network.layers[0].activate.a.tolist() == [0.3] * (1 if function.learnable == "layer" else 4)


# Joints


@pytest.mark.parametrize("scale", [1.0, 0.25, 0.0, -2.0])
def test_sum_weighs_the_branch_and_hands_the_same_weight_back(scale: float) -> None:
    left, right = source(3), source(3)
    node = Add(left, right, scale)
    rig = Rig(node, batch=4)
    rig.turn()
    delta = 2 / 12 * (left.value + scale * right.value - rig.loss.targets)
    assert distance(node.value, left.value + scale * right.value) <= 1e-15
    assert distance(left.grad, delta) <= 1e-14
    assert distance(right.grad, scale * delta) <= 1e-14


@pytest.mark.parametrize("place", [(), (2, 3)], ids=["row", "image"])
def test_concatenation_puts_channels_beside_each_other_and_cuts_the_gradient_there(place: tuple[int, ...]) -> None:
    left, right = source((*place, 2)), source((*place, 3))
    node = Concatenate(left, right)
    rig = Rig(node, batch=4)
    rig.turn()
    x, y = (n.value.reshape(4, *n.shape) for n in (left, right))
    delta = (2 / node.value.size * (node.value - rig.loss.targets)).reshape(4, *node.shape)
    assert node.shape == (*place, 5)
    np.testing.assert_array_equal(node.value.reshape(4, *node.shape), np.concatenate([x, y], axis=-1))
    assert distance(left.grad.reshape(x.shape), delta[..., :2]) <= 1e-15
    assert distance(right.grad.reshape(y.shape), delta[..., 2:]) <= 1e-15


def test_branches_of_different_size_cannot_be_added_and_different_images_not_put_beside() -> None:
    data = Input(2)
    with pytest.raises(ValueError, match="cannot add 2 units to 3"):
        Add(data, Dense(data, 3))
    with pytest.raises(ValueError, match="cannot put 4 x 4 x 1 units beside 3 x 3 x 2"):
        Concatenate(Input((4, 4, 1)), Conv(Input((4, 4, 1)), 2, (2, 2)))


# Flattening


def test_flattening_shows_the_same_memory_as_height_width_channels() -> None:
    below = source((2, 3, 4))
    node = Flatten(below)
    rig = Rig(Dense(node, 2), batch=3)
    rig.turn()
    assert node.shape == (24,)
    assert np.shares_memory(node.value, below.value) and np.shares_memory(node.grad, below.grad)
    image = below.value.reshape(3, 2, 3, 4)
    assert node.value[1, 1 * 12 + 2 * 4 + 3] == image[1, 1, 2, 3]


def test_flattened_data_of_a_short_batch_are_its_own() -> None:
    data = Input((2, 2, 1))
    rig = Rig(Dense(Flatten(data), 2), batch=4)
    rig.graph.resize(2)
    data.value[:] = 7.0
    rig.graph.forward()
    node = rig.output
    np.testing.assert_allclose(node.value, 7.0 * node.W.sum(axis=0) + np.broadcast_to(node.b, (2, 2)), rtol=1e-14)
