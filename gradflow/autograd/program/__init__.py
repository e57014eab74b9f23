"""A small language for computational graphs: assignments, formulas, `no_grad` and `detach`.

    x1 = 2; x2 = -3
    with no_grad():
        s = x1 + x2
    f = tanh(w * x1 + b) * s

The text is parsed into a syntax tree, checked against a list of what is allowed, and walked by code of this package:
nothing typed is ever run by Python. `run` gives a `Trace` or a `ProgramError` with a place and a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradflow.autograd.program.program import Program
from gradflow.autograd.program.trace import Cut, Trace, TraceNode
from gradflow.errors import ProgramError

__all__ = ["Cut", "Program", "ProgramError", "Trace", "TraceNode", "run"]


def run(text: str, inputs: Mapping[str, Any] | None = None) -> Trace:
    """Compute a program and return its graph; see `Program.run`."""
    return Program(text).run(inputs)
