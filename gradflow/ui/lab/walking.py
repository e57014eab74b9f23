"""A view of the lab whose walk is made beside the window: the network is run, and every gradient recorded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QWidget

from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.walk import Walk
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.following import Following
from gradflow.ui.weak import weakly

WAITING = "The network comes with the next measurement."
LATE_MS = 300
"""Who waits longer than this is told so."""


class Late(QLabel):
    """Says at the top of a widget that something is being computed, if that takes long enough to be noticed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("computing …", parent)
        self.setObjectName("chip")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LATE_MS)
        self._timer.timeout.connect(weakly(self, lambda self: self._say()))

    def wait(self) -> None:
        """Something has begun."""
        if not self.isVisible():
            self._timer.start()

    def stop(self) -> None:
        """It is done, or given up."""
        self._timer.stop()
        self.hide()

    def _say(self) -> None:
        over = self.parentWidget()
        assert over is not None
        self.adjustSize()
        self.move((over.width() - self.width()) // 2, 4)
        self.show()
        self.raise_()


class Walking(Following):
    """Makes the walk of the specimen, or of one of its samples; what is shown stays until the new one is there."""

    def __init__(self) -> None:
        super().__init__()
        self.walk: Walk | None = None
        self.sample: int | None = None
        self.waiting = QLabel(WAITING)
        self.waiting.setObjectName("muted")
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.waiting.setWordWrap(True)
        self.late = Late(self)
        self._busy = False
        self.background = Background(self)
        self.background.arrived.connect(self._arrived)
        self.background.failed.connect(self._failed)

    def show_walk(self) -> None:
        """Show the walk that has arrived, or that there is none."""
        raise NotImplementedError

    @property
    def computing(self) -> bool:
        """Whether a network is being run."""
        return self._busy

    def compute(self) -> None:
        """Run the network."""
        assert self.specimen is not None
        if self.specimen.coupled or (self.sample is not None and self.sample >= self.specimen.samples):
            self.sample = None
        self._busy = True
        self.waiting.setText("")
        self.late.wait()
        self.background.run(partial(_walked, self.specimen, self.sample))

    def clear(self) -> None:
        """Show that there is no network."""
        self._busy, self.walk = False, None
        self.late.stop()
        self.waiting.setText(WAITING)
        self.show_walk()

    def hold(self) -> None:
        """Keep the network that is seen, not a newer one that is still being run."""
        if self.walk is not None and not self._held:
            self.specimen, self._waiting = self.walk.specimen, False
        super().hold()

    def _arrived(self, walk: object) -> None:
        self._busy = False
        self.late.stop()
        # Somebody may have begun to work on the one before.
        if isinstance(walk, Walk) and walk.specimen is self.specimen:
            self.walk = walk
            self.show_walk()
        self.go_on()

    def _failed(self, words: str) -> None:
        self.clear()
        self.waiting.setText(f"The network could not be run: {words}")
        self.go_on()


def _walked(specimen: Specimen, sample: int | None) -> Iterator[Walk]:
    walk = Walk(specimen, None if sample is None else [sample])
    walk.recording.complete()
    yield walk
