"""The window as a person uses it: what the keys do, what is drawn, and what it remembers."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from itertools import cycle

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QAccessible, QAction, QContextMenuEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QPushButton, QToolButton, QWidget

from gradflow.engine.network import Network
from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import State
from gradflow.sim.snapshot import Stat
from gradflow.ui import theme
from gradflow.ui.crash import CrashDoor
from gradflow.ui.lab import LAB
from gradflow.ui.main_window import MainWindow
from gradflow.ui.panels.transport import SPEEDS
from gradflow.ui.session import Session

DIVERGING = {"data.name": "diabetes", "network.activation": "identity", "training.learning_rate": 1e5}


def menu_action(window: QWidget, *path: str) -> QAction:
    """Find the entry of a menu by the words on the way to it."""
    menu: QWidget = window.menuBar()
    for words in path[:-1]:
        menu = next(action.menu() for action in menu.actions() if action.text().replace("&", "") == words)
    return next(action for action in menu.actions() if action.text().replace("&", "") == path[-1])


def header_button(dock: QWidget, words: str) -> QToolButton:
    """Find a button in a view's title bar."""
    return next(b for b in dock.titleBarWidget().findChildren(QToolButton) if words in b.toolTip())


def drawings(dock: QWidget) -> list:
    """Collect the frames a view draws from now on."""
    drawn, draw = [], dock.view.draw

    def counted(frame):
        drawn.append(frame)
        draw(frame)

    dock.view.draw = counted
    return drawn


def turn_wheel(widget: QWidget) -> None:
    """Turn the wheel over a widget."""
    middle = QPointF(widget.rect().center())
    for delta in (120, 120, -120):
        event = QWheelEvent(
            middle,
            widget.mapToGlobal(middle),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(widget, event)


def instruments(window: QWidget) -> dict[str, QWidget]:
    """The docks that the overview shows: those of the lab wait in their menu."""
    return {name: dock for name, dock in window.docks.items() if name not in LAB}


def sizes(window: QWidget) -> dict[str, tuple]:
    """Where every dock is and how large."""
    return {name: dock.geometry().getRect() for name, dock in (instruments(window) | window.panels).items()}


# Opening.


def test_the_window_opens_with_every_view_drawn(window, colors):
    desk = window()
    desk.rest()
    for name, dock in instruments(desk.window).items():
        # Views that share a place are tabs.
        dock.raise_()
        desk.until(lambda dock=dock: not dock.view.visibleRegion().isEmpty())
        # Axes with smoothed text alone make fewer.
        desk.until(lambda dock=dock: colors(dock.view) > 120)
        assert dock.isVisible() and dock.view.width() > 200, name


def test_the_window_opens_at_step_0_and_starts_when_told(window):
    desk = window()
    assert (desk.step, desk.session.state) == (0, State.PAUSED)
    desk.window.start()
    desk.until(lambda: desk.step > 5)
    desk.until(lambda: "running" in desk.status and "steps/s" in desk.status)


def test_the_status_line_tells_the_precision(window):
    desk = window({"training.precision": "float16"})
    desk.until(lambda: "float16" in desk.status)
    assert "float64" not in desk.status


def test_the_status_line_tells_step_epoch_losses_and_size(window):
    desk = window()
    desk.press("Right")
    desk.until(lambda: desk.status.startswith("step 1 "))
    for words in ("epoch 0.20", "loss 0.", "validation 0.", "accuracy ", "160 + 40 samples", "1\u202f425 parameters"):
        assert words in desk.status
    assert desk.status.endswith("paused")


# Keys.


def test_space_plays_and_pauses(window):
    desk = window()
    desk.press("Space")
    desk.until(lambda: desk.step > 3)
    assert "Pause" in desk.window.transport.play_button.text()
    desk.press("Space")
    desk.until(lambda: desk.session.state is State.PAUSED)
    assert "Play" in desk.window.transport.play_button.text()
    step = desk.step
    desk.live()
    assert desk.step == step


def test_right_and_full_stop_take_one_step(window):
    desk = window()
    for step, key in enumerate(("Right", ".", "Right", "."), start=1):
        desk.press(key)
        desk.until(lambda step=step: desk.step == step)
    desk.live()
    assert desk.step == 4


def test_r_goes_back_to_step_0_of_the_same_network(window):
    desk = window()
    first = desk.frame.snapshot.stats.copy()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    build = desk.frame.build
    desk.press("R")
    desk.until(lambda: desk.frame.build == build + 1)
    assert desk.step == 0 and np.array_equal(desk.frame.snapshot.stats, first, equal_nan=True)


def test_n_draws_new_weights_from_the_next_seed(window):
    desk = window()
    first = desk.frame.snapshot.stats.copy()
    desk.press("N")
    desk.until(lambda: desk.frame.experiment.seed == 1)
    assert desk.step == 0 and not np.array_equal(desk.frame.snapshot.stats, first, equal_nan=True)
    assert desk.builder.rows["seed"].box.text() == "1"
    assert "seed 1" in desk.window.transport.document.text()


def test_ctrl_right_and_left_change_the_speed(window):
    desk = window()
    desk.window.transport.set_speed(50.0)
    desk.press("Ctrl+Right")
    assert desk.window.transport.speed_text.text() == "100 steps/s"
    desk.press("Ctrl+Left")
    desk.press("Ctrl+Left")
    assert desk.window.transport.speed_text.text() == "20 steps/s"
    for _ in SPEEDS:
        desk.press("Ctrl+Right")
    assert desk.window.transport.speed_text.text() == "flat out"
    assert desk.step == 0


def test_space_on_a_button_reached_with_tab_presses_that_button(window, qtbot):
    desk = window()
    step = next(b for b in desk.window.transport.findChildren(QPushButton) if b.accessibleName() == "Step")
    step.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(step, Qt.Key.Key_Space)
    desk.until(lambda: desk.step == 1)
    desk.live()
    assert desk.step == 1 and desk.session.state is State.PAUSED


def test_the_arrow_keys_move_the_speed_slider_that_has_the_focus(window):
    desk = window()
    speed = desk.window.transport.speed
    speed.setValue(3)
    desk.press("Right", on=speed)
    desk.live(60)
    assert (speed.value(), desk.step) == (4, 0)


def test_a_letter_typed_into_a_list_finds_a_name_there(window):
    desk = window()
    box = desk.builder.rows["network.activation"].box
    build = desk.frame.build
    desk.press("R", on=box)
    desk.until(lambda: desk.frame.build == build + 1)
    assert box.currentData() == "relu"


# The wheel and the focus.


def test_the_wheel_over_the_builder_changes_nothing_without_the_focus(window):
    desk = window()
    experiment = desk.session.experiment
    for row in desk.builder.rows.values():
        for widget in (row.box, getattr(row, "slider", None)):
            if widget is not None and widget.isVisible():
                turn_wheel(widget)
    assert desk.session.experiment == experiment


def test_the_wheel_over_other_controls_changes_nothing_without_the_focus(window):
    desk = window()
    before = desk.window.transport.speed.value(), desk.window.docks["heatmap"].view.list.currentIndex()
    turn_wheel(desk.window.transport.speed)
    turn_wheel(desk.window.docks["heatmap"].view.list)
    assert before == (desk.window.transport.speed.value(), desk.window.docks["heatmap"].view.list.currentIndex())


def test_everything_that_takes_the_focus_has_a_name_for_a_screen_reader(window):
    desk = window()
    desk.rest()
    nameless = []
    for widget in desk.window.findChildren(QWidget):
        viewport = isinstance(widget.parent(), QAbstractScrollArea)
        if widget.isVisible() and not viewport and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            interface = QAccessible.queryAccessibleInterface(widget)
            if interface and not interface.text(QAccessible.Text.Name):
                nameless.append(f"{type(widget).__name__} in {type(widget.parent()).__name__}")
    assert nameless == []


def test_tab_reaches_every_control_of_the_builder(window, qtbot):
    desk = window()
    wanted = {row.box for row in desk.builder.rows.values() if row.isVisible()}
    wanted |= {s for row in desk.builder.rows.values() if row.isVisible() and (s := getattr(row, "slider", None))}
    seen = set()
    for _ in range(200):
        qtbot.keyClick(QApplication.focusWidget() or desk.window, Qt.Key.Key_Tab)
        seen.add(QApplication.focusWidget())
    assert wanted <= seen


# Views.


def test_a_hidden_view_is_not_drawn_and_shows_the_latest_frame_when_it_comes_back(window):
    desk = window()
    dock = desk.window.docks["profile"]
    drawn = drawings(dock)
    desk.press("Right")
    desk.until(lambda: drawn and drawn[-1].snapshot.step == 1)
    dock.toggleViewAction().trigger()
    drawn.clear()
    for step in (2, 3):
        desk.press("Right")
        desk.until(lambda step=step: desk.step == step)
    desk.live()
    assert drawn == []
    dock.toggleViewAction().trigger()
    desk.until(lambda: drawn and drawn[-1] is desk.frame)
    assert drawn[-1].snapshot.step == 3


def test_a_view_behind_another_tab_is_not_drawn(window):
    desk = window()
    docks = desk.window.docks
    desk.window.tabifyDockWidget(docks["loss"], docks["heatmap"])
    docks["heatmap"].raise_()
    desk.live()
    drawn = drawings(docks["loss"])
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    desk.live()
    assert drawn == []
    docks["loss"].raise_()
    desk.until(lambda: drawn and drawn[-1].snapshot.step == 1)


def test_nothing_is_drawn_twice_while_nothing_happens(window):
    desk = window()
    desk.rest()
    desk.live(300)
    drawn = [drawings(dock) for dock in desk.window.docks.values()]
    desk.live(300)
    assert drawn == [[]] * len(drawn)


def test_dear_measurements_are_taken_only_for_views_that_are_seen(window):
    desk = window()
    desk.rest()
    assert desk.frame.details.surface and desk.frame.details.deltas
    desk.window.docks["boundary"].toggleViewAction().trigger()
    desk.live(60)
    desk.press("Right")
    desk.rest()
    desk.until(lambda: desk.frame.details.step == desk.step == 1)
    assert desk.frame.details.surface is None and desk.frame.details.deltas


def test_hovering_a_layer_of_the_profile_reads_out_its_numbers(window, qtbot):
    desk = window()
    desk.rest()
    profile = desk.window.docks["profile"].view
    view_box = profile.plot.view_box
    spot = profile.plot.mapFromScene(view_box.mapViewToScene(QPointF(2.0, view_box.viewRect().center().y())))
    qtbot.mouseMove(profile.plot.viewport(), spot)
    desk.until(profile.readout.isVisible)
    assert "<b>layer 2</b> · hidden 2 · 16 → 16" in profile.readout.text()
    assert "‖δ‖ = 0.0" in profile.readout.text()


def test_a_gradient_of_ten_to_the_minus_forty_stands_on_the_axis_with_three_digits(window, qtbot):
    """Never rounded to 0.00, never squeezed onto the floor of a linear axis."""
    desk = window({"network.depth": 60, "network.activation": "sigmoid", "network.width": 8})
    desk.rest()
    profile = desk.window.docks["profile"].view
    delta = desk.frame.snapshot.stat(Stat.DELTA)
    assert 0.0 < delta[0] < 1e-30
    heights = profile.line.points[1]
    np.testing.assert_allclose(heights, np.log10(delta))
    low, high = profile.plot.view_box.viewRange()[1]
    assert low <= heights.min() and heights.max() <= high
    apart = cycle((QPoint(0, 0), QPoint(0, 3)))

    def moved():
        # The names on the axis may still be getting the room they need: layer 1 stands a few pixels beside them.
        spot = profile.plot.mapFromScene(profile.plot.view_box.mapViewToScene(QPointF(1.0, (low + high) / 2)))
        qtbot.mouseMove(profile.plot.viewport(), spot + next(apart))
        return profile.readout.isVisible()

    desk.until(moved)
    mantissa = f"{delta[0]:.2e}".split("e")[0]
    assert f"‖δ‖ = {mantissa}·10⁻" in profile.readout.text()


def test_the_axis_is_that_of_what_is_shown_and_not_of_all_that_ever_was(window):
    """An explosion that is over does not press today's gradients flat."""
    desk = window({"network.activation": "identity", "init.scheme": "normal", "init.scale": 1e6})
    desk.rest()
    profile = desk.window.docks["profile"].view
    assert profile.plot.view_box.viewRange()[1][1] > 12
    desk.choose("init.scheme", "xavier-normal")
    desk.type("init.scale", "1")
    desk.until(lambda: profile.frame.experiment.init.scale == 1.0)
    desk.until(lambda: profile.plot.view_box.viewRange()[1][1] < 6)


def test_the_window_answers_while_a_step_takes_for_ever(window, monkeypatch):
    """The step is another thread's: keys, menus and drawing never wait for it."""
    desk = window()
    desk.rest()
    inside, go_on = threading.Event(), threading.Event()
    forward = Network.forward

    def endless(network):
        inside.set()
        assert go_on.wait(10.0)
        return forward(network)

    monkeypatch.setattr(Network, "forward", endless)
    try:
        desk.press("Space")
        desk.until(inside.is_set)
        drawn = drawings(desk.window.docks["profile"])
        desk.window.resize(1100, 800)
        menu_action(desk.window, "View", "Appearance", "Dark").trigger()
        desk.type("training.learning_rate", "0.25")
        assert desk.session.experiment.training.learning_rate == 0.25
        assert desk.window.appearance.theme is theme.DARK
        desk.until(lambda: drawn)
        assert not go_on.is_set()
    finally:
        go_on.set()
    desk.until(lambda: desk.step > 1)


def test_hovering_a_cell_of_the_heat_map_reads_out_its_number(window, qtbot):
    desk = window()
    desk.run_to(10)
    view = desk.window.docks["heatmap"].view
    desk.until(lambda: view.frame is desk.frame)
    for statistic in range(view.list.count()):
        view.list.setCurrentIndex(statistic)
        words = f"<b>layer 3</b> · step 4<br>{view.list.currentText()} = "

        def moved(words: str = words) -> bool:
            # Again and again: pyqtgraph lets only some moves of the mouse through.
            spot = view.plot.mapFromScene(view.plot.view_box.mapViewToScene(QPointF(4.5, 3.0)))
            for y in (1, 0):
                qtbot.mouseMove(view.plot.viewport(), spot + QPoint(0, y))
            return view.readout.isVisible() and view.readout.text().startswith(words)

        desk.until(moved)


# The findings.


@pytest.mark.parametrize(
    ("changes", "title", "shape", "remedy"),
    [
        (
            {"network.depth": 30, "init.scale": 0.3},
            "The gradient vanishes towards the input",
            "▼",
            "Set the init",
        ),
        (
            {"network.depth": 20, "init.scale": 3.0},
            "The gradient explodes towards the input",
            "▼",
            "Set the init",
        ),
        ({"network.activation": "relu", "init.scheme": "he-normal"}, "The gradient keeps its size", "●", ""),
        ({"init.scheme": "zeros"}, "No gradient arrives", "✖", "Use Xavier initialisation"),
    ],
)
def test_the_findings_say_what_is_wrong_with_layer_and_number(window, changes, title, shape, remedy):
    desk = window(changes | {"network.width": 32})
    findings = desk.window.findings
    desk.until(lambda: title in findings.title.text())
    assert shape in findings.title.text()
    assert "ayer" in findings.evidence.text() and any(c.isdigit() for c in findings.evidence.text())
    offered = [row.remedy.title for row in findings.remedies.rows if row.isVisible()]
    assert bool(offered) == bool(remedy) and any(remedy in words for words in offered or [""])
    for number in (1, 2, desk.frame.experiment.network.depth + 1):
        assert f"●</span> {number}</td>" in findings.table.text()


def test_a_run_that_diverges_says_where_and_the_key_for_play_says_what_to_do(window):
    desk = window(DIVERGING)
    desk.press("Space")
    desk.until(lambda: desk.session.state is State.DIVERGED)
    desk.until(lambda: "no longer finite" in desk.window.explosion.words.text())
    desk.until(lambda: "The numbers have blown up" in desk.window.findings.title.text())
    desk.press("Space")
    desk.until(lambda: "re-initialise" in desk.notice)
    desk.press("R")
    desk.until(lambda: desk.frame.build == 2 and desk.notice == "")


def test_a_run_that_ends_says_so_and_the_key_for_play_says_what_to_do(window):
    desk = window({"training.steps": 5})
    desk.press("Space")
    desk.until(lambda: desk.notice == "All 5 steps are taken.")
    assert desk.session.state is State.FINISHED and "Play" in desk.window.transport.play_button.text()
    desk.press("Space")
    desk.until(lambda: "raise Steps" in desk.notice)


# Layout and colours.


@pytest.mark.parametrize("how", ["button", "double-click"])
def test_maximise_gives_a_view_the_middle_and_restore_puts_everything_back(window, qtbot, how):
    desk = window()
    desk.live(60)
    before = sizes(desk.window)
    dock = desk.window.docks["heatmap"]

    def toggle() -> None:
        if how == "button":
            qtbot.mouseClick(header_button(dock, "Maximise"), Qt.MouseButton.LeftButton)
        else:
            qtbot.mouseDClick(dock.titleBarWidget(), Qt.MouseButton.LeftButton, pos=QPoint(20, 12))

    toggle()
    desk.until(lambda: dock.height() > 500)
    others = [other for name, other in instruments(desk.window).items() if name != "heatmap"]
    assert not any(other.isVisible() for other in others)
    assert desk.window.panels["builder"].isVisible()
    toggle()
    desk.until(lambda: all(other.isVisible() for other in others))
    desk.until(lambda: sizes(desk.window) == before)


def test_a_view_closed_stays_closed_in_the_next_window(window):
    desk = window()
    desk.window.docks["loss"].toggleViewAction().trigger()
    desk.live(60)
    desk.close()
    again = window()
    assert not again.window.docks["loss"].isVisible()
    assert all(dock.isVisible() for name, dock in instruments(again.window).items() if name != "loss")
    menu_action(again.window, "View", "Overview").trigger()
    again.until(again.window.docks["loss"].isVisible)


def test_a_window_closed_with_a_view_maximised_opens_with_all_of_them(window, qtbot):
    desk = window()
    qtbot.mouseClick(header_button(desk.window.docks["profile"], "Maximise"), Qt.MouseButton.LeftButton)
    desk.until(lambda: not desk.window.docks["loss"].isVisible())
    desk.close()
    assert all(dock.isVisible() for dock in instruments(window().window).values())


def test_the_experiment_is_kept_for_the_next_session(window, settings):
    from gradflow.app import _last

    desk = window()
    desk.type("network.depth", "9")
    desk.close()
    assert _last(settings) == desk.session.experiment
    assert _last(settings).network.depth == 9


def test_a_spoilt_settings_file_is_no_obstacle(window, settings, caplog):
    from gradflow.app import _last

    settings.setValue("appearance", "purple")
    settings.setValue("window/state", "nonsense")
    settings.setValue("window/geometry", 7)
    settings.setValue("experiment", "[network]\ndepth = 0")
    assert _last(settings).network.depth == 24
    assert "network.depth" in caplog.text
    assert window().window.appearance.theme is theme.LIGHT


@pytest.mark.parametrize("choice", ["Dark", "Light"])
def test_the_menu_chooses_light_or_dark_for_everything(window, pixels, choice):
    desk = window({"network.depth": 12})
    menu_action(desk.window, "View", "Appearance", choice).trigger()
    chosen = {"Dark": theme.DARK, "Light": theme.LIGHT}[choice]
    desk.rest()
    # All of it is drawn anew.
    desk.until(lambda: all(dock._drawn is desk.frame for dock in desk.window.docks.values() if dock.seen))
    expected = [color.name() for color in chosen.layer_colors(13)]
    docks = desk.window.docks
    assert [color.name() for color in docks["profile"].view.colors] == expected
    for panel in (docks["distributions"].view.carried, docks["distributions"].view.returned):
        assert [color.name() for color in panel.ridges.colors] == expected
    desk.until(lambda: f"color:{expected[0]}" in desk.window.findings.table.text())
    assert f"color:{expected[-1]}" in desk.window.findings.table.text()
    for name in ("profile", "heatmap", "loss", "distributions"):
        # The commonest colour of a view is its ground.
        values, counts = np.unique(pixels(docks[name].view).view(np.uint32), return_counts=True)
        if name != "heatmap":
            assert f"#{values[counts.argmax()] & 0xFFFFFF:06x}" == chosen.surface, name
    corner = pixels(desk.window.statusBar())[2, 2]
    assert f"#{corner[2]:02x}{corner[1]:02x}{corner[0]:02x}" in (chosen.window, chosen.surface)


@pytest.mark.slow
def test_the_choice_of_colours_is_kept(window):
    desk = window()
    menu_action(desk.window, "View", "Appearance", "Dark").trigger()
    desk.close()
    again = window()
    assert again.window.appearance.theme is theme.DARK
    assert menu_action(again.window, "View", "Appearance", "Dark").isChecked()


# When something goes wrong.


@pytest.fixture
def door(monkeypatch):
    """The door for exceptions that nobody caught, for one test."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    made = CrashDoor()
    made.install()
    return made


@pytest.mark.parametrize("where", ["slot", "thread"])
def test_an_unforeseen_exception_is_a_notice_with_a_report_and_the_window_lives_on(window, door, qtbot, where):
    desk = window()
    door.happened.connect(lambda sentence, details: desk.window.notice.say(sentence, details))

    def fail() -> None:
        raise RuntimeError("the cat sat on it")

    for _ in range(3):
        if where == "slot":
            QTimer.singleShot(0, fail)
        else:
            threading.Thread(target=fail).start()
    desk.until(lambda: "RuntimeError: the cat sat on it" in desk.notice)
    qtbot.mouseClick(desk.window.notice.copy, Qt.MouseButton.LeftButton)
    assert "Traceback" in QApplication.clipboard().text() and "in fail" in QApplication.clipboard().text()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)


def test_the_same_exception_over_and_over_is_one_notice(qtbot, door):
    told = []
    door.happened.connect(lambda *words: told.append(words))

    def fail() -> None:
        raise RuntimeError("again")

    for _ in range(5):
        QTimer.singleShot(0, fail)
    qtbot.waitUntil(lambda: bool(told))
    qtbot.wait(50)
    assert len(told) == 1


def test_a_notice_can_be_closed(window, qtbot):
    desk = window()
    desk.session.open("no-such-preset")
    assert "no-such-preset" in desk.notice
    close = next(b for b in desk.window.notice.findChildren(QToolButton) if b.accessibleName() == "Close the message")
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert desk.notice == ""


def test_closing_the_window_ends_the_training_thread(window):
    desk = window()
    desk.window.transport.set_speed(float("inf"))
    desk.press("Space")
    desk.until(lambda: desk.step > 20)
    desk.close()
    assert not any(thread.name == "gradflow-training" for thread in threading.enumerate())


def test_a_window_that_is_gone_takes_its_run_with_it(qapp, qtbot, settings, fast):
    """Also the network, the history and all views: nothing outside may hold on to one of them."""

    def open_and_close() -> list[weakref.ref]:
        session = Session(fast())
        window = MainWindow(session, settings)
        window.show()
        qtbot.waitUntil(lambda: window.frame is not None and window.docks["heatmap"].made)
        window.close()
        assert session.shutdown()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        return [weakref.ref(thing) for thing in (window, session, window.frame, window.docks["heatmap"].view)]

    left = open_and_close()
    gc.collect()
    assert [thing() for thing in left] == [None] * 4


def test_the_menu_of_a_view_offers_what_can_be_done_with_it(window):
    desk = window()
    offered = []

    def read() -> None:
        menu = QApplication.activePopupWidget()
        offered.extend(action.text() for action in menu.actions())
        menu.close()

    dock = desk.window.docks["profile"]
    QTimer.singleShot(50, read)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), dock.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(dock, event)
    assert offered == ["Export…", "Copy image", "", "Maximise or restore", "Float", "Close"]


@pytest.mark.slow
def test_a_thousand_layers_are_built_drawn_and_trained(window, colors, monkeypatch):
    # A coarse surface: on the full grid it alone takes seconds here.
    monkeypatch.setattr("gradflow.sim.surface.GRID", 12)
    desk = window({"network.depth": 1000, "network.width": 32, "network.activation": "tanh"})
    desk.rest()
    assert len(desk.frame.topology.layers) == 1001
    desk.until(lambda: all(dock._drawn is desk.frame for dock in desk.window.docks.values() if dock.seen))
    assert all(colors(dock.view) > 60 for dock in desk.window.docks.values() if dock.seen)
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    desk.rest()
    assert desk.frame.details.step == 1
    assert desk.session._worker._attention.wants < EVERYTHING
