"""What is drawn inside plots, in pens whose width is in pixels: marks, grid lines, and the base of such items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

from gradflow.ui.theme import Theme

Array = NDArray[np.float64]

CROWDED = 1.0
"""From how many pixels of width for each on marks are drawn one by one."""

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
        # Drawn in pixels: an ellipse that the painter has to stretch takes ten times as long.
        x, y = transform.m11() * self._x + transform.dx(), transform.m22() * self._y + transform.dy()
        room = float(np.ptp(x)) / max(len(x) - 1, 1) or np.inf
        radius = min(self._radius, max(1.5, 0.45 * room))
        painter.setWorldTransform(QTransform())
        if room < CROWDED:
            self._paint_crowd(painter, x, y, radius)
        else:
            self._paint_each(painter, x, y, radius)
        painter.setWorldTransform(transform)

    def _paint_each(self, painter: QPainter, xs: Array, ys: Array, radius: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._diamond and self._hollow.all() and len(set(map(QColor.rgb, self._colors))) == 1:
            self._outline_diamonds(painter, xs, ys, radius)
            return
        # A solid mark needs no outline, which would take as long again.
        painter.setPen(Qt.PenStyle.NoPen)
        for x, y, color, hollow in zip(xs.tolist(), ys.tolist(), self._colors, self._hollow.tolist(), strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                continue
            painter.setBrush(Qt.BrushStyle.NoBrush if hollow else color)
            if hollow:
                painter.setPen(cosmetic(color, 1.5))
            if self._diamond:
                corners = (x - radius, y), (x, y + radius), (x + radius, y), (x, y - radius)
                painter.drawPolygon([QPointF(*corner) for corner in corners])
            else:
                painter.drawEllipse(QPointF(x, y), radius, radius)
            if hollow:
                painter.setPen(Qt.PenStyle.NoPen)

    def _outline_diamonds(self, painter: QPainter, xs: Array, ys: Array, radius: float) -> None:
        """Draw all of them as one path, in a fifth of the time."""
        there = np.isfinite(xs) & np.isfinite(ys)
        x = (xs[there, None] + radius * np.array([-1.0, 0.0, 1.0, 0.0, -1.0])).ravel()
        y = (ys[there, None] + radius * np.array([0.0, 1.0, 0.0, -1.0, 0.0])).ravel()
        connected = np.ones(len(x), np.int32)
        connected[4::5] = 0
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(cosmetic(self._colors[0], 1.5))
        painter.drawPath(pg.arrayToQPath(x, y, connected))

    def _paint_crowd(self, painter: QPainter, xs: Array, ys: Array, radius: float) -> None:
        """Draw marks that overlap as dots, runs of one colour at once: nobody could tell their shape."""
        keys = np.array([color.rgb() for color in self._colors], np.int64) * 2 + self._hollow
        edges = [0, *(np.flatnonzero(keys[1:] != keys[:-1]) + 1).tolist(), len(keys)]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for start, stop in pairwise(edges):
            pen = cosmetic(self._colors[start], 1.0 if self._hollow[start] else 2.0 * radius)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            points = zip(xs[start:stop].tolist(), ys[start:stop].tolist(), strict=True)
            painter.drawPoints([QPointF(*point) for point in points if math.isfinite(sum(point))])


class Band(Overlay):
    """A translucent strip between a lower and an upper curve; where either does not exist there is a gap."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[QPainterPath] = []
        self._color = QColor()
        self.setZValue(-5)

    def set_data(self, x: Array, low: Array, high: Array) -> None:
        """Fill between low and high over x."""
        exists = np.isfinite(low) & np.isfinite(high)
        edges = [0, *(np.flatnonzero(np.diff(exists)) + 1).tolist(), len(x)]
        there = [slice(a, b) for a, b in pairwise(edges) if b - a > 1 and exists[a]]
        if there or self._paths:
            self._paths = [
                pg.arrayToQPath(np.concatenate([x[s], x[s][::-1]]), np.concatenate([high[s], low[s][::-1]]))
                for s in there
            ]
            self.update()

    def recolor(self, color: QColor, opacity: float) -> None:
        """Take a colour."""
        self._color = QColor(color)
        self._color.setAlphaF(opacity)
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Fill the strip; so faint an edge need not be smooth, which takes four times as long."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for path in self._paths:
            painter.fillPath(path, self._color)


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
