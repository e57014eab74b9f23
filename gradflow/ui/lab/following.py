"""Views of the lab that compute in the background: how they keep up with a training without holding it up."""

from __future__ import annotations

import time

from PySide6.QtCore import QElapsedTimer, QTimer

from gradflow.sim.frame import Frame, State
from gradflow.sim.lab.specimen import Specimen
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.lab_view import LabView

REST_MS, SHARE = 1000, 3
"""While the training goes on there is a rest after each network, this long and so many times as long as it took."""

SOON_MS = 100

PICTURE_SECONDS = 20.0
"""How long a picture waits for what a large network takes."""


class Following(LabView):
    """Computes every new network at once where the training stands still, and now and then while it goes on.

    What is begun is then finished before the next. A subclass says what there is to `compute`, and `computing`; it
    calls `go_on` when it is done.
    """

    def __init__(self) -> None:
        super().__init__()
        self._running = self._waiting = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(self._take_turn)
        self._begun = QElapsedTimer()

    @property
    def hurried(self) -> bool:
        """Whether what is shown will soon be of the past: the training goes on, and nobody holds on to this network."""
        return self._running and not self._held

    @property
    def computing(self) -> bool:
        """Whether what was begun is not finished yet."""
        raise NotImplementedError

    def compute(self) -> None:
        """Begin with the present network."""
        raise NotImplementedError

    def clear(self) -> None:
        """Show that there is no network."""
        raise NotImplementedError

    def draw(self, frame: Frame) -> None:
        """Take the frame's specimen, and note whether the training goes on."""
        self._running = frame.state is State.RUNNING
        super().draw(frame)

    def show_specimen(self, specimen: Specimen | None) -> None:
        """Compute another network, now or a little later."""
        if specimen is None:
            self.stop()
            self._waiting = False
            self.clear()
        elif self.hurried and (self.computing or self._rest.isActive()):
            self._waiting = True
        else:
            self._begin()

    def hold(self) -> None:
        """Keep the present specimen; whatever is shown is from then on computed of it."""
        super().hold()
        if self._waiting:
            self._begin()

    def finish(self) -> None:
        """Wait for what is being computed, but not for ever: a picture shows as much as there is."""
        last = time.monotonic() + PICTURE_SECONDS
        for background in self.findChildren(Background):
            background.finish(max(last - time.monotonic(), 0.0))

    def go_on(self) -> None:
        """Take the newest network, if one waits: at once, or after a rest."""
        if self.hurried:
            self._rest.start(max(REST_MS, SHARE * self._begun.elapsed()))
        elif self._waiting:
            self._take_turn()

    def _take_turn(self) -> None:
        if self._waiting and self.computing:
            self._rest.start(SOON_MS)
        elif self._waiting:
            self._begin()

    def _begin(self) -> None:
        self._waiting = False
        self._begun.start()
        self.compute()
