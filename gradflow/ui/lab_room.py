"""The lab in the window: which of its views the keys step through, and what it remembers over a restart."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QMenu

from gradflow.ui.lab import LAB
from gradflow.ui.view_dock import ViewDock

if TYPE_CHECKING:
    from gradflow.ui.lab.lab_view import LabView

AGREED = "lab/agreed"


class LabRoom:
    """Steps the view of the lab that is in front, and keeps the state of all of them in the settings.

    What is chosen once for all, the sample and how gradients are written, it hands from one view to the others.
    """

    def __init__(self, settings: QSettings, enter: Callable[[], None]) -> None:
        """`enter` arranges the window as the lab."""
        self._settings, self._enter = settings, enter
        self._docks: list[ViewDock] = []
        self._agreed = _kept(settings)

    def attach(self, docks: Mapping[str, ViewDock]) -> None:
        """Take care of the views of the lab among these."""
        self._docks = [docks[name] for name in LAB if name in docks]
        for dock in docks.values():
            dock.view_wanted.connect(self._open)
        for dock in self._docks:
            dock.view_made.connect(partial(self._restore, dock))
            dock.visibilityChanged.connect(partial(self._take_agreed, dock))

    def functions(self) -> dict[str, Callable[[], object]]:
        """Return what the lab's actions do, by their names."""
        return {
            "lab-on": lambda: self._go(lambda view: view.position + 1),
            "lab-back": lambda: self._go(lambda view: view.position - 1),
            "lab-start": lambda: self._go(lambda _: 0),
            "lab-end": lambda: self._go(lambda view: view.positions() - 1),
        }

    def add_docks(self, menu: QMenu) -> None:
        """Add an entry for each view to a menu."""
        for dock in self._docks:
            menu.addAction(dock.toggleViewAction())

    @property
    def front(self) -> LabView | None:
        """The view in front; of several the one that has the focus, None if no one looks at the lab."""
        dock = self._front_dock
        return _view(dock) if dock else None

    @property
    def front_name(self) -> str:
        """The name of the view in front, "" if no one looks at the lab."""
        dock = self._front_dock
        return dock.name if dock else ""

    @property
    def _front_dock(self) -> ViewDock | None:
        seen = [dock for dock in self._docks if dock.in_front and dock.made]
        focus = QApplication.focusWidget()
        return next((dock for dock in seen if focus and dock.isAncestorOf(focus)), seen[0] if seen else None)

    def close(self) -> None:
        """Write the state of every view that was looked at into the settings, and end what they do."""
        self._settings.setValue(AGREED, json.dumps(self._agreed))
        for dock in self._docks:
            if dock.made:
                self._settings.setValue(f"lab/{dock.name}", dock.view.choice())
                _view(dock).leave()

    def _restore(self, dock: ViewDock, view: LabView) -> None:
        if kept := str(self._settings.value(f"lab/{dock.name}", "")):
            view.choose(kept)
        view.agree(self._agreed)
        view.take_agreed()
        view.agreed.connect(partial(self._agree, view))

    def _agree(self, chooser: LabView, chosen: Mapping[str, Any]) -> None:
        """Let all views show what was chosen in one."""
        self._agreed |= chosen
        for dock in self._docks:
            if dock.made and dock.view is not chooser:
                _view(dock).agree(chosen)
                self._take_agreed(dock, dock.in_front)

    def _take_agreed(self, dock: ViewDock, in_front: bool) -> None:
        """Let a view take what was chosen elsewhere once somebody looks at it: that may be a lot of work."""
        if in_front and dock.made:
            _view(dock).take_agreed()

    def _open(self, name: str) -> None:
        """Go into the lab, to one of its views."""
        self._enter()
        for dock in self._docks:
            if dock.name == name:
                dock.raise_()

    def _go(self, where: Callable[[LabView], int]) -> None:
        if view := self.front:
            view.go(where(view))


def _view(dock: ViewDock) -> LabView:
    # The class is imported with the first of its views.
    return cast("LabView", dock.view)


def _kept(settings: QSettings) -> dict[str, Any]:
    """Return what the whole lab agreed on when the window was closed."""
    try:
        kept = json.loads(str(settings.value(AGREED, "{}")))
    except (ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}
