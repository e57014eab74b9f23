"""The whole distribution behind the norms: activations and gradients, weights and updates, layer by layer."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.ridgelines import Scale
from gradflow.sim.snapshot import Topology
from gradflow.ui.ridge_plot import RidgePlot
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

PAIRS = {
    "a and δ": ("activations", "deltas"),
    "z and a": ("pre_activations", "activations"),
    "W and ∂L/∂W": ("weights", "weight_grads"),
    "∂L/∂W and ΔW": ("weight_grads", "updates"),
}
"""What is shown left and right, with the names of the measurements."""


@view("distributions", "What do the layers carry, and what comes back?")
class Distributions(View):
    """How the single numbers of every layer are spread: a forwards and δ = ∂L/∂z backwards, or z (what φ sees)
    and a, or weights W, their gradients ∂L/∂W and the next updates ΔW.

    One ridge per layer, its fullest bin equally tall. "log" counts magnitudes by octaves, "linear" the numbers
    themselves on one axis for all layers (as figs. 6 and 7 of Glorot & Bengio 2010), "linear ÷ σ" each layer by its
    own deviation, for the shape alone. The ground is grey where φ is saturated. Nothing is left out: a column counts
    what is exactly zero (or has underflowed to it), one at the right edge what has overflowed; a column as tall as a
    ridge holds all numbers. Hover for numbers, click to select a layer.
    """

    on_dashboard = True
    wants = frozenset({Want.MAGNITUDES})
    interval_ms = SLOW_MS

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout()
        row.setSpacing(0)
        self.carried, self.returned = RidgePlot(), RidgePlot()
        for panel in (self.carried, self.returned):
            row.addWidget(panel, 1)
            panel.layer_clicked.connect(self._pick)
        self.box.addLayout(row)
        self.pair, self.scale = Choice(), Choice()
        self.pair.addItems(list(PAIRS))
        self.pair.setAccessibleName("Which distributions")
        self.pair.setToolTip("The signal and its gradient, or the weights, theirs and the updates")
        self.scale.addItems([str(scale) for scale in Scale])
        self.scale.setAccessibleName("Axis of the distributions")
        self.scale.setToolTip("Magnitudes by octaves, numbers on one axis, or each layer divided by its own deviation")
        self.choices = QWidget()
        box = QHBoxLayout(self.choices)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addWidget(self.pair)
        box.addWidget(self.scale)
        for choice in (self.pair, self.scale):
            choice.currentIndexChanged.connect(self._redraw)
        self.frame: Frame | None = None

    def controls(self) -> QWidget:
        """Return the choices of what is shown and on which axis."""
        return self.choices

    def choice(self) -> str:
        """Return what is shown, and on which axis."""
        return f"{self.pair.currentText()} · {self.scale.currentText()}"

    def choose(self, choice: str) -> None:
        """Show other distributions, or on another axis."""
        pair, _, scale = choice.partition(" · ")
        for wanted, found in ((pair, self.pair), (scale, self.scale)):
            if found.findText(wanted) >= 0:
                found.setCurrentText(wanted)

    def caption(self) -> str:
        """Return what is drawn left and right."""
        return self.choice()

    def _pick(self, layer: int) -> None:
        self.picked.emit(layer, None)

    def _redraw(self) -> None:
        scale = Scale(self.scale.currentText())
        for panel in (self.carried, self.returned):
            panel.forget()
        self.want({Want.MAGNITUDES if scale is Scale.LOG else Want.HISTOGRAMS})
        if self.frame:
            self.draw(self.frame)

    def reset(self, topology: Topology) -> None:
        """Do nothing yet: the last picture stands until the new run is measured, so that a drag does not flicker."""

    def select(self, layer: int | None) -> None:
        """Let one ridge stand out."""
        self.carried.selected = self.returned.selected = layer
        if self.frame:
            self.draw(self.frame)

    def draw(self, frame: Frame) -> None:
        """Draw the ridges of the latest measurement."""
        self.frame = frame
        scale = Scale(self.scale.currentText())
        for part, panel in zip(PAIRS[self.pair.currentText()], (self.carried, self.returned), strict=True):
            panel.draw(frame, part, scale)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.carried.retheme(theme)
        self.returned.retheme(theme)
