"""Whole numbers in words of the window: digits in groups, and a power of ten where they are too many to read."""

from __future__ import annotations

import math

from gradflow.sim.words import superscript

MOST_DIGITS = 12


def counted(number: int) -> str:
    """Return a count: 16 384, or 3.2·10¹⁸ where it has too many digits."""
    if number < 10**MOST_DIGITS:
        return f"{number:,}".replace(",", "\u202f")
    # Not by way of its digits: Python refuses to write more than some thousand of them.
    exponent = int(math.log10(number) + 1e-12)
    # Just below a power of ten the logarithm is rounded up to it.
    exponent -= number < 10**exponent
    lead = number // 10 ** (exponent - 2)
    return f"{lead // 100}.{lead % 100:02d}·10{superscript(exponent)}"
