"""The plots all views are made of: ranges that hold still, and marks drawn in pixels.

Values on a logarithmic axis are log₁₀ already; only the labels know about powers of ten. Automatic ranging is off
everywhere: it costs more than the drawing, and an axis that breathes cannot be read.
"""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication, QGraphicsGridLayout

from gradflow.ui.axes import NumberAxis
from gradflow.ui.fitting import fitting
from gradflow.ui.items import cosmetic
from gradflow.ui.sheets import Canvas
from gradflow.ui.theme import SMALL_SIZE, Theme, font

Array = NDArray[np.float64]


class Plot(Canvas):
    """A themed plot with two axes and fixed ranges; dragging and wheel do nothing by accident.

    An axis may have several names, one per line and the longest first: it bears the first that there is room for.

    Put together from a view box and two axes: pyqtgraph's own plot brings a hidden menu that doubles the time to start.
    """

    clicked = Signal(float, float)
    """A click among the data, at these coordinates."""

    def __init__(
        self,
        x: pg.AxisItem | None = None,
        y: pg.AxisItem | None = None,
        x_label: str = "",
        y_label: str = "",
    ) -> None:
        view_box = pg.ViewBox(enableMenu=False, defaultPadding=0.0)
        super().__init__(view_box, {"bottom": x or NumberAxis("bottom"), "left": y or NumberAxis("left")})
        self.x_label, self.y_label = x_label, y_label
        self.view_box.disableAutoRange()
        self.view_box.setMouseEnabled(False, False)
        grid = QGraphicsGridLayout()
        grid.setContentsMargins(0, 4, 8, 0)
        grid.setSpacing(0)
        grid.addItem(self.view_box, 0, 1)
        grid.addItem(self.axes["left"], 0, 0)
        grid.addItem(self.axes["bottom"], 1, 1)
        grid.setColumnStretchFactor(1, 1)
        grid.setRowStretchFactor(0, 1)
        for axis in self.axes.values():
            axis.linkToView(self.view_box)
            # In front of what the view box draws, so that ticks are not painted over.
            axis.setZValue(0.5)
            # The numbers at the ends of an axis may reach a little beyond it.
            axis.setStyle(tickFont=font(SMALL_SIZE), tickLength=-4, autoExpandTextSpace=True, hideOverlappingLabels=8)
            axis.enableAutoSIPrefix(False)
        self.setCentralItem(pg.GraphicsWidget())
        self.centralWidget.setLayout(grid)
        self.setFrameShape(self.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sticky = {"x": Sticky(), "y": Sticky()}
        self._ink = ""
        self.view_box.sigResized.connect(self._fit_names)
        self._pressed_at: QPointF | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take note of where a click begins."""
        super().mousePressEvent(event)
        self._pressed_at = event.position() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell of a click among the data; pyqtgraph's own clicks come late and not always."""
        super().mouseReleaseEvent(event)
        pressed_at, self._pressed_at = self._pressed_at, None
        if pressed_at is None or (event.position() - pressed_at).manhattanLength() > QApplication.startDragDistance():
            return
        spot = self.mapToScene(event.position().toPoint())
        if self.view_box.sceneBoundingRect().contains(spot):
            at = self.view_box.mapSceneToView(spot)
            self.clicked.emit(at.x(), at.y())

    def ticks(self, side: str) -> list[float]:
        """Return where the ticks of an axis stand, for grid lines."""
        low, high = self.view_box.viewRange()[0 if side == "bottom" else 1]
        size = self.view_box.width() if side == "bottom" else self.view_box.height()
        places: list[float] = self.axes[side].tickValues(low, high, size)[0][1]
        return places

    def retheme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self.setBackground(theme.surface)
        for axis in self.axes.values():
            axis.setPen(cosmetic(QColor(theme.border)))
            axis.setTextPen(pg.mkPen(theme.muted))
        self.name_axes(self.x_label, self.y_label, theme)

    def name_axes(self, x_label: str, y_label: str, theme: Theme) -> None:
        """Write what the axes are."""
        self.x_label, self.y_label, self._ink = x_label, y_label, theme.muted
        for axis, label in ((self.axes["bottom"], x_label), (self.axes["left"], y_label)):
            if label:
                axis.showLabel(True)
        self._fit_names()

    def _fit_names(self) -> None:
        """Choose for each axis the longest of its names that it has room for; cut the shortest if need be."""
        for side, label, room in (
            ("bottom", self.x_label, self.view_box.width()),
            ("left", self.y_label, self.view_box.height()),
        ):
            # A few pixels beyond the axis are free at either end.
            axis, name = self.axes[side], fitting(label.split("\n"), room + 8.0)
            if label and self._ink and (name, self._ink) != (axis.labelText, axis.labelStyle.get("color")):
                shown = axis.label.isVisible()
                axis.setLabel(name, color=self._ink, **{"font-size": f"{SMALL_SIZE}px"})
                axis.showLabel(shown)
                # In the middle of the axis, which pyqtgraph sees to only when the axis changes.
                axis.resizeEvent()

    def fix(self, x: tuple[float, float] | None = None, y: tuple[float, float] | None = None) -> None:
        """Set the visible range; nothing happens (and nothing is redrawn) where it is that already."""
        if x and self.sticky["x"].change(x):
            self.view_box.setXRange(*x, padding=0)
        if y and self.sticky["y"].change(y):
            self.view_box.setYRange(*y, padding=0)


def nice_ceiling(value: float, least: float = 1.0) -> float:
    """Return a round number that is at least `value` (and at least `least`), and not much more."""
    value = max(value, least)
    magnitude = 10.0 ** math.floor(math.log10(value))
    return next(s * magnitude for s in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if s * magnitude >= value * (1 - 1e-9))


class Sticky:
    """Remembers a range, so that an unchanged one costs nothing."""

    def __init__(self) -> None:
        self.range: tuple[float, float] | None = None

    def change(self, wanted: tuple[float, float]) -> bool:
        """Take a range and tell whether it is new."""
        if wanted == self.range:
            return False
        self.range = wanted
        return True


CLOSE = 0.05
"""How close to its end a mark may come on an axis that holds still, in decades."""


class DecadeRange:
    """A range in whole decades that grows at once and shrinks only when it is far too large, so that it holds still.

    `room` is what marks need at either end, as a share of the decades they span; colours need none.
    """

    def __init__(self, least: float = 2.0, room: float = 0.04) -> None:
        self._least, self._room = least, room
        self.low, self.high = 0.0, 0.0
        self._set = False

    def forget(self) -> None:
        """Start anew with the next values."""
        self._set = False

    def include(self, values: Array) -> tuple[float, float]:
        """Return the range that shows all finite values; the old one as long as it fits."""
        finite = values[np.isfinite(values)]
        if not finite.size:
            return (self.low, self.high) if self._set else (-1.0, 1.0)
        least, most = float(finite.min()), float(finite.max())
        # A mark needs room; of many decades the twentieth part of one is none.
        room = max(CLOSE, self._room * (most - least))
        low, high = float(math.floor(least - room)), float(math.ceil(most + room))
        if high - low < self._least:
            low, high = high - self._least, high
        too_wide = 2.0 * (high - low) + 2.0
        if self._set:
            fits = self.low <= least - CLOSE and most + CLOSE <= self.high
            grown = (self.low, self.high) if fits else (min(low, self.low), max(high, self.high))
            # What was seen before stays in sight, unless it would squeeze what there is now.
            low, high = grown if grown[1] - grown[0] <= too_wide else (low, high)
        self.low, self.high, self._set = low, high, True
        return self.low, self.high


class LinearRange:
    """A range around 0 that ends at round numbers, grows at once and shrinks only when it is far too large."""

    def __init__(self) -> None:
        self._below, self._above = 0.0, 0.0

    def include(self, low: float, high: float) -> tuple[float, float]:
        """Return the range that shows both numbers and 0, with 0 in the middle if there is something on either side."""
        if low < 0.0 < high:
            low, high = min(low, -high), max(high, -low)
        self._below, self._above = self._hold(self._below, -low), self._hold(self._above, high)
        if not self._below + self._above:
            return -1.0, 1.0
        return -self._below, self._above

    @staticmethod
    def _hold(before: float, wanted: float) -> float:
        if wanted <= 0.0:
            return 0.0
        return before if 0.4 * before <= wanted <= before else nice_ceiling(wanted, 1e-300)


def log10_marks(values: Array) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return log₁₀ of the values and two masks: exactly zero, and not finite (both have nan as their logarithm)."""
    zero, broken = values == 0.0, ~np.isfinite(values)
    logs = np.full(len(values), np.nan)
    np.log10(values, out=logs, where=~(zero | broken))
    return logs, zero, broken
