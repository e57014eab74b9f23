"""Numbers as they stand in the lab's formulas and tables, with a minus sign that is one."""

from __future__ import annotations

import math


def short(value: float, digits: int = 3) -> str:
    """Return a number to so many significant digits: 0.0123, −3.4e−5, ∞, nan."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if value == 0.0:
        return "0"
    size = abs(value)
    plain = 1e-3 <= size < 10.0 ** max(digits, 4) - 0.5
    text = f"{value:.{digits}g}" if plain and size < 10.0**digits - 0.5 else f"{value:.0f}" if plain else ""
    if not plain:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def setting(value: float) -> str:
    """Return a number that somebody chose, with the digits that it has: 0.9, 1e−8."""
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    return (f"{mantissa}e{int(exponent)}" if exponent else mantissa).replace("-", "−")


def told(value: float, digits: int = 3) -> str:
    """Return a number after the sign that is true of it: = 0.5, ≈ 0.333."""
    text = short(value, digits)
    exact = not math.isfinite(value) or float(text.replace("−", "-")) == value
    return f"{'=' if exact else '≈'} {text}"


def full(value: float) -> str:
    """Return a number with all its digits."""
    return repr(float(value)).replace("-", "−").replace("inf", "∞").replace("e+", "e")


def factor(value: float, digits: int = 3) -> str:
    """Return a number as a factor of a product: in brackets if it is negative."""
    text = short(value, digits)
    return f"({text})" if text.startswith("−") else text
