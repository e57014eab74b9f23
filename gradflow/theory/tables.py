"""Gaussian averages by table, for what asks for thousands of them: cubic interpolation between exact ones over ln q.

Relative errors are below 10⁻⁵ between q = 10⁻¹² and 10¹²; beyond, the averages follow the power law of the last two.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array

STEP = 0.1
"""The distance of two entries in ln q."""

LENGTHS = np.exp(np.arange(-277, 278) * STEP)

AVERAGES = ("value", "slope", "value4", "slope4", "mixed")


class Table:
    """The averages of one activation."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments

    def __call__(self, average: str, q: ArrayLike) -> Array:
        """Return an average, by its name in `Moments`, at every q."""
        q = np.asarray(q, float)
        with np.errstate(all="ignore"):
            found = np.exp(self._interpolate(average, np.log(q)))
        # A length of exactly 0 has no logarithm.
        if (q == 0.0).any():
            found = np.where(q == 0.0, getattr(self._moments, average)(0.0), found)
        return found

    @cached_property
    def _logs(self) -> dict[str, Array]:
        with np.errstate(all="ignore"):
            return {name: np.log(getattr(self._moments, name)(LENGTHS)) for name in AVERAGES}

    def _interpolate(self, average: str, x: Array) -> Array:
        y = self._logs[average]
        place = x / STEP + 277.0
        i = np.clip(np.nan_to_num(np.floor(place)).astype(np.intp), 1, len(y) - 3)
        t = place - i
        # The cubic through the four entries around x (Lagrange); a straight line beyond the ends.
        inside = (
            y[i - 1] * (-t * (t - 1.0) * (t - 2.0) / 6.0)
            + y[i] * ((t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0)
            + y[i + 1] * (-(t + 1.0) * t * (t - 2.0) / 2.0)
            + y[i + 2] * ((t + 1.0) * t * (t - 1.0) / 6.0)
        )
        below, above = y[0] + (y[1] - y[0]) * place, y[-1] + (y[-1] - y[-2]) * (place - len(y) + 1.0)
        found: Array = np.where(place < 0.0, below, np.where(place > len(y) - 1.0, above, inside))
        return found


_tables: dict[int, Table] = {}


def table_of(moments: Moments) -> Table:
    """Return the table of an activation's averages; it is made when first asked."""
    return _tables.setdefault(id(moments), Table(moments))
