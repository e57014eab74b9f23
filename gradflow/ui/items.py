"""What is drawn inside plots, in pens whose width is in pixels: marks, grid lines, and the base of such items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from gradflow.ui.theme import Theme

Array = NDArray[np.float64]

_pen_scale = 1.0


@contextmanager
def pens_scaled(scale: float) -> Iterator[None]:
    """Make pens wider for a while: in a picture of several pixels per point a line of one pixel would be a hair."""
    global _pen_scale
    before, _pen_scale = _pen_scale, scale
    try:
        yield
    finally:
        _pen_scale = before


def cosmetic(color: QColor, width: float = 1.0) -> QPen:
    """Return a pen whose width is in pixels, whatever the axes' scale."""
    pen = QPen(color, width * _pen_scale)
    pen.setCosmetic(True)
    return pen


class Overlay(pg.GraphicsObject):
    """An item as large as the view it is in, so that no change of its data needs a new rectangle."""

    def boundingRect(self) -> QRectF:
        """Cover the whole view."""
        view_box = self.getViewBox()
        return QRectF(view_box.viewRect()) if view_box is not None else QRectF()


class Marks(Overlay):
    """Small marks at data points, one colour each, round or diamond, sized in pixels and sharp at any scale."""

    def __init__(self, diamond: bool = False, radius: float = 4.5) -> None:
        super().__init__()
        self._diamond, self._radius = diamond, radius
        self._x = self._y = np.empty(0)
        self._colors: Sequence[QColor] = ()
        self._hollow = np.empty(0, bool)

    def set_data(self, x: Array, y: Array, colors: Sequence[QColor], hollow: NDArray[np.bool_] | None = None) -> None:
        """Show marks at (x, y); non-finite points are left out, hollow ones only outlined."""
        self.prepareGeometryChange()
        self._x, self._y, self._colors = x, y, colors
        self._hollow = np.zeros(len(x), bool) if hollow is None else hollow
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw every mark as an ellipse or diamond of fixed pixel size."""
        transform = painter.transform()
        if not transform.m11() or not transform.m22() or not len(self._x):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = float(np.ptp(self._x)) * abs(transform.m11()) / max(len(self._x) - 1, 1)
        radius = min(self._radius, max(1.5, 0.45 * width)) if len(self._x) > 1 else self._radius
        rx, ry = radius / abs(transform.m11()), radius / abs(transform.m22())
        for x, y, color, hollow in zip(self._x, self._y, self._colors, self._hollow, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                continue
            painter.setPen(cosmetic(color, 1.5 if hollow else 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush if hollow else color)
            if self._diamond:
                painter.drawPolygon([QPointF(x - rx, y), QPointF(x, y + ry), QPointF(x + rx, y), QPointF(x, y - ry)])
            else:
                painter.drawEllipse(QPointF(x, y), rx, ry)


class Band(Overlay):
    """A translucent strip between a lower and an upper curve; where either does not exist there is a gap."""

    def __init__(self) -> None:
        super().__init__()
        self._polygons: list[QPolygonF] = []
        self._color = QColor()
        self.setZValue(-5)

    def set_data(self, x: Array, low: Array, high: Array) -> None:
        """Fill between low and high over x."""
        exists = np.isfinite(low) & np.isfinite(high)
        polygons = []
        for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(exists)) + 1):
            if len(run) > 1 and exists[run[0]]:
                around = [*zip(x[run], high[run], strict=True), *zip(x[run[::-1]], low[run[::-1]], strict=True)]
                polygons.append(QPolygonF([QPointF(a, b) for a, b in around]))
        if polygons or self._polygons:
            self._polygons = polygons
            self.update()

    def recolor(self, color: QColor, opacity: float) -> None:
        """Take a colour."""
        self._color = QColor(color)
        self._color.setAlphaF(opacity)
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Fill the strip."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for polygon in self._polygons:
            painter.drawPolygon(polygon)


class Levels(Overlay):
    """Horizontal grid lines at whole decades (or any values), behind the data."""

    def __init__(self) -> None:
        super().__init__()
        self._values: tuple[float, ...] = ()
        self._pen = QPen()
        self.setZValue(-10)

    def set_levels(self, values: Iterable[float]) -> None:
        """Draw lines at these heights."""
        values = tuple(values)
        if values != self._values:
            self._values = values
            self.prepareGeometryChange()
            self.update()

    def retheme(self, theme: Theme) -> None:
        """Take the grid colour."""
        self._pen = cosmetic(QColor(theme.grid))
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw the lines from edge to edge."""
        painter.setPen(self._pen)
        rect = self.boundingRect()
        for value in self._values:
            painter.drawLine(QPointF(rect.left(), value), QPointF(rect.right(), value))
