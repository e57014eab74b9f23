"""Views of the lab that compute in the background: how they keep up with a training without holding it up."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from gradflow.sim.frame import Frame, State
from gradflow.sim.lab.specimen import Specimen
from gradflow.ui.lab.lab_view import LabView

REST_MS = 1000
"""While the training goes on a new network is taken so often: computing takes time from it."""

SOON_MS = 100


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
        self._rest.timeout.connect(self.go_on)

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
            self.go_on()
        else:
            self._begin()

    def go_on(self) -> None:
        """Begin with the newest network, if one waits and it is its turn."""
        if self._waiting and not self._rest.isActive():
            if self.computing:
                self._rest.start(SOON_MS)
            else:
                self._begin()

    def _begin(self) -> None:
        self._waiting = False
        if self.hurried:
            self._rest.start(REST_MS)
        self.compute()
