"""Numbers to be compared, written so that every digit stands below the same digit of the other."""

from __future__ import annotations

import math
from decimal import Decimal

from gradflow.sim.words import spell, superscript, with_power

PLACES = 16
"""Digits behind the point: all that a float64 has."""


def written_alike(exact: float, other: float) -> tuple[str, str, str, str]:
    """Return the digits of the exact number, the other's that agree and those that do not, and the power of both.

    Both have a sign, so that digits stand below digits. A number that is far larger has its own power of ten and no
    digit in common: then its power is among them.
    """
    if not (math.isfinite(exact) and math.isfinite(other)):
        same = exact == other
        return _plain(exact), _plain(other) if same else "", "" if same else _plain(other), ""
    if exact == 0.0:
        return "+0", "+0" if other == 0.0 else "", "" if other == 0.0 else _alone(other), ""
    power = _power(exact)
    whole, found = _digits(exact, power), _digits(other, power)
    tail = f"·10{superscript(power)}" if power else ""
    if other and _power(other) > power + 1:
        return whole + tail, "", _alone(other), ""
    common = 0
    while common < min(len(whole), len(found)) and whole[common] == found[common]:
        common += 1
    return whole, found[:common], found[common:], tail


def told_apart(*values: float) -> list[str]:
    """Return numbers as they are printed in a text, with as many digits as it takes to see which differ."""
    words = [spell(value) for value in values]
    finite = [value for value in values if math.isfinite(value)]
    digits = 4
    while len({words[values.index(value)] for value in finite}) < len(set(finite)) and digits <= PLACES:
        words = [f"{value:.{digits}g}" if 1e-3 <= abs(value) < 1e4 else _spelled(value, digits) for value in values]
        digits += 1
    return [word.replace("-", "−") for word in words]


def _spelled(value: float, digits: int) -> str:
    if value == 0.0 or not math.isfinite(value):
        return spell(value)
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return with_power(mantissa, int(exponent))


def _power(value: float) -> int:
    return Decimal(value).adjusted() if value else 0


def _digits(value: float, power: int) -> str:
    text = f"{Decimal(value).scaleb(-power):.{PLACES}f}"
    return text.replace("-", "−") if text.startswith("-") else f"+{text}"


def _alone(value: float) -> str:
    power = _power(value)
    return f"{_digits(value, power)}·10{superscript(power)}"


def _plain(value: float) -> str:
    if math.isfinite(value):
        return _alone(value) if value else "+0"
    return "not a number" if math.isnan(value) else "+∞" if value > 0 else "−∞"
