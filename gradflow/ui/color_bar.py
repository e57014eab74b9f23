"""The scale of colours beside an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gradflow.ui.plot import power_of_ten
from gradflow.ui.theme import SMALL_SIZE, font

WIDTH, TOP, BAR, APART = 60, 10.0, 10.0, 18.0
MOST_DECADES = 12
AXIS_HEIGHT = 44.0
"""What the axis of the image beside it takes at the bottom."""

Tick = tuple[float, str]
Sample = tuple[str, str]


def named_decades(low: float, high: float) -> dict[float, str]:
    """Return the exponents that are named on a bar from one to another, about ten in round steps, with their words."""
    wanted = (high - low) / MOST_DECADES
    every = next(step * 10**power for power in range(9) for step in (1, 2, 5) if step * 10**power >= wanted)
    first = math.ceil(low / every) * every
    return {float(n): power_of_ten(n) for n in range(first, math.floor(high) + 1, every)}


class ColorBar(QWidget):
    """A bar of colours with numbers, and below it samples of the colours that stand for no number."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self.text = QColor("black")
        self._table = np.zeros((256, 3), np.uint8)
        self._ticks: Sequence[Tick] = ()
        self._samples: Sequence[Sample] = ()

    def show_scale(self, table: NDArray[np.uint8], ticks: Sequence[Tick], samples: Sequence[Sample]) -> None:
        """Show a table of colours, numbers at shares of its length, and (colour, words) below."""
        if (list(ticks), list(samples)) != (list(self._ticks), list(self._samples)) or table is not self._table:
            self._table, self._ticks, self._samples = table, ticks, samples
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar, as many numbers as fit, and the samples."""
        column = np.ascontiguousarray(self._table[::-1, None, :])
        image = QImage(column.data, 1, len(column), 3, QImage.Format.Format_RGB888)
        below = APART * len(self._samples)
        bar = QRectF(6, TOP, BAR, max(self.height() - TOP - AXIS_HEIGHT - below, 10.0))
        with QPainter(self) as painter:
            painter.drawImage(bar, image)
            painter.setFont(font(SMALL_SIZE))
            painter.setPen(self.text)
            every = max(1, int(np.ceil(APART * (len(self._ticks) - 1) / bar.height())))
            for share, words in self._ticks[::every]:
                y = bar.bottom() - share * bar.height()
                painter.drawLine(int(bar.right()), int(y), int(bar.right()) + 3, int(y))
                self._write(painter, y, words)
            for i, (color, words) in enumerate(self._samples):
                y = bar.bottom() + APART * (i + 0.7)
                painter.fillRect(QRectF(bar.left(), y - 5.0, BAR, BAR), QColor(color))
                self._write(painter, y, words)

    def _write(self, painter: QPainter, y: float, words: str) -> None:
        painter.drawText(QRectF(22, y - 8, WIDTH - 22, 16), Qt.AlignmentFlag.AlignVCenter, words)
