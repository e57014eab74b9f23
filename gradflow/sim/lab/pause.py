"""When what takes long has something to show: often enough to be looked at, and to be given up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar

from gradflow.sim.interruption import Interrupted

SECONDS = 0.15

_GIVEN_UP: ContextVar[Callable[[], bool] | None] = ContextVar("given up", default=None)


def ends_when(given_up: Callable[[], bool]) -> None:
    """Have whatever runs on this thread from now on come up at once when it is given up."""
    _GIVEN_UP.set(given_up)


class Pause:
    """A clock that says when it is time to show what there is."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._given_up = _GIVEN_UP.get()

    def due(self) -> bool:
        """Return whether it is; from then on it is again a while until the next time."""
        if self._given_up and self._given_up():
            return True
        now = time.perf_counter()
        if now - self._last < SECONDS:
            return False
        self._last = now
        return True


def breathe() -> None:
    """Be called now and then by what takes long and has nothing to show; raises Interrupted if nobody waits for it."""
    given_up = _GIVEN_UP.get()
    if given_up and given_up():
        raise Interrupted
