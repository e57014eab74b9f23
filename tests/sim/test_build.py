"""From names to engine parts: what fits together, what is refused, and the table of layers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sim_kit import small, trainer

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.losses import LOSSES
from gradflow.errors import ConfigError
from gradflow.sim import build
from gradflow.sim.datasets import DATASETS
from gradflow.sim.trainer import Trainer


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("data", DATASETS)
def test_loss_and_data_either_fit_or_are_refused_naming_the_choices(data: str, loss: str) -> None:
    experiment = small({"data.name": data, "training.loss": loss, "network.depth": 1})
    task = build.load_data(experiment.data, 0).dataset.task
    if task in LOSSES[loss].part.tasks:
        assert Trainer(experiment).preview().finite
        return
    with pytest.raises(ConfigError) as caught:
        Trainer(experiment)
    assert caught.value.field == "training.loss"
    fitting = [name for name, entry in LOSSES.items() if task in entry.part.tasks]
    assert all(name in caught.value.reason for name in ("auto", data, loss, *fitting))
    assert not [name for name in set(LOSSES) - set(fitting) - {loss} if name in caught.value.reason]


@pytest.mark.parametrize("data", DATASETS)
def test_auto_loss_fits_every_data_set(data: str) -> None:
    topology = trainer({"data.name": data}).topology
    assert topology.task in LOSSES[topology.loss].part.tasks


@pytest.mark.parametrize(
    ("task", "loss", "expected"),
    [
        ("two-moons", "auto", [[0.0], [1.0]]),
        ("two-moons", "mean-squared-error", [[0.0], [1.0]]),
        ("two-moons", "softmax-cross-entropy", [[1.0, 0.0], [0.0, 1.0]]),
        ("iris", "auto", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    ],
)
def test_classes_become_the_targets_the_loss_wants(task: str, loss: str, expected: list[list[float]]) -> None:
    experiment = small({"data.name": task, "training.loss": loss})
    split = build.load_data(experiment.data, 0)
    encoded = build.encode_targets(np.array([0, 1]), split, build.loss_name(experiment, split))
    np.testing.assert_array_equal(encoded, expected)


@pytest.mark.parametrize(
    ("depth", "every", "sources"),
    [
        (5, 0, [None, None, None, None, None]),
        (5, 1, [None, 1, 2, 3, 4]),
        (5, 2, [None, None, 1, None, 3]),
        (6, 3, [None, None, None, 1, None, None]),
        (3, 5, [None, None, None]),
    ],
)
def test_skips_close_whole_blocks_from_layer_one_on(depth: int, every: int, sources: list[int | None]) -> None:
    specs = build.layer_specs(small({"network.depth": depth, "network.skip_every": every}), 2)
    assert [spec.skip_from for spec in specs] == [*sources, None]
    assert [spec.units for spec in specs] == [6] * depth + [2]
    assert specs[-1].activation is None


DRAWN = [name for name in INITIALIZERS if name not in ("saved", "lsuv")]
"""What a saved run or the data decide has no σ that could be told before."""


@pytest.mark.parametrize("scheme", DRAWN)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_described_spread_is_that_of_the_drawn_weights(scheme: str, mode: str) -> None:
    """The table says σ and n of each layer; the weights themselves must agree."""
    run = trainer({"init.scheme": scheme, "init.mode": mode, "init.scale": 0.5, "network.width": 150})
    for info, layer in zip(run.topology.layers, run.network.layers, strict=True):
        W = layer.linear.W
        assert (info.inputs, info.units) == W.shape
        if info.init_std == 0.0:
            assert set(W.ravel()) <= {0.0, info.init_gain}, "what is not random is its gain times a pattern"
        else:
            assert W.std() == pytest.approx(info.init_std, rel=5 / math.sqrt(2 * W.size), abs=1e-15)
        if info.init_n is not None:
            assert math.isclose(info.init_std, info.init_gain / math.sqrt(info.init_n), rel_tol=1e-14)


@pytest.mark.parametrize(("bias", "scale"), [(0.0, 0.0), (0.7, 0.0), (-1.5, 0.2), (0.0, 2.0)])
def test_biases_are_drawn_around_their_mean(bias: float, scale: float) -> None:
    run = trainer({"init.bias": bias, "init.bias_scale": scale, "network.width": 400})
    drawn = np.concatenate([layer.linear.b for layer in run.network.layers])
    assert drawn.mean() == pytest.approx(bias, abs=5 * scale / math.sqrt(drawn.size) + 1e-14)
    assert drawn.std() == pytest.approx(scale, rel=0.1, abs=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", [None, "batch-norm"])
@pytest.mark.parametrize("data", ["two-moons", "digits"])
def test_lsuv_gives_every_layer_unit_variance_on_the_data(activation: str, norm: str | None, data: str) -> None:
    """Mishkin & Matas 2016: whatever the activation and the norm do; measured on the samples it has seen."""
    changes = {"init.scheme": "lsuv", "network.activation": activation, "network.depth": 12, "network.width": 30}
    run = trainer(changes | {"network.norm": norm or "none", "data.name": data, "training.batch_size": "all"})
    run.preview()
    for layer in run.network.layers:
        assert layer.linear.value.var() == pytest.approx(1.0, abs=0.1), f"layer {layer.number}"


def test_init_scale_comes_after_the_data_have_spoken() -> None:
    plain, scaled = (trainer({"init.scheme": "lsuv", "init.scale": scale}) for scale in (1.0, 3.0))
    for run in (plain, scaled):
        run.preview()
    for one, three in zip(plain.network.layers, scaled.network.layers, strict=True):
        np.testing.assert_allclose(three.linear.W, 3.0 * one.linear.W, rtol=1e-14)


def test_lsuv_leaves_running_statistics_and_dropout_as_they_begin() -> None:
    """Fitting is no training: batch norm has seen nothing yet, and nothing is left out of what it fits to."""
    changes = {"init.scheme": "lsuv", "network.norm": "batch-norm", "network.dropout": 0.5}
    run = trainer(changes)
    fitted = trainer(changes)
    fitted._fit_to_data()
    np.testing.assert_array_equal(fitted.network.state, run.network.state)
    assert not np.array_equal(fitted.network.parameters, run.network.parameters)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_topology_says_what_the_run_is_made_of(activation: str) -> None:
    run = trainer({"network.activation": activation})
    topology = run.topology
    learnt = {"layer": 3, "unit": 18}.get(ACTIVATIONS[activation].part.learnable, 0)
    assert [layer.name for layer in topology.layers] == ["hidden 1", "hidden 2", "hidden 3", "output"]
    assert [layer.number for layer in topology.layers] == [1, 2, 3, 4]
    assert [layer.activation for layer in topology.layers] == [activation] * 3 + [None]
    assert topology.parameters == 3 * 6 + 7 * 6 + 7 * 6 + 7 + learnt == run.network.parameters.size
    assert (topology.training_samples, topology.validation_samples) == (40, 10)
    assert (topology.inputs, topology.outputs) == (2, 1)
    assert all(layer.trainable and layer.kind == "dense" for layer in topology.layers)


def test_network_beyond_the_memory_is_refused_before_it_is_built() -> None:
    with pytest.raises(ConfigError, match=r"5000 layers of 8192 units .* need .* GB; the limit is 4 GB") as caught:
        trainer({"network.depth": 5000, "network.width": 8192})
    assert caught.value.field == "network.width"


@pytest.mark.parametrize(("precision", "gigabytes"), [("float64", 5.4), ("float32", 2.7), ("bfloat16", 2.7)])
def test_limit_counts_parameters_gradients_and_the_optimisers_memory(precision: str, gigabytes: float) -> None:
    """Three layers of 8192 units have 134 million parameters; each is held five times over."""
    split = build.load_data(small().data, 0)
    build.check_size(small({"network.depth": 2, "network.width": 8192}), split, 1)
    experiment = small({"network.depth": 3, "network.width": 8192, "training.precision": precision})
    if gigabytes < 4:
        build.check_size(experiment, split, 1)
        return
    with pytest.raises(ConfigError, match=rf"need {gigabytes} GB"):
        build.check_size(experiment, split, 1)


def test_a_huge_batch_counts_as_memory_too() -> None:
    experiment = small(
        {"network.width": 8000, "network.depth": 1, "data.samples": 100_000, "training.batch_size": "all"}
    )
    split = build.load_data(experiment.data, 0)
    with pytest.raises(ConfigError, match="smaller batches"):
        build.check_size(experiment, split, 1)
    build.check_size(small({"network.width": 512, "network.depth": 200}), split, 1)


def test_more_samples_than_a_real_set_has_is_said_at_the_field() -> None:
    with pytest.raises(ConfigError, match=r"data\.samples: .*'iris' has 150 samples, not 151"):
        trainer({"data.name": "iris", "data.samples": 151})


def test_streams_are_independent_so_that_a_change_of_the_network_keeps_the_data() -> None:
    narrow, wide = trainer({"network.width": 3}), trainer({"network.width": 9, "init.scheme": "normal"})
    assert narrow.split is wide.split
    rows = [t.network.input.value.copy() for t in (narrow, wide) if t.preview()]
    np.testing.assert_array_equal(rows[0], rows[1])
    draws = [build.stream(small(), number).random() for number in range(6)]
    assert len(set(draws)) == 6


def test_another_seed_changes_data_weights_and_order() -> None:
    one, two = trainer(), trainer({"seed": 1})
    assert not np.array_equal(one.split.x_train, two.split.x_train)
    assert not np.array_equal(one.network.parameters, two.network.parameters)
