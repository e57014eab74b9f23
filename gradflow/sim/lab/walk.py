"""The walk through one training step: forward node by node, the loss, backward node by node, the update.

Every number is the engine's own. Stations are made when they are looked at, so that a step costs what is on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradflow.engine.graph import Node
from gradflow.engine.losses import LOSSES, Loss
from gradflow.engine.precision import PRECISIONS
from gradflow.sim.graph_shape import GraphShape, graph_shape, members, node_name
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.recording import Page, Recording
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.station import Kind, Shown, Station, joined, joined_lines
from gradflow.sim.lab.stations import explain
from gradflow.sim.lab.stations.explainer import gift_symbol
from gradflow.sim.lab.stations.update import UpdateExplainer
from gradflow.sim.lab.unfolding import Unfolding, products


@dataclass(frozen=True)
class Stop:
    """A position by its kind, its box in the drawing, and the place of its nodes in the topological order.

    Of an update `nodes` holds the layer's place instead.
    """

    kind: Kind
    box: int
    nodes: tuple[int, ...]


class Walk:
    """A specimen's step, station by station: by node, or with all nodes of a layer's box at once."""

    def __init__(self, specimen: Specimen, samples: Sequence[int] | None = None) -> None:
        """Run these samples (None: the whole batch); raises ValueError where they cannot be looked at alone."""
        self.recording = Recording(specimen, samples)
        self.sample = samples[0] if samples is not None and len(samples) == 1 else None
        network = self.recording.network
        self.graph: GraphShape = graph_shape(network)
        self._order = network.graph.order
        self._place = place = {id(node): i for i, node in enumerate(self._order)}
        self._groups = [tuple(place[id(node)] for node in group) for group in members(network)]
        self._box = {i: box for box, group in enumerate(self._groups) for i in group}
        self._stops = {False: self._by_node(), True: self._by_layer()}

    @property
    def specimen(self) -> Specimen:
        """Whose step it is."""
        return self.recording.specimen

    def stops(self, by_layer: bool = False) -> Sequence[Stop]:
        """Return all positions in their order."""
        return self._stops[by_layer]

    def positions(self, by_layer: bool = False) -> int:
        """Return how many positions there are."""
        return len(self._stops[by_layer])

    def matching(self, position: int, by_layer: bool) -> int:
        """Return the position of the other way of stepping that shows what this one shows; `by_layer` is this way."""
        stop, others = self._stops[by_layer][position], self._stops[not by_layer]
        found = (i for i, other in enumerate(others) if other.kind is stop.kind and stop.nodes[-1] in other.nodes)
        return next(found, 0)

    def station(self, position: int, by_layer: bool = False, convention: Convention = Convention.ROWS) -> Station:
        """Return a position's station."""
        stop, page = self._stops[by_layer][position], Page(self.recording, convention)
        if stop.kind is Kind.UPDATE:
            found = self._update(page, stop)
        else:
            make = self._backward if stop.kind is Kind.BACKWARD else self._forward
            found = joined([make(page, self._order[i]) for i in stop.nodes])
        precision = precision_words(self.specimen.experiment.training.precision, stop.kind)
        return replace(found, words=f"{found.words} {precision}".strip())

    # The positions.

    def _by_node(self) -> tuple[Stop, ...]:
        return self._arranged([(i,) for i in range(len(self._order))])

    def _by_layer(self) -> tuple[Stop, ...]:
        return self._arranged(self._groups)

    def _arranged(self, groups: Sequence[tuple[int, ...]]) -> tuple[Stop, ...]:
        ordered = sorted(groups, key=lambda group: group[-1])
        forward = [Stop(self._kind(group), self._box[group[0]], group) for group in ordered]
        back = [Stop(Kind.BACKWARD, self._box[group[0]], group[::-1]) for group in reversed(ordered)]
        layers = self.recording.network.layers
        updates = [Stop(Kind.UPDATE, self._box[self._place[id(layer.linear)]], (i,)) for i, layer in enumerate(layers)]
        return (*forward, *back, *updates)

    def _kind(self, group: tuple[int, ...]) -> Kind:
        return Kind.LOSS if isinstance(self._order[group[-1]], Loss) else Kind.FORWARD

    # The stations.

    def _forward(self, page: Page, node: Node) -> Station:
        explainer = explain(page, node)
        inputs = [value(page, source) for source in dict.fromkeys(node.inputs)]
        return Station(
            kind=Kind.LOSS if isinstance(node, Loss) else Kind.FORWARD,
            name=_name(node),
            layer=self._layer(page, node),
            box=self._box[self._place[id(node)]],
            words=explainer.forward_words,
            formulas=tuple(explainer.forward_formulas()),
            lines=joined_lines(explainer.forward_lines(inputs, value(page, node))),
            main=page.symbols.value(node),
        )

    def _backward(self, page: Page, node: Node) -> Station:
        explainer, readers = explain(page, node), self.recording.readers[id(node)]
        formulas, arriving = list(explainer.backward_formulas()), list[Shown]()
        if len(readers) > 1:
            ways = [gift(page, node, reader) for reader in readers]
            arriving = [way.with_sign("+" if i else "") for i, way in enumerate(ways)]
            formulas.insert(0, f"{page.symbols.gradient(node)} = {' + '.join(way.symbol for way in ways)}")
        if readers:
            arriving.append(gradient(page, node).with_sign("=" if arriving else ""))
        inputs = list(dict.fromkeys(node.inputs))
        given = [gift(page, one, node) for one in inputs]
        lines = explainer.backward_lines(arriving[-1:], given, [value(page, one) for one in inputs])
        return Station(
            kind=Kind.BACKWARD,
            name=_name(node),
            layer=self._layer(page, node),
            box=self._box[self._place[id(node)]],
            words=explainer.backward_words,
            formulas=tuple(formulas),
            lines=joined_lines([arriving if len(arriving) > 1 else [], *lines]),
            main=given[-1].symbol if given else page.symbols.gradient(node),
        )

    def _update(self, page: Page, stop: Stop) -> Station:
        layer = self.recording.network.layers[stop.nodes[0]]
        explainer = UpdateExplainer(page, layer)
        lines = explainer.lines()
        return Station(
            kind=Kind.UPDATE,
            name="update",
            layer=layer.number,
            box=stop.box,
            words=explainer.words,
            formulas=tuple(explainer.formulas()),
            lines=lines,
            main=lines[0][2].symbol,
        )

    def _layer(self, page: Page, node: Node) -> int | None:
        return page.symbols.layer(node) or self.graph.boxes[self._box[self._place[id(node)]]].layer


def precision_words(precision: str, kind: Kind) -> str:
    """Say how far the numbers are those of a training in this precision; "" where they are its own."""
    if precision == "float64":
        return ""
    rounds = PRECISIONS[precision].part.rounds
    if kind is Kind.UPDATE:
        then = ", then added to float32 parameters, of which these are the rounded ones" if rounds else ""
        return f"Δ is the training's own step, made of {precision} gradients{then}."
    if not rounds:
        return f"Computed in float64; the training computes in {precision}."
    return (
        f"Computed in float64 with the training's {precision} parameters and inputs; the training rounds every result "
        f"to {precision}."
    )


def _name(node: Node) -> str:
    titles = (entry.title for entry in LOSSES.values() if type(node) is entry.part)
    return next(titles, "").lower() or node_name(node)


def value(page: Page, node: Node) -> Shown:
    """Return a node's value as a matrix; the loss has one entry."""
    symbol, title, way = page.symbols.value(node), page.symbols.words(node), explain(page, node).value
    if isinstance(node, Loss):
        return page.weights(symbol, title, np.array([[node.loss]]), ("",), ("",), way)
    return page.of_samples(symbol, title, node.value, node, way)


def gift(page: Page, source: Node, reader: Node) -> Shown:
    """Return what a node's gradient gets from one of its readers as a matrix."""
    explainer, symbol = explain(page, reader), gift_symbol(page, source, reader)
    places = [i for i, one in enumerate(reader.inputs) if one is source]
    title = f"gradient of {page.symbols.value(source)}"
    values = page.recording.gift(source, reader)
    return page.of_samples(symbol, title, values, source, lambda s, j: explainer.gift(places[0], s, j))


def gradient(page: Page, node: Node) -> Shown:
    """Return a node's whole gradient as a matrix: the sum of what its readers give."""
    readers, symbol = page.recording.readers[id(node)], page.symbols.gradient(node)
    if len(readers) == 1:
        return gift(page, node, readers[0])
    whole = page.recording.gradient(node)
    gifts = [page.recording.gift(node, reader) for reader in readers]
    names = [gift_symbol(page, node, reader) for reader in readers]

    def way(s: int, j: int) -> Unfolding:
        numbers = np.array([one[s, j] for one in gifts])
        at = page.at(symbol, s, j, node)
        return products(at, whole[s, j], " + ".join(names), names, [("what it gives", numbers)])

    return page.of_samples(symbol, f"gradient of {page.symbols.value(node)}", whole, node, way)
