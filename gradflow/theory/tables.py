"""Gaussian averages by table, for what asks for thousands of them: interpolated between exact ones over ln q.

Relative errors are below 10⁻⁵ between q = 10⁻¹² and 10¹²; beyond, the averages are the powers of √q that they approach.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np

from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array

STEP = 0.1
"""The distance of two exact entries in ln q."""

STEPS = 554
"""So many of them there are, half of them on either side of q = 1."""

LENGTHS = np.exp(np.linspace(-0.5, 0.5, STEPS + 1) * STEPS * STEP)

FINE = np.linspace(-0.5, 0.5, 20 * STEPS + 1) * STEPS * STEP
"""ln q, so close together that straight lines do."""

FAR = 1e3
"""The ln q of a length that counts as endless, and −FAR of one that counts as nothing: its square underflows."""

REACH = np.concatenate([[-FAR], FINE, [FAR]])

AVERAGES = ("value", "slope", "value4", "slope4", "mixed")

AT_ONCE = 64
"""Lengths whose averages are worked out together: several averages want the same nodes, which are kept for a while."""


class Table:
    """The averages of one activation, by their names in `Moments`; nan of what is no length, as numpy may warn."""

    def __init__(self, moments: Moments) -> None:
        pieces = np.array_split(LENGTHS, math.ceil(len(LENGTHS) / AT_ONCE))
        with np.errstate(all="ignore"):
            parts = [[getattr(moments, name)(q) for name in (*AVERAGES, "mean")] for q in pieces]
            *positive, mean = (np.concatenate(part) for part in zip(*parts, strict=True))
            self._logs = {name: _onwards(_between(np.log(y))) for name, y in zip(AVERAGES, positive, strict=True)}
            # The mean may be negative and has no logarithm; its share of √V₂ changes little.
            self._rises = cache(lambda average: np.gradient(self._logs[average], REACH))
            self._share = np.pad(_between(mean / np.sqrt(positive[0])), 1, mode="edge")

    def __call__(self, q: Array, *averages: str) -> list[Array]:
        """Return averages at every q."""
        x = np.log(q)
        return [np.exp(np.interp(x, REACH, self._logs[average])) for average in averages]

    def mean(self, q: Array, value: Array) -> Array:
        """Return E φ(√q·z) from V₂ = `value`."""
        return np.asarray(np.interp(np.log(q), REACH, self._share) * np.sqrt(value))

    def growth(self, average: str, q: Array) -> Array:
        """Return d ln average/d ln q, to four digits of what a factor e in q changes."""
        return np.interp(np.log(q), REACH, self._rises(average))


def _between(exact: Array) -> Array:
    """Return the entries of the fine grid: cubics through the four exact ones around."""
    place = np.linspace(0.0, STEPS, len(FINE))
    i = np.clip(np.floor(place).astype(np.intp), 1, STEPS - 2)
    t = place - i
    found: Array = (
        exact[i - 1] * (-t * (t - 1.0) * (t - 2.0) / 6.0)
        + exact[i] * ((t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0)
        + exact[i + 1] * (-(t + 1.0) * t * (t - 2.0) / 2.0)
        + exact[i + 2] * ((t + 1.0) * t * (t - 1.0) / 6.0)
    )
    return found


def _onwards(logs: Array) -> Array:
    """Return the logarithms with those of both ends of the scale, by the power laws that the averages approach."""
    rises = np.array([logs[0] - logs[1], logs[-1] - logs[-2]]) / (FINE[1] - FINE[0])
    # Whatever φ is, its averages end as powers of √q; what is left of other terms must not be drawn out so far.
    first, last = logs[[0, -1]] + np.round(2.0 * rises) / 2.0 * (FAR - FINE[-1])
    return np.concatenate([[first], logs, [last]])


@lru_cache(maxsize=32)
def table_of(moments: Moments) -> Table:
    """Return the table of an activation's averages; it is made when first asked."""
    return Table(moments)
