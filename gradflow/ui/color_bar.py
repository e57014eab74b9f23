"""The scale beside a map: its colours from little to much, with what they mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gradflow.ui.plot import power_of_ten
from gradflow.ui.theme import SMALL_SIZE, font

APART = 18.0
"""Pixels between two labels, at the least."""


class ColorBar(QWidget):
    """A bar of colours with labels at some of them."""

    def __init__(self, width: int = 52) -> None:
        super().__init__()
        self.setFixedWidth(width)
        self.text = QColor("black")
        self._low, self._high = 0.0, 1.0
        self._labels: Mapping[float, str] = {}
        self._table = np.zeros((256, 3), np.uint8)

    def show_decades(self, low: float, high: float, table: NDArray[np.uint8]) -> None:
        """Show the colours of `table` from 10^low to 10^high, with as many decades named as fit."""
        every = max(1, int(np.ceil(APART * max(high - low, 1.0) / self._bar().height())))
        # Counted from 1, so that it is named wherever it is in sight and something has room.
        first = int(low) if low >= 0.0 or high <= 0.0 else -(int(-low) // every) * every
        self.show_labels(low, high, table, {n: power_of_ten(n) for n in range(first, int(high) + 1, every)})

    def show_labels(self, low: float, high: float, table: NDArray[np.uint8], labels: Mapping[float, str]) -> None:
        """Show the colours of `table` from low to high, with these values named."""
        if (low, high, labels) != (self._low, self._high, self._labels) or table is not self._table:
            self._low, self._high, self._table, self._labels = low, high, table, dict(labels)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar and its labels."""
        column = np.ascontiguousarray(self._table[::-1, None, :])
        image = QImage(column.data, 1, 256, 3, QImage.Format.Format_RGB888)
        bar = self._bar()
        with QPainter(self) as painter:
            painter.drawImage(bar, image)
            painter.setFont(font(SMALL_SIZE))
            painter.setPen(self.text)
            for value, words in self._labels.items():
                y = bar.bottom() - (value - self._low) / max(self._high - self._low, 1e-300) * bar.height()
                place = QRectF(18, y - 8, self.width() - 18, 16)
                painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, words)

    def _bar(self) -> QRectF:
        return QRectF(6, 10, 8, max(self.height() - 52, 10))
