"""What of a matrix is seen: how large its cells are, how far it is scrolled, and where the cursor stands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractScrollArea

from gradflow.ui.lab.matrix_cells import WIDE, Notation, places, reach
from gradflow.ui.lab.matrix_paint import HEAD, NUMBERED, TALLEST, Emphasis
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

Array = NDArray[np.float64]

WIDEST = 104.0
WIDEST_HEAD = 72.0
SCROLLED = 6.0
"""A matrix at most so many times larger than its room is shown in numbers, a larger one as a picture at first."""


class MatrixArea(QAbstractScrollArea):
    """A matrix that scrolls and zooms. Cells are as high as they are wide, up to the height of a line of text."""

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
        self.cursor = (0, 0)
        self.under_mouse: tuple[int, int] | None = None
        self.emphasis = Emphasis()
        self._places = places(self.values, 0.0)
        self._cell = NUMBERED
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
        metrics = QFontMetrics(font(SMALL_SIZE))
        longest = sorted(set(rows), key=len)[-8:]
        self._head = min(max((metrics.horizontalAdvance(name) + 8.0 for name in longest), default=HEAD), WIDEST_HEAD)
        if not same:
            self.cursor, self._automatic = (0, 0), True
        self._settle()
        self.zoomed.emit()

    def emphasize(self, emphasis: Emphasis) -> None:
        """Let something stand out."""
        self.emphasis = emphasis
        self.viewport().update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.viewport().update()

    @property
    def numbered(self) -> bool:
        """Whether cells show their numbers."""
        return self._cell >= NUMBERED

    @property
    def wide(self) -> bool:
        """Whether every number stands for itself, without a power of ten for all."""
        return self._cell >= WIDE

    @property
    def cell(self) -> tuple[float, float]:
        """The width and the height of a cell."""
        return self._cell, min(self._cell, TALLEST)

    def move_to(self, row: int, column: int) -> None:
        """Put the cursor on an entry, and bring it into sight."""
        if self.values.size:
            rows, columns = self.values.shape
            self.cursor = min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)
            self._bring_into_sight()
            self.viewport().update()
            self.moved.emit()

    def fit(self) -> None:
        """Show all of the matrix, in numbers if there is room for them."""
        self._automatic = True
        self._set_cell(self._whole())

    def zoom(self, factor: float, around: QPointF | None = None) -> None:
        """Make cells larger or smaller around a place, which stays where it is; the cursor if there is none."""
        if not self.values.size:
            return
        width, height = self.cell
        left, top = self.corner()
        spot = around or QPointF(left + (self.cursor[1] + 0.5) * width, top + (self.cursor[0] + 0.5) * height)
        row, column = (spot.y() - top) / height, (spot.x() - left) / width
        wanted = self._cell * factor
        if factor > 1.0 and self._cell < 4.0 <= wanted:
            wanted = max(wanted, 4.0)
        self._automatic = False
        self._set_cell(min(max(wanted, min(self._whole(), 4.0)), WIDEST))
        width, height = self.cell
        self.horizontalScrollBar().setValue(round(column * width + self._head - spot.x()))
        self.verticalScrollBar().setValue(round(row * height + HEAD - spot.y()))

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

    # Size and scrolling.

    def _room(self) -> tuple[float, float]:
        return max(self.viewport().width() - self._head, 8.0), max(self.viewport().height() - HEAD, 8.0)

    def _whole(self) -> float:
        """Return the width of cells with which all of the matrix is seen."""
        rows, columns = max(self.values.shape[0], 1), max(self.values.shape[1], 1)
        bar = 10.0
        across, down = (
            self.width() - self._head - bar,
            self.height() - HEAD - bar,
        )
        wide, tall = max(across, 8.0) / columns, max(down, 8.0) / rows
        found = wide if tall >= TALLEST else min(wide, tall)
        return min(float(int(found)) if found >= 4.0 else found, 72.0)

    def _preferred(self) -> float:
        """Return the width of cells at first sight: numbers, unless very much would be out of sight."""
        whole = self._whole()
        rows, columns = self.values.shape
        across, down = self._room()
        near = columns * NUMBERED <= SCROLLED * across and rows * TALLEST <= SCROLLED * down
        return max(whole, NUMBERED) if near else whole

    def _settle(self) -> None:
        self._set_cell(self._preferred() if self._automatic else self._cell)

    def _set_cell(self, width: float) -> None:
        self._cell = float(round(width)) if width >= 4.0 else width
        (rows, columns), (across, down) = self.values.shape, self._room()
        for bar, length, room in (
            (self.horizontalScrollBar(), columns * self.cell[0], across),
            (self.verticalScrollBar(), rows * self.cell[1], down),
        ):
            bar.setRange(0, max(0, round(length - room + 0.49)))
            bar.setPageStep(max(int(room), 1))
            bar.setSingleStep(max(int(min(self._cell, TALLEST)), 1))
        self.viewport().update()
        self.zoomed.emit()

    def _bring_into_sight(self) -> None:
        (across, down), (width, height) = self._room(), self.cell
        for bar, start, length, room in (
            (self.horizontalScrollBar(), self.cursor[1] * width, width, across),
            (self.verticalScrollBar(), self.cursor[0] * height, height, down),
        ):
            bar.setValue(round(min(max(bar.value(), start + length - room), start)))
