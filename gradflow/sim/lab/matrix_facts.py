"""What can be said of a Jacobian at a glance: rank, singular values, norm, zeros and structure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.pause import breathe

Array = NDArray[Any]

_SMALL = 40

MOST_WORK = 512**3
"""Singular values are taken of 512 × 512 numbers, or of as much work: that is 50 ms, in one piece."""


@dataclass(frozen=True)
class MatrixFacts:
    """The numbers of one matrix; nan where it has entries that are no numbers.

    `rank` counts singular values above s_max·max(rows, columns)·ε, as numpy.linalg.matrix_rank does; −1 is unknown.
    Where the matrix is `too_large` for a decomposition, the singular values are nan.
    """

    shape: tuple[int, int]
    rank: int
    largest: float
    smallest: float
    frobenius: float
    zeros: float
    structure: str
    too_large: bool = False

    @property
    def condition(self) -> float:
        """The largest over the smallest singular value: ∞ where a direction is lost."""
        if self.smallest > 0.0 and self.rank == min(self.shape):
            return self.largest / self.smallest
        return math.nan if math.isnan(self.largest) else math.inf


def facts_of(matrix: Array) -> MatrixFacts:
    """Measure a matrix; it takes a singular value decomposition unless it is diagonal, or too large for that."""
    rows, columns = matrix.shape
    zeros = float(np.mean(matrix == 0.0)) if matrix.size else 1.0
    breathe()
    built = structure(matrix)
    breathe()
    if not np.isfinite(matrix).all():
        return MatrixFacts((rows, columns), -1, math.nan, math.nan, math.nan, zeros, built)
    frobenius = _frobenius(matrix)
    breathe()
    if rows * columns * min(rows, columns) > MOST_WORK and not is_diagonal(matrix):
        return MatrixFacts((rows, columns), -1, math.nan, math.nan, frobenius, zeros, built, too_large=True)
    singular = singular_values(matrix)
    largest, smallest = (float(singular[0]), float(singular[-1])) if len(singular) else (0.0, 0.0)
    rank = int(np.count_nonzero(singular > largest * max(rows, columns) * np.finfo(float).eps))
    return MatrixFacts((rows, columns), rank, largest, smallest, frobenius, zeros, built)


def singular_values(matrix: Array) -> Array:
    """Return all singular values, largest first."""
    if is_diagonal(matrix):
        return np.sort(np.abs(np.diagonal(matrix)))[::-1]
    # Squares of a matrix near the ends of the range leave it.
    scale = float(np.abs(matrix).max(initial=0.0)) or 1.0
    values: Array = np.linalg.svd(matrix / scale, compute_uv=False) * scale
    return values


def is_diagonal(matrix: Array) -> bool:
    """Tell whether a matrix is square and nothing but its diagonal is other than 0."""
    rows, columns = matrix.shape
    return rows == columns and bool(np.count_nonzero(matrix) == np.count_nonzero(np.diagonal(matrix)))


def structure(matrix: Array) -> str:
    """Say in words how a matrix is built, from its numbers alone."""
    kept = matrix != 0.0
    if not np.isfinite(matrix).all():
        return f"{np.count_nonzero(~np.isfinite(matrix))} entries are not finite"
    if not kept.any():
        return "zero"
    if is_diagonal(matrix):
        diagonal = np.diagonal(matrix)
        if (diagonal == diagonal[0]).all():
            return "identity" if diagonal[0] == 1.0 else "a multiple of the identity"
        dead = np.count_nonzero(diagonal == 0.0)
        return f"diagonal, {dead} of {len(diagonal)} entries 0" if dead else "diagonal"
    if min(matrix.shape) > 1 and (matrix[kept] == 1.0).all() and max(kept.sum(0).max(), kept.sum(1).max()) == 1:
        return "a selection: 0 and 1 only"
    words = []
    for axis, name in ((1, "row"), (0, "column")):
        empty = int(np.count_nonzero(~kept.any(axis=axis)))
        if empty:
            words.append(f"{empty} {name}{'s' if empty > 1 else ''} of zeros")
    if words:
        return ", ".join(words)
    return "full" if kept.all() else "sparse" if kept.mean() < 0.5 else "some zeros"


def thumbnail(matrix: Array) -> Array:
    """Return a matrix of at most 40 × 40 numbers from −1 to 1 that looks like this one: of each block its largest."""
    starts = [np.linspace(0, length, min(length, _SMALL), endpoint=False).astype(int) for length in matrix.shape]
    high, low = matrix, matrix
    with np.errstate(all="ignore"):
        for axis, places in enumerate(starts):
            high, low = np.maximum.reduceat(high, places, axis=axis), np.minimum.reduceat(low, places, axis=axis)
        found = np.where(high >= -low, high, low)
        odd = ~(np.isfinite(high) & np.isfinite(low))
        found[odd] = 0.0
        found /= float(np.abs(found).max(initial=0.0)) or 1.0
    found[odd] = np.nan
    return found


def _frobenius(matrix: Array) -> float:
    scale = float(np.abs(matrix).max(initial=0.0))
    return scale * float(np.linalg.norm(matrix / scale)) if scale > 0.0 else 0.0
