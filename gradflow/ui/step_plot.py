"""A plot of decades over the steps of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gradflow.sim.snapshot import Snapshot
from gradflow.ui.axes import DecadeAxis, WholeAxis
from gradflow.ui.items import Levels, Rule, cosmetic
from gradflow.ui.plot import DecadeRange, Plot, nice_ceiling
from gradflow.ui.theme import Theme

Array = NDArray[np.float64]


class StepPlot(Plot):
    """A logarithmic axis over the steps, whose ranges hold still."""

    def __init__(self, y_label: str) -> None:
        super().__init__(WholeAxis("bottom"), DecadeAxis("left"), "step", y_label)
        self.levels, self.decades = Levels(), DecadeRange()
        self.broken = Rule(upright=True)
        self.add(self.levels, self.broken)

    def span(self, snapshot: Snapshot, logs: Array, last_step: float = 0.0) -> None:
        """Show all steps up to the snapshot's or a later one, and all of these heights; a red bar is a blow-up."""
        last_step = max(last_step, float(snapshot.step))
        self.broken.setVisible(not snapshot.finite)
        self.broken.set_value(float(snapshot.step))
        right = nice_ceiling(last_step + 1.0, 20.0)
        # A little room at the left, for the mark of step 0.
        self.fix(x=(-0.02 * right, right), y=self.decades.include(logs))
        self.levels.set_levels(self.ticks("left"))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.levels.retheme(theme)
        self.broken.set_pen(cosmetic(QColor(theme.error), 3.0))
