"""The preview: another experiment on its own thread, up to a step, dropped at once when something else is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gradflow.sim import preview
from gradflow.sim.details import Want
from gradflow.sim.preview import Asked, Preview
from gradflow.sim.run import Run


@pytest.fixture
def shown() -> Iterator[Preview]:
    """A preview that is stopped after the test."""
    made = Preview()
    yield made
    assert made.stop()


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until something is so, and return it."""
    end = time.perf_counter() + seconds
    while not (found := condition()):
        assert time.perf_counter() < end, "it never happened"
        time.sleep(0.002)
    return found


def test_it_shows_the_numbers_that_the_run_itself_would_have_at_that_step(shown, fast):
    experiment = fast({"network.activation": "relu"})
    shown.show(Asked(experiment, "Use ReLU", 12, frozenset((Want.STATISTICS,))))
    frame = until(lambda: shown.frame and shown.frame.details.steps and shown.frame)
    run = Run(experiment)
    while run.snapshot.step < 12:
        run.advance()
    assert frame.snapshot.step == 12 and frame.label == "Use ReLU" and frame.other is None
    assert frame.snapshot.stats.tobytes() == run.snapshot.stats.tobytes()
    assert frame.details.steps == {Want.STATISTICS: 12}


def test_beside_a_training_it_takes_fewer_steps_and_the_same_ones(shown, fast):
    shown.show(Asked(fast(), "polite", 12, gives_way=True))
    until(lambda: shown.frame and shown.frame.snapshot.step == 12)


def test_at_step_0_it_is_the_profile_at_initialisation(shown, fast):
    shown.show(Asked(fast(), "the same", 0))
    frame = until(lambda: shown.frame)
    assert frame.snapshot.step == 0 and len(frame.history) == 0


def test_it_stops_where_the_experiment_ends(shown, fast):
    shown.show(Asked(fast({"training.steps": 3}), "short", 50))
    assert until(lambda: shown.frame and shown.frame.snapshot.step == 3)


def test_it_stops_after_a_while_wherever_it_is(shown, fast, monkeypatch):
    monkeypatch.setattr(preview, "MOST_SECONDS", 0.2)
    shown.show(Asked(fast({"training.steps": 100_000}), "endless", 100_000))
    until(lambda: shown.frame and shown.frame.snapshot.step > 3)
    time.sleep(0.4)
    step = shown.frame.snapshot.step
    time.sleep(0.2)
    assert shown.frame.snapshot.step == step < 100_000


def test_something_else_takes_its_place_at_once_and_an_end_leaves_nothing(shown, fast):
    shown.show(Asked(fast({"training.steps": 100_000}), "first", 100_000))
    until(lambda: shown.frame and shown.frame.snapshot.step > 3)
    shown.show(Asked(fast(), "second", 1))
    assert until(lambda: shown.frame).label == "second"
    until(lambda: shown.frame.snapshot.step == 1)
    shown.end()
    assert shown.frame is None
    time.sleep(0.1)
    assert shown.frame is None


def test_what_cannot_be_built_is_a_sentence_and_the_next_is_shown(shown, fast):
    shown.show(Asked(fast({"init.scheme": "saved", "init.path": "/nowhere"}), "Start from a saved run", 1))
    said = until(shown.failure)
    assert said.startswith("“Start from a saved run” cannot be previewed: /nowhere") and "\n" not in said
    shown.show(Asked(fast(), "fine", 0))
    assert until(lambda: shown.frame).label == "fine" and shown.failure() == ""


def test_it_can_be_stopped_in_the_middle_and_without_ever_having_run(fast):
    idle = Preview()
    assert idle.stop()
    busy = Preview()
    busy.show(Asked(fast({"training.steps": 100_000}), "endless", 100_000))
    until(lambda: busy.frame)
    start = time.perf_counter()
    assert busy.stop()
    assert time.perf_counter() - start < 2.0
