"""Formulas with numbers put in, beside the number that backprop has."""

from __future__ import annotations

import html
import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea

from gradflow.sim.lab.neuron_words import Explanation, Line
from gradflow.sim.lab.numerals import full, short
from gradflow.ui.theme import LIGHT, Theme

UNLIMITED = 2**24 - 1


class ExplanationPane(QScrollArea):
    """Shows an explanation; scrolls where it is longer than its place."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.explanation: Explanation | None = None
        self._tall = False
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.words.setWordWrap(True)
        # Where there is a scroll bar, it must not lie on the text.
        self.words.setContentsMargins(0, 0, 10, 0)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setWidget(self.words)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Formulas")

    def explain(self, explanation: Explanation | None) -> None:
        """Show this from now on."""
        self.explanation = explanation
        self._write()

    def keep_tall(self, tall: bool) -> None:
        """Take all the height there is, or no more than the words need."""
        self._tall = tall
        self._fit()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self._write()

    def _write(self) -> None:
        found = self.explanation
        if found is None:
            self.words.setText("")
            return
        lines = "".join(self._line(line) for line in found.lines)
        remark = f"<p style='color:{self.theme.muted}; margin:4px 0 0 0'>{html.escape(found.remark)}</p>"
        self.words.setText(f"<b>{_unbroken(found.heading)}</b>{lines}{remark if found.remark else ''}")
        self.words.setToolTip(found.tip)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take no more room than the words need."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        needed = max(self.words.heightForWidth(max(self.viewport().width(), 1)) + 4, 24)
        self.setMaximumHeight(UNLIMITED if self._tall else needed)

    def _line(self, line: Line) -> str:
        parts = [part for part in (line.symbols, line.numbers) if part]
        # Symbols are paler than the numbers that are put in.
        symbols = len([part for part in (line.of, line.symbols) if part])
        written = [_unbroken(part) for part in (line.of, *parts)]
        muted = f"<span style='color:{self.theme.muted}'>{' = '.join(written[:symbols])}</span>"
        numbers = " = ".join([*written[symbols:], f"<b>{short(line.value, 4)}</b>"])
        words = f"<p style='margin:4px 0 0 0'>{muted} = {numbers}"
        if not math.isnan(line.backprop):
            words += (
                f"<br><span style='color:{self.theme.good if line.agrees else self.theme.error}'>"
                f"backprop: {full(line.backprop)} ({line.agreement})</span>"
            )
        return words + "</p>"


def _unbroken(words: str) -> str:
    """Return words in which no line ends within a name, as in x[0, 5, 0], ∂L/∂x or φ′(z)."""
    return html.escape(words).replace(", ", ",&nbsp;").replace("/∂", "/&#8288;∂").replace("′(", "′&#8288;(")
