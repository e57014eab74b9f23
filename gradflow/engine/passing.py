"""Memory for a forward pass alone: values that nobody reads any more give theirs to later ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gradflow.engine.graph import Node

Array = NDArray[Any]


def passing_values(order: Sequence[Node], batch: int, dtype: np.dtype[Any]) -> dict[int, Array]:
    """Return memory for the values of nodes in this order, by id, used again once the last consumer of one has run."""
    owner: dict[int, Node] = {}
    last_use: dict[int, int] = {}
    for place, node in enumerate(order):
        owner[id(node)] = owner[id(node.inputs[0])] if node.shows_input else node
        for source in (node, *node.inputs):
            last_use[id(owner[id(source)])] = place
    last_use[id(owner[id(order[-1].inputs[0])])] = len(order)
    free: dict[int, list[Array]] = {}
    values: dict[int, Array] = {}
    for place, node in enumerate(order):
        if not node.shows_input:
            spare = free.get(node.units)
            values[id(node)] = spare.pop() if spare else np.zeros((batch, node.units), dtype)
        for source in {id(owner[id(other)]): owner[id(other)] for other in (node, *node.inputs)}.values():
            if last_use[id(source)] == place:
                free.setdefault(source.units, []).append(values[id(source)])
    return values
