"""Controls that mind their own keys and leave the wheel alone.

The window has shortcuts without modifiers (Space, →, R, N). A control with the focus needs some of these keys itself,
and a wheel that scrolls past a control must not change it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QPushButton,
    QSlider,
    QSpinBox,
    QTabBar,
    QTableWidget,
    QToolButton,
    QWidget,
)

# At run time the mixins stand before a real widget, which brings the methods they call.
if TYPE_CHECKING:
    _Widget = QWidget
else:
    _Widget = object

MOVES = {
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
}


class _KeepsKeys(_Widget):
    """Keeps the keys for which `keeps` is true from the window's shortcuts."""

    def keeps(self, event: QKeyEvent) -> bool:
        """Tell whether this control uses the key itself; a button uses Space."""
        return event.key() == Qt.Key.Key_Space

    def event(self, event: QEvent) -> bool:
        """Claim the key before it becomes a shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self.keeps(event):
            event.accept()
            return True
        return bool(super().event(event))


def moves(event: QKeyEvent) -> bool:
    """Tell whether a key moves a control: with Ctrl it changes the speed, and with Shift it steps the lab."""
    held = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    return event.key() in MOVES and not held


class MovedByKeys(_KeepsKeys):
    """Keeps the keys that move something."""

    def keeps(self, event: QKeyEvent) -> bool:
        """Keep what moves it."""
        return moves(event)


class _IgnoresWheel(_Widget):
    """Turns with the wheel only while it has the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to what is around."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Button(_KeepsKeys, QPushButton):
    """A push button that Space presses."""


class ToolButton(_KeepsKeys, QToolButton):
    """A tool button that Space presses."""


class Slider(MovedByKeys, _IgnoresWheel, QSlider):
    """A horizontal slider that the arrow keys move."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)


class Choice(_KeepsKeys, _IgnoresWheel, QComboBox):
    """A list to choose from, in which typing finds a name."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def showPopup(self) -> None:
        """Open a list as wide as its longest name, however narrow the box is."""
        bar = self.view().verticalScrollBar().sizeHint().width()
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + bar)
        super().showPopup()

    def hidePopup(self) -> None:
        """Give the keys back to the window once a name is picked."""
        super().hidePopup()
        self.clearFocus()

    def keeps(self, event: QKeyEvent) -> bool:
        """Keep what moves it, opens it, or is a letter of a name."""
        plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        return moves(event) or (plain and bool(event.text()) and event.text().isprintable())


class Number(_KeepsKeys, _IgnoresWheel, QSpinBox):
    """A whole number to type, or to change with the arrow keys; it is taken when typing ends."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)

    def keeps(self, event: QKeyEvent) -> bool:
        """Keep digits and what moves it or the cursor."""
        plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        return moves(event) or (plain and event.text().isdigit())


class TabBar(_KeepsKeys, QTabBar):
    """Tabs that the arrow keys go through."""

    def keeps(self, event: QKeyEvent) -> bool:
        """Keep what moves it."""
        return moves(event)


class Table(_KeepsKeys, QTableWidget):
    """A table that the arrow keys go through, and into whose cells is typed."""

    def keeps(self, event: QKeyEvent) -> bool:
        """Keep what moves it, and what can be the beginning of a text."""
        plain = not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        return moves(event) or (plain and event.text().isprintable() and bool(event.text()))


class TextBox(QLineEdit):
    """A box whose own undo comes first; where it has nothing to take back, the keys are the window's."""

    def event(self, event: QEvent) -> bool:
        """Leave Ctrl+Z and Ctrl+Shift+Z to the window where nothing was typed."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            undo, redo = event.matches(QKeySequence.StandardKey.Undo), event.matches(QKeySequence.StandardKey.Redo)
            if (undo and not self.isUndoAvailable()) or (redo and not self.isRedoAvailable()):
                event.ignore()
                return False
        return bool(super().event(event))
