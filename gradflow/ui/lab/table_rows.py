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
        if self.table is None or orientation is Qt.Orientation.Vertical or role != Qt.ItemDataRole.DisplayRole:
            return None
        return ["layer", *self.table.columns, *(heading for heading, _ in self.table.notes)][section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.table is None:
            return None
        row, column = index.row(), index.column() - 1
        value = self.table.values[row, column] if 0 <= column < len(self.table.columns) else 0.0
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column, float(value))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column >= len(self.table.columns) else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole:
            wrong = math.isinf(value) or self._text(row, column, float(value)) in WRONG
            return QColor(self.theme.error if wrong else self.theme.muted if column < 0 else self.theme.text)
        return None

    def _text(self, row: int, column: int, value: float) -> str:
        assert self.table is not None
        if column < 0:
            return self.table.rows[row]
        if column >= len(self.table.columns):
            return self.table.notes[column - len(self.table.columns)][1][row]
        return "–" if math.isnan(value) else spell(value)


class TableRows(QTableView):
    """Shows a `Table`, a row for each layer."""

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
