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

from gradflow.autograd.program.interpreter import Interpreter
from gradflow.autograd.program.replay import compute_again
from gradflow.autograd.program.source import Source
from gradflow.autograd.program.trace import Cut, Trace, TraceNode
from gradflow.autograd.recording import enable_grad
from gradflow.errors import ProgramError

__all__ = ["Cut", "ProgramError", "Trace", "TraceNode", "compute_again", "run"]


def run(text: str, inputs: Mapping[str, Any] | None = None) -> Trace:
    """Compute a program and return its graph.

    Names that are used before they are assigned are inputs: leaves whose values are in `inputs`, else 1. Numbers that
    are given a name are leaves too; all others are constants. Raises ProgramError(reason, line, column), both counted
    from 1, for any text that is no program or cannot be computed.
    """
    try:
        source = Source(text)
        if not source.body:
            raise ProgramError("there is nothing to compute yet; write, for example, f = x1*x2 + x3*x4", 1, 1)
        # Whoever calls may stand in a no_grad of their own; the program's recording is its own matter.
        with enable_grad():
            return Interpreter(source, inputs or {}).run()
    except RecursionError:  # The nesting is limited, but not how deep the caller stands already.
        raise ProgramError("this is nested too deeply; give its parts names, on lines of their own", 1, 1) from None
