"""Activations with corners away from zero: their Hermite coefficients are those of thresholds, in closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from gradflow.engine.activations import Activation, special
from gradflow.theory import hermite
from gradflow.theory.averages import Moments
from gradflow.theory.quadrature import Array, density


def threshold_coefficients(t: Array, terms: int) -> Array:
    """Return E 1{z > t}·h_k(z) for a vector of t, shape (B, terms): Φ(−t), then n(t)·h_{k−1}(t)/√k."""
    far = np.abs(t) > 38.0
    near = np.where(far, 0.0, t)
    h = hermite.polynomials(near, terms) * np.where(far, 0.0, density(near))
    found = np.empty((len(t), terms))
    found[:, 0] = special().ndtr(-t)
    found[:, 1:] = h[:-1].T / np.sqrt(np.arange(1.0, terms))
    return found


class HardSigmoidMoments(Moments):
    """Averages of the hard sigmoid, whose slope is ⅙ between z = −3 and 3."""

    def coefficients(self, q: Array) -> tuple[Array, Array]:
        root = np.sqrt(np.maximum(q, 1e-300))
        low, high = self.function.kinks
        steps = [threshold_coefficients(kink / root, hermite.TERMS) for kink in (low, high)]
        slopes = (steps[0] - steps[1]) / 6.0
        # E φ·h_{k+1} = √q·E φ′·h_k/√(k+1), by parts.
        values = np.empty_like(slopes)
        values[:, 0] = 0.5
        values[:, 1:] = root[:, None] * slopes[:, :-1] / np.sqrt(np.arange(1.0, hermite.TERMS))
        return values, slopes


class StepMoments(Moments):
    """Averages of the threshold 1{z > 0}, and of its surrogate slope, which is 1 for |z| ≤ 1.

    The value's are those of φ and the slope's those of the surrogate, so that one is not the other's derivative.
    """

    def __init__(self, function: Activation | None) -> None:
        super().__init__(function)
        self.kinks = (-1.0, 0.0, 1.0)

    def mean(self, q: ArrayLike) -> Array:
        return self._half(q)

    def value(self, q: ArrayLike) -> Array:
        return self._half(q)

    def value4(self, q: ArrayLike) -> Array:
        return self._half(q)

    def slope(self, q: ArrayLike) -> Array:
        q = np.asarray(q, dtype=np.float64)
        with np.errstate(all="ignore"):
            return np.asarray(special().erf(np.sqrt(0.5 / q)))[()]

    def slope4(self, q: ArrayLike) -> Array:
        return self.slope(q)

    def mean_slope(self, q: ArrayLike) -> Array:
        return self.slope(q)

    def mixed(self, q: ArrayLike) -> Array:
        return 0.5 * self.slope(q)

    def value_growth(self, q: ArrayLike) -> Array:
        return 0.0 * self._half(q)

    def pair(self, q_a: ArrayLike, q_b: ArrayLike, c: ArrayLike) -> Array:
        c = np.asarray(c, dtype=np.float64)
        valid = self._half(q_a) * self._half(q_b) * 4.0
        with np.errstate(all="ignore"):
            return np.asarray(valid * (0.25 + np.arcsin(c) / (2.0 * math.pi)))[()]

    def coefficients(self, q: Array) -> tuple[Array, Array]:
        t = 1.0 / np.sqrt(np.maximum(q, 1e-300))
        value = threshold_coefficients(np.zeros(1), hermite.TERMS) + np.zeros((len(q), 1))
        return value, threshold_coefficients(-t, hermite.TERMS) - threshold_coefficients(t, hermite.TERMS)

    def _kernel(self, q: Array, c: Array) -> tuple[Array, Array]:
        return self.pair(q[:, None], q, c), super()._kernel(q, c)[1]

    @staticmethod
    def _half(q: ArrayLike) -> Array:
        q = np.asarray(q, dtype=np.float64)
        return np.where(q >= 0.0, 0.5, np.nan)[()]
