"""Words below a picture: while the run goes on they change no more often than can be read."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtWidgets import QLabel

from gradflow.sim.frame import Frame, State

TEXT_SECONDS = 0.25
"""How long words stand at least while the run goes on."""


class SlowWords(QLabel):
    """A muted label that must not keep the window wide."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("muted")
        self.setMinimumWidth(1)
        self._told_at = 0.0

    def tell(self, frame: Frame, compose: Callable[[Frame], str]) -> None:
        """Write what `compose` says about a frame, if it is time for other words; it is not asked before."""
        now = time.perf_counter()
        if frame.state is State.RUNNING and not frame.past and now - self._told_at < TEXT_SECONDS:
            return
        self._told_at = now
        words = compose(frame)
        # Setting a text lays out the whole view.
        if words != self.text():
            self.setText(words)
