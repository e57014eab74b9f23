"""Forward mode beside reverse mode: tangents, whole Jacobians, and how many multiplications each way costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from gradflow.autograd import Multiplications, Operation, counted
from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_walk import walk

Array = NDArray[np.float64]

MOST_ENTRIES = 4096
"""Larger Jacobians are not shown."""


def cost(sandbox: Sandbox) -> Multiplications:
    """Count the multiplications between the leaves and the output."""
    if sandbox.output is None or not sandbox.differentiable:
        return Multiplications(0, 0, 0, 0)
    inputs = sum(sandbox.value(leaf).size for leaf in sandbox.leaves if leaf in sandbox.above)
    return counted(_open_edges(sandbox), sandbox.value(sandbox.output).size, inputs)


def _open_edges(sandbox: Sandbox) -> Iterator[tuple[Operation, int]]:
    for node in sandbox.above:
        operation = sandbox.nodes[node].variable.grad_fn
        for edge in (sandbox.edges[number] for number in sandbox.into[node]):
            if edge.open and operation is not None:
                yield operation, edge.place


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
