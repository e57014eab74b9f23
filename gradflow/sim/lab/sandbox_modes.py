"""Forward mode beside reverse mode: tangents, Jacobians, second derivatives, and what each way costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.autograd import Multiplications, Operation, counted, hessian
from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_walk import walk

Array = NDArray[np.float64]

MOST_ENTRIES = 4096
"""Larger Jacobians are not shown."""

MOST_SECOND, MOST_NODES = 8, 64
"""Second derivatives are shown by so many entries of leaves, through so many nodes."""


@dataclass(frozen=True, eq=False)
class Curvature:
    """The Hessian of a single number by the entries of all leaves, and its eigenvalues, the largest first."""

    entries: tuple[tuple[int, int], ...]
    """Of each row and column the leaf and the place in it."""

    hessian: Array
    eigenvalues: Array


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


def curvature(sandbox: Sandbox) -> Curvature | None:
    """Return the second derivatives of the output; None if there are too many, or if something is cut by hand."""
    leaves = [leaf for leaf in sandbox.leaves if leaf in sandbox.above]
    entries = tuple((leaf, place) for leaf in leaves for place in range(sandbox.value(leaf).size))
    if sandbox.output is None or sandbox.value(sandbox.output).size != 1 or sandbox.detached or sandbox.plain:
        return None
    if not 0 < len(entries) <= MOST_SECOND or len(sandbox.above) > MOST_NODES:
        return None
    variables = [sandbox.nodes[leaf].variable for leaf in leaves]
    blocks = hessian(sandbox.nodes[sandbox.output].variable, variables)
    rows = [
        np.hstack([np.reshape(block.data, (one.size, other.size)) for block, other in zip(row, variables, strict=True)])
        for row, one in zip(blocks, variables, strict=True)
    ]
    found = np.vstack(rows)
    finite = bool(np.isfinite(found).all())
    eigenvalues = np.linalg.eigvalsh(found)[::-1] if finite else np.full(len(found), np.nan)
    # What lies within the error of their computation, n·u·max|λ|, cannot be told from 0.
    error = len(found) * np.finfo(float).eps * np.max(np.abs(eigenvalues))
    eigenvalues = np.where(np.abs(eigenvalues) <= error, 0.0, eigenvalues)
    return Curvature(entries, found, eigenvalues)
