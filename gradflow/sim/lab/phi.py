"""An activation's formula, with a number put in for z."""

from __future__ import annotations

import re
from functools import lru_cache

from gradflow.engine.activations import Activation
from gradflow.sim.lab.numerals import operand

_ABOVE_AND_BELOW = re.compile(r"(?P<above>.+?) for z > 0 and (?P<below>.+?) (?:for z ≤ 0|elsewhere)$")
_INSIDE = re.compile(r"(?P<inside>.+?) for \|z\| [<≤] (?P<edge>\d) and (?P<outside>.+?) elsewhere$")
_OR = re.compile(r"(?P<above>\S+) or (?P<below>\S+)$")
_Z = re.compile(r"(?<![A-Za-z])z(?![A-Za-z])")
_PHI = re.compile(r"φ(?![(′])|φ(?=\(1)")


def formulas(function: Activation) -> tuple[str, str]:
    """Return φ(z) and φ′(z) in symbols, as the activation's docstring says them."""
    return _said(type(function).__doc__ or "")


@lru_cache
def _said(words: str) -> tuple[str, str]:
    line = words.strip().split("\n")[0].rstrip(".").removeprefix("φ(z) = ")
    value, _, slope = line.partition(", slope ")
    if not slope:
        value, _, slope = (part.strip() for part in line.partition("; its slope is 0, replaced here by "))
    return value, re.sub(r" ≤ \S+$| \(the .+\)$|;.*", "", slope) if "for" not in slope else slope


def put_in(formula: str, z: float, a: float) -> str:
    """Return a formula in z and φ with numbers in their place; of two pieces the one that holds."""
    formula = _piece(formula, z).partition(", Φ")[0]
    text = formula.replace("⁻ᶻ", "^(−z)").replace("²ᶻ", "^(2·z)").replace("ᶻ", "^z")
    text = re.sub(r"(?<=[0-9λα])z(?![A-Za-z])", "·z", text)
    text = _PHI.sub(operand(a), _Z.sub(operand(z), text))
    # A number that stands in brackets anyway needs none of its own.
    text = re.sub(r"([(|])\(([−\d][^()]*)\)([)|])", r"\1\2\3", text)
    return re.sub(r", \(([−\d][^()]*)\)\)", r", \1)", text)


def _piece(formula: str, z: float) -> str:
    if found := _ABOVE_AND_BELOW.match(formula) or _OR.match(formula):
        return found["above" if z > 0 else "below"]
    if found := _INSIDE.match(formula):
        return found["inside" if abs(z) <= float(found["edge"]) else "outside"]
    return formula
