"""How the edges of a graph run: a value's line passes the columns once, and each reader has a branch of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.dag_order import Ranked

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Routes:
    """The lines of all edges, level from each even point to the next and bent, with level ends, from each odd one.

    `trunks` has for each node the points (k, 2) from its right side on. An edge follows the first `joins` of them and
    then its own branch (3, 2), which begins at the last of these and ends at the target's left side.
    """

    sources: tuple[int, ...]
    trunks: tuple[Array, ...]
    joins: tuple[int, ...]
    branches: tuple[Array, ...]

    def whole(self, edge: int) -> Array:
        """Return all points of an edge."""
        return np.concatenate([self.trunks[self.sources[edge]][: self.joins[edge]], self.branches[edge][1:]])


def routes(
    graph: Ranked,
    edges: Sequence[tuple[int, int]],
    boxes: Sequence[tuple[float, float, float, float]],
    columns: Sequence[tuple[float, float]],
    centres: Sequence[float],
) -> Routes:
    """Run the edges between `boxes` (left, top, right, bottom) through `columns` (left, right)."""
    reach = [0] * graph.nodes
    for source, target in edges:
        reach[source] = max(reach[source], graph.ranks[target] - graph.ranks[source] - 1)
    trunks = []
    for source in range(graph.nodes):
        here = graph.ranks[source]
        points = [(boxes[source][2], centres[source]), (columns[here][1], centres[source])]
        for along in range(1, reach[source] + 1):
            y = centres[graph.lane(source, here + along)]
            points += [(columns[here + along][0], y), (columns[here + along][1], y)]
        trunks.append(np.array(points))
    joins, branches = [], []
    for (source, target), port in zip(edges, _ports(graph, edges, boxes, centres), strict=True):
        there = graph.ranks[target]
        joins.append(2 * (there - graph.ranks[source]))
        start = trunks[source][joins[-1] - 1]
        branches.append(np.array([tuple(start), (columns[there][0], port), (boxes[target][0], port)]))
    return Routes(tuple(source for source, _ in edges), tuple(trunks), tuple(joins), tuple(branches))


def _ports(
    graph: Ranked,
    edges: Sequence[tuple[int, int]],
    boxes: Sequence[tuple[float, float, float, float]],
    centres: Sequence[float],
) -> list[float]:
    """Return the height at which each edge arrives: the higher, the higher it comes from."""
    arriving: list[list[int]] = [[] for _ in boxes]
    for number, (_, target) in enumerate(edges):
        arriving[target].append(number)
    ports = [0.0] * len(edges)
    for target, numbers in enumerate(arriving):
        before = graph.ranks[target] - 1
        numbers.sort(key=lambda number: centres[graph.lane(edges[number][0], before)])
        _, top, _, bottom = boxes[target]
        for place, number in enumerate(numbers):
            ports[number] = top + (bottom - top) * (place + 1) / (len(numbers) + 1)
    return ports
