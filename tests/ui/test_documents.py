"""What the window takes in and gives out: experiment files, pictures, the clipboard."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton, QToolButton

from gradflow.sim import archive
from gradflow.sim.archive import open_experiment, parse, render, save_experiment
from gradflow.sim.config import edit
from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.ui import captions, export, theme
from gradflow.ui.export_dialog import ExportDialog
from gradflow.ui.view import VIEWS


@pytest.fixture
def choose_file(monkeypatch):
    """Answer every file dialog with a path ("" is Cancel)."""

    def choose(path: object) -> None:
        for name in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, name, lambda *_: (str(path), ""))

    return choose


@pytest.fixture
def answer_dialog(qtbot):
    """Answer the export dialog that is about to open: `act` fills it in, then Return or a button is pressed."""
    timer = QTimer(interval=20)

    def answer(act=lambda dialog: None, button: str = "") -> list[ExportDialog]:
        met: list[ExportDialog] = []

        def when_open() -> None:
            dialog = QApplication.activeModalWidget()
            if dialog is None:
                return
            timer.stop()
            timer.timeout.disconnect()
            met.append(dialog)
            act(dialog)
            if button:
                pressed = next(b for b in dialog.findChildren(QPushButton) if b.text() == button)
                qtbot.mouseClick(pressed, Qt.MouseButton.LeftButton)
            else:
                qtbot.keyClick(dialog, Qt.Key.Key_Return)

        timer.timeout.connect(when_open)
        timer.start()
        return met

    yield answer
    assert not timer.isActive(), "the dialog never opened"


def finished_frame(experiment):
    """The last frame of a run without a window, with everything measured."""
    run = Run(experiment)
    while not run.begun or not run.finished:
        run.advance()
    run.measure(EVERYTHING)
    return run.frame(State.FINISHED)


# Files.


def test_what_is_saved_is_what_is_open(window, choose_file, tmp_path):
    desk = window()
    desk.type("network.depth", "11")
    choose_file(tmp_path / "mine")
    desk.press("Ctrl+Shift+S")
    assert open_experiment(str(tmp_path / "mine.toml")) == desk.session.experiment
    assert desk.window.windowTitle() == "mine.toml[*] — gradflow" and not desk.window.isWindowModified()
    assert "mine" in desk.window.transport.document.text()
    desk.type("network.depth", "12")
    assert desk.window.isWindowModified()
    choose_file("")
    desk.press("Ctrl+S")
    assert open_experiment(str(tmp_path / "mine.toml")).network.depth == 12
    assert not desk.window.isWindowModified()


def test_save_asks_for_a_name_the_first_time_and_cancel_saves_nothing(window, choose_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    desk = window()
    choose_file("")
    desk.press("Ctrl+S")
    assert desk.session.path is None and list(tmp_path.glob("*.toml")) == []
    choose_file(tmp_path / "a" / "b.toml")
    desk.press("Ctrl+S")
    assert open_experiment(str(tmp_path / "a" / "b.toml")) == desk.session.experiment


def test_saving_where_nothing_can_be_written_is_a_sentence(window, choose_file, tmp_path):
    desk = window()
    (tmp_path / "file").touch()
    choose_file(tmp_path / "file" / "mine.toml")
    desk.press("Ctrl+Shift+S")
    assert "cannot be written" in desk.notice and str(tmp_path / "file") in desk.notice
    assert desk.session.path is None


def test_opening_a_file_shows_its_network_at_step_0(window, choose_file, tmp_path, fast):
    save_experiment(fast({"network.depth": 4, "seed": 5}), tmp_path / "four.toml")
    desk = window()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    choose_file(tmp_path / "four.toml")
    desk.press("Ctrl+O")
    desk.until(lambda: desk.frame.experiment.seed == 5)
    assert desk.step == 0 and len(desk.frame.topology.layers) == 5
    assert desk.builder.rows["network.depth"].box.text() == "4"
    assert desk.window.windowTitle() == "four.toml[*] — gradflow"


UNREADABLE = [
    (b"[network]\ndepht = 4", "network.depht: unknown key; did you mean 'network.depth'?"),
    (b"\x89PNG\r\n", "is not a text file"),
    (b"<html>", "is not TOML"),
    (None, "cannot be read"),
]


def test_a_file_that_cannot_be_opened_is_a_sentence_and_the_experiment_stays(window, choose_file, tmp_path):
    desk = window()
    experiment, build = desk.session.experiment, desk.frame.build
    for number, (content, words) in enumerate(UNREADABLE):
        file = tmp_path / f"bad{number}.toml"
        if content is not None:
            file.write_bytes(content)
        choose_file(file)
        desk.press("Ctrl+O")
        assert file.name in desk.notice and words in desk.notice
    desk.live(80)
    assert (desk.session.experiment, desk.frame.build, desk.session.path) == (experiment, build, None)


def presets_menu(desk):
    """Open the menu of presets and close it again."""
    file = next(action.menu() for action in desk.window.menuBar().actions() if "File" in action.text())
    menu = next(action.menu() for action in file.actions() if action.text() == "Presets")
    for _ in range(2):
        menu.popup(QPoint())
        menu.close()
    return menu


def test_every_preset_opens_from_the_menu(window):
    desk = window()
    presets = presets_menu(desk)
    assert [action.text() for action in presets.actions()] == list(archive.presets())
    for action in presets.actions()[:5]:
        build = desk.frame.build
        action.trigger()
        desk.until(lambda build=build: desk.frame.build > build)
        assert desk.frame.experiment == open_experiment(action.text())


@pytest.mark.parametrize("name", [name for name, path in archive.presets().items() if path])
def test_the_figure_of_a_preset_is_there(name, qapp):
    shown = archive.introduction(name)
    view = VIEWS[shown.view].part()
    view.choose(shown.choice)
    assert not shown.choice or view.choice() == shown.choice


def test_a_preset_brings_its_figure_to_the_front_and_says_what_to_see(window):
    desk = window()
    presets = presets_menu(desk)
    entry = next(action for action in presets.actions() if action.text() == "tanh-chaotic")
    assert "Poole" in entry.toolTip()
    assert not desk.window.docks["forward"].seen
    entry.trigger()
    desk.until(lambda: desk.window.docks["forward"].seen and "come apart" in desk.notice)


# Pictures.


def test_ctrl_e_and_return_save_the_dashboard_with_its_experiment(window, answer_dialog, settings, tmp_path):
    settings.setValue("export/folder", str(tmp_path))
    desk = window()
    desk.run_to(3)
    met = answer_dialog()
    desk.press("Ctrl+E")
    assert met[0].windowTitle() == "Export"
    image = QImage(str(tmp_path / "gradflow-dashboard-step3.png"))
    assert (image.width(), image.height()) == (2880, 1800)
    assert parse(image.text("gradflow:experiment"), "picture") == desk.session.experiment
    assert (image.text("gradflow:seed"), image.text("gradflow:step"), image.text("gradflow:edits")) == ("0", "3", "")
    assert image.text("Software").startswith("gradflow ")
    assert desk.notice == f"Saved {tmp_path / 'gradflow-dashboard-step3.png'}"


def test_the_button_of_a_view_exports_that_view_at_the_size_chosen(window, answer_dialog, tmp_path, qtbot):
    desk = window()
    desk.rest()
    header = desk.window.docks["profile"].titleBarWidget()
    button = next(b for b in header.findChildren(QToolButton) if "Export" in b.toolTip())

    def fill_in(dialog: ExportDialog) -> None:
        assert dialog.what.currentData() == "profile"
        dialog.scale.setCurrentIndex(0)
        dialog.file.setText(str(tmp_path / "small"))

    answer_dialog(fill_in)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    desk.until(lambda: not desk.window.exporting.busy)
    image = QImage(str(tmp_path / "small.png"))
    assert (image.width(), image.height()) == (880, 480)


def test_cancelling_the_dialog_writes_nothing(window, answer_dialog, settings, tmp_path):
    settings.setValue("export/folder", str(tmp_path / "out"))
    desk = window()
    answer_dialog(button="Cancel")
    desk.press("Ctrl+E")
    assert not (tmp_path / "out").exists() and desk.notice == ""


def test_a_picture_that_cannot_be_written_is_a_sentence(window, answer_dialog, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    desk = window()
    desk.rest()
    for place in (tmp_path / "file" / "picture.png", tmp_path / "folder.png"):
        answer_dialog(lambda dialog, place=place: dialog.file.setText(str(place)))
        desk.press("Ctrl+E")
        assert "cannot be written" in desk.notice and str(place) in desk.notice


def test_the_dialog_stays_and_says_so_where_no_file_is_named(window, answer_dialog):
    desk = window()
    desk.rest()
    for text in ("", "  ", "/"):
        said: list[str] = []

        def leave(dialog: ExportDialog, text: str = text, said: list[str] = said) -> None:
            dialog.file.setText(text)
            # After Return has been pressed.
            QTimer.singleShot(50, lambda: (said.append(dialog.trouble.text()), dialog.reject()))

        answer_dialog(leave)
        desk.press("Ctrl+E")
        assert "names no file" in said[0]


def test_the_dialog_copies_to_the_clipboard(window, answer_dialog, pixels, tmp_path, settings):
    settings.setValue("export/folder", str(tmp_path / "out"))
    desk = window()
    desk.rest()
    QApplication.clipboard().clear()

    def fill_in(dialog: ExportDialog) -> None:
        dialog.what.setCurrentIndex(dialog.what.findData("heatmap"))
        dialog.scale.setCurrentIndex(2)

    answer_dialog(fill_in, button="Copy to clipboard")
    desk.press("Ctrl+E")
    expected = export.picture(desk.frame, "heatmap", export.Look(theme.LIGHT), 3.0)
    assert np.array_equal(pixels(QApplication.clipboard().image()), pixels(expected))
    assert not (tmp_path / "out").exists()


def test_ctrl_shift_c_copies_the_dashboard(window, pixels):
    desk = window()
    desk.rest()
    QApplication.clipboard().clear()
    desk.press("Ctrl+Shift+C")
    image = QApplication.clipboard().image()
    assert np.array_equal(pixels(image), pixels(export.picture(desk.frame, "dashboard", export.Look(theme.LIGHT), 2.0)))
    assert desk.notice.startswith("Copied")


@pytest.mark.slow
def test_the_window_exports_the_pixels_that_the_command_line_writes(window, python, pixels, tmp_path, fast):
    """Whatever the window's size, its docks and the history of its axes."""
    experiment = fast({"training.steps": 12})
    save_experiment(experiment, tmp_path / "given.toml")
    done = python("-m", "gradflow", "train", str(tmp_path / "given.toml"), "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    # The window comes to the same step by another way, and has been changed in size and layout.
    desk = window({"network.depth": 40, "init.scale": 3.0})
    desk.rest()
    desk.window.resize(1000, 700)
    desk.window.docks["heatmap"].view.list.setCurrentIndex(3)
    desk.type("network.depth", "6")
    desk.type("init.scale", "1")
    desk.until(lambda: desk.frame.experiment == edit(experiment, {"training.steps": 10_000}))
    desk.press("Right")
    desk.run_to(12)
    captured: list[Frame] = []
    desk.session.captured.connect(captured.append)
    desk.session.capture()
    desk.until(lambda: captured)
    written = sorted((tmp_path / "out").glob("*.png"))
    assert len(written) == 1 + sum(entry.part.written for entry in VIEWS.values()), "the dashboard and these views"
    for path in written:
        ours = export.picture(captured[0], path.stem, export.Look(desk.window.appearance.theme), 2.0)
        assert np.array_equal(pixels(ours), pixels(QImage(str(path)))), path.stem
        assert export.png(ours) == path.read_bytes(), path.stem


def test_a_picture_has_the_same_bytes_every_time(qapp, fast):
    frame = finished_frame(fast({"training.steps": 4}))
    for name in export.names():
        first, second = (export.png(export.picture(frame, name, export.Look(theme.LIGHT), 1.0)) for _ in range(2))
        assert first == second, name


@pytest.mark.slow
@pytest.mark.parametrize("look", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_a_picture_has_the_ground_of_its_theme(qapp, fast, pixels, look):
    theme.apply(qapp, look)
    frame = finished_frame(fast({"training.steps": 4}))
    for name in export.names():
        image = export.picture(frame, name, export.Look(look), 1.0)
        values, counts = np.unique(pixels(image).view(np.uint32), return_counts=True)
        assert f"#{values[counts.argmax()] & 0xFFFFFF:06x}" == look.surface
    theme.apply(qapp, theme.LIGHT)


def test_a_picture_of_more_pixels_shows_the_same_at_the_same_places(qapp, fast, pixels):
    """Lines get wider with the scale: shrunk again, the picture is about the small one."""
    frame = finished_frame(fast({"training.steps": 30}))
    small = export.picture(frame, "profile", export.Look(theme.LIGHT), 1.0)
    large = export.picture(frame, "profile", export.Look(theme.LIGHT), 3.0)
    shrunk = large.scaled(small.size(), mode=Qt.TransformationMode.SmoothTransformation)
    difference = np.abs(pixels(small).astype(int) - pixels(shrunk).astype(int)).max(axis=2)
    assert (difference > 100).mean() < 0.01


def test_the_caption_names_data_network_seed_and_step(fast):
    frame = finished_frame(fast({"training.steps": 4, "seed": 31, "network.skip_every": 2}))
    words = captions.caption(frame)
    for part in ("two-moons", "6 × 16 tanh", "skip every 2", "xavier-normal × 1", "sgd, learning rate 0.05"):
        assert part in words
    for part in ("batch 32", "seed 31", "step 4", "gradflow 0."):
        assert part in words
    assert "edited" not in words


def test_the_caption_admits_live_edits(window):
    desk = window()
    desk.press("Right")
    desk.until(lambda: desk.step == 1)
    desk.type("training.learning_rate", "0.2")
    desk.until(lambda: desk.frame.edits)
    assert captions.caption(desk.frame).endswith("edited while running: training.learning_rate = 0.2 from step 2")
    image = export.picture(desk.frame, "loss", export.Look(theme.LIGHT), 1.0)
    assert image.text("gradflow:edits") == "training.learning_rate = 0.2 from step 2"


def test_the_experiment_in_a_picture_opens_again(qapp, fast):
    experiment = fast({"training.steps": 2, "training.batch_size": "all"})
    image = export.picture(finished_frame(experiment), "loss", export.Look(theme.LIGHT), 1.0)
    assert image.text("gradflow:experiment") == render(experiment)
