"""One number per layer over the recorded steps, by name: what a heat map shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frame import Frame
from gradflow.sim.frozen import Frozen
from gradflow.sim.snapshot import Stat

Array = NDArray[np.float64]


class Scale(Enum):
    """On which scale numbers are to be compared."""

    DECADES = "positive numbers over many decades"
    SHARE = "shares from 0 to 1"
    SIGNED = "numbers around 0"


@dataclass(frozen=True)
class Quantity:
    """What can be followed over the steps: its symbol, meaning, scale, and the statistics it is the ratio of.

    Where a number `may_lack` in some layers, nan says so; elsewhere nan is what an overflow left.
    """

    symbol: str
    meaning: str
    scale: Scale
    of: Stat
    over: Stat | None = None
    may_lack: bool = False


_SCALES = {
    Stat.ACTIVATION_MEAN: Scale.SIGNED,
    Stat.DEAD: Scale.SHARE,
    Stat.SATURATED: Scale.SHARE,
    Stat.UNDERFLOW: Scale.SHARE,
}
_FIRST = (Stat.DELTA, Stat.WEIGHT_GRAD)
_LACKING = (Stat.DEAD, Stat.SATURATED, Stat.UNDERFLOW)

QUANTITIES: Mapping[str, Quantity] = {
    **{
        stat.symbol: Quantity(stat.symbol, stat.meaning, _SCALES.get(stat, Scale.DECADES), stat, None, stat in _LACKING)
        for stat in (*_FIRST, *(stat for stat in Stat if stat not in _FIRST))
    },
    "‖ΔW‖/‖W‖": Quantity(
        "‖ΔW‖/‖W‖", "The next update's size beside the weights'.", Scale.DECADES, Stat.UPDATE, Stat.WEIGHT, True
    ),
}
"""Every statistic that is taken at each step, and the update ratio; the gradients come first."""


@dataclass(frozen=True, eq=False, repr=False)
class Series(Frozen):
    """A quantity at some of the recorded steps, evenly apart: `values` (steps, layers)."""

    steps: Array
    values: Array

    @property
    def width(self) -> float:
        """How many steps one row of values stands for."""
        return float(self.steps[1] - self.steps[0]) if len(self.steps) > 1 else 1.0


def series(frame: Frame, quantity: Quantity, most: int, latest: int | None = None) -> Series:
    """Return a quantity at up to `most` recorded steps, of all or of the `latest` steps the run has taken.

    Before anything is recorded it is the snapshot's alone.
    """
    history = frame.history
    if not len(history):
        return Series(np.array([float(frame.snapshot.step)]), _ratio(quantity, frame.snapshot.stats[None]))
    steps = history.column("step")
    first = int(np.searchsorted(steps, steps[-1] - latest, side="right")) if latest else 0
    stride = 1
    while len(steps) - first > most * stride:
        stride *= 2
    # Multiples of the stride, so that the columns hold still while new ones come.
    rows = slice(-(-first // stride) * stride, None, stride)
    return Series(steps[rows].copy(), _ratio(quantity, history.stats[rows]))


def _ratio(quantity: Quantity, stats: Array) -> Array:
    values: Array = stats[:, quantity.of.row]
    if quantity.over is None:
        return np.array(values)
    below = stats[:, quantity.over.row]
    return np.divide(values, below, out=np.full_like(values, np.nan), where=below > 0)
