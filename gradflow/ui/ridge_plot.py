"""A plot of ridgelines: what is measured of every layer, on a logarithmic or a linear axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from gradflow.sim.details import Histogram, Want
from gradflow.sim.frame import Frame
from gradflow.sim.ridgelines import (
    MOST_RIDGES,
    SYMBOLS,
    Measured,
    Ridge,
    Scale,
    chosen,
    describe,
    ends_of,
    find,
    ridge,
    saturated_intervals,
    saturation,
)
from gradflow.sim.snapshot import Topology
from gradflow.sim.words import spell
from gradflow.ui.axes import ValueAxis, WholeAxis
from gradflow.ui.plot import DecadeRange, LinearRange, Plot
from gradflow.ui.ridges import COLUMN, Captions, RidgeItem, Shade
from gradflow.ui.theme import LIGHT, Theme

Array = NDArray[np.float64]
OVERLAP = 1.7
GUTTER = 0.08
LABEL_PIXELS = 13.0


class RidgePlot(Plot):
    """One panel of ridgelines."""

    layer_clicked = Signal(int)

    def __init__(self) -> None:
        self.axis = ValueAxis("bottom")
        self.layer_axis = WholeAxis("left", from_one=True)
        super().__init__(self.axis, self.layer_axis, "", "layer")
        self.theme = LIGHT
        self.shade, self.ghosts, self.ridges = Shade(), RidgeItem(hollow=True), RidgeItem()
        self.captions = Captions()
        self.add(self.shade, self.ridges, self.ghosts, self.captions)
        self.decades, self.linear = DecadeRange(least=3.0), LinearRange()
        self.colors: list[QColor] = []
        self.selected: int | None = None
        self.drawn: Measured | None = None
        self._key: tuple[object, ...] = ()
        self._shown: list[int] = []
        self._frame: Frame | None = None
        self.note, self.readout = QLabel(self), QLabel(self)
        self.note.setObjectName("muted")
        self.readout.setObjectName("chip")
        for label in (self.note, self.readout):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.hide()
        self.setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.scene().sigMouseMoved.connect(self._hover)
        self.clicked.connect(self._pick)

    def forget(self) -> None:
        """Draw anew, with new ranges, at the next chance."""
        self._key, self.drawn = (), None
        self.decades, self.linear = DecadeRange(least=3.0), LinearRange()
        self.readout.hide()

    def draw(self, frame: Frame, part: str, scale: Scale) -> None:
        """Draw a part of what is measured; until there is something of a new run, the last picture stands."""
        measured = find(frame.details, part, scale)
        other = find(frame.other.details, part, scale) if frame.other else None
        self._say_when(frame, measured, scale)
        key = (measured, other, part, scale, self.selected, frame.topology)
        if key == self._key or not (measured or frame.past):
            return
        self._key, self.drawn, self._frame = key, measured, frame
        self.axis.linear = scale is not Scale.LOG
        divided = " ÷ its σ" if scale is Scale.STANDARD else ""
        symbol = f"|{SYMBOLS[part]}|" if scale is Scale.LOG else f"{SYMBOLS[part]}{divided}"
        words = saturation(frame.topology, part)
        label = (
            f"{symbol}     (grey: φ saturated, {words})\n{symbol} (grey: φ saturated)\n{symbol}" if words else symbol
        )
        if label != self.x_label:
            self.name_axes(label, "layer", self.theme)
        if measured is None:
            self._empty()
        else:
            self._show(frame.topology, part, scale, measured, other)

    def _show(self, topology: Topology, part: str, scale: Scale, measured: Measured, other: Measured | None) -> None:
        count = len(measured.zero)
        every = -(-count // MOST_RIDGES)
        self._shown = chosen(count, every, self.selected)
        height = OVERLAP * every
        self.fix(y=(0.6, count + height + 0.2))
        self.layer_axis.last = count
        ends = self._range(scale, part, measured, other)
        ridges = [ridge(measured, layer, scale, ends) for layer in self._shown]
        ghosts = [ridge(other, layer, scale, ends) for layer in self._shown if other and layer <= len(other.zero)]
        places = self._columns(scale, ends, [*ridges, *ghosts])
        if len(self.colors) != count:
            self.colors = self.theme.layer_colors(count)
        self.ridges.colors = [self.colors[layer - 1] for layer in self._shown]
        self.ridges.selected = self.selected if self.selected in self._shown else None
        self.ridges.set_ridges(ridges, height, places)
        self.ghosts.colors = [QColor(self.theme.muted)] * len(ghosts)
        self.ghosts.set_ridges(ghosts, height, places)
        self._shade(topology, part, scale, measured, ends, height)
        self._label(measured, ends[1], count + height)

    def _columns(self, scale: Scale, ends: tuple[float, float], ridges: list[Ridge]) -> dict[str, tuple[float, float]]:
        """Make room beside the axis for what has no place on it, where there is any; return the columns' places."""
        low, high = ends
        gutter = GUTTER * (high - low)
        named, places = {}, {}
        if scale is not Scale.LOG:
            places["zero"] = 0.0, COLUMN * (high - low)
        elif any(ridge.zero for ridge in ridges):
            low -= gutter
            named[low + gutter / 2], places["zero"] = "0", (low + gutter / 2, 0.7 * gutter)
        if any(ridge.below for ridge in ridges):
            low -= gutter
            named[low + gutter / 2], places["below"] = "less", (low + gutter / 2, 0.7 * gutter)
        for name, words in (("above", "more"), ("non_finite", "∞")):
            if any(getattr(ridge, name) for ridge in ridges):
                high += gutter
                named[high - gutter / 2], places[name] = words, (high - gutter / 2, 0.7 * gutter)
        if named != self.axis.named:
            self.axis.named, self.axis.picture = named, None
        self.fix(x=(low, high))
        return places

    def _range(self, scale: Scale, part: str, *drawn: Measured | None) -> tuple[float, float]:
        """Return the ends of the axis, which hold still as long as they fit."""
        ends = [ends_of(measured, scale, part) for measured in drawn if measured]
        low, high = min(end[0] for end in ends), max(end[1] for end in ends)
        if scale is Scale.LOG:
            return self.decades.include(np.array([low, high]))
        return self.linear.include(low, high)

    def _shade(
        self, topology: Topology, part: str, scale: Scale, measured: Measured, ends: tuple[float, float], height: float
    ) -> None:
        rectangles = []
        tops = [*self._shown[1:], self._shown[-1] + height]
        for layer, top in zip(self._shown, tops, strict=True):
            if layer > len(topology.layers):
                continue
            for low, high in saturated_intervals(topology, layer, part, scale):
                if scale is Scale.STANDARD and isinstance(measured, Histogram):
                    deviation = measured.deviation[layer - 1]
                    low, high = (low / deviation, high / deviation) if deviation > 0 else (0.0, 0.0)
                low, high = max(low, ends[0]), min(high, ends[1])
                if high > low:
                    rectangles.append(QRectF(low, layer, high - low, top - layer))
        self.shade.set_rectangles(rectangles)

    def _label(self, measured: Measured, x: float, top: float) -> None:
        """Write each layer's deviation beside its ridge, where there is room for it."""
        apart = self._shown[1] - self._shown[0] if len(self._shown) > 1 else 1
        room = self.view_box.height() * apart / max(top, 1.0) >= LABEL_PIXELS
        words: list[tuple[float, float, str]] = []
        if room and isinstance(measured, Histogram):
            words = [(x, layer, f"σ {spell(measured.deviation[layer - 1])}") for layer in self._shown]
        self.captions.set_words(words)

    def _empty(self) -> None:
        self._shown = []
        for item in (self.ridges, self.ghosts):
            item.set_ridges([], 1.0, {})
        self.shade.set_rectangles([])
        self.captions.set_words([])
        self.readout.hide()

    def _say_when(self, frame: Frame, measured: Measured | None, scale: Scale) -> None:
        """Say of which step the picture is, if that is not the step that all others show."""
        step = frame.details.steps.get(Want.MAGNITUDES if scale is Scale.LOG else Want.HISTOGRAMS)
        words = ""
        if measured is None and frame.past:
            words = f"was not measured at step {frame.snapshot.step}"
        elif step is not None and step != frame.snapshot.step:
            words = f"step {step}"
        if words != self.note.text():
            self.note.setText(words)
            self.note.adjustSize()
            self.note.setVisible(bool(words))
        self.note.move(self.width() - self.note.width() - 12, 0)

    def retheme(self, theme: Theme) -> None:
        """Take new colours; the ridges get theirs with the next frame."""
        super().retheme(theme)
        self.theme = theme
        self.shade.retheme(theme)
        self.captions.retheme(theme)
        self.colors = []
        self._key = ()

    def leaveEvent(self, event: object) -> None:
        """Forget the hovered layer."""
        self.readout.hide()

    def _layer_at(self, y: float) -> int | None:
        """Return the shown layer whose ridge stands here, None where there is none."""
        return max((layer for layer in self._shown if layer <= y + 0.15), default=None)

    def _pick(self, _: float, y: float) -> None:
        layer = self._layer_at(y)
        if layer is not None:
            self.layer_clicked.emit(layer)

    def _hover(self, position: QPointF) -> None:
        inside = self.view_box.sceneBoundingRect().contains(position)
        layer = self._layer_at(self.view_box.mapSceneToView(position).y()) if inside else None
        if layer is None or self.drawn is None or self._frame is None:
            self.readout.hide()
            return
        self.readout.setText(describe(self._frame.topology, self.drawn, layer))
        self.readout.adjustSize()
        left = min(position.x() + 12, self.width() - self.readout.width() - 8)
        self.readout.move(int(left), int(max(8, position.y() - self.readout.height() - 8)))
        self.readout.show()
