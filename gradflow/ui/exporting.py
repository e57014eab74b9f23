"""Exporting from the window: have the latest step measured completely, ask what and where to, draw, and say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget

from gradflow.errors import GradflowError
from gradflow.sim.frame import Frame, State
from gradflow.ui.lab import LAB
from gradflow.ui.session import Session
from gradflow.ui.theme import LIGHT
from gradflow.ui.view_dock import ViewDock

if TYPE_CHECKING:
    from gradflow.ui.export_dialog import Wish
    from gradflow.ui.lab.lab_view import LabView
    from gradflow.ui.picture_sheet import Look


class Exporting:
    """Writes and copies pictures of one step with all its measurements, drawn with the choices made in the views."""

    def __init__(
        self,
        parent: QWidget,
        session: Session,
        docks: Mapping[str, ViewDock],
        settings: QSettings,
        say: Callable[[str, str, bool], None],
        past: Callable[[], Frame | None] = lambda: None,
    ) -> None:
        """`past` returns the recorded step that the window looks back at, None while it shows the run as it is."""
        self._parent, self._session, self._docks, self._settings, self._say = parent, session, docks, settings, say
        self._past = past
        self.theme = LIGHT
        self._waiting: list[Callable[[Frame], str]] = []
        session.captured.connect(self._go_on)

    def export(self, name: str) -> None:
        """Ask for file and size, and write a picture: of `name`, if nothing else is chosen."""
        self._with_frame(name, partial(self._ask, name))

    def copy(self, name: str) -> None:
        """Put a picture of `name` on the clipboard."""
        # What draws pictures is imported when somebody wants one.
        from gradflow.ui.export_dialog import Wish

        self._with_frame(name, partial(self._grant, Wish(name, "png", None, 2.0)))

    @property
    def busy(self) -> bool:
        """Whether a picture waits for its measurements."""
        return bool(self._waiting)

    def _with_frame(self, name: str, task: Callable[[Frame], str]) -> None:
        frame = self._session.frame
        if frame is not None and self._lab_view(name):
            # What the lab takes apart is at hand.
            self._do(task, frame)
            return
        self._waiting.append(task)
        if past := self._past():
            # Nothing more can be measured of a step that is over.
            self._go_on(past)
        elif frame is not None and frame.state is not State.RUNNING and frame.complete:
            self._go_on(frame)
        else:
            self._session.capture()

    def _go_on(self, frame: Frame) -> None:
        """Do what waits for a complete frame, and say what came of it."""
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            self._do(task, frame)

    def _ask(self, name: str, frame: Frame) -> str:
        from gradflow.ui.export_dialog import ask

        view = self._lab_view(name)
        shown = view.held_in(frame) if view else frame
        wish = ask(self._parent, shown.snapshot.step, name, self._settings)
        if wish and view and not self._lab_view(wish.name):
            # Another picture than the lab's needs all measurements.
            self._with_frame(wish.name, partial(self._grant, wish))
            return ""
        return self._grant(wish, frame) if wish else ""

    def _grant(self, wish: Wish, frame: Frame) -> str:
        view = self._lab_view(wish.name)
        # The lab may hold on to a network that the training has left behind.
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            said = wish.grant(view.held_in(frame) if view else frame, self._look())
        finally:
            QApplication.restoreOverrideCursor()
        if wish.path:
            self._settings.setValue("export/folder", str(wish.path.parent))
        return said

    def _do(self, task: Callable[[Frame], str], frame: Frame) -> None:
        try:
            done = task(frame)
        except GradflowError as error:
            self._say(str(error), "", False)
            return
        if done:
            self._say(done, "", True)

    def _lab_view(self, name: str) -> LabView | None:
        """Return a view of the lab; one that nobody has looked at yet is made, and takes what was chosen in others."""
        dock = self._docks.get(name) if name in LAB else None
        return cast("LabView", dock.view) if dock else None

    def _look(self) -> Look:
        from gradflow.ui.picture_sheet import Look

        return Look(self.theme, {name: dock.view.choice() for name, dock in self._docks.items() if dock.made})
