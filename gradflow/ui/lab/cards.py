"""What stands in the boxes of a computational graph: a title, a sign, and rows of numbers, and how large that is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gradflow.ui.theme import SMALL_SIZE, Theme, font

PAD, LINE, CELL_GAP = 6.0, 16.0, 8.0

WIDE, LONGEST_LINE = 76.0, 88.0
"""In a wider row the words stand on a line of their own; a sum that is longer than a line is broken."""


BEFORE_SIGN = re.compile(" (?=[+−] )")

Size: TypeAlias = tuple[float, float]
"""How wide and how high a box is."""


class Role(StrEnum):
    """What the numbers of a row are, which is their colour."""

    VALUE = "value"
    GRADIENT = "gradient"
    TANGENT = "tangent"
    MISSED = "missed"
    NOTE = "note"


@dataclass(frozen=True)
class Row:
    """Printed numbers with words before them; `cells` are the rows of a matrix, one row for a vector."""

    role: Role
    words: str
    cells: tuple[tuple[str, ...], ...]
    bracket: bool = False


@dataclass(frozen=True)
class Card:
    """What a box says."""

    title: str
    symbol: str
    rows: tuple[Row, ...] = ()


@lru_cache(maxsize=65536)
def text_width(words: str, bold: bool = False) -> float:
    """Return how wide words are in the small size, in points."""
    return _metrics(bold).horizontalAdvance(words)


@lru_cache
def _metrics(bold: bool) -> QFontMetricsF:
    return QFontMetricsF(font(SMALL_SIZE, bold))


@lru_cache(maxsize=4096)
def columns_of(row: Row) -> tuple[float, ...]:
    """Return the widths of a row's columns of numbers."""
    return tuple(max(map(text_width, column)) for column in zip(*row.cells, strict=True)) if row.cells else ()


def _parts(row: Row) -> tuple[float, float]:
    """Return how wide a row's words are, with the gap after them, and its numbers."""
    widths = columns_of(row)
    words = text_width(row.words) + 6.0 if row.words else 0.0
    return words, sum(widths) + CELL_GAP * max(len(widths) - 1, 0) + (10.0 if row.bracket else 0.0)


@lru_cache(maxsize=4096)
def is_broken(row: Row) -> bool:
    """Tell whether a row's numbers begin on the line after its words."""
    words, numbers = _parts(row)
    return words > 0.0 and numbers > 0.0 and words + numbers > WIDE


def row_width(row: Row) -> float:
    """Return how wide a row is."""
    return max(_parts(row)) if is_broken(row) else sum(_parts(row))


@lru_cache(maxsize=4096)
def card_size(card: Card) -> Size:
    """Return how wide and high a box must be, in steps of 8 points, so that a digit more moves nothing."""
    sign = text_width(card.symbol, bold=True) + 8.0 if card.symbol else 0.0
    width = max([text_width(card.title, bold=True) + sign, 24.0, *map(row_width, card.rows)]) + 2 * PAD
    lines = 1 + sum(max(len(row.cells), 1) + is_broken(row) for row in card.rows)
    return 8.0 * (-(-width // 8.0)), 8.0 * (-(-(LINE * lines + PAD) // 8.0))


def largest(cards: Sequence[Card]) -> Size:
    """Return the size of a box in which each of these cards has room."""
    sizes = [card_size(card) for card in cards]
    return max(width for width, _ in sizes), max(height for _, height in sizes)


def in_lines(words: str) -> tuple[tuple[str, ...], ...]:
    """Return a sum as the cells of a row: where it would be wide its result on a line of its own, and more at need."""
    if text_width(words) <= LONGEST_LINE:
        return ((words,),)
    summands, equals, result = words.partition(" = ")
    lines = [""]
    for part in BEFORE_SIGN.split(summands):
        if lines[-1] and text_width(f"{lines[-1]} {part}") > LONGEST_LINE:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]} {part}".strip()
    return tuple((line,) for line in [*lines, *([f"= {result}"] if equals else [])])


def paint_card(painter: QPainter, box: QRectF, card: Card, colors: Mapping[str, QColor]) -> None:
    """Write a card into its box, in the box's own points; `colors` has "title", "symbol" and one for each role."""
    level = Qt.AlignmentFlag.AlignVCenter
    line = QRectF(box.left() + PAD, box.top() + PAD / 2, box.width() - 2 * PAD, LINE)
    painter.setFont(font(SMALL_SIZE, bold=True))
    painter.setPen(colors["title"])
    painter.drawText(line, level | Qt.AlignmentFlag.AlignLeft, card.title)
    if card.symbol:
        painter.setFont(font(SMALL_SIZE, bold=True))
        painter.setPen(colors["symbol"])
        painter.drawText(line, level | Qt.AlignmentFlag.AlignRight, card.symbol)
    painter.setFont(font(SMALL_SIZE))
    top = line.bottom()
    for row in card.rows:
        box_of_row = QRectF(line.left(), top, line.width(), LINE)
        top = _paint_row(painter, box_of_row, row, (colors[row.role], colors[Role.MISSED]))


def is_bad(words: str) -> bool:
    """Tell whether a printed number is none, or not finite."""
    return "∞" in words or "nan" in words


def _paint_row(painter: QPainter, line: QRectF, row: Row, colors: tuple[QColor, QColor]) -> float:
    """Write a row of numbers from the left, and return where the next begins; what is not finite is marked."""
    good, bad = colors
    painter.setPen(good)
    level = Qt.AlignmentFlag.AlignVCenter
    x = line.left()
    if row.words:
        painter.drawText(line, level | Qt.AlignmentFlag.AlignLeft, row.words)
        if is_broken(row):
            line.translate(0.0, LINE)
        else:
            x += text_width(row.words) + 6.0
    widths = columns_of(row)
    bottom = line.top() + LINE * max(len(row.cells), 1)
    if row.bracket:
        right = x + sum(widths) + CELL_GAP * (len(widths) - 1) + 10.0
        for side, inwards in ((x, 3.0), (right, -3.0)):
            painter.drawPolyline(
                [
                    QPointF(side + inwards, line.top() + 2.0),
                    QPointF(side, line.top() + 2.0),
                    QPointF(side, bottom - 2.0),
                    QPointF(side + inwards, bottom - 2.0),
                ]
            )
        x += 5.0
    side = Qt.AlignmentFlag.AlignRight if row.bracket else Qt.AlignmentFlag.AlignLeft
    for number, cells in enumerate(row.cells):
        left = x
        for cell, width in zip(cells, widths, strict=True):
            place = QRectF(left, line.top() + LINE * number, width, LINE)
            painter.setPen(bad if is_bad(cell) else good)
            painter.drawText(place, level | side | Qt.TextFlag.TextDontClip, cell)
            left += width + CELL_GAP
    return bottom


def card_colors(theme: Theme, weak: bool = False) -> dict[str, QColor]:
    """Return the colours of a card; of one that is not reached yet, or no longer, all are grey."""
    if weak:
        return dict.fromkeys(("title", "symbol", *Role), QColor(theme.muted))
    return {
        "title": QColor(theme.text),
        "symbol": QColor(theme.muted),
        Role.VALUE: QColor(theme.text),
        Role.GRADIENT: QColor(theme.curve),
        Role.TANGENT: QColor(theme.curve_second),
        Role.MISSED: QColor(theme.error),
        Role.NOTE: QColor(theme.muted),
    }
