"""How fast a run goes, in steps per second."""

from __future__ import annotations

import time


class Pace:
    """Measures steps per second over about half a second."""

    WINDOW = 0.5

    def __init__(self) -> None:
        self.rate = 0.0
        self._since = time.perf_counter()
        self._steps = 0

    def tick(self) -> None:
        """Count a step."""
        self._steps += 1
        elapsed = time.perf_counter() - self._since
        if elapsed >= self.WINDOW:
            self.rate = self._steps / elapsed
            self._since += elapsed
            self._steps = 0
