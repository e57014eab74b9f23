"""From a specimen to the graph of its neurons: every edge with its derivative, every neuron with its gradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradflow.engine.graph import Node
from gradflow.engine.nodes import Activate, Conv, Linear
from gradflow.sim.lab.neuron_graph import LARGEST, LOSS, MOST_COLUMNS, Column, Edge, Key, Neuron, NeuronGraph, Window
from gradflow.sim.lab.neuron_probe import Array, NeuronProbe, weight_row
from gradflow.sim.lab.neuron_remarks import remarks
from gradflow.sim.lab.shown_units import shown_units
from gradflow.sim.lab.specimen import Specimen


def neuron_graph(
    specimen: Specimen,
    sample: int = 0,
    window: Window | None = None,
    target: int = LOSS,
    kept: Key | None = None,
) -> NeuronGraph:
    """Return the neurons in a window of the network for one sample (from 0), and the derivative on every edge.

    `target` is the output whose gradient is asked for, or LOSS, which is also taken where there is no such output. With
    batch norm the loss is that of the whole batch. Where the window shows the LARGEST units, the `kept` neuron, by its
    key, is among them.
    """
    network = specimen.network(None if specimen.coupled else [sample])
    if not LOSS <= target < network.loss.units:
        target = LOSS
    with np.errstate(all="ignore"):
        probe = NeuronProbe(network, sample if specimen.coupled else 0, target)
        fitted = (window or Window()).fitted([probe.layer_of[node] for node in probe.stations])
        return _Drawn(probe, fitted, specimen, sample, kept).graph()


class _Drawn:
    """Collects the neurons and edges of a window."""

    def __init__(self, probe: NeuronProbe, window: Window, specimen: Specimen, sample: int, kept: Key | None) -> None:
        self.probe, self.window, self.specimen, self.sample = probe, window, specimen, sample
        places, units = probe.origin[probe.network.loss.inputs[0]]
        self.outputs = places.tolist(), units.tolist()
        # The stations behind the outputs, and the neuron that is the chosen one.
        self.ends = {probe.stations[place] for place in set(places.tolist())}
        self.chosen = (int(places[probe.target]), int(units[probe.target])) if probe.target != LOSS else None
        seen = [node for node in probe.stations if window.first <= probe.layer_of[node] <= window.last][:MOST_COLUMNS]
        self.first = probe.place[seen[0]]
        probe.walk(seen)
        self.shown = shown_units(probe, window, seen, self.chosen, kept)
        self.neurons: list[Neuron] = []
        self.edges: list[Edge] = []
        self.numbers: dict[tuple[int, int], int] = {}

    def graph(self) -> NeuronGraph:
        """Return all of it."""
        probe = self.probe
        columns = [probe.column(node, shown) for node, shown in self.shown.items()]
        rests = self._rests()
        for number, node in enumerate(self.shown):
            self._add_neurons(number, node, columns[number], rests[node])
        for node in self.shown:
            self._add_edges(node)
        last = self._end(len(columns))
        if last:
            columns.append(last)
        everything = [probe.column(node, range(node.units)) for node in probe.stations]
        return NeuronGraph(
            columns=columns,
            neurons=self.neurons,
            edges=self.edges,
            window=self.window,
            sample=self.sample,
            samples=self.specimen.samples if self.specimen.coupled else 1,
            target=probe.target,
            all_columns=everything,
            offset=self.first,
            output_names=[everything[place].name(unit) for place, unit in zip(*self.outputs, strict=True)],
            remarks=remarks(probe, self.shown, self.window.unit == LARGEST, self.specimen.coupled),
        )

    def _rests(self) -> dict[Node, Array]:
        """Return, for each station of the window, what comes back to its neurons by ways that are not shown."""
        rests = {node: np.zeros(node.units) for node in self.shown}
        for node in self.probe.stations:
            seen = self.shown.get(node, range(0))
            if self.shown.keys().isdisjoint(self.probe.reads(node)):
                continue
            for station, part in self.probe.unseen(node, seen).items():
                if station in rests:
                    rests[station] += part
        return rests

    def _add_neurons(self, number: int, node: Node, column: Column, rests: Array) -> None:
        probe, row = self.probe, self.probe.row
        after = probe.following(node)
        slopes = probe.slopes(after[0]) if after and isinstance(after[0], Activate) else None
        has_bias = isinstance(node, Linear) and node.b.size > 0
        b_grad = probe.b_grad[node] if isinstance(node, Linear) else np.empty(0)
        place = probe.place[node]
        # The chosen output stands behind the other outputs: it is where all paths end.
        for unit in sorted(column.shown, key=lambda unit: (place, unit) == self.chosen):
            channel = unit % node.shape[-1]
            self.numbers[place, unit] = len(self.neurons)
            self.neurons.append(
                Neuron(
                    column=number,
                    unit=unit,
                    name=column.name(unit),
                    value=float(node.value[row, unit]),
                    output=float(after[-1].value[row, unit]) if after else np.nan,
                    gradient=float(probe.gradient[node][row, unit]),
                    rest=float(rests[unit]),
                    bias=float(node.b[channel]) if isinstance(node, Linear) and has_bias else np.nan,
                    bias_grad=float(b_grad[channel]) if has_bias else np.nan,
                    slope=float(slopes[unit]) if slopes is not None else np.nan,
                )
            )

    def _add_edges(self, node: Node) -> None:
        probe, place = self.probe, self.probe.place[node]
        if not any(source in self.shown for source in probe.reads(node)):
            return
        W_grad = probe.W_grad[node] if isinstance(node, Linear) else np.empty(0)
        slopes, masks = probe.factors_before(node.inputs[0])
        for unit in self.shown[node]:
            given = probe.derivatives(node, unit)
            for station, source_unit, d in probe.sources(node, unit):
                source = self.numbers.get((station, source_unit))
                if source is None:
                    continue
                edge = Edge(source, self.numbers[place, unit], float(given[probe.stations[station]][source_unit]))
                if isinstance(node, Linear):
                    row, channel = weight_row(node, unit, d), unit % node.channels
                    edge = replace(
                        edge,
                        row=row,
                        place=d,
                        weight=float(node.W[row, channel]),
                        read=float(node.inputs[0].value[probe.row, d]),
                        weight_grad=np.nan if isinstance(node, Conv) else float(W_grad[row, channel]),
                        slope=float(slopes[d]),
                        mask=float(masks[d]),
                    )
                self.edges.append(edge)

    def _end(self, number: int) -> Column | None:
        """Put the loss (or the chosen output) behind the window, where it is not in it; return its column."""
        probe = self.probe
        if self.chosen in self.numbers:
            return None
        if self.chosen is None:
            column = Column("loss", 0, (1,), range(1), "L")
            unit, value, direct = 0, probe.network.loss.loss, self.ends & self.shown.keys()
        else:
            node, unit = probe.stations[self.chosen[0]], self.chosen[1]
            column = probe.column(node, range(unit, unit + 1))
            value, direct = float(node.value[probe.row, unit]), set[Node]()
        end = len(self.neurons)
        read = {edge.source for edge in self.edges}
        for i, neuron in enumerate(self.neurons):
            node = probe.stations[self.first + neuron.column]
            if node in direct:
                self.edges.append(Edge(i, end, neuron.gradient))
            elif i not in read and neuron.rest != 0.0:
                # Nothing that reads it is shown: one edge stands for all that lies between.
                self.edges.append(Edge(i, end, neuron.gradient, beyond=True))
                self.neurons[i] = replace(neuron, rest=0.0)
        self.neurons.append(Neuron(number, unit, column.name(unit), value, np.nan, 1.0))
        return column
