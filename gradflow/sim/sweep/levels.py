"""How the numbers of a map become colours: a range that follows the cells that are done, and nothing else.

It has no memory: the same cells have the same colours in the window and in a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.sweep.measures import Scale

Array = NDArray[np.float64]
Ends = tuple[float, float]

FURTHEST = 10.0
"""So many decades from 1 (a ratio) or from the median have colours of their own; what is further off has the last one.

A network beyond them is past hope, and one that has blown up must not make all others look the same.
"""

LEAST_RATIO = math.log10(2.0)
"""A ratio spans at least a factor of two either way, so that a few per cent do not look like much."""

FEW, MANY = 5, 10
"""So many ticks are wanted, about, on a linear and on a logarithmic scale."""

ROUND = ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7), tuple(range(1, 10)))
"""The digits that ticks below two decades begin with, the fewest first."""


@dataclass(frozen=True, eq=False, repr=False)
class Levels(Frozen):
    """Where each number lies, from 0 (the least) to 1 (the most); below and above that what is further off, or nan.

    `places` are those of the ticks and `ticks` their numbers: logarithms to the base of ten if `decades`. `below` and
    `above` say whether there are numbers beyond the ends.
    """

    shares: Array
    places: Array
    ticks: Array
    decades: bool
    below: bool
    above: bool


def levels(values: Array, scale: Scale) -> Levels:
    """Return where the numbers of a measure lie in a range that shows them; a ratio's has 1 in its middle."""
    decades = scale in (Scale.RATIO, Scale.DECADES)
    if scale is Scale.DECADES:
        with np.errstate(all="ignore"):
            # Zero becomes −∞, which is below everything else.
            values = np.log10(values)
    finite = values[np.isfinite(values)]
    if scale is Scale.RATIO:
        most = float(np.abs(finite).max(initial=LEAST_RATIO))
        high = _decades(0.0, min(most, FURTHEST))[1]
        low = -high
    elif not finite.size:
        low, high = 0.0, 1.0
    elif decades:
        middle = np.median(finite)
        near = np.clip(finite, middle - FURTHEST, middle + FURTHEST)
        low, high = _decades(float(near.min()), float(near.max()))
    elif scale is Scale.EITHER:
        low, high = 0.0, 1.0
    else:
        low, high = _linear(float(finite.min()), float(finite.max()), scale)
    ticks = _ticks_of_decades(low, high) if decades else _ticks(low, high, scale)
    with np.errstate(invalid="ignore"):
        below, above = bool((values < low).any()), bool((values > high).any())
    # An end that is passed has a tick, which says so.
    if below and ticks[0] > low + 1e-9:
        ticks = np.insert(ticks, 0, low)
    if above and ticks[-1] < high - 1e-9:
        ticks = np.append(ticks, high)
    return Levels((values - low) / (high - low), (ticks - low) / (high - low), ticks, decades, below, above)


def _decades(low: float, high: float) -> Ends:
    """Return the nearest ends that are powers of ten, or multiples of one where these would be too far apart."""
    if high - low >= 2.0:
        return math.floor(low), math.ceil(high)
    grid = _grid(low, high, ROUND[-1])
    first = int(np.searchsorted(grid, low + 1e-9, side="right")) - 1
    last = int(np.searchsorted(grid, high - 1e-9, side="left"))
    return float(grid[first]), float(grid[max(last, first + 1)])


def _ticks_of_decades(low: float, high: float) -> Array:
    if high - low >= 2.0:
        every = max(1, round((high - low) / MANY))
        return np.arange(math.ceil(low / every) * every, math.floor(high) + 1, every, dtype=float)
    for digits in ROUND:
        grid = _grid(low, high, digits)
        inside = grid[(grid >= low - 1e-9) & (grid <= high + 1e-9)]
        if len(inside) >= 3:
            break
    return inside


def _grid(low: float, high: float, digits: tuple[int, ...]) -> Array:
    """Return the logarithms of all numbers that begin with these digits, from below `low` to above `high`."""
    exponents = np.arange(math.floor(low) - 1, math.ceil(high) + 2)
    grid: Array = np.add.outer(exponents, np.log10(digits)).ravel()
    return grid


def _linear(low: float, high: float, scale: Scale) -> Ends:
    """Return the nearest ends that are multiples of the ticks' distance, which shares do not leave 0 to 1 for."""
    step = _step(low, high, scale)
    # Rounding must not make a new tick of 0.30000000000000004.
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        first, last = (first - 1, last) if scale is Scale.SHARE and high > 0.5 else (first, last + 1)
    return first * step, last * step


def _ticks(low: float, high: float, scale: Scale) -> Array:
    step = 1.0 if scale is Scale.EITHER else _step(low, high, scale)
    # The ends are multiples of what may have been a finer distance.
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return np.linspace(first * step, last * step, last - first + 1)


def _step(low: float, high: float, scale: Scale) -> float:
    """Return 1, 2 or 5 times a power of ten, so that it fits a few times between two numbers."""
    wanted = max((high - low) / FEW, 0.02 if scale is Scale.SHARE else 1.0)
    power = 10.0 ** math.floor(math.log10(wanted) + 1e-9)
    return next(digit * power for digit in (1.0, 2.0, 5.0, 10.0) if digit * power >= wanted * (1.0 - 1e-9))
