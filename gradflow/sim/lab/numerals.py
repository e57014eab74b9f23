"""Numbers as they stand in the lab's formulas and tables: a minus sign that is one, powers of ten as 2.47·10⁻⁴."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.words import rounded, with_power

MOST_DIGITS = 15
"""A rounded number has no more digits than this; all of them are one or two more."""


def short(value: float, digits: int = 3) -> str:
    """Return a number to so many significant digits: 0.0123, −3.40·10⁻⁵, ∞, nan."""
    return with_power(*rounded(value, digits))


def whole_columns(values: NDArray[np.float64]) -> list[bool]:
    """Tell which columns have whole numbers, to be written as they are; those of a single row are all alike."""
    whole = ((values == np.floor(values)) & (np.abs(values) < 1e15)) | np.isnan(values)
    return [bool(one) for one in (whole.all(axis=0) if len(values) > 1 else [whole.all()] * values.shape[1])]


def in_column(value: float, digits: int, whole: bool) -> tuple[str, int]:
    """Return a number of a table and its power of ten: all of a column have as many digits, or are whole numbers."""
    if whole and math.isfinite(value):
        return f"{value + 0.0:.0f}".replace("-", "−"), 0
    return rounded(value, digits, padded=True)


def widest(column: NDArray[np.float64]) -> list[float]:
    """Return those of a column's numbers among which is the one that is the longest when it is written."""
    finite = column[np.isfinite(column)]
    found = [math.nan] if len(finite) < len(column) else []
    for part in (finite[finite < 0.0], finite[finite >= 0.0]):
        sizes = np.abs(part)
        # The smallest have powers of ten, or zeros behind the point; the largest have powers of ten or many digits.
        for kept in (sizes, sizes[sizes > 0.0], sizes[sizes >= 1e-3]):
            found += [math.copysign(float(one), part[0]) for one in (kept.min(), kept.max())] if kept.size else []
    return found


def setting(value: float) -> str:
    """Return a number that somebody chose, with the digits that it has: 0.9, 10⁻⁸."""
    return _as_it_is(f"{value:.6g}")


def told(value: float, digits: int = 3) -> str:
    """Return a number after the sign that is true of it: = 0.5, ≈ 0.333."""
    text, exponent = rounded(value, digits)
    exact = not math.isfinite(value) or float(f"{text.replace('−', '-')}e{exponent}") == value
    return f"{'=' if exact else '≈'} {with_power(text, exponent)}"


def full(value: float) -> str:
    """Return a number with all its digits; a zero has no sign."""
    number = float(value) + 0.0
    text = repr(number).replace("inf", "∞").removesuffix(".0")
    if 0.0 < abs(number) < 1e-3 and "e" not in text:
        exact = Decimal(text)
        text = f"{exact.scaleb(-exact.adjusted())}e{exact.adjusted()}"
    return _as_it_is(text)


def longest(value: float, fits: Callable[[str], bool]) -> str:
    """Return a number with all its digits after an equals sign, or as many as fit (three at least), rounded."""
    tried = [f"= {full(value)}"]
    for digits in range(MOST_DIGITS, 2, -1):
        if fits(tried[-1]):
            break
        tried.append(told(value, digits))
    return tried[-1]


def factor(value: float, digits: int = 3) -> str:
    """Return a number as a factor of a product: in brackets if it is negative."""
    text = short(value, digits)
    return f"({text})" if text.startswith("−") else text


def operand(value: float, digits: int = 3) -> str:
    """Return a number as it stands below a root, in an exponent, as a divisor: in brackets if it is a product, too."""
    text = short(value, digits)
    return f"({text})" if text.startswith("−") or "·" in text else text


def _as_it_is(text: str) -> str:
    mantissa, _, exponent = text.replace("-", "−", 1).partition("e") if text.startswith("-") else text.partition("e")
    return with_power(mantissa, int(exponent or 0))
