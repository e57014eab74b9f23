"""From the sandbox to its drawing: which numbers stand in each box and on each edge at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.sandbox import READ, Sandbox
from gradflow.sim.lab.sandbox_signs import sign, written_in
from gradflow.sim.lab.sandbox_steps import Moment, Phase
from gradflow.sim.lab.sandbox_walk import Walk, total
from gradflow.sim.lab.sandbox_words import accumulated, cells, derivative, edge_labels, sum_of
from gradflow.ui.lab.cards import Card, Role, Row, Size, card_size, in_lines, largest
from gradflow.ui.lab.dag_scene import Look, Scene, Wire

Array = NDArray[np.float64]


CALLS = (1, 2, 9, 99)
"""After so many calls of backward() what is in .grad has room in the boxes of the leaves."""

GRAD, TANGENT = ".grad", "D[h]"


@dataclass(frozen=True, eq=False)
class GraphDrawing:
    """One program's graph with a walk back through it, as it can be drawn at every moment.

    `tangents` are in the boxes if `forward` is so, in place of gradients; `missing` is what a walk in a wrong order
    leaves out, `stored` what earlier calls of backward() have left in the leaves.
    """

    sandbox: Sandbox
    walk: Walk
    tangents: Mapping[int, Array] = field(default_factory=dict)
    missing: Mapping[int, Array] = field(default_factory=dict)
    stored: Mapping[int, Array] = field(default_factory=dict)
    forward: bool = False
    _kept: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> tuple[int, ...]:
        """The node of each box: all but the constants that are written into the box of an operation."""
        return tuple(node.index for node in self.sandbox.nodes if node.index not in self._written_in)

    @cached_property
    def edges(self) -> tuple[int, ...]:
        """The edge of each wire."""
        return tuple(i for i, edge in enumerate(self.sandbox.edges) if edge.source not in self._written_in)

    @cached_property
    def boxes(self) -> Mapping[int, int]:
        """The box in which each node is to be seen."""
        places = {node: box for box, node in enumerate(self.nodes)}
        return places | {node: places[reader] for node, reader in self._written_in.items()}

    @cached_property
    def _written_in(self) -> Mapping[int, int]:
        return written_in(self.sandbox)

    def scene(self, now: Moment, chosen: int | None, stale: bool) -> Scene:
        """Return what is drawn at a moment."""
        computed = set(self.sandbox.steps[: now.computed])
        return Scene(
            room=self._room,
            cards=tuple(self._card(node, now, computed) for node in self.nodes),
            looks=tuple(self._look(node, now, computed) for node in self.nodes),
            inputs=frozenset(self.boxes[leaf] for leaf in self.sandbox.leaves),
            wires=tuple(self._wire(number, now, computed) for number in self.edges),
            chosen=self.boxes.get(chosen) if chosen is not None else None,
            stale=stale,
        )

    @cached_property
    def _room(self) -> tuple[Size, ...]:
        """The sizes that the boxes need when they say most, on whatever page."""
        return tuple(map(self._size, self.nodes))

    def _size(self, node: int) -> Size:
        """Return the size of a box with all it may ever say; in a leaf that is also what is left in .grad."""
        parts = self.walk.parts.get(node, ())
        cards = [self._make_card(node, True, [])]
        if node in self.tangents:
            cards.append(self._make_card(node, True, [_numbers(Role.TANGENT, TANGENT, self.tangents[node])]))
        if parts:
            summed = total(parts)
            assert summed is not None
            rows = [self._received(node, len(parts), summed)]
            if node in self.sandbox.leaves:
                rows += [_numbers(Role.GRADIENT, GRAD, np.multiply(times, summed)) for times in CALLS]
                rows += _sums(summed, summed)
            cards += [self._make_card(node, True, [row, *self._missed(node)]) for row in rows]
        return largest(cards)

    def _card(self, node: int, now: Moment, computed: set[int]) -> Card:
        key = ("card", node, not self.sandbox.nodes[node].inputs or node in computed, self._arrived(node, now))
        if key not in self._kept:
            if self.forward:
                known = key[2] and node in self.tangents
                rows = [_numbers(Role.TANGENT, TANGENT, self.tangents[node])] if known else []
            else:
                rows = self._gradient_rows(node, key[3]) if key[3] else []
            self._kept[key] = self._make_card(node, key[2], rows)
        return self._kept[key]

    def _arrived(self, node: int, now: Moment) -> int:
        """Return how many parts of its gradient a node has."""
        return sum(part.visit <= now.visits for part in self.walk.parts.get(node, ()))

    def _make_card(self, node: int, computed: bool, last: list[Row]) -> Card:
        """Return a card with its value, if that is computed, and these last rows."""
        entry, sandbox = self.sandbox.nodes[node], self.sandbox
        value = _numbers(Role.VALUE, "", sandbox.value(node))
        # A constant's own text is its title already.
        rows = [value] if computed and value.cells != ((sandbox.label(node),),) else []
        notes = ["no_grad"] if entry.cut == "no_grad" else []
        notes += ["detached"] if node in sandbox.detached else []
        rows += [*last, *(Row(Role.NOTE, words, ()) for words in notes)]
        return Card(sandbox.label(node), sign(sandbox, node), tuple(rows))

    def _gradient_rows(self, node: int, arrived: int) -> list[Row]:
        """Return what a node has received so far or, at a leaf, added to what was there; and what is missing."""
        parts = self.walk.parts[node]
        summed = total(parts[:arrived])
        assert summed is not None
        if arrived < len(parts):
            return [self._received(node, arrived, summed)]
        if node not in self.stored:
            return [self._received(node, arrived, summed), *self._missed(node)]
        before = self.stored[node]
        with np.errstate(all="ignore"):
            rows = [*_sums(before, summed), _numbers(Role.GRADIENT, GRAD, before + summed)]
        # Where there is no room for the sum there is its value.
        wide, high = self._room[self.boxes[node]]
        sizes = [card_size(self._make_card(node, True, [row, *self._missed(node)])) for row in rows]
        fits = next((row for row, (w, h) in zip(rows, sizes, strict=True) if w <= wide and h <= high), rows[-1])
        return [fits, *self._missed(node)]

    def _missed(self, node: int) -> list[Row]:
        """Return what is missing in a node's gradient when all that will come has come."""
        return [_numbers(Role.MISSED, "missing", self.missing[node])] if node in self.missing else []

    def _received(self, node: int, arrived: int, summed: Array) -> Row:
        """Return what a node has received so far, as a sum."""
        parts, symbol = self.walk.parts[node], derivative(self.sandbox, node)
        if np.size(summed) == 1:
            return Row(Role.GRADIENT, symbol, in_lines(sum_of(parts[:arrived], len(parts))))
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
        room = self._labels(edge_number) if edge_number in self._carries else ()
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        return Wire(source, target, look, labels, edge.cut, backwards=used, room=room)

    @cached_property
    def _carries(self) -> frozenset[int]:
        """The edges over which the walk goes at one time or another."""
        return frozenset(number for visit in self.walk.visits for number in visit.over)

    def _labels(self, edge_number: int) -> tuple[str, ...]:
        key = ("labels", edge_number)
        if key not in self._kept:
            self._kept[key] = edge_labels(self.sandbox, self.sandbox.edges[edge_number])
        return self._kept[key]


def _sums(before: Array, new: Array) -> list[Row]:
    """Return how a single number is added to what was in .grad, if that is a short sum."""
    words = in_lines(accumulated(before, new)) if np.size(new) == 1 else ()
    return [Row(Role.GRADIENT, GRAD, words)] if len(words) == 1 else []


def _numbers(role: Role, words: str, array: Array) -> Row:
    """Return the entries of an array as a row of the card, those of a vector below each other."""
    shown = cells(array)
    whole = sum(map(len, shown)) == np.size(array)
    if whole and np.ndim(array) == 1:
        shown = tuple((cell,) for cell in shown[0])
    return Row(role, words, shown, bracket=whole and np.ndim(array) > 0)
