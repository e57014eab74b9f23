"""The registry of rules: one function from a case to a finding, or to None where it has nothing to say.

The order of registration is the order of urgency, and puts causes before their consequences.
"""

from __future__ import annotations

from collections.abc import Callable

from gradflow.registry import Registry
from gradflow.sim.diagnosis.case import Case
from gradflow.sim.finding import Finding

Rule = Callable[[Case], Finding | None]
RULES: Registry[Rule] = Registry("finding")
rule = RULES.register
