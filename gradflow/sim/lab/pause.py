"""When what takes long has something to show: often enough to be looked at, and to be given up."""

from __future__ import annotations

import time

SECONDS = 0.15


class Pause:
    """A clock that says when it is time to show what there is."""

    def __init__(self) -> None:
        self._last = time.perf_counter()

    def due(self) -> bool:
        """Return whether it is; from then on it is again a while until the next time."""
        now = time.perf_counter()
        if now - self._last < SECONDS:
            return False
        self._last = now
        return True
