"""The composition root of the window: application, hooks, theme, session and main window."""

from __future__ import annotations

import gc
import logging
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import TextIO

from PySide6.QtCore import QSettings, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from gradflow.errors import GradflowError
from gradflow.sim import archive, build
from gradflow.sim.config import Experiment
from gradflow.sim.worker import SWITCH_SECONDS
from gradflow.ui import theme
from gradflow.ui.crash import CrashDoor, route_qt_messages
from gradflow.ui.garbage import Collector
from gradflow.ui.main_window import MainWindow
from gradflow.ui.session import Session

log = logging.getLogger("gradflow")


def main(experiment: Experiment | None, source: str, smoke: bool = False) -> int:
    """Open the window on an experiment (None: the last one, or the first preset) and return the exit status."""
    app = QApplication(sys.argv[:1])
    try:
        return _run(app, experiment, source, smoke)
    except Exception:  # noqa: BLE001 - an exception that left this function would crash Qt on the way out
        traceback.print_exc()
        return 1


def _run(app: QApplication, experiment: Experiment | None, source: str, smoke: bool) -> int:
    logging.basicConfig(level=logging.WARNING, format="gradflow: %(message)s")
    route_qt_messages()
    QGuiApplication.setDesktopFileName("gradflow")
    app.setApplicationName("gradflow")
    app.setOrganizationName("gradflow")
    theme.load_fonts(app)
    settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "gradflow", "gradflow")
    door = CrashDoor()
    door.install()
    file = Path(source) if source and Path(source).suffix else None
    session = Session(experiment or _last(settings), file)
    window = MainWindow(session, settings)
    door.happened.connect(lambda sentence, details: window.notice.say(sentence, details))
    window.show()
    # The first picture comes before everything else; it is painted before a timer has its turn.
    garbage = Collector(window)
    after = partial(QTimer.singleShot, 0, partial(_go_on, window, garbage, smoke))
    session.frame_arrived.connect(lambda _: after(), Qt.ConnectionType.SingleShotConnection)
    # There is no picture of what cannot be built.
    session.notice.connect(lambda _: garbage.start())
    if smoke:
        session.notice.connect(lambda sentence: _close(window, sentence, sys.stderr))
    return app.exec()


def _go_on(window: MainWindow, garbage: Collector, smoke: bool) -> None:
    """Train, give way to the window often, and collect garbage from now on; or it was the first picture only."""
    if smoke:
        _close(window, "the first picture is drawn", sys.stdout)
        return
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    garbage.start()
    window.start()


def _last(settings: QSettings) -> Experiment:
    """Return the experiment of the last session; on a first start, or if it cannot be read, the first preset."""
    text = settings.value("experiment")
    if isinstance(text, str) and text:
        try:
            experiment = archive.parse(text, "the last session")
            build.check(experiment)
            return experiment
        except GradflowError as error:
            log.warning("%s; starting with the preset %r", error, archive.FIRST)
    return archive.open_experiment(archive.FIRST)


def _close(window: MainWindow, words: str, stream: TextIO) -> None:
    print(f"gradflow: {words}", file=stream, flush=True)
    window.close()
