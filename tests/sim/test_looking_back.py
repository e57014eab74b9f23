"""Looking back: the frame of a recorded step is what was seen then, as far as it was recorded."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from gradflow.sim.details import EVERYTHING, Details, Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.history import HistoryView
from gradflow.sim.looking_back import at_step, nearest_row, recorded
from gradflow.sim.run import Run
from gradflow.sim.series import QUANTITIES, Scale, series
from gradflow.sim.snapshot import Stat


def frames(run: Run, steps: int) -> list[Frame]:
    """Advance a run and return its frame at every step, as it was published then."""
    found = []
    for _ in range(steps + 1):
        run.advance()
        found.append(run.frame(State.PAUSED))
    return found


def test_a_recorded_step_looks_as_it_did(fast):
    seen = frames(Run(fast({"training.learning_rate": 0.5})), 12)
    for step in (0, 5, 11):
        past = at_step(seen[-1], step)
        assert past.past and past.snapshot.step == step
        assert past.snapshot.stats.tobytes() == seen[step].snapshot.stats.tobytes()
        for name in ("epoch", "train_loss", "validation_loss", "train_accuracy", "learning_rate", "grad_norm"):
            assert np.array_equal(getattr(past.snapshot, name), getattr(seen[step].snapshot, name), equal_nan=True)
        assert past.findings == seen[step].findings
        assert past.history is seen[-1].history


@pytest.mark.parametrize("step", [12, 13, math.inf])
def test_the_latest_step_is_the_frame_itself(fast, step):
    latest = frames(Run(fast()), 12)[-1]
    assert at_step(latest, min(step, 1e9)) is latest


def test_nothing_recorded_is_nothing_to_look_back_at(fast):
    frame = Run(fast()).frame(State.PAUSED)
    assert at_step(frame, 3) is frame and nearest_row(frame.history, 3) == -1


def test_a_step_that_was_thinned_out_gives_way_to_its_neighbour(fast):
    latest = frames(Run(fast()), 12)[-1]
    kept = dataclasses.replace(latest, history=HistoryView(latest.history.scalars[::4], latest.history.stats[::4]))
    assert [at_step(kept, step).snapshot.step for step in (1, 3, 4, 6)] == [0, 4, 4, 4]


def test_dear_measurements_are_those_of_that_step_or_none(fast):
    run = Run(fast())
    frames(run, 4)
    run.measure({Want.MAGNITUDES, Want.STATISTICS})
    frames(run, 1)
    run.measure({Want.STATISTICS})
    latest = frames(run, 1)[-1]
    past = at_step(latest, 4)
    assert past.details.steps == {Want.MAGNITUDES: 4} and past.details.weights is latest.details.weights
    assert past.details.statistics == {} and past.details.surface is None
    other = at_step(latest, 3).details
    assert other.steps == {} and other.weights is None and other.step == Details().step


def test_a_second_run_is_looked_at_where_it_stood_then(fast):
    """A shorter one stands where it ended."""
    ours = frames(Run(fast()), 12)[-1]
    long, short = frames(Run(fast({"network.depth": 3})), 20)[-1], frames(Run(fast({"network.depth": 9})), 2)[-1]
    steps = [at_step(dataclasses.replace(ours, other=other), 7).other.snapshot.step for other in (long, short)]
    assert steps == [7, 2]


def test_a_diverged_run_can_be_looked_back_into(fast):
    run = Run(fast({"data.name": "diabetes", "network.activation": "identity", "training.learning_rate": 1e5}))
    while run.snapshot.finite:
        run.advance()
    frame = run.frame(State.DIVERGED)
    past = at_step(frame, frame.snapshot.step - 1)
    assert past.snapshot.finite and past.finding.name != "diverged"
    assert at_step(frame, frame.snapshot.step).finding.name == "diverged"


def test_every_row_makes_a_snapshot(fast):
    latest = frames(Run(fast()), 3)[-1]
    assert [recorded(latest.history, row).step for row in range(4)] == [0, 1, 2, 3]


# What the heat map is made of.


@pytest.mark.parametrize("symbol", QUANTITIES)
def test_a_series_is_what_the_snapshots_said(fast, symbol):
    seen = frames(Run(fast({"network.activation": "tanh"})), 20)
    found = series(seen[-1], QUANTITIES[symbol], 512)
    assert found.steps.tolist() == list(range(21)) and found.width == 1.0
    quantity = QUANTITIES[symbol]
    for step, frame in enumerate(seen):
        snapshot = frame.snapshot
        expected = snapshot.update_ratio if quantity.over else snapshot.stat(quantity.of)
        assert np.array_equal(found.values[step], expected, equal_nan=True)


def test_every_statistic_can_be_followed_and_the_gradients_come_first():
    assert {quantity.of for quantity in QUANTITIES.values() if not quantity.over} == set(Stat)
    assert list(QUANTITIES)[:2] == [Stat.DELTA.symbol, Stat.WEIGHT_GRAD.symbol]
    assert QUANTITIES[Stat.DEAD.symbol].scale is Scale.SHARE


@pytest.mark.parametrize("most", [4, 7, 16])
def test_a_series_has_at_most_so_many_columns_that_hold_still(fast, most):
    seen = frames(Run(fast()), 40)
    before: set[float] = set()
    for frame in seen[20:]:
        found = series(frame, QUANTITIES["‖δ‖"], most)
        assert len(found.steps) <= most and found.steps[0] == 0.0
        steps = set(found.steps.tolist())
        # More columns, or every second one and the newest.
        assert before <= steps or steps - {max(steps)} <= before
        before = steps


def test_a_series_of_the_latest_steps_begins_with_them(fast):
    latest = frames(Run(fast()), 30)[-1]
    found = series(latest, QUANTITIES["‖δ‖"], 512, latest=10)
    assert found.steps.tolist() == list(range(21, 31))
    assert len(series(latest, QUANTITIES["‖δ‖"], 4, latest=10).steps) <= 4


def test_before_anything_is_recorded_a_series_is_the_snapshot(fast):
    frame = Run(fast()).frame(State.PAUSED)
    found = series(frame, QUANTITIES["‖δ‖"], 512)
    assert found.steps.tolist() == [0.0] and np.array_equal(found.values[0], frame.snapshot.stat(Stat.DELTA))


def test_a_frame_of_now_is_not_past(fast):
    run = Run(fast())
    run.measure(EVERYTHING)
    frame = run.frame(State.PAUSED)
    assert frame.complete and not frame.past
