"""The painting of a matrix: colours as one image, numbers where there is room, heads, and what stands out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from gradflow.ui.items import cosmetic
from gradflow.ui.lab.matrix_cells import Notation, color_table, inks
from gradflow.ui.lab.small_words import small_words
from gradflow.ui.theme import Theme

Array = NDArray[np.float64]

HEAD = 16.0
"""How high the heads of the columns are."""
NUMBERED = 40.0
"""From this width on a cell shows its number."""
TALLEST = 20.0
LEAST_LINE = 14.0
RULED = 8.0
"""From this width on there are lines between cells."""


def has_numbers(cell: tuple[float, float]) -> bool:
    """Tell whether a cell of this size shows its number."""
    return cell[0] >= NUMBERED and cell[1] >= LEAST_LINE


@dataclass(frozen=True)
class Emphasis:
    """What stands out beside the cursor: a row, a column, an entry."""

    row: int | None = None
    column: int | None = None
    entry: tuple[int, int] | None = None


@dataclass(frozen=True)
class Sheet:
    """A matrix as it lies in its window: its numbers and heads, the size of a cell, and where the first one stands.

    `places` are those of its entries in the colour table.
    """

    values: Array
    places: NDArray[np.uint16]
    rows: Sequence[str]
    columns: Sequence[str]
    notation: Notation
    cell: tuple[float, float]
    corner: tuple[float, float]

    def seen(self, left: float, size: tuple[int, int]) -> tuple[range, range]:
        """Return the rows and columns of which something is seen in a window of this size, right of its row heads."""
        (x, y), (width, height), (rows, columns) = self.corner, self.cell, self.values.shape
        first_row, first_column = int((HEAD - y) // height), int((left - x) // width)
        last_row, last_column = math.ceil((size[1] - y) / height), math.ceil((size[0] - x) / width)
        return range(max(first_row, 0), min(last_row, rows)), range(max(first_column, 0), min(last_column, columns))

    def block(self, rows: range, columns: range) -> QRectF:
        """Return where these rows and columns stand."""
        (x, y), (width, height) = self.corner, self.cell
        return QRectF(x + columns.start * width, y + rows.start * height, len(columns) * width, len(rows) * height)


def paint(
    painter: QPainter,
    sheet: Sheet,
    size: tuple[int, int],
    theme: Theme,
    emphasis: Emphasis,
    cursor: tuple[int, int],
    focused: bool,
    left: float,
) -> None:
    """Paint what is seen of a matrix in a window of this size; `left` is how wide the heads of the rows are."""
    painter.setFont(small_words().font)
    rows, columns = sheet.seen(left, size)
    if not rows or not columns:
        return
    painter.setClipRect(QRectF(left, HEAD, size[0] - left, size[1] - HEAD))
    found = sheet.places[rows.start : rows.stop, columns.start : columns.stop]
    _paint_colors(painter, sheet.block(rows, columns), found, min(sheet.cell), theme)
    if min(sheet.cell) >= RULED:
        _paint_lines(painter, sheet, rows, columns, theme)
    if has_numbers(sheet.cell):
        _paint_numbers(painter, sheet, rows, columns, found, theme)
    _paint_emphasis(painter, sheet, emphasis, theme)
    painter.setPen(cosmetic(QColor(theme.text if focused else theme.muted), 2.0 if focused else 1.0))
    painter.drawRect(_inside(sheet, range(cursor[0], cursor[0] + 1), range(cursor[1], cursor[1] + 1)))
    painter.setClipping(False)
    _paint_heads(painter, sheet, rows, columns, left, size, theme, emphasis)


def _paint_colors(painter: QPainter, block: QRectF, found: NDArray[np.uint16], width: float, theme: Theme) -> None:
    pixels = np.take(color_table(theme), found)
    high, wide = pixels.shape
    image = QImage(pixels.data, wide, high, 4 * wide, QImage.Format.Format_RGB32)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, width < 1.0)
    painter.drawImage(block, image)


def _paint_lines(painter: QPainter, sheet: Sheet, rows: range, columns: range, theme: Theme) -> None:
    block, (width, height) = sheet.block(rows, columns), sheet.cell
    painter.setPen(cosmetic(QColor(theme.grid)))
    across = (block.top() + i * height - 0.5 for i in range(1, len(rows) + 1))
    down = (block.left() + i * width - 0.5 for i in range(1, len(columns) + 1))
    painter.drawLines(
        [
            *(QLineF(block.left(), y, block.right(), y) for y in across),
            *(QLineF(x, block.top(), x, block.bottom()) for x in down),
        ]
    )


def _paint_numbers(
    painter: QPainter, sheet: Sheet, rows: range, columns: range, found: NDArray[np.uint16], theme: Theme
) -> None:
    (width, height), colors = sheet.cell, inks(theme)
    block, write, text, ink = sheet.block(rows, columns), sheet.notation.write, small_words(), ""
    numbers = sheet.values[rows.start : rows.stop, columns.start : columns.stop].tolist()
    for i, (row, row_places) in enumerate(zip(numbers, found.tolist(), strict=True)):
        right, middle = block.left() - 4.0, block.top() + (i + 0.5) * height
        for value, place in zip(row, row_places, strict=True):
            right += width
            if colors[place] != ink:
                ink = colors[place]
                painter.setPen(QColor(ink))
            text.right(painter, right, middle, write(value, width))


def _inside(sheet: Sheet, rows: range, columns: range) -> QRectF:
    return sheet.block(rows, columns).adjusted(0.5, 0.5, -1.5, -1.5)


def _paint_emphasis(painter: QPainter, sheet: Sheet, emphasis: Emphasis, theme: Theme) -> None:
    rows, columns = (range(length) for length in sheet.values.shape)
    painter.setPen(cosmetic(QColor(theme.accent), 2.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if emphasis.row is not None and emphasis.row in rows:
        painter.drawRect(_inside(sheet, range(emphasis.row, emphasis.row + 1), columns))
    if emphasis.column is not None and emphasis.column in columns:
        painter.drawRect(_inside(sheet, rows, range(emphasis.column, emphasis.column + 1)))
    if emphasis.entry is not None and emphasis.entry[0] in rows and emphasis.entry[1] in columns:
        row, column = emphasis.entry
        painter.drawRect(_inside(sheet, range(row, row + 1), range(column, column + 1)))


def _paint_heads(
    painter: QPainter,
    sheet: Sheet,
    rows: range,
    columns: range,
    left: float,
    size: tuple[int, int],
    theme: Theme,
    emphasis: Emphasis,
) -> None:
    """Write the names above the columns and before the rows, every second, fifth … where there is no room for all."""
    text, (x, y), (width, height) = small_words(), sheet.corner, sheet.cell
    longest = max(text.width(sheet.columns[c]) for c in (columns[0], columns[-1])) + 6.0
    step = _step(min(longest, max(width, 32.0)) / width)
    row, column = emphasis.entry or (emphasis.row, emphasis.column)
    colors = {False: QColor(theme.muted), True: QColor(theme.accent)}
    for c in range(columns.start - columns.start % step, columns.stop, step):
        middle = x + (c + 0.5) * width
        if left - 8.0 <= middle <= size[0] + 8.0:
            painter.setPen(colors[c == column])
            text.centre(painter, middle, 0.5 * HEAD, text.elided(sheet.columns[c], step * width))
    step = _step((text.height - 2.0) / height)
    for r in range(rows.start - rows.start % step, rows.stop, step):
        middle = y + (r + 0.5) * height
        if HEAD - 6.0 <= middle <= size[1] + 6.0:
            painter.setPen(colors[r == row])
            text.right(painter, left - 4.0, middle, text.elided(sheet.rows[r], left - 4.0))


def _step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20 … that is not below `least`."""
    decade = 10 ** max(0, math.floor(math.log10(max(least, 1.0))))
    return next(n * decade for n in (1, 2, 5, 10) if n * decade >= least)
