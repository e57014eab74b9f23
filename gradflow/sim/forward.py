"""What becomes of the signal on its way to the output, in words, and the fixed point that a curve over layers shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.words import spell

Array = NDArray[Any]

STILL = 1e-3
"""By which share of itself a curve that has settled may still change over its last quarter."""

ALIKE = 0.99
"""From which mean cosine on two inputs are called alike."""

CHANGED = 10.0
"""By which factor the mean square must have changed for the signal to count as shrunk or grown."""


def settled(curve: Array) -> float:
    """Return the level at which a curve has settled; nan where it still moves, or is too short to tell.

    The last layer is left out: it has another width and no activation.
    """
    hidden = curve[:-1]
    end = hidden[-max(3, len(hidden) // 4) :]
    if len(end) < 3 or not np.isfinite(end).all():
        return math.nan
    level = float(end[-1])
    return level if float(np.ptp(end)) <= STILL * abs(level) else math.nan


def in_words(signal: Mapping[str, Array]) -> str:
    """Say how the size of z and the difference of inputs fare from the first to the last hidden layer."""
    lengths, correlation = signal["z_length"], signal["correlation"]
    last = max(len(lengths) - 2, 0)
    if not (np.isfinite(lengths[: last + 1]).all() and lengths[0] > 0.0):
        return "The signal is zero in layer 1." if lengths[0] == 0.0 else "The signal is no longer finite."
    size = _size(float(lengths[last]), float(lengths[0]))
    where = f"From layer 1 to {last + 1} " if last else "In layer 1 "
    words = where + (f"mean z² {size}" if last else f"mean z² is {spell(lengths[0])}")
    return f"{words}; {_difference(float(correlation[last]), last + 1)}."


def _size(last: float, first: float) -> str:
    if last == 0.0:
        return "falls to zero"
    ratio = last / first
    if 1.0 / CHANGED < ratio < CHANGED:
        return f"stays within a factor of {CHANGED:.0f} (×{spell(ratio)})"
    if ratio == 0.0 or math.isinf(ratio):
        return "shrinks to nothing" if ratio == 0.0 else "grows beyond all measure"
    return f"shrinks ×{spell(ratio)}" if ratio < 1.0 else f"grows ×{spell(ratio)}"


def _difference(correlation: float, layer: int) -> str:
    if math.isnan(correlation):
        return "with fewer than two samples nothing can be compared"
    if correlation >= ALIKE:
        size = "above 0.9999" if correlation > 0.9999 else f"{correlation:.4f}"
        return f"layer {layer} takes all inputs for the same (correlation {size})"
    # Adding 0 turns −0 into 0.
    return f"two inputs have correlation {round(correlation, 2) + 0.0:.2f} in layer {layer}".replace("-", "−")
