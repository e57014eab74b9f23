"""Which labels of a picture find a place: none lies on another, on a box or outside; what does not fit is left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""

CELL = 48.0
"""The edge of the squares by which neighbours are found."""


def overlap(one: Rectangle, other: Rectangle) -> bool:
    """Tell whether two rectangles have more than an edge in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


class Occupied:
    """The places that are taken; finds what is near by squares, so that many labels cost little."""

    def __init__(self, taken: Iterable[Rectangle] = ()) -> None:
        self._squares: dict[tuple[int, int], list[Rectangle]] = {}
        for rectangle in taken:
            self.take(rectangle)

    def take(self, rectangle: Rectangle) -> None:
        """Take a place."""
        for square in _squares(rectangle):
            self._squares.setdefault(square, []).append(rectangle)

    def free(self, rectangle: Rectangle) -> bool:
        """Tell whether nothing is there."""
        return not any(
            overlap(rectangle, other) for square in _squares(rectangle) for other in self._squares.get(square, ())
        )


def place(
    candidates: Sequence[Sequence[Rectangle]], taken: Iterable[Rectangle], inside: Rectangle
) -> list[tuple[int, Rectangle] | None]:
    """Return for each label, the most important first, which of its candidates is free and where that is, or None."""
    occupied = Occupied(taken)
    places: list[tuple[int, Rectangle] | None] = []
    for options in candidates:
        found = None
        for number, option in enumerate(options):
            within = option[0] >= inside[0] and option[1] >= inside[1]
            if within and option[2] <= inside[2] and option[3] <= inside[3] and occupied.free(option):
                found = (number, option)
                occupied.take(option)
                break
        places.append(found)
    return places


def _squares(rectangle: Rectangle) -> Iterable[tuple[int, int]]:
    left, top, right, bottom = (int(edge // CELL) for edge in rectangle)
    return ((column, row) for column in range(left, right + 1) for row in range(top, bottom + 1))
