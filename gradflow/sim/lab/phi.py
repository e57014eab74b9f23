"""An activation's formula with a number put in for z."""

from __future__ import annotations

import re
from functools import lru_cache

from gradflow.engine.activations import Activation
from gradflow.sim.lab.numerals import factor

_PIECES = re.compile(r"(?P<above>.+?) for z > 0 and (?P<below>.+?) (?:for z ≤ 0|elsewhere)$")
_Z = re.compile(r"(?<![A-Za-z])z(?![A-Za-z])")


@lru_cache
def formulas(function: type[Activation]) -> tuple[str, str]:
    """Return φ(z) and φ′(z) in symbols, as the activation's docstring says them."""
    line = (function.__doc__ or "").strip().split("\n")[0].rstrip(".")
    value, _, slope = line.removeprefix("φ(z) = ").partition(", slope ")
    return value, slope.split(";")[0]


def put_in(formula: str, z: float) -> str:
    """Return a formula in z with a number in its place; of two pieces the one that holds."""
    pieces = _PIECES.match(formula)
    if pieces:
        formula = pieces["above" if z > 0 else "below"]
    number = factor(z)
    text = formula.replace("⁻ᶻ", "^(−z)").replace("²ᶻ", "^(2·z)").replace("ᶻ", "^z")
    text = re.sub(r"(?<=[0-9A-Za-zλα])z(?![A-Za-z])", "·z", text)
    return _Z.sub(number, text)
