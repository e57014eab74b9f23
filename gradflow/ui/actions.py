"""What can be done, as a table: name, words, keys, tooltip. Menus, tool bar and keys all trigger the same actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QUndoStack
from PySide6.QtWidgets import QMainWindow, QMenu

TABLE: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "open": ("Open…", ("Ctrl+O",), "Open an experiment file"),
    "save": ("Save", ("Ctrl+S",), "Save the experiment as a TOML file"),
    "save-as": ("Save as…", ("Ctrl+Shift+S",), "Save the experiment under another name"),
    "export": ("Export", ("Ctrl+E",), "Export the dashboard or a view; in the lab, the view in front"),
    "copy": ("Copy image", ("Ctrl+Shift+C",), "Copy a picture of all views, in the lab of the one in front"),
    # The standard key for quitting is missing on a bare Linux desktop.
    "quit": ("Quit", ("Ctrl+Q",), "Close the window; layout and experiment are kept"),
    "undo": ("Undo", ("Ctrl+Z",), "Take the last edit back (Ctrl+Z)"),
    "redo": ("Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Make the edit that was taken back again (Ctrl+Shift+Z)"),
    "play": ("Play", ("Space",), "Train on, or stand still (Space)"),
    "step": ("Step", ("Right", "."), "Take one step: forward, backward, update (→ or .)"),
    "now": ("Back to now", ("Esc",), "Look at the run as it is now, and let no layer stand out (Esc)"),
    "step-back": ("Step back", ("Left",), "After an explosion: look at the step before (←)"),
    "reinitialise": ("Re-initialise", ("R",), "Back to step 0 with the same seed (R)"),
    "new-seed": ("New seed", ("N",), "Back to step 0 with the next seed (N)"),
    "pin": ("Pin", ("P",), "Compare with the run as it is now: it stays as an outline, until P is pressed again"),
    "faster": ("Faster", ("Ctrl+Right",), "Take more steps per second"),
    "slower": ("Slower", ("Ctrl+Left",), "Take fewer steps per second"),
    "reset-layout": ("Overview", ("Ctrl+1",), "Put panels and views where they were at the first start"),
    "wall": ("Wall of instruments", ("Ctrl+2",), "Show twelve instruments at once, without panels"),
    "lab": (
        "Lab",
        ("Ctrl+3",),
        "Take the network apart: every product and every sum of backpropagation",
    ),
    "lab-on": ("Next in the lab", ("Shift+Right",), "The next node or number of what the lab steps through (Shift+→)"),
    "lab-back": ("Back in the lab", ("Shift+Left",), "The one before (Shift+←)"),
    "lab-start": ("Start of the lab's steps", ("Shift+Home",), "The first of the lab's steps"),
    "lab-end": ("End of the lab's steps", ("Shift+End",), "The last of the lab's steps"),
}
"""Every action's words, keys and tooltip."""

MENUS: Mapping[str, Sequence[str]] = {
    "&File": ("open", "presets", "", "save", "save-as", "", "export", "copy", "", "quit"),
    "&Edit": ("undo", "redo"),
    "&Run": ("play", "step", "step-back", "now", "reinitialise", "new-seed", "", "pin", "", "faster", "slower"),
    "&Lab": ("lab", "lab-views", "", "lab-on", "lab-back", "lab-start", "lab-end"),
    "&View": ("docks", "", "reset-layout", "wall", "lab", "", "appearance"),
}
"""Menus as lists of actions; "" is a line, and a name that is no action stands for what the window fills in."""


def make_actions(window: QMainWindow, functions: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """Return all actions of the table, each doing the function of its name."""
    actions = {}
    for name, (words, keys, tip) in TABLE.items():
        action = QAction(words, window)
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setToolTip(tip)
        action.triggered.connect(_calls(functions[name]))
        window.addAction(action)
        actions[name] = action
    return actions


def make_menus(
    window: QMainWindow, actions: Mapping[str, QAction], fillers: Mapping[str, Callable[[QMenu], None]]
) -> None:
    """Build the menu bar; `fillers` add what is no action to the menu they are given."""
    for title, names in MENUS.items():
        menu = window.menuBar().addMenu(title)
        for name in names:
            if not name:
                menu.addSeparator()
            elif name in actions:
                menu.addAction(actions[name])
            else:
                fillers[name](menu)


class UndoWords(QObject):
    """Lets the entries for undo and redo say what they would do, and be there only where there is something to do.

    An object of its own, a child of the window: Qt tells it nothing any more once the window is gone.
    """

    def __init__(self, window: QMainWindow, actions: Mapping[str, QAction], commands: QUndoStack) -> None:
        super().__init__(window)
        self._undo, self._redo = actions["undo"], actions["redo"]
        commands.undoTextChanged.connect(self._name_undo)
        commands.redoTextChanged.connect(self._name_redo)
        commands.canUndoChanged.connect(self._undo.setEnabled)
        commands.canRedoChanged.connect(self._redo.setEnabled)
        self._undo.setEnabled(commands.canUndo())
        self._redo.setEnabled(commands.canRedo())

    def _name_undo(self, what: str) -> None:
        self._undo.setText(f"{TABLE['undo'][0]}: {what}" if what else TABLE["undo"][0])

    def _name_redo(self, what: str) -> None:
        self._redo.setText(f"{TABLE['redo'][0]}: {what}" if what else TABLE["redo"][0])


def add_choices(menu: QMenu, choices: Iterable[str], current: str, choose: Callable[[str], None]) -> None:
    """Add one checkable entry per choice, of which one is checked."""
    group = QActionGroup(menu)
    for choice in choices:
        entry = menu.addAction(choice.capitalize())
        entry.setCheckable(True)
        entry.setChecked(choice == current)
        entry.triggered.connect(_calls(partial(choose, choice)))
        group.addAction(entry)


def _calls(function: Callable[[], object]) -> Callable[[bool], None]:
    """Return a slot that ignores whether the action is checked."""

    def slot(_checked: bool = False) -> None:
        function()

    return slot
