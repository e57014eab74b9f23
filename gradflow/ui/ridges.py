"""Ridgelines: one filled outline of a histogram per layer, the far ones behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF, QTransform

from gradflow.sim.ridgelines import Ridge
from gradflow.ui.items import cosmetic
from gradflow.ui.sheets import Overlay
from gradflow.ui.theme import SMALL_SIZE, Theme, font

FILL, FADED, SHADE = 150, 40, 34
"""How opaque a ridge is, one that another is selected beside, and the ground where φ is saturated."""

COLUMN = 0.006
"""The width of the column of exact zeros on a linear axis, as a share of the axis."""


class RidgeItem(Overlay):
    """Filled outlines of histograms; of another run only the outline."""

    def __init__(self, hollow: bool = False) -> None:
        super().__init__()
        self.colors: Sequence[QColor] = ()
        self.selected: int | None = None
        self._hollow = hollow
        self._layers: list[int] = []
        self._outlines: list[QPolygonF] = []
        self._columns: list[list[QRectF]] = []

    def set_ridges(self, ridges: Sequence[Ridge], height: float, places: Mapping[str, tuple[float, float]]) -> None:
        """Show ridges whose fullest bin is `height` tall.

        `places` are the middle and the width of the column for each share that is in no bin; a column with everything
        in it is as tall as a ridge.
        """
        self._layers = [ridge.layer for ridge in ridges]
        self._outlines = [_outline(ridge, height) for ridge in ridges]
        self._columns = [
            [
                QRectF(x - width / 2, ridge.layer, width, height * getattr(ridge, name))
                for name, (x, width) in places.items()
                if getattr(ridge, name)
            ]
            for ridge in ridges
        ]
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Paint from the last layer down to the first, so that lower ridges stand in front."""
        pieces = list(zip(self._layers, self._outlines, self._columns, self.colors, strict=False))
        for layer, outline, columns, color in reversed(pieces):
            chosen = layer == self.selected
            fill, column = QColor(color), QColor(color)
            fill.setAlpha(FILL + 60 * chosen if self.selected is None or chosen else FADED)
            column.setAlpha(255 if self.selected is None or chosen else 3 * FADED)
            painter.setPen(cosmetic(column if self.selected else color, 2.0 if chosen else 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush if self._hollow else fill)
            painter.drawPolygon(outline)
            if not self._hollow:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(column)
            for rectangle in columns:
                painter.drawRect(rectangle)


def _outline(ridge: Ridge, height: float) -> QPolygonF:
    filled = np.flatnonzero(ridge.shares)
    if not len(filled):
        return QPolygonF()
    first, last = int(filled[0]), int(filled[-1]) + 1
    x = np.repeat(ridge.edges[first : last + 1], 2)
    tops = ridge.layer + height / float(ridge.shares.max()) * np.repeat(ridge.shares[first:last], 2)
    polygon: QPolygonF = pg.functions.arrayToQPolygonF(x, np.concatenate([[ridge.layer], tops, [ridge.layer]]))
    return polygon


class Shade(Overlay):
    """Rectangles on the ground: where φ is saturated."""

    z = -10.0

    def __init__(self) -> None:
        super().__init__()
        self._rectangles: list[QRectF] = []
        self._color = QColor()

    def set_rectangles(self, rectangles: list[QRectF]) -> None:
        """Shade these."""
        if rectangles != self._rectangles:
            self._rectangles = rectangles
            self.update()

    def retheme(self, theme: Theme) -> None:
        """Take the colour of what is not data."""
        self._color = QColor(theme.muted)
        self._color.setAlpha(SHADE)
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Fill the rectangles."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        for rectangle in self._rectangles:
            painter.drawRect(rectangle)


class Captions(Overlay):
    """Small words that end at points of the plot, each on a little of the ground; cheaper than one item for each."""

    def __init__(self) -> None:
        super().__init__()
        self._words: list[tuple[float, float, str]] = []
        self._color, self._ground = QColor(), QColor()

    def set_words(self, words: list[tuple[float, float, str]]) -> None:
        """Write these, (x, y, words) each: to the left of x, standing on y."""
        if words != self._words:
            self._words = words
            self.update()

    def retheme(self, theme: Theme) -> None:
        """Take the colours of words and ground."""
        self._color, self._ground = QColor(theme.muted), QColor(theme.surface)
        self._ground.setAlpha(FILL)
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Write in pixels, whatever the axes' scale."""
        transform = painter.transform()
        painter.save()
        painter.setWorldTransform(QTransform())
        painter.setFont(font(SMALL_SIZE))
        metrics = painter.fontMetrics()
        for x, y, words in self._words:
            corner, width = transform.map(QPointF(x, y)), metrics.horizontalAdvance(words) + 4
            box = QRectF(corner.x() - width - 2, corner.y() - metrics.height(), width, metrics.height())
            painter.fillRect(box, self._ground)
            painter.setPen(self._color)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()
