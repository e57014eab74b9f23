"""From the sandbox to its drawing: which numbers stand in each box and on each edge at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.sandbox import READ, Sandbox
from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.sim.lab.sandbox_steps import Moment, Phase, moment, positions
from gradflow.sim.lab.sandbox_walk import Walk, total
from gradflow.sim.lab.sandbox_words import accumulated, cells, derivative, edge_labels, sum_of
from gradflow.ui.lab.cards import Card, Role, Row, row_width, text_width
from gradflow.ui.lab.dag_scene import Look, Scene, Wire

Array = NDArray[np.float64]


LONGEST_SUM = 128.0
"""A longer sum of what was in .grad and what comes is not written into the box."""

LONGEST_LABEL = 112.0
"""Longer labels are written only where there happens to be room."""

CALLS = (1, 2, 9, 99)
"""After so many calls of backward() what is in .grad has room in the boxes of the leaves."""

MOST_NODES = 800
"""A larger graph is not drawn."""

SYMBOLS = {"·": "×"}
"""Signs that are too small to be seen."""


@dataclass(frozen=True, eq=False)
class GraphDrawing:
    """One program's graph with a walk back through it, as it can be drawn at every moment.

    `tangents` are shown if there are any, `missing` is what a walk in a wrong order leaves out, `stored` what earlier
    calls of backward() have left in the leaves.
    """

    sandbox: Sandbox
    walk: Walk
    tangents: Mapping[int, Array] = field(default_factory=dict)
    missing: Mapping[int, Array] = field(default_factory=dict)
    stored: Mapping[int, Array] = field(default_factory=dict)
    _kept: dict[Any, Any] = field(default_factory=dict)

    def scene(self, now: Moment, chosen: int | None, stale: bool) -> Scene:
        """Return what is drawn at a moment."""
        count = range(len(self.sandbox.nodes))
        computed = set(self.sandbox.steps[: now.computed])
        return Scene(
            room=self._room(),
            cards=tuple(self._card(node, now, computed) for node in count),
            looks=tuple(self._look(node, now, computed) for node in count),
            inputs=frozenset(self.sandbox.leaves),
            wires=tuple(self._wire(number, now, computed) for number in range(len(self.sandbox.edges))),
            chosen=chosen if chosen is not None and chosen < len(count) else None,
            stale=stale,
        )

    def _room(self) -> tuple[Card, ...]:
        """Return the cards when they say most: at the end, with room for what calls of backward() leave in .grad."""
        if "room" not in self._kept:
            end = moment(self.sandbox, self.walk, positions(self.sandbox, self.walk) - 1)
            computed = set(self.sandbox.steps)
            self._kept["room"] = tuple(
                self._roomy(node, self._card(node, end, computed)) for node in range(len(self.sandbox.nodes))
            )
        return self._kept["room"]

    def _roomy(self, node: int, card: Card) -> Card:
        if node not in self.sandbox.leaves or node not in self.walk.parts:
            return card
        received = self._gradient_rows(node, len(self.walk.parts[node]))[0]
        return replace(card, rows=tuple(self._widest(node) if row == received else row for row in card.rows))

    def _widest(self, node: int) -> Row:
        """Return the widest row that a leaf's gradient may take."""
        parts = self.walk.parts[node]
        summed = total(parts)
        assert summed is not None
        rows = [_numbers(Role.GRADIENT, ".grad", np.multiply(times, summed)) for times in CALLS]
        if np.size(summed) == 1:
            row = replace(rows[0], cells=((accumulated(np.multiply(CALLS[-2], summed), summed),),))
            rows += [row] if row_width(row) <= LONGEST_SUM else []
        return max(self._received(node, len(parts)), *rows, key=row_width)

    def _card(self, node: int, now: Moment, computed: set[int]) -> Card:
        key = ("card", node, not self.sandbox.nodes[node].inputs or node in computed, self._arrived(node, now))
        if key not in self._kept:
            self._kept[key] = self._make_card(node, key[2], key[3])
        return self._kept[key]

    def _arrived(self, node: int, now: Moment) -> int:
        """Return how many parts of its gradient a node has."""
        return sum(part.visit <= now.visits for part in self.walk.parts.get(node, ()))

    def _make_card(self, node: int, computed: bool, arrived: int) -> Card:
        entry, sandbox = self.sandbox.nodes[node], self.sandbox
        rows = []
        if computed:
            value = _numbers(Role.VALUE, "", sandbox.value(node))
            # A constant's own text is its title already.
            if value.cells != ((sandbox.label(node),),):
                rows.append(value)
            if node in self.tangents:
                rows.append(_numbers(Role.TANGENT, "D[h]", self.tangents[node]))
        if arrived:
            rows += self._gradient_rows(node, arrived)
        notes = ["not recorded"] if entry.cut == "no_grad" else []
        notes += ["detached"] if node in sandbox.detached else []
        rows += [Row(Role.NOTE, words, ()) for words in notes]
        symbol = SYMBOLS.get(entry.symbol, entry.symbol) if entry.inputs else ""
        return Card(sandbox.label(node), symbol, tuple(rows))

    def _gradient_rows(self, node: int, arrived: int) -> list[Row]:
        """Return what a node has received so far or, at a leaf, added to what was there; and what is missing."""
        whole = arrived == len(self.walk.parts[node])
        summed = total(self.walk.parts[node][:arrived])
        assert summed is not None
        stored = whole and node in self.stored
        rows = [self._added(node, summed) if stored else self._received(node, arrived)]
        if whole and node in self.missing:
            rows.append(_numbers(Role.MISSED, "missing", self.missing[node]))
        return rows

    def _added(self, node: int, summed: Array) -> Row:
        """Return what is in a leaf's .grad after the walk: as a sum, where there is room for one."""
        before = self.stored[node]
        with np.errstate(all="ignore"):
            row = _numbers(Role.GRADIENT, ".grad", before + summed)
        as_sum = replace(row, cells=((accumulated(before, summed),),)) if np.size(summed) == 1 else row
        return as_sum if row_width(as_sum) <= row_width(self._widest(node)) else row

    def _received(self, node: int, arrived: int) -> Row:
        """Return what a node has received so far, as a sum."""
        parts, symbol = self.walk.parts[node], derivative(self.sandbox, node)
        received = parts[:arrived]
        summed = total(received)
        assert summed is not None
        if np.size(summed) == 1:
            return Row(Role.GRADIENT, symbol, ((sum_of(received, len(parts)),),))
        count = f", Σ {arrived} of {len(parts)}" if len(parts) > 1 else ""
        return _numbers(Role.GRADIENT, symbol + count, summed)

    def _look(self, node: int, now: Moment, computed: set[int]) -> Look:
        sandbox = self.sandbox
        leaf = not sandbox.nodes[node].inputs
        if node == now.node:
            return Look.NOW
        if not leaf and node not in computed:
            return Look.WAITING
        if self.walk.late(node, now.visits):
            return Look.LATE
        if self._arrived(node, now):
            return Look.BACK
        return Look.OFF if sandbox.asks[node] and not sandbox.wanted[node] else Look.DONE

    def _wire(self, edge_number: int, now: Moment, computed: set[int]) -> Wire:
        edge = self.sandbox.edges[edge_number]
        look = Look.WAITING
        labels: tuple[str, ...] = ()
        visit = self.walk.turn.get(edge.target, -1)
        used = edge.open and 0 < visit <= now.visits
        if used:
            late = self.walk.turn.get(edge.source)
            missed = late is not None and visit >= late
            look = Look.LATE if missed else Look.NOW if visit == now.visits else Look.BACK
            labels = self._labels(edge_number)
        elif edge.target in computed and edge.place == READ:
            look = Look.OFF
        elif edge.target in computed:
            forward = now.phase is Phase.FORWARD and edge.target == now.node
            look = Look.NOW if forward else Look.DONE
        known = self._labels(edge_number) if edge_number in self._carries else ()
        room = next((words for words in known if text_width(words) <= LONGEST_LABEL), "")
        return Wire(edge.source, edge.target, look, labels, edge.cut, backwards=used, room=room)

    @cached_property
    def _carries(self) -> frozenset[int]:
        """The edges over which the walk goes at one time or another."""
        return frozenset(number for visit in self.walk.visits for number in visit.over)

    def _labels(self, edge_number: int) -> tuple[str, ...]:
        key = ("labels", edge_number)
        if key not in self._kept:
            self._kept[key] = edge_labels(self.sandbox, self.sandbox.edges[edge_number])
        return self._kept[key]


class Drawings:
    """The drawing of what is at the desk, made anew only if something has changed."""

    def __init__(self) -> None:
        self._last: GraphDrawing | None = None
        self._of: tuple[object, ...] = ()

    def of(self, desk: Desk, forward: bool) -> GraphDrawing | None:
        """Return how the graph is drawn, with the tangents of forward mode or not; None if it is too large."""
        opened = desk.opened
        if opened is None or len(opened.sandbox.nodes) > MOST_NODES:
            self._last, self._of = None, ()
            return None
        of = (opened, desk.grads, forward)
        if not self._of or any(one is not other for one, other in zip(of, self._of, strict=True)):
            tangents = opened.tangents if forward else {}
            stored = desk.grads.by_node(opened.sandbox)
            self._last = GraphDrawing(opened.sandbox, opened.walk, tangents, opened.missing, stored)
            self._of = of
        return self._last


def _numbers(role: Role, words: str, array: Array) -> Row:
    """Return the entries of an array as a row of the card, those of a vector below each other."""
    shown = cells(array)
    whole = sum(map(len, shown)) == np.size(array)
    if whole and np.ndim(array) == 1:
        shown = tuple((cell,) for cell in shown[0])
    return Row(role, words, shown, bracket=whole and np.ndim(array) > 0)
