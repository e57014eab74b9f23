"""Where deep random networks end up: the phase that σ_w, σ_b and φ put them in, and how deep signals reach.

Poole et al. 2016; Schoenholz et al. 2017. Two inputs of length q and correlation c have, one layer on, the correlation
(σ_w²·E φ(u)φ(v) + σ_b²)/q, and each layer multiplies the squared gradient by χ₁ = σ_w²·E φ′(√q·z)² on its way back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gradflow.theory.lengths import LengthMap, Stability
from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array
from gradflow.theory.roots import crossing

CRITICAL_WITHIN = 1e-4
"""χ₁ this near to 1 is called critical: a change of one per cent over two hundred layers."""


@dataclass(frozen=True)
class CorrelationMap:
    """What one layer does to the correlation of two inputs whose length q it has settled."""

    moments: Moments
    square: float
    bias_square: float
    q: float

    @property
    def after(self) -> float:
        """The length one layer on, which is q at a fixed point."""
        return self.square * float(self.moments.value(self.q)) + self.bias_square

    def __call__(self, c: float) -> float:
        """Return the correlation one layer on."""
        covariance = self.square * float(self.moments.pair(self.q, self.q, c)) + self.bias_square
        return min(1.0, max(-1.0, covariance / self.after)) if self.after > 0.0 else c

    def slope(self, c: float) -> float:
        """Return the derivative of the map, at c = 1 that is χ₁ for a settled length."""
        slopes = self.moments.slope(self.q) if c == 1.0 else self.moments.slope_pair(self.q, self.q, c)
        return self.square * float(slopes) * self.q / self.after if self.after > 0.0 else math.nan

    def path(self, first: float, layers: int) -> Array:
        """Return the correlation in `layers` equal layers, that of the first one given."""
        c = np.full(layers, first)
        for layer in range(1, layers):
            c[layer] = self(c[layer - 1])
        return c

    def fixed_point(self) -> float:
        """Return c*, the correlation that deep networks approach; nan if they keep every c, as a line does.

        It is 1 in the ordered phase; in the chaotic one the map, which is convex above 0, crosses c once below 1.
        """

        def gain(c: float) -> float:
            return self(c) - c

        slope = self.slope(1.0)
        if not self.after > 0.0 or (abs(slope - 1.0) < 1e-7 and abs(gain(0.5)) < 1e-7):
            return math.nan
        # The true slope of a φ with a surrogate is infinite at c = 1.
        if slope <= 1.0 + 1e-7 and not self.moments.function.surrogate:
            return 1.0
        if gain(0.0) < 1e-14:
            return 0.0
        below = next((1.0 - 10.0**-k for k in range(2, 13, 2) if gain(1.0 - 10.0**-k) < 0.0), None)
        return 1.0 if below is None else crossing(gain, 0.0, below, within=1e-11)


@dataclass(frozen=True)
class Phase:
    """Where a deep network of equal layers ends up, and how fast.

    `length` is q*, and `correlation` c* between two inputs, nan if they keep the one they have. `chi_parallel` is the
    slope of the length map, `chi` (χ₁) what a layer multiplies ‖δ‖² by on the way back. Depths are in layers: over
    `length_depth` ξ_q the length and over `correlation_depth` ξ_c the correlation come nearer to their fixed points by
    a factor e, and over `gradient_depth` ξ_∇ ‖δ‖² changes by it; ∞ means slower than any exponential.
    """

    length: float
    stability: Stability
    chi_parallel: float
    chi: float
    correlation: float
    length_depth: float
    correlation_depth: float
    gradient_depth: float

    @property
    def norm_factor(self) -> float:
        """√χ₁: what a layer multiplies the norm of the gradient by."""
        return math.sqrt(self.chi)

    @property
    def decades(self) -> float:
        """The slope of log₁₀‖δ‖ per layer towards the output: positive where gradients vanish towards the input."""
        return -0.5 * math.log10(self.chi) if self.chi > 0.0 else math.inf

    @property
    def name(self) -> str:
        """ordered, where gradients vanish; chaotic, where they explode; critical between them."""
        if abs(self.chi - 1.0) < CRITICAL_WITHIN:
            return "critical"
        return "ordered" if self.chi < 1.0 else "chaotic"

    def __str__(self) -> str:
        """Say it in one line; what two inputs do only where they come to some correlation of their own."""
        said = f"{self.name}: q* = {self.length:.4g} ({self.stability}), χ₁ = {self.chi:.4f}, "
        said += f"gradient norm ×{self.norm_factor:.4f} per layer"
        if math.isnan(self.correlation):
            return said
        reach = f", ξ_c = {self.correlation_depth:.4g} layers" if math.isfinite(self.correlation_depth) else ""
        return f"{said}, c* = {self.correlation:.4g}{reach}"


@lru_cache(maxsize=256)
def phase(moments: Moments, square: float, bias_square: float = 0.0, first: float = 1.0) -> Phase:
    """Return where a deep network of σ_w² = `square`, σ_b² = `bias_square` ends up if its first layer has q = `first`.

    Where q falls to 0 or grows for ever, χ₁, c* and ξ_c are those of very short or very long signals.
    """
    lengths = LengthMap(moments, square, bias_square)
    point = lengths.settled(first)
    near = min(point.length, 1e12)
    chi_parallel, chi = lengths.slope(near), square * float(moments.slope(near))
    c, spread = _alike(moments) if point.length == math.inf else _settled_correlation(lengths, max(near, 1e-8))
    return Phase(
        point.length, point.stability, chi_parallel, chi, c, depth(chi_parallel), depth(spread, 1e-7), depth(chi)
    )


def _settled_correlation(lengths: LengthMap, q: float) -> tuple[float, float]:
    """Return c* and the slope of the correlation map there; a surrogate's slope is not that of the map."""
    map_ = CorrelationMap(lengths.moments, lengths.square, lengths.bias_square, q)
    c = map_.fixed_point()
    surrogate = lengths.moments.function.surrogate
    return c, math.nan if surrogate else map_.slope(1.0 if math.isnan(c) else c)


def _alike(moments: Moments) -> tuple[float, float]:
    """Return the same for endless signals, to which φ is a rectifier, which makes all inputs alike, or a line."""
    slope, mean = float(moments.slope(1e12)), float(moments.mean_slope(1e12))
    return (1.0 if slope - mean**2 > 1e-9 * slope else math.nan), 1.0


def depth(factor: float, level: float = 1e-10) -> float:
    """Return over how many layers something changes by e that each layer multiplies by `factor`: 1/|ln factor|."""
    if not factor > 0.0:
        return 0.0 if factor == 0.0 else math.nan
    return math.inf if abs(factor - 1.0) < level else 1.0 / abs(math.log(factor))
