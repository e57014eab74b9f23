"""The worked examples of the sandbox, as choices to begin with."""

from __future__ import annotations

from gradflow.autograd.program.examples import Example, examples
from gradflow.autograd.program.functions import FUNCTIONS, SPECIAL
from gradflow.autograd.program.limits import CHARACTERS as LONGEST_PROGRAM
from gradflow.sim.lab.sandbox_program import Choices

__all__ = ["LONGEST_PROGRAM", "Example", "beginning", "examples", "written_functions"]


def beginning(example: Example) -> Choices:
    """Return an example's program, with its weights of the output if it has some."""
    seed = f"[{', '.join(f'{weight:g}' for weight in example.v)}]" if example.v else ""
    return Choices(example.text, seed=seed)


def written_functions() -> list[str]:
    """Return every function of the language as it is written."""
    return [*(function.signature(name) for name, function in FUNCTIONS.items()), *SPECIAL.values()]
