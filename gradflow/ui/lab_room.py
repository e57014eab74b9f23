"""The lab in the window: which of its views the keys step through, and what it remembers over a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QMenu

from gradflow.ui.lab import LAB
from gradflow.ui.view import View
from gradflow.ui.view_dock import ViewDock

if TYPE_CHECKING:
    from gradflow.ui.lab.lab_view import LabView


class LabRoom:
    """Steps the view of the lab that is in front, and keeps the state of all of them in the settings."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings
        self._docks: list[ViewDock] = []

    def attach(self, docks: Mapping[str, ViewDock]) -> None:
        """Take care of the views of the lab among these."""
        self._docks = [docks[name] for name in LAB if name in docks]
        for dock in self._docks:
            dock.view_made.connect(partial(self._restore, dock.name))

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
        seen = [dock for dock in self._docks if dock.in_front and dock.made]
        focus = QApplication.focusWidget()
        chosen = next((dock for dock in seen if focus and dock.isAncestorOf(focus)), seen[0] if seen else None)
        return cast("LabView", chosen.view) if chosen else None

    def close(self) -> None:
        """Write the state of every view that was looked at into the settings, and end what they do."""
        for dock in self._docks:
            if dock.made:
                self._settings.setValue(f"lab/{dock.name}", dock.view.choice())
                cast("LabView", dock.view).stop()

    def _restore(self, name: str, view: View) -> None:
        if kept := str(self._settings.value(f"lab/{name}", "")):
            view.choose(kept)

    def _go(self, where: Callable[[LabView], int]) -> None:
        if view := self.front:
            view.go(min(max(where(view), 0), view.positions() - 1))
