"""What remains of the elements of an SVG file within a rectangle."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainterPath, QPolygonF, QTransform

from gradflow.ui.svg.image import image_within
from gradflow.ui.svg.shape import SLACK, Shape, holds
from gradflow.ui.theme import font

TEXT_SLACK = 2.0
"""Letters may reach so many points beyond theirs; a text that reaches farther is not there, or is shortened."""

FEWEST = 3
"""A text is shortened to at least so many letters."""


def shapes_within(shape: Shape, room: QRectF) -> list[Shape]:
    """Return what is seen of an element in a room: itself, nothing, or what is left when it is cut."""
    if room.width() <= 0.0 or room.height() <= 0.0 or not shape.matrix.isInvertible():
        return []
    back, _ = shape.matrix.inverted()
    inside = back.mapRect(room)
    if shape.name == "text":
        return _text_within(shape, inside)
    if shape.name == "image":
        return image_within(shape, inside)
    if not (shape.filled or shape.stroked):
        return []
    path = _outline(shape)
    # One point of the widget, in the coordinates of the element.
    unit = back.mapRect(QRectF(0.0, 0.0, 1.0, 1.0)).size()
    bounds = path.boundingRect()
    if holds(inside, bounds, unit.width() * SLACK, unit.height() * SLACK):
        return [shape]
    if _beside(inside, bounds):
        return []
    return list(_cut(shape, path, inside))


def path_of(written: str) -> QPainterPath:
    """Return the path that is written as Qt writes it: M, L, C and Z with absolute numbers."""
    path = QPainterPath()
    for letter, rest in re.findall(r"([MLCZ])([^MLCZ]*)", written):
        numbers = [float(number) for number in re.split(r"[\s,]+", rest.strip()) if number]
        points = [QPointF(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]
        if letter == "Z":
            path.closeSubpath()
        elif letter == "M":
            path.moveTo(points[0])
        elif letter == "L":
            for point in points:
                path.lineTo(point)
        else:
            for i in range(0, len(points), 3):
                path.cubicTo(*points[i : i + 3])
    return path


def _outline(shape: Shape) -> QPainterPath:
    path, number = QPainterPath(), shape.number
    if shape.name == "path":
        path = path_of(shape.places["d"])
    elif shape.name == "rect":
        path.addRect(number("x"), number("y"), number("width"), number("height"))
    elif shape.name in ("circle", "ellipse"):
        across, down = (number("r"),) * 2 if shape.name == "circle" else (number("rx"), number("ry"))
        path.addEllipse(QPointF(number("cx"), number("cy")), across, down)
    elif shape.name == "line":
        path.moveTo(number("x1"), number("y1"))
        path.lineTo(number("x2"), number("y2"))
    else:
        numbers = [float(n) for n in re.split(r"[\s,]+", shape.places.get("points", "").strip()) if n]
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]))
        if shape.name == "polygon":
            path.closeSubpath()
    odd = shape.places.get("fill-rule", shape.style["fill-rule"]) == "evenodd"
    path.setFillRule(Qt.FillRule.OddEvenFill if odd else Qt.FillRule.WindingFill)
    return path


def _beside(room: QRectF, bounds: QRectF) -> bool:
    return (
        bounds.right() <= room.left()
        or bounds.left() >= room.right()
        or bounds.bottom() <= room.top()
        or bounds.top() >= room.bottom()
    )


def _cut(shape: Shape, path: QPainterPath, room: QRectF) -> Iterator[Shape]:
    """Yield what is left of an area, and of its lines."""
    if shape.filled:
        edge = QPainterPath()
        edge.addRect(room)
        area = path.intersected(edge)
        if not area.isEmpty():
            yield _path(shape, _written(area), stroke="none")
    if shape.stroked:
        lines = [line for polygon in path.toSubpathPolygons(QTransform()) for line in _lines_within(polygon, room)]
        if lines:
            yield _path(shape, _polylines(lines), fill="none")


def _path(shape: Shape, written: str, **style: str) -> Shape:
    return replace(shape, name="path", places={"d": written}, style={**shape.style, **style})


def _lines_within(points: QPolygonF, room: QRectF) -> Iterator[list[QPointF]]:
    """Yield the parts of a line through points that run in a room (Liang & Barsky 1984, segment by segment)."""
    line: list[QPointF] = []
    for start, end in pairwise(points.toList()):
        low, high = 0.0, 1.0
        for at, way, least, most in (
            (start.x(), end.x() - start.x(), room.left(), room.right()),
            (start.y(), end.y() - start.y(), room.top(), room.bottom()),
        ):
            if way == 0.0:
                high = high if least <= at <= most else -1.0
            else:
                ends = sorted(((least - at) / way, (most - at) / way))
                low, high = max(low, ends[0]), min(high, ends[1])
        if low > high:
            continue
        first, last = start + (end - start) * low, start + (end - start) * high
        if not line or line[-1] != first:
            if line:
                yield line
            line = [first]
        line.append(last)
    if line:
        yield line


def _polylines(lines: Iterable[list[QPointF]]) -> str:
    return "".join("M" + "L".join(_point(point) for point in line) for line in lines)


def _written(path: QPainterPath) -> str:
    """Return a path as it stands in a file."""
    words, curve = [], 0
    for i in range(path.elementCount()):
        element = path.elementAt(i)
        point = _point(QPointF(element.x, element.y))
        if element.isMoveTo():
            words.append(f"M{point}")
        elif element.isLineTo():
            words.append(f"L{point}")
        elif element.isCurveTo():
            words.append(f"C{point}")
            curve = 2
        else:
            words.append(f" {point}")
            curve -= 1
    return "".join(words) + "Z"


def _point(point: QPointF) -> str:
    return f"{point.x():.6g},{point.y():.6g}"


def _text_within(shape: Shape, room: QRectF) -> list[Shape]:
    """Return a text if all of it is seen; one that is cut at its end is shortened, as on a label that is too narrow."""
    metrics = QFontMetricsF(font(round(float(shape.style["font-size"])), float(shape.style["font-weight"]) > 500.0))
    ink = metrics.tightBoundingRect(shape.words).translated(shape.number("x"), shape.number("y"))
    if holds(room, ink, TEXT_SLACK, TEXT_SLACK):
        return [shape] if shape.words.strip() else []
    level = ink.top() >= room.top() - TEXT_SLACK and ink.bottom() <= room.bottom() + TEXT_SLACK
    if not level or ink.left() < room.left() - TEXT_SLACK:
        return []
    wide = room.right() + TEXT_SLACK - shape.number("x")
    words = metrics.elidedText(shape.words, Qt.TextElideMode.ElideRight, max(wide, 0.0))
    return [replace(shape, words=words)] if len(words) > FEWEST else []
