"""What a layer, and the whole way to it, does to lengths: the singular values of the Jacobians."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.sim.spectrum import Histogram, Spectrum, Strip
from gradflow.sim.words import power, spell
from gradflow.ui.spectrum_plots import HistogramPlot, Strips
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

Array = NDArray[np.float64]
KINDS = {"from the input": "path", "layer by layer": "own"}
FORMULAS = {"path": "s of ∂zₗ/∂x", "own": "s of ∂zₗ/∂zₗ₋₁"}


@view("spectrum", "Which directions are stretched, which shrink?")
class SpectrumView(View):
    """The singular values s of ∂zₗ/∂x, from the input to each layer, or of each layer's own ∂zₗ/∂zₗ₋₁, at one sample.

    A gradient that comes back is multiplied by the same numbers: where they are spread over decades, most of it
    vanishes and some of it explodes, whatever its norm says. Left, per layer: all of them (thin), the middle half
    (thick), the median (gap), the largest (disc); hollow at the bottom where some are zero. Right: those of one layer
    as a histogram; click a layer to see its own. Thin lines are what free probability predicts for first weights: the
    largest (solid), the root mean square (dotted) and the density. Orthogonal weights keep s together at any depth
    where φ is nearly linear, which is dynamical isometry (Pennington, Schoenholz & Ganguli 2017); for ReLU s grows
    apart like √depth. Measured at the first training sample, as often as a budget allows.
    """

    wants = frozenset({Want.SPECTRUM})
    interval_ms = SLOW_MS

    def __init__(self) -> None:
        super().__init__()
        self.strips, self.histogram = Strips(), HistogramPlot()
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.strips, 3)
        row.addWidget(self.histogram, 2)
        self.box.addLayout(row, 1)
        self.words = QLabel()
        self.words.setObjectName("muted")
        self.words.setWordWrap(True)
        self.box.addWidget(self.words)
        self.kind = Choice()
        self.kind.addItems(list(KINDS))
        self.kind.setAccessibleName("Which Jacobians")
        self.kind.setToolTip("All layers up to one (∂zₗ/∂x), or each layer by itself (∂zₗ/∂zₗ₋₁)")
        self.kind.currentIndexChanged.connect(self._redraw)
        self.strips.layer_clicked.connect(self._click)
        self.frame: Frame | None = None
        self.selected: int | None = None
        self.drawn: tuple[object, ...] = ()

    def controls(self) -> QWidget:
        """Return the choice of Jacobians."""
        return self.kind

    def choice(self) -> str:
        """Return which Jacobians are shown."""
        return self.kind.currentText()

    def choose(self, choice: str) -> None:
        """Show other Jacobians."""
        if choice in KINDS:
            self.kind.setCurrentText(choice)

    def caption(self) -> str:
        """Name the Jacobians that are shown."""
        return f"{FORMULAS[self._part()]}, {self.choice()}"

    def reset(self, topology: Topology) -> None:
        """Do nothing yet: the last picture stands until the new run is measured, so that a drag does not flicker."""

    def select(self, layer: int | None) -> None:
        """Show the histogram of one layer (from 1), or of the deepest that has the most singular values."""
        if layer != self.selected:
            self.selected = layer
            self._draw_again()

    def draw(self, frame: Frame) -> None:
        """Draw the latest measurement, and say how old it is."""
        self.frame = frame
        spectrum = frame.details.spectrum
        if spectrum is None:
            return
        ghost = frame.other.details.spectrum if frame.other else None
        key = spectrum, ghost, self.choice(), self.selected, self.theme.name
        layer = _nearest(self._strip(spectrum), spectrum.shown if self.selected is None else self.selected - 1)
        if key != self.drawn:
            self.drawn = key
            self.strips.draw(self._strip(spectrum), self._strip(ghost) if ghost else None, layer, self.theme)
            self.histogram.draw(self._histogram(spectrum, layer), self._ghost(ghost, layer), self.strips.color(layer))
        words = self._say(spectrum, layer, frame)
        if words != self.words.text():
            self.words.setText(words)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.strips.retheme(theme)
        self.histogram.retheme(theme)

    def _part(self) -> str:
        return KINDS[self.choice()]

    def _strip(self, spectrum: Spectrum) -> Strip:
        return spectrum.path if self._part() == "path" else spectrum.own

    def _histogram(self, spectrum: Spectrum, layer: int) -> Histogram | None:
        return self._strip(spectrum).histograms.get(layer)

    def _ghost(self, ghost: Spectrum | None, layer: int) -> Histogram | None:
        """Return the other run's histogram: of the same layer if one was picked, else of its own deepest."""
        if ghost is None:
            return None
        wanted = ghost.shown if self.selected is None else layer
        return self._histogram(ghost, _nearest(self._strip(ghost), wanted))

    def _say(self, spectrum: Spectrum, layer: int, frame: Frame) -> str:
        strip, histogram = self._strip(spectrum), self._histogram(spectrum, layer)
        last = len(strip.largest) - 1
        end = "output" if layer == last else f"layer {layer + 1}"
        start = "input" if self._part() == "path" or layer == 0 else f"layer {layer}"
        largest, expected = strip.largest[layer], strip.expected_largest[layer]
        words = f"<b>{start} → {end}</b>: largest s = {_number(largest)}"
        if math.isfinite(expected):
            words += f" (predicted {_number(expected)})"
        if histogram and histogram.zero:
            words += f", zero to rounding: {round(histogram.zero * histogram.count)} of {histogram.count}"
            if histogram.expected_zero > 0.0:
                words += f" (predicted {100 * histogram.expected_zero:.0f} %)"
        elif histogram:
            words += f", condition number {_number(strip.log_condition(layer))}"
        age = frame.details.steps.get(Want.SPECTRUM, frame.snapshot.step)
        when = f"step {age}" if age != frame.snapshot.step else ""
        notes = [note for note in (spectrum.expected_note, spectrum.note, when) if note]
        return words + ". " + " · ".join(note[0].upper() + note[1:] for note in notes)

    def _click(self, layer: int) -> None:
        self.select(layer)
        self.picked.emit(layer, None)

    def _redraw(self) -> None:
        self.strips.decades.forget()
        self.histogram.decades.forget()
        self._draw_again()

    def _draw_again(self) -> None:
        if self.frame:
            self.draw(self.frame)


def _nearest(strip: Strip, layer: int) -> int:
    """Return the measured layer nearest to one."""
    measured = np.flatnonzero(~np.isnan(strip.largest))
    return int(measured[np.argmin(np.abs(measured - layer))]) if len(measured) else 0


def _number(decades: float) -> str:
    """Return 10^decades in words."""
    return power(decades) if math.isfinite(decades) else spell(0.0 if decades < 0 else decades)
