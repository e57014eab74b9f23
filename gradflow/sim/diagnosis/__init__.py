"""What is wrong, in words: rules from a case to findings with layer, number, cause, formula and remedies.

Every rule compares layers with each other, or a quantity with one that carries the loss alike, never with an absolute
limit: multiplying the loss by a constant must not change a verdict. Thresholds were calibrated on networks with one
known fault each (sim.trial). The modules are imported in the order of urgency, causes before consequences.
"""

from gradflow.sim.diagnosis import dead, breakdown, rates, flow, units, progress  # noqa: I001 - the order of urgency
from gradflow.sim.diagnosis.case import STEEP, Case, decades_lost
from gradflow.sim.diagnosis.checkup import Checkup, check_up
from gradflow.sim.diagnosis.flow import MILD, healthy
from gradflow.sim.diagnosis.registry import RULES, rule
from gradflow.sim.finding import Finding

__all__ = [
    "MILD",
    "RULES",
    "STEEP",
    "Case",
    "Checkup",
    "breakdown",
    "check_up",
    "decades_lost",
    "diagnose",
    "flow",
    "progress",
    "rates",
    "rule",
    "units",
]

FINAL = ("diverged", "left-out", "no-error")
"""Where one of these speaks, no other number means anything."""


def diagnose(case: Case) -> tuple[Finding, ...]:
    """Return all findings that speak, the most urgent first; exactly one, "healthy" or "leaning", if nothing is wrong."""
    found: list[Finding] = []
    for name, entry in RULES.items():
        finding = entry.part(case)
        if finding is not None:
            found.append(finding)
            if name in FINAL:
                break
    return tuple(found) or (healthy(case),)
