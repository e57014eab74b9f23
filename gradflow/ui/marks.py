"""Marks at data points: round or diamond, solid or hollow, a colour each, sized in pixels.

A mark takes longer to draw than to copy. What is painted once (a picture, a network while it is changed) is drawn; what
is painted again at the same places across, only higher or lower, is copied from stamps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPixmap, QTransform

from gradflow.ui.items import cosmetic
from gradflow.ui.sheets import Overlay

Array = NDArray[np.float64]

CROWDED = 1.0
"""From how many pixels of width for each on marks are drawn one by one."""

MOST_STAMPS = 512
"""So many marks are drawn one by one in any case: stamps of more would take much memory."""

PHASES = 4
"""How many stamps a mark has, for heights between two pixels: it stands an eighth of a pixel off at most."""

FAR = 1e4
"""A height, in pixels, at which nothing is seen."""


class Marks(Overlay):
    """Small marks at data points, one colour each, round or diamond, sized in pixels and sharp at any scale."""

    def __init__(self, diamond: bool = False, radius: float = 4.5) -> None:
        super().__init__()
        self._diamond, self._radius = diamond, radius
        self._x = self._y = np.empty(0)
        self._colors: Sequence[QColor] = ()
        self._hollow = np.empty(0, bool)
        self._places: tuple[object, ...] = ()
        self._stamps: _Stamps | None = None

    def set_data(self, x: Array, y: Array, colors: Sequence[QColor], hollow: NDArray[np.bool_] | None = None) -> None:
        """Show marks at (x, y); non-finite points are left out, hollow ones only outlined."""
        if not len(x) and not len(self._x):
            return
        hollow = np.zeros(len(x), bool) if hollow is None else hollow
        there = np.isfinite(x)
        if not there.all():
            x, y, hollow = x[there], y[there], hollow[there]
            colors = [color for color, drawn in zip(colors, there, strict=True) if drawn]
        if colors != self._colors or not np.array_equal(hollow, self._hollow):
            self._places = ()
        self._x, self._y, self._colors, self._hollow = x, y, colors, hollow
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw every mark as an ellipse or diamond of fixed pixel size."""
        transform = painter.transform()
        if not transform.m11() or not transform.m22() or not len(self._x):
            return
        # Drawn in pixels: an ellipse that the painter has to stretch takes ten times as long.
        x, y = transform.m11() * self._x + transform.dx(), transform.m22() * self._y + transform.dy()
        room = float(np.ptp(x)) / max(len(x) - 1, 1) or np.inf
        radius = min(self._radius, max(1.5, 0.45 * room))
        painter.setWorldTransform(QTransform())
        if len(x) > MOST_STAMPS and room < CROWDED:
            self._paint_crowd(painter, x, y, radius)
        elif self._stamped(painter, x):
            self._stamps = self._stamps or _Stamps(self, x, radius, painter.deviceTransform().m11())
            self._stamps.paint(painter, y)
        else:
            self._paint_each(painter, x, y, radius)
        painter.setWorldTransform(transform)

    def _stamped(self, painter: QPainter, x: Array) -> bool:
        """Tell whether the last painting had the same marks at the same places across."""
        places = painter.deviceTransform().m11(), x.tobytes()
        again, self._places = places == self._places, places
        if not again:
            self._stamps = None
        # A picture of lines and letters has no use for pixels.
        return again and len(x) <= MOST_STAMPS and painter.paintEngine().type() is QPaintEngine.Type.Raster

    def draw_mark(self, painter: QPainter, i: int, spot: QPointF, radius: float) -> None:
        """Draw one of the marks somewhere."""
        # A solid mark needs no outline, which would take as long again.
        if self._hollow[i]:
            painter.setPen(cosmetic(self._colors[i], 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._colors[i])
        if self._diamond:
            x, y = spot.x(), spot.y()
            corners = (x - radius, y), (x, y + radius), (x + radius, y), (x, y - radius)
            painter.drawPolygon([QPointF(*corner) for corner in corners])
        else:
            painter.drawEllipse(spot, radius, radius)

    def _paint_each(self, painter: QPainter, xs: Array, ys: Array, radius: float) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for i, (x, y) in enumerate(zip(xs.tolist(), ys.tolist(), strict=True)):
            if math.isfinite(x) and math.isfinite(y):
                self.draw_mark(painter, i, QPointF(x, y), radius)

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


class _Stamps:
    """The marks drawn beforehand, where each of them stands across and at PHASES heights between two pixels."""

    def __init__(self, marks: Marks, x: Array, radius: float, scale: float) -> None:
        """`x` and `radius` are in points, of which each has `scale` pixels."""
        self._scale = scale
        # Even, so that the middle of a stamp lies between two pixels.
        self._size = size = 2 * math.ceil((radius + 2.0) * scale)
        columns = np.floor(x * scale)
        self._pixmap = QPixmap(PHASES * size, len(x) * size)
        self._pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(self._pixmap) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.scale(scale, scale)
            for i, beside in enumerate((x * scale - columns + size / 2).tolist()):
                for phase in range(PHASES):
                    down = size * (i + 0.5) + phase / PHASES
                    marks.draw_mark(painter, i, QPointF((phase * size + beside) / scale, down / scale), radius)
        # Qt's fragments, ten numbers each: the middle, the place in the pixmap, the size, scales, an angle, opacity.
        self._fragments = np.zeros((len(x), 10))
        self._fragments[:, 0] = columns / scale
        self._fragments[:, 3] = size * np.arange(len(x))
        self._fragments[:, 4:6] = size
        self._fragments[:, 6:8] = 1.0 / scale
        self._fragments[:, 9] = 1.0
        first = shiboken6.wrapInstance(self._fragments.ctypes.data, QPainter.PixmapFragment)
        self._first = cast(QPainter.PixmapFragment, first)

    def paint(self, painter: QPainter, y: Array) -> None:
        """Copy all marks to these heights, in points."""
        phases = np.rint(PHASES * self._scale * np.clip(np.nan_to_num(y, nan=FAR), -FAR, FAR))
        rows = np.floor(phases / PHASES)
        self._fragments[:, 1] = rows / self._scale
        self._fragments[:, 2] = self._size * (phases - PHASES * rows)
        painter.drawPixmapFragments(self._first, len(y), self._pixmap)
