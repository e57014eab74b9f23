"""From a list of layers to chained nodes: what stands before what, what a skip adds, and what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_kit import distance, network_of, turn

from gradflow.engine.activations import ACTIVATIONS, PReLU, ReLU, Tanh, make_activation
from gradflow.engine.graph import Input, Node, ParameterNode
from gradflow.engine.initializers import INITIALIZERS, Fans, he_normal, xavier_normal
from gradflow.engine.layers import KINDS, Init, Layer, LayerSpec, chain
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
    MaxPool,
)
from gradflow.engine.nodes.norm import BatchNorm

INIT = Init(xavier_normal)


def chained(inputs: Any, *specs: LayerSpec) -> tuple[list[Layer], Node]:
    return chain(Input(inputs), specs, INIT, np.random.default_rng(0))


def path(node: Node) -> list[type[Node]]:
    """Return the kinds of node from the data to here, along the branch (the last input) of every joint."""
    kinds = []
    while node.inputs:
        kinds.append(type(node))
        node = node.inputs[-1]
    return kinds[::-1]


# Kinds


def test_every_kind_of_layer_can_be_chained_after_an_image() -> None:
    for kind in KINDS:
        _, last = chained((6, 6, 2), LayerSpec(3, kind=kind, kernel=2))
        assert (
            last.shape
            == {
                "dense": (3,),
                "conv": (5, 5, 3),
                "max-pool": (5, 5, 2),
                "average-pool": (5, 5, 2),
                "global-average": (2,),
                "flatten": (72,),
            }[kind]
        )


def test_layers_without_parameters_are_not_counted() -> None:
    layers, last = chained(
        (6, 6, 2),
        LayerSpec(3, kind="conv"),
        LayerSpec(kind="max-pool", kernel=2, stride=2),
        LayerSpec(4, kind="conv", kernel=1),
        LayerSpec(kind="global-average"),
        LayerSpec(5),
    )
    assert [layer.number for layer in layers] == [1, 2, 3]
    assert path(last) == [Conv, MaxPool, Conv, GlobalAverage, Dense]


@pytest.mark.parametrize(("kind", "node"), [("max-pool", MaxPool), ("average-pool", AveragePool)])
def test_pooling_takes_kernel_and_stride_of_its_layer(kind: Any, node: type[Node]) -> None:
    _, last = chained((7, 7, 1), LayerSpec(kind=kind, kernel=3, stride=2))
    assert isinstance(last, node)
    assert (last.size, last.stride, last.shape) == (3, 2, (3, 3, 1))


def test_dense_layer_flattens_an_image_by_itself() -> None:
    layers, last = chained((2, 3, 4), LayerSpec(5))
    assert path(last) == [Flatten, Dense]
    assert layers[0].fans.fan_in == 24


def test_linear_layer_has_no_activation_and_puts_out_z() -> None:
    (layer,), last = chained(3, LayerSpec(4))
    assert layer.activate is None and layer.output is layer.linear is last


# The order within a layer


def test_post_activated_layer_is_linear_norm_activation_dropout() -> None:
    (layer,), last = chained(3, LayerSpec(4, ReLU(), norm="batch-norm", dropout=0.5))
    assert path(last) == [Dense, BatchNorm, Activate, Dropout]
    assert layer.output is last.inputs[0], "what is shown as φ(z) has not been through dropout"


def test_pre_activated_layer_is_norm_activation_linear_dropout() -> None:
    (layer,), last = chained(3, LayerSpec(4, ReLU(), norm="batch-norm", dropout=0.5, order="pre"))
    assert path(last) == [BatchNorm, Activate, Dense, Dropout]
    assert layer.norm is not None and layer.norm.units == 3, "it norms what comes in"


@pytest.mark.parametrize("name", NORMS)
def test_norm_is_found_by_its_name(name: str) -> None:
    (layer,), _ = chained(3, LayerSpec(4, norm=name))
    assert type(layer.norm) is NORMS[name].part


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_that_learns_has_parameters_and_the_others_have_none(name: str) -> None:
    function = make_activation(name)
    (layer,), _ = chained(3, LayerSpec(4, function))
    assert isinstance(layer.activate, ParameterNode) == bool(function.learnable)
    assert (layer.activate in layer.learning) == bool(function.learnable)


# Skips


def test_skip_adds_the_output_of_the_place_it_names_and_zero_is_the_data() -> None:
    specs = [LayerSpec(3, Tanh()), LayerSpec(3, Tanh()), LayerSpec(3, Tanh(), 1), LayerSpec(3, Tanh(), 0)]
    network = network_of(specs, 3)
    network.forward()
    one, _, three, four, out = network.layers
    third = one.output.value + three.output.value
    assert distance(four.linear.inputs[0].value, third) == 0.0
    assert distance(out.linear.inputs[0].value, network.input.value + four.output.value) == 0.0


def test_three_styles_of_a_residual_sum() -> None:
    """x + φ(f(x)), φ(x + f(x)) and x + f(φ(x)) (He et al. 2016, the last two)."""

    def run(**how: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        network = network_of([LayerSpec(3), LayerSpec(3, Tanh(), 1, **how)], 3)
        network.forward()
        one, two, out = network.layers
        return one.linear.value, two.linear.value, out.linear.inputs[0].value

    x, z, out = run()
    assert distance(out, x + np.tanh(z)) <= 1e-15
    x, z, out = run(join_before_activation=True)
    assert distance(out, np.tanh(x + z)) <= 1e-15
    network = network_of([LayerSpec(3), LayerSpec(3, Tanh(), 1, order="pre")], 3)
    network.forward()
    one, two, last = network.layers
    expected = np.tanh(one.linear.value) @ two.linear.W + two.linear.b
    assert distance(last.linear.inputs[0].value, one.linear.value + expected) <= 1e-14


def test_norm_and_dropout_belong_to_the_branch_and_not_to_the_sum() -> None:
    how = {"norm": "layer-norm", "dropout": 0.5, "skip_from": 1}
    for before, kinds in ((False, [Dense, "norm", Activate, Dropout, Add]), (True, [Dense, "norm", Dropout, Add])):
        _, last = chained(3, LayerSpec(4), LayerSpec(4, ReLU(), join_before_activation=before, **how))
        kinds = [NORMS["layer-norm"].part if kind == "norm" else kind for kind in kinds]
        assert path(last)[1:] == ([*kinds, Activate] if before else kinds)


@pytest.mark.parametrize("scale", [0.5, 0.0])
def test_branch_scale_multiplies_the_branch_and_not_the_shortcut(scale: float) -> None:
    network = network_of([LayerSpec(3), LayerSpec(3, Tanh(), 1, branch_scale=scale)], 3)
    turn(network)
    one, two, out = network.layers
    assert distance(out.linear.inputs[0].value, one.output.value + scale * two.output.value) <= 1e-15
    assert two.linear.W_grad.any() == (scale != 0.0)
    assert one.linear.W_grad.any()


def test_skip_may_put_the_shortcut_beside_the_branch_left_first() -> None:
    layers, last = chained(3, LayerSpec(4), LayerSpec(2, ReLU(), 1, join="concat"), LayerSpec(5))
    joint = last.inputs[0]
    assert isinstance(joint, Concatenate)
    assert joint.inputs == (layers[0].output, layers[1].output)
    assert layers[2].fans.fan_in == 6


def test_shortcut_of_the_right_shape_is_the_plain_identity() -> None:
    layers, last = chained(3, LayerSpec(4), LayerSpec(4, ReLU(), 1))
    assert isinstance(last, Add) and last.inputs[0] is layers[0].output
    assert [len(layer.learning) for layer in layers] == [1, 1]


def test_shortcut_of_another_width_goes_through_a_projection_without_bias() -> None:
    layers, last = chained(3, LayerSpec(4), LayerSpec(5, ReLU(), 1))
    projection = last.inputs[0]
    assert isinstance(projection, Dense) and projection.parameter_shapes == {"W": (4, 5)}
    assert layers[1].learning == (layers[1].linear, projection)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("side", [6, 7, 9])
def test_shortcut_of_an_image_is_projected_by_a_one_by_one_convolution_with_the_stride_of_its_branch(
    side: int, stride: int
) -> None:
    spec = LayerSpec(4, ReLU(), 0, kind="conv", stride=stride, padding=1)
    _, last = chained((side, side, 2), spec)
    projection = last.inputs[0]
    assert isinstance(projection, Conv)
    assert (projection.kernel, projection.stride, projection.shape) == ((1, 1), stride, last.shape)
    assert projection.parameter_shapes == {"W": (2, 4)}


def test_shortcut_from_an_image_to_units_is_flattened_and_projected() -> None:
    _, last = chained((3, 3, 2), LayerSpec(4, skip_from=0))
    assert path(last.inputs[0]) == [Flatten, Dense]
    assert path(last.inputs[1]) == [Flatten, Dense]


def test_parameters_of_projection_norm_and_slope_belong_to_their_layer() -> None:
    layers, last = chained(3, LayerSpec(4), LayerSpec(5, PReLU(), 1, norm="layer-norm"))
    two = layers[1]
    assert two.learning == (two.linear, last.inputs[0], two.norm, two.activate)


# What does not fit


UNFITTING = {
    "convolution after units": (3, [LayerSpec(2), LayerSpec(2, kind="conv")], "layer 2: needs an image"),
    "pooling after units": (3, [LayerSpec(kind="max-pool")], "layer 1: needs an image .* a row of 3 units"),
    "kernel too large": ((2, 2, 1), [LayerSpec(1, kind="conv")], "layer 1: a kernel of 3 x 3 does not fit"),
    "padding too large": ((5, 5, 1), [LayerSpec(1, kind="conv", padding=3)], "layer 1: padding 3 must be smaller"),
    "units back to an image": (
        (3, 3, 1),
        [LayerSpec(kind="global-average"), LayerSpec(4), LayerSpec(kind="flatten"), LayerSpec(2, kind="conv")],
        "layer 4: needs an image",
    ),
    "no stride does it": (
        (7, 5, 1),
        [LayerSpec(2, skip_from=0, kind="conv", kernel=4)],
        "layer 1: a skip cannot bring an image of 7 x 5 x 1 to 4 x 2 x 2",
    ),
    "images of two sizes beside each other": (
        (5, 5, 1),
        [LayerSpec(2, skip_from=0, kind="conv", join="concat")],
        "layer 1: cannot put 5 x 5 x 1 units beside 3 x 3 x 2",
    ),
}


@pytest.mark.parametrize(("inputs", "specs", "message"), UNFITTING.values(), ids=UNFITTING.keys())
def test_what_does_not_fit_is_refused_with_its_place_in_the_list(inputs: Any, specs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chained(inputs, *specs)


# Initialisation


def test_layer_may_bring_its_own_init_and_the_others_take_the_networks() -> None:
    own = Init(he_normal, scale=2.0, bias=0.7)
    layers, _ = chained(10, LayerSpec(4, ReLU()), LayerSpec(4, ReLU(), init=own))
    assert [layer.init for layer in layers] == [INIT, own]
    assert layers[1].spread == he_normal(layers[1].fans)


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_fans_of_a_convolution_count_the_places_of_its_kernel(kernel: int) -> None:
    (layer,), _ = chained((6, 6, 2), LayerSpec(8, ReLU(), kind="conv", kernel=kernel))
    assert (layer.fans.fan_in, layer.fans.fan_out) == (2 * kernel**2, 8 * kernel**2)
    assert layer.fans.shape == layer.linear.parameter_shapes["W"]


def test_gain_and_slope_of_the_activation_reach_the_scheme() -> None:
    layers, _ = chained(3, LayerSpec(4, make_activation("leaky-relu", 0.3)), LayerSpec(4, Tanh()), LayerSpec(2))
    assert [layer.fans.negative_slope for layer in layers] == [0.3, 0.0, 0.0]
    assert [layer.fans.gain for layer in layers] == pytest.approx([np.sqrt(2 / 1.09), 5 / 3, 1.0])


@pytest.mark.parametrize("scheme", sorted(set(INITIALIZERS) - {"saved"}))
def test_projections_are_drawn_by_the_scheme_of_their_layer_as_the_linear_layers_they_are(scheme: str) -> None:
    init = Init(INITIALIZERS[scheme].part, scale=0.5)
    network = network_of([LayerSpec(20, Tanh()), LayerSpec(40, Tanh(), 1)], 4, init=init)
    projection = network.layers[1].learning[1]
    spread = INITIALIZERS[scheme].part(Fans(20, 40))
    if spread.distribution == "identity":
        np.testing.assert_array_equal(projection.W, 0.5 * spread.gain * np.eye(20, 40))
    elif spread.std == 0.0:
        assert (0.5 * spread.gain == projection.W).all()
    else:
        # Of 800 weights; the sparse ones have fewer that count.
        assert projection.W.std() == pytest.approx(0.5 * spread.std, rel=0.15)
