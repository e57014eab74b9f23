"""What a view is: `reset(topology)` when a run is built, `draw(frame)` when there is something new, and no more.

A view registers itself with a name (that of its module, and its file name in exports), the question it answers (its
title) and a docstring (its tooltip). It never asks for anything but the dear measurements it lists in `wants`, and is
not drawn while hidden.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gradflow.registry import Entry, Registry
from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.ui.theme import LIGHT, Theme

FAST_MS, SLOW_MS = 16, 100

DASHBOARD = "dashboard"
"""All views on one sheet, where the name of a view is asked for."""


@dataclass(frozen=True)
class Subject:
    """What a picture is of, if not of the frame's run: the line below it, and what is embedded in the file."""

    words: str
    text: Mapping[str, str]


class View(QWidget):
    """The base of all views: a widget with a caption on the right of its title bar."""

    wants_changed = Signal()
    """Other dear measurements are needed from now on."""

    picked = Signal(int, object)
    """A layer (from 1) that was clicked, and its step or None for the one that is shown: all views `select` it."""

    view_wanted = Signal(str)
    """The name of another view that shows more of this; somebody wants to see it."""

    wants: frozenset[Want] = frozenset()
    """Dear measurements this view needs, as it stands."""

    interval_ms: ClassVar[int] = FAST_MS
    """The shortest time between two drawings."""

    on_dashboard: ClassVar[bool] = False
    """Whether the picture of the whole dashboard has it."""

    written: ClassVar[bool] = True
    """Whether `gradflow train` writes a picture of it."""

    formula: ClassVar[str] = ""
    """What is drawn, in symbols, beside the title."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(8, 0, 8, 8)
        self.box.setSpacing(4)

    def reset(self, topology: Topology) -> None:
        """Prepare for a run with these layers and data."""
        raise NotImplementedError

    def draw(self, frame: Frame) -> None:
        """Show a frame of the run that `reset` prepared for."""
        raise NotImplementedError

    def retheme(self, theme: Theme) -> None:
        """Take new colours; the next `draw` uses them."""
        raise NotImplementedError

    def select(self, layer: int | None) -> None:
        """Give weight to one layer (from 1), or to none."""

    def want(self, wants: Iterable[Want]) -> None:
        """Need these dear measurements from now on."""
        self.wants = frozenset(wants)
        self.wants_changed.emit()

    def finish(self) -> None:
        """Wait for whatever the last `draw` left to be drawn later; a picture cannot."""

    def lacking(self) -> int:
        """Return how many points more a picture needs to show all; what is to be scrolled in any case is cut."""
        return 0

    def controls(self) -> QWidget | None:
        """Return a small widget of choices for the title bar, or None."""
        return None

    def choice(self) -> str:
        """Return what is chosen there; a picture is drawn with the same choice."""
        return ""

    def choose(self, choice: str) -> None:
        """Take a choice that `choice` returned."""

    def caption(self) -> str:
        """Return what is drawn, in symbols, for a picture that has no controls."""
        return self.formula

    def about(self, frame: Frame) -> str:
        """Return which sweep is drawn, for a picture, if it is that and not the frame's run; else ""."""
        return ""

    def subject(self) -> Subject | None:
        """Return what is drawn, for a picture, if it has nothing to do with the frame's run."""
        return None


class Views(Registry[type[View]]):
    """The views by name; one that is known by its name alone is imported when it is asked for.

    The window opens without the modules of views that nobody looks at.
    """

    def __init__(self) -> None:
        super().__init__("view")
        self._modules: dict[str, str] = {}

    def expect(self, package: str, names: Iterable[str]) -> None:
        """Know these names; the module of that name in the package registers the view."""
        self._modules |= {name: f"{package}.{name}" for name in names}

    def __getitem__(self, name: str) -> Entry[type[View]]:
        """Return the view's entry; raises UnknownNameError with the nearest name."""
        if name not in self._entries and name in self._modules:
            importlib.import_module(self._modules[name])
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._modules, **self._entries})

    def __len__(self) -> int:
        return len({**self._modules, **self._entries})

    def __contains__(self, name: Any) -> bool:
        return name in self._modules or name in self._entries


VIEWS = Views()


def view(name: str, title: str) -> Callable[[type[View]], type[View]]:
    """Register a view under its file name, with the question it answers."""
    return VIEWS.register(name, title)


def short_name(name: str) -> str:
    """Return what a view is called where there is no room for its question."""
    return name.replace("_", " ").capitalize()
