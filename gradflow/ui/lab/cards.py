"""What stands in the boxes of a computational graph: a title, a sign, and rows of numbers, and how large that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gradflow.ui.theme import SMALL_SIZE, Theme, font

PAD, LINE, CELL_GAP = 8.0, 16.0, 8.0


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


def row_width(row: Row) -> float:
    """Return how wide a row is."""
    widths = columns_of(row)
    words = text_width(row.words) + 6.0 if row.words else 0.0
    return words + sum(widths) + CELL_GAP * max(len(widths) - 1, 0) + (10.0 if row.bracket else 0.0)


@lru_cache(maxsize=4096)
def card_size(card: Card) -> tuple[float, float]:
    """Return how wide and high a box must be, in steps of 8 points, so that a digit more moves nothing."""
    sign = text_width(card.symbol, bold=True) + 12.0 if card.symbol else 0.0
    width = max([text_width(card.title, bold=True) + sign, 32.0, *map(row_width, card.rows)]) + 2 * PAD
    lines = 1 + sum(max(len(row.cells), 1) for row in card.rows)
    return 8.0 * (-(-width // 8.0)), 8.0 * (-(-(LINE * lines + PAD) // 8.0))


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
    for number, cells in enumerate(row.cells):
        left = x
        for cell, width in zip(cells, widths, strict=True):
            place = QRectF(left, line.top() + LINE * number, width, LINE)
            painter.setPen(bad if is_bad(cell) else good)
            painter.drawText(place, level | Qt.AlignmentFlag.AlignRight | Qt.TextFlag.TextDontClip, cell)
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
