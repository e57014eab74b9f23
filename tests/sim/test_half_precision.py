"""Short number formats: what they round, what underflows, and what a loss scale does about it."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sim_kit import bits, take, trainer

from gradflow.engine.graph import ParameterNode
from gradflow.engine.nodes import NORMS
from gradflow.engine.precision import PRECISIONS
from gradflow.sim import statistics
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.subject import Subject

Array = NDArray[Any]

HALVES = [name for name, entry in PRECISIONS.items() if entry.part.rounds]
RELATIVE = {"float32": 1e-5, "float16": 2e-2, "bfloat16": 1e-1}
"""How far a small network may be from float64."""

VANISHING: dict[str, Any] = {"network.activation": "sigmoid", "network.depth": 12, "data.name": "iris"}
OVERFLOWING: dict[str, Any] = {
    "data.name": "diabetes",
    "network.activation": "identity",
    "training.precision": "float16",
    "training.loss_scale": "dynamic",
    "training.learning_rate": 0.01,
}
"""Gradients of the squared error that times 2¹⁶ are beyond the 65 504 of float16, and times a little less are not."""


def representable(precision: str, x: Array) -> bool:
    """Return whether rounding changes nothing."""
    rounded = np.ascontiguousarray(x).copy()
    PRECISIONS[precision].part().round(rounded)
    return bool(np.array_equal(rounded, x))


# Every precision


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_trains(precision: str, optimizer: str) -> None:
    changes = {"training.optimizer": optimizer, "training.momentum": 0.9, "training.learning_rate": 0.01}
    run = trainer(changes | {"training.precision": precision, "training.batch_size": "all"})
    snapshots = take(run, 121)
    assert all(snapshot.finite for snapshot in snapshots)
    assert snapshots[-1].train_loss < 0.8 * snapshots[0].train_loss
    assert math.isfinite(snapshots[-1].validation_loss)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_everything_of_a_step_is_stored_in_the_precisions_type(precision: str) -> None:
    run = trainer({"training.precision": precision, "network.norm": "layer-norm", "network.dropout": 0.1})
    dtype = PRECISIONS[precision].part.dtype
    take(run, 3)
    for node in run.network.graph.order:
        assert node.value.dtype == node.grad.dtype == dtype, node
    for vector in (run.network.parameters, run.network.master, run.network.gradients, *run.training_set):
        assert vector.dtype == dtype
    assert run.preview().stats.dtype == np.float64


@pytest.mark.parametrize("precision", RELATIVE)
def test_short_precisions_are_near_the_long_one_at_the_start_and_not_equal_to_it(precision: str) -> None:
    exact, short = trainer().preview(), trainer({"training.precision": precision}).preview()
    assert short.train_loss == pytest.approx(exact.train_loss, rel=RELATIVE[precision])
    assert short.train_loss != exact.train_loss
    np.testing.assert_allclose(short.stat(Stat.DELTA), exact.stat(Stat.DELTA), rtol=RELATIVE[precision])
    np.testing.assert_allclose(short.stat(Stat.WEIGHT), exact.stat(Stat.WEIGHT), rtol=RELATIVE[precision])


@pytest.mark.parametrize("norm", ["none", "batch-norm", "layer-norm"])
@pytest.mark.parametrize("precision", HALVES)
def test_every_number_of_a_step_is_one_the_half_precision_has(precision: str, norm: str) -> None:
    """Values, parameters and their gradients, but not the master copy, in which small steps add up."""
    changes = {"training.precision": precision, "network.norm": norm, "network.skip_every": 1, "data.name": "iris"}
    run = trainer(changes)
    take(run, 4)
    for node in run.network.graph.order:
        assert node is run.network.loss or representable(precision, node.value), node
        if isinstance(node, ParameterNode):
            assert representable(precision, node.gradients), node
    for layer in run.network.layers:
        assert representable(precision, layer.linear.grad)
    assert representable(precision, run.network.parameters)
    assert not representable(precision, run.network.master)


@pytest.mark.parametrize("precision", HALVES)
def test_steps_too_small_for_the_half_precision_add_up_in_the_master_copy(precision: str) -> None:
    """Each step is far below half a unit of the last place of a weight, and hundreds of them still move it."""
    run = trainer({"training.precision": precision, "training.learning_rate": 2e-5, "training.batch_size": "all"})
    first = run.network.parameters.copy()
    large = np.abs(first) > 0.1
    steps = run.steps()
    next(steps), next(steps)
    np.testing.assert_array_equal(run.network.parameters[large], first[large])
    for _ in range(600):
        next(steps)
    assert (run.network.parameters[large] != first[large]).any()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_validation_computes_as_the_training_does(precision: str) -> None:
    run = trainer({"training.precision": precision, "training.batch_size": "all"})
    run.preview()
    found = run.evaluator.outputs(run.network.input.value)
    np.testing.assert_array_equal(found, run.network.layers[-1].linear.value)


@pytest.mark.parametrize("precision", HALVES)
def test_statistics_and_gradient_of_all_samples_work_in_half_precision(precision: str) -> None:
    run = trainer({"training.precision": precision, "training.batch_size": "all"})
    run.preview()
    found = statistics.take(Subject(run.network, lambda: run.evaluator.gradient(*run.training_set)))
    np.testing.assert_allclose(found["noise_ratio"], 1.0, rtol=1e-2)


def test_gradient_of_all_samples_has_the_loss_scale_of_the_training() -> None:
    """A batch of all samples has no noise: both gradients are the same."""
    changes = {"training.precision": "float16", "training.loss_scale": 2.0**15, "training.batch_size": "all"}
    run = trainer(VANISHING | changes)
    run.preview()
    found = statistics.take(Subject(run.network, lambda: run.evaluator.gradient(*run.training_set)))
    np.testing.assert_allclose(found["noise_ratio"], 1.0, rtol=1e-2)


# Underflow


def test_underflow_counts_the_entries_of_delta_that_were_rounded_to_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against NumPy's own half precision: ∂L/∂a on its arrival, and ∂L/∂z in the same memory afterwards."""
    run = trainer(VANISHING | {"training.precision": "float16", "training.batch_size": "all"})
    steps = run.steps()
    next(steps)
    lost: Counter[int] = Counter()
    round_in_place = run.network.precision.round

    def spy(x: Array) -> None:
        with np.errstate(over="ignore"):
            lost[x.ctypes.data] += np.count_nonzero((x != 0) & (x.astype(np.float16) == 0))
        round_in_place(x)

    monkeypatch.setattr(run.network.precision, "round", spy)
    snapshot = next(steps)
    expected = [lost[layer.linear.grad.ctypes.data] / layer.linear.grad.size for layer in run.network.layers]
    np.testing.assert_allclose(snapshot.stat(Stat.UNDERFLOW), expected, rtol=1e-12)
    assert max(expected) > 0.1


RESIDUALS = ["after-activation", "post-activation", "pre-activation"]


def underflowing(residual: str, norm: str) -> Snapshot:
    """Return step 0 of a residual network whose gradients leave float16 after two layers."""
    changes = {"network.skip_every": 2, "network.residual": residual, "network.norm": norm, "network.width": 40}
    return trainer(VANISHING | changes | {"training.precision": "float16", "init.scale": 1e-4}).preview()


@pytest.mark.parametrize("norm", ["none", *NORMS])
@pytest.mark.parametrize("residual", RESIDUALS)
def test_underflow_is_a_share(residual: str, norm: str) -> None:
    found = underflowing(residual, norm).stat(Stat.UNDERFLOW)
    assert (found >= 0.0).all()
    assert (found <= 1.0).all()


@pytest.mark.parametrize("norm", ["none", *NORMS])
@pytest.mark.parametrize("residual", RESIDUALS)
def test_layer_that_is_silent_because_its_gradient_was_rounded_away_shows_it(residual: str, norm: str) -> None:
    snapshot = underflowing(residual, norm)
    silent = int(np.flatnonzero(snapshot.stat(Stat.DELTA) == 0.0)[-1])
    assert 0 < silent < 12, "the layers behind it do receive a gradient"
    assert snapshot.stat(Stat.UNDERFLOW)[silent] > 0.0


@pytest.mark.parametrize("activation", ["gelu", "gelu-tanh", "silu", "mish", "tanh", "softsign", "erf"])
def test_slope_near_zero_is_that_of_float64(activation: str) -> None:
    """Activations of a dwindling signal have few digits left in float16, or none: no slope may be made from those."""
    changes = {"network.activation": activation, "network.depth": 20, "init.scale": 0.5, "data.name": "iris"}
    found, exact = (
        statistics.slope_square(Subject(run.network, partial(run.evaluator.gradient, *run.training_set)))
        for run in (trainer(changes | {"training.precision": "float16"}), trainer(changes))
        if run.preview()
    )
    np.testing.assert_allclose(found, exact, rtol=0.02)


def test_underflow_of_a_vanishing_network_shrinks_with_the_loss_scale() -> None:
    found = []
    for scale in (1.0, 2.0**8, 2.0**15):
        snapshot = trainer(VANISHING | {"training.precision": "float16", "training.loss_scale": scale}).preview()
        found.append((snapshot.stat(Stat.UNDERFLOW).sum(), np.count_nonzero(snapshot.stat(Stat.DELTA))))
    (lost, alive), (less_lost, more_alive), (least_lost, most_alive) = found
    assert lost > less_lost > least_lost
    assert alive < more_alive <= most_alive


def test_bfloat16_loses_nothing_where_float16_does() -> None:
    """It has the range of float32."""
    found = [trainer(VANISHING | {"training.precision": name}).preview().stat(Stat.UNDERFLOW).max() for name in HALVES]
    assert dict(zip(HALVES, found, strict=True)) == {"float16": pytest.approx(found[0]), "bfloat16": 0.0}
    assert found[0] > 0.1


# The loss scale


@pytest.mark.parametrize("scale", [2.0, 2.0**10, 2.0**60, "dynamic"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_loss_scale_changes_no_bit_where_nothing_underflows(optimizer: str, scale: float | str) -> None:
    """A power of two only moves exponents; gradients, norms and steps are told and taken without it."""
    changes = {"training.optimizer": optimizer, "training.clip_norm": 0.3, "training.weight_decay": 0.01}
    plain, scaled = trainer(changes), trainer(changes | {"training.loss_scale": scale})
    assert bits(take(scaled, 12)) == bits(take(plain, 12))
    np.testing.assert_array_equal(scaled.network.parameters, plain.network.parameters)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_dynamic_scale_skips_the_step_that_overflows_and_halves(optimizer: str) -> None:
    run = trainer(OVERFLOWING | {"training.optimizer": optimizer, "training.momentum": 0.9})
    optimizer_memory, steps = run._update._optimizer.memory, run.steps()
    scales, skipped = [], []
    for _ in range(12):
        parameters, memory = run.network.master.copy(), optimizer_memory.copy()
        was_skipped = bool(skipped and skipped[-1])
        snapshot = next(steps)
        assert snapshot.finite, "a scale that was too large is no divergence"
        scales.append(run.network.loss_scale)
        skipped.append(not math.isfinite(snapshot.grad_norm))
        # The step of a snapshot is taken on the way to the next one, the optimiser is asked before.
        assert np.array_equal(run.network.master, parameters) == (was_skipped or len(scales) == 1)
        assert np.array_equal(optimizer_memory, memory) == skipped[-1]
        if was_skipped:
            assert scales[-1] == scales[-2] / 2
    assert scales[0] == 2.0**16
    assert skipped[0]
    assert not skipped[-1]
    assert np.isfinite(optimizer_memory).all()


def test_dynamic_scale_settles_and_the_network_learns() -> None:
    run = trainer(OVERFLOWING | {"training.batch_size": "all"})
    snapshots = take(run, 150)
    assert len(snapshots) == 150
    finite = [math.isfinite(snapshot.grad_norm) for snapshot in snapshots]
    assert not finite[0]
    assert all(finite[20:])
    assert snapshots[-1].train_loss < 0.8 * snapshots[0].train_loss


def test_run_that_blows_up_at_any_scale_ends_in_a_named_divergence() -> None:
    run = trainer(OVERFLOWING | {"training.learning_rate": 1e4})
    snapshots = take(run, 200)
    assert len(snapshots) < 200
    assert snapshots[-1].divergence is not None
    assert f"step {snapshots[-1].step}" in str(snapshots[-1].divergence)
    assert run.network.loss_scale == 1.0, "no scale is to blame"


def test_weights_beyond_float16_are_a_divergence_at_step_0_and_no_warning() -> None:
    last = take(trainer({"training.precision": "float16", "init.scheme": "normal", "init.scale": 1e6}), 2)[-1]
    assert last.step == 0
    assert last.divergence is not None
    assert last.divergence.quantity == "W"


def test_fixed_scale_that_is_too_large_is_a_divergence_that_says_where() -> None:
    last = take(trainer(OVERFLOWING | {"training.loss_scale": 2.0**40}), 3)[-1]
    assert last.step == 0
    assert last.divergence is not None
    assert last.divergence.direction == "backward"
