"""A line of words that ends in … where it has no room."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.ui.theme import BASE_SIZE, SMALL_SIZE, font


class ElidedLabel(QWidget):
    """Small muted words that take the room they get, or with `plain` an equation as a heading.

    The tooltip has all of it.
    """

    def __init__(self, plain: bool = False) -> None:
        super().__init__()
        self._words, self._plain = "", plain
        wide = QSizePolicy.Policy.Maximum if plain else QSizePolicy.Policy.Expanding
        self.setSizePolicy(wide, QSizePolicy.Policy.Fixed)
        # Not the widget's own: the style sheet has another size for those.
        self._font = font(BASE_SIZE, bold=True) if plain else font(SMALL_SIZE)
        self._metrics = QFontMetrics(self._font)

    def text(self) -> str:
        """Return all of the words."""
        return self._words

    def setText(self, words: str) -> None:
        """Write these words."""
        if words != self._words:
            self._words = words
            self.setAccessibleName(words)
            self.setToolTip(words)
            self.updateGeometry()
            self.update()

    def advance(self, words: str) -> int:
        """Return how wide a room words need, with what rounding takes."""
        return self._metrics.horizontalAdvance(words) + 2

    def fits(self, words: str) -> bool:
        """Tell whether there is room for all of these words."""
        return self.advance(words) <= self.width()

    def sizeHint(self) -> QSize:
        """Ask for the room of all of them."""
        return QSize(self.advance(self._words), self._metrics.height() + (2 if self._plain else 0))

    def minimumSizeHint(self) -> QSize:
        """Be content with less."""
        return QSize(0, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write what fits."""
        palette = self.palette()
        with QPainter(self) as painter:
            painter.setFont(self._font)
            words = self._metrics.elidedText(self._words, Qt.TextElideMode.ElideRight, self.width())
            painter.setPen((palette.text() if self._plain else palette.placeholderText()).color())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
