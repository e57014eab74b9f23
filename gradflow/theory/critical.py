"""The initialisations at which gradients neither vanish nor explode: σ_w and σ_b with χ₁ = 1, for any activation.

At a length q, σ_w² = 1/E φ′(√q·z)² makes χ₁ = 1 and σ_b² = q − σ_w²·E φ(√q·z)² makes q a fixed point (the construction
of Xiao et al. 2018); what is left is to find the q that has the σ_b² one wants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from gradflow.theory.lengths import LengthMap, Stability
from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array
from gradflow.theory.roots import crossing

SHORTEST, LONGEST = 1e-6, 1e6
"""The lengths between which critical points are looked for."""


@dataclass(frozen=True)
class Critical:
    """An initialisation with χ₁ = 1; `length` is q*, nan where every q is a fixed point, and `chi_parallel` χ∥ there.

    With `stability` unstable (χ∥ > 1), a network that starts at another q leaves it.
    """

    square: float
    bias_square: float
    length: float
    chi_parallel: float
    stability: Stability

    @property
    def weight_std(self) -> float:
        """σ_w."""
        return math.sqrt(self.square)

    def __str__(self) -> str:
        """Say it in a few words."""
        length = "any q" if math.isnan(self.length) else f"q* = {self.length:.4g}, {self.stability}"
        return f"σ_w = {self.weight_std:.6g} at σ_b = {math.sqrt(self.bias_square):.4g} ({length})"


def critical_line(moments: Moments, q: ArrayLike) -> tuple[Array, Array]:
    """Return σ_w² and σ_b² of the critical initialisations whose fixed point is q; where σ_b² < 0 there is none."""
    q = np.asarray(q, dtype=np.float64)
    with np.errstate(all="ignore"):
        square = 1.0 / np.asarray(moments.slope(q))
        return square, np.asarray(q - square * np.asarray(moments.value(q)))


def critical_points(moments: Moments, bias_square: float = 0.0) -> tuple[Critical, ...]:
    """Return the initialisations with χ₁ = 1 at this σ_b², by length; none where there is none."""
    q, _, biases = _line(moments)
    if np.all(np.abs(biases) < 1e-12 * q):  # lines and rectifiers
        return (_critical(moments, bias_square, math.nan),) if bias_square == 0.0 else ()
    found = []
    # A q that falls to 0 is a fixed point without biases, if φ(0) = 0.
    if bias_square == 0.0 and float(moments.value(0.0)) == 0.0:
        found.append(_critical(moments, 0.0, 0.0))
    # Where rounding is all there is, a sign says nothing.
    clear = np.abs(biases - bias_square) > 1e-12 * q
    q, excess = q[clear], biases[clear] - bias_square
    for i in np.flatnonzero((excess[1:] > 0.0) != (excess[:-1] > 0.0)):
        root = crossing(lambda x: float(critical_line(moments, math.exp(x))[1]) - bias_square, *np.log(q[i : i + 2]))
        found.append(_critical(moments, bias_square, math.exp(root)))
    return tuple(found)


def _critical(moments: Moments, bias_square: float, length: float) -> Critical:
    at = 1.0 if math.isnan(length) else length
    square = 1.0 / float(moments.slope(at))
    map_ = LengthMap(moments, square, bias_square)
    slope = map_.slope(at)
    if math.isnan(length):
        stability = Stability.NEUTRAL
    elif length == 0.0:
        stability = Stability.STABLE if map_(1e-4) < 1e-4 else Stability.UNSTABLE
    elif abs(slope - 1.0) < 1e-7:
        stability = Stability.ONE_SIDED
    else:
        stability = Stability.STABLE if slope < 1.0 else Stability.UNSTABLE
    return Critical(square, bias_square, length, slope, stability)


@lru_cache(maxsize=64)
def _line(moments: Moments) -> tuple[Array, Array, Array]:
    q = np.geomspace(SHORTEST, LONGEST, 241)
    return q, *critical_line(moments, q)
