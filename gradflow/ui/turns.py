"""Whose turn it is to draw: fast views at once, slow ones as far as they leave the training alone."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gradflow.sim.frame import Frame, State
from gradflow.ui.session import TICK_MS
from gradflow.ui.view import FAST_MS
from gradflow.ui.view_dock import ViewDock

SLOW_SHARE, PAINTED, LONGEST_WAIT = 0.15, 3.0, 0.2
"""While a run goes on all slow views together take this share of the time, or else they would hold up the training; to
paint a view takes twice as long as to prepare it."""


FEW_VIEWS, MANY_MS = 6, 33
"""More views than these are drawn 30 times a second at most."""


class Turns:
    """Offers a frame to the views, the most urgent first, then those that were drawn longest ago."""

    def __init__(self, docks: Iterable[ViewDock]) -> None:
        self._docks = list(docks)
        self._slow_from = 0.0

    @property
    def tick_ms(self) -> int:
        """How often there may be a new frame."""
        return MANY_MS if sum(dock.in_front for dock in self._docks) > FEW_VIEWS else TICK_MS

    def offer(self, frame: Frame, slowest: int) -> bool:
        """Offer a frame to the views up to the slowest of interest; return whether all had their turn."""
        running = frame.state is State.RUNNING
        shown = [dock for dock in self._docks if dock.in_front]
        for dock in sorted(shown, key=lambda dock: (dock.interval_ms, dock.drawn_at)):
            if dock.interval_ms > slowest:
                return False
            start, new, slow = time.perf_counter(), not dock.made, dock.interval_ms > FAST_MS
            if running and slow and start < self._slow_from:
                continue
            if dock.offer(frame):
                if slow:
                    cost = time.perf_counter() - start
                    self._slow_from = start + min(cost * PAINTED / SLOW_SHARE, LONGEST_WAIT)
                if new:
                    # One new view at a time: the window can be used while the others are still being made.
                    return False
        return True
