"""One entry of a product, unfolded: the chain rule's sum with both factors' numbers, term by term."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gradflow.sim.lab.chain_parts import Sum
from gradflow.ui.lab.elided_label import ElidedLabel
from gradflow.ui.lab.matrix_cells import WIDE
from gradflow.ui.lab.matrix_grid import MatrixGrid
from gradflow.ui.theme import Theme
from gradflow.ui.widgets import ToolButton

HEIGHT = 132


class SumPanel(QWidget):
    """The sum over r, one column for each r: both factors, their product, and the sum so far."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.formula, self.numbers, self.grid = ElidedLabel(plain=True), ElidedLabel(), MatrixGrid()
        close = ToolButton()
        close.setObjectName("quiet")
        close.setText("×")
        close.setToolTip("Close the sum (Esc)")
        close.setAccessibleName("Close the sum")
        close.clicked.connect(self.closed)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.formula)
        head.addWidget(self.numbers, 1)
        head.addWidget(close)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addLayout(head)
        box.addWidget(self.grid, 1)
        self.setFixedHeight(HEIGHT)
        self.hide()

    def show_sum(self, found: Sum | None) -> None:
        """Show a sum, or nothing."""
        self.setVisible(found is not None)
        if found is not None:
            table = found.table()
            self.formula.setText(found.formula)
            self.numbers.setText(found.numbers)
            self.grid.setAccessibleName(found.formula)
            self.grid.show_values(table.values.T.copy(), SHORT, table.rows)
            if not self.grid.wide:
                # Terms are there to be read, whatever their number; the grid would keep the middle where it is.
                self.grid.zoom(WIDE / self.grid.cell[0])
                self.grid.move_to(0, 0)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.grid.retheme(theme)


SHORT = ("1st factor", "2nd factor", "product", "sum so far")
"""What the formula's parts are called where there is little room."""
