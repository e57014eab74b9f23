"""The drawing of a network: its boxes in colours, and the gradient's ways through it, as wide as their shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QImage, QMouseEvent, QPainter, QPaintEvent, qGray
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.sim.graph_shape import Box, GraphShape
from gradflow.sim.paths import Paths
from gradflow.ui.axes import numbered
from gradflow.ui.box_words import write
from gradflow.ui.items import cosmetic
from gradflow.ui.network_layout import FILLED, NARROW, SHARE_ROW, Layout, lay_out
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

Array = NDArray[np.float64]

THINNEST, THICKEST = 1.0, 8.0
GHOST = 8.0
"""How tall the row of another run's colours is."""
LEAST_LABEL = 20.0
NARROWEST_ARC = 4.0
"""Skips shorter than this are drawn as a strip, each as strong as its share."""


@dataclass(frozen=True)
class Coloring:
    """What is drawn into the boxes: a colour for each layer, for each layer of another run, and the flows."""

    layers: Sequence[QColor]
    other: Sequence[QColor]
    paths: Paths | None


class NetworkCanvas(QWidget):
    """The drawing; tells which box is under the mouse or clicked."""

    hovered = Signal(object)
    """The box under the mouse, or None."""

    clicked = Signal(int)
    """A box that was clicked."""

    with_shares = True
    """Whether the shares of the gradient are drawn, and boxes as high as their layers are large."""

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setMinimumSize(60, 40)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.theme = LIGHT
        self.shape = GraphShape()
        self.coloring = Coloring((), (), None)
        self.layer: int | None = None
        self._shares: list[float | None] = []
        self._layout: Layout | None = None

    def show_graph(self, shape: GraphShape) -> None:
        """Draw this graph from now on."""
        self.shape, self._layout = shape, None
        self.coloring, self._shares = Coloring((), (), None), []
        self.update()

    def show_colors(self, coloring: Coloring) -> None:
        """Draw these colours and flows."""
        if bool(coloring.other) != bool(self.coloring.other):
            self._layout = None
        if coloring.paths is not self.coloring.paths:
            shares = coloring.paths.share if coloring.paths is not None else np.empty(0)
            self._shares = [None if share != share else share for share in shares.tolist()]
        self.coloring = coloring
        self.update()

    def emphasize(self, layer: int | None) -> None:
        """Frame the boxes of one layer (from 1)."""
        self.layer = layer
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()

    @property
    def placed(self) -> Layout:
        """Where everything stands at this size."""
        if self._layout is None:
            row = GHOST + 6.0 if self.coloring.other else 0.0
            self._layout = lay_out(self.shape, self.width(), self.height() - row - 14.0, self.with_shares)
        return self._layout

    def resizeEvent(self, event: QEvent) -> None:
        """Lay out anew."""
        self._layout = None

    def box_at(self, spot: QPointF) -> int | None:
        """Return the box at a place: one on a skip if the mouse is on it, else the nearest of the main path."""
        rectangles, main = self.placed.rectangles, self.shape.main
        for skip in self.shape.skips:
            for i in skip.over:
                if rectangles[i].contains(spot):
                    return i
        if not main or abs(spot.y() - self.placed.axis) > self.placed.below - self.placed.axis + 4.0:
            return None
        return min(main, key=lambda i: abs(rectangles[i].center().x() - spot.x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell what is under the mouse."""
        self.hovered.emit(self.box_at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Tell what is clicked."""
        box = self.box_at(event.position())
        if box is not None and event.button() is Qt.MouseButton.LeftButton:
            self.clicked.emit(box)

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the mouse."""
        self.hovered.emit(None)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint wires, skips, boxes and numbers, from the back to the front."""
        if not self.shape.boxes:
            return
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            self._paint_flows(painter)
            if self.placed.bars:
                self._paint_bars(painter)
            else:
                for i, box in enumerate(self.shape.boxes):
                    self._paint_box(painter, self.placed.rectangles[i], box)
            self._paint_numbers(painter)
            self._paint_other(painter)

    def _share(self, edge: int) -> float | None:
        """Return the share of the gradient that comes back over an edge, None where it is not known."""
        return self._shares[edge] if self._shares else None

    def _paint_flows(self, painter: QPainter) -> None:
        placed, rectangles = self.placed, self.placed.rectangles
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, placed.slot > NARROW)
        wire, skip_color = QColor(self.theme.muted), QColor(self.theme.curve)
        slim = min(1.0, placed.slot / 40.0)
        drawn = set()
        wires: dict[float, list[QLineF]] = {}
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # Behind the bars there is nothing to be seen of the wires between them.
        flows = [(number, edge) for number, edge in enumerate(self.shape.edges) if edge.skip >= 0 or not placed.bars]
        if placed.bars:
            painter.setPen(cosmetic(wire, THINNEST))
            first, last = rectangles[self.shape.main[0]], rectangles[self.shape.main[-1]]
            painter.drawLine(QLineF(first.right(), placed.axis, last.left(), placed.axis))
        for number, edge in flows:
            share = self._share(number)
            width = THINNEST + slim * (THICKEST - THINNEST) * (share or 0.0)
            if edge.skip < 0:
                start, stop = rectangles[edge.source].right(), rectangles[edge.target].left()
                wires.setdefault(width, []).append(QLineF(start, placed.axis, stop, placed.axis))
            elif edge.skip not in drawn:
                # The first edge of a skip is the one at its source, where shares are taken.
                drawn.add(edge.skip)
                skip = self.shape.skips[edge.skip]
                left, right = rectangles[skip.source].right(), rectangles[skip.join].left()
                if right - left < NARROWEST_ARC:
                    skip_color.setAlphaF(0.15 + 0.85 * (share or 0.0))
                    y = placed.levels[skip.level]
                    painter.fillRect(QRectF(left, y, max(right - left, 0.5), THICKEST), skip_color)
                    continue
                painter.setPen(cosmetic(QColor(self.theme.curve), width))
                painter.drawPath(placed.arc(skip.source, skip.join, skip.level))
        for width, lines in wires.items():
            painter.setPen(cosmetic(wire, width))
            painter.drawLines(lines)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._shares:
            self._paint_shares(painter)

    def _paint_shares(self, painter: QPainter) -> None:
        """Write the shares: of skips on their arcs, of branches below the boxes between fork and join."""
        placed, rectangles, metrics = self.placed, self.placed.rectangles, QFontMetrics(painter.font())
        nearest: dict[int, float] = {}
        for skip in self.shape.skips:
            join = rectangles[skip.join].center().x()
            nearest[skip.source] = min(join, nearest.get(skip.source, join))
        written: set[int] = set()
        for number, edge in enumerate(self.shape.edges):
            share = self._share(number)
            if share is None or edge.source not in nearest or edge.skip in written:
                continue
            left = rectangles[edge.source].right()
            if edge.skip >= 0:
                written.add(edge.skip)
                skip = self.shape.skips[edge.skip]
                right, y = rectangles[skip.join].center().x(), placed.levels[skip.level] - 15.0
                # Beside what stands on the skip.
                right = rectangles[skip.over[0]].left() if skip.over else right
                y -= THICKEST / 2 * min(1.0, placed.slot / 40.0)
            else:
                right, y = nearest[edge.source], placed.below
            words = f"{share:.0%}"
            if right - left >= LEAST_LABEL and metrics.horizontalAdvance(words) + 4 <= right - left:
                painter.setPen(QColor(self.theme.curve if edge.skip >= 0 else self.theme.muted))
                painter.drawText(QRectF(left, y, right - left, SHARE_ROW), Qt.AlignmentFlag.AlignCenter, words)

    def _color(self, box: Box) -> QColor | None:
        """Return the colour of the layer whose weights a box holds, None for other boxes."""
        known = box.whole and box.layer is not None and box.layer <= len(self.coloring.layers)
        return self.coloring.layers[box.layer - 1] if known and box.layer is not None else None

    def _paint_bars(self, painter: QPainter) -> None:
        """Paint the boxes side by side: one column of pixels shows the layer that is nearest."""
        layers = [(self.placed.rectangles[i], self._color(self.shape.boxes[i])) for i in self.shape.main]
        colored = [(rectangle, color) for rectangle, color in layers if color is not None]
        if not colored:
            return
        left, right = colored[0][0].left(), colored[-1][0].right()
        columns = max(1, round(right - left))
        centres = np.array([rectangle.center().x() for rectangle, _ in colored])
        nearest = np.searchsorted(0.5 * (centres[1:] + centres[:-1]), left + np.arange(columns) + 0.5)
        row = np.array([color.rgb() for _, color in colored], np.uint32)[nearest]
        image = QImage(row.tobytes(), columns, 1, 4 * columns, QImage.Format.Format_RGB32)
        high = max(rectangle.height() for rectangle, _ in colored)
        painter.drawImage(QRectF(left, self.placed.axis - high / 2, right - left, high), image)
        if self.layer is not None and self.layer <= len(colored):
            painter.setPen(cosmetic(QColor(self.theme.accent), 2.0))
            x = colored[self.layer - 1][0].center().x()
            painter.drawRect(QRectF(x - 2.0, self.placed.axis - high / 2 - 2.0, 4.0, high + 4.0))

    def _paint_box(self, painter: QPainter, rectangle: QRectF, box: Box) -> None:
        color = self._color(box)
        strong = self.layer is not None and box.layer == self.layer and box.whole
        fill = color or QColor(self.theme.raised)
        if rectangle.width() < 8.0:
            painter.fillRect(rectangle, QColor(self.theme.muted) if box.join else fill)
        else:
            painter.setPen(cosmetic(QColor(self.theme.border)))
            painter.setBrush(fill)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawEllipse(rectangle) if box.join else painter.drawRoundedRect(rectangle, 3.0, 3.0)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if strong:
            painter.setPen(cosmetic(QColor(self.theme.accent), 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(rectangle.adjusted(-2.0, -2.0, 2.0, 2.0))
        if rectangle.width() >= NARROW - 3.0:
            bright = qGray(fill.rgb()) > 140
            painter.setPen(QColor("#1b2027" if bright else "#f4f6f9"))
            write(painter, rectangle, box)

    def _paint_numbers(self, painter: QPainter) -> None:
        """Number the layers below where there is no room in the boxes."""
        placed = self.placed
        if placed.slot * FILLED >= NARROW - 3.0:
            return
        painter.setPen(QColor(self.theme.muted))
        whole = [i for i in self.shape.main if self.shape.boxes[i].whole]
        # Below the shares, where there are some.
        top = placed.below + (SHARE_ROW if self.shape.skips and placed.shares else 0.0)
        apart = (placed.rectangles[whole[-1]].x() - placed.rectangles[whole[0]].x()) / max(len(whole) - 1, 1)
        for i in numbered(len(whole), apart):
            box = placed.rectangles[whole[i]]
            x = min(max(box.center().x() - 20.0, -14.0), self.width() - 20.0 - 4.0 * len(str(i + 1)))
            painter.drawText(QRectF(x, top, 40, SHARE_ROW), Qt.AlignmentFlag.AlignCenter, str(i + 1))

    def _paint_other(self, painter: QPainter) -> None:
        """Paint another run's layers as a row of outlined cells, each below the layer at the same depth."""
        other = self.coloring.other
        if not other:
            return
        whole = [self.placed.rectangles[i] for i in self.shape.main if self.shape.boxes[i].whole]
        left, right = whole[0].left(), whole[-1].right()
        width, top = (right - left) / len(other), self.height() - GHOST - 2.0
        for place, color in enumerate(other):
            cell = QRectF(left + place * width, top, max(width - (1.0 if width > 4 else 0.0), 0.5), GHOST)
            painter.fillRect(cell, color)
        painter.setPen(cosmetic(QColor(self.theme.muted)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(left - 1, top - 1, right - left + 1, GHOST + 1))
