"""The axes of plots: where their ticks are, and what is written beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pyqtgraph as pg

from gradflow.sim.words import spell, superscript


def power_of_ten(exponent: float) -> str:
    """Return 10ⁿ as it is printed on an axis; plain numbers near 1."""
    n = round(exponent)
    return {-2: "0.01", -1: "0.1", 0: "1", 1: "10", 2: "100"}.get(n) or f"10{superscript(n)}"


def round_step(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten, the first from a least step on."""
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in (1.0, 2.0, 5.0, 10.0) if step * magnitude >= least * (1.0 - 1e-9))


def from_one(last: int, every: int) -> list[int]:
    """Return the numbers from 1 on that are named: 1, 5, 10, 15, but 1, 3, 5, 7, as 1 and 2 would be too close."""
    return list(range(1, last + 1, every)) if every <= 2 else [1, *range(every, last + 1, every)]


def numbered(count: int, apart: float) -> list[int]:
    """Return which of `count` layers (from 0), `apart` pixels from each other, have room for their number below."""
    room = 12.0 + 7.0 * len(str(count))
    every = round_step(max(1.0, room / apart)) if apart > 0.0 else count
    return [number - 1 for number in from_one(count, int(every))]


class NumberAxis(pg.AxisItem):
    """A linear axis as pyqtgraph makes it, with minus signs that are some."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks."""
        names: list[str] = super().tickStrings(values, scale, spacing)
        return [name.replace("-", "−") for name in names]


class DecadeAxis(pg.AxisItem):
    """An axis in decades: ticks at whole powers of ten only, as many as fit, and at what `named` holds instead."""

    named: Mapping[float, str] = MappingProxyType({})

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Place ticks at whole decades, as many as fit side by side."""
        apart = 42.0 if self.orientation == "bottom" else 24.0
        wanted = apart * (high - low) / max(size, 1.0)
        every = next(step * 10**power for power in range(9) for step in (1, 2, 3, 5) if step * 10**power >= wanted)
        first = math.ceil(low / every) * every
        decades = [float(v) for v in range(first, math.floor(high) + 1, every)]
        # A decade inside a named gutter would give it a number that it has not.
        return [(every, self._with_named(decades, low, high, 0.06))]

    def _with_named(self, ticks: Sequence[float], low: float, high: float, room: float) -> list[float]:
        """Return what is named, and the ticks that have so much room (a share of the axis) from all of that."""
        free = [v for v in ticks if all(abs(v - place) > room * (high - low) for place in self.named)]
        return free + [place for place in self.named if low <= place <= high]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks."""
        return [self.named.get(value) or power_of_ten(value) for value in values]


class WholeAxis(pg.AxisItem):
    """An axis of whole numbers: no tick falls between two of them. One that counts from 1 always names the 1."""

    def __init__(self, orientation: str, from_one: bool = False) -> None:
        super().__init__(orientation)
        self._from_one = from_one
        self.last = math.inf
        """The greatest number there is; ticks end with it."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Place ticks at 1, 2 or 5 times a power of ten, never closer than 1."""
        apart = 48.0 if self.orientation == "bottom" else 28.0
        every = round_step(max(1.0, apart * (high - low) / max(size, 1.0)))
        high = min(high, self.last)
        if self._from_one:
            return [(every, [float(number) for number in from_one(math.floor(high), int(every))])]
        return [(every, [k * every for k in range(math.ceil(low / every), math.floor(high / every) + 1)])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks."""
        return [f"{value:.0f}" for value in values]


class ValueAxis(DecadeAxis):
    """An axis of magnitudes in decades, or of numbers on a linear scale."""

    linear = False

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Place ticks at whole decades, or at round numbers."""
        if not self.linear:
            return super().tickValues(low, high, size)
        apart = 64.0 if self.orientation == "bottom" else 24.0
        every = round_step(apart * (high - low) / max(size, 1.0))
        inside = [k * every for k in range(math.ceil(low / every - 1e-9), math.floor(high / every + 1e-9) + 1)]
        # No number stands in or under the name of a gutter.
        return [(every, self._with_named(inside, low, high, 0.08))]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Name the ticks."""
        if not self.linear:
            return super().tickStrings(values, scale, spacing)
        return [self.named.get(v) or spell(v).replace("0·", "·").replace(".0·", "·") for v in values]
