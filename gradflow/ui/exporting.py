"""Exporting from the window: have the latest step measured completely, ask what and where to, draw, and say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QWidget

from gradflow.errors import GradflowError
from gradflow.sim.frame import Frame, State
from gradflow.ui.lab import LAB
from gradflow.ui.session import Session
from gradflow.ui.theme import LIGHT
from gradflow.ui.view import DASHBOARD
from gradflow.ui.view_dock import ViewDock

if TYPE_CHECKING:
    from gradflow.ui.export import Look
    from gradflow.ui.lab.lab_view import LabView


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

    def export(self, name: str = DASHBOARD) -> None:
        """Ask for file and size, and write a picture of `name`."""
        # What draws pictures is imported when somebody wants one.
        from gradflow.ui.export_dialog import export_with_dialog

        self._with_frame(
            name, lambda frame: export_with_dialog(self._parent, frame, name, self._look(), self._settings)
        )

    def copy(self, name: str = DASHBOARD) -> None:
        """Put a picture of `name` on the clipboard."""
        from gradflow.ui.export import copy_picture

        self._with_frame(name, lambda frame: copy_picture(frame, name, self._look(), scale=2.0))

    @property
    def busy(self) -> bool:
        """Whether a picture waits for its measurements."""
        return bool(self._waiting)

    def _with_frame(self, name: str, task: Callable[[Frame], str]) -> None:
        frame = self._session.frame
        if frame is not None and (view := self._lab_view(name)):
            # The lab may hold on to a network that the training has left behind.
            self._do(task, view.held_in(frame))
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

    def _do(self, task: Callable[[Frame], str], frame: Frame) -> None:
        try:
            done = task(frame)
        except GradflowError as error:
            self._say(str(error), "", False)
            return
        if done:
            self._say(done, "", True)

    def _lab_view(self, name: str) -> LabView | None:
        dock = self._docks[name] if name in LAB else None
        return cast("LabView", dock.view) if dock and dock.made else None

    def _look(self) -> Look:
        from gradflow.ui.export import Look

        return Look(self.theme, {name: dock.view.choice() for name, dock in self._docks.items() if dock.made})
