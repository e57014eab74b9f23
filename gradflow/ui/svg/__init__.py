"""Pictures of lines and letters: every widget is drawn by itself, and cut off where it ends on the screen.

Qt writes SVG without the edges of widgets (what a scroll area hides stands over its neighbours), and what it says of
clips in version 1.1 is wrong after a painter was restored. Here the elements themselves are cut: all programs that
read SVG show the same, and nothing is in the file that is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QRectF, QSize
from PySide6.QtGui import QPainter, QRegion, QTransform
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from gradflow.ui.svg.cut import path_of, shapes_within
from gradflow.ui.svg.shape import Shape
from gradflow.ui.theme import BASE_SIZE, FAMILY

FAMILIES = f"{FAMILY}, Verdana, sans-serif"
"""Verdana is as wide, where the bundled font is not installed."""

USUAL = {
    "fill": "none",
    "fill-opacity": "1",
    "fill-rule": "evenodd",
    "font-size": str(BASE_SIZE),
    "font-style": "normal",
    "font-weight": "400",
    "stroke": "none",
    "stroke-dashoffset": "0",
    "stroke-linecap": "square",
    "stroke-linejoin": "bevel",
    "stroke-opacity": "1",
    "stroke-width": "1",
    "vector-effect": "none",
}
"""What is said once for the whole document, or holds anyway, and is left out everywhere else."""

STYLES = (*USUAL, "stroke-dasharray", "stroke-miterlimit", "opacity", "mask")

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#(\w+)\)")


def document(sheet: QWidget, background: str, title: str, description: str) -> bytes:
    """Return what is seen of a widget and all that is in it as an SVG file; one point is one pixel of CSS."""
    wide, high = sheet.width(), sheet.height()
    drawing = _Drawing()
    for widget, seen in visible_parts(sheet):
        drawing.add(widget, widget.mapTo(sheet, QPoint()), seen)
    usual = {**USUAL, "font-family": FAMILIES}
    for already_default in ("fill-opacity", "font-style", "font-weight", "stroke", "vector-effect", "stroke-opacity"):
        del usual[already_default]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1"',
        f' width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">',
        f"<title>{_text(title)}</title>",
        f"<desc>{_text(description)}</desc>",
        *(["<defs>", *drawing.definitions, "</defs>"] if drawing.definitions else []),
        f'<rect width="100%" height="100%" fill="{background}"/>',
        f"<g{_written(usual)}>",
        *drawing.written(),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines).encode()


def visible_parts(top: QWidget) -> Iterator[tuple[QWidget, QRect]]:
    """Yield a widget and all within it from the back to the front, each with the part that is seen, as `top` has it."""
    yield from _parts(top, top, QRect(QPoint(), top.size()))


# Not a function within the other: one that calls itself is a cycle, which keeps the widgets for the garbage collector,
# and that may come on another thread.
def _parts(top: QWidget, widget: QWidget, around: QRect) -> Iterator[tuple[QWidget, QRect]]:
    place = widget.mapTo(top, QPoint())
    seen = QRect(place, widget.size()) & around
    if not widget.mask().isEmpty():
        seen &= widget.mask().boundingRect().translated(place)
    if seen.isEmpty():
        return
    yield widget, seen
    for child in widget.children():
        if isinstance(child, QWidget) and not child.isWindow() and child.isVisible():
            yield from _parts(top, child, seen)


@dataclass
class _Drawing:
    """The elements of a document, in the order of drawing, and the gradients they refer to."""

    shapes: list[Shape] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    _widgets: int = 0

    def add(self, widget: QWidget, place: QPoint, seen: QRect) -> None:
        """Draw one widget without its children, and keep what of it is within `seen`."""
        root = ElementTree.fromstring(_drawn(widget))
        self._widgets += 1
        clips: dict[str, QRectF] = {}
        for definitions in root.findall(f"{_SVG}defs"):
            for made in definitions:
                if made.tag == f"{_SVG}clipPath":
                    clips[made.get("id", "")] = path_of(made[0].get("d", "")).boundingRect()
                else:
                    self.definitions.append(self._defined(made))
        room = QRectF(seen.translated(-place))
        offset = QTransform.fromTranslate(place.x(), place.y())
        for shape, clip in _leaves(root, clips):
            shape.style = {key: self._referred(value) for key, value in shape.style.items()}
            kept = shapes_within(shape, room if clip is None else room & clip)
            self.shapes += [piece.moved(offset) for piece in kept]

    def written(self) -> Iterator[str]:
        """Yield the lines of the file; neighbours that look alike share what they have in common."""
        for style, alike in groupby(self.shapes, lambda shape: (shape.style, shape.placed)):
            shapes = list(alike)
            common = {key: value for key, value in style[0].items() if USUAL.get(key) != value}
            attributes = _written({**common, **({"transform": style[1]} if style[1] else {})})
            if len(shapes) == 1:
                yield _element(shapes[0], attributes)
            else:
                yield f"<g{attributes}>"
                yield from (_element(shape, "") for shape in shapes)
                yield "</g>"

    def _referred(self, value: str) -> str:
        return _REFERENCE.sub(rf"url(#\1-{self._widgets})", value)

    def _defined(self, made: ElementTree.Element) -> str:
        """Return a gradient, or a pattern, under a name that no other widget's has."""
        for part in made.iter():
            part.tag = part.tag.removeprefix(_SVG)
            for key, value in part.attrib.items():
                part.set(key, self._referred(value))
        made.set("id", f"{made.get('id')}-{self._widgets}")
        return ElementTree.tostring(made, encoding="unicode").strip()


def _drawn(widget: QWidget) -> str:
    """Return what Qt writes of one widget."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # Version 1.1 says which clips the painter has.
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(widget.size().expandedTo(QSize(1, 1)))
    with QPainter(generator) as painter:
        # A QGraphicsView has a `render` of its own.
        QWidget.render(widget, painter, QPoint(), QRegion(), QWidget.RenderFlag(0))
    # What was typed may have characters that XML cannot have.
    return _NO_XML.sub("", bytes(data.data()).decode("utf-8", "replace"))


def _leaves(
    node: ElementTree.Element,
    clips: Mapping[str, QRectF],
    style: Mapping[str, str] = USUAL,
    matrix: QTransform | None = None,
    clip: QRectF | None = None,
) -> Iterator[tuple[Shape, QRectF | None]]:
    """Yield what is drawn, with the painter's clip."""
    name, matrix = node.tag.removeprefix(_SVG), matrix or QTransform()
    style = {**style, **{key: node.attrib[key] for key in STYLES if key in node.attrib}}
    if written := node.get("transform"):
        numbers = re.findall(r"[-+.\deE]+", written.removeprefix("matrix"))
        matrix = QTransform(*(float(number) for number in numbers)) * matrix
    if found := _REFERENCE.match(node.get("clip-path", "")):
        clip = clips[found[1]] if clip is None else clips[found[1]] & clip
    if name in ("svg", "g"):
        for child in node:
            yield from _leaves(child, clips, style, matrix, clip)
    elif name not in ("defs", "title", "desc"):
        places = {key: value for key, value in node.attrib.items() if key not in STYLES and key[0] != "{"}
        places.pop("font-family", None)
        yield Shape(name, places, dict(style), matrix, node.text or "", node.get(_LINK, "")), clip


def _element(shape: Shape, attributes: str) -> str:
    own = _written(shape.places)
    if shape.name == "text":
        kept = ' xml:space="preserve"' if re.search(r"^\s|\s\s|\s$", shape.words) else ""
        return f"<text{own}{attributes}{kept}>{_text(shape.words)}</text>"
    link = f' xlink:href="{shape.link}"' if shape.link else ""
    return f"<{shape.name}{own}{attributes}{link}/>"


def _written(attributes: Mapping[str, str]) -> str:
    return "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())


def _text(words: str) -> str:
    return escape(_NO_XML.sub("", words))
