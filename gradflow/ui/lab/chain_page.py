"""A chain on screen: its factors, the matrix that is looked at with its equation, its numbers, and an entry's sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gradflow.sim.lab.chain import WHOLE, Chain, Direction
from gradflow.sim.lab.chain_glance import FACTOR, POINT, PRODUCT, Glance
from gradflow.sim.lab.chain_reading import Reading
from gradflow.sim.lab.jacobian_answers import Answer
from gradflow.ui.lab.elided_label import ElidedLabel
from gradflow.ui.lab.factor_strip import FactorStrip, Standing
from gradflow.ui.lab.jacobian_facts import JacobianFacts
from gradflow.ui.lab.product_row import ProductRow
from gradflow.ui.lab.sum_panel import SumPanel
from gradflow.ui.pictured import HINT
from gradflow.ui.theme import Theme
from gradflow.ui.weak import weakly

UNFOLD = "; click an entry for its sum"

LOW = 420
"""Below this height there is no room for a matrix and a sum."""


class ChainPage(QWidget):
    """Shows an answer as somebody looks at it; tells where else somebody wants to look."""

    looked = Signal(dict)
    """What of a glance is to change."""

    def __init__(self) -> None:
        super().__init__()
        self.strip, self.matrices, self.facts, self.sum = FactorStrip(), ProductRow(), JacobianFacts(), SumPanel()
        self.equation, self.shapes, self.words = ElidedLabel(plain=True), ElidedLabel(), ElidedLabel()
        self.words.setProperty(HINT, UNFOLD)
        self.reading: Reading | None = None
        self._unfolds = False
        self._lay_out()
        strip = self.strip
        strip.factor_chosen.connect(weakly(self, lambda self, place: self._want(what=FACTOR, place=place)))
        strip.point_chosen.connect(weakly(self, lambda self, place: self._want(what=POINT, place=place)))
        strip.left.connect(weakly(self, lambda self: self._want(what=PRODUCT)))
        self.matrices.entry_clicked.connect(self._unfold)
        self.sum.closed.connect(weakly(self, lambda self: self._want()))

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(16)
        line.addWidget(self.equation)
        line.addWidget(self.shapes, 1)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.matrices, 1)
        left.addWidget(self.sum)
        left.addStretch(0)
        below = QHBoxLayout()
        below.setSpacing(16)
        below.addLayout(left, 3)
        below.addWidget(self.facts, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.strip)
        box.addLayout(line)
        box.addWidget(self.words)
        box.addLayout(below, 1)

    def _want(self, **changes: Any) -> None:
        self.looked.emit({"entry": None, **changes})

    def _unfold(self, row: int, column: int) -> None:
        if self._unfolds:
            self._want(entry=(row, column))

    def show_chain(self, answer: Answer, glance: Glance, colors: Sequence[QColor]) -> None:
        """Show a chain and what of it is looked at."""
        chain, reading = answer.chain, glance.read(answer)
        if chain is None or reading is None:
            return
        self.reading, self._unfolds = reading, glance.what == PRODUCT
        self.strip.show_factors(chain.factors, glance.convention, colors)
        self.strip.stand_out(_standing(chain, glance))
        self.equation.setText(reading.formula)
        self.shapes.setText(reading.shapes)
        step = glance.step(chain)
        hint = UNFOLD if step and glance.entry is None else ""
        self.words.setText(reading.words + hint)
        self.matrices.show_product(reading, step, glance.entry)
        self.sum.show_sum(glance.sum(chain))
        self._make_room()
        self.facts.show_cost(chain)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what has no room."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Let a sum stand in the matrix's place where there is no room for both; Esc brings the matrix back."""
        self.matrices.setVisible(self.height() >= LOW or self.sum.isHidden())

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        for part in (self.strip, self.matrices, self.facts, self.sum):
            part.retheme(theme)


def _standing(chain: Chain, glance: Glance) -> Standing:
    span = chain.span(glance.taken, glance.direction)
    fresh = -1
    if glance.taken != WHOLE:
        fresh = span.stop - 1 if glance.direction is Direction.FORWARD else span.start
    multiplied = range(span.start, span.stop) if glance.taken != WHOLE else range(0)
    shown = -1 if glance.what == PRODUCT else glance.place
    return Standing(multiplied, fresh, shown, glance.what == POINT)
