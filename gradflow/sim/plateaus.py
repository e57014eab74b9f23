"""Where an activation is flat, found from the function itself: the borders of what it calls saturated."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import Activation
from gradflow.sim.snapshot import NO_PLATEAUS, Plateaus

Array = NDArray[np.float64]
FARTHEST, POINTS = 128.0, 4097


@lru_cache
def find_plateaus(function: Activation) -> Plateaus:
    """Return where φ counts as saturated, or for a rectifier where its slope is exactly 0."""
    if function.learnable or not (function.saturation or function.silent_when_zero):
        return NO_PLATEAUS
    z = np.linspace(-FARTHEST, FARTHEST, POINTS)
    flat = _is_flat(function, z)
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    borders = [_border(lambda at: bool(_is_flat(function, np.array([at]))[0]), z[i], z[i + 1]) for i in edges]
    ends = [-math.inf, *borders, math.inf]
    # Pieces between borders are flat in turns.
    intervals = [(ends[i], ends[i + 1]) for i in range(len(ends) - 1) if flat[0] == (i % 2 == 0)]
    values = [tuple(sorted(_value(function, np.array(interval)))) for interval in intervals]
    steep = tuple((float(low), float(high)) for low, high in values if high - low > 1e-9)
    return Plateaus(tuple(intervals), steep, function.saturation or "φ′ = 0")


def _value(function: Activation, z: Array) -> Array:
    a = np.empty_like(z)
    function.value(z, a, np.empty_like(z))
    return a


def _is_flat(function: Activation, z: Array) -> NDArray[np.bool_]:
    a = _value(function, z)
    if not function.saturation:
        return np.asarray(a == 0.0)
    mask = np.empty(z.shape, bool)
    function.saturated(z, a, mask, np.empty_like(z))
    return mask


def _border(flat: Callable[[float], bool], low: float, high: float) -> float:
    """Return where flatness changes between two points, by halving."""
    at_low = flat(low)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if flat(middle) == at_low else (low, middle)
    # Rounded, so that a rectifier's 0 is 0.
    return round((low + high) / 2, 12)
