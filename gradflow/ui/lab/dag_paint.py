"""How the boxes, edges and labels of a computational graph are painted."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath

from gradflow.ui.items import cosmetic
from gradflow.ui.lab.cards import card_colors, paint_card, text_width
from gradflow.ui.lab.dag_scene import Look, Scene
from gradflow.ui.theme import SMALL_SIZE, Theme, font

Array = NDArray[np.float64]

READABLE = 0.55
"""Below this zoom the numbers in a box are too small to read, and only its title is written."""

ALONG = (0.5, 0.34, 0.66, 0.2, 0.8)
"""Where along the last bend of an edge its label may stand."""


def pale(theme: Theme) -> Theme:
    """Return a theme in which everything is grey: for what is no longer so."""
    grey = theme.muted
    return replace(theme, text=grey, curve=grey, curve_second=grey, error=grey)


def path_of(points_of: Array, bent: bool = False) -> QPainterPath:
    """Return a line that is straight across the columns and bent between them, which it may begin with."""
    points = [QPointF(x, y) for x, y in points_of.tolist()]
    path = QPainterPath(points[0])
    for i, (start, end) in enumerate(pairwise(points)):
        if i % 2 == bent:
            path.lineTo(end)
        else:
            middle = (start.x() + end.x()) / 2
            path.cubicTo(QPointF(middle, start.y()), QPointF(middle, end.y()), end)
    return path


def on_bend(branch: Array, along: float) -> tuple[float, float]:
    """Return a point of the bend of an edge's own branch."""
    (left, start), (right, end), _ = branch.tolist()
    rest = 1.0 - along
    x = left * rest**3 + 3 * (left + right) / 2 * along * rest + right * along**3
    y = start * (rest**3 + 3 * rest**2 * along) + end * (3 * rest * along**2 + along**3)
    return x, y


def paint_box(painter: QPainter, box: QRectF, number: int, scene: Scene, theme: Theme, zoom: float) -> None:
    """Paint a box and, where the zoom lets them be read, the numbers in it."""
    look = scene.looks[number]
    leaf = number in scene.inputs
    off = look in (Look.OFF, Look.WAITING)
    painter.setBrush(QColor(theme.raised if leaf else theme.surface))
    width = 2.5 if look is Look.NOW else 1.0
    line = {Look.NOW: theme.curve_second, Look.BACK: theme.curve, Look.LATE: theme.error}.get(
        look, theme.border if off else theme.muted
    )
    pen = cosmetic(QColor(line), width)
    if look is Look.OFF:
        pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    painter.drawRoundedRect(box, 4.0, 4.0)
    if number == scene.chosen:
        painter.setPen(cosmetic(QColor(theme.accent), 2.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box.adjusted(-3.0, -3.0, 3.0, 3.0), 6.0, 6.0)
    if zoom >= READABLE:
        colors = card_colors(theme, weak=scene.stale or look is Look.OFF)
        if look is Look.WAITING:
            colors["title"] = QColor(theme.muted)
        paint_card(painter, box, scene.cards[number], colors)


def paint_name(painter: QPainter, box: QRectF, number: int, scene: Scene, theme: Theme) -> None:
    """Write only the name of a box (in pixels) that is too small for more, or its sign, if that fits."""
    card = scene.cards[number]
    for words in (card.title, card.symbol):
        if words and box.height() >= 12.0 and text_width(words) + 4.0 <= box.width():
            painter.setPen(QColor(theme.muted if scene.stale else theme.text))
            painter.setFont(font(SMALL_SIZE))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
            return
