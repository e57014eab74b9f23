"""Where the matrices of a board stand: line by line, one-row ones below the one they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from PySide6.QtCore import QRect

from gradflow.sim.lab.station import Line, Shown

GAP = 16
FLAT = 96
"""How high a matrix of one row is, with its words."""
BELOW = 2
"""So many of these stand below another matrix at most."""
NARROW, WIDEST, LEAST_HEIGHT = 152, 380, 150
CELL, HEADS = 40, 56
ROW, WORDS = 20, 76
"""How high a row of numbers is, and what stands above and below them."""

PARTS = (1.0, 0.85, 0.7, 0.55, 0.0)
"""So much of the width that they like cells may get where more rows would be too high."""

Cell = list[int]
"""Matrices above each other, by their places on the board."""


def placed(lines: Sequence[Line], heads: Sequence[int], width: int, height: int) -> list[QRect]:
    """Return where each matrix stands in a room of this size, which may be too low for all of them.

    `heads` are the widths of what is written above each.
    """
    numbers, shown = count(), [one for line in lines for one in line]
    cells = [_cells([next(numbers) for _ in line], shown) for line in lines]
    rows = _rows(cells, shown, heads, width, height)
    widths = _widths(rows, shown, heads, width)
    heights = _heights(rows, shown, height - GAP * (len(rows) - 1))
    found, top = [QRect()] * len(shown), 0
    for row, row_widths, tall in zip(rows, widths, heights, strict=True):
        left = 0
        for cell, wide in zip(row, row_widths, strict=True):
            y, flats = top, sum(_flat(shown[place]) for place in cell)
            for place in cell:
                spare = tall - (FLAT + 8) * flats
                high = FLAT if _flat(shown[place]) else min(spare, _natural_height([place], shown))
                found[place] = QRect(left, y, wide, high)
                y += high + 8
            left += wide + GAP
        top += tall + GAP
    return found


def _flat(shown: Shown) -> bool:
    return len(shown.rows) == 1


def _cells(places: Sequence[int], shown: Sequence[Shown]) -> list[Cell]:
    """Return which matrices of a line stand above each other: side by side where all have one row."""
    if all(_flat(shown[place]) for place in places):
        return [[place] for place in places]
    cells: list[Cell] = []
    for place in places:
        last = cells[-1] if cells else []
        if last and _flat(shown[place]) and len(last) <= BELOW and not _flat(shown[last[0]]):
            last.append(place)
        else:
            cells.append([place])
    return cells


def _rows(
    lines: Sequence[Sequence[Cell]], shown: Sequence[Shown], heads: Sequence[int], width: int, height: int
) -> list[list[Cell]]:
    """Return the cells in rows: as wide as there is height enough for, in as few as fit if there is not."""
    natural = [[_natural_width(cell, shown, heads) for cell in line] for line in lines]
    for part in PARTS:
        rows = [
            row
            for line, widths in zip(lines, natural, strict=True)
            for row in _broken(line, [max(int(part * one), NARROW) for one in widths], width)
        ]
        if sum(max(_natural_height(cell, shown) for cell in row) + GAP for row in rows) <= height + GAP:
            break
    return rows


def _broken(cells: Sequence[Cell], widths: Sequence[int], width: int) -> list[list[Cell]]:
    """Return the cells of a line in rows of about the same length, as few as have room at these widths."""
    for rows in range(1, len(cells) + 1):
        each = -(-len(cells) // rows)
        starts = range(0, len(cells), each)
        if all(sum(widths[i : i + each]) + GAP * (each - 1) <= width for i in starts):
            break
    return [list(cells[start : start + each]) for start in starts]


def _widths(
    rows: Sequence[Sequence[Cell]], shown: Sequence[Shown], heads: Sequence[int], width: int
) -> list[list[int]]:
    """Return how wide the cells of each row are: alike in rows of as many cells, so that they stand in columns."""
    wanted = [[_natural_width(cell, shown, heads) for cell in row] for row in rows]
    alike = {
        length: [max(column) for column in zip(*(row for row in wanted if len(row) == length), strict=True)]
        for length in {len(row) for row in wanted}
    }
    return [_shared_out(alike[len(row)], width - GAP * (len(row) - 1)) for row in wanted]


def _natural_width(cell: Cell, shown: Sequence[Shown], heads: Sequence[int]) -> int:
    """Return how wide a cell would like to be."""
    return max(max(min(CELL * len(shown[k].columns) + HEADS, WIDEST), heads[k], NARROW) for k in cell)


def _shared_out(wanted: Sequence[int], width: int) -> list[int]:
    """Return the widths of cells: what they like, or so that what is missing is missing in the widest."""
    found = _poured(wanted, width)
    spare = width - sum(found)
    return [one + spare * want // sum(wanted) for one, want in zip(found, wanted, strict=True)]


def _poured(wanted: Sequence[int], room: int, least: Sequence[int] | None = None) -> list[int]:
    """Return how much each gets of a room: what it wants, as far as there is enough for all others to get as much."""
    found, left = [0] * len(wanted), room
    for done, i in enumerate(sorted(range(len(wanted)), key=lambda i: wanted[i])):
        found[i] = max(min(wanted[i], left // (len(wanted) - done)), least[i] if least else 0)
        left -= found[i]
    return found


def _heights(rows: Sequence[Sequence[Cell]], shown: Sequence[Shown], height: int) -> list[int]:
    """Return how high the rows are: as high as they like, or so that what is missing is missing in the highest."""
    wanted = [max(_natural_height(cell, shown) for cell in row) for row in rows]
    least = [max(_least_height(cell, shown) for cell in row) for row in rows]
    return _poured(wanted, height, least)


def _natural_height(cell: Cell, shown: Sequence[Shown]) -> int:
    """Return how high a cell would like to be."""
    return sum(FLAT + 8 if _flat(shown[place]) else ROW * len(shown[place].rows) + WORDS for place in cell)


def _least_height(cell: Cell, shown: Sequence[Shown]) -> int:
    flats = sum(_flat(shown[place]) for place in cell)
    return flats * (FLAT + 8) + (LEAST_HEIGHT if flats < len(cell) else 0)
