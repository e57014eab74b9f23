"""What tests need to read numbers as they are written in the lab."""

from __future__ import annotations

import re

_SIGNS = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")


def read(text: str) -> float:
    """Return the number that a text says: −2.47·10⁻⁴, 10⁻⁸, 0.25."""
    power = re.fullmatch(r"(−?)(?:([\d.]+)·)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text)
    sign, mantissa, exponent = power.groups() if power else ("", text, "0")
    return float(f"{sign}{mantissa or 1}e{exponent}".translate(_SIGNS).replace("∞", "inf"))
