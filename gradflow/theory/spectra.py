"""The singular values of a random network's Jacobian, by free probability.

J is a product of weight matrices W and of diagonal matrices D = diag(φ′(z)), all free of each other when layers are
wide. With m the moment generating function of JJᵀ (n × n, n = outputs), m(z) = Σ_k E λᵏ/zᵏ, the S-transforms multiply:

    z(m) = (1+m)/m · Π_W w(m) · Π_D 1/S(m·n/n_D)
    w = σ_w²·(1 + m·n/n_in) for independent weights of variance σ_w²/n_in,
    w = g²·(n_min + m·n)/(n_out + m·n) for semi-orthogonal ones,
    1/S(v) = ζ·v/(1+v) where E[φ′²/(ζ−φ′²)] = v

(Pennington, Schoenholz & Ganguli 2017 for square layers). λ = s² has the density −Im m(λ + i0)/(πλ), so that per ln λ
it is −Im m/π. It ends where z(m), m > 0, is least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.theory.slopes import Slopes, condensed

Array = NDArray[np.float64]
Complex = NDArray[np.complexfloating[Any, Any]]

START_ANGLE = 2.8
"""The argument of z at which m is followed in from infinity: near the negative axis, where m is smooth."""

STEP = 1.0
TURNS = 6.0
"""Along ln |z|, and how often per factor e of the angle, m is solved anew."""

MOST_KINDS = 3
"""So many distributions of slopes are told apart: layers whose q drifts slowly share one."""


@dataclass(frozen=True)
class Weights:
    """A random weight matrix: σ_w² = n_in·Var W of independent entries, or g² of a semi-orthogonal one."""

    inputs: int
    outputs: int
    square: float
    orthogonal: bool = False


@dataclass(frozen=True)
class Bend:
    """The slopes of one layer's activation, on its units."""

    units: int
    slopes: Slopes


class Product:
    """The Jacobian of a chain of weights and bends; the last weights or bend stand at the output."""

    def __init__(self, weights: Sequence[Weights], bends: Sequence[Bend], outputs: int, inputs: int) -> None:
        self.outputs, self.inputs = outputs, inputs
        self._gain = 0.0
        # Every w(m) is a product of (1 + c·m)^k: the exponents k by c.
        self._linear: dict[float, int] = {}
        for part in weights:
            self._take(part)
        self._group(bends)

    def _take(self, part: Weights) -> None:
        gain = part.square
        if not part.orthogonal:
            self._count(self.outputs / part.inputs, 1)
        elif part.outputs > part.inputs:
            gain *= part.inputs / part.outputs
            self._count(self.outputs / part.inputs, 1)
            self._count(self.outputs / part.outputs, -1)
        self._gain += math.log(gain) if gain > 0.0 else -math.inf

    def _count(self, c: float, k: int) -> None:
        self._linear[c] = self._linear.get(c, 0) + k

    def _group(self, bends: Sequence[Bend]) -> None:
        """Put bends together whose slopes have the same distribution but for a factor: at its fixed point a deep
        network has only one, and a rectifier one in all layers.
        """
        kinds: dict[tuple[float, bytes], tuple[Slopes, int]] = {}
        for bend in bends:
            mean = bend.slopes.moment(1)
            self._gain += math.log(mean) if mean > 0.0 else -math.inf
            shape = Slopes(bend.slopes.values / (mean or 1.0), bend.slopes.weights)
            mark = self.outputs / bend.units, np.concatenate([shape.values, shape.weights]).round(6).tobytes()
            kinds[mark] = kinds.get(mark, (shape, 0))[0], kinds.get(mark, (shape, 0))[1] + 1
        found = [
            (c, shape, k)
            for c in sorted({c for c, _ in kinds})
            for shape, k in _few([kind for (other, _), kind in kinds.items() if other == c])
        ]
        most = max((len(shape.values) for _, shape, _ in found), default=1)
        self._c = np.array([c for c, _, _ in found])
        self._k = np.array([float(k) for _, _, k in found])
        self._values, self._weights = np.zeros((2, len(found), most))
        for row, (_, shape, _) in enumerate(found):
            count = len(shape.values)
            self._values[row, :count], self._weights[row, :count] = shape.values, shape.weights
        self._passing = np.array([shape.passing for _, shape, _ in found])

    @property
    def log_mean(self) -> float:
        """ln of the mean of λ = s² over the outputs: Π σ_w²·μ₁."""
        return self._gain

    @property
    def relative_variance(self) -> float:
        """Var λ/(E λ)²: Σ over independent weights of n/n_in, and over bends of (μ₂/μ₁² − 1)·n/n_D."""
        second = (self._values**2 * self._weights).sum(axis=1)
        bends = float(self._k @ (self._c * (second - 1.0))) if len(self._k) else 0.0
        return bends + sum(k * c for c, k in self._linear.items())

    @cached_property
    def rank(self) -> float:
        """The share of the outputs' directions that carry anything: the others have s = 0."""
        narrow = [1.0, self.inputs / self.outputs, *(self._passing / self._c)]
        return float(min([*narrow, *(1.0 / c for c, k in self._linear.items() if k > 0)]))

    @property
    def shown(self) -> float:
        """The share of the min(inputs, outputs) singular values that is not 0."""
        return self.rank * self.outputs / min(self.inputs, self.outputs)

    @property
    def isometric(self) -> bool:
        """Whether all singular values are equal, so that there is no density."""
        return self.relative_variance < 1e-12

    @property
    def smooth(self) -> bool:
        """Whether the density is: that of one bend between orthogonal matrices is the slopes' own, atom by atom."""
        return bool(self._linear) or bool(len(self._k) and self._k.sum() > 1)

    def log_largest(self) -> float:
        """Return ln λ_max = min over m > 0 of ln z(m)."""
        if self.isometric:
            return self.log_mean
        low, high = -8.0, 12.0
        for _ in range(4):
            t = np.linspace(low, high, 60)
            values = self._log_z_real(np.exp(t))
            i = int(np.argmin(values))
            low, high = t[max(i - 1, 0)], t[min(i + 1, len(t) - 1)]
        return float(values[i])

    def _log_z_real(self, m: Array) -> Array:
        """Return ln z of real m > 0, by Newton's rule on 1/E[φ′²/(ζ−φ′²)], which is concave: it never overshoots."""
        v = self._c[:, None] * m
        # Above the largest slope; the root may lie nearer to it than rounding can tell.
        floor = self._values.max(axis=1, initial=0.0)[:, None] * (1.0 + 1e-14)
        zeta = np.maximum(1.0 + 1.0 / v, floor)
        for _ in range(60):
            f, slope = self._averages(zeta)
            before, zeta = zeta, np.maximum(zeta + (1.0 / v - 1.0 / f) * f * f / -slope, floor)
            if np.all(np.abs(zeta - before) < 1e-13 * zeta):
                break
        bent = self._k @ (np.log(zeta) + np.log(v) - np.log1p(v)) if len(self._k) else 0.0
        straight = sum((k * np.log1p(c * m) for c, k in self._linear.items()), np.zeros_like(m))
        return np.asarray(np.log1p(m) - np.log(m) + self._gain + straight + bent)

    def _averages(self, zeta: NDArray[np.inexact]) -> tuple[NDArray[np.inexact], NDArray[np.inexact]]:
        """Return E[φ′²/(ζ−φ′²)] and its derivative, for each kind of bend (rows) and each ζ."""
        inverse = 1.0 / (zeta[..., None] - self._values[:, None, :])
        share = (self._values * self._weights)[:, None, :] * inverse
        return share.sum(axis=-1), -(share * inverse).sum(axis=-1)

    def density(self, log_values: Array, blur: float = 0.01) -> Array:
        """Return the density of ln λ at these places, per output, each blurred by ±`blur`.

        From where m(z) is known, at large z, towards 0 near the negative axis, and then around to λ: on the way m has
        no singularity, and Newton's rule follows it.
        """
        found = np.full(len(log_values), np.nan)
        # A step that was too long for a place ends nowhere or on another branch: there, shorter ones.
        for fineness in (1, 3):
            rest = np.isnan(found)
            if rest.any():
                found[rest] = self._walk(log_values[rest], blur, fineness)
            if np.isnan(found).mean() > 0.5:
                # Not the steps are to blame.
                break
        return found

    def _walk(self, log_values: Array, blur: float, fineness: int) -> Array:
        far = max(self.log_mean, self.log_largest()) + 6.0
        path = Path(self, len(log_values), far)
        steps = max(1, math.ceil(fineness * (far - float(log_values.min())) / STEP))
        for share in np.linspace(0.0, 1.0, steps + 1)[1:]:
            path.follow(far + share * (log_values - far) + 1j * START_ANGLE)
            if path.lost.all():
                return np.full(len(log_values), np.nan)
        turns = math.ceil(fineness * TURNS * math.log(START_ANGLE / blur))
        for angle in np.geomspace(START_ANGLE, blur, turns)[1:]:
            path.follow(log_values + 1j * angle)
        path.follow(log_values + 1j * blur, 1e-9)
        return np.where(path.lost, np.nan, -path.m.imag / math.pi)

    def extent(self) -> tuple[float, float]:
        """Return the ln λ between which the density is worth drawing: some standard deviations, 16 decades at most."""
        top = self.log_largest()
        width = min(37.0, 9.0 * math.sqrt(self.relative_variance))
        return top - width, top + 0.03 * width


class Path:
    """m and every ζ, followed together as ln z moves in small steps (one column for each place)."""

    def __init__(self, of: Product, places: int, far: float) -> None:
        self.of = of
        start = far + 1j * START_ANGLE
        self.m: Complex = np.full(places, np.exp(of.log_mean - start))
        self.zeta: Complex = 1.0 + 1.0 / (of._c[:, None] * self.m)
        self.lost = np.zeros(places, bool)
        self.follow(np.full(places, start))

    def follow(self, log_z: Complex, exactly: float = 1e-3) -> None:
        """Solve for the next z by Newton's rule on all unknowns at once."""
        of, m, zeta = self.of, self.m, self.zeta
        for _ in range(20):
            v = of._c[:, None] * m
            f, slope = of._averages(zeta)
            value = np.log1p(m) - np.log(m) + of._gain - log_z
            change = 1.0 / (1.0 + m) - 1.0 / m
            for c, k in of._linear.items():
                value, change = value + k * np.log1p(c * m), change + k * c / (1.0 + c * m)
            # 1/f(ζ) = 1/v holds at the solution, and is nearly linear in ζ.
            off, lever = 1.0 / f - 1.0 / v, f * f / slope
            if len(of._k):
                value = value + of._k @ (np.log(zeta) + np.log(v) - np.log1p(v) + off * lever / zeta)
                inner = 1.0 / v - 1.0 / (1.0 + v) + lever / (v * v * zeta)
                change = change + (of._k * of._c) @ inner
            step = -value / change
            # Half-way at most towards where m or what is left of the rank vanishes: beyond lies another branch.
            room = 0.5 * np.minimum(abs(m), abs(of.rank + m))
            step *= np.minimum(1.0, room / np.maximum(abs(step), 1e-300))
            zeta = zeta + (off + of._c[:, None] * step / (v * v)) * lever
            m = m + step
            if np.all(np.abs(step) <= exactly * room):
                break
        # For z in the upper half-plane m is in the lower one. Below the spectrum it is the rank to the last digit.
        settled = np.abs(step) <= np.maximum(0.1 * room, 1e-9 * np.abs(m))
        self.lost |= ~settled | ~(m.imag <= 0.0)
        self.m, self.zeta = m, zeta


def _few(kinds: Sequence[tuple[Slopes, int]]) -> list[tuple[Slopes, int]]:
    """Return at most MOST_KINDS distributions of mean 1 and how often each occurs: neighbours are mixed.

    Means and variances of the product stay exact; of what is beyond, only the spread within a mixture is lost.
    """
    if len(kinds) <= MOST_KINDS:
        return list(kinds)
    ordered = sorted(kinds, key=lambda kind: kind[0].moment(2))
    mixed = []
    for places in np.array_split(np.arange(len(ordered)), MOST_KINDS):
        part = [ordered[i] for i in places]
        count = sum(k for _, k in part)
        values = np.concatenate([shape.values for shape, _ in part])
        weights = np.concatenate([shape.weights * (k / count) for shape, k in part])
        mixed.append((condensed(values, weights), count))
    return mixed
