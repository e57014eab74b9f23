"""Words beside a picture: while the run goes on they change no more often than can be read."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtWidgets import QLabel

from gradflow.sim.frame import Frame, State

TEXT_SECONDS = 0.25
"""How long words stand at least while the run goes on."""


class Reading:
    """A clock that says when words may give way to others."""

    def __init__(self) -> None:
        self._since = -TEXT_SECONDS

    def over(self) -> bool:
        """Return whether there was time to read; then it begins anew, for other words."""
        now = time.perf_counter()
        if now - self._since < TEXT_SECONDS:
            return False
        self._since = now
        return True

    def end(self) -> None:
        """Let other words come at once."""
        self._since = -TEXT_SECONDS


class SlowWords(QLabel):
    """A muted label that must not keep the window wide."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("muted")
        self.setMinimumWidth(1)
        self._reading = Reading()

    def tell(self, frame: Frame, compose: Callable[[Frame], str]) -> None:
        """Write what `compose` says about a frame, if it is time for other words; it is not asked before."""
        if frame.state is not State.RUNNING or frame.past:
            self._reading.end()
        if not self._reading.over():
            return
        words = compose(frame)
        # Setting a text lays out the whole view.
        if words != self.text():
            self.setText(words)
