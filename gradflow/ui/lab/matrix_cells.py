"""How the entries of a matrix look: the colour of each, and its number in the room of a cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.numerals import short
from gradflow.sim.words import superscript
from gradflow.ui.theme import Theme, rgb

Array = NDArray[np.float64]

NOT_FINITE = 256
"""The place in the colour table of what is not a number, after the 256 colours from − to +."""
DARK_INK, PALE_INK = "#1b2027", "#f4f6f9"

WIDE, WIDER = 72, 92
"""From these widths on a cell has room for three digits, or five, and a power of ten of its own."""


@lru_cache
def color_table(theme: Theme) -> NDArray[np.uint32]:
    """Return the 257 colours as 0xffRRGGBB: below zero, zero (the ground), above zero, not finite."""
    rows = np.vstack([theme.signed_table(), np.array([rgb(theme.error)], np.uint8)]).astype(np.uint32)
    return (np.uint32(0xFF000000) | rows[:, 0] << 16 | rows[:, 1] << 8 | rows[:, 2]).astype(np.uint32)


@lru_cache
def inks(theme: Theme) -> tuple[str, ...]:
    """Return the colour in which a number can be read on each of the 257 colours."""
    rows = [*theme.signed_table().tolist(), list(rgb(theme.error))]
    return tuple(DARK_INK if 0.30 * r + 0.59 * g + 0.11 * b > 128 else PALE_INK for r, g, b in rows)


def reach(values: Array) -> float:
    """Return the largest size of a finite entry, 0 if there is none: the ends of the colours."""
    if not values.size:
        return 0.0
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = np.where(np.isfinite(values), values, 0.0)
        low, high = float(finite.min()), float(finite.max())
    return max(high, -low, 0.0)


def places(values: Array, limit: float) -> NDArray[np.uint16]:
    """Return the place of each entry in the colour table, where −limit is the first colour and limit the last."""
    finite = np.isfinite(values)
    whole = bool(finite.all())
    # Divided first: the limit may be the largest number there is, or the smallest. Half the digits tell 256 colours.
    found = np.empty(values.shape, np.float32)
    np.divide(values if whole else np.where(finite, values, 0.0), limit or 1.0, out=found, casting="same_kind")
    found *= 127.5
    found += 128.0
    # At the limit 255.5, which is cut off to the last colour.
    placed = found.astype(np.uint16)
    if not whole:
        placed[~finite] = NOT_FINITE
    return placed


@dataclass(frozen=True)
class Notation:
    """How the numbers of one matrix are written in narrow cells: a power of ten for all, and so many decimals."""

    exponent: int = 0
    decimals: int = 2

    @classmethod
    def fit(cls, limit: float) -> Notation:
        """Return the notation in which the largest entry has one digit or two before the point."""
        if limit == 0.0:
            return cls()
        exponent = math.floor(math.log10(limit))
        if -1 <= exponent <= 1:
            return cls(0, 2 if exponent < 1 else 1)
        return cls(exponent, 2)

    @property
    def words(self) -> str:
        """What every number in a narrow cell is to be multiplied by; empty if by nothing."""
        return f"× 10{superscript(self.exponent)}" if self.exponent else ""

    def write(self, value: float, width: float) -> str:
        """Return a number for a cell of this width; in wide cells it stands for itself."""
        if width >= WIDE or not math.isfinite(value):
            return short(value, 5 if width >= WIDER else 3)
        if value == 0.0:
            return "0"
        # In two steps, for 10³⁰⁹ is no number.
        half = self.exponent // 2
        scaled = value / 10.0**half / 10.0 ** (self.exponent - half)
        return f"{scaled:.{self.decimals}f}".replace("-", "−")
