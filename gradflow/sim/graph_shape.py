"""The graph of a network as it is drawn: boxes from input to output, and edges that say which is a skip.

A box is a layer with what belongs to it (norm, φ, dropout), a layer without parameters, or a join of two paths. The
main path runs through the branches of all joins; what is beside it belongs to skips.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.graph import Input, Node, Shape
from gradflow.engine.losses import Loss
from gradflow.engine.network import Network
from gradflow.engine.nodes import (
    NORMS,
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dropout,
    Flatten,
    GlobalAverage,
    Linear,
    MaxPool,
    Norm,
)

JOINS = (Add, Concatenate)


@dataclass(frozen=True)
class Box:
    """What is drawn as one: its parts in the order of the way forward, and the shape of one sample that leaves it.

    The loss has no shape.
    `layer` is the parameter layer it belongs to (from 1), `whole` whether it holds that layer's weights. `place` counts
    along the main path from the input; what stands on a skip has none (−1).
    """

    parts: tuple[str, ...]
    shape: Shape
    layer: int | None
    whole: bool
    join: bool
    place: int


@dataclass(frozen=True)
class Edge:
    """Where values flow from one box (its place in the list) to another, and gradients back.

    `skip` is the number of the skip it belongs to, −1 on the main path.
    """

    source: int
    target: int
    skip: int


@dataclass(frozen=True)
class Skip:
    """A way beside the main path: from which box to which join, and on which level it passes over the others (from 1).

    `over` are the boxes on it, as a projection.
    """

    source: int
    join: int
    level: int
    over: tuple[int, ...]


@dataclass(frozen=True)
class GraphShape:
    """All boxes, edges and skips of a network."""

    boxes: tuple[Box, ...] = ()
    edges: tuple[Edge, ...] = ()
    skips: tuple[Skip, ...] = ()

    @cached_property
    def main(self) -> tuple[int, ...]:
        """The boxes of the main path, from input to loss."""
        return tuple(sorted((i for i, box in enumerate(self.boxes) if box.place >= 0), key=self._place))

    def _place(self, box: int) -> int:
        return self.boxes[box].place


def graph_shape(network: Network) -> GraphShape:
    """Return how a network is drawn."""
    groups, owner = _boxes(network)
    main = {id(node): place for place, node in enumerate(_main_path(network.graph.output))}
    box_of = {id(node): i for i, group in enumerate(groups) for node in group}
    places = [main.get(id(group[-1]), -1) for group in groups]
    rank = {place: i for i, place in enumerate(sorted(place for place in places if place >= 0))}
    weighted = {id(layer.linear) for layer in network.layers}
    boxes = tuple(
        Box(
            parts=tuple(name for name in map(node_name, group) if name),
            shape=() if isinstance(group[-1], Loss) else group[-1].shape,
            layer=owner.get(id(group[-1])),
            whole=any(id(node) in weighted for node in group),
            join=isinstance(group[-1], JOINS),
            place=rank.get(place, -1),
        )
        for group, place in zip(groups, places, strict=True)
    )
    pairs = [(box_of[id(source)], i) for i, group in enumerate(groups) for source in group[0].inputs]
    skips, skip_of = _skips(boxes, pairs)
    return GraphShape(boxes, tuple(Edge(*pair, skip_of.get(pair, -1)) for pair in pairs), skips)


def crossings(network: Network) -> list[tuple[Node, Node]]:
    """Return, for each edge of the shape, the node that it leaves and the one that it enters."""
    groups, _ = _boxes(network)
    return [(source, group[0]) for group in groups for source in group[0].inputs]


def members(network: Network) -> list[list[Node]]:
    """Return, for each box of the shape, its nodes in the order of the way forward."""
    return _boxes(network)[0]


def _boxes(network: Network) -> tuple[list[list[Node]], dict[int, int]]:
    """Return the nodes of each box, in topological order, and the layer that a node belongs to by its id."""
    readers = Counter(id(source) for node in network.graph.order for source in node.inputs)
    owner = owners(network)
    groups: list[list[Node]] = []
    group_of: dict[int, list[Node]] = {}
    for node in network.graph.order:
        before = node.inputs[0] if len(node.inputs) == 1 else None
        belongs = (
            before is not None
            and readers[id(before)] == 1
            and not isinstance(before, JOINS)
            and id(node) in owner
            and owner.get(id(before)) == owner[id(node)]
        )
        if before is not None and belongs:
            group = group_of[id(before)]
        else:
            groups.append(group := [])
        group.append(node)
        group_of[id(node)] = group
    return groups, owner


def owners(network: Network) -> dict[int, int]:
    """Return the parameter layer (from 1) that a node belongs to, by the node's id."""
    owner: dict[int, int] = {}
    for layer in network.layers:
        own: tuple[Node | None, ...] = (layer.linear, layer.norm, layer.activate, *layer.learning)
        owner.update({id(node): layer.number for node in own if node is not None})
    for node in network.graph.order:
        # Dropout belongs to what it thins out, flattening to the weights that need it, a join to its branch.
        if isinstance(node, (Dropout, *JOINS)) and id(node.inputs[-1]) in owner:
            owner[id(node)] = owner[id(node.inputs[-1])]
        if isinstance(node, Linear) and isinstance(node.inputs[0], Flatten) and id(node) in owner:
            owner.setdefault(id(node.inputs[0]), owner[id(node)])
    return owner


def _main_path(output: Node) -> list[Node]:
    """Return the nodes from the data to the output by way of all branches: a join's branch is its last input."""
    path = [output]
    while path[-1].inputs:
        path.append(path[-1].inputs[-1])
    return path[::-1]


def _skips(boxes: tuple[Box, ...], pairs: list[tuple[int, int]]) -> tuple[tuple[Skip, ...], dict[tuple[int, int], int]]:
    """Return the ways beside the main path, the short ones on low levels, and which edge belongs to which."""
    found: list[tuple[int, int, tuple[int, ...], list[tuple[int, int]]]] = []
    into: dict[int, list[int]] = {}
    for source, target in pairs:
        into.setdefault(target, []).append(source)
    for join, box in enumerate(boxes):
        if box.join:
            way, over = [(into[join][0], join)], list[int]()
            while boxes[way[-1][0]].place < 0:
                over.append(way[-1][0])
                way.append((into[way[-1][0]][0], way[-1][0]))
            found.append((way[-1][0], join, tuple(over[::-1]), way))
    found.sort(key=lambda one: (boxes[one[1]].place - boxes[one[0]].place, one[1]))
    # How high the levels already are between one box of the main path and the next.
    height = [0] * len(boxes)
    skips: list[Skip] = []
    skip_of: dict[tuple[int, int], int] = {}
    for source, join, passed, way in found:
        start, stop = boxes[source].place, boxes[join].place
        level = 1 + max(height[start:stop], default=0)
        height[start:stop] = [level] * (stop - start)
        skip_of.update(dict.fromkeys(way, len(skips)))
        skips.append(Skip(source, join, level, passed))
    return tuple(skips), skip_of


_PLAIN = {GlobalAverage: "global-average", Flatten: "flatten", Add: "add", Concatenate: "concat", Input: "input"}
_ACTIVATIONS: Mapping[type, str] = {entry.part: name for name, entry in ACTIVATIONS.items()}
_NORMS: Mapping[type, str] = {entry.part: name for name, entry in NORMS.items()}


def node_name(node: Node) -> str:
    """Return what a node is called in its box."""
    if isinstance(node, Activate):
        return _ACTIVATIONS[type(node.function)]
    if isinstance(node, Norm):
        return _NORMS[type(node)]
    if isinstance(node, Conv):
        return f"conv {node.kernel[0]}×{node.kernel[1]}"
    if isinstance(node, MaxPool | AveragePool):
        return f"{'max' if isinstance(node, MaxPool) else 'average'}-pool {node.size}×{node.size}"
    if isinstance(node, Dropout):
        return f"dropout {node.rate:g}"
    if isinstance(node, Loss):
        return "loss"
    return _PLAIN.get(type(node), "dense")
