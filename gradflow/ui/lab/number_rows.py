"""Numbers to be compared, one below the other: the digits that differ from the first are marked."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gradflow.sim.lab.digits import written_alike
from gradflow.sim.words import spell
from gradflow.ui.theme import LIGHT, Theme


@dataclass(frozen=True)
class NumberRow:
    """One number: what it is, how it is got, and the colour of its mark in the plot ("" for none).

    A number of None is not known yet. `note` is said beside it in place of its error.
    """

    name: str
    formula: str
    value: float | None
    color: str = ""
    note: str = ""


class NumberRows(QWidget):
    """A few numbers in aligned digits; the first is the one that the others are held against."""

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(3, 1)
        self._labels: list[list[QLabel]] = []
        self._rows: Sequence[NumberRow] = ()

    def show_rows(self, rows: Sequence[NumberRow]) -> None:
        """Show these."""
        self._rows = rows
        while len(self._labels) < len(rows):
            self._labels.append(self._line(len(self._labels)))
        exact = rows[0].value if rows else None
        for i, labels in enumerate(self._labels):
            texts = self._texts(rows[i], exact, i == 0) if i < len(rows) else ("", "", "", "")
            for label, text in zip(labels, texts, strict=True):
                label.setText(text)
                label.setVisible(i < len(rows))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.show_rows(self._rows)

    def text(self) -> str:
        """Return what stands here, as plain text."""
        return "\n".join(" ".join(filter(None, (row.name, row.formula, self._plain(row)))) for row in self._rows)

    def _plain(self, row: NumberRow) -> str:
        exact = self._rows[0].value
        if row.value is None or exact is None:
            return "…"
        return "".join(written_alike(exact, row.value)[1:])

    def _line(self, number: int) -> list[QLabel]:
        labels = []
        for column in range(4):
            label = QLabel()
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            if column in (1, 3):
                label.setObjectName("muted")
                label.setMinimumWidth(1)
            self._grid.addWidget(label, number, column)
            labels.append(label)
        return labels

    def _texts(self, row: NumberRow, exact: float | None, first: bool) -> tuple[str, str, str, str]:
        mark = f'<span style="color:{row.color}">●</span> ' if row.color else ""
        name, formula = f"{mark}{html.escape(row.name)}", html.escape(row.formula)
        if row.value is None or exact is None:
            return name, formula, "…", html.escape(row.note)
        whole, same, other, tail = written_alike(exact, row.value)
        if first:
            return name, formula, f"<b>{whole}{tail}</b>", html.escape(row.note)
        number = f'<b>{same}</b><span style="color:{self.theme.error}">{other}</span>{tail}'
        off = abs(row.value - exact)
        return name, formula, number, html.escape(row.note or (f"off by {spell(off)}" if math.isfinite(off) else ""))
