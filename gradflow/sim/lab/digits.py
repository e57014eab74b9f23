"""Numbers to be compared, written so that every digit stands below the same digit of the other."""

from __future__ import annotations

import math
from decimal import Decimal

from gradflow.sim.words import superscript

PLACES = 16
"""Digits behind the point: all that a float64 has."""


def written_alike(exact: float, other: float) -> tuple[str, str, str]:
    """Return the exact number as text, and the other's digits that agree with it and those that do not.

    Both have a sign, so that digits stand below digits, and the exponent of the exact one. A number that is far larger
    has its own exponent and no digit in common.
    """
    if not (math.isfinite(exact) and math.isfinite(other)):
        same = exact == other
        return _plain(exact), _plain(other) if same else "", "" if same else _plain(other)
    if exact == 0.0:
        return "+0", "+0" if other == 0.0 else "", "" if other == 0.0 else _alone(other)
    power = _power(exact)
    whole, found = _digits(exact, power), _digits(other, power)
    tail = f"·10{superscript(power)}" if power else ""
    if other and _power(other) > power + 1:
        return whole + tail, "", _alone(other)
    common = 0
    while common < min(len(whole), len(found)) and whole[common] == found[common]:
        common += 1
    return whole + tail, found[:common], found[common:] + tail


def _power(value: float) -> int:
    return Decimal(value).adjusted() if value else 0


def _digits(value: float, power: int) -> str:
    text = f"{Decimal(value).scaleb(-power):.{PLACES}f}"
    return text.replace("-", "−") if text.startswith("-") else f"+{text}"


def _alone(value: float) -> str:
    power = _power(value)
    return f"{_digits(value, power)}·10{superscript(power)}"


def _plain(value: float) -> str:
    return "not a number" if math.isnan(value) else "+∞" if value > 0 else "−∞"
