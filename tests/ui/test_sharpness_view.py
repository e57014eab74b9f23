"""The sharpness as it is seen: its course beside the bound that the learning rate sets, and its meaning in words."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.looking_back import at_step
from gradflow.sim.run import Run
from gradflow.ui.theme import DARK

LINE = {"data.name": "chebyshev", "data.samples": 20, "data.validation_fraction": 0.0, "training.batch_size": "all"}


def measured(fast: Any, changes: dict[str, Any], steps: int = 40, every: int = 10) -> Frame:
    """Return a frame of a run whose sharpness was measured on the way."""
    run = Run(fast(changes))
    for step in range(steps + 1):
        run.advance()
        if step % every == 0:
            run.measure({Want.SHARPNESS})
    return run.frame(State.PAUSED)


def test_the_course_stands_beside_its_bound_and_is_told_in_words(shown, fast):
    frame = measured(fast, LINE | {"training.learning_rate": 0.05})
    view, found = shown("sharpness", frame), frame.details.sharpness
    assert found is not None
    np.testing.assert_array_equal(view.curve.points[0], [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(view.curve.points[1], found.values)
    assert view.limit.isVisible() and view.limit.value() == 40.0 and view.limit.words == "2/η"
    low, high = view.plot.view_box.viewRange()[1]
    assert low == 0.0 and high >= 40.0
    assert view.words.text() == str(found) and "over all 20 training samples" in view.words.text()


def test_momentum_moves_the_bound_and_a_live_edit_of_the_rate_only_what_comes_after(shown, fast):
    run = Run(fast(LINE | {"training.learning_rate": 0.05, "training.momentum": 0.5}))
    for rate in (0.05, 0.1):
        run.advance()
        run.retune(dataclasses.replace(run.experiment.training, learning_rate=rate))
        run.advance()
        run.measure({Want.SHARPNESS})
    view = shown("sharpness", run.frame(State.PAUSED), DARK)
    np.testing.assert_allclose(view.bound.points[1], [60.0, 30.0])
    assert view.limit.words == "2(1+μ)/η"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"training.optimizer": "adam"}, "2/η is no bound for it"),
        ({"network.activation": "step"}, "only stands in for one"),
    ],
    ids=["adam", "step"],
)
def test_where_there_is_no_bound_or_no_curvature_the_view_says_so(shown, fast, changes, words):
    view = shown("sharpness", measured(fast, changes, 0))
    assert words in view.words.text()
    assert not view.limit.isVisible()


def test_before_the_first_value_it_says_that_it_is_looking(shown, fast):
    view = shown("sharpness", Run(fast()).frame(State.PAUSED))
    assert view.words.text() == "Looking for the steepest direction …"


def test_looking_back_shows_what_was_known_then_and_another_run_is_grey(shown, fast):
    frame, other = measured(fast, LINE), measured(fast, LINE | {"init.scale": 2.0}, 20)
    view = shown("sharpness", dataclasses.replace(frame, other=other))
    np.testing.assert_array_equal(view.ghost.points[1], other.details.sharpness.values)
    view.draw(at_step(frame, 25))
    np.testing.assert_array_equal(view.curve.points[0], [0, 10, 20])
    assert view.step_line.isVisible() and view.step_line.value() == 25


def test_the_findings_ask_for_it_as_long_as_they_are_seen(window):
    desk = window(LINE)
    desk.until(lambda: desk.frame and desk.frame.details.sharpness and len(desk.frame.details.sharpness.values))
    desk.press("Ctrl+2")
    desk.until(lambda: not desk.window.findings.isVisible())
    desk.until(lambda: Want.SHARPNESS not in desk.session._worker._attention.wants)
