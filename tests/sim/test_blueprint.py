"""From an experiment to layers: sliders and rows say the same, and each residual style is the paper's formula."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sim_kit import bits, small, take, trainer

from gradflow.engine.graph import Node
from gradflow.engine.nodes import NORMS, Activate, Dropout, Norm
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.errors import ConfigError
from gradflow.sim import build
from gradflow.sim.blueprint import written_rows
from gradflow.sim.config import Experiment, edit
from gradflow.sim.snapshot import Stat
from gradflow.sim.trainer import Trainer

Array = NDArray[np.float64]

RESIDUALS = ("after-activation", "post-activation", "pre-activation")
IMAGES: dict[str, Any] = {"data.name": "digits", "data.samples": 100}


def refusal(changes: dict[str, Any]) -> ConfigError:
    """Return what is said about a network that must be refused; the window's check says the same."""
    experiment = small(changes)
    with pytest.raises(ConfigError) as caught:
        Trainer(experiment)
    with pytest.raises(ConfigError) as checked:
        build.check(experiment)
    assert str(checked.value) == str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def nodes(run: Trainer, kind: type[Node]) -> list[Node]:
    """Return the nodes of one kind, from the input on."""
    return [node for node in run.network.graph.order if isinstance(node, kind)]


# Sliders and rows


def rows_of(experiment: Experiment, spelt_out: bool) -> list[dict[str, Any]]:
    """Return the rows that say what the sliders say, leaving to the experiment what can be, or spelling it out."""
    shape = experiment.network
    said = {
        "units": shape.width,
        "activation": shape.activation,
        "norm": shape.norm,
        "dropout": shape.dropout,
        "residual": shape.residual,
        "branch_scale": shape.branch_scale,
        "scheme": experiment.init.scheme,
        "scale": experiment.init.scale,
    }
    rows: list[dict[str, Any]] = [dict(said) if spelt_out else {} for _ in range(shape.depth)]
    for number in range(shape.skip_every + 1, shape.depth + 1, shape.skip_every or 1):
        if shape.skip_every:
            rows[number - 1]["skip_from"] = number - shape.skip_every
    return rows


SETTINGS: list[dict[str, Any]] = [
    {},
    {"network.activation": "leaky-relu", "network.negative_slope": 0.2, "init.scheme": "he-normal"},
    {"init.scheme": "orthogonal", "init.scale": 1.3, "init.bias_scale": 0.1, "init.bias": 0.5},
    {"network.dropout": 0.3},
    {"training.freeze": 2},
    *({"network.norm": norm} for norm in NORMS),
    *(
        {"network.depth": 7, "network.skip_every": every, "network.residual": residual, "network.branch_scale": 0.7}
        for every, residual in itertools.product((1, 2, 3), RESIDUALS[:2])
    ),
    {"network.depth": 5, "network.skip_every": 2, "network.norm": "layer-norm", "network.dropout": 0.2},
]


@pytest.mark.parametrize("changes", SETTINGS, ids=str)
@pytest.mark.parametrize("spelt_out", [False, True], ids=["default rows", "spelt-out rows"])
def test_rows_that_say_what_the_sliders_say_give_the_same_run_bit_for_bit(
    changes: dict[str, Any], spelt_out: bool
) -> None:
    experiment = small(changes)
    rows = {"network.layers": rows_of(experiment, spelt_out)}
    if spelt_out:
        # Then the sliders have nothing left to say.
        rows |= {"network.depth": 1, "network.width": 99, "network.activation": "sine", "network.norm": "none"}
        rows |= {"network.dropout": 0.5, "network.branch_scale": 3.0}
    sliders, listed = Trainer(experiment), Trainer(edit(experiment, rows))
    assert bits(take(listed, 8)) == bits(take(sliders, 8))
    np.testing.assert_array_equal(listed.network.parameters, sliders.network.parameters)


@pytest.mark.parametrize("norm", ["none", *NORMS])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_preactivated_network_can_be_written_as_rows_too(every: int, norm: str) -> None:
    changes = {"network.depth": 7, "network.skip_every": every, "network.residual": "pre-activation"}
    experiment = small(changes | {"network.norm": norm, "network.branch_scale": 0.7})
    listed = Trainer(edit(experiment, {"network.layers": rows_of(experiment, spelt_out=False)}))
    assert bits(take(listed, 8)) == bits(take(Trainer(experiment), 8))


@pytest.mark.parametrize("changes", [{"network.depth": 5}, {"network.depth": 7, "network.skip_every": 2}])
def test_rows_written_out_for_the_sliders_make_the_same_network_bit_for_bit(changes: dict[str, Any]) -> None:
    rows = written_rows(small(changes))
    assert len(rows) == changes["network.depth"]
    by_sliders, by_rows = trainer(changes).preview(), trainer(changes | {"network.layers": rows}).preview()
    np.testing.assert_array_equal(by_rows.stats, by_sliders.stats)


def test_single_row_can_be_preactivated_by_itself() -> None:
    """It asks for φ in front of it, with or without a skip; the others and the output stay as they are."""
    run = trainer(
        {"network.layers": [{}, {"residual": "pre-activation"}, {"residual": "pre-activation", "skip_from": 1}]}
    )
    first, second, third, output = run.network.layers
    assert first.activate is not None and first.activate.inputs[0] is first.linear
    for layer in (second, third):
        assert layer.activate is not None
        assert layer.linear.inputs[0] is layer.activate
    assert output.activate is None


def test_rows_say_each_layer_by_itself() -> None:
    run = trainer(
        {
            "network.layers": [
                {"units": 4, "activation": "relu"},
                {"units": 7, "norm": "layer-norm", "dropout": 0.5},
                {"activation": "identity", "scheme": "constant", "scale": 0.25},
                {"scale": 0.0},
            ]
        }
    )
    layers = run.topology.layers
    assert [layer.units for layer in layers] == [4, 7, 6, 6, 1]
    assert [layer.activation for layer in layers] == ["relu", "tanh", "identity", "tanh", None]
    assert [layer.name for layer in layers] == [*(f"hidden {n}" for n in range(1, 5)), "output"]
    assert [layer.norm is not None for layer in run.network.layers] == [False, True, False, False, False]
    assert [node.rate for node in nodes(run, Dropout)] == [0.5]
    assert set(run.network.layers[2].linear.W.ravel()) == {0.25}
    assert not run.network.layers[3].linear.W.any()
    assert layers[3].init_std == 0.0


# What the layers compute


def normed(name: str, z: Array) -> Array:
    """Return x̂ of a norm at its start (γ = 1, β = 0), by its definition."""
    if name == "none":
        return z
    if name == "rms-norm":
        return z / np.sqrt(np.mean(z**2, axis=1, keepdims=True) + 1e-5)
    axis = 0 if name == "batch-norm" else 1
    return (z - z.mean(axis=axis, keepdims=True)) / np.sqrt(z.var(axis=axis, keepdims=True) + 1e-5)


def by_hand(run: Trainer) -> Array:
    """Return the outputs for the batch that is loaded, after He et al. 2016 and 2016b."""
    shape, layers = run.experiment.network, run.network.layers
    every, scale, norm = shape.skip_every, shape.branch_scale, shape.norm
    pre = every > 0 and shape.residual == "pre-activation"
    outputs = [run.network.input.value]
    for layer in layers:
        x, last = outputs[-1], layer is layers[-1]
        if pre and layer.number > 1:
            x = np.tanh(normed(norm, x))
        z = x @ layer.linear.W + layer.linear.b
        skips = every and not last and layer.number > every and (layer.number - 1) % every == 0
        shortcut = outputs[layer.number - every] if skips else 0.0
        if last or pre:
            outputs.append(shortcut + (scale if skips else 1.0) * z)
        elif shape.residual == "post-activation":
            outputs.append(np.tanh(shortcut + (scale if skips else 1.0) * normed(norm, z)))
        else:
            outputs.append(shortcut + (scale if skips else 1.0) * np.tanh(normed(norm, z)))
    return outputs[-1]


@pytest.mark.parametrize("norm", ["none", *NORMS])
@pytest.mark.parametrize(
    ("every", "residual"), [(0, RESIDUALS[0]), *itertools.product((1, 2, 3), RESIDUALS)], ids=lambda value: str(value)
)
def test_outputs_are_those_of_the_formula(every: int, residual: str, norm: str) -> None:
    run = trainer(
        {
            "network.depth": 7,
            "network.skip_every": every,
            "network.residual": residual,
            "network.norm": norm,
            "network.branch_scale": 0.6,
            "init.bias_scale": 0.3,
        }
    )
    run.preview()
    np.testing.assert_allclose(run.network.layers[-1].linear.value, by_hand(run), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("residual", RESIDUALS)
def test_branch_scale_zero_makes_every_block_the_identity(residual: str) -> None:
    """What Fixup starts from: h₁ reaches the output unchanged, but for a φ behind each sum, or one behind the last."""
    changes = {"network.skip_every": 1, "network.residual": residual, "network.branch_scale": 0.0}
    run = trainer(changes | {"network.activation": "relu", "network.norm": "none", "init.bias_scale": 1.0})
    run.preview()
    first, last = run.network.layers[0], run.network.layers[-1]
    h = np.maximum(first.linear.value, 0.0)
    np.testing.assert_allclose(last.linear.value, h @ last.linear.W + last.linear.b, rtol=1e-12)


def test_preactivated_network_begins_bare_and_ends_with_phi_in_front_of_the_output() -> None:
    run = trainer({"network.skip_every": 1, "network.residual": "pre-activation", "network.norm": "batch-norm"})
    first, *others = run.network.layers
    assert first.activate is None
    assert first.norm is None
    for layer in others:
        assert layer.activate is not None
        assert layer.norm is not None
        assert layer.linear.inputs[0] is layer.activate
        assert layer.activate.inputs[0] is layer.norm
    assert [layer.activation for layer in run.topology.layers] == [None, "tanh", "tanh", "tanh"]


def test_without_skips_the_residual_style_says_nothing() -> None:
    runs = [bits(take(trainer({"network.residual": residual}), 3)) for residual in RESIDUALS]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("norm", NORMS)
def test_norm_stands_between_z_and_phi_in_every_hidden_layer_and_learns(norm: str) -> None:
    run = trainer({"network.norm": norm, "init.scale": 5.0})
    assert [layer.norm is not None for layer in run.network.layers] == [True, True, True, False]
    begun = [{name: view.copy() for name, view in node.parameter_views.items()} for node in nodes(run, Norm)]
    snapshots = take(run, 4)
    for layer in run.network.layers[:-1]:
        assert layer.norm is not None and isinstance(layer.activate, Activate)
        assert layer.norm.inputs[0] is layer.linear
        assert layer.activate.inputs[0] is layer.norm
    for before, node in zip(begun, nodes(run, Norm), strict=True):
        assert all((node.parameter_views[name] != values).any() for name, values in before.items())
    assert all(snapshot.finite for snapshot in snapshots)


def test_dropout_follows_every_hidden_layer_and_leaves_out_its_share() -> None:
    run = trainer({"network.dropout": 0.25, "network.width": 200})
    run.preview()
    found = nodes(run, Dropout)
    assert [node.inputs[0] for node in found] == [layer.output for layer in run.network.layers[:-1]]
    for node in found:
        out = node.value == 0.0
        assert out.mean() == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / out.size))
        np.testing.assert_allclose(node.value[~out], node.inputs[0].value[~out] / 0.75, rtol=1e-14)


def test_dropout_draws_a_new_mask_for_every_batch_and_none_to_validate() -> None:
    run = trainer({"network.dropout": 0.5})
    steps, masks = run.steps(), []
    for _ in range(3):
        next(steps)
        masks.append(nodes(run, Dropout)[0].value == 0.0)
    assert not np.array_equal(masks[0], masks[1])
    x = run.split.x_validation
    outputs = run.evaluator.outputs(x)
    np.testing.assert_array_equal(outputs, run.evaluator.outputs(x))
    h = x
    for layer in run.network.layers:
        z = h @ layer.linear.W + layer.linear.b
        h = np.tanh(z)
    np.testing.assert_allclose(outputs, z, rtol=1e-12)


def test_dropout_leaves_first_weights_and_batches_as_they_are() -> None:
    plain, dropping = trainer(), trainer({"network.dropout": 0.5})
    np.testing.assert_array_equal(plain.network.parameters, dropping.network.parameters)
    for _ in zip(plain.steps(), dropping.steps(), range(5), strict=False):
        np.testing.assert_array_equal(plain.network.input.value, dropping.network.input.value)


# Images


def test_digits_reach_convolutions_and_pooling_as_images() -> None:
    rows = [
        {"kind": "conv", "units": 4, "padding": "same"},
        {"kind": "average-pool"},
        {"kind": "conv", "units": 5, "kernel": 2, "stride": 2},
        {"kind": "global-average"},
        {"units": 9},
    ]
    run = trainer(IMAGES | {"network.layers": rows, "init.scheme": "he-normal"})
    assert run.network.input.shape == (8, 8, 1)
    assert [layer.linear.shape for layer in run.network.layers] == [(8, 8, 4), (2, 2, 5), (9,), (10,)]
    assert [(layer.kind, layer.inputs, layer.units) for layer in run.topology.layers] == [
        ("conv", 9, 256),
        ("conv", 16, 20),
        ("dense", 5, 9),
        ("dense", 9, 10),
    ]
    assert [layer.init_n for layer in run.topology.layers] == [9, 16, 5, 9], "He's n counts k·k·channels"
    assert all(snapshot.finite for snapshot in take(run, 12))


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_same_padding_keeps_the_size_of_an_image(kernel: int) -> None:
    row = {"kind": "conv", "units": 2, "kernel": kernel, "padding": "same"}
    assert trainer(IMAGES | {"network.layers": [row]}).network.layers[0].linear.shape == (8, 8, 2)


def test_usual_kernel_and_stride_are_those_of_the_kind_of_layer() -> None:
    def shape(row: dict[str, Any]) -> tuple[int, ...]:
        return trainer(IMAGES | {"network.layers": [row]}).network.layers[-1].linear.inputs[0].inputs[0].shape

    assert shape({"kind": "conv", "units": 3}) == (6, 6, 3)
    assert shape({"kind": "average-pool"}) == (4, 4, 1)
    assert shape({"kind": "average-pool", "kernel": 3}) == (2, 2, 1)
    assert shape({"kind": "average-pool", "kernel": 3, "stride": 1}) == (6, 6, 1)


@pytest.mark.parametrize("kind", ["max-pool", "average-pool", "global-average", "flatten"])
def test_every_kind_of_layer_without_weights_trains(kind: str) -> None:
    rows = [{"kind": "conv", "units": 4, "activation": "relu"}, {"kind": kind}]
    assert all(snapshot.finite for snapshot in take(trainer(IMAGES | {"network.layers": rows}), 8))


@pytest.mark.parametrize(
    ("join", "inputs"), [("add", [64, 256, 256, 384, 8, 5]), ("concat", [64, 256, 512, 448, 8, 13])]
)
def test_skips_of_images_and_from_the_data_join_and_train(join: str, inputs: list[int]) -> None:
    rows = [
        {"kind": "conv", "units": 4, "padding": "same"},
        {"kind": "conv", "units": 4, "padding": "same", "skip_from": 1, "join": join},
        {"kind": "conv", "units": 6, "padding": "same", "skip_from": 0, "join": join},
        {"units": 8, "skip_from": 0},
        {"units": 5, "skip_from": 4, "join": join},
    ]
    run = trainer(IMAGES | {"network.layers": rows})
    assert [layer.linear.inputs[0].units for layer in run.network.layers] == inputs
    assert all(snapshot.finite for snapshot in take(run, 8))


# Rows that do not fit


CONV: dict[str, Any] = {"kind": "conv", "units": 4}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{}, CONV], "layer 2: needs an image (height, width, channels), but gets a row of 6 units"),
        ([CONV, {"kind": "flatten"}, {"kind": "max-pool"}], "layer 3: needs an image"),
        ([CONV | {"kernel": 9}], "layer 1: a kernel of 9 x 9 does not fit an image of 8 x 8"),
        ([CONV, {"kind": "average-pool", "kernel": 7}], "layer 2: a kernel of 7 x 7 does not fit an image of 6 x 6"),
        ([CONV | {"padding": 3}], "layer 1: padding 3 must be smaller than the kernel 3 x 3"),
        ([CONV | {"skip_from": 0}], "layer 1: a skip cannot bring an image of 8 x 8 x 1 to 6 x 6 x 4"),
        ([CONV | {"join": "concat", "skip_from": 0}], "layer 1: cannot put 8 x 8 x 1 units beside 6 x 6 x 4"),
    ],
    ids=str,
)
def test_rows_that_do_not_fit_an_image_are_refused_naming_the_row(rows: list[dict[str, Any]], says: str) -> None:
    error = refusal(IMAGES | {"network.layers": rows})
    assert error.field == "network.layers"
    assert error.reason.startswith(says)


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ({"kind": "max-pool", "skip_from": 1}, "skip_from"),
        ({"kind": "average-pool", "activation": "relu"}, "activation"),
        ({"kind": "flatten", "kernel": 2}, "kernel"),
        ({"units": 5, "stride": 2}, "stride"),
    ],
)
def test_key_that_a_kind_of_layer_does_not_have_is_refused_and_not_lost(row: dict[str, Any], key: str) -> None:
    error = refusal(IMAGES | {"network.layers": [{"kind": "conv"}, row]})
    assert error.field == f"network.layers[2].{key}"
    assert "layer has none; it has" in error.reason


def test_images_of_the_data_join_a_dense_layer_side_by_side() -> None:
    run = trainer(IMAGES | {"network.layers": [{"units": 8, "skip_from": 0, "join": "concat"}, {"units": 3}]})
    run.preview()
    assert run.network.layers[1].linear.W.shape == (64 + 8, 3)


@pytest.mark.parametrize("kind", ["conv", "max-pool", "average-pool", "global-average"])
def test_table_of_numbers_is_no_image_and_the_message_says_so(kind: str) -> None:
    error = refusal({"network.layers": [{"kind": kind}]})
    assert str(error) == (
        "network.layers: layer 1: needs an image (height, width, channels), but gets a row of 2 units"
    )


@pytest.mark.parametrize(("row", "source"), [(1, 1), (2, 2), (2, 3), (3, 10_000)])
def test_skip_must_come_from_a_row_before(row: int, source: int) -> None:
    rows: list[dict[str, Any]] = [{}, {}, {}]
    rows[row - 1] = {"skip_from": source}
    error = refusal({"network.layers": rows})
    assert (error.field, error.reason) == (
        f"network.layers[{row}].skip_from",
        f"must be a row before {row}, not {source}",
    )


def test_rows_beyond_the_memory_are_refused_before_they_are_built() -> None:
    error = refusal({"network.layers": [{"units": 8192}] * 5})
    assert error.field == "network.layers"
    assert "5 layers with batches of 16 need" in error.reason


# What does not learn


def parameters_of(run: Trainer) -> list[Array]:
    """Return a copy of all parameters of each layer: weights, biases, norms, learnt slopes, projections."""
    return [
        np.concatenate([node.parameter_views[name].ravel() for node in layer.learning for name in node.parameter_views])
        for layer in run.network.layers
    ]


@pytest.mark.parametrize("how", ["freeze", "rows"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_layers_never_move_and_the_others_do(optimizer: str, how: str) -> None:
    """Not even by momentum, weight decay or L1; what belongs to the layer (norm, slope) stands still with it."""
    rows = [{"units": 5}, {"units": 7, "norm": "layer-norm"}, {"units": 6, "activation": "leaky-relu"}]
    changes: dict[str, Any] = {"training.freeze": 2}
    frozen = [True, True, False, False]
    if how == "rows":
        rows[2] |= {"trainable": False}
        changes, frozen = {}, [False, False, True, False]
    changes |= {"network.layers": rows, "training.optimizer": optimizer, "training.momentum": 0.9}
    changes |= {"training.weight_decay": 0.1, "training.l1": 0.01, "training.clip_norm": 0.5}
    run = trainer(changes)
    assert [not layer.trainable for layer in run.topology.layers] == frozen
    before = parameters_of(run)
    last = take(run, 6)[-1]
    moved = [not np.array_equal(a, b) for a, b in zip(before, parameters_of(run), strict=True)]
    assert moved == [not still for still in frozen]
    np.testing.assert_array_equal(last.stat(Stat.UPDATE) == 0.0, frozen)
    assert (last.stat(Stat.WEIGHT_GRAD) > 0.0).all(), "the gradient is still shown"
    assert (last.stat(Stat.BIAS_GRAD) > 0.0).all()


def test_gradient_norm_counts_what_learns() -> None:
    run = trainer({"training.freeze": 2, "network.norm": "layer-norm", "network.skip_every": 1})
    snapshot = run.preview()
    learning = [node.gradients for layer, node in run.network.learning if layer.number > 2 for node in (node,)]
    assert snapshot.grad_norm == pytest.approx(np.linalg.norm(np.concatenate(learning)), rel=1e-12)
    whole = np.linalg.norm(run.network.gradients)
    assert snapshot.grad_norm < 0.99 * whole
    assert trainer({"network.norm": "layer-norm", "network.skip_every": 1}).preview().grad_norm == pytest.approx(whole)


def test_freezing_counts_layers_that_learn_not_rows() -> None:
    rows = [{"kind": "average-pool"}, {"kind": "conv", "units": 3}, {"kind": "flatten"}, {"units": 5}, {"units": 4}]
    run = trainer(IMAGES | {"network.layers": rows, "training.freeze": 2})
    assert [layer.trainable for layer in run.topology.layers] == [False, False, True, True]


def test_with_all_hidden_layers_frozen_the_output_still_learns() -> None:
    run = trainer({"training.freeze": 5000})
    before = parameters_of(run)
    take(run, 3)
    assert [np.array_equal(a, b) for a, b in zip(before, parameters_of(run), strict=True)] == [True, True, True, False]
