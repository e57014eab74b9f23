"""Forward signal, update ratio, gradient noise, clipping: what is drawn is what was measured, whatever the network."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from gradflow.sim.config import edit
from gradflow.sim.details import Details, Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.prediction import Prediction
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.ui import export
from gradflow.ui.theme import DARK, LIGHT

NAMES = ["forward", "update_ratio", "noise", "clipping"]
THEMES = pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
ROWS = [{"kind": "conv", "units": 4, "padding": "same", "activation": "relu"}, {"units": 7}]


def frame_of(experiment, steps: int = 0) -> Frame:
    """Return a frame with everything measured, after so many steps unless the run diverges before."""
    run = Run(experiment)
    for _ in range(steps and steps + 1):
        if run.snapshot.finite or not run.begun:
            run.advance()
    run.measure({Want.SIGNAL, Want.STATISTICS})
    return run.frame(State.PAUSED)


def predicted(frame: Frame, **curves) -> Frame:
    """Return the frame with a prediction that has only these curves."""
    nothing = np.full(len(frame.topology.layers), math.nan)
    names = [field.name for field in dataclasses.fields(Prediction) if field.name not in ("step", "note")]
    made = Prediction(0, **(dict.fromkeys(names, nothing) | {k: np.asarray(v, float) for k, v in curves.items()}))
    return dataclasses.replace(frame, prediction=made)


def spot(plot, layer: float):
    """Return where in a plot a layer is, half way up."""
    height = plot.view_box.viewRect().center().y()
    return plot.mapFromScene(plot.view_box.mapViewToScene(QPointF(layer, height)))


AWKWARD = {
    "one hidden layer": {"network.depth": 1},
    "one unit": {"network.width": 1},
    "one sample": {"data.samples": 1},
    "regression on a line": {"data.name": "sine"},
    "all zero": {"init.scheme": "zeros"},
    "overflowing": {"init.scale": 1e6, "network.depth": 60, "network.activation": "identity"},
    "underflowing": {"init.scale": 1e-6, "network.depth": 60},
    "convolution": {"data.name": "digits", "data.samples": 100, "network.layers": ROWS},
    "half precision": {"training.precision": "float16", "network.activation": "sigmoid", "network.depth": 20},
    "batch norm": {"network.norm": "batch-norm"},
    "whole batch": {"training.batch_size": "all"},
    "frozen": {"training.freeze": 3},
    "no learning": {"training.learning_rate": 0.0},
    "clipped": {"training.clip_norm": 1e-3, "training.clip_value": 1e-3},
}


@pytest.fixture(scope="module")
def awkward(fast):
    """Frames of awkward networks before and after some steps, alone and with another run of another shape."""
    other = frame_of(fast({"network.depth": 9, "network.activation": "relu"}), 2)
    frames = {}
    for kind, changes in AWKWARD.items():
        after = frame_of(fast(changes), 3)
        behind = dataclasses.replace(after, other=other), dataclasses.replace(other, other=after)
        frames[kind] = frame_of(fast(changes)), *behind
    return frames


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_awkward_networks_are_drawn_with_another_run_behind(shown, awkward, colors, name):
    """NumPy's warnings are errors here: no view may divide by zero, nor expect the other run to have its shape."""
    view = shown(name, awkward["one unit"][0], size=(420, 240))
    for kind, frames in awkward.items():
        for frame in frames:
            view.reset(frame.topology)
            view.draw(frame)
            assert colors(view) > 20, kind


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_exported(qapp, awkward, colors, name):
    assert colors(export.picture(awkward["convolution"][1], name, export.Look(DARK), 2.0)) > 100


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_measured_yet_leaves_the_last_picture_standing(shown, fast, name):
    """As while a slider is dragged."""
    view = shown(name, frame_of(fast(), 2))
    words = view.words.text()
    fresh = Run(fast({"network.depth": 3})).frame(State.PAUSED)
    assert fresh.details.steps == Details().steps == {}
    view.reset(fresh.topology)
    view.draw(fresh)
    # The update ratio and the clipping are of every step.
    assert view.words.text() and (name in ("update_ratio", "clipping") or view.words.text() == words)


WORDY = {
    "rounding": {"training.precision": "float16", "init.scale": 0.5, "network.depth": 30},
    "usual": {},
    "clipped": {"training.clip_norm": 1e-3, "training.clip_value": 1e-3},
    "noisy": {"training.batch_size": 1, "training.optimizer": "adam"},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", WORDY)
def test_words_have_the_room_they_need(shown, fast, kind):
    frame = frame_of(fast(WORDY[kind]), 3)
    for name in NAMES:
        for size in ((420, 240), (900, 600)):
            label = shown(name, frame, size=size).words
            space = QRect(0, 0, label.width(), 10_000)
            needed = label.fontMetrics().boundingRect(space, int(Qt.TextFlag.TextWordWrap), label.text()).height()
            assert needed <= label.height(), label.text()


@pytest.mark.parametrize("name", NAMES)
def test_the_layer_under_the_mouse_is_read_out_and_a_click_picks_it(shown, fast, qtbot, name):
    view = shown(name, frame_of(fast(), 2))
    plot = view.plots[0]
    qtbot.mouseMove(plot.viewport(), spot(plot, 3.2))
    qtbot.waitUntil(view.readout.isVisible)
    assert "<b>layer 3</b> · hidden 3" in view.readout.text() and "not measured" not in view.readout.text()
    assert all(each.pointer.isVisible() and each.pointer.value() == 3.0 for each in view.plots)
    with qtbot.waitSignal(view.picked) as heard:
        qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=spot(plot, 5.0))
    assert heard.args == [5, None]
    view.select(5)
    assert all(each.picked.isVisible() for each in view.plots)
    view.select(None)
    assert not any(each.picked.isVisible() for each in view.plots)
    QApplication.sendEvent(plot, QEvent(QEvent.Type.Leave))
    assert not view.readout.isVisible() and not plot.pointer.isVisible()


# The forward signal.


def test_the_forward_signal_is_at_the_height_of_what_was_measured(shown, fast):
    frame = frame_of(fast({"network.activation": "sigmoid", "init.bias_scale": 0.5}), 2)
    view, signal = shown("forward", frame), frame.details.signal
    for name in ("z_length", "a_length"):
        np.testing.assert_allclose(view.marks[name]._y, np.log10(signal[name]))
    for name in ("correlation", "z_offset", "a_offset"):
        np.testing.assert_array_equal(view.marks[name]._y, signal[name])
    low, high = view.lengths.view_box.viewRange()[1]
    assert low <= view.marks["z_length"]._y.min() and view.marks["z_length"]._y.max() <= high
    # The bars hang from the mean square down to the variance, or to the end of the axis.
    x, y = view.bars.points
    np.testing.assert_allclose(y[0::2][:7], np.maximum(np.log10(signal["z_variance"]), low), rtol=1e-9)
    np.testing.assert_allclose(y[1::2][:7], np.log10(signal["z_length"]), rtol=1e-9)
    assert len(x) == 2 * 2 * 7


def test_predicted_curves_are_lines_and_a_settled_one_shows_its_fixed_point(shown, fast):
    frame = frame_of(fast({"network.depth": 12}))
    settled, moving = np.full(13, 0.5), 0.9 ** np.arange(13.0)
    view = shown("forward", predicted(frame, z_length=settled, a_length=moving, correlation=np.full(13, 0.8)))
    np.testing.assert_allclose(view.curves["z_length"].points[1], math.log10(0.5))
    assert view.fixed["z_length"].isVisible() and view.fixed["z_length"].value() == math.log10(0.5)
    assert not view.fixed["a_length"].isVisible()
    assert view.fixed["correlation"].value() == 0.8
    view.draw(frame)
    assert not any(guide.isVisible() for guide in view.fixed.values())
    assert not len(view.curves["z_length"].points[1])


def test_a_signal_of_exactly_zero_stands_hollow_on_the_floor(shown, fast):
    view = shown("forward", frame_of(fast({"init.scheme": "zeros"})))
    floor = view.lengths.view_box.viewRange()[1][0]
    assert view.marks["z_length"]._hollow[:-1].all()
    assert floor < view.marks["z_length"]._y[0] < floor + 1.0
    assert view.lengths.axes["left"].named == {view.marks["z_length"]._y[0]: "0"}
    assert "zero in layer 1" in view.words.text()


@THEMES
@pytest.mark.parametrize("name", ["forward", "update_ratio", "noise", "clipping"])
def test_what_is_not_finite_is_a_red_bar(shown, fast, pixels, look, name):
    frame = frame_of(fast({"init.scale": 1e6, "network.depth": 60, "network.activation": "identity"}), 2)
    assert not frame.snapshot.finite
    view = shown(name, frame, look)
    red, green, blue, _ = QColor(look.error).getRgb()
    assert (pixels(view)[:, :, :3] == (blue, green, red)).all(axis=2).any()


@pytest.mark.parametrize("name", NAMES)
def test_another_run_is_an_outline_in_muted_colour_and_deeper_ones_fit(shown, fast, name):
    frame, other = frame_of(fast(), 3), frame_of(fast({"network.depth": 9}), 3)
    view = shown(name, dataclasses.replace(frame, other=other))
    ghosts = {"forward": lambda: view.ghosts["z_length"], "noise": lambda: view.ghosts["noise_scale"]}
    ghost = ghosts.get(name, lambda: view.ghost)()
    assert len(ghost._x) == 10 and ghost._hollow.all() and np.isfinite(ghost._y).all()
    assert {color.name() for color in ghost._colors} == {LIGHT.muted}
    assert view.plots[0].view_box.viewRange()[0][1] >= 10.0
    view.draw(frame)
    assert len(ghost._x) == 0


# The update ratio.


def test_the_update_ratio_is_that_of_the_step_with_its_recent_range(shown, fast):
    frame = frame_of(fast({"training.optimizer": "adam", "training.learning_rate": 0.003}), 8)
    view = shown("update_ratio", frame)
    np.testing.assert_allclose(view.marks._y, np.log10(frame.snapshot.update_ratio))
    recorded = frame.history.stat(Stat.UPDATE) / frame.history.stat(Stat.WEIGHT)
    x, y = view.bars.points
    np.testing.assert_allclose(y[0::2], np.log10(recorded.min(axis=0)))
    np.testing.assert_allclose(y[1::2], np.log10(recorded.max(axis=0)))
    np.testing.assert_array_equal(x[0::2], np.arange(1, 8))
    assert view.rule[view.by_layer].value() == -3.0 and view.healthy[view.by_layer]._span == (-4.0, -2.0)


def test_a_layer_that_stands_still_is_a_hollow_mark_and_one_without_weights_has_none(shown, fast):
    frozen = shown("update_ratio", frame_of(fast({"training.freeze": 2}), 2))
    assert frozen.marks._hollow.tolist() == [True, True, *[False] * 5]
    assert "2 of 7 layers stand still" in frozen.words.text()
    empty = shown("update_ratio", frame_of(fast({"init.scheme": "zeros"})))
    assert np.isnan(empty.marks._y).all() and not len(empty.by_layer.broken.points[0])
    assert "No layer" in empty.words.text()


def test_the_course_of_the_ratio_has_a_bounded_number_of_lines_and_points(shown, fast, qtbot):
    frame = frame_of(fast({"network.depth": 40, "network.width": 4}), 300)
    view = shown("update_ratio", frame)
    view.controls().setCurrentText("over time")
    assert view.over_time.isVisible() and not view.by_layer.isVisible() and view.choice() == "over time"
    lines = [line for line in view.over_time.lines if line.isVisible()]
    assert 2 < len(lines) <= 12
    for line in lines:
        steps, heights = line.points
        assert len(steps) <= 201 and steps[-1] == 300 and np.isfinite(heights).all()
    ratio = frame.history.stat(Stat.UPDATE)[-1] / frame.history.stat(Stat.WEIGHT)[-1]
    assert lines[0].points[1][-1] == pytest.approx(math.log10(ratio[0]))
    assert lines[-1].points[1][-1] == pytest.approx(math.log10(ratio[-1]))
    assert lines[0].pen.color() == LIGHT.layer_colors(41)[0]
    view.select(18)
    view.draw(frame)
    assert [line.pen.widthF() for line in lines].count(2.0) == 1
    view.choose("by layer")
    assert view.by_layer.isVisible() and "by layer" in view.caption()


# The gradient noise.


def test_the_noise_view_shows_scale_batch_and_what_is_expected(shown, fast):
    frame = frame_of(fast(), 3)
    view, noise = shown("noise", frame), frame.details.noise
    np.testing.assert_allclose(view.marks["noise_scale"]._y, np.log10(frame.details.statistics["noise_scale"]))
    np.testing.assert_array_equal(view.marks["noise_angle"]._y, frame.details.statistics["noise_angle"])
    np.testing.assert_array_equal(view.expected["noise_angle"].points[1], noise.expected_angle)
    assert view.batch.value() == math.log10(32) and view.batch.words == "batch 32"
    assert view.whole.value() == math.log10(noise.scale)
    assert view.words.text() == str(noise)


def test_without_noise_the_view_says_so(shown, fast):
    view = shown("noise", frame_of(fast({"training.batch_size": "all"})))
    assert "no noise" in view.words.text()
    np.testing.assert_allclose(view.marks["noise_angle"]._y, 0.0, atol=1e-5)


# Clipping and underflow.


def test_the_norm_is_drawn_before_and_after_clipping_with_the_limit(shown, fast):
    frame = frame_of(fast({"training.clip_norm": 1e-3}), 6)
    norms = shown("clipping", frame).norms
    np.testing.assert_allclose(norms.before.points[1], np.log10(frame.history.column("grad_norm")))
    np.testing.assert_allclose(norms.after.points[1], -3.0, atol=0.01)
    assert norms.limit.value() == pytest.approx(-3.0) and norms.limit.words == "limit 0.001"


def test_where_nothing_is_clipped_the_view_says_what_to_set(shown, fast):
    view = shown("clipping", frame_of(fast(), 4))
    assert "clip norm" in view.words.text() and "float16" in view.words.text()
    assert not view.norms.limit.isVisible() and not view.norms.after.points[0].size
    assert np.isfinite(view.norms.now._y[0]) and np.isnan(view.norms.now._y[1])


def test_zeros_underflow_and_the_floor_of_a_half_precision_are_shown(shown, fast):
    changes = {"training.precision": "float16", "network.depth": 20, "init.scale": 0.5, "training.loss_scale": 4.0}
    frame = frame_of(fast(changes))
    view = shown("clipping", frame)
    np.testing.assert_allclose(view.zeros._y, 100 * frame.details.signal["zero_share"])
    np.testing.assert_allclose(view.lost._y, 100 * frame.snapshot.stat(Stat.UNDERFLOW))
    assert view.lost._y.max() > 0.0
    assert view.least.value() == pytest.approx(math.log10(2.0**-24 / 4.0))
    assert view.normal.value() == pytest.approx(math.log10(2.0**-14 / 4.0))
    low, high = view.deltas.view_box.viewRange()[1]
    assert low <= view.least.value() <= high
    assert "float16" in view.words.text() and "loss scale 4" in view.words.text()


def test_a_blow_up_stands_at_its_step(shown, fast):
    frame = frame_of(fast({"training.learning_rate": 1e6, "network.activation": "identity"}), 60)
    assert not frame.snapshot.finite
    view = shown("clipping", frame)
    assert view.norms.broken.isVisible() and view.norms.broken.value() == frame.snapshot.step > 0
    view.draw(frame_of(fast(), 1))
    assert not view.norms.broken.isVisible()


@pytest.mark.parametrize("name", ["forward", "noise", "clipping"])
def test_in_a_flat_dock_the_small_plots_stand_side_by_side(shown, fast, qtbot, name):
    view = shown(name, frame_of(fast(), 1), size=(870, 200))
    _, upper, lower = [view.row.itemAt(0).widget(), *(view.small.itemAt(i).widget() for i in range(2))]
    assert upper.y() == lower.y() and upper.x() < lower.x() and upper.axes["bottom"].label.isVisible()
    view.resize(420, 260)
    qtbot.waitUntil(lambda: upper.y() < lower.y())
    assert upper.x() == lower.x() and not upper.axes["bottom"].label.isVisible()
    view.retheme(DARK)
    assert not upper.axes["bottom"].label.isVisible()


# In the window.


def test_an_old_measurement_says_of_which_step_it_is(shown, fast):
    run = Run(edit(fast(), {"training.steps": 50}))
    run.advance()
    run.measure({Want.SIGNAL, Want.STATISTICS})
    for _ in range(3):
        run.advance()
    for name in ("forward", "noise"):
        assert "Measured at step 0." in shown(name, run.frame(State.RUNNING)).words.text()


@pytest.mark.parametrize("name", NAMES)
def test_the_window_measures_what_the_instrument_in_front_wants(window, name):
    desk = window()
    desk.rest()
    dock = desk.window.docks[name]
    dock.raise_()
    desk.until(lambda: dock.made and dock.view.frame is not None and bool(dock.view.words.text()))
    assert all(want in desk.frame.details.steps for want in dock.entry.part.wants)
    desk.press("Right")
    desk.rest()
    desk.until(lambda: dock.view.frame is desk.frame and desk.step == 1)
