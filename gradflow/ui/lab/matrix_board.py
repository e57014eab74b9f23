"""Several matrices side by side: in as many rows as there is room for, each as wide as it needs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from gradflow.sim.lab.station import Shown
from gradflow.sim.lab.unfolding import Uses
from gradflow.ui.lab.matrix import Matrix
from gradflow.ui.theme import LIGHT, Theme
from gradflow.ui.weak import weakly

GAP = 16
FLAT = 96
"""How high a matrix of one row is, with its words."""
FLATS = 3
"""How many of these stand above each other at most."""
LEAST_WIDTH, NARROW, ROOMY, LEAST_HEIGHT = 152, 160, 190, 150
CELL, HEADS = 40, 56
LINE, WORDS = 20, 76
"""How high a row of numbers is, and what stands above and below them."""


class MatrixBoard(QScrollArea):
    """The matrices of a station; tells which entry was chosen."""

    entry_clicked = Signal(str, int, int)
    """The symbol of a matrix, and the row and the column of an entry."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.shown: Sequence[Shown] = ()
        self._all: list[Matrix] = []
        self._sheet = QWidget()
        self.setWidget(self._sheet)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(160, 100)

    @property
    def matrices(self) -> Sequence[Matrix]:
        """The tables on screen, in the order of what is shown."""
        return self._all[: len(self.shown)]

    def show_matrices(self, shown: Sequence[Shown]) -> None:
        """Show these."""
        self.shown = shown
        while len(self._all) < len(shown):
            self._add()
        for matrix, one in zip(self._all, shown, strict=False):
            matrix.rename(one.title, one.symbol, one.sign)
            matrix.keep_square(one.channel is not None)
            matrix.show_values(one.values, one.rows, one.columns, one.shape)
            matrix.emphasize()
        for place, matrix in enumerate(self._all):
            matrix.setVisible(place < len(shown))
        self._arrange()

    def mark(self, symbol: str, entry: tuple[int, int], uses: Uses) -> None:
        """Frame an entry, and what it is made of in the other matrices."""
        for matrix, one in zip(self._all, self.shown, strict=False):
            row, column = one.framed(uses)
            if one.symbol == symbol:
                matrix.move_to(*entry)
                matrix.emphasize(entry=entry)
                self.ensureWidgetVisible(matrix, 0, 0)
            elif row is not None and column is not None:
                matrix.emphasize(entry=(row, column))
            else:
                matrix.emphasize(row, column)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        for matrix in self._all:
            matrix.retheme(theme)

    def resizeEvent(self, event: QEvent) -> None:
        """Arrange for the new size."""
        self._arrange()

    def _add(self) -> None:
        matrix = Matrix()
        matrix.setParent(self._sheet)
        matrix.retheme(self.theme)
        place = len(self._all)
        matrix.entry_clicked.connect(
            weakly(self, lambda self, row, column: self.entry_clicked.emit(self.shown[place].symbol, row, column))
        )
        self._all.append(matrix)

    # Where they stand.

    def _arrange(self) -> None:
        width, height = self.viewport().width(), self.viewport().height()
        rows = _rows(_cells(self.shown), self.shown, width)
        if not rows:
            return
        high = (height - GAP * (len(rows) - 1)) // len(rows)
        y = 0
        for row in rows:
            wanted = min(high, max(_natural_height(cell, self.shown) for cell in row))
            tall = max(wanted, *(_least_height(cell, self.shown) for cell in row))
            self._place_row(row, QRect(0, y, width, tall))
            y += tall + GAP
        self._sheet.resize(width, y - GAP)

    def _place_row(self, row: Sequence[Sequence[int]], room: QRect) -> None:
        widths = _shared_out(row, self.shown, room.width() - GAP * (len(row) - 1))
        x = room.left()
        for cell, width in zip(row, widths, strict=True):
            y, flats = room.top(), [place for place in cell if _flat(self.shown[place])]
            for place in cell:
                flat = place in flats
                spare = room.height() - (FLAT + 8) * len(flats)
                high = FLAT if flat else min(spare, _natural_height([place], self.shown))
                self._all[place].setGeometry(x, y, width, high)
                y += high + 8
            x += width + GAP


def _flat(shown: Shown) -> bool:
    return len(shown.rows) == 1


def _least_height(cell: Sequence[int], shown: Sequence[Shown]) -> int:
    flats = sum(_flat(shown[place]) for place in cell)
    return flats * (FLAT + 8) + (LEAST_HEIGHT if flats < len(cell) else 0)


def _enough(width: int) -> int:
    """Return how wide a cell must be, however much there is in it."""
    return ROOMY if width >= 4 * ROOMY else NARROW


def _natural_height(cell: Sequence[int], shown: Sequence[Shown]) -> int:
    """Return how high a cell would like to be."""
    return sum(FLAT + 8 if _flat(shown[place]) else LINE * len(shown[place].rows) + WORDS for place in cell)


def _natural(cell: Sequence[int], shown: Sequence[Shown]) -> int:
    """Return how wide a cell would like to be."""
    widest = max(CELL * len(shown[place].columns) + HEADS for place in cell)
    return min(max(widest, LEAST_WIDTH), 2 * ROOMY)


def _shared_out(row: Sequence[Sequence[int]], shown: Sequence[Shown], width: int) -> list[int]:
    """Return how wide the cells of a row are: what they need, and of what is left the more the more they show."""
    natural = [_natural(cell, shown) for cell in row]
    least = [min(one, _enough(width)) for one in natural]
    spare, wanted = width - sum(least), [a - b for a, b in zip(natural, least, strict=True)]
    parts = wanted if any(wanted) and spare > 0 else least
    return [one + int(spare * part / sum(parts)) for one, part in zip(least, parts, strict=True)]


def _cells(shown: Sequence[Shown]) -> list[list[int]]:
    """Return which matrices stand above each other: one-row ones below the one they belong to, or among themselves."""
    cells: list[list[int]] = []
    for place, one in enumerate(shown):
        last = cells[-1] if cells else []
        full = [k for k in last if not _flat(shown[k])]
        if last and _flat(one) and len(last) < (2 if full else FLATS):
            last.append(place)
        else:
            cells.append([place])
    return cells


def _rows(cells: Sequence[list[int]], shown: Sequence[Shown], width: int) -> list[list[list[int]]]:
    """Return the cells in rows of about the same width, as few as fit."""
    least = [min(_natural(cell, shown), _enough(width)) + GAP for cell in cells]
    count = max(1, -(-sum(least) // max(width + GAP, 1)))
    even, used = sum(least) / count, 0.0
    rows: list[list[list[int]]] = [[]]
    for cell, needed in zip(cells, least, strict=True):
        full, enough = used + needed > width + GAP, used + 0.5 * needed > even
        if rows[-1] and (full or (enough and len(rows) < count)):
            rows.append([])
            used = 0.0
        rows[-1].append(cell)
        used += needed
    return rows if cells else []
