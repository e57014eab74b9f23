"""An axis that can be logarithmic or linear, whichever shows more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradflow.sim.words import spell
from gradflow.ui.plot import DecadeAxis


class ValueAxis(DecadeAxis):
    """An axis of magnitudes in decades, or of numbers on a linear scale."""

    linear = False

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Place ticks at whole decades, or at round numbers."""
        if not self.linear:
            return super().tickValues(low, high, size)
        apart = 64.0 if self.orientation == "bottom" else 24.0
        wanted = apart * (high - low) / max(size, 1.0)
        magnitude = 10.0 ** np.floor(np.log10(wanted))
        every = float(next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= wanted * (1 - 1e-9)))
        inside = [k * every for k in range(int(np.ceil(low / every - 1e-9)), int(np.floor(high / every + 1e-9)) + 1)]
        # No number stands in or under the name of a gutter.
        room = 0.08 * (high - low)
        inside = [v for v in inside if all(abs(v - place) > room for place in self.named)]
        return [(every, inside + [place for place in self.named if low <= place <= high])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks."""
        if not self.linear:
            return super().tickStrings(values, scale, spacing)
        return [self.named.get(v) or spell(v).replace("0·", "·").replace(".0·", "·") for v in values]
