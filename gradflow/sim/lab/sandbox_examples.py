"""The worked examples of the sandbox, as choices to begin with."""

from __future__ import annotations

from gradflow.autograd.program.examples import Example, examples
from gradflow.sim.lab.sandbox_program import Choices

__all__ = ["Example", "beginning", "examples"]


def beginning(example: Example) -> Choices:
    """Return an example's program, with its weights of the output if it has some."""
    seed = f"[{', '.join(f'{weight:g}' for weight in example.v)}]" if example.v else ""
    return Choices(example.text, seed=seed)
