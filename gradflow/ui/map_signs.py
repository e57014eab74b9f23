"""What stands on a map besides its colours: theory's lines, cells that went wrong, the experiment, a cursor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from gradflow.sim.sweep import Cell, Curve
from gradflow.ui.items import cosmetic
from gradflow.ui.sheets import Overlay

SIGN, RING = 4.0, 7.0
"""Half the size of a sign and of the ring, in pixels."""


class MapSigns(Overlay):
    """Crosses on cells that diverged, dashes on cells that could not be run, lines, a ring, and a framed cell.

    Each is drawn on a wider stroke of the ground's colour, so that it stands out from every colour of the map.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ink, self.ground, self.accent = QColor("black"), QColor("white"), QColor("blue")
        self._crosses: Sequence[Cell] = ()
        self._dashes: Sequence[Cell] = ()
        self._lines: list[QPainterPath] = []
        self.ring = QPointF(math.nan, math.nan)
        self._framed: Cell | None = None

    def show_signs(
        self, crosses: Sequence[Cell], dashes: Sequence[Cell], curves: Sequence[Curve], ring: tuple[float, float]
    ) -> None:
        """Show all of them, in cells from the first one; a ring at nan is none."""
        self._crosses, self._dashes = crosses, dashes
        self._lines = [_path(curve) for curve in curves]
        self.ring = QPointF(*ring)
        self.update()

    def frame(self, cell: Cell | None) -> None:
        """Frame a cell, or none."""
        self._framed = cell
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw signs that would fit into a cell, lines, and the ring."""
        transform = painter.transform()
        if not transform.m11() or not transform.m22():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        width, height = 1.0 / abs(transform.m11()), 1.0 / abs(transform.m22())
        sign = min(SIGN, 0.32 / width, 0.32 / height)
        x, y = sign * width, sign * height
        signs = [line for cell in self._crosses for line in _cross(*cell, x, y)]
        signs += [QLineF(cell.column - x, cell.row, cell.column + x, cell.row) for cell in self._dashes]
        for pen in self._pens(1.3):
            painter.setPen(pen)
            painter.drawLines(signs)
        for place, path in enumerate(self._lines):
            for pen in self._pens(1.4):
                if place and pen.color() == self.ink:
                    pen.setStyle(Qt.PenStyle.DashLine)
                painter.setPen(pen)
                painter.drawPath(path)
        if not math.isnan(self.ring.x() + self.ring.y()):
            for pen in self._pens(2.0, self.accent):
                painter.setPen(pen)
                painter.drawEllipse(self.ring, RING * width, RING * height)
        if self._framed:
            for pen in self._pens(2.0, self.accent):
                painter.setPen(pen)
                painter.drawRect(QRectF(self._framed.column - 0.5, self._framed.row - 0.5, 1.0, 1.0))

    def _pens(self, width: float, ink: QColor | None = None) -> tuple[QPen, QPen]:
        return cosmetic(self.ground, width + 2.0), cosmetic(ink or self.ink, width)


def _cross(column: float, row: float, x: float, y: float) -> list[QLineF]:
    box = QRectF(column - x, row - y, 2 * x, 2 * y)
    return [QLineF(box.topLeft(), box.bottomRight()), QLineF(box.topRight(), box.bottomLeft())]


def _path(curve: Curve) -> QPainterPath:
    """Return a curve as a path that is interrupted where it is nan."""
    path, drawing = QPainterPath(), False
    for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True):
        here = bool(np.isfinite(x) and np.isfinite(y))
        if here and drawing:
            path.lineTo(x, y)
        elif here:
            path.moveTo(x, y)
        drawing = here
    return path
