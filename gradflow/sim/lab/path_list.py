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
from itertools import islice

from gradflow.sim.lab.agreement import difference_words
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
    backprop's `gradient`. `size` is the sum of all magnitudes: where it is much larger, terms cancel.
    """

    start: int
    paths: tuple[Path, ...]
    count: int
    listed_sum: float
    others_sum: float
    unshown: float
    size: float
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

    @property
    def agreement(self) -> str:
        """The same in words, measured by backprop's number."""
        return difference_words(self.total, self.gradient, self.size)


def path_sums(graph: NeuronGraph) -> tuple[list[float], list[float], list[float]]:
    """Return for every neuron the sum over all its paths, that of their magnitudes, and what comes from elsewhere."""
    sums, unshown = [0.0] * len(graph.neurons), [neuron.rest for neuron in graph.neurons]
    sums[graph.terminal] = 1.0
    sizes = sums.copy()
    for i in reversed(range(graph.terminal)):
        for e in graph.outgoing[i]:
            edge = graph.edges[e]
            sums[i] += edge.derivative * sums[edge.target]
            sizes[i] += abs(edge.derivative) * sizes[edge.target]
            # A neuron that no rest reaches adds none, not even where the derivative is infinite.
            if unshown[edge.target]:
                unshown[i] += edge.derivative * unshown[edge.target]
    return sums, sizes, unshown


@dataclass(frozen=True)
class Tallies:
    """What is known of every neuron's paths without listing any.

    Their number, their sum, the sum of their magnitudes, what comes back from outside of the window, and `onward`: the
    edges that lead to the end, with what the largest product over each of them loses against the largest of all, as a
    difference of logarithms, the best edge first.
    """

    counts: list[int]
    sums: list[float]
    sizes: list[float]
    unshown: list[float]
    onward: list[list[tuple[float, int]]]

    @classmethod
    def of(cls, graph: NeuronGraph) -> Tallies:
        """Count and add up."""
        return cls(graph.counts[0], *path_sums(graph), _onward(graph))


def list_paths(graph: NeuronGraph, start: int, most: int = MOST_LISTED, known: Tallies | None = None) -> PathList:
    """Return the paths of a neuron, at most so many of them one by one."""
    known = known or Tallies.of(graph)
    paths = tuple(islice(best_paths(graph, start, known), most))
    count = known.counts[start]
    listed = math.fsum(path.product for path in paths) if all(math.isfinite(p.product) for p in paths) else math.nan
    return PathList(
        start=start,
        paths=paths,
        count=count,
        listed_sum=listed,
        others_sum=known.sums[start] - listed if count > len(paths) else 0.0,
        unshown=known.unshown[start],
        size=known.sizes[start] + abs(known.unshown[start]),
        gradient=graph.neurons[start].gradient,
    )


def _onward(graph: NeuronGraph) -> list[list[tuple[float, int]]]:
    best = [-math.inf] * len(graph.neurons)
    best[graph.terminal] = 0.0
    found: list[list[tuple[float, int]]] = [[] for _ in graph.neurons]
    for i in reversed(range(graph.terminal)):
        products = [_log(graph, e) + best[graph.edges[e].target] for e in graph.ways[i]]
        best[i] = max(products, default=-math.inf)
        found[i] = sorted((best[i] - product, e) for product, e in zip(products, graph.ways[i], strict=True))
    return found


def best_paths(graph: NeuronGraph, start: int, known: Tallies | None = None) -> Iterator[Path]:
    """Yield every path from a neuron to the end, by falling magnitude of its product.

    Best first: what a path loses against the best completion is known at every edge, and the next path is the one that
    has lost least. Completing one takes as many steps as it has edges; each begins the next best way beside it.
    """
    known = known or Tallies.of(graph)
    onward = known.onward
    if not known.counts[start]:
        return
    # Lost with the edge that comes next, the edges so far, which of the edges comes next, and lost without it. Of
    # equals the longest begun is completed first: otherwise equal weights would begin all paths before ending one.
    queue: list[tuple[float, int, int, tuple[int, ...], int, float]] = [(0.0, 0, 0, (), 0, 0.0)]
    begun = 1
    while queue:
        _, _, _, edges, which, before = heapq.heappop(queue)
        at = graph.edges[edges[-1]].target if edges else start
        if at == graph.terminal:
            yield _path(graph, start, edges)
            continue
        lost, e = onward[at][which]
        heapq.heappush(queue, (before + lost, -len(edges) - 1, begun, (*edges, e), 0, before + lost))
        if which + 1 < len(onward[at]):
            heapq.heappush(queue, (before + onward[at][which + 1][0], -len(edges), begun + 1, edges, which + 1, before))
        begun += 2


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
