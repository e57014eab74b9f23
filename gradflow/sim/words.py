"""Numbers as they are printed in a text or on an axis."""

from __future__ import annotations

import math
from typing import Any

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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
    """Return a number to three significant digits as it is printed in a text: 0.0123, 3.4·10⁻⁵, ∞."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0.0 or 1e-3 <= abs(value) < 999.5:
        return f"{value:.3g}"
    if 999.5 <= abs(value) < 9999.5:
        return f"{value:.0f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}·10{superscript(int(exponent))}"


def spelled(value: Any) -> str:
    """Return the value of a field as its box shows it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
