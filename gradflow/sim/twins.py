"""Units that are the same: parallel columns of a matrix, found without comparing every one with every other.

Whether they will stay the same is another question, which the diagnosis asks of their gradients as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Layer
from gradflow.sim.condense import unit_columns
from gradflow.sim.statistics import incoming

Array = NDArray[Any]

ALIKE = 1.0 - 1e-9
"""The |cosine| from which on two units count as one."""

FEW_INPUTS = 3
"""With so few inputs, incoming weights are parallel by chance, and the outgoing ones must be as well."""


def twins(layer: Layer, following: Layer | None) -> NDArray[np.int64]:
    """Return, for each unit, another one (from 0) with parallel incoming weights, −1 where there is none."""
    matrices = [incoming(layer.linear)]
    units = layer.linear.channels
    if len(layer.linear.W) <= FEW_INPUTS and following is not None and len(following.linear.W) == units:
        # The outgoing ones first: they are parallel less often.
        matrices.insert(0, following.linear.W.T)
    return parallel(*matrices)


def parallel(*matrices: Array) -> NDArray[np.int64]:
    """Return, for each column, another one that is parallel to it in every matrix, −1 where there is none.

    Parallel columns of length 1 have nearly the same |projection| onto any direction: only columns whose projections
    onto a random one are neighbours are compared. Cost: a few passes over the matrices, not columns².
    """
    rows = [np.ascontiguousarray(unit_columns(matrix).T) for matrix in matrices]
    count, length = rows[0].shape
    rng = np.random.default_rng(0)
    probe: Array = rng.normal(size=(length,))
    shadow = np.abs(rows[0] @ (probe / np.linalg.norm(probe)))
    order = np.argsort(shadow, kind="stable")
    shadow = shadow[order]
    # |a ± b| ≤ √(2·(1 − |cos|)), and a projection is no longer; twice that, for rounding.
    near = 2.0 * np.sqrt(2.0 * (1.0 - ALIKE))
    twin = np.full(count, -1)
    for apart in range(1, count):
        close = np.flatnonzero(shadow[apart:] - shadow[:-apart] <= near)
        if not len(close):
            break
        one, other = order[close], order[close + apart]
        wanting = (twin[one] < 0) | (twin[other] < 0)
        if not wanting.any():
            # Whoever has a neighbour at all has found a twin.
            break
        one, other = one[wanting], other[wanting]
        same = np.ones(len(one), bool)
        for side in rows:
            same &= np.abs(np.einsum("ij,ij->i", side[one], side[other])) > ALIKE
        twin[one[same]], twin[other[same]] = other[same], one[same]
    return twin
