"""The cells of a matrix on screen: walked over with the arrow keys, clicked, dragged, zoomed, painted where seen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)

from gradflow.ui.items import cosmetic
from gradflow.ui.lab.matrix_area import MatrixArea
from gradflow.ui.lab.matrix_paint import Sheet, paint
from gradflow.ui.widgets import MOVES

ZOOM_STEP = 1.25
DRAGGED = 6


class MatrixGrid(MatrixArea):
    """The picture of a matrix, and the person at it."""

    clicked = Signal(int, int)
    """An entry was clicked, or chosen by Enter or Space."""

    def __init__(self) -> None:
        super().__init__()
        self._press: tuple[QPoint, QPoint] | None = None
        self._dragged = False
        self.viewport().setMouseTracking(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is seen."""
        if self.values.size:
            sheet = Sheet(self.values, self._places, self.rows, self.columns, self.notation, self.cell, self.corner())
            with QPainter(self.viewport()) as painter:
                size = self.viewport().width(), self.viewport().height()
                paint(painter, sheet, size, self.theme, self.emphasis, self.here, self.hasFocus(), self._head)
                if self.hasFocus():
                    painter.setPen(cosmetic(QColor(self.theme.accent)))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRect(self.viewport().rect().adjusted(0, 0, -1, -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep showing all of the matrix, unless somebody chose a size."""
        super().resizeEvent(event)
        self.settle()

    def event(self, event: QEvent) -> bool:
        """Claim the keys that move the cursor, before the window takes them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._keeps(event):
            event.accept()
            return True
        return bool(super().event(event))

    def viewportEvent(self, event: QEvent) -> bool:
        """Zoom by a pinch."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom(1.0 + event.value(), event.position())
            return True
        if event.type() == QEvent.Type.Leave:
            self._hover(None)
        return bool(super().viewportEvent(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the cursor, zoom (+ −, 0 for all of it), or choose the entry (Enter, Space)."""
        key, (row, column) = event.key(), self.here
        page = max(int(self._room()[1] // self.cell[1]) - 1, 1)
        steps = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_PageUp: (-page, 0),
            Qt.Key.Key_PageDown: (page, 0),
            Qt.Key.Key_Home: (0, -column),
            Qt.Key.Key_End: (0, self.values.shape[1]),
        }
        if not self._keeps(event):
            super().keyPressEvent(event)
        elif key in steps:
            self.move_to(row + steps[Qt.Key(key)][0], column + steps[Qt.Key(key)][1])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(ZOOM_STEP)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.0 / ZOOM_STEP)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif self.values.size:
            self.clicked.emit(row, column)

    def _keeps(self, event: QKeyEvent) -> bool:
        held = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
        zooms = event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus, Qt.Key.Key_0)
        chooses = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        moves = event.key() in MOVES and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        return not held and (zooms or chooses or moves)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl zoom around the mouse. Where nothing is out of sight the wheel is somebody else's."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(ZOOM_STEP ** (event.angleDelta().y() / 120.0), event.position())
            event.accept()
        elif self.horizontalScrollBar().maximum() or self.verticalScrollBar().maximum():
            super().wheelEvent(event)
            event.accept()
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a drag."""
        if event.button() is Qt.MouseButton.LeftButton:
            bars = QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())
            self._press, self._dragged = (event.position().toPoint(), bars), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the matrix, or tell what is under the mouse."""
        if self._press is not None:
            way = event.position().toPoint() - self._press[0]
            self._dragged = self._dragged or way.manhattanLength() > DRAGGED
            if self._dragged:
                self.horizontalScrollBar().setValue(self._press[1].x() - way.x())
                self.verticalScrollBar().setValue(self._press[1].y() - way.y())
        else:
            self._hover(self.entry_at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the entry that was clicked."""
        entry = self.entry_at(event.position())
        if self._press is not None and not self._dragged and entry is not None:
            self.move_to(*entry)
            self.clicked.emit(*entry)
        self._press = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the numbers around the mouse, or all of the matrix again."""
        if self.numbered and not self._automatic:
            self.fit()
        elif not self.numbered:
            self.zoom_to_numbers(event.position())

    def _hover(self, entry: tuple[int, int] | None) -> None:
        if entry != self.under_mouse:
            self.under_mouse = entry
            self.moved.emit()
