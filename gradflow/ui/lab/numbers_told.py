"""Whole numbers in words of the window: digits in groups, and a power of ten where they are too many to read."""

from __future__ import annotations

from gradflow.sim.words import superscript

MOST_DIGITS = 12


def counted(number: int) -> str:
    """Return a count: 16 384, or 3.2·10¹⁸ where it has too many digits."""
    digits = str(number)
    if len(digits) <= MOST_DIGITS:
        return f"{number:,}".replace(",", "\u202f")
    return f"{digits[0]}.{digits[1:3]}·10{superscript(len(digits) - 1)}"
