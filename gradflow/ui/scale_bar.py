"""A colour scale that lies flat: what is measured, its colours, and their values."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gradflow.ui.items import cosmetic
from gradflow.ui.plot import power_of_ten
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

LONGEST = 320


class ScaleBar(QWidget):
    """The scale from `low` to `high`, in decades or as a share, with a note at its right."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(30)
        self.theme = LIGHT
        self.state: tuple[float, float, str, bool, str] = 0.0, 1.0, "", True, ""
        self._table: NDArray[np.uint8] = np.zeros((256, 3), np.uint8)

    def show_range(self, low: float, high: float, theme: Theme, symbol: str, share: bool, note: str) -> None:
        """Show this range of a statistic."""
        state = low, high, symbol, share, note
        if state != self.state or theme is not self.theme:
            self.state, self.theme, self._table = state, theme, theme.heat_table()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the symbol, the bar, its ticks and the note."""
        low, high, symbol, share, note = self.state
        metrics = QFontMetrics(font(SMALL_SIZE))
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            painter.setPen(QColor(self.theme.text))
            wide = metrics.horizontalAdvance(symbol)
            painter.drawText(QRectF(0, 0, wide, 16), Qt.AlignmentFlag.AlignVCenter, symbol)
            room = self.width() - wide - metrics.horizontalAdvance(note) - 44
            bar = QRectF(wide + 10, 4, max(40, min(LONGEST, room)), 9)
            colors = np.full((1, 256, 4), 255, np.uint8)
            colors[0, :, :3] = self._table
            painter.drawImage(bar, QImage(colors.tobytes(), 256, 1, 1024, QImage.Format.Format_RGBA8888))
            painter.setPen(cosmetic(QColor(self.theme.border)))
            painter.drawRect(bar)
            painter.setPen(QColor(self.theme.muted))
            for place in _ticks(low, high, share, bar.width()):
                x = bar.left() + bar.width() * (place - low) / (high - low)
                words = f"{place:.0%}" if share else power_of_ten(place)
                painter.drawLine(int(x), int(bar.bottom()), int(x), int(bar.bottom()) + 2)
                painter.drawText(QRectF(x - 24, bar.bottom() + 2, 48, 14), Qt.AlignmentFlag.AlignCenter, words)
            painter.drawText(QRectF(0, 0, self.width(), 16), Qt.AlignmentFlag.AlignRight, note)


def _ticks(low: float, high: float, share: bool, width: float) -> list[float]:
    """Return where the ticks are: whole decades, as many as fit, or quarters."""
    if share:
        return [0.0, 0.5, 1.0]
    every = max(1, math.ceil(36.0 * (high - low) / width))
    return [float(v) for v in range(math.ceil(low / every) * every, math.floor(high) + 1, every)]
