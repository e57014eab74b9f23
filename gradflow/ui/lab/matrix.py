"""A matrix of numbers on screen: its symbol and shape, its cells in colour, and the entry that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.lab.entries import entry
from gradflow.sim.lab.numerals import full, longest
from gradflow.sim.lab.table import Table
from gradflow.ui.lab.elided_label import ElidedLabel
from gradflow.ui.lab.matrix_grid import ZOOM_STEP, MatrixGrid
from gradflow.ui.lab.matrix_paint import Emphasis
from gradflow.ui.theme import Theme
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import ToolButton

ROOM_FOR_BUTTONS, BUTTONS, BESIDE, HEAD = 196, 56, 12, 18


class Matrix(QWidget):
    """A number table with coloured cells: below zero, zero, above zero, in a range of its own that is symmetric.

    Numbers are shown where cells are large enough, else colours only. The arrow keys move the cursor, whose full number
    stands below; Enter, Space or a click chooses an entry; + and − or Ctrl and the wheel zoom, 0 shows all of it.
    """

    entry_clicked = Signal(int, int)
    """The row and the column of an entry that was chosen."""

    def __init__(self, title: str = "", symbol: str = "") -> None:
        super().__init__()
        self.title, self.symbol, self._words = title, symbol, ""
        self.least_width = self.head_width = 0
        """How wide the line above the numbers must be for symbol and shape, and how wide for all of its words."""
        self._named: Callable[[int, int], str] | None = None
        self._read: tuple[str, float, int] | None = None
        self._measured: tuple[str, ...] = ()
        self._roomed: tuple[int, int, str] | None = None
        self._setup_ui()
        self._layout()

    def show_values(
        self,
        values: ArrayLike,
        rows: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        words: str | None = None,
        named: Callable[[int, int], str] | None = None,
    ) -> None:
        """Show a matrix; a vector is a row. Without names rows and columns are counted from 0.

        `words` are the shape as it is to be written, by default "(rows, columns)"; `named` says what an entry is
        called where that is not the symbol with its row and its column.
        """
        shown = np.atleast_2d(np.asarray(values, float))
        height, width = shown.shape
        self._named = named
        self._words = words if words is not None else f"({height}, {width})"
        self.grid.show_values(shown, rows or list(map(str, range(height))), columns or list(map(str, range(width))))
        self._say()

    def keep_square(self, square: bool) -> None:
        """Show a whole matrix with square cells, as images are, or fill the room there is."""
        self.grid.square = square

    def rename(self, title: str, symbol: str, sign: str = "") -> None:
        """Call it something else; `sign` is what stands between the matrix before it and this one."""
        if (title, symbol, sign) != (self.title, self.symbol, self._sign.text()):
            self.title, self.symbol = title, symbol
            self._sign.setText(sign)
            self._sign.setVisible(bool(sign))
            self._say()

    def emphasize(
        self,
        row: int | None = None,
        column: int | None = None,
        entry: tuple[int, int] | None = None,
        reveal: bool = True,
    ) -> None:
        """Frame a row, a column, an entry; nothing if none is given. What is framed comes into sight."""
        self.grid.emphasize(Emphasis(row, column, entry), reveal)

    def move_to(self, row: int, column: int, reveal: bool = True) -> None:
        """Put the cursor on an entry, and bring it into sight."""
        self.grid.move_to(row, column, reveal)

    @property
    def readout(self) -> str:
        """What is written below: the entry under the mouse or the cursor, with all its digits."""
        return self._readout.text()

    def table(self) -> Table:
        """Return the numbers, for a file."""
        title = " ".join(filter(None, (self.symbol, self._words, self.title)))
        return Table(title, tuple(self.grid.rows), tuple(self.grid.columns), self.grid.values)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.grid.retheme(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room words are worth more than the buttons: keys and wheel zoom as well."""
        super().resizeEvent(event)
        self._make_room()
        self._read_out()

    def _make_room(self) -> None:
        if (self.width(), self.least_width, self.title) == self._roomed:
            return
        self._roomed = self.width(), self.least_width, self.title
        room = self.width() >= max(self.head_width + 64, ROOM_FOR_BUTTONS)
        if room is self._buttons[0].isHidden():
            for button in self._buttons:
                button.setVisible(room)
        # Rather fewer words than half of one: what is left out is seen elsewhere, and in the tooltip.
        left = self.width() - self.least_width - BESIDE - (BUTTONS if room else 0)
        options = (self.title, self.title.partition(", ")[2])
        self._said.setText(next((words for words in options if self._said.advance(words) <= left), ""))
        self._said.setToolTip(self.title)

    def _measure(self) -> None:
        labels = (self._sign, self._name, self._shape, self._power)
        if (told := (self.title, *(label.text() for label in labels))) == self._measured:
            return
        self._measured = told
        for label in labels:
            # The style sheet has its say before anything is measured.
            label.ensurePolished()
        self.least_width = sum(label.sizeHint().width() + 4 for label in labels if label.text())
        self.head_width = self.least_width + self._said.advance(self.title) + 6
        self._make_room()

    def _setup_ui(self) -> None:
        self.grid = MatrixGrid()
        self._name, self._shape, self._said, self._readout = QLabel(), QLabel(), ElidedLabel(), ElidedLabel()
        self._power, self._sign = QLabel(), QLabel()
        self._name.setObjectName("title")
        for label in (self._shape, self._power):
            label.setObjectName("muted")
        self._buttons = []
        for words, tip, zoom in (
            ("−", "Smaller cells (−, Ctrl+wheel); 0 shows all of it", 1.0 / ZOOM_STEP),
            ("+", "Larger cells (+, Ctrl+wheel)", ZOOM_STEP),
        ):
            button = ToolButton()
            button.setObjectName("quiet")
            button.setText(words)
            button.setToolTip(tip)
            button.setAutoRepeat(True)
            button.setFixedSize(22, HEAD)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(weakly(self, lambda self, _=False, factor=zoom: self.grid.zoom(factor)))
            self._buttons.append(button)
        self.grid.clicked.connect(self.entry_clicked)
        self.grid.moved.connect(self._read_out)
        self.grid.zoomed.connect(self._say_power)

    def _layout(self) -> None:
        head = QHBoxLayout()
        # With buttons or without: the rows of neighbours stand side by side.
        head.addStrut(HEAD)
        head.setSpacing(4)
        for label in (self._sign, self._name, self._shape):
            head.addWidget(label)
        head.addWidget(self._said, 1)
        head.addWidget(self._power)
        for button in self._buttons:
            head.addWidget(button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addLayout(head)
        box.addWidget(self.grid, 1)
        box.addWidget(self._readout)

    def _say(self) -> None:
        self._name.setText(self.symbol)
        self._shape.setText(self._words)
        self.grid.setAccessibleName(" ".join(filter(None, (self.symbol, self._words, self.title))))
        self._say_power()
        self._measure()
        self._read_out()

    def _say_power(self) -> None:
        """Say what the numbers in narrow cells are to be multiplied by."""
        grid = self.grid
        narrow = grid.numbered and not grid.wide
        words = grid.notation.words if narrow else ""
        if words != self._power.text():
            self._power.setText(words)
            self._measure()

    def _read_out(self) -> None:
        """Write the entry that is looked at with all its digits, and tell it to a screen reader."""
        grid = self.grid
        if not grid.values.size:
            self._readout.setText("")
            self._read = None
            return
        row, column = grid.under_mouse or grid.here
        value = float(grid.values[row, column])
        # A vector has one row or column without a name, a number both.
        name = self._named(row, column) if self._named else entry(self.symbol, grid.rows[row], grid.columns[column])
        if (name, value, self.width()) == self._read:
            return
        self._read = name, value, self.width()
        # By its own width: the line below may not yet have the one that it gets.
        told = longest(value, lambda number: self._readout.advance(f"{name} {number}") <= self.width())
        self._readout.setText(f"{name} {told}")
        self._readout.setToolTip(f"{name} = {full(value)}")
        grid.setAccessibleDescription(f"{name} = {full(value)}")
