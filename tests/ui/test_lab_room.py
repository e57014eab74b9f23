"""The lab in the window: its place, its keys, what it holds on to, and what of it is exported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from gradflow.ui.lab import LAB
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.view import VIEWS
from gradflow.ui.widgets import Slider, TextBox

SMALL = {"network.depth": 2, "network.width": 4, "training.batch_size": 4}


@pytest.fixture
def desk(window: Any) -> Any:
    """The window in the lab, on a small network that has taken two steps."""
    made = window(SMALL)
    for step in (1, 2):
        made.press("Right")
        made.until(lambda step=step: made.frame and made.step == step)
    made.press("Ctrl+3")
    made.until(lambda: made.window.lab.front)
    return made


def bring(desk: Any, name: str) -> LabView:
    """Bring a view of the lab to the front, with the network in it and all that is computed of it."""
    desk.window.docks[name].raise_()
    desk.until(lambda: desk.window.lab.front is desk.window.docks[name].view)
    view = desk.window.lab.front
    desk.until(lambda: view.specimen is not None or not view.wants)
    view.finish()
    return view


def in_dialog(act: Callable[[Any], None]) -> None:
    """Do something in the next dialog, as soon as it is there."""
    dialog = QApplication.activeModalWidget()
    if dialog:
        act(dialog)
    else:
        QTimer.singleShot(50, lambda: in_dialog(act))


def test_every_view_of_the_lab_has_its_tab() -> None:
    assert set(LAB) == {name for name, entry in VIEWS.items() if issubclass(entry.part, LabView)}


def test_ctrl_3_shows_the_lab_and_ctrl_1_the_instruments(desk: Any) -> None:
    docks = desk.window.docks
    assert {name for name, dock in docks.items() if dock.isVisible()} == set(LAB)
    assert desk.window.panels["builder"].isVisible() and not desk.window.panels["findings"].isVisible()
    desk.press("Ctrl+1")
    desk.until(docks["profile"].isVisible)
    assert not any(docks[name].isVisible() for name in LAB) and desk.window.panels["findings"].isVisible()


@pytest.mark.parametrize("name", [name for name in LAB if name not in ("differences", "directions")])
def test_the_keys_step_the_view_in_front(desk: Any, name: str) -> None:
    view = bring(desk, name)
    desk.until(lambda: view.positions() > 2)
    desk.press("Shift+Home")
    assert view.position == 0
    desk.press("Shift+Right")
    desk.press("Shift+Right")
    assert view.position == 2
    desk.press("Shift+Left")
    assert view.position == 1
    desk.press("Shift+End")
    assert view.position == view.positions() - 1
    desk.press("Shift+Right")
    assert view.position == view.positions() - 1 and desk.step == 2


def test_the_keys_step_the_lab_wherever_the_focus_is_but_in_a_text(desk: Any) -> None:
    view = bring(desk, "jacobians")
    desk.until(lambda: view.positions() > 2)
    handle = desk.window.windowHandle()
    for box in (view.choices.target, view.bar.sample, desk.window.builder.findChild(Slider)):
        view.go(0)
        box.setFocus()
        QTest.keyClick(handle, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
        assert view.position == 1 and box.hasFocus()
    text = desk.window.builder.findChild(TextBox)
    text.setFocus()
    text.home(False)
    QTest.keyClick(handle, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.position == 1 and text.selectedText()


def test_a_preset_with_a_figure_of_its_own_leaves_whoever_is_in_the_lab_there(desk: Any) -> None:
    bring(desk, "backprop")
    menus = [action.menu() for action in desk.window.menuBar().actions() if action.text() == "&File"]
    presets = next(action.menu() for action in menus[0].actions() if action.text() == "Presets")
    presets.aboutToShow.emit()
    next(action for action in presets.actions() if action.text() == "tanh-chaotic").trigger()
    desk.until(lambda: desk.frame.experiment.network.depth > 2)
    assert {name for name, dock in desk.window.docks.items() if dock.isVisible()} == set(LAB)
    assert desk.window.lab.front_name == "backprop"


def test_ctrl_e_in_the_lab_is_about_the_view_in_front(desk: Any, tmp_path: Path, settings: Any) -> None:
    settings.setValue("export/folder", str(tmp_path))
    bring(desk, "jacobians")
    met: list[str] = []

    def look(dialog: Any, name: str) -> None:
        met.extend((dialog.what.currentText(), Path(dialog.file.text()).name))
        dialog.what.setCurrentIndex(dialog.what.findData(name))
        dialog.accept()

    in_dialog(lambda dialog: look(dialog, "paths"))
    desk.press("Ctrl+E")
    desk.until(lambda: desk.notice)
    assert met == ["Jacobians — What does the chain rule multiply?", "gradflow-jacobians-step2.png"]
    assert desk.notice.startswith("Saved") and (tmp_path / "gradflow-paths-step2.png").exists()
    in_dialog(lambda dialog: look(dialog, "dashboard"))
    desk.press("Ctrl+E")
    desk.until(lambda: (tmp_path / "gradflow-dashboard-step2.png").exists())


def test_what_somebody_works_on_stays_while_the_training_goes_on_until_it_is_renewed(desk: Any) -> None:
    view = bring(desk, "backprop")
    desk.press("Shift+Right")
    held = view.specimen
    desk.press("Right")
    desk.until(lambda: desk.step == 3 and desk.frame.details.steps["specimen"] == 3)
    desk.until(view.age.isVisible)
    assert view.specimen is held and held.step == 2
    view.renew()
    assert view.specimen.step == 3 and not view.age.isVisible()


def test_what_was_chosen_is_there_again_after_a_restart(desk: Any, window: Any) -> None:
    view = bring(desk, "backprop")
    for _ in range(3):
        desk.press("Shift+Right")
    desk.close()
    again = window(SMALL)
    again.press("Ctrl+3")
    again.until(lambda: again.window.lab.front)
    restored = bring(again, "backprop")
    again.until(lambda: restored.position == 3)
    assert restored.state() == view.state()


def test_the_sample_and_the_convention_are_chosen_once_for_the_whole_lab(desk: Any, window: Any) -> None:
    jacobians, backprop = bring(desk, "jacobians"), bring(desk, "backprop")
    assert jacobians.state()["convention"] == backprop.state()["convention"] == "rows"
    assert jacobians.state()["sample"] == 0 and backprop.state()["sample"] is None
    backprop.bar.convention.setCurrentIndex(1)
    backprop.bar.samples.setCurrentIndex(3)
    # A view that nobody looks at does nothing yet, but a picture of it shows the same.
    assert jacobians.state()["sample"] == 0
    assert json.loads(jacobians.choice())["sample"] == 2
    bring(desk, "jacobians")
    assert jacobians.caption() == "sample 2, gradients are columns"
    paths = bring(desk, "paths")
    assert paths.row.sample.value() == 2
    paths.row.sample.setValue(3)
    differences = bring(desk, "differences")
    desk.until(lambda: differences.form.sample.currentText() == "sample 3")
    bring(desk, "backprop")
    assert backprop.state()["sample"] == 3 and backprop.state()["convention"] == "columns"
    # Views of one sample keep theirs where others show the whole batch.
    backprop.bar.samples.setCurrentIndex(0)
    assert bring(desk, "differences").sample is None
    assert bring(desk, "paths").row.sample.value() == 3
    desk.close()
    again = window(SMALL)
    again.press("Ctrl+3")
    again.until(lambda: again.window.lab.front)
    assert bring(again, "jacobians").state()["convention"] == "columns"


def test_the_picture_of_the_lab_is_of_the_step_it_holds(desk: Any, tmp_path: Path, settings: Any) -> None:
    settings.setValue("export/folder", str(tmp_path))
    view = bring(desk, "backprop")
    desk.press("Shift+Right")
    desk.press("Right")
    desk.until(lambda: desk.step == 3)

    def save(dialog: Any) -> None:
        dialog.kind.setCurrentIndex(dialog.kind.findData("csv"))
        dialog.accept()

    in_dialog(save)
    desk.window.docks["backprop"].header.export_button.click()
    desk.until(lambda: desk.notice)
    assert view.specimen.step == 2
    assert desk.notice.startswith("Saved") and any("step2" in path.name for path in tmp_path.glob("*.csv"))


def test_the_graph_leads_to_single_neurons_in_the_lab(window: Any) -> None:
    """One drawing of neurons is enough: the network graph has a button to that of the lab."""
    made = window(SMALL)
    made.window.docks["graph"].raise_()
    made.until(lambda: made.window.docks["graph"].made)
    view = made.window.docks["graph"].view
    made.until(lambda: view.choices.isVisible())
    QTest.mouseClick(view.choices.findChild(QPushButton), Qt.MouseButton.LeftButton)
    made.until(lambda: made.window.lab.front_name == "paths")
