"""A difference quotient at a step that is small enough for what it is taken of, and no smaller."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

TENTHS = 4
"""So often a step is divided by 10 where the quotient has not settled; beyond that round-off would be all there is."""


@dataclass(frozen=True)
class Quotient:
    """A difference quotient at a step, with the names of the kinks that it straddles, "" for none."""

    value: float
    step: float
    kinks: str


def settled(at: Callable[[float], tuple[float, str]], step: float, agree: float) -> Quotient:
    """Return the quotient `at` a step if a tenth of it gives the same, but for this share, and no kink is straddled.

    Else steps ten times smaller are tried, and that is taken from which on the quotient changes least: above it
    truncation changes it, below it round-off. Nothing is asked but the function itself.
    """
    found = [Quotient(*_of(at, step))]
    for _ in range(TENTHS):
        found.append(Quotient(*_of(at, found[-1].step / 10.0)))
        one, other = found[-2:]
        if not (math.isfinite(one.value) or math.isfinite(other.value)):
            # What is not finite lies on no side of anything.
            return Quotient(one.value, one.step, "")
        same = abs(one.value - other.value) <= agree * max(abs(one.value), abs(other.value))
        if same and not one.kinks:
            return one
    smooth = [one for one in found if not one.kinks and math.isfinite(one.value)]
    if len(smooth) > 1:
        return min(pairwise(smooth), key=lambda pair: abs(pair[0].value - pair[1].value))[0]
    return smooth[0] if smooth else found[0]


def _of(at: Callable[[float], tuple[float, str]], step: float) -> tuple[float, float, str]:
    value, kinks = at(step)
    return value, step, kinks
