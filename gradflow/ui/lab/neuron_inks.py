"""The colours of the drawing of neurons: the sign of a number, paler where it is seen less."""

from __future__ import annotations

import math

from PySide6.QtGui import QColor

from gradflow.ui.theme import Theme

STEPS = 32


class Inks:
    """The colours of one drawing."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._mixed: dict[tuple[str, int], QColor] = {}

    def sign(self, value: float) -> str:
        """Return the colour of a number: its sign, grey for zero, the colour of errors where it is none."""
        if not math.isfinite(value):
            return self.theme.error
        if value == 0.0:
            return self.theme.muted
        return self.theme.curve_second if value > 0.0 else self.theme.curve

    def mixed(self, color: str, share: float) -> QColor:
        """Return a colour mixed with the ground: opaque, because see-through lines take seven times as long."""
        step = round(share * STEPS)
        if (color, step) not in self._mixed:
            ink, ground = QColor(color), QColor(self.theme.surface)
            pairs = (ink.red(), ground.red()), (ink.green(), ground.green()), (ink.blue(), ground.blue())
            self._mixed[color, step] = QColor(*(round(under + (over - under) * step / STEPS) for over, under in pairs))
        return self._mixed[color, step]
