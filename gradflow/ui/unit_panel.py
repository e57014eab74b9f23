"""The panel about one unit: what it receives on the curve of its φ, where that is flat, and how often which occurs."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gradflow.sim.snapshot import LayerInfo
from gradflow.sim.unit_curve import Portrait, portray
from gradflow.sim.units import Units, UnitState
from gradflow.sim.words import spell
from gradflow.ui.axes import NumberAxis
from gradflow.ui.items import Polyline, cosmetic
from gradflow.ui.marks import Marks
from gradflow.ui.plot import Plot
from gradflow.ui.sheets import Overlay
from gradflow.ui.theme import Theme

STATES = {
    UnitState.HEALTHY: "healthy",
    UnitState.SATURATED: "saturated",
    UnitState.ALIKE: "alike",
    UnitState.DEAD: "dead",
}
HISTOGRAM_SHARE = 0.3
"""How tall the fullest bin is beside the curve."""


class UnitPanel(QWidget):
    """One unit close up."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.words = QLabel(), QLabel()
        self.words.setObjectName("muted")
        self.words.setWordWrap(True)
        self.axis = CurveAxis("left")
        self.plot = Plot(y=self.axis, x_label="z", y_label="φ(z)")
        self.backdrop, self.curve, self.dots = Backdrop(), Polyline(smooth=True), Marks(radius=3.5)
        self.plot.add(self.backdrop, self.curve, self.dots)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 0, 0, 0)
        box.setSpacing(2)
        box.addWidget(self.title)
        box.addWidget(self.plot, 1)
        box.addWidget(self.words)
        self.color = QColor()

    def show_unit(self, units: Units, info: LayerInfo, unit: int, color: QColor) -> None:
        """Show one unit (from 0) of a layer."""
        layer = info.number - 1
        place = units.span(layer).start + unit
        portrait = portray(units, layer, unit)
        bent = units.curve_of[layer] >= 0
        state = STATES[UnitState(units.state[place])] if bent or units.twin[place] >= 0 else "no φ"
        self.title.setText(f"<b>layer {info.number} · unit {unit + 1}</b> · {state}")
        self.words.setText(_told(units, layer, place, portrait))
        self._draw(portrait, color, f"{info.activation or 'identity'}(z)")

    def _draw(self, portrait: Portrait, color: QColor, label: str) -> None:
        low, high = float(portrait.curve_a.min()), float(portrait.curve_a.max())
        tall = max(high - low, 1e-12)
        self.axis.lowest = low - 0.05 * tall
        self.plot.fix(x=(-portrait.reach, portrait.reach), y=(low - (HISTOGRAM_SHARE + 0.1) * tall, high + 0.1 * tall))
        self.backdrop.show_portrait(portrait, HISTOGRAM_SHARE * tall)
        self.curve.set_data(portrait.curve_z, portrait.curve_a)
        self.dots.set_data(portrait.z, portrait.a, [color] * len(portrait.z))
        if label != self.plot.y_label:
            self.plot.name_axes("z", label, self.theme)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.curve.set_pen(cosmetic(QColor(theme.muted)))
        self.backdrop.retheme(theme)


def _told(units: Units, layer: int, place: int, portrait: Portrait) -> str:
    """Return a unit's numbers in words."""
    parts = [f"z: mean {spell(units.mean[place])}, std {spell(units.std[place])}"]
    if units.curve_of[layer] >= 0:
        parts.append(f"φ′ = 0 on {units.zero[place]:.0%} of {units.samples[layer]} samples")
    if not np.isnan(units.saturated[place]):
        parts.append(f"saturated on {units.saturated[place]:.0%}")
    if units.twin[place] >= 0:
        parts.append(f"same weights as unit {units.twin[place] + 1}")
    if len(portrait.z) < units.samples[layer]:
        parts.append(f"{len(portrait.z)} of {units.samples[layer]} drawn")
    if portrait.flat:
        parts.append(f"shaded: {portrait.flatness}")
    return " · ".join(parts)


class CurveAxis(NumberAxis):
    """An axis without ticks beside the histogram, whose heights are no values of φ."""

    lowest = 0.0

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Place ticks where there are values."""
        levels = super().tickValues(low, high, size)
        return [(spacing, [value for value in values if value >= self.lowest]) for spacing, values in levels]


class Backdrop(Overlay):
    """What stands behind the curve: where φ is flat, the axes through 0, and the histogram of z along the foot."""

    z = -5.0

    def __init__(self) -> None:
        super().__init__()
        self.portrait: Portrait | None = None
        self.tall = 1.0

    def show_portrait(self, portrait: Portrait, tall: float) -> None:
        """Show a unit; its fullest bin is `tall`."""
        self.portrait, self.tall = portrait, tall
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.flat, self.bars, self.line = QColor(theme.raised), QColor(theme.muted), QColor(theme.border)
        self.bars.setAlpha(110)
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Paint from the back to the front."""
        if self.portrait is None:
            return
        view, portrait = self.view, self.portrait
        painter.setPen(Qt.PenStyle.NoPen)
        for left, right in portrait.flat:
            painter.fillRect(QRectF(left, view.top(), right - left, view.height()), self.flat)
        painter.setPen(cosmetic(self.line))
        painter.drawLine(
            QRectF(0.0, view.top(), 0.0, view.height()).topLeft(), QRectF(0, view.bottom(), 0, 0).topLeft()
        )
        fullest = max(int(portrait.counts.max()), 1)
        width = float(portrait.edges[1] - portrait.edges[0])
        for left, count in zip(portrait.edges, portrait.counts, strict=False):
            # Heights grow downwards in a view box's rectangle, and its top is the lowest value.
            bar = QRectF(float(left), view.top(), 0.9 * width, self.tall * count / fullest)
            painter.fillRect(bar, self.bars)
