"""How well two numbers agree that should be the same: what differs by round-off is told from what is wrong."""

from __future__ import annotations

import math

from gradflow.sim.words import spell

ROUND_OFF = 1e-11
"""Up to this share of what was added up, sums in another order may differ: some thousand terms of 1e−16 each."""


def agree(one: float, other: float, size: float = 0.0) -> bool:
    """Tell whether two numbers differ by no more than round-off; `size` is the sum of the magnitudes of all terms."""
    return one == other or abs(one - other) <= ROUND_OFF * max(abs(one), abs(other), size)


def difference_words(one: float, other: float, size: float = 0.0) -> str:
    """Say how far a number is from another, measured by the other: "off by 3·10⁻¹⁶ of it: round-off"."""
    if one == other:
        return "the same"
    difference = abs(one - other)
    if not math.isfinite(difference):
        return "not comparable"
    told = f"off by {spell(difference / abs(other))} of it" if other else f"off by {spell(difference)}"
    return f"{told}: round-off" if agree(one, other, size) else told
