"""Where neurons, edges and their numbers stand: x is the layer, y the unit; a skip passes between the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF

from gradflow.sim.lab.neuron_graph import NeuronGraph
from gradflow.sim.lab.numerals import short

Array = NDArray[np.float64]

TOP, FOOT, SIDE = 36.0, 22.0, 8.0
WIDEST, HIGHEST = 76.0, 62.0
LABEL_HEIGHT = 14.0
BIAS_RADIUS = 3.5
ALONG = (0.3, 0.18, 0.42, 0.06, 0.54, 0.66, 0.8, 0.94)
"""Where on an edge its number may stand, from 0 at its source to 1, the best first: near the source edges are apart."""


@dataclass(frozen=True, eq=False)
class NeuronLayout:
    """Everything in pixels: the middle of each neuron, the size of all, and the line of each edge."""

    graph: NeuronGraph
    middles: Array
    width: float
    height: float
    column_x: Sequence[float]
    column_gap: float
    area: QRectF
    lines: Sequence[Array]

    def box(self, neuron: int) -> QRectF:
        """Return the rectangle of a neuron."""
        x, y = self.middles[neuron]
        return QRectF(x - self.width / 2, y - self.height / 2, self.width, self.height)

    def bias_spot(self, neuron: int) -> QPointF:
        """Return where the mark of a neuron's bias stands."""
        box = self.box(neuron)
        return QPointF(box.left(), box.bottom())

    @property
    def biases_shown(self) -> bool:
        """Whether there is room for the marks of biases."""
        return self.height >= 22.0

    @cached_property
    def strokes(self) -> list[list[QLineF]]:
        """The lines of the edges as the painter wants them: it draws single lines ten times as fast as polylines."""
        return [[QLineF(*a, *b) for a, b in pairwise(line.tolist())] for line in self.lines]

    @cached_property
    def edge_words(self) -> list[str]:
        """The number of every edge as it is written on it."""
        return [short(edge.derivative, 2) for edge in self.graph.edges]

    def neuron_at(self, spot: QPointF) -> int | None:
        """Return the neuron at a place."""
        if not len(self.middles):
            return None
        away = np.abs(self.middles - (spot.x(), spot.y()))
        found = np.flatnonzero((away[:, 0] <= self.width / 2 + 2) & (away[:, 1] <= self.height / 2 + 2))
        return int(found[0]) if len(found) else None

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
        if not self.lines:
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
        starts = np.concatenate([line[:-1] for line in self.lines])
        stops = np.concatenate([line[1:] for line in self.lines])
        owners = np.repeat(np.arange(len(self.lines)), [len(line) - 1 for line in self.lines])
        return starts, stops, owners

    def labels(self, edges: Sequence[int], widths: Sequence[float]) -> list[QRectF | None]:
        """Return where the number of each edge stands, the most important first; None where there is no room.

        No number lies on another, on a neuron, or outside.
        """
        taken: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
        found: list[QRectF | None] = []
        for edge, wide in zip(edges, widths, strict=True):
            # Between two columns no number can touch one between two others.
            gap = self.graph.neurons[self.graph.edges[edge].target].column
            spot = self._free_spot(edge, wide, gap, taken)
            if spot is None:
                found.append(None)
                continue
            x, y = spot
            taken.setdefault((gap, int(y // LABEL_HEIGHT)), []).append((x, y, wide))
            found.append(QRectF(x - wide / 2, y - LABEL_HEIGHT / 2, wide, LABEL_HEIGHT))
        return found

    def _free_spot(
        self, edge: int, wide: float, gap: int, taken: dict[tuple[int, int], list[tuple[float, float, float]]]
    ) -> tuple[float, float] | None:
        (x0, y0), (x1, y1) = self._ends[edge]
        room, slope = x1 - x0 - wide, (y1 - y0) / max(x1 - x0, 1e-9)
        if room < 0.0:
            return None
        left, right, low = self.area.left() + wide / 2, self.area.right() - wide / 2, self.area.bottom() - FOOT
        for t in ALONG:
            x = x0 + wide / 2 + t * room
            y = y0 + slope * (x - x0)
            if left <= x <= right and TOP <= y <= low and _is_free(x, y, wide, gap, taken):
                return x, y
        return None

    @cached_property
    def _ends(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Both ends of the last straight part of every edge."""
        return [(tuple(line[-2].tolist()), tuple(line[-1].tolist())) for line in self.lines]


def _is_free(
    x: float, y: float, wide: float, gap: int, taken: dict[tuple[int, int], list[tuple[float, float, float]]]
) -> bool:
    row = int(y // LABEL_HEIGHT)
    for near in (row, row - 1, row + 1):
        for other_x, other_y, other_wide in taken.get((gap, near), ()):
            if abs(y - other_y) < LABEL_HEIGHT and abs(x - other_x) < (wide + other_wide) / 2:
                return False
    return True


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
    node_width = min(max(max(gap * 0.43, min(gap * 0.52, 58.0)), 6.0), WIDEST)
    node_height = min(max(row * 0.66, 6.0), HIGHEST)
    row = min(row, max(2.6 * HIGHEST, (height - TOP - FOOT) / most))
    middle_x, middle_y = width / 2 + pan.x(), TOP + (height - TOP - FOOT) / 2 + pan.y()
    column_x = [middle_x + (c - (count - 1) / 2) * gap for c in range(count)]
    middles = np.zeros((len(graph.neurons), 2))
    for c, column in enumerate(rows):
        for place_in_column, i in enumerate(column):
            middles[i] = column_x[c], middle_y + (place_in_column - (len(column) - 1) / 2) * row
    lines = []
    for edge in graph.edges:
        start, stop = middles[edge.source] + (node_width / 2, 0.0), middles[edge.target] - (node_width / 2, 0.0)
        apart = graph.neurons[edge.target].column - graph.neurons[edge.source].column
        lines.append(np.array([start, stop]) if apart <= 1 else _passing(start, stop, gap, node_width, row))
    return NeuronLayout(graph, middles, node_width, node_height, column_x, gap, area, lines)


def _passing(start: Array, stop: Array, gap: float, node_width: float, row: float) -> Array:
    """Return a line that passes the columns between in the lane above the row it comes from."""
    lane = start[1] - row / 2
    free = gap - node_width
    entry, leave = np.array([start[0] + free, lane]), np.array([stop[0] - free, lane])
    t = np.linspace(0.0, 1.0, 9)[:, None]
    rise = start + (entry - start) * np.concatenate([t, 3 * t**2 - 2 * t**3], axis=1)
    return np.concatenate([rise, leave[None], stop[None]])
