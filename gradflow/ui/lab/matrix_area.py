"""What of a matrix is seen: how large its cells are, how far it is scrolled, and where the cursor stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractScrollArea

from gradflow.ui.lab.matrix_cells import WIDE, Notation, places, reach
from gradflow.ui.lab.matrix_paint import HEAD, NUMBERED, TALLEST, Emphasis, has_numbers
from gradflow.ui.lab.small_words import small_words
from gradflow.ui.theme import LIGHT, Theme

Array = NDArray[np.float64]

WIDEST = 104.0
WIDEST_HEAD = 72.0
WIDEST_AT_FIRST = 72.0
BAR = 10.0
"""The room of a scroll bar."""
SCROLLED = 6.0
"""A matrix at most so many times larger than its room is shown in numbers, a larger one as a picture at first."""


class MatrixArea(QAbstractScrollArea):
    """A matrix that scrolls and zooms. Cells are as high as a line of text at most, and may be kept `square`."""

    moved = Signal()
    """The cursor stands elsewhere, or something else is under the mouse."""

    zoomed = Signal()
    """Cells have another size."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.values: Array = np.zeros((0, 0))
        self.rows: Sequence[str] = ()
        self.columns: Sequence[str] = ()
        self.notation = Notation()
        self.here = (0, 0)
        self.under_mouse: tuple[int, int] | None = None
        self.emphasis = Emphasis()
        self._places = places(self.values, 0.0)
        self.cell = NUMBERED, TALLEST
        self.square = False
        self.tallest = TALLEST
        """How high cells are at most."""
        self._head = HEAD
        self._automatic = True
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setAutoFillBackground(False)
        self.setMinimumSize(72, 46)

    # What is shown.

    def show_values(self, values: Array, rows: Sequence[str], columns: Sequence[str]) -> None:
        """Show these numbers; a matrix of the same shape stays scrolled and zoomed as it was."""
        same = values.shape == self.values.shape
        self.values, self.rows, self.columns = values, rows, columns
        limit = reach(values)
        self.notation, self._places = Notation.fit(limit), places(values, limit)
        self.emphasis = self.emphasis if same else Emphasis()
        self.under_mouse = None
        longest = sorted(set(rows), key=len)[-8:]
        self._head = min(max((small_words().width(name) + 8.0 for name in longest), default=HEAD), WIDEST_HEAD)
        if not same:
            self.here, self._automatic = (0, 0), True
        self.settle()
        self.zoomed.emit()

    def emphasize(self, emphasis: Emphasis, reveal: bool = True) -> None:
        """Let something stand out, and bring it into sight."""
        self.emphasis = emphasis
        if reveal:
            self.reveal(*(emphasis.entry or (emphasis.row, emphasis.column)))
        self.viewport().update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.viewport().update()

    @property
    def numbered(self) -> bool:
        """Whether cells show their numbers."""
        return has_numbers(self.cell)

    @property
    def wide(self) -> bool:
        """Whether every number stands for itself, without a power of ten for all."""
        return self.cell[0] >= WIDE

    def move_to(self, row: int, column: int, reveal: bool = True) -> None:
        """Put the cursor on an entry, and bring it into sight."""
        if self.values.size:
            rows, columns = self.values.shape
            self.here = min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)
            if reveal:
                self.reveal(*self.here)
            self.viewport().update()
            self.moved.emit()

    def fit(self) -> None:
        """Show all of the matrix, in numbers if there is room for them."""
        self._automatic = True
        self._set_cell(*self._whole())

    def zoom(self, factor: float, around: QPointF | None = None) -> None:
        """Make cells larger or smaller around a place, which stays where it is; the cursor if there is none."""
        if not self.values.size:
            return
        width, height = self.cell
        left, top = self.corner()
        spot = around or QPointF(left + (self.here[1] + 0.5) * width, top + (self.here[0] + 0.5) * height)
        row, column = (spot.y() - top) / height, (spot.x() - left) / width
        least = self._whole()
        self._automatic = False
        self._set_cell(max(width * factor, min(least[0], 4.0)), max(height * factor, min(least[1], 4.0)))
        width, height = self.cell
        self.horizontalScrollBar().setValue(round(column * width + self._head - spot.x()))
        self.verticalScrollBar().setValue(round(row * height + HEAD - spot.y()))

    def zoom_to_numbers(self, around: QPointF) -> None:
        """Make cells so large that they show their numbers."""
        self.zoom(max(NUMBERED / self.cell[0], self.tallest / self.cell[1]), around)

    def corner(self) -> tuple[float, float]:
        """Return where the first entry's upper left corner stands, in the viewport."""
        return self._head - self.horizontalScrollBar().value(), HEAD - self.verticalScrollBar().value()

    def rectangle(self, row: int, column: int) -> QRectF:
        """Return where an entry stands, in the viewport."""
        (left, top), (width, height) = self.corner(), self.cell
        return QRectF(left + column * width, top + row * height, width, height)

    def entry_at(self, spot: QPointF) -> tuple[int, int] | None:
        """Return the entry at a place of the viewport."""
        (left, top), (width, height) = self.corner(), self.cell
        row, column = int((spot.y() - top) // height), int((spot.x() - left) // width)
        inside = spot.x() >= self._head and spot.y() >= HEAD
        rows, columns = self.values.shape
        return (row, column) if inside and 0 <= row < rows and 0 <= column < columns else None

    def seen(self) -> tuple[range, range]:
        """Return the rows and columns that are seen as a whole, at least one of each."""
        (rows, columns), (across, down), (width, height) = self.values.shape, self._room(), self.cell
        first_row = -(-self.verticalScrollBar().value() // max(int(height), 1)) if height >= 1.0 else 0
        first_column = -(-self.horizontalScrollBar().value() // max(int(width), 1)) if width >= 1.0 else 0
        last_row = min(max(first_row + int(down / height + 0.01), first_row + 1), rows)
        last_column = min(max(first_column + int(across / width + 0.01), first_column + 1), columns)
        return range(min(first_row, rows - 1), last_row), range(min(first_column, columns - 1), last_column)

    def whole_part(self, room: QSize) -> tuple[QSize, list[str]]:
        """Return how much of a room whole cells fill, and how many rows and columns are left out."""
        (rows, columns), (width, height) = self.values.shape, self.cell
        for bar, side in ((self.horizontalScrollBar(), width), (self.verticalScrollBar(), height)):
            # From the beginning of a cell on, as far as it can be scrolled.
            bar.setValue(int(-(-bar.value() // side) * side))
        down = min(int((room.height() - HEAD) // height), rows)
        across = min(int((room.width() - self._head + 0.5) // width), columns)
        more = [
            f"{left} more {name}{'s' * (left != 1)}"
            for left, name in ((rows - down, "row"), (columns - across, "column"))
            if left
        ]
        size = QSize(round(self._head + across * width), round(HEAD + down * height))
        return size, [f"… {' and '.join(more)}", *(f"… {one}" for one in more), "…"]

    # Size and scrolling.

    def _room(self) -> tuple[float, float]:
        return max(self.viewport().width() - self._head, 8.0), max(self.viewport().height() - HEAD, 8.0)

    def _whole(self) -> tuple[float, float]:
        """Return the size of cells with which all of the matrix is seen."""
        rows, columns = max(self.values.shape[0], 1), max(self.values.shape[1], 1)
        wide = max(self.width() - self._head - BAR, 8.0) / columns
        tall = max(self.height() - HEAD - BAR, 8.0) / rows
        if self.square and wide < NUMBERED:
            wide = tall = min(wide, tall)
        return min(wide, WIDEST_AT_FIRST), min(tall, self.tallest)

    def _preferred(self) -> tuple[float, float]:
        """Return the size of cells at first sight: numbers, unless very much would be out of sight."""
        rows, columns = self.values.shape
        (across, down), (wide, _) = self._room(), self._whole()
        near = columns * NUMBERED <= SCROLLED * across and rows * self.tallest <= SCROLLED * down
        return (max(wide, NUMBERED), self.tallest) if near else self._whole()

    def settle(self) -> None:
        """Fit the cells into the room, unless somebody chose their size."""
        self._set_cell(*(self._preferred() if self._automatic else self.cell))

    def _set_cell(self, width: float, height: float) -> None:
        width, height = min(width, WIDEST), min(height, self.tallest)
        # Whole pixels where a part of one would be seen.
        self.cell = float(int(width)) if width >= 4.0 else width, float(int(height)) if height >= 4.0 else height
        (rows, columns), (across, down) = self.values.shape, self._room()
        for bar, length, room in (
            (self.horizontalScrollBar(), columns * self.cell[0], across),
            (self.verticalScrollBar(), rows * self.cell[1], down),
        ):
            bar.setRange(0, max(0, round(length - room + 0.49)))
            bar.setPageStep(max(int(room), 1))
            bar.setSingleStep(20)
        self.viewport().update()
        self.zoomed.emit()

    def reveal(self, row: int | None, column: int | None) -> None:
        """Bring a row, a column or an entry into sight."""
        (across, down), (width, height) = self._room(), self.cell
        for bar, place, length, room in (
            (self.horizontalScrollBar(), column, width, across),
            (self.verticalScrollBar(), row, height, down),
        ):
            if place is not None:
                start = place * length
                bar.setValue(round(min(max(bar.value(), start + length - room), start)))
