"""Numbers as they stand in the lab's formulas and tables, with a minus sign that is one."""

from __future__ import annotations

import math

from gradflow.sim.words import rounded


def short(value: float, digits: int = 3) -> str:
    """Return a number to so many significant digits: 0.0123, −3.4e−5, ∞, nan."""
    text, exponent = rounded(value, digits)
    return f"{text}e{exponent}".replace("-", "−") if exponent else text


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
    """Return a number with all its digits; a zero has no sign."""
    mantissa, _, exponent = repr(float(value) + 0.0).replace("inf", "∞").partition("e")
    return (f"{mantissa}e{int(exponent)}" if exponent else mantissa).replace("-", "−")


def factor(value: float, digits: int = 3) -> str:
    """Return a number as a factor of a product: in brackets if it is negative."""
    text = short(value, digits)
    return f"({text})" if text.startswith("−") else text
