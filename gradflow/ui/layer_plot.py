"""A plot over the layers, and what stands in it beside the data: shaded ranges and lines with a word.

Layers count from 1 at the left. Zero has a row of its own below the decades, and what is not finite is a red bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter

from gradflow.ui.axes import DecadeAxis, WholeAxis
from gradflow.ui.items import Levels, Polyline, Rule, cosmetic
from gradflow.ui.plot import DecadeRange, Plot, log10_marks
from gradflow.ui.sheets import Overlay
from gradflow.ui.theme import SMALL_SIZE, Theme, font

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


ASIDE = 4.0
"""How far words stand from the line they belong to, and from its end, in pixels."""


class Shade(Overlay):
    """A soft rectangle behind the data, from edge to edge in one direction: a healthy range, or the picked layer."""

    z = -20.0

    def __init__(self, upright: bool = False) -> None:
        super().__init__()
        self._upright, self._span = upright, (0.0, 0.0)
        self.color = QColor()
        self.hide()

    def show_span(self, low: float, high: float) -> None:
        """Cover what lies between two values."""
        if (low, high) != self._span:
            self._span = low, high
            self.update()
        self.show()

    def paint(self, painter: QPainter) -> None:
        """Fill the span."""
        (low, high), view = self._span, self.view
        span = (low, view.top(), high - low, view.height()) if self._upright else (view.left(), low, view.width(), 0.0)
        rect = QRectF(*span)
        if not self._upright:
            rect.setHeight(high - low)
        painter.fillRect(rect, self.color)


class Guide(Rule):
    """A horizontal line with a word at its right end (or its left one): a limit, a rule of thumb, a fixed point."""

    # The data come first.
    z = -5.0

    def __init__(self, style: Qt.PenStyle = Qt.PenStyle.DashLine, left: bool = False) -> None:
        super().__init__()
        self._style, self._left = style, left
        self.words = ""
        self.hide()

    def put(self, height: float, words: str = "") -> None:
        """Stand at a height; nowhere if that is not finite."""
        self.setVisible(bool(np.isfinite(height)))
        if self.isVisible() and (height, words) != (self.value(), self.words):
            self.words = words
            self.set_value(height)
            self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the line and write the words in pixels."""
        super().paint(painter)
        if not self.words:
            return
        view, transform = self.view, painter.transform()
        # Near the top the words stand below the line, so that they are not cut.
        below = self.value() > view.bottom() - 0.15 * view.height()
        inwards = 0.01 * view.width()
        end = transform.map(QPointF(view.left() + inwards if self._left else view.right() - inwards, self.value()))
        painter.resetTransform()
        painter.setFont(font(SMALL_SIZE))
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(self.words)
        # In a narrow plot what is cut is the end.
        least = transform.map(view.topLeft()).x() + 1.0
        x = end.x() + ASIDE if self._left else max(end.x() - ASIDE - width, least)
        y = end.y() + ASIDE + metrics.ascent() if below else end.y() - ASIDE - metrics.descent()
        painter.setPen(self.pen.color())
        painter.drawText(QPointF(x, y), self.words)

    def retheme(self, color: str) -> None:
        """Take a colour."""
        pen = cosmetic(QColor(color))
        pen.setStyle(self._style)
        self.set_pen(pen)


class StepAxis(pg.AxisItem):
    """An axis with ticks at whole multiples of a step, or of twice or five times as much where they would be close."""

    def __init__(self, step: float, unit: str = "") -> None:
        super().__init__("left")
        self._step, self._unit = step, unit

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Place ticks with room between them."""
        wanted = 20.0 * (high - low) / max(size, 1.0)
        every = next((k * self._step for k in (1, 2, 4, 8) if k * self._step >= wanted), 16 * self._step)
        return [(every, [k * every for k in range(math.ceil(low / every), math.floor(high / every) + 1)])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks, with a proper minus."""
        return [f"{value:g}{self._unit}".replace("-", "−") for value in values]


class LayerPlot(Plot):
    """A plot over the layers. It says which layer the mouse is at, and which one was clicked."""

    pointed = Signal(object, object)
    """This plot, and the layer (from 0) that the mouse is at or None."""

    layer_clicked = Signal(int)

    def __init__(
        self,
        y: pg.AxisItem | None,
        y_label: str,
        x_label: str = "layer (input → output)\nlayer",
        least_decades: float = 2.0,
    ) -> None:
        super().__init__(WholeAxis("bottom", from_one=True), y, x_label, y_label)
        self.setMouseTracking(True)
        self.levels, self.picked, self.pointer = Levels(), Shade(upright=True), Rule(upright=True)
        self.broken = Polyline("pairs")
        self.pointer.hide()
        self.add(self.picked, self.levels, self.broken, self.pointer)
        self.decades = DecadeRange(least_decades)
        self.floor = 0.0
        self.count = 0
        self.scene().sigMouseMoved.connect(self._point)
        self.clicked.connect(self._click)

    def count_layers(self, count: int) -> None:
        """Make room for so many layers."""
        self.count = count
        self.fix(x=(0.4, count + 0.6))

    def fit(
        self, series: Sequence[Array], also: Sequence[Array] = (), broken: Mask | None = None
    ) -> list[tuple[Array, Mask]]:
        """Set the decades so that all series are seen, and return for each its heights and which of them are zero.

        `also` are series for which room is made where it is cheap. Bars stand where a value is infinite and at the
        layers that are `broken`; a nan elsewhere is a number that does not exist.
        """
        marks = [log10_marks(values) for values in series]
        logs = np.concatenate([heights for heights, _, _ in marks] or [np.empty(0)])
        guests = np.concatenate([log10_marks(values)[0] for values in also] or [np.empty(0)])
        low, high = self.decades.include(np.concatenate([logs, _near(guests, logs)]))
        any_zero = any(zero.any() for _, zero, _ in marks)
        self.floor = low - 0.1 * (high - low) if any_zero else low
        at_zero = low - 0.05 * (high - low)
        axis = self.axes["left"]
        if isinstance(axis, DecadeAxis):
            axis.named = {at_zero: "0"} if any_zero else {}
        self.fix(y=(self.floor, high))
        self.levels.set_levels(self.ticks("left"))
        barred = np.zeros(self.count, bool)
        for mask in (*(np.isinf(values) for values in series), *(() if broken is None else (broken,))):
            barred[: len(mask)] |= mask
        self.show_broken(barred)
        return [(np.where(zero, at_zero, heights), zero) for heights, zero, _ in marks]

    def show_broken(self, broken: Mask) -> None:
        """Stand red bars at these layers."""
        bars = np.repeat(np.flatnonzero(broken) + 1.0, 2)
        self.broken.set_data(bars, np.tile(self.view_box.viewRange()[1], len(bars) // 2))

    def point_at(self, index: int | None) -> None:
        """Draw a line through a layer, counted from 0, or none."""
        self.pointer.setVisible(index is not None)
        if index is not None:
            self.pointer.set_value(index + 1.0)

    def pick(self, layer: int | None) -> None:
        """Give weight to a layer, counted from 1, or to none."""
        if layer is None:
            self.picked.hide()
        else:
            self.picked.show_span(layer - 0.5, layer + 0.5)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.levels.retheme(theme)
        self.picked.color = QColor(theme.raised)
        self.broken.set_pen(cosmetic(QColor(theme.error), 3.0))
        self.pointer.set_pen(cosmetic(QColor(theme.muted)))

    def leaveEvent(self, event: QEvent) -> None:
        """Point nowhere."""
        super().leaveEvent(event)
        self.pointed.emit(self, None)

    def _layer_at(self, position: QPointF) -> int | None:
        if not self.count or not self.view_box.sceneBoundingRect().contains(position):
            return None
        return min(max(round(self.view_box.mapSceneToView(position).x()), 1), self.count)

    def _point(self, position: QPointF) -> None:
        layer = self._layer_at(position)
        self.pointed.emit(self, None if layer is None else layer - 1)

    def _click(self, x: float, _y: float) -> None:
        if self.count:
            self.layer_clicked.emit(min(max(round(x), 1), self.count))


def _near(guests: Array, logs: Array) -> Array:
    """Return the guests for which the range need not grow to more than about three times what is there."""
    finite = logs[np.isfinite(logs)]
    if not finite.size:
        return guests
    low, high = float(finite.min()), float(finite.max())
    room = 2.0 + high - low
    near: Array = guests[(guests > low - room) & (guests < high + room)]
    return near
