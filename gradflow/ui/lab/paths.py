"""Edges, paths, sums: the graph of neurons, all paths of one, backprop in any order, and what it saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QPointF

from gradflow.sim.lab.dissection import Dissection, is_quick, taken_apart
from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.orders import OWN, Walk
from gradflow.sim.lab.path_list import Path
from gradflow.sim.lab.path_tables import tables_of
from gradflow.sim.lab.table import Table
from gradflow.sim.lab.walk_words import walk_table
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.following import Following
from gradflow.ui.lab.neuron_scene import Scene
from gradflow.ui.lab.path_body import PathBody
from gradflow.ui.lab.path_state import Chosen, read
from gradflow.ui.lab.window_row import WindowRow
from gradflow.ui.theme import Theme
from gradflow.ui.view import view
from gradflow.ui.weak import weakly


@view("paths", "Which paths does a gradient take?")
class PathsView(Following):
    """Every edge z_k → z_i carries ∂z_i/∂z_k = w_ki·φ′(z_k); a gradient is the sum over all paths of their products.

    Choose a neuron: its paths are listed by size, found without listing all, and add up to backprop's number. An edge
    or a bias shows the formulas of a dense layer with its numbers. Backprop runs in any order: in a wrong one, what is
    missed is marked. Multiplications compare path by path, naive recursion and backprop. Of a large network a window
    is shown, at first the units through which most of the gradient flows; what comes back from outside of it is a
    number of its own. Cost: a backward pass of one node for each neuron that is shown.
    """

    formula = "∂L/∂zₖ = Σ over paths Π ∂zᵢ/∂zₖ"
    takes_batch = False

    def __init__(self) -> None:
        super().__init__()
        self.chosen = Chosen()
        self.found: Dissection | None = None
        self.background = Background(self)
        self.row, body = WindowRow(), PathBody()
        self.canvas, self.remarks, self.panel = body.canvas, body.remarks, body.panel
        for widget in (self.row, self.age):
            self.box.addWidget(widget)
        self.box.addWidget(body, 1)
        self._connect()

    def _connect(self) -> None:
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
        self.background.arrived.connect(self._arrived)
        self.background.failed.connect(self._say)

    # What a view does.

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.canvas.retheme(theme)
        self.panel.retheme(theme)
        self._show()

    # What is computed.

    @property
    def computing(self) -> bool:
        """Whether a network is being taken apart."""
        return self.background.busy

    def compute(self) -> None:
        """Take the network apart; the chosen neuron stays in sight."""
        self.chosen = replace(self.chosen, kept=self.chosen.neuron)
        self._take_apart()

    def _take_apart(self) -> None:
        """Begin, or do it at once; what is shown so far stays until it is done."""
        assert self.specimen is not None
        of = self.chosen
        task = partial(taken_apart, self.specimen, of.sample, of.shown, of.target, self.found, of.kept, of.neuron)
        if is_quick(self.specimen) and not self.computing:
            for found in task():
                self._arrived(found)
        else:
            self.row.show_busy(not self.hurried)
            self.background.run(task)

    def clear(self) -> None:
        """Show that there is no network."""
        self.found = None
        self.canvas.show_scene(None)

    def _arrived(self, found: Dissection) -> None:
        self.found = found
        self.row.show_graph(found.graph, found.specimen.samples)
        self._show()
        self._say(" ".join(found.graph.remarks))

    def _say(self, words: str) -> None:
        """End what was begun with what there is to say of it."""
        self.remarks.setText(words)
        self.remarks.setVisible(bool(words))
        self.row.show_busy(False)
        self.go_on()

    # What is chosen.

    @property
    def graph(self) -> NeuronGraph | None:
        """The neurons and edges that are shown."""
        return self.found.graph if self.found else None

    @property
    def neuron(self) -> int:
        """The number of the chosen neuron in the graph; the first with a gradient where it is not shown."""
        return self.found.number(self.chosen.neuron) if self.found else 0

    @property
    def edge(self) -> int | None:
        """The number of the chosen edge in the graph."""
        ends = self.chosen.edge
        return self.graph.edge_between(ends[:2], ends[2:]) if self.graph and ends else None

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
            window = astuple(self.row.wanted(self.chosen.shown))
            sample, target = self.row.sample.value(), self.row.target_wanted()
            self.chosen = replace(self.chosen, window=window, sample=sample, target=target, path=-1, position=0)
            self.compute()

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
        path: Path | None = None
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
            path = listed[place] if place >= 0 else None
            self.panel.show_paths(found, neuron, place)
        way = path.edges if path else ()
        self.canvas.show_scene(Scene(graph, neuron, edge, chosen.bias, way, walk, self.position))
        self.panel.explain(found, neuron, edge, chosen.bias, path)

    def tables(self) -> Mapping[str, Table]:
        """Return neurons, edges, the chosen neuron's paths, and the walk."""
        if self.found is None:
            return {}
        tables = tables_of(self.found.graph, self.found.paths(self.neuron))
        if self.chosen.page == "order":
            tables["order"] = walk_table(self.found.graph, self._walk(), self.position)
        return tables

    # The state.

    def state(self) -> dict[str, Any]:
        """Return all that is chosen."""
        return self.chosen.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a state."""
        before, self.chosen = self.chosen, read(state)
        zoom, x, y = self.chosen.look
        self.canvas.look(zoom, QPointF(x, y))
        if self.specimen and before == replace(self.chosen, sample=before.sample):
            # Only another sample: the chosen neuron stays in sight.
            self.compute()
        elif self.specimen:
            self._take_apart()
