"""Which part of a drawing is seen in a widget, and how large."""

from __future__ import annotations

import math
from enum import StrEnum

from PySide6.QtCore import QPointF, QRectF, QSizeF

MARGIN = 16.0
CLOSEST, FARTHEST, LARGEST_FIT = 4.0, 0.004, 1.5
PAGE = 0.6
"""How much of the window is turned over at once."""

LEGIBLE, TOO_SMALL = 1.0, 0.9
"""At which zoom numbers are read well, and below which a whole graph is rather seen in part."""


class Mode(StrEnum):
    """What the camera does by itself.

    `AUTO` shows everything, or, where that would be too small to read, the part around what happens. `WHOLE` shows
    everything. `FREE` stays where a person has put it.
    """

    AUTO = "auto"
    WHOLE = "whole"
    FREE = "free"


class Camera:
    """The zoom, and where the drawing's left top corner stands in the window."""

    def __init__(self) -> None:
        self.window, self.drawing = QSizeF(1.0, 1.0), QSizeF(0.0, 0.0)
        self.mode, self.zoom, self.shift = Mode.AUTO, 1.0, QPointF(0.0, 0.0)

    @property
    def room(self) -> float:
        """How wide a drawing can be that is read well as a whole."""
        return max((self.window.width() - 2 * MARGIN) / LEGIBLE, 0.0)

    def frame(self, focus: QRectF | None) -> None:
        """Look where the mode wants it; `focus` is where something happens, in the drawing's points."""
        if self.mode is Mode.FREE or self.drawing.isEmpty():
            return
        wide, high = (max(side - 2 * MARGIN, 1.0) for side in (self.window.width(), self.window.height()))
        fit = max(min(wide / self.drawing.width(), high / self.drawing.height(), LARGEST_FIT), FARTHEST)
        self.zoom = LEGIBLE if self.mode is Mode.AUTO and fit < TOO_SMALL else fit
        spot = focus.center() if focus else QPointF(0.0, self.drawing.height() / 2)
        self.shift = QPointF(
            _along(self.drawing.width() * self.zoom, self.window.width(), spot.x() * self.zoom),
            _along(self.drawing.height() * self.zoom, self.window.height(), spot.y() * self.zoom),
        )

    def resize(self, window: QSizeF) -> None:
        """Take another window; what was in its middle stays there."""
        more = (window - self.window) / 2
        self.window, self.shift = window, self.shift + QPointF(more.width(), more.height())

    def look_at(self, zoom: float, shift: QPointF) -> None:
        """Stay here, no further away than the drawing itself: it must remain within reach."""
        if not all(map(math.isfinite, (zoom, shift.x(), shift.y()))):
            raise ValueError("not a place")
        self.mode, self.zoom = Mode.FREE, min(max(zoom, FARTHEST), CLOSEST)
        self.shift = QPointF(
            min(max(shift.x(), MARGIN - self.drawing.width() * self.zoom), self.window.width() - MARGIN),
            min(max(shift.y(), MARGIN - self.drawing.height() * self.zoom), self.window.height() - MARGIN),
        )

    def move(self, by: QPointF) -> None:
        """Pan."""
        self.look_at(self.zoom, self.shift + by)

    def turn_page(self, right: int, down: int) -> None:
        """Pan by most of a window to a side, but no further than to where the drawing ends there."""
        window, drawing = self.window, self.pixels(QRectF(QPointF(0.0, 0.0), self.drawing))
        hidden = {
            (1, 0): drawing.right() - window.width(),
            (-1, 0): -drawing.left(),
            (0, 1): drawing.bottom() - window.height(),
            (0, -1): -drawing.top(),
        }[right, down]
        by = min(max(hidden, 0.0) + MARGIN, PAGE * (window.width() if right else window.height()))
        self.move(QPointF(-right * by, -down * by))

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom, so that what is at a place of the window stays there."""
        spot = around or QPointF(self.window.width() / 2, self.window.height() / 2)
        zoom = min(max(self.zoom * factor, FARTHEST), CLOSEST)
        self.look_at(zoom, spot - (spot - self.shift) * (zoom / self.zoom))

    def reveal(self, box: QRectF) -> bool:
        """Move as little as needed to have a box of the drawing in sight; return whether that was needed."""
        seen = self.pixels(box)
        by = QPointF(
            _into(seen.left(), seen.right(), self.window.width()),
            _into(seen.top(), seen.bottom(), self.window.height()),
        )
        needed = self.mode is Mode.FREE and not by.isNull()
        if needed:
            self.move(by)
        return needed

    def pixels(self, box: QRectF) -> QRectF:
        """Return where a box of the drawing is seen."""
        return QRectF(box.topLeft() * self.zoom + self.shift, box.size() * self.zoom)

    def point(self, spot: QPointF) -> QPointF:
        """Return the point of the drawing at a place of the window."""
        return (spot - self.shift) / self.zoom

    def state(self) -> list[float]:
        """Return zoom and the point in the middle."""
        middle = self.point(QPointF(self.window.width() / 2, self.window.height() / 2))
        return [self.zoom, middle.x(), middle.y()]

    def restore(self, zoom: float, x: float, y: float) -> None:
        """Look at what `state` gave; raises ValueError for what is no place."""
        if not all(map(math.isfinite, (zoom, x, y))):
            raise ValueError("not a place")
        self.mode, self.zoom = Mode.FREE, min(max(zoom, FARTHEST), CLOSEST)
        middle = QPointF(self.window.width() / 2, self.window.height() / 2)
        spot = QPointF(min(max(x, 0.0), self.drawing.width()), min(max(y, 0.0), self.drawing.height()))
        self.shift = middle - spot * self.zoom


def _along(drawing: float, window: float, spot: float) -> float:
    """Return the shift that has everything in the middle, or a spot of what is too long."""
    if drawing <= window - 2 * MARGIN:
        return (window - drawing) / 2
    return min(max(window / 2 - spot, window - MARGIN - drawing), MARGIN)


def _into(start: float, end: float, window: float) -> float:
    """Return by how much a stretch must move to be in sight; its start matters most."""
    move = min(0.0, window - MARGIN - end)
    return move + max(0.0, MARGIN - start - move)
