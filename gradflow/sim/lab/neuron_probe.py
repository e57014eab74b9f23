"""What the engine says about single neurons: its gradients at each turn, and the derivative of one by another.

A derivative is asked of the engine's own backward pass, given a single 1 in place of a gradient: so an edge carries
what training computes with, whatever the nodes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Input, Node
from gradflow.engine.losses import Loss
from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Add, Concatenate, Conv, Dropout, LearnableActivate, Linear, Norm
from gradflow.engine.nodes.norm import BatchNorm
from gradflow.sim.graph_shape import node_name
from gradflow.sim.lab.neuron_graph import LOSS, Column
from gradflow.sim.lab.spread import PASSING, spread
from gradflow.sim.lab.symbols import Symbols

Array = NDArray[Any]


class NeuronProbe:
    """Looks into a network that has run forwards, at one row of its batch. `target` is an output, or LOSS.

    `stations` are the nodes whose outputs are neurons, in topological order and without the loss. `origin` says, for
    each number that a node hands on, which neuron it is of: the station's place and the unit.
    """

    def __init__(self, network: Network, row: int, target: int) -> None:
        self.network, self.row, self.target = network, row, target
        order = network.graph.order[:-1]
        self.layer_of = layers_of(network)
        self.stations = stations(network)
        self.place = {node: i for i, node in enumerate(self.stations)}
        self.origin: dict[Node, tuple[Array, Array]] = {}
        for node in order:
            self.origin[node] = self._origin(node)
        self.readers: dict[Node, list[Node]] = {node: [] for node in order}
        for node in (*order, network.loss):
            for source in node.inputs:
                self.readers[source].append(node)
        self._order = {node: i for i, node in enumerate(order)}
        self._known_between: dict[Node, tuple[list[Node], list[Node]]] = {}
        self._weighted = {layer.linear for layer in network.layers}
        self._symbols = Symbols(network)

    def _origin(self, node: Node) -> tuple[Array, Array]:
        if node in self.place:
            return np.full(node.units, self.place[node]), np.arange(node.units)
        if isinstance(node, Concatenate):
            parts = [[own.reshape(-1, s.shape[-1]) for own in self.origin[s]] for s in node.inputs]
            places, units = (np.concatenate(both, axis=1).reshape(-1) for both in zip(*parts, strict=True))
            return places, units
        return self.origin[node.inputs[0]]

    def walk(self, kept: Iterable[Node]) -> None:
        """Run the backward pass, and keep every gradient at the moment at which it is complete.

        Of parameters only the gradients of the `kept` nodes are: they are overwritten by whatever is asked next.
        """
        network, graph = self.network, self.network.graph
        last = network.loss.inputs[0]
        if self.target == LOSS:
            for call in graph.turn(network.loss):
                call()
        else:
            last.grad.fill(0.0)
            last.grad[self.row, self.target] = 1.0
        self.gradient: dict[Node, Array] = {}
        for node in reversed(graph.order[:-1]):
            self.gradient[node] = node.grad.copy()
            for call in graph.turn(node):
                call()
        linear = [node for node in kept if isinstance(node, Linear)]
        self.W_grad = {node: node.W_grad.copy() for node in linear}
        self.b_grad = {node: node.b_grad.copy() for node in linear}

    def _between(self, node: Node) -> tuple[list[Node], list[Node]]:
        """Return the nodes without neurons between a node and the stations it reads, in backward order, and these."""
        if node in self._known_between:
            return self._known_between[node]
        passed: set[Node] = set()
        reached: set[Node] = set()
        stack = list(node.inputs)
        while stack:
            source = stack.pop()
            if source in self.place:
                reached.add(source)
            elif source not in passed:
                passed.add(source)
                stack.extend(source.inputs)
        backwards = sorted(passed, key=self._order.__getitem__, reverse=True)
        self._known_between[node] = backwards, sorted(reached, key=self._order.__getitem__)
        return self._known_between[node]

    def reads(self, node: Node) -> list[Node]:
        """Return the stations whose neurons a node reads."""
        return self._between(node)[1]

    def pull(self, node: Node, seed: Array) -> dict[Node, Array]:
        """Return what the stations that a node reads are given, where its gradient is `seed` (samples, units)."""
        passed, reached = self._between(node)
        for other in (*passed, *reached):
            other.grad.fill(0.0)
        node.grad[:] = seed
        node.backward()
        for other in passed:
            other.backward()
        return {station: station.grad[self.row].copy() for station in reached}

    def derivatives(self, node: Node, unit: int) -> dict[Node, Array]:
        """Return ∂(this neuron)/∂(every neuron that it reads), by station."""
        seed = np.zeros_like(node.value)
        seed[self.row, unit] = 1.0
        return self.pull(node, seed)

    def sources(self, node: Node, unit: int) -> list[tuple[int, int, int]]:
        """Return which neurons a neuron reads, as station and unit, and the place of each in the node's input."""
        one = np.zeros(node.units, np.int64)
        one[unit] = 1
        found = []
        for source, numbers in zip(node.inputs, spread(node, one), strict=True):
            stations, units = self.origin[source]
            found += [(int(stations[d]), int(units[d]), int(d)) for d in np.flatnonzero(numbers)]
        return found

    def factors_before(self, node: Node) -> tuple[Array, Array]:
        """Return φ′ and the mask of dropout between each of a node's numbers and the neuron it comes from; nan: none.

        Behind a concatenation what was bent already may be bent again: then φ′ is the product of both.
        """
        if node in self.place:
            return np.full(node.units, np.nan), np.full(node.units, np.nan)
        slopes, masks = self.factors_before(node.inputs[0])
        if isinstance(node, Activate):
            slopes = self.slopes(node) * np.where(np.isnan(slopes), 1.0, slopes)
        elif isinstance(node, Dropout):
            masks = node.mask[self.row]
        elif isinstance(node, Concatenate):
            others = self.factors_before(node.inputs[1])
            sizes = [source.shape[-1] for source in node.inputs]
            slopes, masks = (
                np.concatenate([a.reshape(-1, sizes[0]), b.reshape(-1, sizes[1])], axis=1).reshape(-1)
                for a, b in zip((slopes, masks), others, strict=True)
            )
        return slopes, masks

    def slopes(self, node: Activate) -> Array:
        """Return φ′ of every unit."""
        found = np.empty_like(node.value)
        node.write_slope(found)
        own: Array = found[self.row]
        return own

    def unseen(self, node: Node, seen: Sequence[int]) -> dict[Node, Array]:
        """Return what comes back by way of this node's neurons but those that are `seen`: in one number per neuron.

        Where batch norm couples samples and the places of an image, all that it does but from each number to its own is
        among it.
        """
        gradient = self.gradient[node]
        if isinstance(node, BatchNorm):
            found = self.pull(node, gradient)
            for unit in seen:
                own = self.derivatives(node, unit)
                for place, source, _ in self.sources(node, unit):
                    station = self.stations[place]
                    found[station][source] -= own[station][source] * gradient[self.row, unit]
            return found
        seed = np.zeros_like(gradient)
        seed[self.row] = gradient[self.row]
        seed[self.row, list(seen)] = 0.0
        return self.pull(node, seed) if seed.any() else {}

    # What is told about a station.

    def following(self, node: Node) -> list[Node]:
        """Return the φ and the dropout that a station's numbers go through next."""
        found: list[Node] = []
        while True:
            after = [r for r in self.readers[found[-1] if found else node] if isinstance(r, (Activate, Dropout))]
            if not after:
                return found
            found.append(after[0])

    def column(self, node: Node, shown: Sequence[int]) -> Column:
        """Describe a station."""
        after, names = self.following(node), self._symbols
        activate = next((n for n in after if isinstance(n, Activate)), None)
        dense = isinstance(node, Linear)
        return Column(
            kind=_kind(node),
            layer=self.layer_of[node],
            shape=node.shape,
            shown=shown,
            symbol=names.value(node),
            function=node_name(activate) if activate else "",
            drops=any(isinstance(n, Dropout) for n in after),
            projection=dense and node not in self._weighted,
            activated=names.value(activate) if activate else "",
            handed=names.value(after[-1]) if after else "",
            weights=names.parameter(node, "W") if isinstance(node, Linear) else "",
            bias=names.parameter(node, "b") if isinstance(node, Linear) and node.b.size else "",
            read=names.value(node.inputs[0]) if dense else "",
            fan=_fan(node) if isinstance(node, Linear) else (),
            read_shape=node.inputs[0].shape if dense else (),
            slope=names.parameter(activate, "a") if isinstance(activate, LearnableActivate) else "",
        )


def stations(network: Network) -> list[Node]:
    """Return the nodes whose outputs are neurons, layer by layer: every node after all that it reads."""
    layer_of = layers_of(network)
    found = [node for node in network.graph.order[:-1] if not isinstance(node, PASSING)]
    # The sort is stable, and no node reads a later layer.
    return sorted(found, key=layer_of.__getitem__)


def layers_of(network: Network) -> dict[Node, int]:
    """Return the parameter layer that each node belongs to, or the last one before it; 0 for the data."""
    owner: dict[Node, int] = {}
    for layer in network.layers:
        owner.update({node: layer.number for node in (layer.linear, layer.norm, *layer.learning) if node})
    found: dict[Node, int] = {}
    for node in network.graph.order:
        found[node] = owner.get(node, max((found[source] for source in node.inputs), default=0))
    return found


def weight_row(node: Linear, unit: int, place: int) -> int:
    """Return the row of W by which a layer multiplies the number at a place of what it reads, for a unit."""
    if not isinstance(node, Conv):
        return place
    y, x, channel = np.unravel_index(place, node.inputs[0].shape)
    row, column, _ = np.unravel_index(unit, node.shape)
    height, width = int(y) + node.padding - node.stride * int(row), int(x) + node.padding - node.stride * int(column)
    return (height * node.kernel[1] + width) * node.channels_in + int(channel)


def _fan(node: Linear) -> tuple[int, ...]:
    return (*node.kernel, node.channels_in) if node.kernel != (1, 1) else (node.channels_in,)


_KINDS = {Input: "input", Loss: "loss", Conv: "conv", Linear: "dense", Norm: "norm", Add: "sum"}


def _kind(node: Node) -> str:
    return next((word for kind, word in _KINDS.items() if isinstance(node, kind)), "pool")
