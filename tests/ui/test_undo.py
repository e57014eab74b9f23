"""Undo and redo: every edit and every file, by keys and menu, and a drag is one edit."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from gradflow.sim.archive import open_experiment
from gradflow.sim.config import edit
from gradflow.sim.frame import State
from gradflow.ui import commands


def entry(desk, name: str) -> str:
    """What the menu says, "" where the entry cannot be used."""
    action = desk.window.actions_by_name[name]
    return action.text() if action.isEnabled() else ""


def drag(desk, path: str, *shares: float) -> None:
    """Press a field's slider, move over these shares of its width, and let go."""
    slider = desk.builder.rows[path].slider
    desk.builder.ensureWidgetVisible(slider)

    def at(share: float) -> QPoint:
        return QPoint(round(7 + share * (slider.width() - 14)), slider.height() // 2)

    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=at(shares[0]))
    for share in shares[1:]:
        QTest.mouseMove(slider, at(share))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at(shares[-1]))


def test_nothing_can_be_undone_at_first(window):
    desk = window()
    assert entry(desk, "undo") == entry(desk, "redo") == ""
    desk.press("Ctrl+Z")
    assert desk.frame.build == 1


def test_an_edit_is_undone_and_made_again_and_the_run_is_the_same(window):
    desk = window()
    before, first = desk.session.experiment, desk.frame.snapshot.stats.copy()
    desk.type("network.depth", "9")
    desk.until(lambda: len(desk.frame.topology.layers) == 10)
    assert entry(desk, "undo") == "Undo: depth 6 → 9" and entry(desk, "redo") == ""
    desk.press("Ctrl+Z")
    desk.until(lambda: len(desk.frame.topology.layers) == 7)
    assert desk.session.experiment == before and desk.builder.rows["network.depth"].box.text() == "6"
    assert np.array_equal(desk.frame.snapshot.stats, first, equal_nan=True)
    assert entry(desk, "undo") == "" and entry(desk, "redo") == "Redo: depth 6 → 9"
    desk.press("Ctrl+Shift+Z")
    desk.until(lambda: len(desk.frame.topology.layers) == 10)
    assert entry(desk, "undo") == "Undo: depth 6 → 9"


def test_edits_are_undone_one_by_one_and_a_new_one_ends_what_could_be_made_again(window):
    desk = window()
    for depth in ("8", "10", "12"):
        desk.type("network.depth", depth)
    for depth in (10, 8):
        desk.press("Ctrl+Z")
        assert desk.session.experiment.network.depth == depth
    desk.choose("network.activation", "relu")
    assert entry(desk, "redo") == ""
    desk.press("Ctrl+Z")
    assert (desk.session.experiment.network.depth, desk.session.experiment.network.activation) == (8, "tanh")


def test_a_drag_is_one_edit_and_the_next_drag_another(window):
    desk = window()
    drag(desk, "network.width", 0.3, 0.4, 0.5, 0.6)
    first = desk.session.experiment.network.width
    assert desk.session.commands.count() == 1
    drag(desk, "network.width", 0.6, 0.7, 0.8)
    assert desk.session.commands.count() == 2
    desk.press("Ctrl+Z")
    assert desk.session.experiment.network.width == first
    desk.press("Ctrl+Z")
    assert desk.session.experiment.network.width == 16


def test_a_pause_in_a_drag_does_not_break_it(window, monkeypatch):
    desk = window()
    monkeypatch.setattr(commands, "MERGE_SECONDS", 0.0)
    drag(desk, "network.width", 0.3, 0.4, 0.5, 0.6)
    assert desk.session.commands.count() == 1
    assert desk.session.commands.undoText().startswith("width 16 → ")


def test_keys_on_a_slider_are_one_edit_while_they_come_quickly(window, monkeypatch, qtbot):
    desk = window()
    slider = desk.builder.rows["network.depth"].slider
    slider.setFocus()
    for _ in range(4):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert entry(desk, "undo") == "Undo: depth 6 → 10"
    monkeypatch.setattr(commands, "MERGE_SECONDS", 0.0)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert entry(desk, "undo") == "Undo: depth 10 → 11"


def test_back_where_it_began_there_is_nothing_to_undo(window, qtbot):
    desk = window()
    slider = desk.builder.rows["network.depth"].slider
    slider.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
        qtbot.keyClick(slider, key)
    assert entry(desk, "undo") == ""


def test_a_live_edit_is_taken_back_live(window):
    desk = window()
    for _ in range(3):
        desk.press("Right")
    desk.until(lambda: desk.step == 3)
    build = desk.frame.build
    desk.type("training.learning_rate", "0.3")
    assert entry(desk, "undo").startswith("Undo: learning rate ")
    desk.press("Ctrl+Z")
    desk.press("Right")
    desk.until(lambda: desk.step == 4)
    assert desk.frame.build == build
    assert desk.frame.experiment.training.learning_rate == desk.session.experiment.training.learning_rate == 0.05


def test_several_fields_are_one_edit(window):
    desk = window()
    changes = {"network.activation": "relu", "init.scheme": "he-normal", "training.learning_rate": 0.2}
    assert desk.session.edit_many(changes)
    desk.until(lambda: desk.frame.experiment == edit(desk.session.experiment, {}))
    assert entry(desk, "undo") == "Undo: activation, init scheme, learning rate"
    desk.press("Ctrl+Z")
    assert entry(desk, "undo") == "" and desk.session.experiment.network.activation == "tanh"


def test_an_edit_that_is_refused_or_changes_nothing_is_none(window):
    desk = window()
    assert not desk.session.edit_many({"network.depth": 7, "network.width": 0})
    assert desk.session.experiment.network.depth == 6 and desk.message("network.width")
    assert desk.session.edit_many({"network.depth": 6})
    assert entry(desk, "undo") == ""


def test_opening_a_preset_is_undone_with_what_was_edited_before(window):
    desk = window()
    desk.type("network.depth", "9")
    edited = desk.session.experiment
    assert desk.session.open("digits")
    desk.until(lambda: desk.frame.experiment.data.name == "digits")
    assert entry(desk, "undo") == "Undo: open digits"
    desk.press("Ctrl+Z")
    assert desk.session.experiment == edited
    desk.until(lambda: desk.frame.experiment == edited)
    desk.press("Ctrl+Shift+Z")
    assert desk.session.experiment == open_experiment("digits")


def test_the_file_and_whether_it_is_saved_follow(window, tmp_path):
    desk = window()
    path = tmp_path / "mine.toml"
    desk.type("network.depth", "7")
    assert desk.session.save(path) and not desk.session.unsaved
    desk.type("network.depth", "8")
    assert desk.session.unsaved and desk.window.isWindowModified()
    desk.press("Ctrl+Z")
    assert not desk.session.unsaved and not desk.window.isWindowModified()
    desk.session.open("digits")
    assert desk.session.path is None
    desk.press("Ctrl+Z")
    assert desk.session.path == path and "mine.toml" in desk.window.windowTitle() and not desk.session.unsaved


def test_a_box_in_which_something_was_typed_takes_its_own_text_back(window, qtbot):
    desk = window()
    desk.type("network.width", "20")
    box = desk.builder.rows["network.depth"].box
    desk.builder.ensureWidgetVisible(box)
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "33")
    QTest.keySequence(box, "Ctrl+Z")
    assert box.text() == "6" and desk.session.experiment.network.width == 20


def test_a_box_in_which_nothing_was_typed_leaves_the_keys_to_the_window(window):
    desk = window()
    desk.type("network.width", "20")
    desk.press("Ctrl+Z", on=desk.builder.rows["network.depth"].box)
    assert desk.session.experiment.network.width == 16


def test_undoing_drops_what_was_typed_and_refused(window):
    desk = window()
    desk.type("network.width", "20")
    desk.type("network.depth", "many")
    assert desk.message("network.depth")
    desk.window.setFocus()
    desk.press("Ctrl+Z")
    assert desk.builder.rows["network.depth"].box.text() == "6" and not desk.message("network.depth")


def test_an_edit_after_an_explosion_begins_anew_and_so_does_taking_it_back(window):
    desk = window({"data.name": "diabetes", "network.activation": "identity"})
    desk.window.transport.set_speed(float("inf"))
    desk.press("Space")
    desk.until(lambda: desk.step > 2)
    desk.type("training.learning_rate", "1e5")
    desk.until(lambda: desk.session.state is State.DIVERGED)
    build = desk.session.latest.build
    desk.press("Ctrl+Z")
    desk.until(lambda: desk.session.latest.build == build + 1)
    desk.until(lambda: desk.step > 2)
    assert desk.session.state is State.RUNNING


@pytest.mark.parametrize("key", ["Ctrl+Shift+Z", "Ctrl+Y"])
def test_both_usual_keys_make_it_again(window, key):
    desk = window()
    desk.press("N")
    desk.press("Ctrl+Z")
    assert desk.session.experiment.seed == 0
    desk.press(key)
    assert desk.session.experiment.seed == 1
