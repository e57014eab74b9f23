"""Work that takes too long for the window's thread: the newest task wins, and results arrive in the window's thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from threadpoolctl import threadpool_limits

Task = Callable[[], Iterator[Any]]


class Background(QObject):
    """Runs one task at a time on a thread of its own. A task yields results, each better than the one before.

    Between two results it can be replaced by another task or stopped. The thread ends when there is nothing to do.
    """

    arrived = Signal(object)
    """A result of the newest task."""

    failed = Signal(str)
    """The newest task could not go on, in words."""

    _result = Signal(int, object)
    _failure = Signal(int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._number = 0
        self._task: Task | None = None
        self._thread: threading.Thread | None = None
        self._result.connect(self._pass_on, Qt.ConnectionType.QueuedConnection)
        self._failure.connect(self._pass_failure, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a task runs or waits."""
        return self._thread is not None and self._thread.is_alive()

    def run(self, task: Task) -> None:
        """Do this now, in place of what was being done."""
        with self._lock:
            self._number += 1
            self._task = task
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._main, name="gradflow-lab", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Wait until the newest task has given its last result, and pass on all of them."""
        with self._lock:
            thread = self._thread
        if thread:
            thread.join()
        QCoreApplication.sendPostedEvents(self)

    def stop(self) -> None:
        """Give up what is being done, and wait until the thread has ended."""
        with self._lock:
            self._number += 1
            self._task = None
            thread = self._thread
        if thread:
            thread.join()

    def _next(self) -> tuple[int, Task] | None:
        with self._lock:
            task, self._task = self._task, None
            if task is None:
                self._thread = None
                return None
            return self._number, task

    def _main(self) -> None:
        with threadpool_limits(1):
            while found := self._next():
                self._do(*found)

    def _do(self, number: int, task: Task) -> None:
        try:
            for result in task():
                if number != self._number:
                    return
                self._result.emit(number, result)
        except Exception as error:  # noqa: BLE001 - whatever happens here must reach the window, not end the thread
            self._failure.emit(number, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)

    def _pass_on(self, number: int, result: object) -> None:
        if number == self._number:
            self.arrived.emit(result)

    def _pass_failure(self, number: int, words: str) -> None:
        if number == self._number:
            self.failed.emit(words)
