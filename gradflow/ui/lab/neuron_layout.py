"""Where neurons, edges and their numbers stand: x is the layer, y the unit; a skip passes between the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF

from gradflow.sim.lab.label_places import Rectangle, place
from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.numerals import short
from gradflow.ui.lab.small_words import small_words

Array = NDArray[np.float64]

TOP, FOOT, SIDE = 36.0, 22.0, 8.0
NARROW, WIDEST, HIGHEST = 48.0, 74.0, 66.0
TWO_LINES = 26.0
LABEL_HEIGHT, MARGIN = 14.0, 1.5
LEAST_SIZE = 10
"""No letters are smaller, in pixels."""
LABELS = partial(small_words, LEAST_SIZE)
MOST_DRAWN = 1200
"""Of more edges in sight the largest are drawn: of a thousand lines in a strip none can be told from another."""
BIAS_RADIUS = 3.5
ALONG = (0.3, 0.18, 0.42, 0.06, 0.54, 0.66, 0.8, 0.94, 0.24, 0.12, 0.36, 0.48, 0.6, 0.73, 0.87, 0.0, 1.0)
"""Where on an edge its number may stand, from 0 at its source to 1, the best first: near the source edges are apart."""
ALONG_FAR = (0.8, 0.66, 0.94, 0.54, 0.42, 0.3, 0.18, 0.06)
"""The same for edges that leave one neuron."""


@dataclass(frozen=True, eq=False)
class NeuronLayout:
    """Everything in pixels: the middle of each neuron, the size of all, and the line of each edge."""

    graph: NeuronGraph
    middles: Array
    width: float
    height: float
    column_x: Sequence[float]
    column_gap: float
    row: float
    area: QRectF
    written: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    """The lines of text in each neuron, once they are found: they stay as long as the graph and the size do."""

    _lines: dict[int, tuple[Array, list[QLineF]]] = field(default_factory=dict)

    def box(self, neuron: int) -> QRectF:
        """Return the rectangle of a neuron."""
        return self._boxes[neuron]

    @cached_property
    def _boxes(self) -> list[QRectF]:
        corners = self.middles - (self.width / 2, self.height / 2)
        return [QRectF(x, y, self.width, self.height) for x, y in corners.tolist()]

    @cached_property
    def in_sight(self) -> list[int]:
        """The neurons of which something can be seen."""
        return [i for i, box in enumerate(self._boxes) if box.intersects(self.area)]

    def bias_spot(self, neuron: int) -> QPointF:
        """Return where the mark of a neuron's bias stands."""
        box = self.box(neuron)
        return QPointF(box.left(), box.bottom())

    @property
    def biases_shown(self) -> bool:
        """Whether there is room for the marks of biases."""
        return self.height >= 22.0

    def line(self, edge: int) -> Array:
        """Return the points of an edge."""
        return self._kept_line(edge)[0]

    def strokes(self, edge: int) -> list[QLineF]:
        """Return an edge as the painter wants it: it draws single lines ten times as fast as polylines."""
        return self._kept_line(edge)[1]

    def _kept_line(self, edge: int) -> tuple[Array, list[QLineF]]:
        found = self._lines.get(edge)
        if found is None:
            start, stop = self._starts[edge], self._stops[edge]
            free = self.column_gap - self.width
            line = _passing(start, stop, free, self.row) if self._skips[edge] else np.array([start, stop])
            found = self._lines[edge] = line, [QLineF(*a, *b) for a, b in pairwise(line.tolist())]
        return found

    @cached_property
    def _starts(self) -> Array:
        return self.middles[self.graph.arrays.sources] + (self.width / 2, 0.0)

    @cached_property
    def _stops(self) -> Array:
        return self.middles[self.graph.arrays.targets] - (self.width / 2, 0.0)

    @cached_property
    def _skips(self) -> NDArray[np.bool_]:
        """Which edges pass a column."""
        arrays = self.graph.arrays
        return np.asarray(arrays.column[arrays.targets] - arrays.column[arrays.sources] > 1)

    @cached_property
    def drawn(self) -> NDArray[np.intp]:
        """The edges that are drawn: all in sight, in a crowd the largest between any two columns."""
        seen = self.edges_in_sight
        if len(seen) > MOST_DRAWN:
            ranks = self.graph.arrays.ranks[seen]
            seen = seen[ranks <= np.partition(ranks, MOST_DRAWN)[MOST_DRAWN]]
        return seen

    @cached_property
    def edges_in_sight(self) -> NDArray[np.intp]:
        """The edges of which something could be seen."""
        area, low, high = self.area, np.minimum(self._starts, self._stops), np.maximum(self._starts, self._stops)
        inside = (high[:, 0] >= area.left()) & (low[:, 0] <= area.right())
        inside &= self._skips | ((high[:, 1] >= area.top()) & (low[:, 1] <= area.bottom()))
        return np.flatnonzero(inside)

    def neuron_at(self, spot: QPointF) -> int | None:
        """Return the neuron at a place."""
        if not len(self.middles):
            return None
        away = np.abs(self.middles - (spot.x(), spot.y()))
        found = np.flatnonzero((away[:, 0] <= self.width / 2 + 2) & (away[:, 1] <= self.height / 2 + 2))
        return int(found[0]) if len(found) else None

    def neighbour(self, neuron: int | None, across: int, down: int) -> int:
        """Return the neuron beside another: in its column, or the nearest of the next."""
        if neuron is None:
            return 0
        neurons, heights = self.graph.neurons, self.middles[:, 1]
        here = neurons[neuron]
        column = min(max(here.column + across, 0), len(self.graph.columns) - 1)
        others = sorted((i for i in range(len(neurons)) if neurons[i].column == column), key=lambda i: heights[i])
        if across:
            nearest = min(others, key=lambda i: abs(heights[i] - heights[neuron]))
            return nearest if column != here.column else neuron
        return others[min(max(others.index(neuron) + down, 0), len(others) - 1)]

    def edge_area(self, edge: int) -> QRectF:
        """Return what an edge passes through, with room for the frame of its line."""
        line = self.line(edge)
        return QRectF(QPointF(*line.min(axis=0)), QPointF(*line.max(axis=0))).adjusted(-5.0, -5.0, 5.0, 5.0)

    def bias_at(self, spot: QPointF) -> int | None:
        """Return the neuron whose bias is at a place."""
        if not self.biases_shown or not len(self.middles):
            return None
        corners = self.middles + np.array([-self.width / 2, self.height / 2])
        away = np.hypot(*(corners - (spot.x(), spot.y())).T)
        nearest = int(away.argmin())
        has_one = not np.isnan(self.graph.neurons[nearest].bias)
        return nearest if has_one and away[nearest] <= BIAS_RADIUS + 3.0 else None

    def edge_at(self, spot: QPointF, reach: float = 5.0) -> int | None:
        """Return the edge nearest to a place, if it is near enough."""
        if not len(self.drawn):
            return None
        starts, stops, owners = self._segments
        along = stops - starts
        toward = np.array([spot.x(), spot.y()]) - starts
        length = np.maximum((along**2).sum(axis=1), 1e-9)
        t = np.clip((toward * along).sum(axis=1) / length, 0.0, 1.0)
        away = np.hypot(*(toward - t[:, None] * along).T)
        nearest = int(away.argmin())
        return int(owners[nearest]) if away[nearest] <= reach else None

    @cached_property
    def _segments(self) -> tuple[Array, Array, NDArray[np.intp]]:
        lines = [self.line(e) for e in self.drawn.tolist()]
        starts, stops = np.concatenate([line[:-1] for line in lines]), np.concatenate([line[1:] for line in lines])
        return starts, stops, np.repeat(self.drawn, [len(line) - 1 for line in lines])

    def edge_words(self, edge: int) -> str:
        """Return the number of an edge as it is written on it, with so many digits as fit between two columns.

        With one digit 1.6 would be 2: rather there is none.
        """
        room, value = self.column_gap - self.width - 2 * MARGIN, self.graph.edges[edge].derivative
        options = (short(value, digits) for digits in (3, 2))
        return next((words for words in options if LABELS().room_for(words) <= room), "")

    def labels(self, edges: Sequence[int], chosen: int | None = None) -> list[tuple[int, QRectF]]:
        """Return the edges whose numbers have room, with where each stands; the most important come first.

        No number lies on another, on a neuron, or outside. The numbers of the edges that leave the `chosen` neuron
        stand near their other end, where they are apart.
        """
        candidates = [list(self._candidates(edge, self.graph.edges[edge].source == chosen)) for edge in edges]
        inside = (self.area.left(), TOP - LABEL_HEIGHT / 2, self.area.right(), self.area.bottom() - FOOT + 6.0)
        places = place(candidates, (), inside)
        return [
            (edge, QRectF(QPointF(*found[1][:2]), QPointF(*found[1][2:])))
            for edge, found in zip(edges, places, strict=True)
            if found
        ]

    def _candidates(self, edge: int, far: bool) -> Iterator[Rectangle]:
        """Yield where on the last straight part of its edge a number may stand, the best place first."""
        (x0, y0), (x1, y1) = self.line(edge)[-2:].tolist()
        words = self.edge_words(edge)
        wide = LABELS().room_for(words) + 2 * MARGIN
        room, slope = max(x1 - x0 - wide, 0.0), (y1 - y0) / max(x1 - x0, 1e-9)
        if not words:
            return
        for t in ALONG_FAR if far else ALONG:
            x = x0 + t * room
            y = y0 + slope * (x + wide / 2 - x0)
            yield x, y - LABEL_HEIGHT / 2, x + wide, y + LABEL_HEIGHT / 2


def lay_out(graph: NeuronGraph, width: float, height: float, zoom: float, pan: QPointF) -> NeuronLayout:
    """Spread the columns over the width and the rows over the height, enlarged `zoom` times about the middle."""
    area = QRectF(0.0, 0.0, width, height).adjusted(2.0, 2.0, -2.0, -2.0)
    rows: list[list[int]] = [[] for _ in graph.columns]
    for i, neuron in enumerate(graph.neurons):
        rows[neuron.column].append(i)
    for column in rows:
        column.sort(key=lambda i: graph.neurons[i].unit)
    count, most = len(graph.columns), max(len(column) for column in rows)
    gap = (width - 2 * SIDE) * zoom / count
    row = (height - TOP - FOOT) * zoom / most
    # Numbers in neurons come before numbers on edges.
    node_width = min(max(gap * 0.54, min(gap * 0.7, NARROW), 6.0), WIDEST)
    node_height = min(max(row * 0.78, min(row * 0.9, TWO_LINES), 6.0), HIGHEST)
    row = min(row, max(3.8 * HIGHEST, (height - TOP - FOOT) / most))
    middle_x, middle_y = width / 2 + pan.x(), TOP + (height - TOP - FOOT) / 2 + pan.y()
    column_x = [middle_x + (c - (count - 1) / 2) * gap for c in range(count)]
    middles = np.zeros((len(graph.neurons), 2))
    for c, column in enumerate(rows):
        for place_in_column, i in enumerate(column):
            middles[i] = column_x[c], middle_y + (place_in_column - (len(column) - 1) / 2) * row
    return NeuronLayout(graph, middles, node_width, node_height, column_x, gap, row, area)


def _passing(start: Array, stop: Array, free: float, row: float) -> Array:
    """Return a line that passes the columns between in the lane above the row it comes from."""
    lane = start[1] - row / 2
    entry, leave = np.array([start[0] + free, lane]), np.array([stop[0] - free, lane])
    t = np.linspace(0.0, 1.0, 9)[:, None]
    rise = start + (entry - start) * np.concatenate([t, 3 * t**2 - 2 * t**3], axis=1)
    return np.concatenate([rise, leave[None], stop[None]])
