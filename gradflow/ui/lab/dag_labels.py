"""What is written on the edges of a computational graph: each label where there is room for it, or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from gradflow.sim.lab.label_places import Rectangle, place
from gradflow.ui.lab.camera import Camera
from gradflow.ui.lab.cards import is_bad, text_width
from gradflow.ui.lab.dag_paint import ALONG, on_bend
from gradflow.ui.lab.dag_scene import Look, Wire
from gradflow.ui.theme import Theme

Array = NDArray[np.float64]

LABEL_HEIGHT = 15.0


def place_labels(
    wires: Sequence[Wire],
    branches: Sequence[Array],
    camera: Camera,
    boxes: Sequence[QRectF],
    taken: Sequence[Rectangle],
    window: QRectF,
) -> list[tuple[Rectangle, str, int]]:
    """Give labels their places in pixels, those of the present step first: where, what, and of which edge."""
    order = sorted((i for i, wire in enumerate(wires) if wire.labels), key=lambda i: wires[i].look is not Look.NOW)
    options = [_candidates(branches[i], wires[i].labels, camera.zoom, camera.shift) for i in order]
    near = [(b.left(), b.top(), b.right(), b.bottom()) for b in boxes if b.intersects(window)]
    cuts = [i for i, wire in enumerate(wires) if wire.cut]
    near += [_candidates(branches[i], (" ",), camera.zoom, camera.shift)[0] for i in cuts]
    places = place(options, [*near, *taken], (window.left(), window.top(), window.right(), window.bottom()))
    return [
        (found[1], wires[i].labels[found[0] // len(ALONG)], i) for i, found in zip(order, places, strict=True) if found
    ]


def _candidates(branch: Array, labels: Sequence[str], zoom: float, shift: QPointF) -> list[Rectangle]:
    """Return where an edge's labels may stand, in pixels: the longest words first."""
    found = []
    # As large as what is in the boxes, but never too small to be read.
    scale = max(zoom, 1.0)
    for words in labels:
        across, down = scale * (text_width(words) + 6.0) / 2, scale * LABEL_HEIGHT / 2
        for along in ALONG:
            x, y = on_bend(branch, along)
            x, y = x * zoom + shift.x(), y * zoom + shift.y()
            found.append((x - across, y - down, x + across, y + down))
    return found


def paint_label(painter: QPainter, place: Rectangle, words: str, wire: Wire, theme: Theme) -> None:
    """Write a label onto its edge, as large as its place is high."""
    left, top, right, bottom = place
    scale = (bottom - top) / LABEL_HEIGHT
    painter.save()
    painter.translate(left, top)
    painter.scale(scale, scale)
    box = QRectF(0.0, 0.0, (right - left) / scale, LABEL_HEIGHT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.surface))
    painter.drawRoundedRect(box, 3.0, 3.0)
    color = {Look.NOW: theme.curve_second, Look.LATE: theme.error}.get(wire.look, theme.muted)
    painter.setPen(QColor(theme.error if is_bad(words) else color))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()
