"""Verdicts: the right one for each known fault, from ratios between layers and never from absolute sizes."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sim_kit import case, snapshot, take, trainer

from gradflow.sim import archive, diagnosis
from gradflow.sim.config import edit
from gradflow.sim.diagnosis import RULES, diagnose
from gradflow.sim.diagnosis.case import decades
from gradflow.sim.finding import Finding, Severity
from gradflow.sim.snapshot import Divergence, Snapshot, Stat
from gradflow.sim.trainer import Trainer
from gradflow.sim.words import spell

sizes = st.floats(1e-100, 1e100)


def first(run: Trainer, now: Snapshot) -> Finding:
    """Return the most urgent finding on a snapshot alone."""
    return diagnose(case(run, now))[0]


def named(run: Trainer, now: Snapshot, name: str) -> Finding:
    """Return the finding of this name."""
    return next(finding for finding in diagnose(case(run, now)) if finding.name == name)


def verdict(delta: list[float] | np.ndarray) -> Finding:
    """Return the verdict on made-up norms of δ, one per hidden layer."""
    return first(trainer({"network.depth": len(delta)}), snapshot(delta=delta))


def measured(name: str) -> Finding:
    run = Trainer(archive.open_experiment(name))
    return first(run, run.preview())


@pytest.mark.parametrize(
    ("preset", "name", "severity"),
    [
        ("vanishing", "vanishing", Severity.WARNING),
        ("exploding", "exploding", Severity.WARNING),
        ("healthy", "healthy", Severity.GOOD),
    ],
)
def test_presets_show_what_they_are_called(preset: str, name: str, severity: Severity) -> None:
    finding = measured(preset)
    assert (finding.name, finding.severity) == (name, severity)


@pytest.mark.parametrize(
    ("delta", "name"),
    [
        ([1.0, 1.0, 1.0], "healthy"),
        ([0.2, 1.0, 1.0], "healthy"),
        ([1.0, 50.0, 1.0], "healthy"),
        ([0.05, 0.5, 1.0], "leaning"),
        ([20.0, 5.0, 1.0], "leaning"),
        ([1e-3, 0.1, 1.0], "vanishing"),
        ([1e3, 10.0, 1.0], "exploding"),
        ([0.0, 1.0, 1.0], "no-gradient"),
        ([0.0, 0.0, 0.0], "no-gradient"),
        ([5.0], "healthy"),
        ([1e-9], "healthy"),
        ([0.0], "no-gradient"),
    ],
)
def test_verdict_on_a_profile(delta: list[float], name: str) -> None:
    assert verdict(delta).name == name


@given(delta=st.lists(sizes, min_size=2, max_size=8), factor=sizes)
@settings(max_examples=50, deadline=None)
def test_multiplying_the_loss_by_a_constant_does_not_change_the_verdict(delta: list[float], factor: float) -> None:
    lost = decades(np.array(delta))
    assume(all(abs(abs(lost) - border) > 1e-9 for border in (diagnosis.STEEP, diagnosis.MILD)))
    scaled = np.array(delta) * factor
    assert verdict(scaled).name == verdict(delta).name
    assert decades(scaled) == pytest.approx(lost, abs=1e-9)


@given(delta=st.lists(sizes, min_size=2, max_size=8))
@settings(max_examples=50, deadline=None)
def test_reversing_the_profile_turns_vanishing_into_exploding(delta: list[float]) -> None:
    opposite = {"vanishing": "exploding", "exploding": "vanishing"}
    name = verdict(delta).name
    assert verdict(delta[::-1]).name == opposite.get(name, name)


def test_a_uniformly_tiny_gradient_is_not_vanishing_and_a_huge_one_not_exploding() -> None:
    """No absolute limit such as 1e-7: all layers learn alike."""
    assert verdict([1e-30, 1e-30, 1e-30]).name == "healthy"
    assert verdict([1e30, 1e30, 1e30]).name == "healthy"


def test_evidence_names_layer_number_and_ratio() -> None:
    finding = verdict([2e-5, 1e-3, 0.2])
    assert finding.layer == 1
    assert "‖δ₁‖ = 2.00·10⁻⁵" in finding.evidence
    assert "1.00·10⁻⁴ times what layer 3 receives (0.2)" in finding.evidence
    assert "multiplies it by 0.01" in finding.evidence
    assert finding.advice


def test_one_hidden_layer_has_nothing_to_compare() -> None:
    finding = verdict([0.3])
    assert finding.title == "One hidden layer: nothing to compare"
    assert math.isnan(decades(np.array([0.3])))


def test_network_of_its_output_layer_alone_has_nothing_to_compare() -> None:
    run = trainer({"network.layers": [{"kind": "flatten"}]})
    assert first(run, run.preview()).title == "No hidden layer: nothing to compare"


def test_zeros_give_no_gradient_and_the_finding_says_how_far_up() -> None:
    run = trainer({"init.scheme": "zeros"})
    finding = first(run, run.preview())
    assert (finding.name, finding.severity, finding.layer) == ("no-gradient", Severity.ERROR, 3)
    assert "Layers 1 to 3 receive" in finding.evidence
    assert "Layer 1 receives" in verdict([0.0, 1.0, 1.0]).evidence


def test_overflow_by_the_loss_scale_is_put_down_to_it() -> None:
    run = trainer({"training.precision": "float16", "training.loss_scale": 1e18})
    finding = first(run, run.preview())
    assert finding.name == "diverged"
    assert "the loss scale, 1.00·10¹⁸" in finding.evidence
    assert finding.advice.startswith("Lower the loss scale")


def test_gradient_that_was_rounded_away_is_put_down_to_the_precision() -> None:
    changes = {"network.activation": "sigmoid", "network.depth": 12, "training.precision": "float16"}
    run = trainer(changes)
    assert first(run, run.preview()).name == "underflow"
    finding = named(run, run.preview(), "no-gradient")
    assert "% of what was on its way to layer" in finding.evidence
    assert finding.advice.startswith("Raise the loss scale")
    run = trainer(changes | {"training.loss_scale": 2.0**16})
    assert first(run, run.preview()).name == "vanishing"


def test_a_dead_layer_inside_a_skip_block_does_not_silence_the_layers_below() -> None:
    """Layer 3 is dead, but layers 1 and 2 receive a gradient through the skip: the sentence must not deny it."""
    run = trainer({"network.depth": 4, "network.activation": "relu", "network.skip_every": 1})
    run.network.layers[2].linear.b[:] = -100.0
    shown = run.preview()
    assert [bool(size) for size in shown.stat(Stat.DELTA)[:-1]] == [True, True, False, True]
    assert "Layers 1 to" not in named(run, shown, "no-gradient").evidence


def test_divergence_comes_first_and_repeats_where_it_happened() -> None:
    run = trainer()
    lost = dataclasses.replace(run.preview(), divergence=Divergence(17, 2, "backward", "∂L/∂W"))
    finding = first(run, lost)
    assert (finding.name, finding.severity, finding.layer) == ("diverged", Severity.ERROR, 2)
    assert str(Divergence(17, 2, "backward", "∂L/∂W"))[1:] in finding.evidence
    assert all(part in finding.evidence for part in ("step 17", "layer 2", "backward", "∂L/∂W"))


def test_a_run_driven_to_overflow_ends_in_a_named_finding() -> None:
    run = trainer({"data.name": "sine", "network.activation": "identity", "training.learning_rate": 100.0})
    last = take(run, 1000)[-1]
    finding = first(run, last)
    assert finding.name == "diverged"
    assert f"step {last.step}" in finding.evidence


LEFT_OUT = {
    "data.name": "diabetes",
    "network.activation": "identity",
    "network.depth": 6,
    "init.scale": 1.5,
    "training.precision": "float16",
    "training.loss_scale": "dynamic",
    "training.learning_rate": 1e-6,
}
"""Gradients overflow at the first loss scale: the step is left out, and the run goes on."""


def test_a_step_that_is_left_out_for_its_loss_scale_has_a_verdict() -> None:
    run = trainer(LEFT_OUT)
    shown = run.preview()
    assert shown.finite
    assert not np.isfinite(shown.stat(Stat.DELTA)).all()
    finding = first(run, shown)
    assert (finding.name, finding.severity) == ("left-out", Severity.NOTE)
    assert "scale is halved" in finding.evidence
    later = take(run, 20)[-1]
    assert first(run, later).name not in ("left-out", "diverged")


@pytest.mark.parametrize("preset", ["vanishing", "exploding", "healthy"])
def test_a_factor_on_the_loss_of_the_way_back_changes_no_word(preset: str) -> None:
    experiment = archive.open_experiment(preset)
    plain, scaled = (Trainer(edit(experiment, {"training.loss_scale": scale})) for scale in (1.0, 2.0**40))
    assert first(scaled, scaled.preview()) == first(plain, plain.preview())


def test_there_is_always_a_verdict_and_every_rule_is_documented() -> None:
    assert all("hreshold" in entry.doc for entry in RULES.values())
    for one in take(trainer(), 3):
        finding = first(trainer(), one)
        assert finding.title
        assert finding.evidence.endswith(".")


@pytest.mark.parametrize("delta", [[1e-300, 1.0, 1e300], [5e-324, 1e-300, 1.0], [1e200, 1.0, 1e-100]])
def test_extreme_profiles_have_a_verdict_without_a_nan_in_it(delta: list[float]) -> None:
    evidence = verdict(delta).evidence
    assert "nan" not in evidence
    assert "not a number" not in evidence


def test_exploding_beyond_float64_is_put_into_words() -> None:
    assert "∞" not in verdict([1e200, 1.0, 1e-200]).evidence


# Numbers in words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.0123, "0.0123"),
        (999.0, "999"),
        (3.4e-5, "3.40·10⁻⁵"),
        (-2.5e12, "−2.50·10¹²"),
        (1e-200, "1.00·10⁻²⁰⁰"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "not a number"),
    ],
)
def test_numbers_are_printed_to_three_digits_and_never_rounded_to_zero(value: float, text: str) -> None:
    assert spell(value) == text


@pytest.mark.parametrize("value", [999.9, 1000.0, 1234.0, 9999.0])
def test_thousands_are_not_printed_in_computer_notation(value: float) -> None:
    assert "e" not in spell(value)


@given(st.floats(-1e308, 1e308).filter(lambda v: v != 0 and not 999 < abs(v) < 1e4))
@settings(max_examples=80, deadline=None)
def test_printed_number_is_the_number_to_three_digits(value: float) -> None:
    text = spell(value).translate(str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")).replace("·10", "e")
    assert float(text) == pytest.approx(value, rel=0.0051, abs=0)


def test_synthetic_snapshot_of_these_tests_is_like_a_real_one() -> None:
    real: Snapshot = trainer().preview()
    assert snapshot(delta=[1.0, 1.0, 1.0]).stats.shape == real.stats.shape
