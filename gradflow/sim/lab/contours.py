"""Contour lines of a grid of numbers, by marching squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The corners of a square one after the other, as (row, column).
_CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))


def contours(values: Array, levels: Sequence[float]) -> Array:
    """Return line segments (segments, 2 ends, 2) along which the grid has these levels, as (column, row) places.

    Squares with a corner that is not finite have none.
    """
    rows, columns = values.shape
    corners = np.stack([values[r : rows - 1 + r, c : columns - 1 + c] for r, c in _CORNERS])
    there: NDArray[np.bool_] = np.asarray(np.isfinite(corners).all(axis=0))
    found = [_of_level(corners, there, level) for level in levels]
    return np.concatenate(found) if found else np.empty((0, 2, 2))


def _of_level(corners: Array, there: NDArray[np.bool_], level: float) -> Array:
    above = corners > level
    number = np.where(there, above.sum(axis=0), 0)
    cells = np.argwhere((number > 0) & (number < 4))
    if not len(cells):
        return np.empty((0, 2, 2))
    r, c = cells.T
    crossing, places = [], []
    for k, start in enumerate(_CORNERS):
        end = _CORNERS[(k + 1) % 4]
        a, b = corners[k, r, c], corners[(k + 1) % 4, r, c]
        crosses = (a > level) != (b > level)
        share = np.divide(level - a, b - a, out=np.zeros_like(a), where=crosses)
        row = r + start[0] + share * (end[0] - start[0])
        column = c + start[1] + share * (end[1] - start[1])
        crossing.append(crosses)
        places.append(np.stack([column, row], axis=1))
    crossed, at = np.array(crossing), np.array(places)
    # Two crossings make one segment; of four, which only a saddle has, neighbours belong together.
    simple = crossed.sum(axis=0) == 2
    order = np.argsort(~crossed[:, simple], axis=0, kind="stable")
    which = np.flatnonzero(simple)
    segments = [np.stack([at[order[0], which], at[order[1], which]], axis=1)]
    saddles = np.flatnonzero(~simple)
    if len(saddles):
        middle = corners[:, r[saddles], c[saddles]].mean(axis=0) > level
        joined = middle == above[0, r[saddles], c[saddles]]
        for one, other in ((0, 1), (2, 3)):
            swapped = {1: 3, 3: 1}[other]
            partner = np.where(joined, other, swapped)
            segments.append(np.stack([at[one, saddles], at[partner, saddles]], axis=1))
    return np.concatenate(segments)
