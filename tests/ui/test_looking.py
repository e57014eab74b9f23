"""Looking back and selecting: a click or the slider shows a recorded step in all views, Esc shows now again."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from gradflow.sim.details import EVERYTHING, Want
from gradflow.sim.frame import State
from gradflow.sim.looking_back import at_step
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.ui import export
from gradflow.ui.plot import LinearRange
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.view import VIEWS
from gradflow.ui.views.distributions import PAIRS


def click(qtbot, plot, x, y):
    """Click at a point of a plot, in its coordinates, once its axes have taken the room that their words need."""
    places = [None]
    while len(places) < 4 or places[-1] != places[-4]:
        # Painting an axis is what tells it how wide its words are.
        plot.grab()
        qtbot.wait(30)
        places.append(plot.view_box.sceneBoundingRect())
    spot = plot.mapFromScene(plot.view_box.mapViewToScene(QPointF(x, y)))
    qtbot.mouseMove(plot.viewport(), spot - QPoint(0, 1))
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)


def heat_map(desk):
    """Return the heat map once it shows what the window shows."""
    view = desk.window.docks["heatmap"].view
    desk.until(lambda: view.frame is desk.frame)
    return view


# The slider.


def test_the_slider_appears_with_the_first_recorded_steps_and_stays(window):
    desk = window()
    scrubber = desk.window.status.scrubber
    assert not scrubber.isVisible()
    desk.run_to(5)
    desk.until(scrubber.isVisible)
    desk.press("R")
    desk.until(lambda: desk.step == 0 and not len(desk.frame.history))
    assert scrubber.isVisible() and not scrubber.slider.isEnabled()


def test_the_arrow_keys_on_the_slider_look_back_step_by_step_and_forward_to_now(window):
    desk = window()
    desk.run_to(8)
    slider = desk.window.status.scrubber.slider
    desk.until(slider.isVisible)
    for step in (7, 6):
        desk.press("Left", slider)
        assert (desk.step, desk.frame.past) == (step, True)
        desk.until(lambda step=step: f"looking back at step {step}" in desk.status)
    assert desk.window.status.scrubber.button.isVisible()
    desk.press("Home", slider)
    assert desk.step == 0
    desk.press("Right", slider)
    assert desk.step == 1 and desk.session.frame.snapshot.step == 8, "the key moves the slider, not the run"
    desk.press("End", slider)
    assert (desk.step, desk.frame.past) == (8, False)
    desk.until(lambda: desk.status.startswith("step 8 "))
    assert not desk.window.status.scrubber.button.isVisible()


def test_the_button_goes_back_to_now(window, qtbot):
    desk = window()
    desk.run_to(8)
    desk.window.looking.look(3)
    qtbot.mouseClick(desk.window.status.scrubber.button, Qt.MouseButton.LeftButton)
    assert (desk.step, desk.frame.past) == (8, False)


def test_all_views_and_the_words_show_the_step_that_is_looked_at(window):
    desk = window({"training.learning_rate": 0.5})
    desk.run_to(30)
    desk.window.looking.look(3)
    docks = desk.window.docks
    desk.until(lambda: all(dock._drawn is desk.frame for dock in docks.values() if dock.seen))
    profile = docks["profile"].view
    expected = np.log10(desk.session.frame.history.stat(Stat.DELTA)[3])
    np.testing.assert_allclose(profile.deltas._y, expected)
    assert docks["loss"].view.step_lines[0].isVisible() and docks["loss"].view.step_lines[0].value() == 3
    assert docks["heatmap"].view.step_line.isVisible()
    assert "looking back at step 3" in desk.status
    for name in ("distributions", "boundary"):
        assert docks[name].header.remark.text() == "not measured at step 3"
    assert docks["distributions"].view.carried.note.isVisible()
    assert "not measured" in docks["boundary"].view.legend.text()
    desk.press("Esc")
    desk.until(lambda: all(dock._drawn is desk.frame for dock in docks.values() if dock.seen))
    assert not docks["heatmap"].view.step_line.isVisible()
    assert docks["distributions"].header.remark.text() == ""
    assert docks["distributions"].view.carried._shown and "not measured" not in docks["boundary"].view.legend.text()


def test_the_run_goes_on_while_somebody_looks_back(window):
    desk = window()
    desk.window.start()
    desk.until(lambda: desk.step > 5)
    desk.window.looking.look(2)
    before = desk.session.frame.snapshot.step
    desk.until(lambda: desk.session.frame.snapshot.step > before + 5)
    assert (desk.step, desk.session.state) == (2, State.RUNNING)
    assert len(desk.frame.history) > before, "curves go on"


@pytest.mark.parametrize(("key", "state"), [("Space", State.RUNNING), ("Right", State.PAUSED)])
def test_play_and_step_return_to_now(window, key, state):
    desk = window()
    desk.run_to(6)
    desk.session.edit("training.steps", 10_000)
    desk.until(lambda: desk.session.state is State.PAUSED)
    desk.window.looking.look(2)
    assert desk.step == 2
    desk.press(key)
    desk.until(lambda: desk.step > 6 and desk.session.state is state)
    assert not desk.frame.past


def test_another_network_ends_looking_back_and_selecting_what_it_has_not(window):
    desk = window()
    desk.run_to(6)
    desk.window.looking.pick(7, 2)
    desk.session.edit("network.depth", 3)
    desk.until(lambda: len(desk.frame.topology.layers) == 4)
    assert not desk.frame.past and desk.window.looking.selected is None


def test_a_picture_is_of_the_step_that_is_looked_at(window, monkeypatch):
    desk = window()
    desk.run_to(6)
    exported = []
    monkeypatch.setattr("gradflow.ui.export.copy_picture", lambda frame, *_, **__: exported.append(frame) or "")
    desk.window.looking.look(2)
    desk.press("Ctrl+Shift+C")
    assert [frame.snapshot.step for frame in exported] == [2]
    desk.press("Esc")
    desk.press("Ctrl+Shift+C")
    desk.until(lambda: len(exported) == 2)
    assert exported[1].snapshot.step == 6


# Clicks.


def test_a_click_on_the_heat_map_opens_that_layer_and_step_everywhere(window, qtbot):
    desk = window()
    desk.run_to(18)
    view = heat_map(desk)
    click(qtbot, view.plot, 4.5, 3.0)
    desk.until(lambda: (desk.step, desk.frame.past) == (4, True))
    docks = desk.window.docks
    assert desk.window.looking.selected == 3
    desk.until(lambda: docks["profile"].view.band.isVisible())
    assert docks["profile"].view.band.getRegion() == (2.5, 3.5)
    assert "layer 3" in docks["profile"].view.readout.text() and docks["profile"].view.readout.isVisible()
    assert [line.value() for line in view.layer_lines] == [2.5, 3.5] and view.layer_lines[0].isVisible()
    assert docks["distributions"].view.carried.selected == 3
    click(qtbot, view.plot, 9.5, 3.0)
    desk.until(lambda: desk.step == 9)
    assert desk.window.looking.selected == 3, "another step of the same layer"
    click(qtbot, view.plot, 9.5, 3.0)
    desk.until(lambda: desk.step == 18)
    assert desk.window.looking.selected is None and not view.layer_lines[0].isVisible()


def test_a_click_in_the_profile_selects_a_layer_until_it_is_clicked_again_or_escape(window, qtbot):
    desk = window()
    desk.rest()
    view = desk.window.docks["profile"].view
    low, high = view.plot.view_box.viewRange()[1]
    for undo in (lambda: click(qtbot, view.plot, 5.1, low + 0.3 * (high - low)), lambda: desk.press("Esc")):
        click(qtbot, view.plot, 5.1, (low + high) / 2)
        desk.until(lambda: view.band.isVisible() and view.selected == 5)
        assert not desk.frame.past
        desk.live(400)  # a second click at once would be a double click
        undo()
        desk.until(lambda: not view.band.isVisible())


def test_a_click_on_a_ridge_selects_its_layer(window, qtbot):
    desk = window()
    desk.rest()
    panel = desk.window.docks["distributions"].view.carried
    desk.until(lambda: panel._shown)
    low, high = panel.view_box.viewRange()[0]
    click(qtbot, panel, (low + high) / 2, 4.3)
    desk.until(lambda: desk.window.looking.selected == 4)
    desk.until(lambda: panel.ridges.selected == 4)


def test_a_view_made_later_knows_the_selected_layer(window):
    desk = window()
    desk.window.looking.pick(2, None)
    dock = desk.window.docks["numbers"]
    assert dock._selected == 2
    assert desk.window.docks["distributions"].view.carried.selected == 2


# The views themselves.


@pytest.fixture
def frame(fast):
    """A frame at step 6 with everything measured."""
    run = Run(fast())
    for _ in range(7):
        run.advance()
    run.measure(EVERYTHING)
    return run.frame(State.PAUSED)


@pytest.fixture
def view_of(qtbot, qapp):
    """Make a view of its own, on screen."""

    def make(name, look=LIGHT):
        view = VIEWS[name].part()
        qtbot.addWidget(view)
        view.retheme(look)
        view.resize(700, 320)
        with qtbot.waitExposed(view):
            view.show()
        return view

    return make


def shown(view, frame):
    view.reset(frame.topology)
    view.draw(frame)
    return view


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("scale", ["log", "linear", "linear ÷ σ"])
@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_every_distribution_is_drawn_on_every_axis(view_of, frame, colors, pair, scale, look):
    view = view_of("distributions", look)
    view.choose(f"{pair} · {scale}")
    shown(view, frame)
    assert view.choice() == f"{pair} · {scale}"
    assert view.wants == {Want.MAGNITUDES if scale == "log" else Want.HISTOGRAMS}
    assert view.carried._shown == view.returned._shown == list(range(1, 8))
    assert colors(view) > 100


def test_the_ground_is_grey_where_tanh_is_saturated(view_of, fast, frame):
    view = view_of("distributions")
    view.choose("z and a · linear")
    run = Run(fast({"init.scale": 8.0}))
    run.measure(EVERYTHING)
    shown(view, run.frame(State.PAUSED))
    rectangles = view.carried.shade._rectangles
    assert len(rectangles) == 12, "two for each hidden layer"
    assert {round(r.left() if r.left() > 0 else r.right(), 3) for r in rectangles} == {2.092, -2.092}
    assert "|φ| > 0.97" in view.carried.x_label
    assert len(view.returned.shade._rectangles) == 12
    view.choose("W and ∂L/∂W · linear")
    assert not view.carried.shade._rectangles and "grey" not in view.carried.x_label


def test_a_second_run_is_an_outline_behind_nothing_and_may_have_another_depth(view_of, fast, frame):
    view = view_of("distributions")
    view.choose("a and δ · linear")
    for depth, ghosts in ((3, 4), (30, 7)):
        run = Run(fast({"network.depth": depth, "network.activation": "relu"}))
        run.measure(EVERYTHING)
        shown(view, dataclasses.replace(frame, other=run.frame(State.PAUSED)))
        assert len(view.carried.ghosts._outlines) == ghosts
    shown(view, frame)
    assert not view.carried.ghosts._outlines


def test_the_linear_axis_of_signals_leaves_the_output_layer_to_a_column(view_of, fast):
    run = Run(fast({"init.scale": 0.4}))
    run.measure(EVERYTHING)
    view = view_of("distributions")
    view.choose("a and δ · linear")
    shown(view, run.frame(State.PAUSED))
    assert {"less", "more"} >= set(view.returned.axis.named.values()) != set()


def test_hovering_a_ridge_reads_out_its_numbers(view_of, frame, qtbot):
    view = view_of("distributions")
    view.choose("a and δ · linear")
    shown(view, frame)
    panel = view.carried

    def moved():
        spot = panel.mapFromScene(panel.view_box.mapViewToScene(QPointF(0.0, 2.4)))
        for y in (1, 0):
            qtbot.mouseMove(panel.viewport(), spot + QPoint(0, y))
        return panel.readout.isVisible() and "<b>layer 2</b>" in panel.readout.text() and "σ" in panel.readout.text()

    qtbot.waitUntil(moved)


def test_a_choice_asks_for_other_measurements(window):
    desk = window()
    desk.rest()
    asked = []
    desk.session.set_wants = asked.append
    desk.window.docks["distributions"].view.scale.setCurrentText("linear")
    assert Want.HISTOGRAMS in asked[-1] and Want.MAGNITUDES not in asked[-1]


def test_linear_distributions_arrive_in_the_window(window):
    desk = window()
    desk.window.docks["distributions"].view.choose("W and ∂L/∂W · linear")
    desk.rest()
    desk.until(lambda: desk.window.docks["distributions"].view.carried._shown)


@pytest.mark.parametrize("window_of", ["all", "1000", "100"])
def test_every_quantity_is_drawn_in_every_window(view_of, frame, window_of):
    view = view_of("heatmap")
    for symbol in [view.list.itemText(i) for i in range(view.list.count())]:
        view.choose(f"{symbol} · {window_of}")
        shown(view, frame)
        assert view.image.image.shape == (7, 7, 3), symbol
        assert (view.note.isVisible()) == (symbol == "underflow"), symbol
        assert view.bar.ticks


def test_what_does_not_exist_is_ground_and_what_is_broken_is_red(view_of, fast, frame):
    stats = frame.history.stats.copy()
    stats[2, Stat.SATURATED.row, 1] = math.inf
    history = dataclasses.replace(frame.history, stats=stats)
    view = view_of("heatmap")
    view.choose("saturated · all")
    shown(view, dataclasses.replace(frame, history=history))
    picture = view.image.image
    assert "#{:02x}{:02x}{:02x}".format(*picture[6, 0]) == LIGHT.surface, "the output layer has no φ"
    assert "#{:02x}{:02x}{:02x}".format(*picture[1, 2]) == LIGHT.error
    assert view.bar._samples == [(LIGHT.error, "∞, nan")]


def test_the_colours_span_what_is_visible(view_of, frame):
    """A first step a million times larger plays no part once it has left the window."""
    stats = np.repeat(frame.history.stats[:1], 200, axis=0).copy()
    stats[0, Stat.DELTA.row] *= 1e6
    scalars = np.repeat(frame.history.scalars[:1], 200, axis=0).copy()
    scalars[:, 0] = np.arange(200)
    long = dataclasses.replace(frame, history=type(frame.history)(scalars, stats))
    view = view_of("heatmap")
    spans = {}
    for window_of in ("all", "100"):
        view.choose(f"‖δ‖ · {window_of}")
        shown(view, long)
        spans[window_of] = view.range.high - view.range.low
    assert spans["all"] > spans["100"] + 4
    assert view.plot.view_box.viewRange()[0] == [100.0, 200.0]


def test_a_recorded_step_can_be_exported_in_every_view(qapp, frame, colors):
    past = at_step(frame, 3)
    assert past.past
    for name in VIEWS:
        assert colors(export.picture(past, name, export.Look(LIGHT), 1.0)) > 5, name


def test_a_linear_range_holds_still_and_keeps_zero_in_the_middle():
    held = LinearRange()
    assert held.include(-0.3, 0.9) == (-1.0, 1.0)
    assert held.include(-0.5, 0.5) == (-1.0, 1.0)
    assert held.include(-0.3, 0.2) == (pytest.approx(-0.3), pytest.approx(0.3))
    assert held.include(0.0, 0.25) == (0.0, pytest.approx(0.3))
    assert held.include(0.0, 0.0) == (-1.0, 1.0)
