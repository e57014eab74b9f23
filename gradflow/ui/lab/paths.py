"""Edges, paths, sums: the graph of neurons, all paths of one, backprop in any order, and what it saves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout

from gradflow.sim.frame import Frame, State
from gradflow.sim.lab.dissection import Dissection
from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.orders import OWN, Walk
from gradflow.sim.lab.path_tables import edge_table, neuron_table, path_table
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.table import Table
from gradflow.sim.lab.walk_words import walk_table
from gradflow.sim.snapshot import Topology
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.lab.neuron_canvas import NeuronCanvas
from gradflow.ui.lab.neuron_scene import Scene
from gradflow.ui.lab.path_panel import PathPanel
from gradflow.ui.lab.path_state import Chosen, read
from gradflow.ui.lab.window_row import WindowRow
from gradflow.ui.theme import Theme
from gradflow.ui.view import view
from gradflow.ui.weak import weakly

NARROWEST, WIDEST = 244, 372
"""The panel's width."""


@view("paths", "Which paths does a gradient take?")
class PathsView(LabView):
    """Every edge z_k → z_i carries ∂z_i/∂z_k = w_ki·φ′(z_k); a gradient is the sum over all paths of their products.

    Choose a neuron: its paths are listed by size, found without listing all, and add up to backprop's number. An edge
    or a bias shows the formulas of a dense layer with its numbers. Backprop runs in any order: in a wrong one, what is
    missed is marked. Multiplications compare path by path, naive recursion and backprop. Of a large network a window
    is shown; what comes back from outside of it is a number of its own. Cost: a backward pass of one node for each
    neuron that is shown.
    """

    formula = "∂L/∂zₖ = Σ over paths Π ∂zᵢ/∂zₖ"
    takes_batch = False

    def __init__(self) -> None:
        super().__init__()
        self.chosen = Chosen()
        self.found: Dissection | None = None
        self._rest_until = 0.0
        self._set_up()
        self._lay_out()

    def _set_up(self) -> None:
        self.row, self.canvas = WindowRow(), NeuronCanvas()
        self.remarks = QLabel()
        self.remarks.setObjectName("muted")
        self.remarks.setWordWrap(True)
        self.panel = PathPanel()
        self.row.changed.connect(self._look_elsewhere)
        self.row.sample.valueChanged.connect(weakly(self, lambda self, _: self.tell("sample")))
        self.canvas.neuron_chosen.connect(self.choose_neuron)
        self.canvas.edge_chosen.connect(self.choose_edge)
        self.canvas.bias_chosen.connect(self.choose_bias)
        self.canvas.entered.connect(self._visit)
        self.canvas.released.connect(weakly(self, lambda self: self._choose(edge=None, bias=False, path=-1)))
        self.canvas.looked.connect(self._keep_look)
        self.panel.page_wanted.connect(weakly(self, lambda self, page: self._choose(page=page)))
        self.panel.paths.selected.connect(self._choose_path)
        self.panel.walk.order_wanted.connect(self._take_order)
        self.panel.walk.position_wanted.connect(self.go)

    def _lay_out(self) -> None:
        left, both = QVBoxLayout(), QHBoxLayout()
        left.setSpacing(4)
        left.addWidget(self.canvas, 1)
        left.addWidget(self.remarks)
        both.setSpacing(12)
        both.addLayout(left, 1)
        both.addWidget(self.panel)
        self.box.addWidget(self.row)
        self.box.addLayout(both, 1)
        self.box.insertWidget(1, self.age)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the panel its share of the width."""
        super().resizeEvent(event)
        self.panel.setFixedWidth(int(min(max(0.31 * self.width(), NARROWEST), WIDEST)))

    # What a view does.

    def reset(self, topology: Topology) -> None:
        """Forget a network that is no more; what is chosen stays as far as the next one has it."""
        self.found = None
        super().reset(topology)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.canvas.retheme(theme)
        self.panel.retheme(theme)
        self._show()

    def draw(self, frame: Frame) -> None:
        """Follow the training, for a tenth of the time: a network of a thousand layers takes long to take apart."""
        if self.found is None or frame.state is not State.RUNNING or time.monotonic() >= self._rest_until:
            super().draw(frame)

    def show_specimen(self, specimen: Specimen | None) -> None:
        """Take another network apart."""
        if specimen is None:
            self.found = None
            self.canvas.show_scene(None)
            return
        wanted, begun = self.chosen, time.monotonic()
        self.found = Dissection(specimen, wanted.sample, wanted.shown, wanted.target, self.found)
        graph = self.found.graph
        self.row.show_graph(graph, specimen.samples)
        self.remarks.setText(" ".join(graph.remarks))
        self.remarks.setVisible(bool(graph.remarks))
        self._show()
        self._rest_until = time.monotonic() + 9.0 * (time.monotonic() - begun)

    # What is chosen.

    @property
    def graph(self) -> NeuronGraph | None:
        """The neurons and edges that are shown."""
        return self.found.graph if self.found else None

    @property
    def neuron(self) -> int:
        """The number of the chosen neuron in the graph; the first one where the chosen one is not shown."""
        return self.graph.places.get(self.chosen.neuron, 0) if self.graph else 0

    @property
    def edge(self) -> int | None:
        """The number of the chosen edge in the graph."""
        ends = self.chosen.edge
        if self.graph is None or ends is None:
            return None
        source, target = self.graph.places.get(ends[:2]), self.graph.places.get(ends[2:])
        edges = range(len(self.graph.edges))
        return next(
            (i for i in edges if (self.graph.edges[i].source, self.graph.edges[i].target) == (source, target)), None
        )

    def choose_neuron(self, number: int) -> None:
        """Look at a neuron (by its number in the graph) and its paths."""
        if self.graph:
            key = self.graph.key(number)
            path = self.chosen.path if key == self.chosen.neuron else -1
            self._choose(neuron=key, edge=None, bias=False, path=path)

    def choose_edge(self, number: int) -> None:
        """Look at an edge."""
        if self.graph:
            edge = self.graph.edges[number]
            ends = *self.graph.key(edge.source), *self.graph.key(edge.target)
            self._choose(edge=ends, bias=False, path=-1)

    def choose_bias(self, number: int) -> None:
        """Look at the bias of a neuron."""
        if self.graph:
            self._choose(neuron=self.graph.key(number), edge=None, bias=True, path=-1)

    def _choose(self, **changes: Any) -> None:
        self.hold()
        self.chosen = replace(self.chosen, **changes)
        self._show()

    def _keep_look(self) -> None:
        self.hold()
        pan = self.canvas.pan
        self.chosen = replace(self.chosen, look=(self.canvas.zoom, pan.x(), pan.y()))

    def _look_elsewhere(self) -> None:
        if self.specimen:
            self.hold()
            wanted = self.row.wanted(self.chosen.shown)
            window = wanted.first, wanted.last, wanted.unit, wanted.units
            sample, target = self.row.sample.value(), self.row.target_wanted()
            self.chosen = replace(self.chosen, window=window, sample=sample, target=target, path=-1, position=0)
            self.show_specimen(self.specimen)

    # The walk.

    def positions(self) -> int:
        """Return how many steps the walk has, and its beginning."""
        return self._walk().steps + 1 if self.found else 1

    @property
    def position(self) -> int:
        """How many steps have been taken."""
        return min(self.chosen.position, self.positions() - 1)

    def go(self, position: int) -> None:
        """Show the walk after so many steps."""
        if self.found:
            self._choose(position=min(max(position, 0), self.positions() - 1), page="order")
            self.moved.emit()

    def _walk(self) -> Walk:
        assert self.found is not None
        places = self.found.graph.places
        own = [places[key] for key in self.chosen.own if key in places]
        return self.found.walk(self.chosen.order, self.chosen.by_layer, self.chosen.seed, own)

    def _visit(self, number: int) -> None:
        """Let a neuron be the next in the order that is chosen by hand."""
        if self.graph and self.chosen.page == "order" and self.chosen.order == OWN:
            key = self.graph.key(number)
            own = self.chosen.own if key in self.chosen.own else (*self.chosen.own, key)
            self._choose(own=own, position=len(own))

    def _choose_path(self, place: int) -> None:
        self._choose(path=place, edge=None, bias=False)

    def _take_order(self) -> None:
        page = self.panel.walk
        by_layer = page.by_layer.isChecked()
        self._choose(order=page.order_name(), by_layer=by_layer, seed=page.seed.value(), own=(), position=0)

    # What is shown.

    def _show(self) -> None:
        chosen, found = self.chosen, self.found
        self.panel.turn_to(chosen.page)
        if found is None:
            return
        graph, neuron, edge = found.graph, self.neuron, self.edge
        path: tuple[int, ...] = ()
        walk: Walk | None = None
        if chosen.page == "order":
            walk = self._walk()
            right = found.walk("right", chosen.by_layer and chosen.order != OWN, 0)
            self.panel.show_walk(found, chosen, walk, right, self.position)
        elif chosen.page == "cost":
            self.panel.cost.show_groups(found.costs(neuron))
        else:
            listed = found.paths(neuron).paths
            place = chosen.path if chosen.path < len(listed) else -1
            path = listed[place].edges if place >= 0 else ()
            self.panel.show_paths(found, neuron, place)
        self.canvas.show_scene(Scene(graph, neuron, edge, chosen.bias, path, walk, self.position))
        self.panel.explain(found, neuron, edge, chosen.bias)

    def tables(self) -> Mapping[str, Table]:
        """Return neurons, edges, the chosen neuron's paths, and the walk."""
        if self.found is None:
            return {}
        graph = self.found.graph
        tables = {"neurons": neuron_table(graph), "edges": edge_table(graph)}
        tables["paths"] = path_table(graph, self.found.paths(self.neuron))
        if self.chosen.page == "order":
            tables["order"] = walk_table(graph, self._walk(), self.position)
        return tables

    # The state.

    def state(self) -> dict[str, Any]:
        """Return all that is chosen."""
        return self.chosen.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a state."""
        self.chosen = read(state)
        zoom, x, y = self.chosen.look
        self.canvas.look(zoom, QPointF(x, y))
        if self.specimen:
            self.show_specimen(self.specimen)
