"""The plots of a Jacobian spectrum: a strip of singular values per layer, and the histogram of one layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter

from gradflow.sim.spectrum import Histogram, Strip
from gradflow.sim.words import power
from gradflow.ui.axes import DecadeAxis, NumberAxis, WholeAxis
from gradflow.ui.items import Levels, Polyline, cosmetic
from gradflow.ui.marks import Marks
from gradflow.ui.plot import DecadeRange, Plot, nice_ceiling
from gradflow.ui.sheets import Overlay
from gradflow.ui.theme import Theme

Array = NDArray[np.float64]

TICK_ROOM = 36.0
"""How many pixels the number of a tick takes."""

MANTISSAS = (1.0, 2.0, 5.0, 3.0, 7.0, 1.5, 4.0, 6.0, 8.0, 9.0, 1.2, 1.1)
"""What an axis of about a decade names between the powers of ten, the most wanted first."""


class Strips(Plot):
    """One strip of singular values per layer."""

    layer_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__(WholeAxis("bottom", from_one=True), DecadeAxis("left"), "layer (input → output)\nlayer", "s")
        self.levels, self.bars, self.tops = Levels(), Bars(), Marks(radius=4.0)
        self.zeros = Marks(radius=4.0)
        self.chosen = pg.InfiniteLine(angle=90)
        self.edge, self.middle = Polyline("finite"), Polyline("finite")
        self.ghosts = [Polyline("finite") for _ in range(2)]
        self.broken = Polyline("pairs")
        self.add(self.levels, self.chosen, self.broken, *self.ghosts, self.bars, self.middle, self.edge, self.tops)
        self.add(self.zeros)
        self.decades = DecadeRange(least=2.0)
        self.colors: Sequence[QColor] = ()

    def draw(self, strip: Strip, ghost: Strip | None, layer: int, theme: Theme) -> None:
        """Draw the strips, the prediction, and the ends of the other run's."""
        count = len(strip.largest)
        x = np.arange(1.0, count + 1.0)
        self.colors = theme.layer_colors(count)
        shown = np.flatnonzero(~np.isnan(strip.largest))
        ends = [strip.bands[0], strip.largest, strip.expected_largest]
        low, high = self.decades.include(np.concatenate(ends))
        zero = (strip.zero > 0.0) | np.isneginf(strip.largest)
        gutter = 0.07 * (high - low) if zero.any() else 0.0
        self.axes["left"].named = {low - gutter / 2: "zero"} if gutter else {}
        self.fix(x=(0.4, count + 0.6), y=(low - gutter, high))
        self.levels.set_levels(self.ticks("left"))
        width = float(np.diff(shown).min()) if len(shown) > 1 else 1.0
        self.bars.set_bars(x[shown], strip.bands[:, shown], [self.colors[i] for i in shown], 0.5 * width)
        self.tops.set_data(x[shown], strip.largest[shown], [self.colors[i] for i in shown])
        places = np.flatnonzero(zero)
        hollow = [self.colors[i] for i in places]
        self.zeros.set_data(x[places], np.full(len(places), low - gutter / 2), hollow, np.ones(len(places), bool))
        with_edge = np.flatnonzero(np.isfinite(strip.expected_largest))
        self.edge.set_data(x[with_edge], strip.expected_largest[with_edge])
        with_mean = np.flatnonzero(np.isfinite(strip.expected_rms))
        self.middle.set_data(x[with_mean], strip.expected_rms[with_mean])
        for curve, values in zip(self.ghosts, (ghost.bands[0], ghost.largest) if ghost else ([], []), strict=True):
            places = np.flatnonzero(np.isfinite(values))
            curve.set_data(places + 1.0, np.asarray(values)[places])
        bars = np.repeat(x[np.isposinf(strip.largest)], 2)
        self.broken.set_data(bars, np.tile([low - gutter, high], len(bars) // 2))
        self.chosen.setValue(layer + 1)

    def color(self, layer: int) -> QColor:
        """Return a layer's colour."""
        return self.colors[layer]

    def retheme(self, theme: Theme) -> None:
        """Take new colours; the strips get theirs when they are drawn."""
        super().retheme(theme)
        self.levels.retheme(theme)
        self.bars.gap = QColor(theme.surface)
        self.edge.set_pen(cosmetic(QColor(theme.text)))
        dotted = cosmetic(QColor(theme.text))
        dotted.setStyle(Qt.PenStyle.DotLine)
        self.middle.set_pen(dotted)
        self.chosen.setPen(cosmetic(QColor(theme.border), 2.0))
        self.broken.set_pen(cosmetic(QColor(theme.error), 3.0))
        for curve in self.ghosts:
            curve.set_pen(cosmetic(QColor(theme.muted)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the layer under the mouse."""
        spot = self.view_box.mapSceneToView(self.mapToScene(event.position().toPoint()))
        if self.colors and event.button() == Qt.MouseButton.LeftButton:
            self.layer_clicked.emit(min(max(round(spot.x()), 1), len(self.colors)))


class Bars(Overlay):
    """From the smallest to the largest a thin bar, over the middle half a thick one with a gap at the median."""

    def __init__(self) -> None:
        super().__init__()
        self.gap = QColor("white")
        self._bars: list[tuple[float, Array, QColor]] = []
        self._width = 0.5

    def set_bars(self, x: Array, bands: Array, colors: Sequence[QColor], width: float) -> None:
        """Show the quantiles `bands` (5, layers) at the places x."""
        self._bars = [bar for bar in zip(x, bands.T, colors, strict=True) if np.isfinite(bar[1]).all()]
        self._width = width
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw all bars."""
        width = self._width
        for x, (low, first, middle, third, high), color in self._bars:
            painter.setPen(cosmetic(color, 1.5))
            painter.drawLine(QPointF(x, low), QPointF(x, high))
            painter.setPen(cosmetic(color))
            painter.setBrush(color)
            painter.drawRect(QRectF(x - width / 2, first, width, third - first))
            painter.setPen(cosmetic(self.gap, 1.5))
            painter.drawLine(QPointF(x - width / 2, middle), QPointF(x + width / 2, middle))


class HistogramPlot(Plot):
    """The singular values of one Jacobian, with the predicted density and the other run's outline."""

    def __init__(self) -> None:
        self.axis, left = DecadeAxis("bottom"), NumberAxis("left")
        left.setTickDensity(0.3)
        super().__init__(self.axis, left, "s", "share per decade\nshare")
        self.filled, self.ghost = _steps(), _steps()
        self.curve, self.edge = Polyline(), pg.InfiniteLine(angle=90)
        self.add(self.filled, self.ghost, self.edge, self.curve)
        self.decades = DecadeRange(least=1.0)
        self.top = 0.0
        self.tenths: tuple[float, float] | None = None
        self.view_box.sigResized.connect(self._name_ticks)

    def draw(self, histogram: Histogram | None, ghost: Histogram | None, color: QColor) -> None:
        """Draw what there is."""
        for item, part in ((self.filled, histogram), (self.ghost, ghost)):
            item.setData(*(part.edges, part.heights) if part else (np.zeros(2), np.zeros(1)))
        self.filled.setPen(cosmetic(color))
        fill = QColor(color)
        fill.setAlpha(120)
        self.filled.setBrush(fill)
        self.filled.setFillLevel(0.0)
        self.edge.setVisible(histogram is not None and math.isfinite(histogram.expected_edge))
        if histogram is None:
            self.curve.set_data([], [])
            return
        if self.edge.isVisible():
            self.edge.setValue(histogram.expected_edge)
        kept = np.isfinite(histogram.curve_y)
        self.curve.set_data(histogram.curve_x[kept], histogram.curve_y[kept])
        parts = [histogram.edges, np.array([histogram.expected_edge]), ghost.edges if ghost else np.empty(0)]
        self._fit_x(np.concatenate(parts))
        highest = max(histogram.heights.max(), histogram.curve_y[kept].max(initial=0.0))
        # The other run's may be a needle.
        others = min(ghost.heights.max(), 2.5 * highest) if ghost else 0.0
        wanted = nice_ceiling(1.08 * max(highest, others), 1e-2)
        if not self.top or wanted > self.top or wanted < 0.4 * self.top:
            self.top = wanted
        self.fix(y=(0.0, self.top))

    def _fit_x(self, values: Array) -> None:
        """Show whole decades, or where there is not much more than one, tenths of one with plain numbers."""
        finite = values[np.isfinite(values)]
        low, high = float(finite.min()), float(finite.max())
        if high - low > 1.3:
            self.tenths = None
            self.fix(x=self.decades.include(finite))
        else:
            self.tenths = math.floor(10 * low - 0.5) / 10, math.ceil(10 * high + 0.5) / 10
            self.fix(x=self.tenths)
        self._name_ticks()

    def _name_ticks(self) -> None:
        """Name what there is room for of an axis of tenths of a decade; whole decades have their own names."""
        if self.tenths is None:
            self.axis.named = {}
            return
        low, high = self.tenths
        decades = range(math.floor(low), math.ceil(high) + 1)
        named: dict[float, str] = {}
        room = max(0.12, TICK_ROOM / max(self.view_box.width(), TICK_ROOM)) * (high - low)
        for place in (decade + math.log10(mantissa) for mantissa in MANTISSAS for decade in decades):
            if low + room / 4 <= place <= high - room / 4 and all(abs(place - other) > room for other in named):
                named[place] = power(place)
        self.axis.named, self.axis.picture = named, None

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.curve.set_pen(cosmetic(QColor(theme.text)))
        dashed = cosmetic(QColor(theme.text))
        dashed.setStyle(Qt.PenStyle.DashLine)
        self.edge.setPen(dashed)
        self.ghost.setPen(cosmetic(QColor(theme.muted)))


def _steps() -> pg.PlotCurveItem:
    return pg.PlotCurveItem(np.zeros(2), np.zeros(1), stepMode="center")
