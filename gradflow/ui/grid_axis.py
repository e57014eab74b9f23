"""The axes of a map: cells side by side, with ticks where round values of a field lie, or its names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pyqtgraph as pg

from gradflow.sim.sweep import Axis
from gradflow.sim.words import spelled


class GridAxis(pg.AxisItem):
    """An axis counted in cells from the first one, labelled in the units of the field."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self._rows: list[dict[float, str]] = [{}]

    def show_axis(self, axis: Axis) -> None:
        """Take the ticks of an axis."""
        self._rows = [_named(axis, values) for values in _candidates(axis)]
        self.picture = None
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Place the densest ticks that have room."""
        apart = (52.0 if self.orientation == "bottom" else 22.0) * (high - low) / max(size, 1.0)
        for row in self._rows:
            ticks = sorted(place for place in row if low <= place <= high)
            if len(ticks) > 1 and min(b - a for a, b in pairwise(ticks)) >= apart:
                return [(1.0, ticks)]
        ticks = sorted(self._rows[-1])
        every = max(1, math.ceil(apart * max(len(ticks) - 1, 1) / max(high - low - 1.0, 1.0)))
        return [(1.0, ticks[::every])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks."""
        names = {place: name for row in self._rows for place, name in row.items()}
        return [names.get(value, "") for value in values]


def _named(axis: Axis, values: Sequence[object]) -> dict[float, str]:
    places = (axis.place_of(value) for value in values)
    return {place: spelled(value) for place, value in zip(places, values, strict=True) if math.isfinite(place)}


def _candidates(axis: Axis) -> Iterable[Sequence[object]]:
    """Yield values that could be named, the densest first; the last are the axis's own."""
    if axis.numeric and len(axis.values) > 1:
        low, high = float(axis.values[0]), float(axis.values[-1])
        whole = all(isinstance(value, int) for value in axis.values)
        if axis.log:
            decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            for steps in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 3), (1,)):
                found = [float(f"{step * 10.0**decade:.12g}") for decade in decades for step in steps]
                yield [int(value) if value >= 1e4 else value for value in found if value.is_integer() or not whole]
        else:
            coarsest = 10.0 ** math.floor(math.log10(high - low))
            for every in (coarsest / 10, coarsest / 5, coarsest / 2, coarsest):
                if not whole or every >= 1.0:
                    first, last = math.ceil(low / every - 1e-9), math.floor(high / every + 1e-9)
                    yield [round(k * every) if whole else float(f"{k * every:.12g}") for k in range(first, last + 1)]
    yield axis.values
