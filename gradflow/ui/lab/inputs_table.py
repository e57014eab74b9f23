"""The inputs of a program as a table: their values, whether they ask for a gradient, their .grad and a direction."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidgetItem

from gradflow.sim.lab.sandbox_rows import LeafRow
from gradflow.ui.lab.cards import is_bad
from gradflow.ui.theme import LIGHT, Theme
from gradflow.ui.widgets import Table

NAME, VALUE, ASKS, GRAD, DIRECTION = range(5)
KEYS = {VALUE: "value", DIRECTION: "direction"}
HEADINGS = ("Input", "Value", "∇", ".grad", "h")
TOOLTIPS = (
    "A name that the program reads and does not define",
    "A number, a vector [1, 2] or a matrix [[1, 2], [3, 4]]",
    "requires_grad: whether backward() leaves a gradient here",
    "What backward() has added up here",
    "The direction of forward mode, of the input's shape",
)


class InputsTable(Table):
    """The table; tells what a person types into it."""

    edited = Signal(str, int, str)
    """An input, a column, and the new text ("" for a leaf that asks no longer, "1" for one that does)."""

    def __init__(self) -> None:
        super().__init__()
        self.setColumnCount(len(HEADINGS))
        self.theme = LIGHT
        self.setAccessibleName("Inputs")
        self.setHorizontalHeaderLabels(HEADINGS)
        for column, words in enumerate(TOOLTIPS):
            item = self.horizontalHeaderItem(column)
            if item:
                item.setToolTip(words)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(ASKS, QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(24)
        self._rows: Sequence[LeafRow] = ()
        self._typed = False
        self.show_direction(False)
        self.itemChanged.connect(self._tell)
        self.cellClicked.connect(self._toggle)

    def show_direction(self, shown: bool) -> None:
        """Show or hide the column of the direction."""
        self.setColumnHidden(DIRECTION, not shown)

    def show_rows(self, rows: Sequence[LeafRow]) -> None:
        """Show these inputs."""
        if rows == self._rows and not self._typed:
            return
        self._rows, self._typed = rows, False
        self.blockSignals(True)
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            wrong = dict(row.wrong)
            for column, words in ((NAME, row.name), (VALUE, row.value), (GRAD, row.grad), (DIRECTION, row.direction)):
                item = self._item(number, column, column in (VALUE, DIRECTION))
                item.setText(words)
                item.setToolTip(wrong.get(KEYS.get(column, ""), words))
                bad = KEYS.get(column) in wrong or (column == GRAD and is_bad(words))
                item.setForeground(QColor(self.theme.error if bad else self.theme.text))
            box = self._item(number, ASKS, False)
            box.setText("✓" if row.asks else "–")
            box.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
            box.setToolTip(f"requires_grad={row.asks}: click or press Space to change it")
        self.blockSignals(False)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        rows, self._rows = self._rows, ()
        self.show_rows(rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Enter edit, too."""
        item = self.currentItem()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if item and item.column() == ASKS and (enter or event.key() == Qt.Key.Key_Space):
            self._toggle(item.row(), ASKS)
        elif item and enter and item.flags() & Qt.ItemFlag.ItemIsEditable:
            self.editItem(item)
        else:
            super().keyPressEvent(event)

    def _item(self, row: int, column: int, editable: bool) -> QTableWidgetItem:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self.setItem(row, column, item)
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if editable else flags)
        return item

    def _tell(self, item: QTableWidgetItem) -> None:
        # What was typed may have come to nothing.
        self._typed = True
        self.edited.emit(self._rows[item.row()].name, item.column(), item.text())

    def _toggle(self, row: int, column: int) -> None:
        if column == ASKS:
            self.edited.emit(self._rows[row].name, ASKS, "" if self._rows[row].asks else "1")
