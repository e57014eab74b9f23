"""The length map q ← σ_w²·E φ(√q·z)² + σ_b² of a deep random network, and the lengths that it leaves as they are.

Poole et al. 2016. q is the mean square of a wide layer's pre-activations, with Var W = σ_w²/n and Var b = σ_b².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array
from gradflow.theory.roots import crossing, lowest

SHORT, LONG = 1e-10, 1e10
"""The lengths between which fixed points are looked for; beyond, q counts as 0 and as infinite."""

LEVEL = 1e-10
"""A relative change of the length per layer that counts as none."""


class Stability(StrEnum):
    """What becomes of a network that starts near a fixed point."""

    STABLE = "stable"
    UNSTABLE = "unstable"
    ONE_SIDED = "stable from one side"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class FixedPoint:
    """A length q* that a layer reproduces: nan stands for every length, 0 and ∞ for what is only approached."""

    length: float
    stability: Stability


@dataclass(frozen=True)
class LengthMap:
    """What one layer of a wide network does to q."""

    moments: Moments
    square: float
    bias_square: float

    def __call__(self, q: float) -> float:
        """Return the length one layer on."""
        return self.square * float(self.moments.value(q)) + self.bias_square

    def path(self, first: float, layers: int) -> Array:
        """Return q in `layers` equal layers, that of the first one given."""
        q = np.full(layers, first)
        for layer in range(1, layers):
            q[layer] = self(q[layer - 1])
        return q

    def slope(self, q: float) -> float:
        """Return χ∥ = σ_w²·dV₂/dq."""
        return self.square * float(self.moments.value_growth(q))

    def fixed_points(self) -> tuple[FixedPoint, ...]:
        """Return all lengths that a layer reproduces, by size, and ∞ if long signals grow for ever."""
        if not math.isfinite(self.square + self.bias_square):
            return (FixedPoint(math.nan, Stability.UNSTABLE),)
        if self.square == 0.0:
            return (FixedPoint(self.bias_square, Stability.STABLE),)
        x, values = _grid(self.moments)
        with np.errstate(divide="ignore"):
            growth = np.log(self.square * values + self.bias_square) - x
        if np.all(np.abs(growth) < LEVEL):
            return (FixedPoint(math.nan, Stability.NEUTRAL),)
        found, shortest = [], self(0.0)
        if shortest == 0.0 or growth[0] < 0.0:
            found.append(FixedPoint(shortest, _stable_if(bool(growth[0] < 0.0))))
        turns = [self._turn(x[i - 1], x[i + 1], bool(growth[i] > 0.0)) for i in _turns_next_to_zero(growth)]
        x, growth = np.append(x, turns), np.append(growth, [self._growth(turn) for turn in turns])
        # What is smaller than rounding has no sign: long signals in a rounded rectifier hardly grow or shrink.
        order = np.argsort(x)
        order = order[np.abs(growth[order]) > 1e-12]
        x, growth = x[order], growth[order]
        for i in np.flatnonzero((growth[1:] > 0.0) != (growth[:-1] > 0.0)):
            root = math.exp(crossing(self._growth, x[i], x[i + 1]))
            found.append(FixedPoint(root, _stable_if(bool(growth[i] > 0.0))))
        found += [FixedPoint(math.exp(turn), Stability.ONE_SIDED) for turn in turns if abs(self._growth(turn)) < LEVEL]
        if growth[-1] > 0.0:
            found.append(FixedPoint(math.inf, Stability.STABLE))
        return tuple(sorted(found, key=lambda point: point.length))

    def settled(self, first: float = 1.0) -> FixedPoint:
        """Return where a deep network ends up whose first layer has length `first`."""
        points = self.fixed_points()
        if points[0].stability is Stability.NEUTRAL:
            return FixedPoint(first, Stability.NEUTRAL)
        here = [point for point in points if math.isclose(point.length, first, rel_tol=1e-9)]
        if here:
            return here[0]
        ahead = [p for p in points if p.length > first] if self(first) > first else points[::-1]
        return next((p for p in ahead if (p.length > first) == (self(first) > first)), points[-1])

    def _growth(self, x: float) -> float:
        """Return ln(q′/q) at q = eˣ."""
        after = self(math.exp(x))
        return math.log(after) - x if after > 0.0 else -math.inf

    def _turn(self, left: float, right: float, above: bool) -> float:
        """Return where the curve of `_growth` comes nearest to zero between two places."""
        sign = 1.0 if above else -1.0
        return lowest(lambda x: sign * self._growth(x), left, right)


@lru_cache(maxsize=64)
def _grid(moments: Moments) -> tuple[Array, Array]:
    """Return ln q and V₂ from `SHORT` to `LONG`, sixty to a decade."""
    q = np.geomspace(SHORT, LONG, 1201)
    return np.log(q), np.asarray(moments.value(q))


def _turns_next_to_zero(growth: Array) -> list[int]:
    """Return the inner points where a curve that is nearly zero turns back: a root may hide there, or two."""
    left, middle, right = growth[:-2], growth[1:-1], growth[2:]
    peak = (middle - left) * (right - middle) <= 0.0
    towards_zero = np.abs(middle) <= np.minimum(np.abs(left), np.abs(right))
    apart = (np.minimum(np.abs(left), np.abs(right)) > 10.0 * LEVEL) & (left * right > 0.0)
    return [int(i) + 1 for i in np.flatnonzero(peak & towards_zero & apart & (np.abs(middle) < 1e-2))]


def _stable_if(inwards: bool) -> Stability:
    return Stability.STABLE if inwards else Stability.UNSTABLE
