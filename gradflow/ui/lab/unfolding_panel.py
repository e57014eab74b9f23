"""One entry unfolded: its formula, the numbers put in, and every term of its sum in a list."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.lab.numerals import full, short, told
from gradflow.sim.lab.table import Table
from gradflow.sim.lab.unfolding import Unfolding
from gradflow.ui.lab.elided_label import ElidedLabel
from gradflow.ui.lab.term_list import TermList
from gradflow.ui.widgets import Choice

ORDERS = ("in order", "largest first")
LINES = 3
"""So many lines of numbers are written above the list of all terms."""


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
        if found is None or not found.numbers.size:
            return None
        heads = (*(head or "value" for head in found.heads), "term")
        return Table(f"{found.symbol} = {found.formula}", tuple(found.names), heads, found.numbers)

    def _setup_ui(self) -> None:
        self._title, self._formula, self._numbers, self._remarks, self._foot = (QLabel() for _ in range(5))
        self._value, self._count = ElidedLabel(), ElidedLabel()
        self._title.setObjectName("title")
        self._formula.setObjectName("formula")
        for label in (self._remarks, self._foot):
            label.setObjectName("muted")
        for label in (self._title, self._formula, self._numbers, self._remarks, self._foot):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.order = Choice()
        self.order.addItems(ORDERS)
        self.order.setAccessibleName("Order of the terms")
        self.order.currentIndexChanged.connect(self._list)
        self.list = TermList()

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
        terms = found.terms if found is not None else None
        several = terms is not None and len(terms) > 1
        for part in (self._count, self._foot):
            part.setVisible(several)
        self.list.setVisible(several)
        self.order.setVisible(several)
        # Only where it is seen does a list know its room.
        self.list.show_terms(found, self.by_size)
        if found is None or terms is None:
            return
        self._count.setText(f"{len(terms)} terms")
        self._foot.setText(_sum_words(found))


def _sum_words(unfolding: Unfolding) -> str:
    """Say what the terms add up to, and how far that is from the entry: the engine rounds in another order."""
    total, value = unfolding.total, unfolding.value
    if total == value or (total != total and value != value):
        return f"Σ = {full(total)}"
    return f"Σ = {full(total)}, {short(abs(total - value), 1)} off"
