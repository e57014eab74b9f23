"""When something goes wrong that nobody foresaw: one door for all exceptions, and the session survives.

Exceptions from slots and threads arrive at Python's hooks, in the thread that raised them; here they are logged, and
handed to the window's thread, which shows one notice however often they repeat.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, qInstallMessageHandler

log = logging.getLogger("gradflow")

_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.INFO,
    QtMsgType.QtCriticalMsg: logging.WARNING,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class CrashDoor(QObject):
    """Receives every unforeseen exception once per kind and place, in the window's thread."""

    happened = Signal(str, str)
    """A sentence, and the traceback."""

    _arrived = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()
        # Queued: the exception may come from another thread, and never again from inside the slot that failed.
        self._arrived.connect(self._hand_over, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Take over Python's hooks for exceptions that nobody caught."""
        sys.excepthook = self._hook
        threading.excepthook = lambda info: self._hook(info.exc_type, info.exc_value, info.exc_traceback)

    def _hook(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        log.error("%s", text)
        self._arrived.emit(f"Something went wrong inside gradflow ({kind.__name__}: {error}). Your work is kept.", text)

    def _hand_over(self, sentence: str, details: str) -> None:
        if details not in self._seen:
            self._seen.add(details)
            self.happened.emit(sentence, details)


def route_qt_messages() -> None:
    """Send what Qt prints to the log, where it does not stand between the user and the output."""

    def handle(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        log.log(_LEVELS.get(kind, logging.INFO), "Qt: %s", message)

    qInstallMessageHandler(handle)
