"""Where the boxes of a network's graph stand: from input (left) to output (right), skips above the boxes they pass."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from gradflow.sim.graph_shape import Box, GraphShape

WIDEST_SLOT = 120.0
TALLEST_BOX = 240.0
TALLEST_LEVEL, LOWEST_LEVEL = 44.0, 12.0
FILLED = 0.74
"""How much of its slot a box takes; the rest is the wire to the next."""
NARROW = 15.0
BARS_BELOW = 3.0
"""Boxes narrower than this are drawn side by side, as one image."""
SHARE_ROW = 15.0
LARGEST_JOIN = 24.0
ABOVE_ARCS = 20.0
"""Room for the shares of the topmost skips."""


def _weight(box: Box) -> float:
    """Return how wide a box's slot is beside that of a layer."""
    return 0.6 if box.join else 1.0 if box.layer is not None else 0.75


@dataclass(frozen=True)
class Layout:
    """The rectangles of all boxes in a widget of one size, the axis of the main path, and the heights of the levels."""

    shape: GraphShape
    rectangles: tuple[QRectF, ...]
    slot: float
    axis: float
    levels: tuple[float, ...]
    below: float
    shares: bool

    @property
    def bars(self) -> bool:
        """Whether the boxes are too narrow to be drawn one by one."""
        return self.slot * FILLED < BARS_BELOW

    def arc(self, source: int, join: int, level: int) -> QPainterPath:
        """Return the way of a skip: up behind its source, over the boxes between, and down to its join."""
        start, stop = self.rectangles[source], self.rectangles[join]
        left, foot = start.right() + 0.4 * (1 - FILLED) * self.slot, self.axis
        if self.shape.boxes[source].join:
            # From a join upwards, beside where another skip may come down.
            left, foot = start.center().x() + 0.25 * start.width(), start.top() + 2.0
        right, top = stop.center().x() - 0.25 * stop.width(), self.levels[level]
        if self.slot < NARROW:
            # Between narrow boxes lines would pass for boxes: the skip ends above them.
            foot = arrival = 2.0 * self.axis - self.below
        else:
            arrival = stop.top() + 2.0
        bend = min(10.0, (right - left) / 2, foot - top)
        path = QPainterPath(QPointF(left, foot))
        path.lineTo(left, top + bend)
        path.quadTo(left, top, left + bend, top)
        path.lineTo(right - bend, top)
        path.quadTo(right, top, right, top + bend)
        path.lineTo(right, arrival)
        return path


def lay_out(shape: GraphShape, width: float, height: float, shares: bool = True) -> Layout:
    """Return the layout for a widget of this size.

    Without `shares` of the gradient there is no room for them above skips and below boxes, and all boxes are equally
    high: a strip that says what there is.
    """
    main = shape.main
    levels = max((skip.level for skip in shape.skips), default=0)
    slot = min(WIDEST_SLOT, width / max(sum(_weight(shape.boxes[i]) for i in main), 1.0))
    level = min(TALLEST_LEVEL if shares else LOWEST_LEVEL, 10.0 + 6.0 * slot)
    arcs = ABOVE_ARCS if shares else 2.0
    above = min(level * levels + arcs, 0.45 * height) if levels else 0.0
    below = SHARE_ROW if levels and shares else 0.0
    room = max(height - above - below, 8.0)
    tall = min(room, TALLEST_BOX)
    # What is left over goes half above and half below.
    spare = 0.5 * (room - tall)
    axis = spare + above + tall / 2
    step = (above - arcs) / levels if levels else 0.0
    heights = (axis, *(spare + above - step * level for level in range(1, levels + 1)))
    x = 0.5 * (width - slot * sum(_weight(shape.boxes[i]) for i in main))
    most = max((math.prod(box.shape) for box in shape.boxes), default=1)
    rectangles = [QRectF()] * len(shape.boxes)
    for i in main:
        box = shape.boxes[i]
        slot_width = slot * _weight(box)
        wide = min(0.7 * slot_width, LARGEST_JOIN) if box.join else slot_width * FILLED
        part = 0.5 + 0.5 * math.log1p(math.prod(box.shape)) / math.log1p(most) if shares else 1.0
        high = wide if box.join else tall * part
        centre = x + slot_width / 2 - (0.0 if box.join else 0.5 * (1 - FILLED) * slot_width)
        rectangles[i] = QRectF(centre - wide / 2, axis - high / 2, wide, high)
        x += slot_width
    for skip in shape.skips:
        left, right = rectangles[skip.source].right(), rectangles[skip.join].left()
        part = (right - left) / (len(skip.over) + 1)
        for place, i in enumerate(skip.over, start=1):
            wide = min(64.0, 0.6 * part)
            rectangles[i] = QRectF(left + part * place - wide / 2, heights[skip.level] - 8.0, wide, 16.0)
    return Layout(shape, tuple(rectangles), slot, axis, heights, axis + tall / 2, shares)
