"""Findings with remedies: what is said, what is previewed and applied, and what holds still under the pointer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.ui import export, theme
from gradflow.ui.export import Look
from gradflow.ui.panels.findings import Findings
from gradflow.ui.view import VIEWS

RELU = Remedy("Use ReLU", "Its slope is 0 or 1.", {"network.activation": "relu", "init.scheme": "he-normal"})
NORM = Remedy("Add layer norm", "Each layer's signal gets length 1.", {"network.norm": "layer-norm"})
SLOW = Remedy("Train slower", "Smaller steps.", {"training.learning_rate": 0.01})
WRONG = Remedy("Be impossible", "", {"network.width": -1})

FIRST = Finding(
    "vanishing",
    Severity.WARNING,
    "The gradient <vanishes>",
    "Layer 1 receives 10⁻⁷.",
    1,
    "Do something.",
    "Every layer multiplies it by less than 1.",
    "χ₁ = σ² E[φ′²]",
    (RELU, NORM, SLOW),
)
SECOND = Finding("dead", Severity.ERROR, "Half of the units of layer 3 are dead", "33 of 64.", 3, "Lower the rate.")
THIRD = Finding("slow", Severity.NOTE, "The learning rate is low", "10⁻⁶ of the weights.")


@pytest.fixture
def said(monkeypatch):
    """Let every run say these findings, which can be changed while it runs."""
    findings = [FIRST, SECOND, THIRD]
    made = Run.frame

    def frame(run: Run, *arguments: object) -> Frame:
        return dataclasses.replace(made(run, *arguments), findings=tuple(findings))

    monkeypatch.setattr(Run, "frame", frame)
    return findings


@pytest.fixture
def panel(qtbot, qapp):
    """The panel alone, as wide as in the window, with the signals it has sent."""
    made = Findings()
    qtbot.addWidget(made)
    made.resize(292, 700)
    made.sent = []
    made.preview_wanted.connect(lambda remedy: made.sent.append(("preview", remedy)))
    made.apply_wanted.connect(lambda remedy: made.sent.append(("apply", remedy)))
    with qtbot.waitActive(made):
        made.show()
        made.activateWindow()
    return made


def frame_of(fast, *findings: Finding, build: int = 1) -> Frame:
    return dataclasses.replace(Run(fast(), build).frame(State.PAUSED), findings=findings)


def buttons(panel, which: str) -> list:
    """The visible buttons of the remedies."""
    return [getattr(row, which) for row in panel.remedies.rows if row.isVisible()]


def point_at(widget) -> None:
    """Move the pointer onto a widget, or off everything."""
    if widget is None:
        window = QApplication.activeWindow()
        QTest.mouseMove(window, QPoint(1, window.height() - 2))
        QApplication.processEvents()
        return
    QTest.mouseMove(widget, widget.rect().center())
    QApplication.processEvents()


# The panel.


def test_the_first_finding_stands_in_full_and_the_others_in_one_line(panel, fast):
    panel.draw(frame_of(fast, FIRST, SECOND, THIRD))
    assert "▼" in panel.title.text() and "The gradient &lt;vanishes&gt;" in panel.title.text()
    assert (panel.evidence.text(), panel.cause.text()) == (FIRST.evidence, FIRST.cause)
    assert panel.formula.text() == FIRST.formula and panel.why_heading.isVisible()
    assert not panel.advice.isVisible(), "the remedies say it"
    assert [row.title.text() for row in panel.remedies.rows] == [
        f"{n}.&nbsp; {remedy.title}" for n, remedy in enumerate(FIRST.remedies, start=1)
    ]
    entries = [entry for entry in panel.entries if entry.isVisible()]
    assert [entry.accessibleName() for entry in entries] == [f"error: {SECOND.title}", f"note: {THIRD.title}"]
    assert [entry.text()[0] for entry in entries] == ["✖", "■"]
    assert all(entry.fontMetrics().horizontalAdvance(entry.text()) <= entry.width() for entry in entries)


def test_a_finding_without_remedies_has_its_advice_and_no_empty_headings(panel, fast):
    panel.draw(frame_of(fast, THIRD))
    visible = [panel.help_heading, panel.advice, panel.why_heading, panel.remedies, panel.others_heading]
    assert not any(widget.isVisible() for widget in visible)
    panel.draw(frame_of(fast, SECOND))
    assert panel.advice.isVisible() and panel.advice.text() == SECOND.advice and panel.help_heading.isVisible()


def test_a_click_opens_another_finding_until_something_else_is_the_most_urgent(panel, fast, qtbot):
    panel.draw(frame_of(fast, FIRST, SECOND, THIRD))
    qtbot.mouseClick(panel.entries[0], Qt.MouseButton.LeftButton)
    point_at(panel.title)
    assert SECOND.title in panel.title.text()
    panel.draw(frame_of(fast, FIRST, dataclasses.replace(SECOND, evidence="40 of 64."), THIRD))
    assert SECOND.title in panel.title.text() and panel.evidence.text() == "40 of 64."
    assert panel.entries[0].finding == FIRST
    panel.draw(frame_of(fast, THIRD, SECOND))
    assert THIRD.title in panel.title.text()


def test_what_the_pointer_is_about_to_press_neither_moves_nor_vanishes(panel, fast):
    panel.draw(frame_of(fast, FIRST, SECOND))
    apply = buttons(panel, "apply")[1]
    place = apply.mapToGlobal(QPoint())
    point_at(apply)
    longer = dataclasses.replace(FIRST, evidence="So many words. " * 40, remedies=(SLOW,))
    for finding in (longer, THIRD):
        panel.draw(frame_of(fast, finding))
        QApplication.processEvents()
        assert apply.isVisible() and apply.mapToGlobal(QPoint()) == place
        assert panel.remedies.rows[1].remedy is NORM
    point_at(panel.title)
    panel.draw(frame_of(fast, THIRD))
    assert not apply.isVisible() and THIRD.title in panel.title.text()


def test_another_network_is_spoken_of_at_once(panel, fast):
    panel.draw(frame_of(fast, FIRST))
    point_at(buttons(panel, "apply")[0])
    panel.draw(frame_of(fast, THIRD, build=2))
    assert THIRD.title in panel.title.text() and not panel.remedies.isVisible()


def test_hovering_previews_and_leaving_ends_it(panel, fast):
    panel.draw(frame_of(fast, FIRST))
    point_at(buttons(panel, "preview")[0])
    assert panel.sent == [("preview", RELU)]
    point_at(buttons(panel, "preview")[1])
    assert panel.sent[-1] == ("preview", NORM)
    point_at(panel.title)
    assert panel.sent[-1] == ("preview", None)


@pytest.mark.parametrize("end", ["press", "escape", "rebuild", "apply"])
def test_pressing_keeps_the_preview_until_it_is_ended(panel, fast, qtbot, end):
    panel.draw(frame_of(fast, FIRST))
    preview = buttons(panel, "preview")[0]
    point_at(preview)
    qtbot.mouseClick(preview, Qt.MouseButton.LeftButton)
    point_at(panel.title)
    assert panel.sent == [("preview", RELU)] and preview.isChecked()
    if end == "press":
        qtbot.mouseClick(preview, Qt.MouseButton.LeftButton)
    elif end == "escape":
        QTest.keyClick(panel, Qt.Key.Key_Escape)
    elif end == "rebuild":
        panel.draw(frame_of(fast, FIRST, build=2))
    else:
        qtbot.mouseClick(buttons(panel, "apply")[1], Qt.MouseButton.LeftButton)
    assert panel.sent[1] == ("preview", None) and not preview.isChecked()
    assert panel.sent[2:] == ([("apply", NORM)] if end == "apply" else [])


def test_all_of_it_can_be_done_with_the_keyboard(panel, fast, qtbot):
    panel.draw(frame_of(fast, FIRST, SECOND))
    names = []
    for _ in range(12):
        qtbot.keyClick(QApplication.focusWidget() or panel, Qt.Key.Key_Tab)
        names.append(QApplication.focusWidget().accessibleName())
    for remedy in FIRST.remedies:
        assert {f"Preview: {remedy.title}", f"Apply: {remedy.title}"} <= set(names)
    assert f"error: {SECOND.title}" in names and "Layers: fold or unfold" in names
    preview = buttons(panel, "preview")[2]
    preview.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(preview, Qt.Key.Key_Space)
    assert panel.sent == [("preview", SLOW)]
    qtbot.keyClick(preview, Qt.Key.Key_Space)
    qtbot.keyClick(buttons(panel, "apply")[2], Qt.Key.Key_Space)
    assert panel.sent[1:] == [("preview", None), ("apply", SLOW)]


def test_a_double_click_applies_one_remedy_and_not_what_has_come_in_its_place(panel, fast, qtbot):
    panel.draw(frame_of(fast, FIRST))
    qtbot.mouseClick(buttons(panel, "apply")[0], Qt.MouseButton.LeftButton)
    panel.draw(frame_of(fast, dataclasses.replace(FIRST, remedies=(NORM,)), build=2))
    qtbot.mouseClick(buttons(panel, "apply")[0], Qt.MouseButton.LeftButton)
    assert panel.sent == [("apply", RELU)]
    qtbot.wait(QApplication.doubleClickInterval() + 20)
    qtbot.mouseClick(buttons(panel, "apply")[0], Qt.MouseButton.LeftButton)
    assert panel.sent == [("apply", RELU), ("apply", NORM)]


def test_the_layers_fold_away(panel, fast, qtbot):
    panel.draw(frame_of(fast, FIRST))
    assert panel.table.isVisible() and "units" in panel.table.text()
    qtbot.mouseClick(panel.layers_heading, Qt.MouseButton.LeftButton)
    assert not panel.table.isVisible() and panel.layers_heading.text() == "▸ LAYERS"
    qtbot.mouseClick(panel.layers_heading, Qt.MouseButton.LeftButton)
    assert panel.table.isVisible()


def test_nothing_is_written_that_has_not_changed(panel, fast, monkeypatch):
    frame = frame_of(fast, FIRST, SECOND, THIRD)
    panel.draw(frame)
    written = []
    monkeypatch.setattr("PySide6.QtWidgets.QLabel.setText", lambda label, words: written.append(words))
    panel.draw(dataclasses.replace(frame))
    assert written == []


# The window.


def remedy_button(desk, which: str, number: int):
    desk.until(lambda: len(buttons(desk.window.findings, which)) > number)
    button = buttons(desk.window.findings, which)[number]
    desk.window.findings.ensureWidgetVisible(button)
    return button


def test_a_preview_is_drawn_beside_the_run_at_its_step_with_the_same_seed(window, said, qtbot, fast):
    desk = window()
    for step in (1, 2, 3):
        desk.press("Right")
        desk.until(lambda step=step: desk.step == step)
    profile = desk.window.docks["profile"].view
    qtbot.mouseClick(remedy_button(desk, "preview", 0), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.frame.other and desk.frame.other.snapshot.step == 3)
    desk.until(lambda: profile.ghost_chip.text() == "outline: Use ReLU, step 3")
    reference = Run(fast(RELU.changes))
    while reference.snapshot.step < 3:
        reference.advance()
    ghost = reference.snapshot.stat(Stat.DELTA)
    np.testing.assert_array_equal(profile.ghost_line.points[1], np.log10(ghost))
    assert profile.ghost_chip.isVisible()
    assert desk.session.experiment.network.activation == "tanh" and desk.step == 3
    desk.window.looking.select(2)
    desk.press("Escape")
    desk.until(lambda: desk.frame.other is None)
    # The next one means what it usually does.
    assert desk.window.looking.selected == 2
    desk.press("Escape")
    assert desk.window.looking.selected is None
    desk.until(lambda: desk.frame.other is None and not profile.ghost_chip.isVisible())
    assert len(profile.ghost_line.points[0]) == 0


def test_applying_is_one_edit_and_the_run_before_stays_as_an_outline_until_the_next(window, said, qtbot):
    desk = window()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    old = desk.frame.snapshot.stats
    qtbot.mouseClick(remedy_button(desk, "apply", 0), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.frame.experiment.network.activation == "relu")
    assert desk.session.experiment.init.scheme == "he-normal" and desk.session.commands.count() == 1
    desk.until(lambda: desk.frame.other is not None)
    assert desk.frame.other.snapshot.stats is old and desk.frame.other.label == "before “Use ReLU”"
    assert desk.window.actions_by_name["undo"].text() == "Undo: Use ReLU"
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    assert desk.frame.other is not None
    desk.press("Ctrl+Z")
    desk.until(lambda: desk.frame.experiment.network.activation == "tanh" and desk.frame.other is None)


def test_a_live_remedy_is_applied_to_the_running_training(window, said, qtbot):
    desk = window()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    qtbot.mouseClick(remedy_button(desk, "apply", 2), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.frame.experiment.training.learning_rate == 0.01)
    assert desk.step == 1 and desk.frame.build == 1


def test_a_remedy_that_cannot_be_is_a_sentence(window, said, qtbot):
    said[:] = [dataclasses.replace(FIRST, remedies=(WRONG,))]
    desk = window()
    before = desk.session.experiment
    qtbot.mouseClick(remedy_button(desk, "preview", 0), Qt.MouseButton.LeftButton)
    assert desk.message("network.width")
    qtbot.mouseClick(remedy_button(desk, "apply", 0), Qt.MouseButton.LeftButton)
    assert desk.session.experiment == before and desk.frame.other is None


def test_a_preview_that_fails_is_a_sentence(window, said, qtbot):
    said[:] = [dataclasses.replace(FIRST, remedies=(Remedy("Go on", "", {"init.scheme": "saved"}),))]
    desk = window()
    qtbot.mouseClick(remedy_button(desk, "preview", 0), Qt.MouseButton.LeftButton)
    desk.until(lambda: "“Go on” cannot be previewed" in desk.notice)


def test_closing_the_window_in_a_preview_ends_its_thread(window, said, qtbot):
    """That no thread is left is checked after every test."""
    desk = window()
    desk.run_to(200)
    qtbot.mouseClick(remedy_button(desk, "preview", 1), Qt.MouseButton.LeftButton)
    desk.until(lambda: desk.frame.other)
    desk.close()


def test_p_pins_what_is_on_screen_and_p_again_lets_it_go(window):
    desk = window()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    pinned = desk.frame.snapshot
    desk.press("P")
    assert desk.window.transport.pin_button.isChecked()
    desk.type("network.depth", "12")
    desk.until(lambda: len(desk.frame.topology.layers) == 13)
    desk.type("network.depth", "3")
    profile = desk.window.docks["profile"].view
    desk.until(lambda: len(desk.frame.topology.layers) == 4 and profile.frame is desk.frame)
    assert desk.frame.other.snapshot is pinned
    # The pinned run is the deeper one: its layers keep their numbers, and the axis has room for them.
    assert profile.ghost_line.points[0].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert profile.plot.view_box.viewRange()[0][1] > 7
    assert profile.ghost_chip.text() == "outline: pinned run, step 1"
    desk.press("P")
    desk.until(lambda: desk.frame.other is None and profile.frame is desk.frame)
    assert not desk.window.transport.pin_button.isChecked()
    assert profile.plot.view_box.viewRange()[0][1] < 5


def test_a_picture_has_the_outline_too(window, pixels, fast, qapp):
    run = Run(fast())
    frame = run.frame(State.PAUSED)
    other = dataclasses.replace(Run(fast({"network.depth": 9, "init.scale": 0.3})).frame(State.PAUSED), label="less")
    for name in ("profile", "loss"):
        for look in (Look(theme.LIGHT), Look(theme.DARK)):
            alone = pixels(export.picture(frame, name, look, 1.0))
            both = pixels(export.picture(dataclasses.replace(frame, other=other), name, look, 1.0))
            assert name == "loss" or not np.array_equal(alone, both)


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0])
@pytest.mark.parametrize("changes", [{}, {"network.depth": 1}, {"training.precision": "float16"}], ids=str)
def test_any_second_run_can_be_drawn(qtbot, qapp, fast, broken, changes):
    frame = Run(fast()).frame(State.PAUSED)
    run = Run(fast(changes))
    run.advance()
    stats = run.snapshot.stats.copy()
    stats[:, 0] = broken
    ghost = dataclasses.replace(run.frame(State.PAUSED), snapshot=dataclasses.replace(run.snapshot, stats=stats))
    for name in ("profile", "loss"):
        made = VIEWS[name].part()
        qtbot.addWidget(made)
        made.resize(600, 300)
        made.retheme(theme.LIGHT)
        made.reset(frame.topology)
        made.show()
        for other in (ghost, None, dataclasses.replace(ghost, other=None)):
            made.draw(dataclasses.replace(frame, other=other))
            made.grab()
