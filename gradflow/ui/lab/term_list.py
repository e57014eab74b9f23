"""The terms of a sum as a list: what each is called, its factors, the term; on two lines where one is too short."""

from __future__ import annotations

import math
from functools import lru_cache
from heapq import nlargest
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QResizeEvent, QStaticText, QTextOption
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from gradflow.sim.lab.numerals import full, in_column, whole_columns, widest
from gradflow.sim.lab.unfolding import Unfolding
from gradflow.sim.words import with_power
from gradflow.ui.lab.small_words import small_words

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()

INSIDE = 4.0
"""How far words are from the edge of their cell."""
DIGITS = 3
"""So many significant digits a number has."""
LINE, HEAD = 20, 18
"""How high a line is, and one of the heads."""
LOOKED_AT = 8
"""So many names are measured, of those with most letters."""
LEFT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
RIGHT = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


class TermModel(QAbstractTableModel):
    """The terms of a sum as rows: what each is called, its factors, the term."""

    def __init__(self) -> None:
        super().__init__()
        self._unfolding: Unfolding | None = None
        self._order = np.zeros(0, np.intp)
        self._whole: list[bool] = []
        self.widths: list[float] = []
        """How wide the words of each column are."""

    def show(self, unfolding: Unfolding | None, by_size: bool) -> None:
        """Show these terms, in their order or the largest first."""
        self.beginResetModel()
        self._unfolding = unfolding
        self._whole = whole_columns(unfolding.numbers) if unfolding is not None else []
        terms = unfolding.terms if unfolding is not None else None
        if terms is None:
            self._order = np.zeros(0, np.intp)
        elif by_size:
            self._order = np.argsort(-np.abs(np.nan_to_num(terms, nan=np.inf)), kind="stable")
        else:
            self._order = np.arange(len(terms))
        self.widths = self._widths()
        self.endResetModel()

    def _widths(self) -> list[float]:
        """Return how wide each column's words are."""
        found = self._unfolding
        if found is None or found.terms is None or found.factors is None:
            return []
        room = small_words().room_for
        names = nlargest(LOOKED_AT, found.names, key=len)
        numbers = found.numbers
        widths = [max(room(self._told(v, i)) for v in widest(column)) for i, column in enumerate(numbers.T)]
        return [max(map(room, names), default=0.0), *widths]

    def _told(self, value: float, column: int) -> str:
        """Write a number as all of its column are written."""
        return with_power(*in_column(value, DIGITS, self._whole[column]))

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return how many terms there are."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return the name, the factors and the term."""
        return 0 if parent.isValid() or self._unfolding is None else len(self._unfolding.heads) + 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
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
        return self._told(value, column - 1) if role == Qt.ItemDataRole.DisplayRole else full(value)

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

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Write one number, or the name of a term; the names stand above the numbers where they have no column."""
        text, place, palette = small_words(), option.rect, option.palette
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(place, palette.highlight())
        painter.setFont(text.font)
        painter.setPen((palette.highlightedText() if chosen else palette.text()).color())
        middle = place.top() + 0.5 * place.height()
        if not index.column():
            text.left(painter, place.left() + INSIDE, middle, text.elided(index.data(), place.width() - 2.0 * INSIDE))
            return
        if place.height() > LINE:
            middle += 0.25 * place.height()
        text.right(painter, place.right() + 1.0 - INSIDE, middle, index.data())
        if place.height() > LINE:
            # Each cell writes its part of the name: any of them may be painted alone.
            table = self.parent()
            assert isinstance(table, TermList)
            painter.save()
            painter.setClipRect(place)
            if not chosen:
                painter.setPen(palette.placeholderText().color())
            name, left = index.sibling(index.row(), 0).data(), INSIDE - table.horizontalOffset()
            text.left(painter, left, place.top() + 0.25 * place.height(), name)
            painter.restore()


class TermHead(QHeaderView):
    """The heads of the columns, on as many lines as they need."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setHighlightSections(False)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(8)

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        """Write a head above its numbers."""
        text = self._written(logicalIndex, rect.width())
        painter.save()
        painter.setFont(small_words().font)
        painter.setPen(self.palette().placeholderText().color())
        painter.drawStaticText(rect.left() + int(INSIDE), rect.bottom() - 3 - int(text.size().height()), text)
        painter.setPen(QColor(self.palette().mid().color()))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.restore()

    def sizeHint(self) -> QSize:
        """Be as high as the highest head."""
        sections = [i for i in range(self.count()) if not self.isSectionHidden(i)]
        heights = [self._written(i, self.sectionSize(i)).size().height() for i in sections]
        return QSize(super().sizeHint().width(), max(int(max(heights, default=0.0)) + 5, HEAD))

    def _written(self, section: int, width: int) -> QStaticText:
        return _head(self.model().headerData(section, self.orientation()) or "" if self.model() else "", width)


@lru_cache(maxsize=256)
def _head(words: str, width: int) -> QStaticText:
    """Lay a head out; the same ones come again and again."""
    text, option = QStaticText(words), QTextOption(Qt.AlignmentFlag.AlignRight)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    text.setTextFormat(Qt.TextFormat.PlainText)
    text.setTextOption(option)
    text.setTextWidth(max(width - 2.0 * INSIDE, 1.0))
    text.prepare(font=small_words().font)
    return text


class TermList(QTableView):
    """All terms of a sum; what has no room even on two lines is scrolled to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.terms = TermModel()
        self.setHorizontalHeader(TermHead())
        self.setModel(self.terms)
        self.setItemDelegate(TermPen(self))
        self.setObjectName("terms")
        self.setAccessibleName("Terms of the sum")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(LINE)
        self.verticalHeader().setDefaultSectionSize(LINE)
        self.setShowGrid(False)
        self.setMinimumHeight(72)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)

    def show_terms(self, unfolding: Unfolding | None, by_size: bool) -> None:
        """Show these terms, in their order or the largest first."""
        self.terms.show(unfolding, by_size)
        self.fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share out the room."""
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Give every column what its words need and share the rest; names stand above where they have no room."""
        needed = [math.ceil(width + 2.0 * INSIDE) for width in self.terms.widths]
        if not needed:
            return
        head, room = self.horizontalHeader(), self.viewport().width()
        above = sum(needed) > room
        head.setSectionHidden(0, above)
        lines = 2 * LINE - 4 if above else LINE
        if lines != self.verticalHeader().defaultSectionSize():
            self.verticalHeader().setDefaultSectionSize(lines)
        numbers, used = range(1, len(needed)), 0 if above else needed[0]
        # Long heads first, then all alike; the name needs no more than it has.
        heads = [max(round(self._head_width(i)) - needed[i], 0) for i in numbers]
        spare = max(room - used - sum(needed[1:]), 0)
        share = min(spare / (sum(heads) or 1), 1.0)
        rest = max(spare - sum(heads), 0) // len(heads)
        head.resizeSection(0, needed[0])
        for i, missing in zip(numbers, heads, strict=True):
            head.resizeSection(i, needed[i] + int(share * missing) + rest)
        self.updateGeometries()

    def _head_width(self, column: int) -> float:
        words = self.terms.headerData(column, Qt.Orientation.Horizontal) or ""
        return small_words().room_for(words) + 2.0 * INSIDE + 1.0
