"""A run: what it remembers, what it measures, and what its frames say."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from gradflow.sim.diagnosis import diagnose
from gradflow.sim.frame import State
from gradflow.sim.run import EVERYTHING, Run, Want
from gradflow.sim.snapshot import Norm
from gradflow.sim.trainer import Trainer


def advanced(run: Run, steps: int) -> Run:
    """Advance a new run up to a step and return it."""
    for _ in range(steps + 1):
        run.advance()
    return run


def test_a_new_run_shows_its_initialisation_before_any_step(fast):
    frame = Run(fast(), build=3).frame(State.PAUSED)
    assert (frame.build, frame.snapshot.step, len(frame.history), frame.details.step) == (3, 0, 0, -1)
    assert np.all(frame.snapshot.norm(Norm.DELTA) > 0)
    assert math.isnan(frame.snapshot.validation_loss)


def test_the_first_turn_validates_step_0_and_changes_nothing_else(fast):
    run = Run(fast())
    before = run.snapshot
    after = run.advance()
    assert (after.step, after.train_loss) == (0, before.train_loss)
    assert after.norms is before.norms
    assert math.isfinite(after.validation_loss)


def test_every_turn_is_a_row(fast):
    run = advanced(Run(fast()), 9)
    history = run.history.view()
    assert history.column("step").tolist() == list(range(10))
    assert history.column("train_loss")[-1] == run.snapshot.train_loss
    assert np.array_equal(history.norms[-1], run.snapshot.norms)


def test_it_is_finished_after_its_steps(fast):
    run = Run(fast({"training.steps": 2}))
    finished = []
    for _ in range(3):
        run.advance()
        finished.append(run.finished)
    assert finished == [False, False, True]


def test_the_verdict_of_a_frame_is_that_of_its_snapshot(fast):
    frame = advanced(Run(fast({"network.depth": 30, "init.scale": 0.3})), 2).frame(State.PAUSED)
    assert frame.finding == diagnose(frame.topology, frame.snapshot)
    assert frame.finding.name == "vanishing"


def test_measuring_changes_no_number_of_the_training(fast):
    looked_at, alone = Run(fast()), Run(fast())
    for _ in range(8):
        looked_at.measure(EVERYTHING)
        assert looked_at.advance().norms.tobytes() == alone.advance().norms.tobytes()


@pytest.mark.parametrize("wants", [frozenset(), frozenset({Want.UNITS}), EVERYTHING])
def test_only_what_is_wanted_is_measured(fast, wants):
    run = advanced(Run(fast()), 3)
    details = run.measure(wants)
    assert run.measured_step == details.step == 3
    assert (details.units is not None) == (Want.UNITS in wants)
    assert (details.deltas is not None) == (details.activations is not None) == (Want.MAGNITUDES in wants)
    assert (details.surface is not None) == (Want.SURFACE in wants)
    assert run.frame(State.PAUSED).details is details


def test_live_edits_after_a_step_are_remembered_but_not_the_number_of_steps(fast):
    run = advanced(Run(fast()), 4)
    run.retune(dataclasses.replace(run.experiment.training, learning_rate=0.2, steps=77))
    assert [(edit.step, edit.path, edit.value) for edit in run.edits] == [(4, "training.learning_rate", 0.2)]
    assert run.experiment.training.steps == 77


def test_a_diverged_run_ends_with_the_row_that_is_not_finite(fast):
    run = Run(fast({"data.name": "diabetes", "network.activation": "identity", "training.learning_rate": 1e5}))
    while run.snapshot.finite:
        run.advance()
    history = run.history.view()
    assert history.column("step")[-1] == run.snapshot.divergence.step
    assert np.isfinite(history.norms[:-1]).all()
    assert run.frame(State.DIVERGED).finding.name == "diverged"


def test_the_history_holds_what_the_trainer_alone_yields(fast):
    experiment = fast({"training.momentum": 0.9, "network.skip_every": 2})
    run = advanced(Run(experiment), 20)
    snapshots = [snapshot for _, snapshot in zip(range(21), Trainer(experiment).steps(), strict=False)]
    assert np.array_equal(run.history.view().norms, np.array([snapshot.norms for snapshot in snapshots]))
