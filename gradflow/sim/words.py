"""Numbers as they are printed in a text or on an axis."""

from __future__ import annotations

import math
from typing import Any

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

MOST_DIGITS = 12
"""A count with more digits is given as a power of ten."""


def subscript(n: int) -> str:
    """Return a whole number as an index."""
    return str(n).translate(_SUBSCRIPTS)


def superscript(n: int) -> str:
    """Return a whole number as an exponent."""
    return str(n).translate(_SUPERSCRIPTS)


def power(decades: float) -> str:
    """Return 10^decades as it is printed in a text, also where it is no float64."""
    if abs(decades) < 300:
        return spell(10.0**decades)
    return f"10{superscript(round(decades))}"


def spell(value: float) -> str:
    """Return a number to three significant digits as it is printed in a text: 0.0123, −3.40·10⁻⁵, ∞."""
    return "not a number" if math.isnan(value) else with_power(*rounded(value, 3))


def with_power(mantissa: str, exponent: int) -> str:
    """Return digits times a power of ten: 2.47·10⁻⁴, 10⁻⁸ where the digits are a mere 1; without it if it is 0."""
    if not exponent:
        return mantissa
    power = f"10{superscript(exponent)}"
    return {"1": power, "−1": f"−{power}"}.get(mantissa, f"{mantissa}·{power}")


def rounded(value: float, digits: int, padded: bool = False) -> tuple[str, int]:
    """Return a number to so many significant digits, and the power of ten that it is to be multiplied by.

    There is none (0) where the number can be read without: from 0.001 to four digits before the point. Zeros at the end
    are left out, unless it is to be `padded`.
    """
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "−∞", 0
    exponent = 0
    if value == 0.0:
        text = "0"
    elif 1e-3 <= abs(value) < 10.0**digits - 0.5:
        text = f"{value:#.{digits}g}".rstrip(".") if padded else f"{value:.{digits}g}"
    elif 1.0 < abs(value) < 10.0 ** max(digits, 4) - 0.5:
        text = f"{value:.0f}"
    else:
        text, _, power = f"{value:.{digits - 1}e}".partition("e")
        exponent = int(power)
    return text.replace("-", "−"), exponent


def counted(number: int) -> str:
    """Return a count with its digits in groups of three, 16 384, or 3.21·10¹⁸ where they are too many to read."""
    if number < 10**MOST_DIGITS:
        return f"{number:,}".replace(",", "\u202f")
    # Not by way of its digits: Python refuses to write more than some thousand of them.
    exponent = int(math.log10(number) + 1e-12)
    # Just below a power of ten the logarithm is rounded up to it.
    exponent -= number < 10**exponent
    lead = number // 10 ** (exponent - 2)
    return with_power(f"{lead // 100}.{lead % 100:02d}", exponent)


def spelled(value: Any) -> str:
    """Return the value of a field as its box shows it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
