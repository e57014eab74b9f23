"""Numbers as they stand in the lab's formulas and tables, with a minus sign that is one."""

from __future__ import annotations

from gradflow.sim.words import rounded


def short(value: float, digits: int = 3) -> str:
    """Return a number to so many significant digits: 0.0123, −3.4e−5, ∞, nan."""
    text, exponent = rounded(value, digits)
    return f"{text}e{exponent}".replace("-", "−") if exponent else text


def full(value: float) -> str:
    """Return a number with all its digits."""
    return repr(float(value)).replace("-", "−").replace("inf", "∞").replace("e+", "e")


def factor(value: float, digits: int = 3) -> str:
    """Return a number as a factor of a product: in brackets if it is negative."""
    text = short(value, digits)
    return f"({text})" if text.startswith("−") else text
