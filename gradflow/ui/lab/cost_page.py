"""Multiplications as bars on a log scale: path by path, naive recursion, backprop."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gradflow.sim.lab.multiplications import Costs
from gradflow.sim.words import counted, superscript
from gradflow.ui.items import cosmetic
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

NAME = 84.0
WORDS = (
    "Counted are the multiplications of the numbers on edges that the gradients of one sample take. To find these "
    "numbers, and ∂L/\u2060∂W, comes on top; the view of Jacobians counts products of whole matrices instead.\n"
    "All paths: a product of n factors takes n − 1 multiplications.\n"
    "Recursion: a neuron asks each neuron that reads it, and that one asks again, every time.\n"
    "Backprop: every neuron is asked once, and what it knows is used again: one multiplication for each edge, but for "
    "those that end in the loss."
)
HEAD, BAR, GAP, AXIS = 18.0, 20.0, 12.0, 18.0


class CostPage(QWidget):
    """Draws the bars; one decade is equally long in all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.groups: tuple[tuple[str, Costs], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Multiplications")
        self.setToolTip(WORDS)

    def show_groups(self, groups: Sequence[tuple[str, Costs]]) -> None:
        """Draw three bars for each of these, under its heading."""
        self.groups = tuple(groups)
        self.setAccessibleDescription("; ".join(f"{heading}: {_told(costs)}" for heading, costs in groups))
        self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint group by group, and the decades below."""
        if not self.groups:
            return
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            largest = max(number for _, costs in self.groups for _, number in _bars(costs))
            decades = max(math.ceil(math.log10(max(largest, 1))), 1)
            room = self.width() - NAME - 8.0
            needed = len(self.groups) * (HEAD + 3 * BAR + GAP) + AXIS
            squeeze = min(1.0, (self.height() - 8.0) / needed)
            bottom = 8.0 + squeeze * (needed - AXIS - GAP)
            self._paint_decades(painter, decades, room, bottom)
            y = 8.0
            for heading, costs in self.groups:
                painter.setPen(QColor(self.theme.muted))
                head = f"{heading} · {'counted by doing it' if costs.counted else 'by formula'}"
                painter.drawText(QRectF(0.0, y, self.width(), HEAD * squeeze), Qt.AlignmentFlag.AlignVCenter, head)
                y += HEAD * squeeze
                for name, number in _bars(costs):
                    self._paint_bar(painter, QRectF(NAME, y, room, BAR * squeeze), name, number, decades)
                    y += BAR * squeeze
                y += GAP * squeeze
            self._paint_words(painter, bottom + AXIS + 12.0)

    def _paint_words(self, painter: QPainter, top: float) -> None:
        """Say what is counted, where there is room for it."""
        room = QRectF(0.0, top, self.width(), self.height() - top)
        flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop
        if painter.boundingRect(room, int(flags), WORDS).height() <= room.height():
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(room, int(flags), WORDS)

    def _paint_bar(self, painter: QPainter, slot: QRectF, name: str, number: int, decades: int) -> None:
        painter.setPen(QColor(self.theme.text))
        painter.drawText(QRectF(0.0, slot.top(), NAME - 6.0, slot.height()), Qt.AlignmentFlag.AlignVCenter, name)
        wide = slot.width() * (math.log10(number) / decades if number > 0 else 0.0)
        bar = QRectF(slot.left(), slot.top() + 2.0, wide, slot.height() - 4.0)
        color = QColor(self.theme.accent if name == "backprop" else self.theme.muted)
        color.setAlphaF(0.75 if name == "backprop" else 0.45)
        painter.fillRect(bar, color)
        words = counted(number)
        room = painter.fontMetrics().horizontalAdvance(words) + 8.0
        # Behind the bar where there is room, else in it.
        left = bar.right() + 4.0 if bar.right() + room <= slot.right() else max(bar.right() - room, slot.left())
        painter.drawText(QRectF(left, slot.top(), room, slot.height()), Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_decades(self, painter: QPainter, decades: int, room: float, bottom: float) -> None:
        every = max(1, math.ceil(decades * 34.0 / max(room, 1.0)))
        for decade in range(0, decades + 1, every):
            x = NAME + room * decade / decades
            painter.setPen(cosmetic(QColor(self.theme.grid)))
            painter.drawLine(int(x), 8, int(x), int(bottom))
            painter.setPen(QColor(self.theme.muted))
            slot = QRectF(min(x - 20.0, self.width() - 40.0), bottom + 2.0, 40.0, 14.0)
            words = "1" if decade == 0 else "10" if decade == 1 else f"10{superscript(decade)}"
            painter.drawText(slot, Qt.AlignmentFlag.AlignCenter, words)


def _bars(costs: Costs) -> tuple[tuple[str, int], ...]:
    return ("all paths", costs.enumeration), ("recursion", costs.recursion), ("backprop", costs.backprop)


def _told(costs: Costs) -> str:
    return ", ".join(f"{name} {counted(number)}" for name, number in _bars(costs))
