"""How many multiplications a recorded computation takes: to compute it, to walk back, and to push forwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradflow.autograd.backward import operations_of
from gradflow.autograd.operation import Operation
from gradflow.autograd.variable import Variable


@dataclass(frozen=True)
class Multiplications:
    """What the record of one output costs; a division counts as one, an elementary function such as exp as none."""

    evaluate: int
    """To compute the output once."""

    sweep: int
    """To carry one vector through every edge: a backward walk for all inputs, or a forward push of one direction."""

    outputs: int
    """How many elements the output has: so many backward walks make the whole Jacobian."""

    inputs: int
    """How many elements the leaves have that ask for a gradient: so many forward pushes make the whole Jacobian."""

    @property
    def reverse(self) -> int:
        """The whole Jacobian in reverse mode."""
        return self.sweep * self.outputs

    @property
    def forward(self) -> int:
        """The whole Jacobian in forward mode."""
        return self.sweep * self.inputs

    @property
    def product(self) -> int:
        """vᵀJ from a Jacobian that is there; without one it takes a single sweep."""
        return self.outputs * self.inputs


def counted(edges: Iterable[tuple[Operation, int]], outputs: int, inputs: int) -> Multiplications:
    """Count along these edges, each an operation and the number of its input; for so many entries at both ends."""
    known = list(edges)
    return Multiplications(
        evaluate=sum(operation.multiplications for operation in {operation for operation, _ in known}),
        sweep=sum(operation.carry_multiplications(index) for operation, index in known),
        outputs=outputs,
        inputs=inputs,
    )


def multiplications(output: Variable) -> Multiplications:
    """Count what computing an output took, and what its Jacobian by all leaves takes in both modes."""
    order = operations_of([output])
    leaves = {target for operation in order for target in operation.targets if isinstance(target, Variable)}
    edges = (
        (operation, index)
        for operation in order
        for index, target in enumerate(operation.targets)
        if target is not None
    )
    return counted(edges, output.size, sum(leaf.size for leaf in leaves))
