"""A run: what it remembers, what it measures, and what its frames say."""

from __future__ import annotations

import dataclasses
import math
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from sim_kit import experiments

from gradflow.errors import GradflowError
from gradflow.sim.config import edit
from gradflow.sim.details import EVERYTHING, PARTS, Details, Want
from gradflow.sim.diagnosis import diagnose
from gradflow.sim.frame import State
from gradflow.sim.interruption import Interrupted
from gradflow.sim.run import Run
from gradflow.sim.snapshot import NORMS, Stat
from gradflow.sim.trainer import Trainer


def advanced(run: Run, steps: int) -> Run:
    """Advance a new run up to a step and return it."""
    for _ in range(steps + 1):
        run.advance()
    return run


def test_a_new_run_shows_its_initialisation_before_any_step(fast):
    frame = Run(fast(), build=3).frame(State.PAUSED)
    assert (frame.build, frame.snapshot.step, len(frame.history), frame.details.step) == (3, 0, 0, -1)
    assert np.all(frame.snapshot.stat(Stat.DELTA) > 0)
    assert math.isnan(frame.snapshot.validation_loss)


def test_the_first_turn_validates_step_0_and_changes_nothing_else(fast):
    run = Run(fast())
    before = run.snapshot
    after = run.advance()
    assert (after.step, after.train_loss) == (0, before.train_loss)
    assert after.stats is before.stats
    assert math.isfinite(after.validation_loss)


def test_every_turn_is_a_row(fast):
    run = advanced(Run(fast()), 9)
    history = run.history.view()
    assert history.column("step").tolist() == list(range(10))
    assert history.column("train_loss")[-1] == run.snapshot.train_loss
    assert history.stats[-1].tobytes() == run.snapshot.stats.tobytes()


def test_it_is_finished_after_its_steps(fast):
    run = Run(fast({"training.steps": 2}))
    finished = []
    for _ in range(3):
        run.advance()
        finished.append(run.finished)
    assert finished == [False, False, True]


def test_the_verdict_of_a_frame_is_that_of_its_snapshot(fast):
    run = advanced(Run(fast({"network.depth": 30, "init.scale": 0.3})), 2)
    frame = run.frame(State.PAUSED)
    assert frame.findings == diagnose(run.case())
    assert frame.finding.name == "vanishing"


def test_measuring_changes_no_number_of_the_training(fast):
    looked_at, alone = Run(fast()), Run(fast())
    for _ in range(8):
        looked_at.measure(EVERYTHING)
        assert looked_at.advance().stats.tobytes() == alone.advance().stats.tobytes()


def filled(details):
    """Return the names of the parts of Details that hold a measurement."""
    return {name for parts in PARTS.values() for name in parts if getattr(details, name)}


@pytest.mark.parametrize("wants", [frozenset(), *(frozenset({want}) for want in Want), EVERYTHING])
def test_only_what_is_wanted_is_measured(fast, wants):
    run = advanced(Run(fast()), 3)
    details = run.measure(wants)
    assert filled(details) == {name for want in wants for name in PARTS[want]}
    assert details.steps == dict.fromkeys(wants, 3)
    assert set(details.seconds) == set(wants) and all(run.cost(want) > 0 for want in wants)
    assert run.unmeasured(EVERYTHING) == EVERYTHING - wants
    assert run.frame(State.PAUSED).details is details
    assert run.frame(State.PAUSED).complete == (wants == EVERYTHING)


def test_each_measurement_has_a_step_of_its_own_and_the_oldest_is_told(fast):
    run = advanced(Run(fast()), 2)
    run.measure({Want.SURFACE})
    advanced(run, 1)
    details = run.measure({Want.MAGNITUDES})
    assert details.steps == {Want.SURFACE: 2, Want.MAGNITUDES: 4}
    assert details.step == 2
    assert run.unmeasured(EVERYTHING) == EVERYTHING - {Want.MAGNITUDES}
    assert Details().step == -1


def test_what_nobody_wants_any_more_is_dropped_with_its_cost(fast):
    run = advanced(Run(fast()), 1)
    run.measure(EVERYTHING)
    run.forget({Want.SURFACE})
    details = run.frame(State.PAUSED).details
    assert filled(details) == {"surface"}
    assert set(details.steps) == set(details.seconds) == {Want.SURFACE}
    assert run.cost(Want.MAGNITUDES) == 0.0


@pytest.mark.parametrize("want", [Want.SURFACE, Want.STATISTICS, Want.UNITS])
def test_a_measurement_that_is_given_up_leaves_what_was_kept_before(fast, want):
    run = advanced(Run(fast()), 1)
    before = run.measure(EVERYTHING)
    advanced(run, 1)
    with pytest.raises(Interrupted):
        run.measure({want}, interrupted=lambda: True)
    assert run.frame(State.PAUSED).details is before
    assert run.unmeasured({want}) == {want}


def test_statistics_can_be_given_up_at_every_layer_of_every_one(fast):
    """In a wide network each takes as long as a step: nobody waits for all of them."""
    run, asked = Run(fast({"network.depth": 5})), []
    run.measure({Want.STATISTICS}, interrupted=lambda: bool(asked.append(None)))
    assert len(asked) > 6 * 20
    for turn in (0, len(asked) // 2, len(asked) - 1):
        left = iter(range(turn))
        with pytest.raises(Interrupted):
            run.measure({Want.STATISTICS}, interrupted=lambda left=left: next(left, None) is None)
    again = run.measure({Want.STATISTICS})
    assert np.isfinite(again.statistics["similarity"][:-1]).all()


def test_a_run_that_nobody_holds_is_freed_at_once(fast):
    """Its network may be large, and what waits for the collector is there until that comes, or for ever if frozen."""
    run = advanced(Run(fast(), checkpoints=True), 2)
    run.measure(EVERYTHING, lambda: False)
    run.forecast.finish()
    freed = [weakref.ref(thing) for thing in (run, run.trainer, run.trainer.network, run.forecast)]
    del run
    assert [thing() for thing in freed] == [None] * 4


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
    assert np.isfinite(history.stats[:-1, : len(NORMS)]).all()
    assert run.frame(State.DIVERGED).finding.name == "diverged"


def test_the_history_holds_what_the_trainer_alone_yields(fast):
    experiment = fast({"training.momentum": 0.9, "network.skip_every": 2})
    run = advanced(Run(experiment), 20)
    snapshots = [snapshot for _, snapshot in zip(range(21), Trainer(experiment).steps(), strict=False)]
    assert run.history.view().stats.tobytes() == np.array([snapshot.stats for snapshot in snapshots]).tobytes()


def small_enough(experiment):
    """Return the experiment with at most 60 samples and six layers of 20 units, without what is known to fail."""
    data, shape, training = experiment.data, experiment.network, experiment.training
    rows = tuple(dataclasses.replace(row, units="default", kernel="default") for row in shape.layers)
    changes = {
        "data.samples": 60 if data.samples == "all" else min(data.samples, 60),
        "network.depth": min(shape.depth, 6),
        "network.width": min(shape.width, 20),
        "network.layers": rows,
        # A saved run is another test's.
        "init.scheme": "he-normal" if experiment.init.scheme == "saved" else experiment.init.scheme,
        "training.steps": min(training.steps, 5),
    }
    return edit(experiment, changes)


@pytest.mark.slow
@given(experiments().map(small_enough))
@settings(max_examples=10, deadline=None)
def test_any_experiment_is_refused_in_one_line_or_runs_until_it_ends_or_blows_up_by_name(experiment):
    try:
        run = Run(experiment)
    except GradflowError as error:
        assert "\n" not in str(error)
        return
    while not run.finished and run.snapshot.finite:
        assert run.frame(State.RUNNING).finding.evidence
        run.measure(EVERYTHING)
        run.advance()
    assert run.frame(State.PAUSED).finding.evidence
    assert run.finished or "is no longer finite" in str(run.snapshot.divergence)
