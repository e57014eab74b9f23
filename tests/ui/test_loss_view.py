"""The loss as it is seen: where it begins, beside what guessing gives, and on an axis that shows an explosion."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.ui.theme import DARK

EXPLODING = {"network.activation": "identity", "network.depth": 20, "training.learning_rate": 3.0}


def frame_of(experiment, steps: int = 0) -> Frame:
    """Return a frame after so many steps, or where the run ends before."""
    run = Run(experiment)
    for _ in range(steps + (steps > 0)):
        if run.snapshot.finite:
            run.advance()
    return run.frame(State.PAUSED)


def heights(view) -> tuple[float, float]:
    """Return the ends of the axis of the loss."""
    low, high = view.loss_plot.view_box.viewRange()[1]
    return low, high


def names(view) -> list[str]:
    """Return what stands at the axis of the loss."""
    axis, (low, high) = view.loss_plot.axes["left"], heights(view)
    ((every, ticks),) = axis.tickValues(low, high, view.loss_plot.view_box.height())
    return axis.tickStrings(ticks, 1.0, every)


def test_at_step_0_there_are_the_loss_and_chance_on_a_named_axis(shown, fast):
    frame = frame_of(fast({"data.name": "digits"}))
    view = shown("loss", frame)
    low, high = heights(view)
    assert view.chance["loss"].isVisible() and low < view.chance["loss"].value() == math.log(10) < high
    assert view.now["loss"]._y.tolist() == [frame.snapshot.train_loss] and low < frame.snapshot.train_loss < high
    assert view.now["accuracy"]._y.tolist() == [frame.snapshot.train_accuracy]
    assert len(names(view)) >= 3 and names(view)[0] == "0"


def test_a_loss_that_explodes_is_drawn_in_decades(shown, fast):
    frame = frame_of(fast(EXPLODING), 40)
    losses = frame.history.column("train_loss")
    assert np.nanmax(losses[np.isfinite(losses)]) > 1e3
    view = shown("loss", frame)
    curve = view.curves["train_loss"].points[1]
    np.testing.assert_allclose(curve, np.log10(losses[np.isfinite(losses)]))
    low, high = heights(view)
    assert low <= curve.min() and curve.max() <= high and low <= view.chance["loss"].value() <= high
    assert view.chance["loss"].value() == pytest.approx(math.log10(math.log(2)))
    assert any("10" in name for name in names(view))


def test_a_loss_far_from_chance_is_drawn_in_decades_from_the_start(shown, fast):
    view = shown("loss", frame_of(fast({"data.name": "digits", "init.scale": 80.0, "network.activation": "identity"})))
    assert view.now["loss"]._y[0] > view.chance["loss"].value() + 2.0
    assert heights(view)[0] <= view.chance["loss"].value()


def test_the_axis_stays_logarithmic_until_the_next_run(shown, fast):
    calm, wild = frame_of(fast(), 5), frame_of(fast(EXPLODING), 40)
    view = shown("loss", calm)
    assert view.loss_plot.values.linear and heights(view)[0] == 0.0
    view.draw(dataclasses.replace(calm, other=wild))
    assert not view.loss_plot.values.linear
    ghost = view.ghosts["train_loss"].points[1]
    assert len(ghost) and heights(view)[0] <= ghost.min() and ghost.max() <= heights(view)[1]
    view.draw(calm)
    assert not view.loss_plot.values.linear
    view.reset(calm.topology)
    view.draw(calm)
    assert view.loss_plot.values.linear
    np.testing.assert_array_equal(view.curves["train_loss"].points[1], calm.history.column("train_loss"))


def test_a_loss_of_exactly_zero_has_a_place_below_the_decades(shown, fast):
    frame = frame_of(fast(EXPLODING), 40)
    view = shown("loss", dataclasses.replace(frame, snapshot=dataclasses.replace(frame.snapshot, train_loss=0.0)), DARK)
    assert "0" in names(view) and heights(view)[0] < view.now["loss"]._y[0] < view.loss_plot.decades.low


def test_the_end_of_a_run_in_numbers_that_are_not_finite_is_a_red_bar(shown, fast):
    frame = frame_of(fast({"network.activation": "identity", "training.learning_rate": 1e6}), 60)
    assert not frame.snapshot.finite
    view = shown("loss", frame)
    assert view.broken.isVisible() and view.broken.value() == frame.snapshot.step
    view.draw(frame_of(fast(), 1))
    assert not view.broken.isVisible()
