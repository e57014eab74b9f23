"""What all tests share: Qt without a screen, the window with a person at it, and no thread left behind."""

from __future__ import annotations

import gc
import os

# Before NumPy and Qt are imported: one BLAS thread, and no screen.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from gradflow.sim.config import Experiment, edit
from gradflow.sim.frame import Frame, State
from gradflow.sim.worker import TrainingWorker
from gradflow.system import qt_obstacle

# The same examples at every run, so that a failure is there again tomorrow; new ones with --hypothesis-profile=explore.
hypothesis.settings.register_profile("gradflow", deadline=None, derandomize=True, max_examples=20)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True)
hypothesis.settings.load_profile("gradflow")

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_MS = 10_000
"""How long a test waits for something that takes milliseconds on an idle machine."""

ENDING_SECONDS = 2.0
"""How long a thread may take to end that was given up: one pass through a network, on a busy machine."""

FAST: dict[str, Any] = {
    "data.name": "two-moons",
    "data.samples": 200,
    "network.depth": 6,
    "network.width": 16,
    "training.batch_size": 32,
}


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say in one sentence what is missing, before pytest-qt imports Qt and fails with a traceback."""
    obstacle = qt_obstacle()
    if obstacle:
        pytest.exit(obstacle, returncode=2)
    # As in the program: on a thread of a run it would free what Qt made, and may stop for ever.
    gc.disable()
    # What the offscreen platform says about every window and menu that is shown.
    config.addinivalue_line("qt_log_ignore", "This plugin does not support")


@pytest.fixture(autouse=True)
def no_thread_survives() -> Iterator[None]:
    """Check that every thread of gradflow that a test started has ended, or is ending; then garbage is collected."""
    from gradflow.ui.garbage import collect

    yield
    for thread in threading.enumerate():
        if thread.name.startswith("gradflow-"):
            thread.join(ENDING_SECONDS)
    assert [t.name for t in threading.enumerate() if t.name.startswith("gradflow-")] == []
    collect()


@pytest.fixture(scope="session")
def fast() -> Callable[..., Experiment]:
    """Make a small experiment that trains in no time, with changes by dotted path."""
    return lambda changes=None: edit(Experiment(), FAST | (changes or {}))


@pytest.fixture
def worker() -> Iterator[TrainingWorker]:
    """A training thread that waits for a build."""
    made = TrainingWorker()
    made.start()
    yield made
    assert made.stop()


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python with these arguments in its own process, by default with no screen at all."""

    def run(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
        screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
        environment = {key: value for key, value in os.environ.items() if key not in screens}
        environment |= {"PYTHONPATH": str(ROOT), **variables}
        return subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, timeout=100, cwd=cwd, env=environment
        )

    return run


# The window. Qt is imported inside, so that a machine without it gets the sentence above.


@pytest.fixture(scope="session")
def qapp(qapp: Any) -> Any:
    """The application with the bundled font and light colours, as pictures are drawn; no mouse move is left out."""
    import pyqtgraph as pg

    from gradflow.ui import theme

    pg.setConfigOption("mouseRateLimit", -1)
    theme.load_fonts(qapp)
    theme.apply(qapp, theme.LIGHT)
    return qapp


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    """An empty settings file."""
    from PySide6.QtCore import QSettings

    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


class Desk:
    """The window and a person at it: keys and mouse go in, what is on screen comes out."""

    def __init__(self, qtbot: Any, window: Any) -> None:
        self.qtbot, self.window = qtbot, window
        self.session, self.builder = window.session, window.builder

    @property
    def frame(self) -> Frame:
        """What the window shows."""
        return self.window.frame

    @property
    def step(self) -> int:
        """The step the window shows."""
        return self.frame.snapshot.step

    @property
    def status(self) -> str:
        """The line at the bottom."""
        return f"{self.window.status.left.text()}     {self.window.status.right.text()}"

    @property
    def notice(self) -> str:
        """The sentence in the bar, "" while it is hidden."""
        return self.window.notice.words.text() if self.window.notice.isVisible() else ""

    def until(self, condition: Callable[[], Any]) -> None:
        """Let the window live until something is so."""
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def live(self, milliseconds: int = 150) -> None:
        """Let the window live for a while, to see that something does not happen."""
        self.qtbot.wait(milliseconds)

    def press(self, key: str, on: Any = None) -> None:
        """Press a key such as "Space" or "Ctrl+E", on the window or on a widget that has the focus."""
        from PySide6.QtGui import QKeySequence
        from PySide6.QtTest import QTest

        if on is not None:
            on.setFocus()
            assert on.hasFocus()
        if not self.window.isActiveWindow():
            # As after a dialog: without a desktop nobody gives the window its keys back.
            self.window.activateWindow()
            self.until(self.window.isActiveWindow)
        QTest.keySequence(on or self.window, QKeySequence(key))
        # An export may first have to wait for the worker's measurements.
        self.until(lambda: not self.window.exporting.busy)

    def type(self, path: str, text: str) -> None:
        """Click into a field's box, replace its text and press Enter."""
        from PySide6.QtCore import Qt

        box = self.builder.rows[path].box
        self.builder.ensureWidgetVisible(box)
        self.qtbot.mouseClick(box, Qt.MouseButton.LeftButton)
        box.selectAll()
        self.qtbot.keyClick(box, Qt.Key.Key_Delete)
        self.qtbot.keyClicks(box, text)
        self.qtbot.keyClick(box, Qt.Key.Key_Return)

    def choose(self, path: str, name: str) -> None:
        """Choose a name in a field's list with the keyboard."""
        from PySide6.QtCore import Qt

        box = self.builder.rows[path].box
        self.builder.ensureWidgetVisible(box)
        box.setFocus()
        key = Qt.Key.Key_Down if box.findData(name) > box.currentIndex() else Qt.Key.Key_Up
        for _ in range(abs(box.findData(name) - box.currentIndex())):
            self.qtbot.keyClick(box, key)

    def message(self, path: str) -> str:
        """What is said at a field, "" for nothing."""
        from PySide6.QtWidgets import QLabel

        label = self.builder.rows[path].findChild(QLabel, "fieldError")
        return label.text() if label and not label.isHidden() else ""

    def rest(self) -> None:
        """Pause and wait until everything on screen is of the same step."""
        if self.session.state is State.RUNNING:
            self.press("Space")
        self.until(lambda: self.session.state is not State.RUNNING)
        self.until(lambda: self.session.latest is self.session._worker.latest and self.frame is self.session.frame)
        self.until(lambda: self.frame.details.step == self.step)

    def run_to(self, step: int) -> None:
        """Train flat out up to a step and let everything come to rest."""
        self.session.edit("training.steps", step)
        self.window.transport.set_speed(float("inf"))
        self.session.play()
        self.until(lambda: self.frame and self.step == step)
        self.rest()

    def close(self) -> None:
        """Close the window as a person does."""
        self.window.close()


@pytest.fixture
def window(qtbot: Any, qapp: Any, settings: Any, fast: Callable[..., Experiment]) -> Iterator[Callable[..., Desk]]:
    """Open windows on small experiments; they stand at step 0, and are closed at the end of the test."""
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication

    from gradflow.ui import theme
    from gradflow.ui.main_window import MainWindow
    from gradflow.ui.session import Session

    desks: list[Desk] = []

    def open_window(changes: dict[str, Any] | None = None, **how: Any) -> Desk:
        session = Session(how.get("experiment") or fast(changes), how.get("path"))
        made = MainWindow(session, how.get("settings", settings))
        desks.append(Desk(qtbot, made))
        with qtbot.waitActive(made, timeout=PATIENCE_MS):
            made.show()
            made.activateWindow()
        # No row of the builder has the focus yet: keys go to the window.
        made.setFocus()
        desks[-1].until(lambda: made.frame is not None)
        return desks[-1]

    yield open_window
    for desk in desks:
        desk.close()
        assert desk.session.shutdown()
        # Gone before the next window opens, which would have to restyle this one too.
        desk.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    if any(desk.window.appearance.theme is not theme.LIGHT for desk in desks):
        theme.apply(qapp, theme.LIGHT)


@pytest.fixture(scope="session")
def pixels() -> Callable[[Any], np.ndarray]:
    """Return an image, or what a widget shows, as an array of colours (height, width, 4)."""
    from PySide6.QtGui import QImage

    def read(source: Any) -> np.ndarray:
        image = source if isinstance(source, QImage) else source.grab().toImage()
        image = image.convertToFormat(QImage.Format.Format_RGB32)
        size = image.height(), image.width(), 4
        return np.frombuffer(image.constBits(), np.uint8).reshape(size).copy()

    return read


@pytest.fixture(scope="session")
def colors(pixels: Callable[[Any], np.ndarray]) -> Callable[[Any], int]:
    """Return how many different colours an image or a widget shows."""
    return lambda source: len(np.unique(pixels(source).view(np.uint32)))
