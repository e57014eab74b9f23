"""What is written into the boxes of a network: as much of it as there is room for, upright or along the side."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter

from gradflow.sim.graph_shape import Box
from gradflow.ui.theme import SMALL_SIZE, font

MARGIN = 4
LEAST_TURNED = 20


def write(painter: QPainter, rectangle: QRectF, box: Box) -> None:
    """Write what a box is, in the painter's colour."""
    words, turned = fitted(box, int(rectangle.width()), int(rectangle.height()))
    if not turned:
        painter.drawText(rectangle, Qt.AlignmentFlag.AlignCenter, words)
        return
    painter.save()
    painter.translate(rectangle.center())
    painter.rotate(-90.0)
    room = QRectF(-rectangle.height() / 2, -rectangle.width() / 2, rectangle.height(), rectangle.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()


@lru_cache(maxsize=4096)
def fitted(box: Box, width: int, height: int) -> tuple[str, bool]:
    """Return what can be written and whether it is to be turned: all of it, or what matters most, in whole words."""
    if box.join:
        return "+" if box.parts == ("add",) else "‖", False
    number, size = ((str(box.layer),) if box.whole else ()), "×".join(map(str, box.shape))
    kept = tuple(part for part in box.parts if part != "flatten")
    told = tuple(part for part in box.parts if part not in ("dense", "flatten")) or box.parts
    full, kept, brief, short = (
        _known(*words)
        for words in ((*number, *box.parts, size), (*number, *kept, size), (*number, *told, size), (*number, told[0]))
    )
    metrics = QFontMetrics(font(SMALL_SIZE))
    width, height = width - MARGIN, height - MARGIN

    def upright(lines: tuple[str, ...]) -> bool:
        widest = max(map(metrics.horizontalAdvance, lines))
        return widest <= width and metrics.height() * len(lines) <= height + MARGIN

    packed = (_packed(lines, metrics, width) for lines in (full, kept, brief))
    for lines in (full, kept, brief, *packed, _parted(full), _parted(kept), _parted(brief)):
        if upright(lines):
            return "\n".join(lines), False
    for lines in (full, kept, brief):
        if metrics.horizontalAdvance("  ".join(lines)) <= height:
            return "  ".join(lines), True
    for lines in (short, _parted(short)):
        if upright(lines):
            return "\n".join(lines), False
    last = "  ".join(short), *short, *_parted(short[-1:])[::-1]
    words = next((words for words in last if metrics.horizontalAdvance(words) <= height), "")
    return (words if height > LEAST_TURNED else ""), True


def _packed(words: tuple[str, ...], metrics: QFontMetrics, width: int) -> tuple[str, ...]:
    """Return words in lines of as many as fit beside each other."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]}  {word}" if lines else word
        if lines and metrics.horizontalAdvance(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)


def _parted(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines with names of two words on two of them: max-, pool."""
    return tuple(part for line in lines for part in line.replace("-", "-\n").split("\n"))


def _known(*words: str) -> tuple[str, ...]:
    return tuple(filter(None, words))
