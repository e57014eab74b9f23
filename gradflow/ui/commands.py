"""What can be undone: every edit and every file opened, as commands on Qt's stack; the edits of a drag are one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QUndoCommand, QUndoStack

from gradflow.sim import config
from gradflow.sim.config import FIELDS, Experiment
from gradflow.sim.words import spelled

MOST_COMMANDS = 500
MERGE_SECONDS = 1.0
"""Edits of one field that follow each other so quickly, by keys or by dragging, are undone at once."""

EDIT, OPENING = 1, -1
"""What Qt asks of commands before it tries to merge them; −1 is never merged."""


class Document(NamedTuple):
    """What is open: an experiment, and its file if it has one."""

    experiment: Experiment
    path: Path | None


Put = Callable[[Document, bool, bool], None]
"""Takes what is to be open, whether the user took something back, and whether it is built in any case."""


class Change(QUndoCommand):
    """One document in place of another."""

    def __init__(self, words: str, documents: tuple[Document, Document], put: Put, kind: int, gesture: int) -> None:
        super().__init__(words or _describe(*documents))
        self.before, self.after = documents
        self.fields = config.differing(self.before.experiment, self.after.experiment)
        self.gesture, self.at = gesture, time.monotonic()
        self._put, self._kind, self._done = put, kind, False

    def id(self) -> int:
        """Tell Qt which commands to try to merge."""
        return self._kind

    def redo(self) -> None:
        """Put the new document in place; Qt calls this at the first time too."""
        again, self._done = self._done, True
        self._put(self.after, again, self._kind == OPENING)

    def undo(self) -> None:
        """Put the old document back in place."""
        self._put(self.before, True, self._kind == OPENING)

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Become one with the next edit of the same field, where both are of one drag or come quickly."""
        assert isinstance(other, Change)
        if other.fields != self.fields or other.gesture != self.gesture:
            return False
        dragging = bool(QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton)
        if not dragging and other.at - self.at > MERGE_SECONDS:
            return False
        self.after, self.at = other.after, other.at
        self.setText(_describe(self.before, self.after))
        # Back where it began: there is nothing to undo.
        self.setObsolete(self.before == self.after)
        return True


class Commands(QUndoStack):
    """What was done and what was undone, for Ctrl+Z and Ctrl+Shift+Z."""

    def __init__(self, put: Put) -> None:
        super().__init__()
        self.setUndoLimit(MOST_COMMANDS)
        self._put_document = put
        self._gesture = 0

    def edit(self, before: Document, after: Document, words: str = "") -> None:
        """Do an edit; one with words of its own is never merged."""
        if words:
            self.settle()
        self.push(Change(words, (before, after), self._put_document, EDIT, self._gesture))
        if words:
            self.settle()

    def open(self, before: Document, after: Document, words: str) -> None:
        """Open another document."""
        self.push(Change(words, (before, after), self._put_document, OPENING, self._gesture))

    def settle(self) -> None:
        """End a drag, or what was typed: the next edit is a command of its own."""
        self._gesture += 1


def _describe(before: Document, after: Document) -> str:
    """Say in few words what an edit changes: "depth 24 → 50"."""
    paths = config.differing(before.experiment, after.experiment)
    if len(paths) == 1 and FIELDS[paths[0]].kind is not tuple:
        old, new = (spelled(config.get(document.experiment, paths[0])) for document in (before, after))
        return f"{_title(paths[0])} {old or 'none'} → {new or 'none'}"
    return ", ".join(_title(path) for path in paths[:3]) + (" …" if len(paths) > 3 else "")


def _title(path: str) -> str:
    title = FIELDS[path].says.title
    # Not the L1 of a norm, nor any other name in capitals.
    return title[0].lower() + title[1:] if title[1:2].islower() else title
