"""What the cells of the units mean, and how many there are of each kind."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gradflow.sim.units import Units, UnitState
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font
from gradflow.ui.unit_cells import ALIKE, DEAD, RAMP, SATURATED, STRAIGHT, color_table, pattern

SAMPLE = 13
RAMP_CELLS = 4
APART = 12


class UnitLegend(QWidget):
    """One line: a sample of each cell with its name and count."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(18)
        self.theme = LIGHT
        self.entries: list[tuple[tuple[int, ...], str]] = []
        self.age = ""

    def show_units(self, units: Units, other_dead: float, age: str) -> None:
        """Count these units; `other_dead` is the share of dead ones in another run, `age` the step they are of."""
        counts, straight = units.counts(), int(np.isnan(units.activity).sum())
        dead = f"dead {counts[UnitState.DEAD]}"
        if not math.isnan(units.total_dead):
            dead += f" = {units.total_dead:.0%}"
        told = [] if math.isnan(units.total_chance) else [f"chance {units.total_chance:.0%}"]
        told += [] if math.isnan(other_dead) else [f"other run {other_dead:.0%}"]
        ramp = tuple(round(i * (RAMP - 1) / (RAMP_CELLS - 1)) for i in range(RAMP_CELLS))
        no_curve = int(((units.state == UnitState.HEALTHY) & np.isnan(units.activity)).sum())
        entries = [
            (ramp, f"healthy {counts[UnitState.HEALTHY] - no_curve}"),
            ((DEAD,), f"{dead} ({', '.join(told)})" if told else dead),
            ((SATURATED,), f"saturated {counts[UnitState.SATURATED]}"),
            ((ALIKE,), f"alike {counts[UnitState.ALIKE]}"),
        ]
        if straight:
            entries.append(((STRAIGHT,), f"no φ {no_curve}"))
        if (entries, age) != (self.entries, self.age):
            self.entries, self.age = entries, age
            self.setAccessibleName(", ".join(words for _, words in entries))
            self.update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as many entries as there is room for."""
        metrics = QFontMetrics(font(SMALL_SIZE))
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            painter.setPen(QColor(self.theme.muted))
            widths = [SAMPLE * len(places) + 4 + metrics.horizontalAdvance(words) for places, words in self.entries]
            crowded = sum(widths) + APART * (len(widths) - 1) > self.width()
            x = 0
            for (places, words), wide in zip(self.entries, widths, strict=True):
                # Where there is no room for all, what there is none of is left out first.
                if x + wide > self.width() or (crowded and words.endswith(" 0")):
                    continue
                painter.drawImage(x, 2, _sample(places, self.theme))
                room = QRect(x + SAMPLE * len(places) + 4, 0, wide, self.height())
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
                x += wide + APART
            if self.age and x + metrics.horizontalAdvance(self.age) < self.width():
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self.age)


@lru_cache
def _sample(places: tuple[int, ...], theme: Theme) -> QImage:
    """Return cells of these places in the colour table, side by side."""
    pixels = pattern(np.array([places], np.uint8), SAMPLE, SAMPLE)
    wide = -(-pixels.shape[1] // 4) * 4
    padded = np.pad(pixels, ((0, 0), (0, wide - pixels.shape[1])), mode="edge")
    image = QImage(padded.tobytes(), wide, SAMPLE, wide, QImage.Format.Format_Indexed8).copy()
    image.setColorTable(color_table(theme))
    return image.copy(0, 0, pixels.shape[1], SAMPLE)
