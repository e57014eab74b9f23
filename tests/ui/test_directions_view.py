"""Directions in the window: what is chosen with keys and mouse, and what line, plane and numbers then show."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from lab_kit import frame_of as frame_after
from lab_kit import type_into
from PySide6.QtCore import QPointF, Qt

from gradflow.sim.details import Details
from gradflow.sim.frame import State
from gradflow.ui import export
from gradflow.ui.lab.directions import Directions
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.view import VIEWS

PATIENCE_MS = 20_000

frame_of = partial(frame_after, steps=12)


@pytest.fixture
def shown(computed: Callable[..., Any]) -> Callable[..., Directions]:
    """Make a view that shows a frame, and has computed it."""
    return partial(computed, "directions")


def pick(qtbot: Any, view: Directions, form: Any, kind: str) -> None:
    """Choose a kind of direction with the keyboard."""
    form.kind.setFocus()
    place = form.kind.findData(kind)
    key = Qt.Key.Key_Down if place > form.kind.currentIndex() else Qt.Key.Key_Up
    while form.kind.currentIndex() != place:
        qtbot.keyClick(form.kind, key)
    view.finish()


def test_three_ways_to_one_number_and_what_they_cost(shown) -> None:
    view = shown(frame_of())
    reverse, forward, difference = view.panels.rows.text().splitlines()
    assert reverse.split()[-1][:14] == forward.split()[-1][:14]
    assert reverse.split()[-1][:8] == difference.split()[-1][:8]
    assert "Forward mode (JVP)" in view.panels.words.text() and "Reverse mode (VJP)" in view.panels.words.text()


def test_the_next_step_is_marked_on_the_line_and_named(shown) -> None:
    view = shown(frame_of())
    assert view.line.step_t == 1.0 and "Next step at t = 1: L goes from" in view.panels.words.text()
    assert view.panels.reach_words.text() == "reach ±3"


def test_what_the_orders_expect_ends_at_the_edges_of_the_plot(shown) -> None:
    """A picture of lines and letters is cut off by nothing else, and they would run over the whole sheet."""
    plot = shown(frame_of()).panels.line
    low, high = plot.line.span()
    plot.show_line(dataclasses.replace(plot.line, slope=100.0 * plot.line.slope))
    for order in (plot.tangent, plot.parabola):
        _, heights = order.getData()
        assert (np.nanmin(heights), np.nanmax(heights)) == (low, high)
    plot.show_line(dataclasses.replace(plot.line, curvature=np.nan, kinks="a kink of φ"))
    assert not np.isfinite(plot.parabola.getData()[1]).any()
    assert "second order" not in [name for _, _, name in plot.signs(LIGHT)]


def test_another_direction_is_chosen_by_key_and_another_random_one_by_mouse(qtbot, shown) -> None:
    view = shown(frame_of())
    assert not view.panels.first.again.isVisible()
    pick(qtbot, view, view.panels.first, "random")
    before = view.slope.reverse
    assert view.panels.first.again.isVisible() and "Along h" in view.panels.words.text()
    qtbot.mouseClick(view.panels.first.again, Qt.MouseButton.LeftButton)
    view.finish()
    assert view.slope.reverse != before
    qtbot.mouseClick(view.panels.unit, Qt.MouseButton.LeftButton)
    view.finish()
    assert view.slope.length == pytest.approx(1.0)


def test_a_coordinate_is_typed_and_nonsense_is_refused_in_words(qtbot, shown) -> None:
    view = shown(frame_of())
    pick(qtbot, view, view.panels.first, "coordinate")
    type_into(qtbot, view.panels.first.text, "2/W[1, 3]")
    view.finish()
    assert view.slope.reverse == view.specimen.network().layers[1].linear.W_grad[1, 3]
    type_into(qtbot, view.panels.first.text, "2/W[1, 99]")
    view.finish()
    message = view.panels.first.text.message
    assert message.isVisible() and "“[1, 99]” is no entry of W₂" in message.text()
    assert view.slope is None and "line" not in view.tables()
    type_into(qtbot, view.panels.first.text, "2/b[1]")
    view.finish()
    assert not message.isVisible() and view.slope.length == 1.0


def test_the_plane_has_the_trajectory_of_the_run_and_says_how_much_of_it(shown) -> None:
    view = shown(frame_of())
    assert view.plane.done.all() and len(view.plane.axes.path) == 13
    assert "of the trajectory’s variance" in view.panels.plane_words.text()
    assert view.plane.present == view.line.value
    assert not view.panels.stop.isVisible()


def test_the_plane_without_the_trajectory_with_other_axes_and_nearer(qtbot, shown) -> None:
    view = shown(frame_of())
    size = np.ptp(view.plane.axes.a)
    view.panels.zoom.setFocus()
    for _ in range(8):
        qtbot.keyClick(view.panels.zoom, Qt.Key.Key_Right)
    view.finish()
    assert np.ptp(view.plane.axes.a) == pytest.approx(size / 10)
    qtbot.mouseClick(view.panels.trajectory, Qt.MouseButton.LeftButton)
    pick(qtbot, view, view.panels.across, "gradient")
    pick(qtbot, view, view.panels.up, "random")
    assert view.plane.axes.titles == ("The gradient", "Random") and not len(view.plane.axes.path)
    assert "variance" not in view.panels.plane_words.text()


def test_two_equal_directions_are_refused_in_words(qtbot, shown) -> None:
    view = shown(frame_of({"training.optimizer": "sgd"}))
    pick(qtbot, view, view.panels.across, "gradient")
    pick(qtbot, view, view.panels.up, "descent")
    assert "one and the same" in view.panels.plane_words.text() and view.plane is None


def test_the_numbers_under_the_mouse(qtbot, shown) -> None:
    view = shown(frame_of())
    for plot in (view.panels.plane.plot, view.panels.line):
        box = plot.view_box
        spot = plot.mapFromScene(box.mapViewToScene(QPointF(*(sum(ends) / 2 for ends in box.viewRange()))))
        qtbot.mouseMove(plot.viewport(), spot)
        qtbot.waitUntil(lambda plot=plot: plot.findChild(type(view.panels.plane.chip)).isVisible(), timeout=PATIENCE_MS)
    assert "L = " in view.panels.plane.chip.text() and "first order" in view.panels.line.chip.text()


def test_side_by_side_where_there_is_room_and_one_at_a_time_elsewhere(shown) -> None:
    view = shown(frame_of())
    panels = view.panels
    assert panels.line.isVisible() and panels.plane.isVisible()
    view.resize(700, 400)
    assert panels.line.isVisible() and not panels.plane.isVisible()
    view.go(1)
    assert panels.plane.isVisible() and not panels.line.isVisible() and view.position == 1
    view.go(5)
    assert panels.layers.isVisible() and view.position == 2 and panels.layers.model().rowCount() == 4


def test_the_numbers_leave_as_tables(shown) -> None:
    tables = shown(frame_of()).tables()
    assert set(tables) == {"line", "plane", "layers"}
    assert tables["plane"].csv().count("\n") == 66 and tables["layers"].latex()


def test_the_whole_training_part_has_a_line_of_its_own(qtbot, shown) -> None:
    view = shown(frame_of())
    assert not view.line.whole.size
    qtbot.mouseClick(view.panels.whole, Qt.MouseButton.LeftButton)
    view.finish()
    assert view.line.whole.size and view.plane.present == pytest.approx(view.line.whole[64])


def test_a_picture_shows_what_the_screen_shows(qtbot, shown, colors) -> None:
    frame = frame_of()
    view = shown(frame)
    pick(qtbot, view, view.panels.first, "descent")
    view.go(1)
    other = shown(frame, view.choice())
    assert other.choice() == view.choice() and other.panels.rows.text() == view.panels.rows.text()
    for look in (LIGHT, DARK):
        assert colors(export.picture(frame, "directions", export.Look(look, {"directions": view.choice()}), 1.0)) > 200


@pytest.mark.parametrize(
    "text", ["{}", "[3]", '{"h": 1}', json.dumps({"h": {"kind": "up", "seed": 0, "text": "", "unit": False}})]
)
def test_a_choice_that_is_none_changes_nothing(shown, text: str) -> None:
    view = shown(frame_of(), text)
    before = view.choice()
    view.choose(text)
    view.finish()
    assert view.choice() == before and view.line


def test_while_the_run_goes_on_the_plane_waits_until_it_stands_still_or_somebody_asks(qtbot, shown) -> None:
    running = frame_of(state=State.RUNNING)
    view = shown(running)
    assert view.line is not None and view.plane is None and "when the run is paused" in view.panels.plane_words.text()
    view.draw(dataclasses.replace(running, state=State.PAUSED))
    view.finish()
    assert view.plane.done.all()
    other = shown(running)
    qtbot.mouseClick(other.panels.log, Qt.MouseButton.LeftButton)
    assert other.plane is None
    pick(qtbot, other, other.panels.up, "random")
    assert other.plane.done.all()


def test_the_plane_of_an_old_step_is_pale_and_said_to_be_old_until_it_is_painted_anew(qtbot, shown) -> None:
    view = shown(frame_of())
    later = frame_of(steps=15, state=State.RUNNING)
    view.draw(later)
    view.finish()
    assert view.slope.step == 15 and view.plane.axes.step == 12
    assert "The plane is of step 12, the numbers are of step 15." in view.panels.plane_words.text()
    assert view.panels.plane.image.opacity() < 1.0
    view.draw(frame_of(steps=17, state=State.RUNNING))
    assert view.panels.paint_now.isVisible()
    qtbot.mouseClick(view.panels.paint_now, Qt.MouseButton.LeftButton)
    view.finish()
    # What is painted, what is computed and what is held are of one and the same step.
    assert view.plane.axes.step == view.slope.step == view.specimen.step
    assert view.panels.plane.image.opacity() == 1.0 and not view.panels.paint_now.isVisible()


def test_the_legend_names_what_is_drawn_and_no_more(qtbot, shown) -> None:
    view = shown(frame_of())
    assert "next step" in view.panels.legend.text() and "all samples" not in view.panels.legend.text()
    assert "trajectory" in view.panels.plane_legend.text() and "step 12" in view.panels.plane_legend.text()
    pick(qtbot, view, view.panels.first, "last-update")
    assert "before the last step" in view.panels.legend.text() and "next step" not in view.panels.legend.text()
    assert "Last step from t = −1" in view.panels.words.text()
    qtbot.mouseClick(view.panels.trajectory, Qt.MouseButton.LeftButton)
    view.finish()
    assert "trajectory" not in view.panels.plane_legend.text()


def test_a_typed_direction_is_asked_for_before_it_is_refused(qtbot, shown) -> None:
    view = shown(frame_of())
    pick(qtbot, view, view.panels.first, "typed")
    assert "Type the entries" in view.panels.words.text() and not view.panels.first.text.refused
    pick(qtbot, view, view.panels.up, "typed")
    type_into(qtbot, view.panels.up.text, "1/W[0, 0]")
    view.finish()
    assert not view.panels.first.text.refused and view.panels.up.text.message.isVisible()


def test_a_plane_that_takes_long_can_be_given_up(qtbot, shown) -> None:
    frame = frame_of({"network.depth": 30, "network.width": 64, "training.batch_size": 64}, steps=2)
    view = VIEWS["directions"].part()
    qtbot.addWidget(view)
    view.retheme(LIGHT)
    view.resize(1160, 800)
    view.show()
    view.reset(frame.topology)
    view.draw(frame)
    qtbot.waitUntil(lambda: view.plane is not None, timeout=PATIENCE_MS)
    assert not view.plane.done.all() and view.panels.stop.isVisible()
    qtbot.mouseClick(view.panels.stop, Qt.MouseButton.LeftButton)
    assert not view.painting.busy and "Given up" in view.panels.plane_words.text() and not view.panels.stop.isVisible()
    view.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"network.depth": 1, "network.width": 1},
        {"network.depth": 30, "network.width": 1},
        {"training.precision": "float16"},
        {"training.learning_rate": 1e6},
        {"network.activation": "step"},
        {"init.scheme": "zeros"},
        {"network.norm": "batch-norm", "network.dropout": 0.2},
    ],
    ids=lambda changes: "-".join(str(value) for value in changes.values()),
)
def test_awkward_networks_are_shown(shown, changes: dict[str, Any], colors) -> None:
    view = shown(frame_of(changes, steps=2), size=(700, 400))
    assert view.panels.words.text() and colors(view) > 10


def test_without_a_network_it_says_so(shown) -> None:
    frame = frame_of()
    view = shown(dataclasses.replace(frame, details=Details()))
    assert "No network" in view.panels.words.text() and not view.tables()
    view.draw(frame)
    view.finish()
    assert view.line
