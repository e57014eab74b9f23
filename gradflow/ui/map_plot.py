"""The plot of a map: cells under axes of their own, a cursor that the arrow keys move, and the numbers of a cell."""

from __future__ import annotations

import html
import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QColor, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLabel

from gradflow.sim.sweep import Cell, Chart
from gradflow.ui.grid_axis import GridAxis
from gradflow.ui.items import cosmetic
from gradflow.ui.map_signs import MapSigns
from gradflow.ui.map_words import numbers
from gradflow.ui.plot import Plot
from gradflow.ui.theme import SMALL_SIZE, Theme, font
from gradflow.ui.widgets import MovedByKeys

KEYS = "Arrow keys move from cell to cell, Home, End, Page Up and Page Down to the edges; Enter loads the cell"


class MapPlot(MovedByKeys, Plot):
    """Cells of colour. The mouse or the arrow keys read one out, a click or Enter chooses it."""

    chosen = Signal(object)
    """A Cell."""

    def __init__(self) -> None:
        grid = GridAxis("bottom"), GridAxis("left")
        super().__init__(*grid)
        self.grid = grid
        self.image = pg.ImageItem(axisOrder="row-major")
        self.signs, self.hint = MapSigns(), pg.TextItem(anchor=(0.5, 0.5))
        self.hint.setFont(font(SMALL_SIZE))
        self.hint.hide()
        self.add(self.image, self.hint, self.signs)
        self.chart: Chart | None = None
        self.cell: Cell | None = None
        self.readout = QLabel(self)
        self.readout.setObjectName("chip")
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self._read: Cell | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Cells of the map")
        self.setAccessibleDescription(KEYS)
        self.setMouseTracking(True)
        self.scene().sigMouseMoved.connect(self.hover)
        self.clicked.connect(self._click)

    def show_chart(self, chart: Chart, picture: NDArray[np.uint8], here: tuple[float, float], theme: Theme) -> None:
        """Show a chart in these colours; `here` is where the experiment is."""
        sweep, (rows, columns) = chart.sweep, chart.sweep.shape
        # The cursor stays where the cells stay, whatever else the networks have.
        if self.chart is None or (sweep.x, sweep.y) != (self.chart.sweep.x, self.chart.sweep.y):
            for item, axis in zip(self.grid, (sweep.x, sweep.y), strict=True):
                item.show_axis(axis)
            self.name_axes(sweep.x.title.lower(), sweep.y.title.lower(), theme)
            self.fix(x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))
            self.forget()
            self.cell = None
        self.chart = chart
        self.image.setImage(picture, autoLevels=False, levels=(0, 255))
        self.image.setRect(QRectF(-0.5, -0.5, columns, rows))
        self.signs.show_signs(*chart.marked(), chart.curves, here)
        self._frame_cell()
        if self._read:
            self._read_out(self._read)

    def show_hint(self, words: str) -> None:
        """Write a few words across the middle of the map, or none."""
        self.hint.setVisible(bool(words))
        if words and self.chart:
            rows, columns = self.chart.sweep.shape
            self.hint.setText(words)
            self.hint.setPos((columns - 1) / 2, (rows - 1) / 2)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.hint.setColor(QColor(theme.text))
        self.hint.fill = pg.mkBrush(theme.surface)
        self.hint.border = cosmetic(QColor(theme.border))
        self.signs.ink, self.signs.ground = QColor(theme.text), QColor(theme.surface)
        self.signs.accent = QColor(theme.accent)

    def forget(self) -> None:
        """Read no cell out."""
        self._read = None
        self.readout.hide()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the hovered cell."""
        super().leaveEvent(event)
        self.forget()

    def hover(self, position: QPointF) -> None:
        """Read out the cell at a place of the scene."""
        spot = self.view_box.mapSceneToView(position)
        cell = self._cell_at(spot.x(), spot.y()) if self.view_box.sceneBoundingRect().contains(position) else None
        if cell:
            self._read_out(cell, position)
        else:
            self.forget()

    def _cell_at(self, x: float, y: float) -> Cell | None:
        cell = Cell(round(x), round(y))
        rows, columns = self.chart.sweep.shape if self.chart else (0, 0)
        return cell if 0 <= cell.column < columns and 0 <= cell.row < rows else None

    def _click(self, x: float, y: float) -> None:
        if cell := self._cell_at(x, y):
            self.cell = cell
            self._frame_cell()
            self.chosen.emit(cell)

    # With the keyboard.

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Frame a cell, the experiment's own at first, and read it out."""
        super().focusInEvent(event)
        if self.chart and event.reason() is not Qt.FocusReason.MouseFocusReason:
            self._move_to(self.cell or self._cell_here())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Frame nothing."""
        super().focusOutEvent(event)
        self._frame_cell()
        self.forget()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move to another cell, or choose this one."""
        if self.chart is None:
            event.ignore()
            return
        cell, (rows, columns) = self.cell or self._cell_here(), self.chart.sweep.shape
        moved = {
            Qt.Key.Key_Left: (cell.column - 1, cell.row),
            Qt.Key.Key_Right: (cell.column + 1, cell.row),
            Qt.Key.Key_Up: (cell.column, cell.row + 1),
            Qt.Key.Key_Down: (cell.column, cell.row - 1),
            Qt.Key.Key_Home: (0, cell.row),
            Qt.Key.Key_End: (columns - 1, cell.row),
            Qt.Key.Key_PageUp: (cell.column, rows - 1),
            Qt.Key.Key_PageDown: (cell.column, 0),
        }
        if event.key() in moved:
            column, row = moved[Qt.Key(event.key())]
            self._move_to(Cell(min(max(column, 0), columns - 1), min(max(row, 0), rows - 1)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._move_to(cell)
            self.chosen.emit(cell)
        else:
            event.ignore()

    def _cell_here(self) -> Cell:
        """Return the experiment's cell, or the first one where it is not on the map."""
        here = self.signs.ring
        return (None if math.isnan(here.x() + here.y()) else self._cell_at(here.x(), here.y())) or Cell(0, 0)

    def _move_to(self, cell: Cell) -> None:
        self.cell = cell
        self._frame_cell()
        self._read_out(cell)
        words = ". ".join(numbers(self.chart, cell)) if self.chart else ""
        self.setAccessibleDescription(f"{words}. {KEYS}")
        # A description is read when somebody comes here; where they have moved is news.
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    def _frame_cell(self) -> None:
        self.signs.frame(self.cell if self.hasFocus() else None)

    def _read_out(self, cell: Cell, position: QPointF | None = None) -> None:
        """Show the numbers of a cell beside it, or beside the mouse."""
        if self.chart is None:
            return
        again, self._read = cell == self._read and self.readout.isVisible() and position is None, cell
        head, *lines = map(html.escape, numbers(self.chart, cell))
        self.readout.setText("<br>".join((f"<b>{head}</b>", *lines)))
        self.readout.adjustSize()
        if again:
            return
        at = position or self.view_box.mapViewToScene(QPointF(*cell))
        left = min(at.x() + 14, self.width() - self.readout.width() - 8)
        top = at.y() - self.readout.height() - 8
        self.readout.move(int(left), int(top if top >= 0 else min(at.y() + 14, self.height())))
        self.readout.show()
