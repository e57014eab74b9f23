"""A small table of numbers that can be scrolled: a row for each layer."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QTableView

from gradflow.sim.lab.table import Table
from gradflow.sim.words import spell
from gradflow.ui.theme import LIGHT, Theme

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()
WRONG = ("WRONG", "not finite")
"""Verdicts in the colour of errors."""


class _Model(QAbstractTableModel):
    """A table, as Qt asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Table | None = None
        self.theme: Theme = LIGHT

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return len(self.table.rows) if self.table and not parent.isValid() else 0

    def columnCount(self, parent: Index = NOWHERE) -> int:
        if self.table is None or parent.isValid():
            return 0
        return 1 + len(self.table.columns) + len(self.table.notes)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.table is None or orientation is Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(section)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return ["layer", *(heading for heading, _ in self.table.notes), *self.table.columns][section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.table is None:
            return None
        words = [self.table.rows, *(entries for _, entries in self.table.notes)]
        row, column = index.row(), index.column() - len(words)
        value = float(self.table.values[row, column]) if column >= 0 else 0.0
        text = words[column][row] if column < 0 else "–" if math.isnan(value) else spell(value)
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(index.column())
        if role == Qt.ItemDataRole.ForegroundRole:
            wrong = math.isinf(value) or text in WRONG
            return QColor(self.theme.error if wrong else self.theme.text if index.column() else self.theme.muted)
        return None

    def _side(self, section: int) -> Qt.AlignmentFlag:
        words = self.table is not None and 0 < section <= len(self.table.notes)
        return (Qt.AlignmentFlag.AlignLeft if words else Qt.AlignmentFlag.AlignRight) | Qt.AlignmentFlag.AlignVCenter


class TableRows(QTableView):
    """Shows a `Table`, a row for each layer; words come before the numbers, so that they are never what is cut off."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._model = _Model()
        self.setModel(self._model)
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setSelectionMode(QTableView.SelectionMode.NoSelection)
        # Tab goes on to the next control, not from cell to cell.
        self.setTabKeyNavigation(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(20)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        # To look at thousands of rows takes too long.
        header.setResizeContentsPrecision(40)
        header.setHighlightSections(False)

    @property
    def table(self) -> Table | None:
        """What is shown."""
        return self._model.table

    def show_table(self, table: Table | None) -> None:
        """Show a table, or none; one that has only grown stays where it is scrolled to."""
        model, before = self._model, self._model.rowCount()
        known = table is not None and model.table is not None and table.columns == model.table.columns
        if table is not None and known and 0 < before <= len(table.rows):
            if before < len(table.rows):
                model.beginInsertRows(NOWHERE, before, len(table.rows) - 1)
                model.table = table
                model.endInsertRows()
            model.table = table
            model.dataChanged.emit(model.index(0, 0), model.index(before - 1, model.columnCount() - 1))
            return
        model.beginResetModel()
        model.table = table
        model.endResetModel()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self._model.theme = theme
        self.viewport().update()
