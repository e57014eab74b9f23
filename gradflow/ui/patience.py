"""Letting the window live while a script looks on."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Handle events until the condition holds, or so long."""
    deadline = time.perf_counter() + seconds
    while not condition() and time.perf_counter() < deadline:
        QCoreApplication.processEvents()
        time.sleep(0.0005)


def pump(seconds: float) -> None:
    """Let the window live as it does without us: nobody wakes it up but its own timers."""
    loop = QEventLoop()
    QTimer.singleShot(round(1e3 * seconds), loop.quit)
    loop.exec()
