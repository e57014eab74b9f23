"""What is drawn inside plots, with pens measured in pixels: lines, bands and grid lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from gradflow.ui.sheets import Overlay
from gradflow.ui.theme import Theme

Array = NDArray[np.float64]
Points = NDArray[np.floating[Any]] | Sequence[float]

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


@np.errstate(all="ignore")
def within(x: Array, y: Array, low: float, high: float) -> tuple[Array, Array]:
    """Return a line's points between two heights, with those at which it crosses them, and nan where it is beyond.

    What is written as lines and letters (SVG) is not cut off at the edges of a plot.
    """
    for edge in (low, high):
        before = np.flatnonzero((y[:-1] < edge) != (y[1:] < edge))
        share = (edge - y[before]) / (y[before + 1] - y[before])
        x = np.insert(x, before + 1, x[before] + share * (x[before + 1] - x[before]))
        y = np.insert(y, before + 1, edge)
    return x, np.where((low <= y) & (y <= high), y, np.nan)


class Stroke(Overlay):
    """What is drawn with one pen."""

    def __init__(self) -> None:
        super().__init__()
        self.pen = QPen()

    def set_pen(self, pen: QPen) -> None:
        """Take another pen."""
        self.pen = pen
        self.update()


class Polyline(Stroke):
    """A line through points: through "all" that exist, with gaps beside those that do not ("finite"), or in "pairs"."""

    def __init__(self, connect: str = "all", smooth: bool = False) -> None:
        super().__init__()
        self._connect, self._smooth = connect, smooth
        self._x = self._y = np.empty(0)
        self._path: QPainterPath | None = None

    @property
    def points(self) -> tuple[Array, Array]:
        """Where the points are, across and up."""
        return self._x, self._y

    def set_data(self, x: Points, y: Points) -> None:
        """Lead the line through these points."""
        if len(x) or len(self._x):
            self._x, self._y, self._path = np.asarray(x, float), np.asarray(y, float), None
            self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the line."""
        if not len(self._x):
            return
        if self._path is None:
            self._path = pg.arrayToQPath(self._x, self._y, self._connect)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._smooth)
        painter.setPen(self.pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._path)


class Rule(Stroke):
    """A straight line from edge to edge, at a value of one axis."""

    def __init__(self, upright: bool = False) -> None:
        super().__init__()
        self._upright, self._value = upright, 0.0

    def value(self) -> float:
        """Return where it stands."""
        return self._value

    def set_value(self, value: float) -> None:
        """Stand elsewhere."""
        if value != self._value:
            self._value = value
            self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the line."""
        painter.setPen(self.pen)
        view, at = self.view, self._value
        if self._upright:
            painter.drawLine(QPointF(at, view.top()), QPointF(at, view.bottom()))
        else:
            painter.drawLine(QPointF(view.left(), at), QPointF(view.right(), at))


class Band(Overlay):
    """A translucent strip between a lower and an upper curve; where either does not exist there is a gap."""

    z = -5.0

    def __init__(self) -> None:
        super().__init__()
        self._paths: list[QPainterPath] = []
        self._color = QColor()

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

    def paint(self, painter: QPainter) -> None:
        """Fill the strip; so faint an edge need not be smooth, which takes four times as long."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for path in self._paths:
            painter.fillPath(path, self._color)


class Levels(Overlay):
    """Horizontal grid lines at whole decades (or any values), behind the data."""

    z = -10.0

    def __init__(self) -> None:
        super().__init__()
        self._values: tuple[float, ...] = ()
        self._pen = QPen()

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

    def paint(self, painter: QPainter) -> None:
        """Draw the lines from edge to edge."""
        painter.setPen(self._pen)
        rect = self.view
        for value in self._values:
            painter.drawLine(QPointF(rect.left(), value), QPointF(rect.right(), value))
