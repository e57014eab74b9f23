"""One unit close up: what it receives, on the curve of its φ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import Activation
from gradflow.engine.network import Layer
from gradflow.engine.nodes import Activate, LearnableActivate
from gradflow.sim.frozen import Frozen

if TYPE_CHECKING:
    from gradflow.sim.units import Units

Array = NDArray[Any]

# Close together around 0, where the curves bend, and far out, where every φ is a line; more on both sides of a kink.
FAR = 1e100
GRID = np.concatenate([[-FAR], np.sinh(np.linspace(-39.8, 39.8, 1601)), [FAR]])
BESIDE_KINK = 1e-9
LEAST_REACH = 3.0
STEPS_PER_DECADE = 10
"""A reach is rounded up to one of these, so that it holds still while z moves a little."""
BINS = 30


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Frozen):
    """φ as points: `value` at `z`, and where it is `flat`, because φ is saturated or φ′ = 0; `flatness` says which.

    `steepest` is the largest |φ′|. Where each unit has learnt a slope of its own for z < 0, `slopes` has it.
    """

    z: Array
    value: Array
    flat: NDArray[np.bool_]
    flatness: str
    steepest: float
    slopes: Array | None = None

    def of(self, unit: int) -> Array:
        """Return the curve's values for one unit."""
        return self.value if self.slopes is None else np.where(self.z < 0.0, self.slopes[unit] * self.z, self.z)


def sample_curves(layers: tuple[Layer, ...]) -> tuple[tuple[Curve, ...], NDArray[np.int64]]:
    """Return the different curves of a network and, for each layer, which is its own (−1 without φ)."""
    places: dict[tuple[object, ...], int] = {}
    curves: list[Curve] = []
    of = []
    for layer in layers:
        if layer.activate is None:
            of.append(-1)
            continue
        key = _key(layer.activate)
        if key not in places:
            places[key] = len(curves)
            curves.append(_sample(layer.activate))
        of.append(places[key])
    return tuple(curves), np.array(of)


def _key(activate: Activate) -> tuple[object, ...]:
    learnt = id(activate) if isinstance(activate, LearnableActivate) else 0
    return type(activate.function), activate.function.negative_slope, learnt


def _sample(activate: Activate) -> Curve:
    function: Activation = activate.function
    slopes = None
    if isinstance(activate, LearnableActivate):
        function = replace(function, negative_slope=float(activate.a.mean(dtype=float)))  # type: ignore[type-var]
        slopes = np.array(activate.a, float) if function.learnable == "unit" else None
    beside = [kink + side for kink in function.kinks for side in (-BESIDE_KINK, BESIDE_KINK)]
    z = np.union1d(GRID, beside)
    value, slope, scratch = np.empty((3, len(z)))
    flat = np.zeros(len(z), bool)
    with np.errstate(all="ignore"):
        function.value(z, value, scratch)
        function.slope(z, value, slope, scratch)
        if function.saturation:
            function.saturated(z, value, flat, scratch)
    return Curve(
        z=z,
        value=value,
        flat=flat | (slope == 0.0),
        flatness=function.saturation or ("φ′ = 0" if (slope == 0.0).any() else ""),
        steepest=float(np.nanmax(np.abs(slope))),
        slopes=slopes,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Portrait(Frozen):
    """One unit: its samples (z, a), the curve of its φ over ±`reach`, where that is flat, and how often which z occurs.

    `counts` are over equal bins of ±`reach`, of the samples that are kept; what is not finite is left out.
    """

    z: Array
    a: Array
    reach: float
    curve_z: Array
    curve_a: Array
    flat: tuple[tuple[float, float], ...]
    flatness: str
    edges: Array
    counts: NDArray[np.int64]


def portray(units: Units, layer: int, unit: int) -> Portrait:
    """Return the portrait of one unit of one layer (both from 0)."""
    z, a = units.z[layer][:, unit].astype(float), units.a[layer][:, unit].astype(float)
    finite = np.isfinite(z) & np.isfinite(a)
    z, a = z[finite], a[finite]
    reach = float(np.clip(_rounded_up(1.05 * np.abs(z).max(initial=0.0)), LEAST_REACH, FAR))
    place = int(units.curve_of[layer])
    flat: tuple[tuple[float, float], ...] = ()
    if place < 0:
        curve_z = curve_a = np.array([-reach, reach])
        flatness = ""
    else:
        curve = units.curves[place]
        inside = np.abs(curve.z) < reach
        value = curve.of(unit)
        curve_z = np.concatenate([[-reach], curve.z[inside], [reach]])
        curve_a = np.interp(curve_z, curve.z, value)
        flat, flatness = _stretches(curve_z, curve.flat[inside]), curve.flatness
    edges = np.linspace(-reach, reach, BINS + 1)
    counts = np.histogram(z, edges)[0]
    return Portrait(z, a, reach, curve_z, curve_a, flat, flatness, edges, counts)


def _rounded_up(size: float) -> float:
    return 10.0 ** (np.ceil(STEPS_PER_DECADE * np.log10(size)) / STEPS_PER_DECADE) if size > 0.0 else 0.0


def _stretches(z: Array, flat: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Return from where to where a curve is flat; its two ends are as their neighbours."""
    whole = np.concatenate([flat[:1], flat, flat[-1:]]).astype(np.int8)
    turns = np.flatnonzero(np.diff(whole, prepend=0, append=0))
    return tuple((float(z[start]), float(z[stop - 1])) for start, stop in turns.reshape(-1, 2))
