"""Pictures of pixels within an SVG file: cut, and enlarged so that their cells keep hard edges."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter

from gradflow.ui.svg.shape import SLACK, Shape, holds

FINER = 2.0
"""A picture that is cut has so many pixels to the point."""


def image_within(shape: Shape, room: QRectF) -> list[Shape]:
    """Return a picture, or the part of it that is seen; one of a single colour is an area."""
    bounds = QRectF(shape.number("x"), shape.number("y"), shape.number("width"), shape.number("height"))
    part = bounds & room
    data = QByteArray.fromBase64(shape.link.partition(",")[2].encode())
    image = QImage.fromData(data).convertToFormat(QImage.Format.Format_ARGB32)
    if part.isEmpty() or image.isNull():
        return []
    if color := _single_color(image):
        size = {"x": part.left(), "y": part.top(), "width": part.width(), "height": part.height()}
        return [Shape("rect", _measures(size), {**shape.style, "fill": color, "stroke": "none"}, shape.matrix)]
    hard = shape.places.get("image-rendering") == "optimizeSpeed"
    scale = shape.matrix.mapRect(QRectF(0.0, 0.0, 1.0, 1.0)).size()
    if not holds(room, bounds, SLACK / scale.width(), SLACK / scale.height()):
        cut = _cut_out(image, bounds, part, scale, hard)
        size = {"x": part.left(), "y": part.top(), "width": part.width(), "height": part.height()}
        return [replace(shape, places={**shape.places, **_measures(size)}, link=_linked(cut))]
    across = math.ceil(bounds.width() * scale.width() / image.width())
    down = math.ceil(bounds.height() * scale.height() / image.height())
    if hard and max(across, down) > 1:
        # Many programs smooth what is enlarged, whatever the file says of it: cells would run into each other.
        return [replace(shape, link=_linked(image.scaled(image.width() * across, image.height() * down)))]
    return [shape]


def _single_color(image: QImage) -> str:
    """Return the one opaque colour that a picture has; "" if it has several."""
    first = image.pixelColor(0, 0)
    if first.alpha() < 255:
        return ""
    plain = QImage(image.size(), image.format())
    plain.fill(first)
    return first.name() if plain == image else ""


def _cut_out(image: QImage, bounds: QRectF, part: QRectF, scale: QSizeF, hard: bool) -> QImage:
    """Return a part of a picture, so fine that the edge can lie within a pixel."""
    wide = max(math.ceil(part.width() * scale.width() * FINER), 1)
    high = max(math.ceil(part.height() * scale.height() * FINER), 1)
    cut = QImage(wide, high, QImage.Format.Format_ARGB32)
    cut.fill(Qt.GlobalColor.transparent)
    across, down = image.width() / bounds.width(), image.height() / bounds.height()
    source = QRectF(
        (part.left() - bounds.left()) * across,
        (part.top() - bounds.top()) * down,
        part.width() * across,
        part.height() * down,
    )
    with QPainter(cut) as painter:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not hard)
        painter.drawImage(QRectF(0.0, 0.0, wide, high), image, source)
    return cut


def _linked(image: QImage) -> str:
    """Return a link that has the data of a picture."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return f"data:image/png;base64,{bytes(data.toBase64().data()).decode()}"


def _measures(size: dict[str, float]) -> dict[str, str]:
    return {key: f"{value:.6g}" for key, value in size.items()}
