"""Where the matrices of a board stand: line by line, one-row ones below the one they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from PySide6.QtCore import QRect

from gradflow.sim.lab.station import Line, Shown

GAP, CLOSE = 16, 8
"""What is between two matrices of a line, and between one and what stands below it."""
FLAT = 96
"""How high a matrix of one row is, with its words."""
BELOW = 2
"""So many of these stand below another matrix at most."""
NARROW, WIDEST, LEAST_HEIGHT = 152, 380, 150
CELL, HEADS = 40, 56
ROWS, WORDS = (28, 24, 20), 76
"""How high a row of numbers is, the lower the more there are, and what stands above and below them."""
PARTS = (1.0, 0.85, 0.7, 0.55, 0.0)
"""How much of the width that they like cells are given: the less, the fewer rows there are."""


@dataclass(frozen=True)
class Cell:
    """Matrices above each other, by their places on the board; how large they must be, and how large they would be."""

    places: tuple[int, ...]
    flats: int
    least: tuple[int, int]
    wanted: tuple[int, int]


Row = Sequence[Cell]


def placed(lines: Sequence[Line], heads: Sequence[tuple[int, int]], width: int, height: int) -> tuple[list[QRect], int]:
    """Return where each matrix stands in a room of this size, and how high a row of numbers is.

    `heads` are the widths that what is written above each must have, and would have. The room may be too low for all.
    """
    for row in ROWS:
        places, whole = _placed(lines, heads, width, height, row)
        if whole:
            break
    return places, row


def _placed(
    lines: Sequence[Line], heads: Sequence[tuple[int, int]], width: int, height: int, line_height: int
) -> tuple[list[QRect], bool]:
    """Return where each matrix stands with rows of this height, and whether all of them are as high as they like."""
    numbers, shown = count(), [one for line in lines for one in line]
    cells = [
        [_cell(places, shown, heads, line_height) for places in _stacked([next(numbers) for _ in line], shown)]
        for line in lines
    ]
    rows, widths, heights = _best(cells, width, height)
    found, top = [QRect()] * len(shown), 0
    for row, row_widths, tall in zip(rows, widths, heights, strict=True):
        left = 0
        for cell, wide in zip(row, row_widths, strict=True):
            y, spare = top, tall - (FLAT + CLOSE) * cell.flats
            for place in cell.places:
                high = FLAT if _flat(shown[place]) else min(spare, line_height * len(shown[place].rows) + WORDS)
                found[place] = QRect(left, y, wide, high)
                y += high + CLOSE
            left += wide + GAP
        top += tall + GAP
    whole = all(tall >= cell.wanted[1] for row, tall in zip(rows, heights, strict=True) for cell in row)
    return found, whole and top - GAP <= height


def _flat(shown: Shown) -> bool:
    return len(shown.rows) == 1


def _stacked(places: Sequence[int], shown: Sequence[Shown]) -> list[list[int]]:
    """Return which matrices of a line stand above each other: side by side where all have one row."""
    if all(_flat(shown[place]) for place in places):
        return [[place] for place in places]
    found: list[list[int]] = []
    for place in places:
        last = found[-1] if found else []
        # A factor, or what comes of a product, stands beside: below it would be read as part of another equation.
        sign = shown[place].sign
        below = _flat(shown[place]) and (sign.startswith("Σ") or not sign.endswith(("·", "=", "→", "∗")))
        if last and below and len(last) <= BELOW and not _flat(shown[last[0]]):
            last.append(place)
        else:
            found.append([place])
    return found


def _cell(places: Sequence[int], shown: Sequence[Shown], heads: Sequence[tuple[int, int]], line_height: int) -> Cell:
    flats = sum(_flat(shown[place]) for place in places)
    flat, rest = flats * (FLAT + CLOSE), flats < len(places)
    least = max(NARROW, *(heads[place][0] for place in places))
    wide = max(max(min(CELL * len(shown[place].columns) + HEADS, WIDEST), heads[place][1]) for place in places)
    high = line_height * len(shown[places[0]].rows) + WORDS if rest else 0
    return Cell(tuple(places), flats, (least, flat + LEAST_HEIGHT * rest), (max(wide, least), flat + high))


def _best(lines: Sequence[Row], width: int, height: int) -> tuple[list[Row], list[list[int]], list[int]]:
    """Return the cells in rows, with widths and heights: of all ways that fit the one in which most is seen."""
    best, most = None, -1
    for part in PARTS:
        rows = [row for line in lines for row in _broken(line, part, width)]
        widths, heights = _widths(rows, width), _heights(rows, height)
        seen = sum(
            (min(wide, cell.wanted[0]) - HEADS) * max(min(tall, cell.wanted[1]) - WORDS * len(cell.places), 0)
            for row, row_widths, tall in zip(rows, widths, heights, strict=True)
            for cell, wide in zip(row, row_widths, strict=True)
        )
        if sum(heights) + GAP * (len(rows) - 1) > height:
            # It must be scrolled: only where all others must be, too.
            seen = 0 if part else 1
        if seen > most:
            best, most = (rows, widths, heights), seen
    assert best is not None
    return best


def _broken(line: Row, part: float, width: int) -> list[Row]:
    """Return the cells of a line in rows of about the same length, as few as have room at a part of their widths."""
    widths = [max(int(part * cell.wanted[0]), cell.least[0]) for cell in line]
    for rows in range(1, len(line) + 1):
        each = -(-len(line) // rows)
        starts = range(0, len(line), each)
        if all(sum(widths[i : i + each]) + GAP * (each - 1) <= width for i in starts):
            break
    return [line[start : start + each] for start in starts]


def _widths(rows: Sequence[Row], width: int) -> list[list[int]]:
    """Return how wide the cells of each row are: alike in rows of as many cells, so that they stand in columns."""
    found = {}
    for length in {len(row) for row in rows}:
        columns = list(zip(*(row for row in rows if len(row) == length), strict=True))
        wanted = [max(cell.wanted[0] for cell in column) for column in columns]
        room = width - GAP * (length - 1)
        poured = _poured(wanted, room, [max(cell.least[0] for cell in column) for column in columns])
        spare = max(room - sum(poured), 0)
        found[length] = [one + spare * want // sum(wanted) for one, want in zip(poured, wanted, strict=True)]
        if sum(found[length]) > room:
            found[length] = [room // length] * length
    return [found[len(row)] for row in rows]


def _heights(rows: Sequence[Row], height: int) -> list[int]:
    """Return how high the rows are: as high as they like, or so that what is missing is missing in the highest."""
    wanted = [max(cell.wanted[1] for cell in row) for row in rows]
    least = [max(cell.least[1] for cell in row) for row in rows]
    return _poured(wanted, height - GAP * (len(rows) - 1), least)


def _poured(wanted: Sequence[int], room: int, least: Sequence[int]) -> list[int]:
    """Return how much each gets of a room: what it wants, as far as there is enough for all others to get as much."""
    found, left = [0] * len(wanted), room
    for done, i in enumerate(sorted(range(len(wanted)), key=lambda i: wanted[i])):
        found[i] = max(min(wanted[i], left // (len(wanted) - done)), least[i])
        left -= found[i]
    return found
