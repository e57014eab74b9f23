"""How many paths a whole network has, and what they would cost: counted exactly, without listing any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.engine.network import Network
from gradflow.sim.lab.multiplications import Costs
from gradflow.sim.lab.neuron_graph import LOSS
from gradflow.sim.lab.neuron_probe import stations
from gradflow.sim.lab.spread import PASSING, spread

Array = NDArray[Any]


@dataclass(frozen=True)
class WholeCounts:
    """Of the whole network, whatever is shown: the paths of every neuron by station and unit, and the costs of all."""

    paths: tuple[tuple[int, ...], ...]
    costs: Costs


def whole_counts(network: Network, target: int = LOSS) -> WholeCounts:
    """Count the paths from every neuron to the loss (or to an output), and the multiplications for all of them.

    Cost: one addition of whole numbers for each unit of each layer, more in convolutions.
    """
    order = network.graph.order
    # At every number: paths from it, the sum of their lengths, and the calls of the naive recursion.
    tallies = {node: np.zeros((3, node.units), object) for node in order[:-1]}
    last = network.loss.inputs[0]
    if target == LOSS:
        tallies[last][0:2] = 1
    else:
        tallies[last][0, target] = 1
    edges = 0
    reached = {node: np.zeros(node.units, bool) for node in order[:-1]}
    reached[last][:] = True if target == LOSS else np.arange(last.units) == target
    for node in reversed(order[:-1]):
        paths, lengths, calls = tallies[node]
        if isinstance(node, PASSING):
            _hand_on(node, tallies, [paths, lengths, calls])
            _reach(node, reached)
            continue
        end = target != LOSS and node is _station(last)
        # An edge into the end is a factor of its own; the recursion multiplies by nothing there.
        _hand_on(node, tallies, [paths, lengths + paths, (0 if end else 1) * reached[node].astype(object) + calls])
        edges += 0 if end else _edges(node, reached[node])
        _reach(node, reached)
    found = tuple(tuple(int(n) for n in tallies[node][0]) for node in stations(network))
    lengths_of_all = sum(int(n) for node in stations(network) for n in tallies[node][1])
    costs = Costs(
        enumeration=lengths_of_all - sum(sum(own) for own in found) + (1 if target != LOSS else 0),
        recursion=sum(int(n) for node in stations(network) for n in tallies[node][2]),
        backprop=edges,
    )
    return WholeCounts(found, costs)


def _hand_on(node: Node, tallies: dict[Node, Array], numbers: list[Array]) -> None:
    for row, own in enumerate(numbers):
        if node.inputs:
            for source, part in zip(node.inputs, spread(node, own), strict=True):
                # Where nothing has come yet one number serves all units: it may have thousands of digits.
                before = tallies[source][row]
                tallies[source][row] = before + part if before.any() else part


def _reach(node: Node, reached: dict[Node, Array]) -> None:
    if node.inputs:
        for source, part in zip(node.inputs, spread(node, reached[node].astype(np.int64)), strict=True):
            reached[source] |= part > 0


def _edges(node: Node, reached: Array) -> int:
    """Return how many edges enter those neurons of a station from which the end can be reached."""
    if not node.inputs:
        return 0
    return sum(int(part.sum()) for part in spread(node, reached.astype(np.int64)))


def _station(node: Node) -> Node:
    while isinstance(node, PASSING):
        node = node.inputs[-1]
    return node
