"""What is drawn inside plots, with pens measured in pixels: lines, bands, grid lines, and the base of such items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsScene

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


def paint_at_once(view: pg.GraphicsView) -> None:
    """Have a plot painted as a whole, on nothing: to find out which part of it has changed takes longer."""
    view.setViewportUpdateMode(view.ViewportUpdateMode.FullViewportUpdate)
    view.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
    view.scene().setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)


class Overlay(pg.GraphicsObject):
    """An item as large as the view it is in, so that no change of its data needs a new rectangle."""

    def boundingRect(self) -> QRectF:
        """Cover the whole view."""
        view_box = self.getViewBox()
        return view_box.viewRect() if view_box is not None else QRectF()

    def update(self) -> None:
        """Have the plot painted: all that is in it at once, instead of asking every item for its part."""
        view = self.getViewWidget()
        if view is not None:
            view.viewport().update()


class Polyline(Overlay):
    """A line through points: through "all" that exist, with gaps beside those that do not ("finite"), or in "pairs"."""

    def __init__(self, connect: str = "all", smooth: bool = False) -> None:
        super().__init__()
        self._connect, self._smooth = connect, smooth
        self._x = self._y = np.empty(0)
        self._path: QPainterPath | None = None
        self.pen = QPen()

    @property
    def points(self) -> tuple[Array, Array]:
        """Where the points are, across and up."""
        return self._x, self._y

    def set_data(self, x: Array | Sequence[float], y: Array | Sequence[float]) -> None:
        """Lead the line through these points."""
        if len(x) or len(self._x):
            self._x, self._y, self._path = np.asarray(x, float), np.asarray(y, float), None
            self.update()

    def set_pen(self, pen: QPen) -> None:
        """Take another pen."""
        self.pen = pen
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw the line."""
        if not len(self._x):
            return
        if self._path is None:
            self._path = pg.arrayToQPath(self._x, self._y, self._connect)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        painter.setPen(self.pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._path)


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
