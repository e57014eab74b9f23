"""Every unit of every layer as a cell, and one of them close up."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.snapshot import Stat, Topology
from gradflow.sim.units import Units, UnitState
from gradflow.ui.theme import Theme
from gradflow.ui.unit_legend import UnitLegend
from gradflow.ui.unit_panel import STATES, UnitPanel
from gradflow.ui.unit_strips import Strips
from gradflow.ui.view import SLOW_MS, View, view

ROOM_FOR_BOTH = 600
"""From this width on the panel is open by itself; in a narrower view a click opens it."""


@view("units", "Which units work?")
class UnitsView(View):
    """Per layer a strip of cells, one per unit (per channel in a convolution); click one to see what it receives.

    Hollow with a cross: dead, φ′ = 0 on every sample of the batch, no gradient passes. Striped: saturated, most of its
    activations lie on φ's plateau. With a bar: alike, its incoming weights are parallel to another unit's (|cos| >
    1 − 10⁻⁹), and equal gradients keep them so. Plain: healthy, the fuller the colour, the more of the gradient passes
    (mean |φ′| over the largest). Deep ReLU networks have dead units by chance, because their inputs become collinear:
    P = ∫Dt Φ(−√c·t/√(1−c))ᴮ with the samples' measured correlation c; compare with that.
    Arrow keys move the chosen unit, Escape closes the panel. Cost: φ′ and a few passes over z.
    """

    wants = frozenset({Want.UNITS})
    interval_ms = SLOW_MS
    formula = "dead: φ′(z) = 0 on the whole batch"

    def __init__(self) -> None:
        super().__init__()
        self.strips, self.panel, self.legend = Strips(), UnitPanel(), UnitLegend()
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.strips, 5)
        row.addWidget(self.panel, 3)
        self.box.addWidget(self.legend)
        self.box.addLayout(row, 1)
        self.readout = QLabel(self.strips)
        self.readout.setObjectName("chip")
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self.panel.hide()
        self.frame: Frame | None = None
        self.drawn: Units | None = None
        self.chosen: tuple[int, int] | None = None
        self.closed = self.by_hand = False
        self.strips.chosen.connect(self._choose)
        self.strips.hovered.connect(self._read_out)

    def reset(self, topology: Topology) -> None:
        """Keep the last picture until the new run is measured, so that a drag does not flicker."""
        self.readout.hide()

    def draw(self, frame: Frame) -> None:
        """Show the latest measurement of the units."""
        units = frame.details.units
        if units is None:
            return
        self.frame = frame
        self.legend.show_units(units, self._other_dead(), self._age())
        if units is self.drawn:
            return
        self.drawn = units
        if self.chosen and self.by_hand:
            layer = min(self.chosen[0], len(units.starts) - 2)
            self.chosen = layer, min(self.chosen[1], int(units.starts[layer + 1] - units.starts[layer]) - 1)
        elif self.chosen is None or not self._fits(units):
            self.chosen = units.gravest()
        self.strips.show_units(units)
        self._show_chosen()

    def _fits(self, units: Units) -> bool:
        layer, unit = self.chosen or (0, 0)
        return layer < len(units.starts) - 1 and unit < units.starts[layer + 1] - units.starts[layer]

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        for part in (self.strips, self.panel, self.legend):
            part.retheme(theme)
        self.drawn = None

    def select(self, layer: int | None) -> None:
        """Give weight to one layer, and look at the same unit there."""
        self.strips.emphasize(None if layer is None else layer - 1)
        if layer is not None and self.drawn and layer < len(self.drawn.starts) and self.chosen:
            size = int(self.drawn.starts[layer] - self.drawn.starts[layer - 1])
            self.chosen = layer - 1, min(self.chosen[1], size - 1)
            self._show_chosen()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Open the panel where there is room for both."""
        super().resizeEvent(event)
        self._show_chosen()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close the panel with Escape."""
        if event.key() == Qt.Key.Key_Escape and self.panel.isVisible():
            self.closed, self.by_hand = True, False
            self._show_chosen()
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the hovered unit."""
        self.readout.hide()

    def _choose(self, layer: int, unit: int) -> None:
        self.chosen, self.closed, self.by_hand = (layer, unit), False, True
        self.strips.emphasize(layer)
        self._show_chosen()
        self.picked.emit(layer + 1, None)

    def _show_chosen(self) -> None:
        """Show the chosen unit close up, if its panel is open."""
        shown = not self.closed and (self.by_hand or self.width() >= ROOM_FOR_BOTH)
        self.panel.setVisible(shown and self.drawn is not None)
        self.strips.choose(self.chosen if shown else None)
        if not shown or self.drawn is None or self.frame is None or self.chosen is None:
            return
        layer, unit = self.chosen
        layers = self.frame.topology.layers
        self.panel.show_unit(self.drawn, layers[layer], unit, self.theme.layer_colors(len(layers))[layer])

    def _age(self) -> str:
        frame = self.frame
        assert frame is not None
        step = frame.details.steps.get(Want.UNITS)
        return f"of step {step}" if frame.state is State.RUNNING and step != frame.snapshot.step else ""

    def _other_dead(self) -> float:
        """Return the share of dead units over all layers of the other run, nan if there is none."""
        other = self.frame.other if self.frame else None
        if other is None:
            return math.nan
        return other.details.units.total_dead if other.details.units else math.nan

    def _read_out(self, at: tuple[int, int] | None) -> None:
        """Show the numbers of the layer and the unit under the mouse."""
        if at is None or self.drawn is None or self.frame is None:
            self.readout.hide()
            return
        units, (layer, unit) = self.drawn, at
        place = units.span(layer).start + unit
        info = self.frame.topology.layers[layer]
        activity = (
            "no φ" if math.isnan(units.activity[place]) else f"mean |φ′| at {units.activity[place]:.0%} of its most"
        )
        self.readout.setText(
            f"<b>layer {info.number}</b> · {info.name} · unit {unit + 1}: {STATES[UnitState(units.state[place])]}<br>"
            f"{activity}<br>{self._layer_told(units, layer)}"
        )
        self.readout.adjustSize()
        cell = self.strips.cell(layer, unit)
        left = cell.right() + 10
        if left + self.readout.width() > self.strips.width():
            left = max(0, cell.left() - 10 - self.readout.width())
        self.readout.move(left, max(0, min(cell.top(), self.strips.height() - self.readout.height())))
        self.readout.show()

    def _layer_told(self, units: Units, layer: int) -> str:
        """Return the shares of a layer's units in words, beside what chance and the other run have."""
        words = f"dead {units.share(layer, UnitState.DEAD):.0%}"
        if not math.isnan(units.chance[layer]):
            words += f" (chance {units.chance[layer]:.0%})"
        other = self.frame.other if self.frame else None
        if other is not None and layer < len(other.topology.layers):
            words += f", other run {other.snapshot.stat(Stat.DEAD)[layer]:.0%}"
        words += f" · saturated {units.share(layer, UnitState.SATURATED):.0%}"
        alike = f"alike {units.share(layer, UnitState.ALIKE):.0%}"
        return f"{words} · {alike if units.compared[layer] else 'φ before W: likeness not told'}"
