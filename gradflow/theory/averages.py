"""The Gaussian averages of any activation, by quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gradflow.engine.activations import Activation, Identity
from gradflow.theory import hermite
from gradflow.theory.quadrature import Array, average_of_product, halvings, rule_around_zero, rule_with_kinks

SMALLEST = 1e-300
"""What stands for q → 0, so that the two sides of a kink at 0 stay apart."""


class Sample(NamedTuple):
    """φ and φ′ at the nodes √q·z; `z` and `weights` may lack the axes of q in front."""

    z: Array
    weights: Array
    a: Array
    slope: Array


class Moments:
    """The Gaussian averages of one activation φ and of its slope; z ~ N(0, 1), q the mean square of the pre-activation.

    A q may be a number or an array of any shape. At q = 0 an average is its limit from above; a nan, a negative q and
    what has no limit give nan. Where `slope` is a surrogate, E φ′… is an average of the surrogate; a learnt slope is
    taken as it starts. Errors are below 10⁻¹² of the largest value for q from 10⁻⁸ to 10⁶, those of pairs too; those of
    `kernel`, which is a thousand times quicker, too, but near c = ±1 where φ has kinks or q is large: there up to 10⁻⁴
    in E φφ and a few 10⁻² in E φ′φ′.
    """

    def __init__(self, function: Activation | None) -> None:
        self.function = Identity() if function is None else function
        self.kinks = self.function.kinks
        self._kinks = np.array([kink for kink in self.kinks if kink])
        # Several averages are asked for at the same q.
        self._sample = lru_cache(maxsize=4)(self._fresh_sample)
        self._samples = lru_cache(maxsize=4)(self._fresh_samples)

    # One pre-activation

    def mean(self, q: ArrayLike) -> Array:
        """Return E φ(√q·z)."""
        return self._average(q, lambda s: s.a)

    def value(self, q: ArrayLike) -> Array:
        """Return V₂ = E φ(√q·z)²."""
        return self._average(q, lambda s: s.a * s.a)

    def slope(self, q: ArrayLike) -> Array:
        """Return D₂ = E φ′(√q·z)²."""
        return self._average(q, lambda s: s.slope * s.slope, SMALLEST)

    def value4(self, q: ArrayLike) -> Array:
        """Return V₄ = E φ(√q·z)⁴."""
        return self._average(q, lambda s: np.square(s.a * s.a))

    def slope4(self, q: ArrayLike) -> Array:
        """Return D₄ = E φ′(√q·z)⁴."""
        return self._average(q, lambda s: np.square(s.slope * s.slope), SMALLEST)

    def mixed(self, q: ArrayLike) -> Array:
        """Return E φ(√q·z)²·φ′(√q·z)²."""
        return self._average(q, lambda s: np.square(s.a * s.slope))

    def mean_slope(self, q: ArrayLike) -> Array:
        """Return E φ′(√q·z)."""
        return self._average(q, lambda s: s.slope, SMALLEST)

    def value_growth(self, q: ArrayLike) -> Array:
        """Return dV₂/dq = E[φ·φ′·z]/√q, which needs no φ″; below q = 10⁻¹⁰ its value there, right to ten digits."""
        q = _at_least(1e-10, np.asarray(q, dtype=np.float64))
        with np.errstate(all="ignore"):
            return np.asarray(self._average(q, lambda s: s.a * s.slope * s.z) / np.sqrt(q))[()]

    # Two pre-activations

    def pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        """Return E φ(u)·φ(v) for normal u and v of mean squares q_a and q_b and correlation c, elementwise."""
        return self._pairs(q_a, q_b, c, slopes=False)

    def slope_pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        """Return E φ′(u)·φ′(v), like `pair`."""
        return self._pairs(q_a, q_b, c, slopes=True)

    def kernel(self, Q: Array) -> tuple[Array, Array]:
        """Return E φ(u_i)·φ(u_j) and E φ′(u_i)·φ′(u_j) for u ~ N(0, Q), both B × B like the covariance Q."""
        q, c = _lengths_and_correlations(Q)
        with np.errstate(all="ignore"):
            return self._kernel(q, c)

    # How they are found

    def _kernel(self, q: Array, c: Array) -> tuple[Array, Array]:
        values, slopes = self.coefficients(q)
        return (
            hermite.kernel(values, c, np.asarray(self.value(q))),
            hermite.kernel(slopes, c, np.asarray(self.slope(q))),
        )

    def coefficients(self, q: Array) -> tuple[Array, Array]:
        """Return the Hermite coefficients of φ(√q·z) and of φ′(√q·z), both (B, K), for a vector of q."""
        top = float(np.max(q, initial=0.0, where=np.isfinite(q)))
        z, weighted = hermite.weighted_polynomials(halvings(math.sqrt(top)))
        a, slope = self._evaluate(np.sqrt(np.maximum(q, SMALLEST))[:, None] * z)
        return a @ weighted, slope @ weighted

    def _evaluate(self, x: Array) -> tuple[Array, Array]:
        a, slope, scratch = np.empty_like(x), np.empty_like(x), np.empty_like(x)
        self.function.value(x, a, scratch)
        self.function.slope(x, a, slope, scratch)
        return a, slope

    def _fresh_sample(self, q: float) -> Sample:
        level = halvings(math.sqrt(q)) if q > 0.0 else 0
        if self._kinks.size and q > 0.0:
            z, weights = rule_with_kinks(level, self._kinks / math.sqrt(q))
        else:
            z, weights = rule_around_zero(level)
        return Sample(z, weights, *self._evaluate((math.sqrt(q) if q >= 0.0 else math.nan) * z))

    def _average(self, q: ArrayLike, of: Callable[[Sample], Array], least: float = 0.0) -> Array:
        q = np.asarray(q, dtype=np.float64)
        with np.errstate(all="ignore"):
            if q.ndim == 0:
                number = float(q)
                sample = self._sample(least if 0.0 <= number < least else number)
                return np.float64(np.dot(of(sample), sample.weights))  # type: ignore[return-value]
            # The grid's fineness is that of each q, so that one huge q does not make all of them dear.
            flat, found = _at_least(least, q.ravel()), np.full(q.size, np.nan)
            levels = np.array([halvings(math.sqrt(x)) if x >= 0.0 else -1 for x in flat])
            for level in np.unique(levels[levels >= 0]):
                for rows in _slices(np.flatnonzero(levels == level)):
                    sample = self._samples(flat[rows].tobytes(), int(level))
                    found[rows] = np.sum(of(sample) * sample.weights, axis=-1)
            return found.reshape(q.shape)

    def _fresh_samples(self, q: bytes, level: int) -> Sample:
        root = np.sqrt(np.frombuffer(q))[:, None]
        z, weights = rule_with_kinks(level, self._kinks / root) if self._kinks.size else rule_around_zero(level)
        return Sample(z, weights, *self._evaluate(root * z))

    def _pairs(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike, slopes: bool) -> Array:
        parts = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (q_a, q_b, c)))
        with np.errstate(all="ignore"):
            each = zip(*(x.ravel().tolist() for x in parts), strict=True)
            found = [self._pair(a, b, correlation, slopes) for a, b, correlation in each]
        return np.array(found).reshape(parts[0].shape)[()]

    def _pair(self, a: float, b: float, c: float, slopes: bool) -> float:
        if not (0.0 <= a < math.inf and 0.0 <= b < math.inf and abs(c) <= 1.0):
            return math.nan
        a, b = max(a, SMALLEST), max(b, SMALLEST)
        both = self.coefficients(np.array([a, b]))[slopes]
        square = self.slope if slopes else self.value
        squares = np.array([square(a), square(b)])
        # Cauchy–Schwarz bounds what the expansion leaves out; rounding hides what is below 10⁻¹⁶.
        missing = np.maximum(squares - np.sum(both * both, axis=1), 1e-16 * squares)
        if abs(c) ** hermite.TERMS * math.sqrt(missing[0] * missing[1]) < 1e-14 * math.sqrt(squares[0] * squares[1]):
            return float(np.sum(both[0] * both[1] * c ** np.arange(hermite.TERMS)))
        return average_of_product(lambda x: self._evaluate(x)[slopes], self.kinks, math.sqrt(a), math.sqrt(b), c)


def _at_least(least: float, q: Array) -> Array:
    """Return q with what lies between 0 and `least` set to `least`."""
    return np.where((q >= 0.0) & (q < least), least, q)


def _slices(rows: Any) -> list[Any]:
    """Split row numbers into pieces whose samples fit into the cache."""
    return [rows[start : start + 256] for start in range(0, len(rows), 256)]


def _lengths_and_correlations(Q: Array) -> tuple[Array, Array]:
    """Return q and c of a covariance; an input of length 0 is uncorrelated with all others."""
    q = np.diagonal(Q).astype(np.float64)
    with np.errstate(all="ignore"):
        root = np.sqrt(q)
        c = Q / np.outer(root, root)
    silent = root == 0.0
    c[(silent[:, None] | silent) & ~np.isnan(Q)] = 0.0
    # What rounding has moved away from ±1: an arc-cosine would make 10⁻⁸ of it.
    c = np.where(np.abs(c) > 1.0 - 1e-15, np.sign(c), c)
    np.fill_diagonal(c, 1.0)
    return q, c
