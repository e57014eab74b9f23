"""A program that is read once and can be computed again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradflow.autograd.program.interpreter import Interpreter
from gradflow.autograd.program.source import Source
from gradflow.autograd.program.trace import Trace
from gradflow.autograd.recording import enable_grad
from gradflow.errors import ProgramError

_TOO_DEEP = "this is nested too deeply; give its parts names, on lines of their own"


class Program:
    """A text that has been read; raises ProgramError(reason, line, column), both from 1, for one that is no program."""

    def __init__(self, text: str) -> None:
        try:
            self._source = Source(text)
        except RecursionError:  # The nesting is limited, but not how deep the caller stands already.
            raise ProgramError(_TOO_DEEP, 1, 1) from None
        if not self._source.body:
            raise ProgramError("there is nothing to compute yet; write, for example, f = x1*x2 + x3*x4", 1, 1)

    def run(self, inputs: Mapping[str, Any] | None = None, leaves: Mapping[int, Any] | None = None) -> Trace:
        """Compute the program and return its graph.

        Names that are used before they are assigned are inputs: leaves whose values are in `inputs`, else 1. Numbers
        that are given a name are leaves too; all others are constants. `leaves` are numbers for leaves or constants, by
        the index of their node, instead of what the text says. Raises ProgramError for what cannot be computed.
        """
        try:
            # Whoever calls may stand in a no_grad of their own; the program's recording is its own matter.
            with enable_grad():
                return Interpreter(self._source, inputs or {}, leaves or {}).run()
        except RecursionError:
            raise ProgramError(_TOO_DEEP, 1, 1) from None
