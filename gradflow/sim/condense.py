"""An array condensed to one number, without a square that leaves the range of floating point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.nodes.dense import row_norms

Array = NDArray[Any]

BLOCK = 256
"""So many columns are compared with the others at once."""


def largest(values: Array) -> float:
    """Return max |v|; 0 where there is nothing."""
    return float(max(values.max(), -values.min())) if values.size else 0.0


def rms(values: Array) -> float:
    """Return √ mean v², scaled so that no square leaves the range."""
    top = largest(values)
    if not 0.0 < top < np.inf:
        return top
    return top * float(np.sqrt(np.square(values / top).mean(dtype=float)))


def offset(values: Array) -> float:
    """Return mean v / √ mean v², from −1 to 1; nan where all are 0."""
    size = rms(values)
    return float(np.clip((values / size).mean(dtype=float), -1.0, 1.0)) if size else np.nan


def mean_cosine(rows: Array) -> float:
    """Return the mean cosine between two different rows; nan where fewer than two have a direction."""
    rows = rows.astype(float)
    lengths = row_norms(rows)
    directed = lengths > 0.0
    count = int(np.count_nonzero(directed))
    if count < 2:
        return np.nan
    # |Σ u|² counts every pair of directions twice, and every one with itself.
    total = (rows[directed] / lengths[directed, None]).sum(axis=0)
    return float(min((total.dot(total) - count) / (count * (count - 1)), 1.0))


def unit_columns(matrix: Array) -> Array:
    """Return the columns of a matrix at length 1, in float64; those without length are all the same."""
    lengths = row_norms(matrix.T.astype(float))
    directions: Array = np.divide(matrix, lengths, out=np.zeros(matrix.shape), where=lengths > 0.0)
    directions[0, lengths == 0.0] = 1.0
    return directions


def most_alike(matrix: Array, give_way: Callable[[], None] = lambda: None) -> float:
    """Return the largest |cosine| between two columns; nan where there is only one.

    Block by block, each with itself and those behind it: of wide layers, all pairs at once would be too many to keep,
    and too long to wait for. `give_way` is called between them.
    """
    count = matrix.shape[1]
    if count < 2:
        return np.nan
    directions, most = unit_columns(matrix), 0.0
    for start in range(0, count, BLOCK):
        give_way()
        cosines = np.abs(directions[:, start : start + BLOCK].T @ directions[:, start:])
        np.fill_diagonal(cosines, 0.0)
        most = max(most, float(cosines.max()))
    return min(most, 1.0)
