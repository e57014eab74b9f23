"""Activations whose Gaussian averages are known exactly: lines, rectifiers, erf, sine and the threshold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from gradflow.engine.activations import Activation
from gradflow.theory.averages import Moments
from gradflow.theory.quadrature import Array


def _array(q: ArrayLike) -> Array:
    """Return q with nan for what is no mean square."""
    q = np.asarray(q, dtype=np.float64)
    return np.where(q >= 0.0, q, np.nan)[()]


def _product(q_a: ArrayLike, q_b: ArrayLike) -> Array:
    return np.asarray(np.sqrt(_array(q_a)) * np.sqrt(_array(q_b)))


def _correlation(c: ArrayLike) -> Array:
    c = np.asarray(c, dtype=np.float64)
    return np.asarray(np.where(np.abs(c) <= 1.0, c, np.nan))


class RectifierMoments(Moments):
    """Averages of φ(z) = z for z > 0 and a·z below: a line for a = 1, and arc-cosine kernels (Cho & Saul 2009)."""

    def __init__(self, function: Activation | None, negative_slope: float) -> None:
        super().__init__(function)
        self.a = negative_slope
        self._half, self._half4 = (1.0 + self.a**2) / 2.0, (1.0 + self.a**4) / 2.0

    def mean(self, q: ArrayLike) -> Array:
        if self.a == 1.0:
            return self._constant(q, 0.0)
        return (1.0 - self.a) / math.sqrt(2.0 * math.pi) * np.sqrt(_array(q))

    def value(self, q: ArrayLike) -> Array:
        return self._half * _array(q)

    def slope(self, q: ArrayLike) -> Array:
        return self._constant(q, self._half)

    def value4(self, q: ArrayLike) -> Array:
        with np.errstate(over="ignore"):
            return 3.0 * self._half4 * _array(q) ** 2

    def slope4(self, q: ArrayLike) -> Array:
        return self._constant(q, self._half4)

    def mixed(self, q: ArrayLike) -> Array:
        return self._half4 * _array(q)

    def mean_slope(self, q: ArrayLike) -> Array:
        return self._constant(q, (1.0 + self.a) / 2.0)

    def value_growth(self, q: ArrayLike) -> Array:
        return self._constant(q, self._half)

    def pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        c, root = _correlation(c), _product(q_a, q_b)
        with np.errstate(all="ignore"):
            return (root * self._value_of(c))[()]

    def slope_pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        return np.asarray(np.where(np.isnan(_product(q_a, q_b)), np.nan, self._slope_of(_correlation(c))))[()]

    def _kernel(self, q: Array, c: Array) -> tuple[Array, Array]:
        return self.pair(q[:, None], q, c), self.slope_pair(q[:, None], q, c)

    def _value_of(self, c: Array) -> Array:
        angle = np.arccos(c)
        arc = (np.sin(angle) + (math.pi - angle) * c) / (2.0 * math.pi)
        return np.asarray((1.0 - self.a) ** 2 * arc + self.a * c)

    def _slope_of(self, c: Array) -> Array:
        return np.asarray((1.0 - self.a) ** 2 * (math.pi - np.arccos(c)) / (2.0 * math.pi) + self.a)

    @staticmethod
    def _constant(q: ArrayLike, number: float) -> Array:
        q = np.asarray(q, dtype=np.float64)
        return np.where(q >= 0.0, number, np.nan)[()]


class ErfMoments(Moments):
    """Averages of erf (Williams 1997); those of fourth powers are left to quadrature."""

    def value(self, q: ArrayLike) -> Array:
        q = np.minimum(_array(q), 1e300)
        return np.asarray(2.0 / math.pi * np.arctan2(2.0 * q, np.sqrt(1.0 + 4.0 * q)))[()]

    def slope(self, q: ArrayLike) -> Array:
        return 4.0 / math.pi / np.sqrt(1.0 + 4.0 * _array(q))

    def slope4(self, q: ArrayLike) -> Array:
        return 16.0 / math.pi**2 / np.sqrt(1.0 + 8.0 * _array(q))

    def mean_slope(self, q: ArrayLike) -> Array:
        return 2.0 / math.sqrt(math.pi) / np.sqrt(1.0 + 2.0 * _array(q))

    def value_growth(self, q: ArrayLike) -> Array:
        q = _array(q)
        return 4.0 / math.pi / (1.0 + 2.0 * q) / np.sqrt(1.0 + 4.0 * q)

    def pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        numerator, root = self._parts(q_a, q_b, c)
        return np.asarray(2.0 / math.pi * np.arctan2(numerator, root))[()]

    def slope_pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        return np.asarray(4.0 / math.pi / self._parts(q_a, q_b, c)[1])[()]

    def _kernel(self, q: Array, c: Array) -> tuple[Array, Array]:
        return self.pair(q[:, None], q, c), self.slope_pair(q[:, None], q, c)

    @staticmethod
    def _parts(q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> tuple[Array, Array]:
        """Return 2·q_ab and √((1 + 2q_a)(1 + 2q_b) − 4·q_ab²), whose digits do not cancel as c → 1."""
        q_a, q_b, c = _array(q_a), _array(q_b), _correlation(c)
        with np.errstate(all="ignore"):
            return 2.0 * c * np.sqrt(q_a) * np.sqrt(q_b), np.sqrt(
                1.0 + 2.0 * q_a + 2.0 * q_b + 4.0 * q_a * q_b * (1.0 - c) * (1.0 + c)
            )


class SineMoments(Moments):
    """Averages of sin z and cos z, from E e^(i·t·z) = e^(−t²/2); quadrature would not see waves of q = 10⁶."""

    def mean(self, q: ArrayLike) -> Array:
        return 0.0 * np.minimum(_array(q), 1.0)

    def value(self, q: ArrayLike) -> Array:
        return -0.5 * np.expm1(-2.0 * _array(q))

    def slope(self, q: ArrayLike) -> Array:
        return 0.5 + 0.5 * np.exp(-2.0 * _array(q))

    def value4(self, q: ArrayLike) -> Array:
        q = _array(q)
        # sin⁴ = (3 − 4·cos 2x + cos 4x)/8, which cancels where q is small.
        small = super().value4(np.minimum(q, 1.0))
        return np.asarray(np.where(q < 1.0, small, (np.expm1(-8.0 * q) - 4.0 * np.expm1(-2.0 * q)) / 8.0))[()]

    def slope4(self, q: ArrayLike) -> Array:
        q = _array(q)
        return (3.0 + 4.0 * np.exp(-2.0 * q) + np.exp(-8.0 * q)) / 8.0

    def mixed(self, q: ArrayLike) -> Array:
        return -np.expm1(-8.0 * _array(q)) / 8.0

    def mean_slope(self, q: ArrayLike) -> Array:
        return np.asarray(np.exp(-0.5 * _array(q)))[()]

    def value_growth(self, q: ArrayLike) -> Array:
        return np.asarray(np.exp(-2.0 * _array(q)))[()]

    def pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        both, product = self._exponents(q_a, q_b, c)
        with np.errstate(all="ignore"):
            apart = 0.5 * (np.exp(product - both) - np.exp(-product - both))
            return np.asarray(np.where(np.abs(product) < 1.0, np.exp(-both) * np.sinh(product), apart))[()]

    def slope_pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        both, product = self._exponents(q_a, q_b, c)
        with np.errstate(all="ignore"):
            return np.asarray(0.5 * (np.exp(product - both) + np.exp(-product - both)))[()]

    def _kernel(self, q: Array, c: Array) -> tuple[Array, Array]:
        return self.pair(q[:, None], q, c), self.slope_pair(q[:, None], q, c)

    @staticmethod
    def _exponents(q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> tuple[Array, Array]:
        """Return (q_a + q_b)/2 and q_ab: E cos(u ± v) is the exponential of minus the one ∓ the other."""
        q_a, q_b, c = _array(q_a), _array(q_b), _correlation(c)
        with np.errstate(all="ignore"):
            return np.asarray((q_a + q_b) / 2.0), np.asarray(c * np.sqrt(q_a) * np.sqrt(q_b))
