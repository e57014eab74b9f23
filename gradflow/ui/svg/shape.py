"""One element of an SVG file, and whether it lies in a room."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QRectF
from PySide6.QtGui import QTransform

SLACK = 0.75
"""A shape may reach so many points beyond its room: half the width of a line, and rounding."""


@dataclass
class Shape:
    """An element: its name, its own attributes, its style, how its coordinates lie in the widget, words, a picture."""

    name: str
    places: dict[str, str]
    style: dict[str, str]
    matrix: QTransform
    words: str = ""
    link: str = ""

    @property
    def filled(self) -> bool:
        """Whether an area is seen."""
        return self.style["fill"] != "none" and float(self.style["fill-opacity"]) > 0.0

    @property
    def stroked(self) -> bool:
        """Whether lines are seen."""
        return self.style["stroke"] != "none" and float(self.style["stroke-opacity"]) > 0.0

    @property
    def placed(self) -> str:
        """How its coordinates lie in the document, as an attribute; "" if as they are."""
        m = self.matrix
        parts = [f"{number:.6g}" for number in (m.m11(), m.m12(), m.m21(), m.m22(), m.dx(), m.dy())]
        if parts[:4] != ["1", "0", "0", "1"]:
            return f"matrix({','.join(parts)})"
        return "" if parts[4:] == ["0", "0"] else f"translate({','.join(parts[4:])})"

    def moved(self, offset: QTransform) -> Shape:
        """Return the same in the coordinates of what is around."""
        return replace(self, matrix=self.matrix * offset)

    def number(self, name: str) -> float:
        """Return one of its measures."""
        return float(self.places.get(name, "0"))


def holds(room: QRectF, bounds: QRectF, across: float, down: float) -> bool:
    """Tell whether bounds lie in a room; unlike Qt's they may have no width or no height."""
    return (
        bounds.left() >= room.left() - across
        and bounds.right() <= room.right() + across
        and bounds.top() >= room.top() - down
        and bounds.bottom() <= room.bottom() + down
    )
