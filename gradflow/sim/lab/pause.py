"""Pauses in what takes long: when there is something to show, and where it can be given up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar

SECONDS = 0.15

_breath: ContextVar[Callable[[], None]] = ContextVar("breath", default=lambda: None)


def breathe() -> None:
    """Be called now and then by whatever takes long; raises where its thread's work is not wanted any more."""
    _breath.get()()


def breathe_by(act: Callable[[], None]) -> None:
    """Let this thread's work be given up wherever it breathes and `act` raises."""
    _breath.set(act)


class Pause:
    """A clock that says when it is time to show what there is."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def due(self) -> bool:
        """Return whether it is; from then on it is again a while until the next time."""
        breathe()
        now = time.perf_counter()
        if now - self._last < SECONDS:
            return False
        self._last = now
        return True
