"""All paths from a neuron to the loss: how many there are, the largest products, and what they add up to.

The number of paths grows like a power of the depth. It is counted without listing any: what a neuron has is the sum
over its edges of what their ends have. The largest products are found in order, best first: the largest product that
can still follow is known at every neuron, so nothing but the wanted paths is ever completed.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass

from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.numerals import factor, short

MOST_LISTED = 60

_ZERO, _NOT_FINITE = -1e12, 1e9
"""In place of the logarithm of 0, and of what is not finite."""


@dataclass(frozen=True)
class Path:
    """One path: its neurons and edges in order, and the product of the derivatives on them."""

    neurons: tuple[int, ...]
    edges: tuple[int, ...]
    factors: tuple[float, ...]
    product: float

    @property
    def written_factors(self) -> str:
        """The factors as a product: 0.31 · (−0.2) · 0.05."""
        return " · ".join(map(factor, self.factors))

    def written(self) -> str:
        """Return the product with its factors: 0.31 · (−0.2) · 0.05 = −0.0031."""
        return f"{self.written_factors} = {short(self.product)}"


@dataclass(frozen=True)
class PathList:
    """The paths of one neuron, the largest products first.

    `count` is how many there are, exactly. `listed_sum` adds up the paths that are listed, `others_sum` all other
    shown ones, `unshown` what comes back from outside of the window: together the `total`, to be compared with
    backprop's `gradient`.
    """

    start: int
    paths: tuple[Path, ...]
    count: int
    listed_sum: float
    others_sum: float
    unshown: float
    gradient: float

    @property
    def others(self) -> int:
        """How many paths are not listed."""
        return self.count - len(self.paths)

    @property
    def total(self) -> float:
        """The sum over everything."""
        return self.listed_sum + self.others_sum + self.unshown

    @property
    def difference(self) -> float:
        """How far the sum is from backprop's number."""
        return self.total - self.gradient


def path_counts(graph: NeuronGraph) -> list[int]:
    """Return the number of paths from every neuron to the end."""
    counts = [0] * len(graph.neurons)
    counts[graph.terminal] = 1
    for i in reversed(range(graph.terminal)):
        counts[i] = sum(counts[graph.edges[e].target] for e in graph.ways[i])
    return counts


def path_sums(graph: NeuronGraph) -> tuple[list[float], list[float]]:
    """Return for every neuron the sum over all its paths, and what comes back to it from outside of the window."""
    sums, unshown = [0.0] * len(graph.neurons), [neuron.rest for neuron in graph.neurons]
    sums[graph.terminal] = 1.0
    for i in reversed(range(graph.terminal)):
        for e in graph.outgoing[i]:
            edge = graph.edges[e]
            sums[i] += edge.derivative * sums[edge.target]
            # A neuron that no rest reaches adds none, not even where the derivative is infinite.
            if unshown[edge.target]:
                unshown[i] += edge.derivative * unshown[edge.target]
    return sums, unshown


@dataclass(frozen=True)
class Tallies:
    """What is known of every neuron's paths without listing any.

    Their number, their sum, what comes back from outside of the window, and the logarithm of the largest product.
    """

    counts: list[int]
    sums: list[float]
    unshown: list[float]
    best: list[float]

    @classmethod
    def of(cls, graph: NeuronGraph) -> Tallies:
        """Count and add up."""
        return cls(path_counts(graph), *path_sums(graph), _best(graph))


def list_paths(graph: NeuronGraph, start: int, most: int = MOST_LISTED, known: Tallies | None = None) -> PathList:
    """Return the paths of a neuron, at most so many of them one by one."""
    known = known or Tallies.of(graph)
    paths = tuple(path for _, path in zip(range(most), best_paths(graph, start, known.best), strict=False))
    count = known.counts[start]
    listed = math.fsum(path.product for path in paths) if all(math.isfinite(p.product) for p in paths) else math.nan
    return PathList(
        start=start,
        paths=paths,
        count=count,
        listed_sum=listed,
        others_sum=known.sums[start] - listed if count > len(paths) else 0.0,
        unshown=known.unshown[start],
        gradient=graph.neurons[start].gradient,
    )


def _best(graph: NeuronGraph) -> list[float]:
    best = [-math.inf] * len(graph.neurons)
    best[graph.terminal] = 0.0
    for i in reversed(range(graph.terminal)):
        best[i] = max((_log(graph, e) + best[graph.edges[e].target] for e in graph.ways[i]), default=-math.inf)
    return best


def best_paths(graph: NeuronGraph, start: int, best: list[float] | None = None) -> Iterator[Path]:
    """Yield every path from a neuron to the end, by falling magnitude of its product.

    Best first: what a path loses against the best completion is known at every edge, and the next path is the one that
    has lost least. Completing one takes no more than the edges beside it.
    """
    best = _best(graph) if best is None else best
    if best[start] == -math.inf:
        return
    # Of equals the longest begun is completed first: otherwise equal weights would begin all paths before ending one.
    queue: list[tuple[float, int, int, int, tuple[int, ...]]] = [(0.0, 0, 0, start, ())]
    found = 1
    while queue:
        lost, _, _, at, edges = heapq.heappop(queue)
        if at == graph.terminal:
            yield _path(graph, start, edges)
            continue
        for e in graph.ways[at]:
            target = graph.edges[e].target
            more = best[at] - (_log(graph, e) + best[target])
            heapq.heappush(queue, (lost + more, -len(edges) - 1, found, target, (*edges, e)))
            found += 1


def _log(graph: NeuronGraph, edge: int) -> float:
    size = abs(graph.edges[edge].derivative)
    if size == 0.0:
        return _ZERO
    return math.log(size) if math.isfinite(size) else _NOT_FINITE


def _path(graph: NeuronGraph, start: int, edges: tuple[int, ...]) -> Path:
    factors = tuple(graph.edges[e].derivative for e in edges)
    product = 1.0
    # From the loss back, as backprop multiplies.
    for derivative in reversed(factors):
        product *= derivative
    return Path((start, *(graph.edges[e].target for e in edges)), edges, factors, product)
