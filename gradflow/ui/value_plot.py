"""A plot of positive numbers over the steps: on a linear axis from 0, in decades once they span more than two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradflow.ui.axes import ValueAxis, WholeAxis
from gradflow.ui.plot import DecadeRange, Plot, log10_marks, nice_ceiling

Array = NDArray[np.float64]

MOST_LINEAR = 100.0
"""From which ratio of the greatest to the least number on the axis is logarithmic."""


class ValuePlot(Plot):
    """The plot; `heights` says where numbers stand on the axis that `fit` has chosen."""

    def __init__(self, y_label: str) -> None:
        self.values, self.decades, self._top = ValueAxis("left"), DecadeRange(least=1.0), 0.0
        super().__init__(WholeAxis("bottom"), self.values, "step", y_label)
        self.values.linear = True

    def forget(self) -> None:
        """Begin with a linear axis again."""
        self._top = 0.0
        self.decades.forget()
        self.values.linear = True

    def fit(self, numbers: Array) -> None:
        """Fit the axis to these numbers; a logarithmic one stays so until it forgets."""
        positive = numbers[numbers > 0.0]
        if self.values.linear and positive.size and positive.max() > MOST_LINEAR * positive.min():
            self.values.linear, self.values.picture = False, None
        if self.values.linear:
            highest = float(np.nanmax(numbers, initial=0.0))
            wanted = nice_ceiling(1.05 * highest, 1e-6) if highest > 0 else 1.0
            if not self._top or wanted > self._top or wanted < 0.3 * self._top:
                self._top = wanted
            self.values.named = {}
            self.fix(y=(0.0, self._top))
            return
        logs, zero, _ = log10_marks(numbers)
        low, high = self.decades.include(logs)
        gutter = 0.1 * (high - low) if zero.any() else 0.0
        self.values.named = {low - gutter / 2: "0"} if gutter else {}
        self.fix(y=(low - gutter, high))

    def heights(self, numbers: Array) -> Array:
        """Return where numbers stand on the axis, nan for those that are not finite."""
        if self.values.linear:
            return np.where(np.isfinite(numbers), numbers, np.nan)
        logs, zero, _ = log10_marks(numbers)
        return np.where(zero, next(iter(self.values.named), np.nan), logs)

    def reach(self, last_step: float) -> None:
        """Show all steps up to this one, with a little room at the left for the mark of step 0."""
        right = nice_ceiling(last_step + 1.0, 20.0)
        self.fix(x=(-0.02 * right, right))
