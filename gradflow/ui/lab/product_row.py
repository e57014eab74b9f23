"""A multiplication of matrices on screen: left · right = product, with the row and the column that meet in an entry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gradflow.sim.lab.chain_parts import Multiplication
from gradflow.sim.lab.chain_reading import MOST_SHOWN, Reading
from gradflow.sim.lab.points import Point
from gradflow.ui.lab.matrix import Matrix
from gradflow.ui.lab.matrix_paint import NUMBERED, TALLEST
from gradflow.ui.theme import Theme

Array = NDArray[np.float64]

FEWEST, AROUND = 4, 84
"""So many rows have room in any case, and the pixels above and below them."""

LEAST, NARROW = 120, 424
"""The least width of a matrix, and that below which there is room for the product only."""

READ, SHARE = 224, 0.25
"""The width in which a number can be read with all its digits, and how much of the row is given to that at most."""


class ProductRow(QWidget):
    """The matrix that is looked at, and where there is room, the two that it is the product of."""

    entry_clicked = Signal(int, int)
    """An entry of the product was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.product = Matrix(), Matrix(), Matrix()
        self.step: Multiplication | None = None
        self._signs = QLabel("·"), QLabel("=")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for part in (self.left, self._signs[0], self.right, self._signs[1], self.product):
            row.addWidget(part)
        for matrix in (self.left, self.right, self.product):
            # By their columns they share the room, not by what is written below them.
            matrix.setMinimumWidth(LEAST)
            matrix.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for sign in self._signs:
            sign.setObjectName("title")
            sign.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            # At the height of the first rows.
            sign.setContentsMargins(0, 48, 0, 0)
        self.row = row
        self._with_factors = True
        self._make_room()
        self.product.entry_clicked.connect(self.entry_clicked)

    def show_product(self, reading: Reading, step: Multiplication | None, entry: tuple[int, int] | None) -> None:
        """Show a matrix, the multiplication it comes from if there is one, and the entry that is unfolded."""
        self.step = step
        self._fill(self.product, reading.shown, reading.symbol, reading.shape, reading.rows, reading.columns)
        self.product.emphasize(entry=entry)
        if entry is not None:
            self.product.move_to(*entry)
        shares = [0, 0, min(reading.shown.shape[1], 64)]
        if step is not None:
            for place, (matrix, name, whole, ends) in enumerate(self._factors(step)):
                shown = whole[:MOST_SHOWN, :MOST_SHOWN]
                heads = (end.places[:MOST_SHOWN] for end in ends)
                self._fill(matrix, shown, name, f"({whole.shape[0]}, {whole.shape[1]})", *heads)
                shares[place] = min(shown.shape[1], 64)
            self.left.emphasize(row=entry[0] if entry else None)
            self.right.emphasize(column=entry[1] if entry else None)
        for place, share in zip((0, 2, 4), shares, strict=True):
            self.row.setStretch(place, max(share, 1))
        rows = max(len(values) for values in (reading.shown, *((step.left, step.right) if step else ())))
        self.setMaximumHeight(max(rows, FEWEST) * int(TALLEST) + AROUND)
        self._make_room()

    def _factors(self, step: Multiplication) -> list[tuple[Matrix, str, Array, tuple[Point, Point]]]:
        rows, columns = step.ends
        return [
            (self.left, step.names[0], step.left, (rows, step.between)),
            (self.right, step.names[1], step.right, (step.between, columns)),
        ]

    def _fill(
        self, matrix: Matrix, values: Array, symbol: str, shape: str, rows: Sequence[str], columns: Sequence[str]
    ) -> None:
        matrix.rename("", symbol)
        matrix.show_values(values, rows, columns, shape)
        grid = matrix.grid
        if 1 in values.shape and not grid.numbered:
            # A vector can be read, however long it is.
            grid.zoom(NUMBERED / grid.cell[0])
            grid.move_to(0, 0)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        for matrix in (self.left, self.right, self.product):
            matrix.retheme(theme)

    def minimumSizeHint(self) -> QSize:
        """Be content with the product alone, also while nobody sees how narrow it gets."""
        return QSize(LEAST, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the factors out where there is no room for them."""
        super().resizeEvent(event)
        for matrix in (self.left, self.right, self.product):
            matrix.setMinimumWidth(max(LEAST, min(READ, int(SHARE * self.width()))))
        self._make_room()

    def _make_room(self) -> None:
        shown = self.step is not None and self.width() >= NARROW
        if shown is not self._with_factors:
            self._with_factors = shown
            for part in (self.left, self.right, *self._signs):
                part.setVisible(shown)
            # At once: a picture does not wait for the layout's next turn.
            self.row.activate()
