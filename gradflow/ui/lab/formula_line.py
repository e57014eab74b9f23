"""Formulas side by side, each in one piece: lines break between them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.ui.theme import LIGHT, Theme, font

APART, MARGIN, LINE = 24, 8, 20


class FormulaLine(QWidget):
    """A few formulas on a raised ground, on as many lines as they need."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.formulas: Sequence[str] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(60)

    def show_formulas(self, formulas: Sequence[str]) -> None:
        """Show these."""
        self.formulas = tuple(formulas)
        self.setAccessibleName("; ".join(formulas))
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()

    def fit(self, width: int) -> None:
        """Be as high as the lines are at this width: known before anything is laid out, so that nothing jumps."""
        lines = [line for _, line, _ in self._placed(width)]
        self.setFixedHeight(LINE * (1 + max(lines, default=0)) + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write the formulas."""
        metrics = QFontMetrics(font())
        with QPainter(self) as painter:
            painter.setFont(font())
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.theme.raised))
            painter.drawRoundedRect(QRectF(self.rect()), 4.0, 4.0)
            painter.setPen(QColor(self.theme.text))
            for x, line, words in self._placed(self.width()):
                base = 2 + LINE * line + (LINE + metrics.ascent() - metrics.descent()) / 2
                shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, self.width() - x - MARGIN)
                painter.drawText(QPointF(x, base), shown)

    def _placed(self, width: int) -> list[tuple[int, int, str]]:
        """Return where each formula begins, and on which line."""
        metrics, x, line, found = QFontMetrics(font()), MARGIN, 0, list[tuple[int, int, str]]()
        for words in self.formulas:
            needed = metrics.horizontalAdvance(words)
            if x > MARGIN and x + needed > width - MARGIN:
                x, line = MARGIN, line + 1
            found.append((x, line, words))
            x += needed + APART
        return found
