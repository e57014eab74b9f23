"""Where the boxes of a computational graph stand: in columns from the inputs (left) to the outputs (right).

The method of Sugiyama, Tagawa and Toda (1981): every node gets a column, right of all its inputs; a value that is used
further right passes the columns between in lanes of its own, one lane for all its readers; sweeps that put every node
at the mean place of its neighbours take most crossings away; and each column's heights are the nearest to its
neighbours' that keep order and distance (a least-squares fit by pooling adjacent violators).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.dag_order import Ranked, ordered, rank
from gradflow.sim.lab.dag_routes import Routes, routes

Array = NDArray[np.float64]

ROW_GAP, LANE_GAP, LANE = 16.0, 8.0, 4.0
"""Between boxes above each other, beside a lane, and how high a lane is."""

NARROWEST_GAP, BESIDE_LABEL = 28.0, 20.0
"""Between columns, and what of an edge is to be seen beside its label."""

LONGEST_LABELS, USUAL = (136.0, 104.0, 72.0, 40.0, 24.0, 0.0), 72.0
"""The widest labels that columns stand apart for: as wide ones as let everything fit, or usual ones if none do."""

FITS = 6
"""How often the columns' heights are fitted to their neighbours', left to right and back."""

PULLS, REST = (1.0, 0.25, 8.0), 0.1
"""How strongly an edge wants to be level with none, one or two of its ends in lanes, and what has no edge to stay."""


@dataclass(frozen=True, eq=False, repr=False)
class Placement(Frozen):
    """Boxes and edges in place: `corners` (nodes, 2) are left and top, `sizes` (nodes, 2) width and height.

    `width` and `height` hold everything. In a room from `least` to below `most` wide it would be the same.
    """

    corners: Array
    sizes: Array
    routes: Routes
    width: float
    height: float
    least: float = 0.0
    most: float = inf


def lay_out(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    labels: Sequence[Sequence[float]] = (),
    room: float = inf,
) -> Placement:
    """Place boxes of these sizes; an edge leads from a node to one that comes later in the list.

    `labels` are the widths of what may be written on each edge, the widest first; before its target there is room for
    as wide a one as lets everything fit into a `room` so wide.
    """
    if not sizes:
        return Placement(np.zeros((0, 2)), np.zeros((0, 2)), Routes((), (), (), ()), 0.0, 0.0)
    graph = rank(len(sizes), edges)
    columns = ordered(graph)
    heights = [height for _, height in sizes] + [LANE] * (len(graph.ranks) - len(sizes))
    centres = _heights(graph, columns, heights)
    tried = [_across(columns, sizes, _gaps(graph, len(columns), edges, labels, longest)) for longest in LONGEST_LABELS]
    needed = [lefts[-1] + widths[-1] for lefts, widths in tried]
    fits = next((i for i, width in enumerate(needed) if width <= room), None)
    lefts, widths = tried[LONGEST_LABELS.index(USUAL) if fits is None else fits]
    # A lane may lie above or below all boxes.
    top = min(centre - height / 2 for centre, height in zip(centres, heights, strict=True))
    centres = [centre - top for centre in centres]
    boxes = []
    for i, (width, height) in enumerate(sizes):
        left = lefts[graph.ranks[i]] + (widths[graph.ranks[i]] - width) / 2
        boxes.append((left, centres[i] - height / 2, left + width, centres[i] + height / 2))
    across = [(left, left + width) for left, width in zip(lefts, widths, strict=True)]
    return Placement(
        np.array(boxes)[:, :2],
        np.array(sizes, float),
        routes(graph, edges, boxes, across, centres),
        lefts[-1] + widths[-1],
        max(centre + height / 2 for centre, height in zip(centres, heights, strict=True)),
        0.0 if fits is None else needed[fits],
        inf if fits == 0 else needed[-1] if fits is None else needed[fits - 1],
    )


def _gaps(
    graph: Ranked, columns: int, edges: Sequence[tuple[int, int]], labels: Sequence[Sequence[float]], longest: float
) -> list[float]:
    """Return the width of the gap before each column, with room for labels up to the longest."""
    gaps = [NARROWEST_GAP] * columns
    for (_, target), options in zip(edges, labels, strict=False):
        place = graph.ranks[target]
        gaps[place] = max(gaps[place], BESIDE_LABEL + next((wide for wide in options if wide <= longest), 0.0))
    return gaps


def _across(
    columns: Sequence[Sequence[int]], sizes: Sequence[tuple[float, float]], gaps: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return the left sides and the widths of the columns."""
    widths = [max((sizes[i][0] for i in column if i < len(sizes)), default=LANE) for column in columns]
    lefts = [0.0]
    for width, gap in zip(widths, gaps[1:], strict=False):
        lefts.append(lefts[-1] + width + gap)
    return lefts, widths


def _heights(graph: Ranked, columns: Sequence[Sequence[int]], heights: Sequence[float]) -> list[float]:
    """Return the height of every node's and lane's centre."""
    centres = [0.0] * len(graph.ranks)
    offsets: list[list[float]] = []
    for column in columns:
        places = [0.0]
        for above, below in pairwise(column):
            gap = ROW_GAP if above < graph.nodes and below < graph.nodes else LANE_GAP
            places.append(places[-1] + (heights[above] + heights[below]) / 2 + gap)
        offsets.append(places)
        for i, place in zip(column, places, strict=True):
            centres[i] = place - places[-1] / 2
    for turn in range(2 * FITS):
        rightwards = turn % 2 == 0
        near = graph.before if rightwards else graph.after
        last = turn >= 2 * FITS - 2
        for c in range(len(columns)) if rightwards else reversed(range(len(columns))):
            column = columns[c]
            # At last both sides count, so that neither end of the graph is left where the other put it.
            pulls = [_pull(graph, i, [*graph.before[i], *graph.after[i]] if last else near[i], centres) for i in column]
            fitted = nearest_in_order(
                [want - offset for (want, _), offset in zip(pulls, offsets[c], strict=True)],
                [weight for _, weight in pulls],
            )
            for i, start, offset in zip(column, fitted, offsets[c], strict=True):
                centres[i] = start + offset
    return centres


def _pull(graph: Ranked, i: int, beside: Sequence[int], centres: Sequence[float]) -> tuple[float, float]:
    """Return where an element's neighbours want it, and how much."""
    total = place = 0.0
    for j in beside:
        lanes = (i >= graph.nodes) + (j >= graph.nodes)
        total += PULLS[lanes]
        place += PULLS[lanes] * centres[j]
    return (place / total, total) if beside else (centres[i], REST)


def nearest_in_order(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing numbers that are nearest to `wanted`, in weighted squares."""
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted, weights, strict=True):
        mean, total, count = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_total, other_count = blocks.pop()
            mean = (other * other_total + mean * total) / (other_total + total)
            total, count = total + other_total, count + other_count
        blocks.append((mean, total, count))
    return [mean for mean, _, count in blocks for _ in range(count)]
