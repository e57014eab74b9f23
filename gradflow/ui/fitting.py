"""Words for the room there is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF

from gradflow.ui.theme import SMALL_SIZE, font


def fitting(names: Sequence[str], room: float) -> str:
    """Return the first of these names that is no wider than `room` pixels, or what there is room for of the last."""
    metrics = QFontMetricsF(font(SMALL_SIZE))
    found = next((name for name in names if metrics.horizontalAdvance(name) <= room), "")
    return found or metrics.elidedText(names[-1], Qt.TextElideMode.ElideRight, room)
