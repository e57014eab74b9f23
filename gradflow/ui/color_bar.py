"""A scale of colours: upright beside an image, or flat below one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gradflow.ui.axes import power_of_ten
from gradflow.ui.items import cosmetic
from gradflow.ui.theme import SMALL_SIZE, font

WIDTH, TOP, BAR, APART, WORDS = 66, 10.0, 10.0, 18.0, 22
MOST_DECADES = 12
AXIS_HEIGHT = 44.0
"""What the axis of the image beside it takes at the bottom."""

FLAT_HEIGHT, FLAT_WIDTH, FLAT_APART, MARGIN = 30, 352, 36.0, 16.0
"""Of a bar that lies flat: its size, how far its numbers are apart, and the room at its ends that they need."""

Tick = tuple[float, str]
Sample = tuple[str, str]


class ColorBar(QWidget):
    """A bar of colours with numbers; an upright one has samples of the colours that stand for no number below it."""

    def __init__(self, flat: bool = False) -> None:
        super().__init__()
        self._flat = flat
        if flat:
            self.setFixedHeight(FLAT_HEIGHT)
            self.setMaximumWidth(FLAT_WIDTH)
        else:
            self.setFixedWidth(WIDTH)
        self.text = QColor("black")
        self._table = np.zeros((256, 3), np.uint8)
        self.ticks: Sequence[Tick] = ()
        self._samples: Sequence[Sample] = ()

    def show_scale(self, table: NDArray[np.uint8], ticks: Sequence[Tick], samples: Sequence[Sample] = ()) -> None:
        """Show a table of colours, numbers at shares of its length, and (colour, words) below."""
        if (list(ticks), list(samples)) != (list(self.ticks), list(self._samples)) or table is not self._table:
            self._table, self.ticks, self._samples = table, ticks, samples
            if not self._flat:
                self.setFixedWidth(self._wanted_width())
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar, as many numbers as fit, and the samples."""
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            painter.setPen(cosmetic(self.text))
            if self._flat:
                self._paint_flat(painter)
            else:
                self._paint_upright(painter)

    def _paint_flat(self, painter: QPainter) -> None:
        bar = QRectF(MARGIN, 4, max(self.width() - 2 * MARGIN, 10.0), 9)
        row = np.ascontiguousarray(self._table[None])
        painter.drawImage(bar, QImage(row.data, 256, 1, 768, QImage.Format.Format_RGB888))
        for share, words in self._fitting(bar.width(), FLAT_APART):
            x = bar.left() + share * bar.width()
            painter.drawLine(int(x), int(bar.bottom()), int(x), int(bar.bottom()) + 2)
            painter.drawText(QRectF(x - 24, bar.bottom() + 2, 48, 14), Qt.AlignmentFlag.AlignCenter, words)

    def _paint_upright(self, painter: QPainter) -> None:
        column = np.ascontiguousarray(self._table[::-1, None])
        below = APART * len(self._samples)
        bar = QRectF(6, TOP, BAR, max(self.height() - TOP - AXIS_HEIGHT - below, 10.0))
        painter.drawImage(bar, QImage(column.data, 1, 256, 3, QImage.Format.Format_RGB888))
        for share, words in self._fitting(bar.height(), APART):
            y = bar.bottom() - share * bar.height()
            painter.drawLine(int(bar.right()), int(y), int(bar.right()) + 3, int(y))
            _write(painter, y, words)
        for i, (color, words) in enumerate(self._samples):
            y = bar.bottom() + APART * (i + 0.7)
            painter.fillRect(QRectF(bar.left(), y - 5.0, BAR, BAR), QColor(color))
            _write(painter, y, words)

    def _wanted_width(self) -> int:
        """Return the usual width, or what numbers with many digits need, in steps so that it seldom changes."""
        metrics = QFontMetrics(font(SMALL_SIZE))
        widest = max((metrics.horizontalAdvance(words) for _, words in (*self.ticks, *self._samples)), default=0)
        return max(WIDTH, 8 * math.ceil((WORDS + widest) / 8))

    def _fitting(self, length: float, apart: float) -> Sequence[Tick]:
        """Return as many ticks as fit side by side."""
        return self.ticks[:: max(1, math.ceil(apart * (len(self.ticks) - 1) / length))]


def decade_ticks(low: float, high: float) -> list[Tick]:
    """Return ticks at powers of ten from 10^low to 10^high, about ten of them in round steps."""
    wanted = (high - low) / MOST_DECADES
    every = next(step * 10**power for power in range(9) for step in (1, 2, 5) if step * 10**power >= wanted)
    decades = range(math.ceil(low / every) * every, math.floor(high) + 1, every)
    return [((decade - low) / (high - low), power_of_ten(decade)) for decade in decades]


def _write(painter: QPainter, y: float, words: str) -> None:
    painter.drawText(QPointF(WORDS, y + 4), words)
