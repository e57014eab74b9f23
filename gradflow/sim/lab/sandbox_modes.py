"""Forward mode beside reverse mode: tangents, whole Jacobians, and how many multiplications each way costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_walk import walk

Array = NDArray[np.float64]

MOST_ENTRIES = 4096
"""Larger Jacobians are not shown."""


@dataclass(frozen=True)
class Cost:
    """Multiplications: of one pass through the graph, which costs the same both ways, and of all that is asked for.

    `outputs` and `inputs` count entries. A whole Jacobian takes one backward pass per output entry or one forward
    pass per input entry; vᵀJ takes one backward pass, or a whole Jacobian and the product.
    """

    one_pass: int
    outputs: int
    inputs: int

    @property
    def by_reverse(self) -> int:
        """For the Jacobian, row by row: backward once for each output entry."""
        return self.outputs * self.one_pass

    @property
    def by_forward(self) -> int:
        """For the Jacobian, column by column: forward once for each input entry."""
        return self.inputs * self.one_pass

    @property
    def product(self) -> int:
        """For vᵀ times a Jacobian that is there."""
        return self.outputs * self.inputs


def cost(sandbox: Sandbox) -> Cost:
    """Count the multiplications between the leaves and the output."""
    if not sandbox.differentiable:
        return Cost(0, 0, 0)
    assert sandbox.output is not None
    passes = sum(edge_cost(sandbox, number) for node in sandbox.above for number in sandbox.into[node])
    inputs = sum(sandbox.value(leaf).size for leaf in sandbox.leaves if leaf in sandbox.above)
    return Cost(passes, sandbox.value(sandbox.output).size, inputs)


def edge_cost(sandbox: Sandbox, number: int) -> int:
    """Return how many multiplications carry a vector over an edge, in either direction; none over a closed one."""
    edge = sandbox.edges[number]
    operation = sandbox.nodes[edge.target].variable.grad_fn
    return operation.carry_multiplications(edge.place) if edge.open and operation is not None else 0


def tangents(sandbox: Sandbox, direction: Mapping[int, Array]) -> dict[int, Array]:
    """Carry a direction of the leaves forward: each node's change, to first order, where it is not known to be 0."""
    found: dict[int, Array] = {leaf: np.asarray(direction[leaf])[()] for leaf in sandbox.leaves if leaf in direction}
    with np.errstate(all="ignore"):
        for node in sandbox.steps:
            for number in sandbox.into[node]:
                edge = sandbox.edges[number]
                if edge.open and edge.source in found:
                    operation = sandbox.nodes[node].variable.grad_fn
                    assert operation is not None
                    change = operation.jvp(edge.place, found[edge.source])
                    found[node] = found[node] + change if node in found else change
    return found


def jacobian(sandbox: Sandbox, leaf: int) -> Array | None:
    """Return ∂output/∂leaf, (entries of the output, entries of the leaf), row by row backwards; None if too large."""
    if not sandbox.differentiable or sandbox.output is None:
        return None
    output, size = sandbox.value(sandbox.output), sandbox.value(leaf).size
    if output.size * max(size, 1) > MOST_ENTRIES or output.size * len(sandbox.above) > MOST_ENTRIES:
        return None
    found = np.zeros((output.size, size))
    for row in range(output.size):
        unit = np.zeros(output.size)
        unit[row] = 1.0
        steps = walk(sandbox, unit.reshape(output.shape)[()])
        gradient = steps.gradient(leaf, len(steps.visits))
        if gradient is not None:
            found[row] = np.ravel(gradient)
    return found
