"""One entry unfolded: its formula, the numbers put in, and every term of its sum in a list."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gradflow.sim.lab.numerals import full, short, told
from gradflow.sim.lab.table import Table
from gradflow.sim.lab.unfolding import Unfolding
from gradflow.ui.lab.elided_label import ElidedLabel
from gradflow.ui.lab.small_words import small_words
from gradflow.ui.widgets import Choice

INSIDE = 6.0
"""How far words are from the edge of their cell."""
ORDERS = ("in order", "largest first")
LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
NAME, LEAST_NUMBER = 56, 62
"""How wide the names of the terms and the columns of numbers are at least."""
LINES = 3
"""So many lines of numbers are written above the list of all terms."""


class TermModel(QAbstractTableModel):
    """The terms of a sum as rows: what each is called, its factors, the term."""

    def __init__(self) -> None:
        super().__init__()
        self._unfolding: Unfolding | None = None
        self._order = np.zeros(0, np.intp)

    def show(self, unfolding: Unfolding | None, by_size: bool) -> None:
        """Show these terms, in their order or the largest first."""
        self.beginResetModel()
        self._unfolding = unfolding
        terms = unfolding.terms if unfolding is not None else None
        if terms is None:
            self._order = np.zeros(0, np.intp)
        elif by_size:
            self._order = np.argsort(-np.abs(np.nan_to_num(terms, nan=np.inf)), kind="stable")
        else:
            self._order = np.arange(len(terms))
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own
        """Return how many terms there are."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        """Return the name, the factors and the term."""
        return 0 if parent.isValid() or self._unfolding is None else len(self._unfolding.heads) + 2

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a number in short, and with all digits as its tooltip."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if index.column() else LEFT
        found, column = self._unfolding, index.column()
        told = role == Qt.ItemDataRole.DisplayRole or role == Qt.ItemDataRole.ToolTipRole
        if not told or found is None or found.terms is None or found.factors is None:
            return None
        row = int(self._order[index.row()])
        if column == 0:
            return found.names[row]
        value = float(found.terms[row] if column > len(found.heads) else found.factors[row, column - 1])
        return short(value) if role == Qt.ItemDataRole.DisplayRole else full(value)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what the columns are."""
        if self._unfolding is None or orientation is not Qt.Orientation.Horizontal:
            return None
        heads = ("", *self._unfolding.heads, "term")
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole) and section < len(heads):
            return heads[section]
        return None


class TermPen(QStyledItemDelegate):
    """Writes the terms: a style sheet takes three times as long, and a list is written at every step."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Write one number, or the name of a term."""
        text, place, palette = small_words(), option.rect, option.palette
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(place, palette.highlight())
        painter.setFont(text.font)
        painter.setPen((palette.highlightedText() if chosen else palette.text()).color())
        words = text.elided(index.data(), place.width() - 2.0 * INSIDE)
        middle = place.top() + 0.5 * place.height()
        if index.column():
            text.right(painter, place.right() + 1.0 - INSIDE, middle, words)
        else:
            text.left(painter, place.left() + INSIDE, middle, words)


class UnfoldingPanel(QWidget):
    """Where an entry comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.unfolding: Unfolding | None = None
        self._setup_ui()
        self._layout()

    def show_unfolding(self, unfolding: Unfolding) -> None:
        """Show another entry."""
        self.unfolding = unfolding
        self._title.setText(f"{unfolding.symbol} {told(unfolding.value, 6)}")
        self._value.setText(full(unfolding.value))
        self._formula.setText(unfolding.formula)
        self._write_numbers()
        self._remarks.setText("\n".join(unfolding.remarks))
        self._remarks.setVisible(bool(unfolding.remarks))
        self._list()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write as many terms as there is room for."""
        super().resizeEvent(event)
        self._write_numbers()

    def _write_numbers(self) -> None:
        found = self.unfolding
        if found is None:
            return
        room, metrics = 0.9 * LINES * (self.width() - 16), self._numbers.fontMetrics()
        numbers = found.fitting(lambda words: metrics.horizontalAdvance(words) <= room, found.in_numbers)
        self._numbers.setText(f"= {numbers}")
        self._numbers.setVisible(bool(numbers))

    @property
    def by_size(self) -> bool:
        """Whether the largest terms come first."""
        return self.order.currentIndex() == 1

    def sort(self, by_size: bool) -> None:
        """Put the largest terms first, or all in their order."""
        self.order.setCurrentIndex(int(by_size))

    @property
    def words(self) -> str:
        """The line below the terms: how many they are, and what they add up to."""
        return self._foot.text()

    def table(self) -> Table | None:
        """Return the terms, for a file; None where there are none."""
        found = self.unfolding
        if found is None or found.terms is None or found.factors is None:
            return None
        values = np.column_stack([found.factors, found.terms])
        heads = (*(head or "value" for head in found.heads), "term")
        return Table(f"{found.symbol} = {found.formula}", tuple(found.names), heads, values)

    def _setup_ui(self) -> None:
        self._title, self._formula, self._numbers, self._remarks = (QLabel() for _ in range(4))
        self._value, self._foot, self._count = ElidedLabel(), ElidedLabel(), ElidedLabel()
        self._title.setObjectName("title")
        self._formula.setObjectName("formula")
        self._remarks.setObjectName("muted")
        for label in (self._title, self._formula, self._numbers, self._remarks):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.order = Choice()
        self.order.addItems(ORDERS)
        self.order.setAccessibleName("Order of the terms")
        self.order.currentIndexChanged.connect(self._list)
        self.model, self.list = TermModel(), QTableView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(TermPen(self.list))
        self.list.setObjectName("terms")
        self.list.setAccessibleName("Terms of the sum")
        self.list.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.list.verticalHeader().hide()
        self.list.verticalHeader().setDefaultSectionSize(20)
        self.list.setShowGrid(False)
        self.list.setMinimumHeight(72)
        self.list.setWordWrap(False)
        self.list.setTabKeyNavigation(False)
        self.list.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.list.horizontalHeader().setHighlightSections(False)
        self.list.horizontalHeader().setMinimumSectionSize(NAME)

    def _layout(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 0, 0, 0)
        box.setSpacing(4)
        for widget in (self._title, self._value, self._formula, self._numbers, self._remarks):
            box.addWidget(widget)
        row = QHBoxLayout()
        row.addWidget(self._count, 1)
        row.addWidget(self.order)
        box.addLayout(row)
        box.addWidget(self.list, 1)
        box.addWidget(self._foot)
        box.addStretch(0)

    def _list(self) -> None:
        found = self.unfolding
        self.model.show(found, self.by_size)
        terms = found.terms if found is not None else None
        several = terms is not None and len(terms) > 1
        for part in (self._count, self._foot):
            part.setVisible(several)
        self.list.setVisible(several)
        self.order.setVisible(several)
        if found is None or terms is None:
            return
        header = self.list.horizontalHeader()
        longest = max((small_words().width(name) for name in (found.names[0], found.names[-1])), default=0.0)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        numbers = LEAST_NUMBER * (self.model.columnCount() - 1)
        header.resizeSection(0, min(round(1.15 * longest) + 20, max(self.list.viewport().width() - numbers, NAME)))
        self._count.setText(f"{len(terms)} terms")
        self._foot.setText(_sum_words(found))


def _sum_words(unfolding: Unfolding) -> str:
    """Say what the terms add up to, and how far that is from the entry: the engine rounds in another order."""
    total, value = unfolding.total, unfolding.value
    if total == value or (total != total and value != value):
        return f"Σ = {full(total)}"
    return f"Σ = {full(total)}, {short(abs(total - value), 1)} off"
