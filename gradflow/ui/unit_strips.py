"""Strips of cells, one strip per layer and one cell per unit; colour and pattern both say in which state a unit is."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.sim.units import Units
from gradflow.ui.axes import numbered
from gradflow.ui.items import cosmetic
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font
from gradflow.ui.unit_cells import GROUND, Grid, color_table, pattern, share_out
from gradflow.ui.widgets import MovedByKeys

TOP, FOOT = 3, 18
"""Room for the frame of a chosen unit above the cells, and for the numbers of the layers below."""


class Strips(MovedByKeys, QWidget):
    """The strips; a click or an arrow key chooses a unit."""

    chosen = Signal(int, int)
    """A layer and a unit (from 0) that was clicked or moved to."""

    hovered = Signal(object)
    """The layer and unit under the mouse, or None."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(60, 50)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Units of every layer")
        self.setAccessibleDescription("Arrow keys move the chosen unit")
        self.theme = LIGHT
        self.units: Units | None = None
        self.layer: int | None = None
        self.unit: tuple[int, int] | None = None
        self._grid = Grid.fit(1, 1, 1, 1)
        self._image = QImage()

    def show_units(self, units: Units) -> None:
        """Paint these units."""
        self.units = units
        self._compose()

    def choose(self, unit: tuple[int, int] | None) -> None:
        """Frame one unit (layer and unit from 0), or none."""
        self.unit = unit
        self.update()

    def emphasize(self, layer: int | None) -> None:
        """Give weight to one layer (from 0), or to none."""
        self.layer = layer
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self._image.setColorTable(color_table(theme))
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the cells out anew."""
        self._compose()

    def _compose(self) -> None:
        """Make the picture of all cells, pixel by pixel."""
        units = self.units
        if units is None or self.width() < 2 or self.height() <= TOP + FOOT:
            return
        sizes = np.diff(units.starts)
        self._grid = grid = Grid.fit(len(sizes), int(sizes.max()), self.width(), self.height() - TOP - FOOT)
        cells = share_out(units, grid)
        wall = cells.reshape(len(cells), grid.rows, grid.columns).swapaxes(0, 1).reshape(grid.rows, -1)
        pixels = pattern(np.ascontiguousarray(wall), grid.width, grid.height)
        lefts = np.array([grid.left(slot * grid.layers_each) for slot in range(len(cells))])
        places = (lefts[:, None] + np.arange(grid.columns * grid.width)).reshape(-1)
        # Lines of the picture begin at multiples of four bytes.
        canvas = np.full((len(pixels), -(-max(self.width(), places.max() + 1) // 4) * 4), GROUND, np.uint8)
        canvas[:, places] = pixels
        height, width = canvas.shape
        self._image = QImage(canvas.tobytes(), width, height, width, QImage.Format.Format_Indexed8).copy()
        self._image.setColorTable(color_table(self.theme))
        self.update()

    def cell(self, layer: int, unit: int) -> QRect:
        """Return where a unit's cell is."""
        grid = self._grid
        row, column = divmod(unit // grid.units_each, grid.columns)
        return QRect(grid.left(layer) + column * grid.width, TOP + row * grid.height, grid.width, grid.height)

    def unit_at(self, spot: QPoint) -> tuple[int, int] | None:
        """Return the layer and unit (from 0) at a place, or None."""
        if self.units is None:
            return None
        grid, sizes = self._grid, np.diff(self.units.starts)
        layer = min(int(spot.x() / grid.slot) * grid.layers_each, len(sizes) - 1)
        column = (spot.x() - grid.left(layer)) // grid.width
        unit = ((spot.y() - TOP) // grid.height * grid.columns + column) * grid.units_each
        return (layer, unit) if 0 <= column < grid.columns and 0 <= unit < sizes[layer] else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture, the numbers of the layers and the frame of the chosen unit."""
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            painter.setPen(QColor(self.theme.muted))
            if self.units is None:
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "not measured yet")
                return
            painter.drawImage(0, TOP, self._image)
            self._paint_layers(painter)
            if self.unit is not None:
                frame = QRectF(self.cell(*self.unit)).adjusted(-2.0, -2.0, 1.0, 1.0)
                # A line of ground around it, so that it stands out among cells of any colour.
                for color, width in ((self.theme.surface, 5.0), (self.theme.accent, 2.0)):
                    painter.setPen(cosmetic(QColor(color), width))
                    painter.drawRect(frame)

    def _paint_layers(self, painter: QPainter) -> None:
        assert self.units is not None
        count, grid = len(self.units.starts) - 1, self._grid
        foot = TOP + grid.rows * grid.height
        width = grid.columns * grid.width
        numbers = {*numbered(count, grid.slot / grid.layers_each), self.layer}
        for layer, color in enumerate(self.theme.layer_colors(count)):
            strong = layer == self.layer
            painter.fillRect(grid.left(layer), foot + 1, width, 4 if strong else 2, color)
            if layer in numbers:
                words = str(layer + 1)
                painter.setFont(font(SMALL_SIZE, bold=strong))
                painter.setPen(QColor(self.theme.text if strong else self.theme.muted))
                left = min(max(grid.left(layer) + width / 2 - 20, -14), self.width() - 20 - 4 * len(words))
                painter.drawText(QRectF(left, foot + 3, 40, FOOT - 3), Qt.AlignmentFlag.AlignCenter, words)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a unit."""
        unit = self.unit_at(event.position().toPoint())
        if unit is not None and event.button() is Qt.MouseButton.LeftButton:
            self.chosen.emit(*unit)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the mouse."""
        self.hovered.emit(self.unit_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the mouse."""
        self.hovered.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the chosen unit to a neighbouring cell, over to the next layer at the edge of a strip."""
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        if self.units is None or event.key() not in steps:
            super().keyPressEvent(event)
            return
        across, down = steps[Qt.Key(event.key())]
        grid, sizes = self._grid, np.diff(self.units.starts)
        layer, unit = self.unit or (0, 0)
        row, column = divmod(unit // grid.units_each, grid.columns)
        row, column = row + down, column + across
        if not 0 <= column < grid.columns and 0 <= layer + across < len(sizes):
            layer, column = layer + across, 0 if across > 0 else grid.columns - 1
        wanted = (max(row, 0) * grid.columns + min(max(column, 0), grid.columns - 1)) * grid.units_each
        self.chosen.emit(layer, int(min(wanted, sizes[layer] - 1)))
