"""In which order backprop visits the neurons, and what is missed if the order is wrong.

Visiting a neuron hands its gradient, as far as it has come by then, back over all its edges: each source gets
∂target/∂source · gradient. What arrives later is handed on by nobody. So an order is right if every neuron is visited
after all that read it: the reverse of a topological order.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.neuron_graph import NeuronGraph

Array = NDArray[Any]
Order = Callable[[NeuronGraph, int], list[int]]

TOLERANCE = 1e-9
"""From which relative difference on a gradient counts as wrong."""


def right(graph: NeuronGraph, seed: int = 0) -> list[int]:
    """Visit every neuron after all neurons that read it: the order of backprop."""
    return sorted(range(len(graph.neurons)), key=lambda i: (-graph.neurons[i].column, i != graph.terminal, i))


def nearest_first(graph: NeuronGraph, seed: int = 0) -> list[int]:
    """Visit by the number of edges to the end (breadth first): right without skips, wrong where a skip is shorter."""
    distance = {graph.terminal: 0}
    queue = deque([graph.terminal])
    while queue:
        at = queue.popleft()
        for e in graph.incoming[at]:
            source = graph.edges[e].source
            if source not in distance:
                distance[source] = distance[at] + 1
                queue.append(source)
    return sorted(range(len(graph.neurons)), key=lambda i: (distance.get(i, math.inf), -graph.neurons[i].column, i))


def depth_first(graph: NeuronGraph, seed: int = 0) -> list[int]:
    """Follow one path back to the input, then the next (depth first): a neuron does not wait for its other readers."""
    found: dict[int, None] = {}
    stack = [graph.terminal]
    while stack:
        at = stack.pop()
        if at not in found:
            found[at] = None
            stack.extend(graph.edges[e].source for e in graph.incoming[at])
    return [*found, *(i for i in right(graph) if i not in found)]


def forwards(graph: NeuronGraph, seed: int = 0) -> list[int]:
    """Visit from the input to the loss: no gradient has come in yet that could be handed on."""
    return list(range(len(graph.neurons)))


def shuffled(graph: NeuronGraph, seed: int = 0) -> list[int]:
    """Visit the end first, then all others at random."""
    rng = np.random.default_rng(seed)
    return [graph.terminal, *rng.permutation(graph.terminal).tolist()]


def by_hand(graph: NeuronGraph, chosen: Sequence[int]) -> list[int]:
    """Visit the chosen ones, then all others in the right order."""
    first = list(dict.fromkeys(chosen))
    return [*first, *(i for i in right(graph) if i not in set(first))]


OWN = "own"
"""The name of the order that a person chooses neuron by neuron."""

ORDERS: dict[str, tuple[str, Order]] = {
    "right": ("last layer first (backprop)", right),
    "nearest": ("nearest to the end first", nearest_first),
    "depth": ("path by path", depth_first),
    "forwards": ("first layer first (forwards)", forwards),
    "random": ("at random", shuffled),
    OWN: ("by hand, click by click", right),
}
"""The orders by name, each with its words."""


@dataclass(frozen=True, eq=False, repr=False)
class Walk(Frozen):
    """Backprop in some order, step by step; each step visits a group of neurons, one after the other.

    `arrived` (steps + 1, neurons) is how much of each gradient has come in before each step. `handed` is, for each
    neuron, how much of it had come in when it was visited, `wanted` what backprop in the right order has there.
    """

    groups: Sequence[tuple[int, ...]]
    arrived: Array
    handed: Array
    wanted: Array
    multiplications: Sequence[int]
    visited_at: Sequence[int]

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return len(self.groups)

    @property
    def final(self) -> Array:
        """The gradients at the end of the walk."""
        last: Array = self.arrived[-1]
        return last

    def complete(self, graph: NeuronGraph, step: int) -> list[bool]:
        """Return for every neuron whether all that read it have been visited before this step."""
        arrays, done = graph.arrays, np.ones(len(graph.neurons), bool)
        done[arrays.sources[np.array(self.visited_at)[arrays.targets] >= step]] = False
        return list(map(bool, done))

    def topological(self, graph: NeuronGraph) -> bool:
        """Tell whether every neuron comes after all neurons that read it."""
        place = np.argsort([i for group in self.groups for i in group])
        return bool((place[graph.arrays.targets] < place[graph.arrays.sources]).all())

    @cached_property
    def wrong(self) -> NDArray[np.bool_]:
        """Which gradients are wrong in the end."""
        return _apart(self.final, self.wanted)

    @cached_property
    def too_early(self) -> NDArray[np.bool_]:
        """Which neurons were visited before all that was to come had come in."""
        return _apart(self.handed, self.final)

    def missing(self, neuron: int) -> float:
        """Return which share of a neuron's gradient is missing in the end, 1 for all; nan where it should be 0."""
        wanted = float(self.wanted[neuron])
        return 1.0 - float(self.final[neuron]) / wanted if wanted else math.nan


def _apart(numbers: Array, others: Array) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        close = np.abs(numbers - others) <= TOLERANCE * np.abs(others)
    apart: NDArray[np.bool_] = ~(close | (numbers == others) | (np.isnan(numbers) & np.isnan(others)))
    return apart


def walk(graph: NeuronGraph, order: Sequence[int], by_layer: bool = False) -> Walk:
    """Run backprop in an order; by layer, neurons of one column that follow each other are one step."""
    groups = _groups(graph, order, by_layer)
    size, end = len(graph.neurons), graph.terminal
    now = np.array([neuron.rest for neuron in graph.neurons])
    now[end] = 1.0
    arrived, handed = np.zeros((len(groups) + 1, size)), np.zeros(size)
    multiplications, count, visited_at = [0], 0, [0] * size
    with np.errstate(all="ignore"):
        for step, group in enumerate(groups):
            arrived[step] = now
            for i in group:
                handed[i], visited_at[i] = now[i], step
                for e in graph.incoming[i]:
                    edge = graph.edges[e]
                    now[edge.source] += edge.derivative * now[i] if i != end else edge.derivative
                    count += i != end
            multiplications.append(count)
        arrived[-1] = now
    wanted = now if list(order) == right(graph) else walk(graph, right(graph), by_layer=True).final
    return Walk(groups, arrived, handed, np.array(wanted), multiplications, visited_at)


def _groups(graph: NeuronGraph, order: Sequence[int], by_layer: bool) -> list[tuple[int, ...]]:
    if not by_layer:
        return [(i,) for i in order]
    groups: list[list[int]] = []
    for i in order:
        same = groups and graph.neurons[groups[-1][0]].column == graph.neurons[i].column
        # Nothing that reads another stands in one step with it: the end may share a column with other outputs.
        if same and i != graph.terminal:
            groups[-1].append(i)
        else:
            groups.append([i])
    return [tuple(group) for group in groups]
