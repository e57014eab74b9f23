"""How a network learns: schedules, decay, clipping, optimisers, spoilt labels, early stopping, and live changes."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sim_kit import bits, small, take, trainer, validating

from gradflow.engine.nodes import NORMS
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.engine.precision import PRECISIONS
from gradflow.engine.schedules import SCHEDULES, Plan
from gradflow.errors import ConfigError
from gradflow.sim import archive
from gradflow.sim.config import FIELDS, Experiment, edit, get
from gradflow.sim.details import Want
from gradflow.sim.report import Report
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.trainer import Trainer

Array = NDArray[np.float64]


def _shown(value: Any) -> str | None:
    """Return the name of a parameter in the report; a function has none that is the same in every process."""
    return None if callable(value) else str(value)


def rates(run: Trainer, count: int) -> list[float]:
    """Return the learning rates of the first steps."""
    return [snapshot.learning_rate for snapshot in take(run, count)]


def taken(run: Trainer, snapshots: int = 1) -> tuple[Snapshot, Array, Array, Array]:
    """Return a snapshot, parameters and gradients at that moment, and the parameters after its update."""
    steps = run.steps()
    for _ in range(snapshots):
        snapshot = next(steps)
    before, gradients = run.network.parameters.copy(), run.network.gradients.copy()
    next(steps)
    return snapshot, before, gradients, run.network.parameters


# Schedules


@pytest.mark.parametrize("warmup", [0, 7])
@pytest.mark.parametrize("name", SCHEDULES)
def test_learning_rate_of_each_step_is_what_the_schedule_says(name: str, warmup: int) -> None:
    plan = Plan(steps=40, warmup_steps=warmup, every=9, factor=0.5, final_fraction=0.2, patience=1)
    run = validating(
        {
            "training.schedule": name,
            "training.learning_rate": 0.3,
            "training.steps": plan.steps,
            "training.warmup_steps": warmup,
            "training.schedule_every": plan.every,
            "training.schedule_factor": plan.factor,
            "training.final_fraction": plan.final_fraction,
            "training.plateau_patience": plan.patience,
        }
    )
    schedule = SCHEDULES[name].part(plan)
    for snapshot in take(run, 50):
        assert snapshot.learning_rate == 0.3 * schedule.factor(snapshot.step)
        schedule.observe(snapshot.validation_loss)


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({"schedule": "constant"}, lambda k: 1.0),
        ({"schedule": "step", "schedule_every": 5, "schedule_factor": 0.5}, lambda k: 0.5 ** (k // 5)),
        ({"schedule": "exponential", "schedule_every": 10, "schedule_factor": 0.1}, lambda k: 10 ** (-k / 10)),
        ({"schedule": "cosine", "steps": 20}, lambda k: 0.5 * (1 + math.cos(math.pi * k / 20))),
        ({"schedule": "cosine", "steps": 20, "final_fraction": 1.0}, lambda k: 1.0),
        ({"warmup_steps": 8}, lambda k: min(1.0, (k + 1) / 8)),
        (
            {"schedule": "exponential", "schedule_every": 10, "warmup_steps": 4},
            lambda k: min(1, (k + 1) / 4) / 10 ** (k / 10),
        ),
    ],
    ids=_shown,
)
def test_schedules_are_their_formulas(changes: dict[str, Any], factor: Any) -> None:
    run = trainer({f"training.{name}": value for name, value in changes.items()} | {"training.learning_rate": 0.2})
    np.testing.assert_allclose(rates(run, 20), [0.2 * factor(k) for k in range(20)], rtol=1e-12)


def test_update_walks_as_far_as_the_snapshot_says() -> None:
    run = trainer({"training.schedule": "cosine", "training.steps": 12, "training.warmup_steps": 5})
    for count in (1, 3, 6):
        snapshot, before, gradients, after = taken(run, count)
        np.testing.assert_array_equal(after, before - snapshot.learning_rate * gradients)


def test_plateau_is_that_of_the_validation_and_lowers_the_steps_after_it() -> None:
    """A network that cannot move has a plateau from the start: the third validation without improvement lowers η."""
    changes = {"training.optimizer": "sgd", "training.learning_rate": 1e-30, "training.schedule": "reduce-on-plateau"}
    run = validating(changes | {"training.plateau_patience": 2, "training.schedule_factor": 0.5}, every=2)
    np.testing.assert_allclose(np.divide(rates(run, 14), 1e-30), [1.0] * 7 + [0.5] * 6 + [0.25])


def test_without_a_validation_part_the_plateau_is_that_of_the_training() -> None:
    changes = {"training.schedule": "reduce-on-plateau", "training.learning_rate": 1e-30, "training.batch_size": "all"}
    run = trainer(changes | {"data.validation_fraction": 0.0, "training.plateau_patience": 1})
    found = np.divide(rates(run, 8), 1e-30)
    assert (np.diff(found) <= 0).all()
    assert found[0] == 1.0 > found[-1]


def test_live_learning_rate_keeps_its_place_in_the_schedule() -> None:
    changes = {"training.schedule": "step", "training.schedule_every": 2, "training.schedule_factor": 0.5}
    run = trainer(changes | {"training.learning_rate": 1.0})
    steps = run.steps()
    found = [next(steps).learning_rate for _ in range(4)]
    run.retune(edit(run.experiment, {"training.learning_rate": 8.0}).training)
    found += [next(steps).learning_rate for _ in range(4)]
    assert found == [1.0, 1.0, 0.5, 0.5, 2.0, 2.0, 1.0, 1.0]


def test_live_change_of_a_plan_keeps_what_a_plateau_has_lowered_and_another_schedule_begins_anew() -> None:
    changes = {"training.schedule": "reduce-on-plateau", "training.learning_rate": 1e-30}
    run = validating(changes | {"training.plateau_patience": 0, "training.schedule_factor": 0.5})
    steps = run.steps()
    assert [next(steps).learning_rate for _ in range(3)] == [1e-30, 1e-30, 0.5e-30]
    run.retune(edit(run.experiment, {"training.plateau_patience": 1000}).training)
    next(steps)
    assert next(steps).learning_rate == 0.25e-30
    run.retune(edit(run.experiment, {"training.schedule": "constant"}).training)
    assert next(steps).learning_rate == 1e-30


# Decay and clipping


def test_weight_decay_and_l1_join_the_gradient() -> None:
    """W ← W − η·(g + λ·W + λ₁·sign W), with biases decayed as torch does."""
    run = trainer({"training.weight_decay": 0.3, "training.l1": 0.01, "init.bias_scale": 0.5})
    _, W, g, after = taken(run, 2)
    np.testing.assert_allclose(after, W - 0.05 * (g + 0.3 * W + 0.01 * np.sign(W)), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("optimizer", ["adamw", "lion"])
def test_decoupled_decay_pulls_on_the_weights_themselves(optimizer: str) -> None:
    changes = {"training.optimizer": optimizer, "training.learning_rate": 0.01, "init.bias_scale": 0.5}
    _, W, _, plain = taken(trainer(changes))
    decayed = taken(trainer(changes | {"training.weight_decay": 0.3}))[3]
    np.testing.assert_allclose(decayed, plain - 0.01 * 0.3 * W, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("length", [0.5, 0.9, 1.0, 1.1, 100.0])
def test_clipping_by_norm_shortens_what_is_longer_and_both_norms_are_told(length: float) -> None:
    whole = trainer().preview().grad_norm
    run = trainer({"training.clip_norm": length * whole})
    snapshot, before, g, after = taken(run)
    assert snapshot.grad_norm == whole, "the norm is read before clipping"
    assert snapshot.grad_norm_clipped == pytest.approx(min(1.0, length) * whole, rel=1e-5)
    np.testing.assert_allclose(after, before - 0.05 * min(1.0, length) * g, rtol=1e-5)
    if length > 1:
        assert snapshot.grad_norm_clipped == whole
        np.testing.assert_array_equal(after, before - 0.05 * g)


def test_clipping_by_value_cuts_every_entry() -> None:
    whole = trainer().preview()
    limit = 0.5 * float(np.abs(taken(trainer())[2]).max())
    snapshot, before, g, after = taken(trainer({"training.clip_value": limit}))
    cut = np.clip(g, -limit, limit)
    assert (np.abs(g) > limit).any()
    assert snapshot.grad_norm == whole.grad_norm
    assert snapshot.grad_norm_clipped == pytest.approx(np.linalg.norm(cut), rel=1e-12)
    np.testing.assert_allclose(after, before - 0.05 * cut, rtol=1e-13, atol=1e-16)


def test_clipping_by_value_comes_before_clipping_by_norm() -> None:
    _, before, g, _ = taken(trainer())
    limit = 0.5 * float(np.abs(g).max())
    cut = np.clip(g, -limit, limit)
    norm = 0.7 * float(np.linalg.norm(cut))
    snapshot, _, _, after = taken(trainer({"training.clip_value": limit, "training.clip_norm": norm}))
    assert snapshot.grad_norm_clipped == pytest.approx(norm, rel=1e-5)
    np.testing.assert_allclose(after, before - 0.05 * 0.7 * cut, rtol=1e-5, atol=1e-12)


def test_without_clipping_there_is_no_clipped_norm() -> None:
    assert all(math.isnan(snapshot.grad_norm_clipped) for snapshot in take(trainer(), 3))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_is_measured_of_the_gradient_knows_nothing_of_clipping_decay_and_optimiser(optimizer: str) -> None:
    """An explosion must not be hidden by what is done about it."""
    plain = trainer().preview()
    changes = {"training.optimizer": optimizer, "training.clip_norm": 1e-3, "training.clip_value": 1e-4}
    treated = trainer(changes | {"training.weight_decay": 0.5, "training.l1": 0.1}).preview()
    for stat in Stat:
        if stat is not Stat.UPDATE:
            np.testing.assert_array_equal(treated.stat(stat), plain.stat(stat), err_msg=stat)
    assert treated.grad_norm == plain.grad_norm
    assert not np.array_equal(treated.stat(Stat.UPDATE), plain.stat(Stat.UPDATE))


# Optimisers


@pytest.mark.parametrize("data", ["two-moons", "iris", "sine"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_lowers_the_loss(optimizer: str, data: str) -> None:
    changes = {"training.optimizer": optimizer, "training.momentum": 0.9, "training.learning_rate": 0.01}
    losses = [s.train_loss for s in take(trainer(changes | {"data.name": data, "training.batch_size": "all"}), 121)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    ("optimizer", "path"),
    [("adam", "beta1"), ("adam", "beta2"), ("adam", "epsilon"), ("rmsprop", "beta2"), ("lion", "beta1")],
)
def test_auto_is_the_optimisers_own_number(optimizer: str, path: str) -> None:
    own = getattr(OPTIMIZERS[optimizer].part, path)
    changes = {"training.optimizer": optimizer, "training.learning_rate": 0.01}
    runs = [trainer(changes | ({f"training.{path}": value} if value else {})) for value in (None, own, own / 2)]
    auto, spelt_out, other = (bits(take(run, 5)) for run in runs)
    assert auto == spelt_out != other


# Spoilt labels


NOISY = pytest.mark.parametrize("data", ["two-moons", "iris", "blobs", "digits"])


def labels(changes: dict[str, Any]) -> NDArray[np.intp]:
    """Return the classes that are trained on."""
    targets = trainer(changes).training_set[1]
    return targets.argmax(axis=1) if targets.shape[1] > 1 else targets[:, 0].astype(int)


@NOISY
@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_exactly_the_share_of_training_labels_is_another_class(data: str, share: float) -> None:
    changes = {"data.name": data, "data.samples": 120}
    clean, noisy = labels(changes), labels(changes | {"data.label_noise": share})
    assert np.count_nonzero(clean != noisy) == round(share * len(clean))
    assert set(noisy) <= set(clean)


def test_wrong_labels_are_of_all_the_other_classes() -> None:
    changes = {"data.name": "digits", "data.samples": "all"}
    clean, noisy = labels(changes), labels(changes | {"data.label_noise": 1.0})
    assert {(a, b) for a, b in zip(clean, noisy, strict=True)} == set(itertools.permutations(range(10), 2))


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_numbers_are_dealt_to_other_samples(share: float) -> None:
    """No number is invented: their distribution stays, their belonging goes."""
    clean, noisy = (trainer({"data.name": "sine", "data.label_noise": s}).training_set[1] for s in (0.0, share))
    np.testing.assert_array_equal(np.sort(clean, axis=0), np.sort(noisy, axis=0))
    assert np.count_nonzero(clean != noisy) == round(share * len(clean))


@NOISY
def test_label_noise_leaves_validation_inputs_and_first_weights_alone(data: str) -> None:
    clean, noisy = (trainer({"data.name": data, "data.label_noise": share}) for share in (0.0, 0.7))
    np.testing.assert_array_equal(clean.training_set[0], noisy.training_set[0])
    np.testing.assert_array_equal(clean.network.parameters, noisy.network.parameters)
    first, spoilt = next(clean.steps()), next(noisy.steps())
    assert spoilt.validation_loss == first.validation_loss
    assert spoilt.validation_accuracy == first.validation_accuracy
    assert spoilt.train_loss != first.train_loss


def test_which_labels_are_wrong_depends_on_the_seed_and_on_nothing_else() -> None:
    noise = {"data.label_noise": 0.3, "data.name": "iris"}
    one = labels(noise)
    for other in ({"network.depth": 7}, {"training.batch_size": 3}, {"network.dropout": 0.5}, {"init.scheme": "zeros"}):
        np.testing.assert_array_equal(labels(noise | other), one)
    wrong = [labels(noise | {"seed": seed}) != labels({"data.name": "iris", "seed": seed}) for seed in (0, 1)]
    assert not np.array_equal(*wrong)


@pytest.mark.parametrize(
    ("changes", "soft"),
    [
        ({}, lambda y: y * 0.8 + 0.1),
        ({"training.loss": "softmax-cross-entropy"}, lambda y: y * 0.8 + 0.1),
        ({"data.name": "iris"}, lambda y: y * 0.8 + 0.2 / 3),
    ],
    ids=_shown,
)
def test_smoothing_spreads_a_share_of_the_targets_over_all_classes(changes: dict[str, Any], soft: Any) -> None:
    hard, smooth = (trainer(changes | {"training.label_smoothing": share}) for share in (0.0, 0.2))
    np.testing.assert_allclose(smooth.training_set[1], soft(hard.training_set[1]), rtol=1e-14)


@pytest.mark.parametrize("smoothing", [0.2, 0.99])
@pytest.mark.parametrize("data", ["two-moons", "iris"])
def test_smoothing_is_for_training_only(data: str, smoothing: float) -> None:
    hard, smooth = (
        next(trainer({"data.name": data, "training.label_smoothing": share}).steps()) for share in (0.0, smoothing)
    )
    assert smooth.validation_loss == hard.validation_loss
    assert smooth.train_accuracy == hard.train_accuracy, "a softened class is still that class"
    assert smooth.train_loss != hard.train_loss


# Early stopping


OVERFITTING: dict[str, Any] = {
    "data.label_noise": 0.4,
    "data.samples": 60,
    "network.width": 30,
    "training.optimizer": "adam",
    "training.learning_rate": 0.01,
    "training.patience": 40,
    "training.steps": 3000,
}
"""Wrong labels are learnt by heart, and the validation loss soon rises."""


def to_the_end(run: Run) -> Run:
    """Advance a run until it is finished."""
    while not run.finished:
        run.advance()
    return run


STOPPING = pytest.mark.parametrize(
    "changes",
    [{}, {"network.norm": "batch-norm", "network.dropout": 0.2}, {"training.precision": "float16"}],
    ids=["plain", "batch norm", "float16"],
)


@STOPPING
def test_run_stops_early_and_puts_the_best_weights_back_bit_for_bit(changes: dict[str, Any]) -> None:
    experiment = small(OVERFITTING | changes)
    run = to_the_end(Run(experiment))
    history = run.history.view()
    losses, steps = history.column("validation_loss"), history.column("step")
    best = int(steps[np.nanargmin(losses)])
    assert 0 < best < run.snapshot.step < experiment.training.steps
    assert run.trainer.stopped_early
    assert run.trainer.best_step == best
    assert run.snapshot.step - best >= 40 > run.snapshot.step - run.trainer.validate_every - best
    again = trainer(OVERFITTING | changes | {"training.patience": 0})
    take(again, best + 1)
    np.testing.assert_array_equal(run.trainer.network.master, again.network.master)
    np.testing.assert_array_equal(run.trainer.network.parameters, again.network.parameters)
    np.testing.assert_array_equal(run.trainer.network.state, again.network.state)
    split, targets = run.trainer.split, run.trainer.validation_targets
    assert run.trainer.evaluator.score(split.x_validation, targets)[0] == np.nanmin(losses)


@STOPPING
def test_statistics_after_an_early_stop_are_those_of_the_step_shown(changes: dict[str, Any]) -> None:
    """The best weights are in place, but activations and gradients are those of the last step."""
    wants = {Want.STATISTICS, Want.MAGNITUDES}
    run = to_the_end(Run(small(OVERFITTING | changes)))
    left_alone = Run(small(OVERFITTING | changes | {"training.patience": 0}))
    while left_alone.snapshot.step < run.snapshot.step or not left_alone.begun:
        left_alone.advance()
    best = run.trainer.network.master.copy()
    found, expected = run.measure(wants), left_alone.measure(wants)
    for name, values in expected.statistics.items():
        np.testing.assert_array_equal(found.statistics[name], values, err_msg=name)
    np.testing.assert_array_equal(found.weights.counts, expected.weights.counts)
    np.testing.assert_array_equal(run.trainer.network.master, best)


def test_best_weights_are_put_back_after_the_last_step_too_and_more_steps_go_on_from_it() -> None:
    changes = OVERFITTING | {"training.patience": 10_000}
    run = to_the_end(Run(small(changes | {"training.steps": 150})))
    assert not run.trainer.stopped_early
    best = trainer(changes)
    take(best, (run.trainer.best_step or 0) + 1)
    assert run.trainer.best_step != 150
    np.testing.assert_array_equal(run.trainer.network.master, best.network.master)
    run.retune(dataclasses.replace(run.experiment.training, steps=170))
    straight = to_the_end(Run(small(changes | {"training.steps": 170})))
    assert to_the_end(run).snapshot.train_loss == straight.snapshot.train_loss
    np.testing.assert_array_equal(run.trainer.network.master, straight.trainer.network.master)


def test_final_weights_on_file_are_those_that_were_put_back(tmp_path: Path) -> None:
    run = Run(small(OVERFITTING))
    with Report(tmp_path, run) as report:
        while not run.finished:
            report.record(run.advance())
    assert run.trainer.stopped_early
    best = trainer(OVERFITTING)
    take(best, (run.trainer.best_step or 0) + 1)
    with np.load(tmp_path / "weights.npz") as arrays:
        for layer in best.network.layers:
            np.testing.assert_array_equal(arrays[f"final/{layer.number}/W"], layer.linear.W)
            np.testing.assert_array_equal(arrays[f"final/{layer.number}/b"], layer.linear.b)


def test_patience_without_anything_to_validate_on_is_refused() -> None:
    with pytest.raises(ConfigError, match="no sample is left") as caught:
        trainer({"training.patience": 5, "data.validation_fraction": 0.0})
    assert caught.value.field == "training.patience"


@pytest.mark.parametrize("data", ["diabetes", "iris"])
def test_smoothing_is_refused_where_there_are_no_classes_to_spread(data: str) -> None:
    loss = "auto" if data == "diabetes" else "hinge"
    with pytest.raises(ConfigError, match="under a cross-entropy") as caught:
        trainer({"data.name": data, "training.loss": loss, "training.label_smoothing": 0.1})
    assert caught.value.field == "training.label_smoothing"


@pytest.mark.parametrize(
    "changes",
    [{"training.patience": 0}, {"training.patience": 10_000}],
    ids=["off", "patient"],
)
def test_run_goes_to_its_last_step_where_there_is_no_reason_to_stop(changes: dict[str, Any]) -> None:
    run = to_the_end(Run(small(OVERFITTING | {"training.steps": 200} | changes)))
    assert run.snapshot.step == 200
    assert not run.trainer.stopped_early


def test_patience_can_be_lost_while_the_run_goes() -> None:
    run = Run(small(OVERFITTING | {"training.patience": 0}))
    for _ in range(300):
        run.advance()
    run.retune(dataclasses.replace(run.experiment.training, patience=8))
    while not run.finished:
        run.advance()
    assert 300 < run.snapshot.step < 3000


@STOPPING
@pytest.mark.parametrize("patience", [0, 10_000])
def test_run_that_was_stopped_early_goes_on_with_more_patience_from_where_it_was(
    changes: dict[str, Any], patience: int
) -> None:
    """As a run that has taken all its steps goes on with more of them: it becomes the run that never stopped."""
    stopped, patient = (Run(small(OVERFITTING | changes | {"training.patience": p})) for p in (40, patience))
    to_the_end(stopped)
    stopped.retune(dataclasses.replace(stopped.experiment.training, patience=patience))
    assert not stopped.finished
    while patient.snapshot.step < stopped.snapshot.step:
        patient.advance()
    for _ in range(20):
        assert bits([stopped.advance()]) == bits([patient.advance()])


def test_more_patience_that_is_still_too_little_leaves_the_best_weights_where_they_are() -> None:
    run = to_the_end(Run(small(OVERFITTING)))
    best = run.trainer.network.master.copy()
    run.retune(dataclasses.replace(run.experiment.training, patience=39))
    assert run.finished
    np.testing.assert_array_equal(run.trainer.network.master, best)


# Live changes


LIVE: dict[str, tuple[Any, dict[str, Any]]] = {
    "learning_rate": (0.3, {}),
    "momentum": (0.9, {}),
    "beta1": (0.5, {"optimizer": "adam"}),
    "beta2": (0.5, {"optimizer": "adam"}),
    "epsilon": (0.1, {"optimizer": "adam"}),
    "batch_size": (5, {}),
    "steps": (9, {"schedule": "cosine", "steps": 100}),
    "schedule": ("cosine", {}),
    "warmup_steps": (1000, {}),
    "schedule_every": (2, {"schedule": "exponential"}),
    "schedule_factor": (0.5, {"schedule": "exponential", "schedule_every": 3}),
    "final_fraction": (0.9, {"schedule": "cosine", "steps": 10}),
    "plateau_patience": (0, {"schedule": "reduce-on-plateau", "learning_rate": 1e-9}),
    "weight_decay": (0.5, {}),
    "l1": (0.5, {}),
    "clip_norm": (0.01, {}),
    "clip_value": (0.001, {}),
    "patience": (3, {"learning_rate": 0.0}),
}
"""For each live field another value, and the settings in which it makes a difference."""


@pytest.mark.parametrize("path", [path for path, field in FIELDS.items() if field.says.live])
def test_live_field_reaches_a_run_without_a_rebuild(path: str) -> None:
    value, base = LIVE[path.rsplit(".", 1)[1]]
    experiment = small({f"training.{name}": setting for name, setting in base.items()})
    edited, left = Run(experiment), Run(experiment)
    for run in (edited, left):
        for _ in range(3):
            run.advance()
    network = edited.trainer.network
    edited.retune(edit(experiment, {path: value}).training)
    assert get(edited.experiment, path) == value
    assert edited.trainer.network is network
    assert edited.snapshot.step == 2
    pairs = [(edited.advance(), left.advance()) for _ in range(10)]
    assert bits(a for a, _ in pairs) != bits(b for _, b in pairs) or edited.finished != left.finished
    assert [change.path for change in edited.edits] == ([path] if path != "training.steps" else [])


# Reproducibility


FEATURES: dict[str, dict[str, Any]] = {
    "dropout": {"network.dropout": 0.4},
    "dropout of convolutions": {
        "data.name": "digits",
        "network.dropout": 0.2,
        "network.layers": [{"kind": "conv", "units": 3}, {"kind": "average-pool"}, {"units": 5}],
    },
    **{name: {"network.norm": name, "network.dropout": 0.1} for name in NORMS},
    **{f"schedule {name}": {"training.schedule": name, "training.warmup_steps": 3} for name in SCHEDULES},
    **{f"precision {name}": {"training.precision": name, "network.dropout": 0.1} for name in PRECISIONS},
    "label noise and smoothing": {"data.label_noise": 0.2, "training.label_smoothing": 0.1},
    "regularisation and clipping": {"training.l1": 0.01, "training.weight_decay": 0.1, "training.clip_norm": 0.2},
    "dynamic loss scale": {"training.precision": "float16", "training.loss_scale": "dynamic"},
    "lsuv": {"init.scheme": "lsuv", "init.bias_scale": 0.1},
    "pre-activation": {"network.skip_every": 1, "network.residual": "pre-activation", "network.branch_scale": 0.3},
    "freezing": {"training.freeze": 1, "init.bias": 0.2},
    "early stopping": {"training.patience": 4},
}


@pytest.mark.parametrize("feature", FEATURES)
def test_file_of_an_experiment_repeats_its_run_bit_for_bit_and_another_seed_does_not(feature: str) -> None:
    experiment = small(FEATURES[feature])
    again: Experiment = archive.parse(archive.render(experiment), "again.toml")
    first, second = Trainer(experiment), Trainer(again)
    history = bits(take(first, 12))
    assert bits(take(second, 12)) == history
    np.testing.assert_array_equal(second.network.master, first.network.master)
    np.testing.assert_array_equal(second.network.state, first.network.state)
    assert bits(take(Trainer(edit(experiment, {"seed": 1})), 12)) != history


@pytest.mark.parametrize("data", ["two-moons", "digits"])
def test_short_last_batch_draws_dropout_and_statistics_of_its_own_size(data: str) -> None:
    """Forty samples by sixteen: a batch of eight, after which the full ones go on as before."""
    run = trainer({"network.dropout": 0.5, "network.norm": "batch-norm", "data.name": data})
    sizes = [run.network.graph.samples for _ in itertools.islice(run.steps(), 7)]
    assert sizes == [16, 16, 8, 16, 16, 8, 16]
