"""Each rule speaks on networks that have the disease, is silent on ones that do not, and offers valid edits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.sim import archive
from gradflow.sim.build import check
from gradflow.sim.config import Experiment, edit, get
from gradflow.sim.details import Want
from gradflow.sim.diagnosis import RULES, URGENCY, Case, check_up, diagnose
from gradflow.sim.diagnosis.dead import dead_on_batch
from gradflow.sim.diagnosis.remedies import round_number
from gradflow.sim.finding import Finding, Severity
from gradflow.sim.history import SCALARS, HistoryView
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat, Topology

SOUND: dict[str, Any] = {
    "data.name": "two-moons",
    "data.samples": 200,
    "network.depth": 4,
    "network.width": 16,
    "network.activation": "relu",
    "init.scheme": "he-normal",
    "training.learning_rate": 0.1,
    "training.batch_size": 32,
    "training.steps": 100,
}

SMALL_FIRST = [{"kind": "dense", "scale": 1e-4}, {"kind": "dense"}, {"kind": "dense"}]
UNEVEN = [{"kind": "dense", "scale": scale} for scale in (1.0, 20.0, 0.05, 1.0)]

SICK: dict[str, tuple[int, dict[str, Any]]] = {
    "diverged": (30, {"data.name": "sine", "network.activation": "identity", "training.learning_rate": 1e3}),
    "no-gradient": (0, {"init.scheme": "zeros", "network.activation": "tanh"}),
    "underflow": (
        0,
        {"network.activation": "tanh", "network.depth": 8, "init.scale": 0.1, "training.precision": "float16"},
    ),
    "symmetric": (0, {"init.scheme": "constant", "init.scale": 0.05, "network.activation": "tanh"}),
    "dead-units": (0, {"init.bias": -3.0, "network.depth": 1}),
    "exploding": (0, {"init.scale": 8.0, "network.depth": 5}),
    "vanishing": (0, {"init.scale": 0.1, "network.depth": 5}),
    "saturated": (0, {"network.activation": "tanh", "init.scheme": "xavier-normal", "init.scale": 20.0}),
    "bias-only": (
        0,
        {"network.layers": SMALL_FIRST, "network.activation": "tanh", "init.scheme": "xavier-normal"},
    ),
    "uneven-rates": (0, {"network.layers": UNEVEN, "training.learning_rate": 1e-4}),
    "rate-too-high": (20, {"training.optimizer": "adam", "training.learning_rate": 1.0}),
    "rate-too-low": (100, {"training.learning_rate": 1e-6}),
    "noise": (100, {"training.batch_size": 2, "data.label_noise": 0.45, "training.learning_rate": 0.02}),
    "plateau": (
        100,
        {"training.schedule": "step", "training.schedule_every": 16, "training.schedule_factor": 1e-4}
        | {"training.learning_rate": 0.01},
    ),
    "chance": (100, {"data.label_noise": 0.5, "network.depth": 2}),
    "overfitting": (
        250,
        {"data.samples": 60, "data.noise": 0.3, "data.label_noise": 0.3, "data.validation_fraction": 0.5}
        | {"training.optimizer": "adam", "training.learning_rate": 0.01, "network.width": 64, "training.steps": 250},
    ),
    "idle-inputs": (0, {"data.name": "digits", "data.samples": 15}),
    "catapult": (0, {"training.learning_rate": 2.0}),
    "beyond-reach": (
        0,
        {"network.activation": "tanh", "init.scheme": "xavier-normal", "init.scale": 0.8, "network.depth": 15},
    ),
    "luck": (0, {"network.depth": 12}),
}
"""By finding: after how many steps it shows, and what is wrong with the experiment."""


def run_of(changes: Mapping[str, Any], steps: int) -> Run:
    """Return the run of the sound experiment with changes, after some steps, looked at on the way."""
    run = Run(edit(Experiment(), SOUND | dict(changes)))
    run.forecast.glance()
    while run.snapshot.step < steps and run.snapshot.finite:
        run.advance()
        if run.snapshot.step % 4 == 0:
            run.case()
    if run.snapshot.finite:
        run.measure({Want.SHARPNESS})
    return run


@cache
def patient(name: str) -> tuple[Case, tuple[Finding, ...]]:
    """Return the case with this disease, and what is found."""
    steps, changes = SICK[name]
    run = run_of(changes, steps)
    return run.case(), run.findings()


@cache
def well(steps: int) -> tuple[Case, tuple[Finding, ...]]:
    """Return the sound experiment after some steps, and what is found."""
    run = run_of({}, steps)
    return run.case(), run.findings()


@pytest.mark.parametrize("name", SICK)
def test_a_rule_speaks_where_its_disease_is(name: str) -> None:
    assert name in [finding.name for finding in patient(name)[1]]


@pytest.mark.parametrize("steps", [0, 20, 100])
def test_nothing_is_wrong_with_a_sound_network_and_this_is_said_once(steps: int) -> None:
    assert [finding.severity for finding in well(steps)[1]] == [Severity.GOOD]


@pytest.mark.parametrize("name", SICK)
def test_a_rule_is_silent_on_a_sound_network(name: str) -> None:
    assert RULES[name].part(well(SICK[name][0] if SICK[name][0] <= 100 else 100)[0]) is None


def test_every_rule_is_tried_here_or_in_the_tests_of_single_snapshots() -> None:
    assert set(RULES) - set(SICK) == {"left-out", "no-error", "edge-of-stability"}


def test_every_rule_has_its_place_in_the_order_of_urgency() -> None:
    assert sorted(URGENCY) == sorted(RULES)


@pytest.mark.parametrize("name", SICK)
def test_findings_come_in_the_order_of_urgency(name: str) -> None:
    places = [URGENCY.index(finding.name) for finding in patient(name)[1] if finding.name != "healthy"]
    assert places == sorted(places)


@pytest.mark.parametrize("name", SICK)
def test_a_finding_says_number_cause_and_formula_and_a_remedy_why(name: str) -> None:
    finding = next(finding for finding in patient(name)[1] if finding.name == name)
    assert any(sign.isdigit() for sign in finding.evidence)
    for sentence in (finding.evidence, finding.cause, *(remedy.reason for remedy in finding.remedies)):
        assert sentence.endswith(".")
        assert "nan" not in sentence
    assert finding.formula
    assert finding.remedies
    assert all(len(remedy.title) <= 48 for remedy in finding.remedies)


@pytest.mark.parametrize("name", SICK)
def test_every_remedy_is_a_valid_edit_that_changes_something(name: str) -> None:
    case, findings = patient(name)
    for finding in findings:
        titles = [remedy.title for remedy in finding.remedies]
        assert len(set(titles)) == len(titles)
        for remedy in finding.remedies:
            after = edit(case.experiment, remedy.changes)
            check(after)
            assert all(get(after, path) != get(case.experiment, path) for path in remedy.changes)


@pytest.mark.parametrize("name", ["vanishing", "exploding", "saturated", "no-gradient", "underflow", "symmetric"])
def test_the_first_remedy_cures_at_once_what_is_wrong_at_the_start(name: str) -> None:
    case, findings = patient(name)
    finding = next(finding for finding in findings if finding.name == name)
    after = Run(edit(case.experiment, finding.remedies[0].changes)).findings()
    assert not {finding.name for finding in after} & {name, "diverged"}


def test_remedies_know_the_rows_of_a_layer_list() -> None:
    """Rows have their own settings: an edit of the sliders alone would change nothing."""
    rows = [{"kind": "dense", "scheme": "normal", "scale": 0.02} for _ in range(6)]
    run = run_of({"network.layers": rows, "network.activation": "tanh"}, 0)
    finding = run.findings()[0]
    assert finding.name == "vanishing"
    for remedy in finding.remedies:
        after = Run(edit(run.experiment, remedy.changes))
        assert after.snapshot.stats.tobytes() != run.snapshot.stats.tobytes() or "training" in str(remedy.changes)
    assert Run(edit(run.experiment, finding.remedies[0].changes)).findings()[0].name == "healthy"
    assert all("skip" not in remedy.title for remedy in finding.remedies)


# Fixup


@pytest.mark.parametrize("own", [{"branch_scale": 0.0}, {"scale": 0.0}])
def test_a_branch_that_starts_switched_off_has_not_vanished(own: dict[str, float]) -> None:
    """Fixup: the last layer of each branch starts at 0, so the others of the branch receive nothing at step 0."""
    rows: list[dict[str, Any]] = [{"kind": "dense"} for _ in range(7)]
    for number in (3, 5, 7):
        rows[number - 1] = {"kind": "dense", "skip_from": number - 2, **own}
    run = run_of({"network.layers": rows, "network.residual": "pre-activation"}, 0)
    assert (run.snapshot.stat(Stat.DELTA)[:-1] == 0.0).sum() >= 3
    assert not {"vanishing", "no-gradient", "exploding"} & {finding.name for finding in run.findings()}


# Scale


def scaled(case: Case, factor: float) -> Case:
    """Return the case as it would be with the loss times a factor, and steps as they were."""

    def of(stats: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        stats = stats.copy()
        stats[..., [Stat.WEIGHT_GRAD.row, Stat.BIAS_GRAD.row, Stat.DELTA.row], :] *= factor
        return stats

    names = ("train_loss", "validation_loss", "grad_norm", "grad_norm_clipped")
    scalars = case.history.scalars.copy()
    scalars[:, [SCALARS.index(name) for name in names]] *= factor
    numbers = {name: getattr(case.snapshot, name) * factor for name in names}
    checkup = case.checkup and dataclasses.replace(
        case.checkup,
        noise_square=case.checkup.noise_square * factor**2,
        batch_square=case.checkup.batch_square * factor**2,
    )
    # Steps as they were: the rate is divided by the factor, and its bound multiplied.
    sharpness = case.sharpness and dataclasses.replace(
        case.sharpness, values=case.sharpness.values * factor, bounds=case.sharpness.bounds * factor
    )
    return dataclasses.replace(
        case,
        topology=dataclasses.replace(case.topology, chance_loss=case.topology.chance_loss * factor),
        snapshot=dataclasses.replace(case.snapshot, stats=of(case.snapshot.stats), **numbers),
        history=HistoryView(scalars, of(case.history.stats)),
        checkup=checkup,
        sharpness=sharpness,
    )


@pytest.mark.parametrize("name", SICK)
@given(exponent=st.integers(-60, 60))
@settings(max_examples=12, deadline=None)
def test_multiplying_the_loss_by_a_constant_changes_no_verdict_of_any_rule(name: str, exponent: int) -> None:
    """Powers of 2, which change no digit: the very same findings."""
    case, findings = patient(name)
    with np.errstate(all="ignore"):
        again = diagnose(scaled(case, 2.0**exponent))
    assert [finding.name for finding in again] == [finding.name for finding in findings]
    assert [finding.severity for finding in again] == [finding.severity for finding in findings]


# The curvature


def with_ratio(ratio: float, step: int, **changes: Any) -> tuple[Finding, ...]:
    """Return what is found in the sound network where λ is `ratio` times its bound."""
    before, _ = well(100 if step else 0)
    case = dataclasses.replace(before, experiment=edit(before.experiment, changes))
    found = case.sharpness
    assert found is not None
    steps, values = np.array([float(step)]), ratio * found.bounds[-1:]
    moved = dataclasses.replace(found, steps=steps, values=values, bounds=found.bounds[-1:])
    return diagnose(dataclasses.replace(case, sharpness=moved))


@pytest.mark.parametrize(("ratio", "speaks"), [(0.8, False), (0.95, True), (1.05, True), (1.15, False)])
def test_a_sharpness_at_its_bound_is_normal_and_said_after_what_is_well(ratio: float, speaks: bool) -> None:
    names = [finding.name for finding in with_ratio(ratio, 100)]
    assert names == (["healthy", "edge-of-stability"] if speaks else ["healthy"])
    assert all(finding.severity is Severity.GOOD for finding in with_ratio(ratio, 100))


@pytest.mark.parametrize(
    ("ratio", "step", "severity"),
    [
        (0.99, 0, None),
        (1.5, 0, Severity.NOTE),
        (11.0, 0, Severity.WARNING),
        (1.15, 100, None),
        (11.0, 100, Severity.NOTE),
    ],
)
def test_beyond_its_bound_the_loss_may_rise_and_far_beyond_it_mostly_ruins(
    ratio: float, step: int, severity: Severity | None
) -> None:
    found = [finding for finding in with_ratio(ratio, step) if finding.name == "catapult"]
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_the_remedy_for_a_landscape_that_is_too_steep_brings_the_rate_below_the_bound() -> None:
    case, findings = patient("catapult")
    remedy = next(finding for finding in findings if finding.name == "catapult").remedies[0]
    after = run_of(SICK["catapult"][1] | dict(remedy.changes), 0)
    assert case.sharpness and case.sharpness.ratio > 1.0
    sharpness = after.case().sharpness
    assert sharpness and 0.05 < sharpness.ratio < 1.0


def test_an_optimiser_that_scales_each_weight_has_no_edge() -> None:
    """The bound of Adam is that of another matrix: nothing is said, whatever the curvature."""
    run = run_of({"training.optimizer": "adam", "training.learning_rate": 1e3}, 0)
    assert not {"catapult", "edge-of-stability"} & {finding.name for finding in run.findings()}


# What stands behind a rule


@pytest.mark.parametrize(("inputs", "layer", "expected"), [(30, 1, 0.0), (30, 11, 0.25), (1, 3, 0.33), (2, 8, 0.26)])
def test_dead_on_batch_is_what_a_random_relu_network_has(inputs: int, layer: int, expected: float) -> None:
    """The formula beside networks drawn by He's scheme, batch 64, width 64."""
    rng, shares = np.random.default_rng(0), []
    for _ in range(20):
        x = rng.normal(size=(64, inputs))
        for _ in range(layer + 1):
            x = np.maximum(x @ rng.normal(0.0, np.sqrt(2.0 / x.shape[1]), (x.shape[1], 64)), 0.0)
        shares.append((x == 0.0).all(axis=0).mean())
    predicted = dead_on_batch(12, min(64, 2**inputs))[layer]
    assert np.mean(shares) == pytest.approx(expected, abs=0.06)
    assert predicted == pytest.approx(np.mean(shares), abs=0.1)


def test_theory_of_dead_units_is_that_of_large_batches() -> None:
    """He, B = 256, layers 1, 5, 10, 20, 40."""
    expected = [0.0, 0.030, 0.125, 0.248, 0.350]
    assert dead_on_batch(40, 256)[[0, 4, 9, 19, 39]] == pytest.approx(expected, abs=0.005)


def test_noise_share_is_that_of_gradients_taken_apart() -> None:
    """tr Σ/(B·|g|²) from one batch, against the gradients of its samples one by one."""
    run = run_of({"training.batch_size": 8, "network.activation": "tanh"}, 3)
    network = run.trainer.network
    x, y = network.input.value.copy(), network.loss.targets.copy()
    singles = []
    for i in range(8):
        network.resize(1)
        network.input.value[:], network.loss.targets[:] = x[i : i + 1], y[i : i + 1]
        network.forward()
        network.backward()
        singles.append(network.gradients.copy())
    singles_array = np.array(singles)
    g = singles_array.mean(axis=0)
    noise = ((singles_array - g) ** 2).sum() / 7 / 8 * (1 - 8 / run.trainer.topology.training_samples)
    measured = run_of({"training.batch_size": 8, "network.activation": "tanh"}, 3)
    checkup = check_up(measured.trainer.network, 3, run.trainer.topology.training_samples)
    assert checkup.noise_square == pytest.approx(noise, rel=1e-9)
    assert checkup.batch_square == pytest.approx(g @ g, rel=1e-9)


@pytest.mark.parametrize(
    ("value", "nice"),
    [(0.031, 0.02), (0.034, 0.05), (0.012, 0.01), (7.4e-5, 1e-4), (640.0, 500.0), (1.0, 1.0), (0.0024, 0.002)],
)
def test_numbers_that_are_offered_are_round(value: float, nice: float) -> None:
    assert round_number(value) == nice


@pytest.mark.parametrize("preset", ["vanishing", "exploding", "healthy", "half-precision", "convolution"])
def test_presets_have_findings_with_valid_remedies(preset: str) -> None:
    run = Run(archive.open_experiment(preset))
    for finding in run.findings():
        for remedy in finding.remedies:
            check(edit(run.experiment, remedy.changes))


def test_chance_is_the_loss_of_the_best_constant_answer() -> None:
    def chance(**changes: Any) -> Topology:
        return run_of({name.replace("__", "."): value for name, value in changes.items()}, 0).trainer.topology

    assert chance().chance_loss == pytest.approx(np.log(2.0), rel=1e-3)
    assert chance(data__name="blobs").chance_loss == pytest.approx(np.log(3.0), rel=1e-2)
    assert chance(data__name="sine").chance_loss == pytest.approx(1.0)
    assert chance(training__loss="hinge").chance_loss == pytest.approx(1.0, abs=0.05)
    assert 0.7 < chance(data__name="sine", training__loss="mean-absolute-error").chance_loss < 1.0
    assert 0.3 < chance(data__name="sine", training__loss="huber").chance_loss < 0.5
