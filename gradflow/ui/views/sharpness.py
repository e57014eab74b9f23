"""How sharply the loss bends where the run stands, and how sharply it may at this learning rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.sharpness import Sharpness
from gradflow.sim.snapshot import Topology
from gradflow.ui.items import Polyline, Rule, cosmetic
from gradflow.ui.layer_plot import Guide
from gradflow.ui.marks import Marks
from gradflow.ui.slow_words import SlowWords
from gradflow.ui.theme import Theme
from gradflow.ui.value_plot import ValuePlot
from gradflow.ui.view import SLOW_MS, View, view

Array = NDArray[np.float64]


@view("sharpness", "How sharply does the loss bend?")
class SharpnessView(View):
    """The sharpness λ, the largest eigenvalue of the Hessian of the loss over the training samples, against the step.

    Dashed: 2/η, the curvature up to which steps of this learning rate shrink the distance to a minimum, |1 − ηλ| < 1;
    with momentum μ it is 2(1+μ)/η, with Nesterov's 2(1+μ)/((1+2μ)η). Gradient descent on all samples drives λ up to
    this line and stays there while the loss falls: normal (edge of stability, Cohen et al. 2021). Above it at step 0
    the loss rises at first and may come down on flatter ground, or not (catapult, Lewkowycz et al. 2020). Mini-batches
    keep λ lower. Adam, RMSProp, Adagrad and Lion scale each weight by itself: there is no such line for them. Kinks
    (ReLU) have no curvature of their own. Grey: another run. Cost: ten to a hundred gradients over the training
    samples, as the budget allows; each search begins with the steepest direction of the last.
    """

    wants = frozenset({Want.SHARPNESS})
    interval_ms = SLOW_MS
    formula = "λ = λ_max(∂²L/∂θ²)     - -  2/η"

    def __init__(self) -> None:
        super().__init__()
        self.plot, self.words = ValuePlot("sharpness λ"), SlowWords()
        self.words.setWordWrap(True)
        self.curve, self.ghost, self.bound = Polyline("finite"), Polyline("finite"), Polyline("finite")
        self.marks, self.limit = Marks(radius=3.0), Guide()
        self.step_line, self.broken = Rule(upright=True), Rule(upright=True)
        self.plot.add(self.broken, self.ghost, self.bound, self.limit, self.curve, self.marks, self.step_line)
        self.box.addWidget(self.plot, 1)
        self.box.addWidget(self.words)

    def reset(self, topology: Topology) -> None:
        """Begin without a line."""
        self.plot.forget()
        self._show(None, None)

    def draw(self, frame: Frame) -> None:
        """Draw what was measured so far."""
        other = frame.other.details.sharpness if frame.other else None
        self._show(frame.details.sharpness, other)
        snapshot = frame.snapshot
        last = max(float(frame.history.column("step")[-1]) if frame.past else 0.0, float(snapshot.step))
        self.plot.reach(max(last, float(frame.other.snapshot.step) if frame.other else 0.0))
        self.step_line.set_value(snapshot.step)
        self.step_line.setVisible(frame.past)
        self.broken.set_value(snapshot.step)
        self.broken.setVisible(not snapshot.finite)
        self.words.tell(frame, self._tell)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.curve.set_pen(cosmetic(QColor(theme.curve)))
        self.ghost.set_pen(cosmetic(QColor(theme.muted)))
        dashed = cosmetic(QColor(theme.curve_second))
        dashed.setStyle(Qt.PenStyle.DashLine)
        self.bound.set_pen(dashed)
        self.limit.retheme(theme.curve_second)
        self.step_line.set_pen(cosmetic(QColor(theme.accent), 2.0))
        self.broken.set_pen(cosmetic(QColor(theme.error), 3.0))

    def _show(self, mine: Sharpness | None, other: Sharpness | None) -> None:
        numbers = [part for one in (mine, other) if one for part in (one.values, one.bounds)]
        seen = np.concatenate([np.empty(0), *numbers])
        self.plot.fit(seen[np.isfinite(seen) & (seen >= 0.0)])
        for line, one in ((self.curve, mine), (self.ghost, other)):
            line.set_data(one.steps if one else [], self._heights(one.values) if one else [])
        steps, bounds = (mine.steps, self._heights(mine.bounds)) if mine else (np.empty(0), np.empty(0))
        self.bound.set_data(steps, bounds)
        self.limit.put(float(bounds[-1]) if len(bounds) else np.nan, mine.bound.formula if mine else "")
        heights = self._heights(mine.values) if mine else np.empty(0)
        self.marks.set_data(steps, heights, [QColor(self.theme.curve)] * len(steps))

    def _heights(self, numbers: Array) -> Array:
        """Return where numbers stand; a sharpness below 0 has no place."""
        return self.plot.heights(np.where(numbers < 0.0, np.nan, numbers))

    def _tell(self, frame: Frame) -> str:
        found = frame.details.sharpness
        if found is None or not (len(found.values) or found.note):
            return "Not measured at this step." if frame.past else "Looking for the steepest direction …"
        return str(found)
