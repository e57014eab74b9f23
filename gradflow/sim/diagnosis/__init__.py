"""What is wrong, in words: rules from a case to findings with layer, number, cause, formula and remedies.

Every rule compares layers with each other, or a quantity with one that carries the loss alike, never with an absolute
limit: multiplying the loss by a constant must not change a verdict. Thresholds were calibrated on networks with one
known fault each (sim.trial).
"""

from functools import lru_cache

from gradflow.sim.diagnosis import breakdown, dead, edge, flow, outlook, progress, rates, units
from gradflow.sim.diagnosis.case import STEEP, Case
from gradflow.sim.diagnosis.checkup import Checkup, check_up
from gradflow.sim.diagnosis.flow import MILD, healthy
from gradflow.sim.diagnosis.registry import RULES, Rule, rule
from gradflow.sim.finding import Finding

__all__ = [
    "MILD",
    "RULES",
    "STEEP",
    "URGENCY",
    "Case",
    "Checkup",
    "breakdown",
    "check_up",
    "dead",
    "diagnose",
    "edge",
    "flow",
    "outlook",
    "progress",
    "rates",
    "rule",
    "units",
]

URGENCY = (
    "diverged",
    "left-out",
    "no-error",
    "underflow",
    "dead-units",
    "symmetric",
    "rate-too-high",
    "exploding",
    "saturated",
    "no-gradient",
    "vanishing",
    "bias-only",
    "uneven-rates",
    "rate-too-low",
    "catapult",
    "overfitting",
    "noise",
    "plateau",
    "chance",
    "beyond-reach",
    "idle-inputs",
    "luck",
    "edge-of-stability",
)
"""Causes before their consequences; a rule that is not named here comes last."""

FINAL = ("diverged", "left-out", "no-error")
"""Where one of these speaks, no other number means anything."""


WORTH_KNOWING = ("luck", "edge-of-stability")
"""Where only these speak, nothing is wrong."""


def diagnose(case: Case) -> tuple[Finding, ...]:
    """Return all findings that speak, the most urgent first; if nothing is wrong, "healthy" (or "leaning") leads."""
    found: list[Finding] = []
    for name, apply in _in_order(len(RULES)):
        finding = apply(case)
        if finding is not None:
            found.append(finding)
            if name in FINAL:
                break
    if all(finding.name in WORTH_KNOWING for finding in found):
        return healthy(case), *found
    return tuple(found)


@lru_cache(maxsize=1)
def _in_order(count: int) -> tuple[tuple[str, Rule], ...]:
    """Return the registered rules by urgency; `count` is how many there are, so that a new one is seen."""
    places = {name: place for place, name in enumerate(URGENCY)}
    return tuple((name, RULES[name].part) for name in sorted(RULES, key=lambda name: places.get(name, count)))
