"""Gaussian averages by table, for what asks for thousands of them: interpolated between exact ones over ln q.

Relative errors are below 10⁻⁵ between q = 10⁻¹² and 10¹²; beyond, the averages follow the power law of the last two.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array

STEP = 0.1
"""The distance of two entries in ln q."""

LENGTHS = np.exp(np.arange(-277, 278) * STEP)

FINE = np.linspace(-277 * STEP, 277 * STEP, 554 * 10 + 1)
"""ln q, so close together that straight lines do."""

AVERAGES = ("value", "slope", "value4", "slope4", "mixed")


class Table:
    """The averages of one activation."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments

    def __call__(self, average: str, q: ArrayLike) -> Array:
        """Return an average, by its name in `Moments`, at every q."""
        q = np.asarray(q, float)
        y = self._logs[average]
        with np.errstate(all="ignore"):
            x = np.log(q)
            logs = np.interp(x, FINE, y)
            if x.size and not (FINE[0] <= x.min() and x.max() <= FINE[-1]):
                logs = self._beyond(x, y, logs)
            found: Array = np.exp(logs)
        # A length of exactly 0 has no logarithm.
        if (q == 0.0).any():
            found = np.where(q == 0.0, getattr(self._moments, average)(0.0), found)
        return found

    def mean(self, q: Array) -> Array:
        """Return E φ(√q·z), which may be negative and has no logarithm."""
        y = self._means
        with np.errstate(all="ignore"):
            x = np.log(q)
            found = np.interp(x, FINE, y)
            if x.size and not (FINE[0] <= x.min() and x.max() <= FINE[-1]):
                below, above = (np.log(abs(y[i] / y[j])) / (FINE[1] - FINE[0]) for i, j in ((1, 0), (-1, -2)))
                beyond = np.minimum(x - FINE[0], 0.0) * below + np.maximum(x - FINE[-1], 0.0) * above
                found *= np.exp(np.nan_to_num(beyond))
        return np.asarray(found)

    @cached_property
    def _means(self) -> Array:
        return _between(np.asarray(self._moments.mean(LENGTHS)))

    @staticmethod
    def _beyond(x: Array, y: Array, logs: Array) -> Array:
        below, above = (y[1] - y[0]) / (FINE[1] - FINE[0]), (y[-1] - y[-2]) / (FINE[-1] - FINE[-2])
        corrected: Array = logs + np.minimum(x - FINE[0], 0.0) * below + np.maximum(x - FINE[-1], 0.0) * above
        return corrected

    @cached_property
    def _logs(self) -> dict[str, Array]:
        with np.errstate(all="ignore"):
            return {name: _between(np.log(getattr(self._moments, name)(LENGTHS))) for name in AVERAGES}


def _between(exact: Array) -> Array:
    """Return the entries of the fine grid: cubics through the four exact ones around."""
    place = (FINE - math.log(LENGTHS[0])) / STEP
    i = np.clip(np.floor(place).astype(np.intp), 1, len(LENGTHS) - 3)
    t = place - i
    found: Array = (
        exact[i - 1] * (-t * (t - 1.0) * (t - 2.0) / 6.0)
        + exact[i] * ((t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0)
        + exact[i + 1] * (-(t + 1.0) * t * (t - 2.0) / 2.0)
        + exact[i + 2] * ((t + 1.0) * t * (t - 1.0) / 6.0)
    )
    return found


_tables: dict[int, Table] = {}


def table_of(moments: Moments) -> Table:
    """Return the table of an activation's averages; it is made when first asked."""
    return _tables.setdefault(id(moments), Table(moments))
