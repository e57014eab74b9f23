"""The factors of a chain side by side as small pictures, each with its shape and the point it is evaluated at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip

from gradflow.sim.lab.chain_parts import Factor
from gradflow.sim.lab.convention import Convention
from gradflow.ui.lab.matrix_cells import color_table, places
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

CELL, PICTURE, APART = 92.0, 40.0, 12.0
NAME, SHAPE, POINT = 4.0, 64.0, 79.0
LINE = 15.0
HEIGHT = 108


@dataclass(frozen=True)
class Standing:
    """What of a strip stands out: the factors that are multiplied, the latest of them, and what is shown below.

    `shown` is a factor, or with `at_point` the point it is evaluated at; −1 is neither.
    """

    multiplied: range = range(0)
    fresh: int = -1
    shown: int = -1
    at_point: bool = False


class FactorStrip(QAbstractScrollArea):
    """The factors in the order in which the convention writes them; ← and → choose one, ↓ its point, Esc the product.

    A click on a picture shows that factor, one on the line below it the point where it is evaluated.
    """

    factor_chosen = Signal(int)
    point_chosen = Signal(int)
    left = Signal()
    """Neither factor nor point is wanted any more."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.factors: Sequence[Factor] = ()
        self.convention = Convention.ROWS
        self.standing = Standing()
        self.colors: Sequence[QColor] = ()
        self.layer: int | None = None
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(HEIGHT)
        self.viewport().setAutoFillBackground(False)
        self.viewport().setMouseTracking(True)
        self.setAccessibleName("Factors of the chain")

    def show_factors(self, factors: Sequence[Factor], convention: Convention, colors: Sequence[QColor]) -> None:
        """Show these factors, given from the input to the output, with one colour for each layer."""
        self.factors, self.convention, self.colors = factors, convention, colors
        self._measure()
        self.viewport().update()

    def stand_out(self, standing: Standing) -> None:
        """Mark what is multiplied and what is shown, and bring it into sight."""
        self.standing = standing
        place = standing.shown if standing.shown >= 0 else standing.fresh
        if 0 <= place < len(self.factors):
            self._bring_into_sight(place)
        self.viewport().update()

    def select(self, layer: int | None) -> None:
        """Give weight to the factors of a layer (from 1), and bring the first of them into sight."""
        self.layer = layer
        place = next((i for i, factor in enumerate(self.factors) if factor.target.layer == layer), None)
        if place is not None and layer is not None:
            self._bring_into_sight(place)
        self.viewport().update()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.viewport().update()

    def rectangle(self, place: int) -> QRectF:
        """Return where a factor stands, in the viewport."""
        return QRectF(self._left(place), 0.0, CELL, POINT + LINE)

    # What is seen.

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the factors that are in sight."""
        with QPainter(self.viewport()) as painter:
            painter.setFont(font(SMALL_SIZE))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for slot in self._in_sight():
                self._paint(painter, self._place(slot))

    def _paint(self, painter: QPainter, place: int) -> None:
        factor, cell, theme = self.factors[place], self.rectangle(place), self.theme
        standing, shown = self.standing, self.standing.shown == place
        multiplied = place in standing.multiplied
        box = cell.adjusted(1.0, 1.0, -1.0, 0.0)
        if multiplied:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.raised))
            painter.drawRoundedRect(box, 4.0, 4.0)
        edge = theme.accent if shown and not standing.at_point else theme.muted if place == standing.fresh else ""
        if edge:
            painter.setPen(QColor(edge))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4.0, 4.0)
        name = factor.name(self.convention)
        # Of a long product its ends say less than what it is the derivative of; the tooltip has all of it.
        fits = painter.fontMetrics().horizontalAdvance(name) <= CELL - 6.0
        self._write(painter, cell, NAME, name if fits else factor.symbol, theme.text)
        self._picture(painter, factor, cell)
        rows, columns = self.convention.jacobian(factor.derivative).shape
        self._write(painter, cell, SHAPE, f"({rows}, {columns})", theme.muted)
        at = self._write(painter, cell, POINT, f"at {factor.source.symbol}", theme.accent)
        if shown and standing.at_point:
            painter.setPen(QColor(theme.accent))
            painter.drawLine(at.bottomLeft(), at.bottomRight())
        if self._slot(place) + 1 < len(self.factors):
            middle = QPointF(cell.right() + APART / 2, NAME + LINE + PICTURE / 2 + 1.0)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.text))
            painter.drawEllipse(middle, 1.8, 1.8)

    def _picture(self, painter: QPainter, factor: Factor, cell: QRectF) -> None:
        small = self.convention.jacobian(factor.thumbnail)
        table = color_table(self.theme)
        pixels = np.ascontiguousarray(table[places(np.array(small, float), 1.0)])
        rows, columns = pixels.shape
        image = QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)
        true_rows, true_columns = self.convention.jacobian(factor.derivative).shape
        longest = max(true_rows, true_columns)
        # A vector is a line that can be seen.
        tall, wide = (max(PICTURE * length / longest, 4.0) for length in (true_rows, true_columns))
        box = QRectF(cell.center().x() - wide / 2, NAME + LINE + 1.0 + (PICTURE - tall) / 2, wide, tall)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(box, image)
        layer = factor.target.layer
        painter.setPen(QColor(self.theme.border))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        wide_bar = 6.0 if layer == self.layer else 3.0
        if layer is not None and layer <= len(self.colors):
            painter.fillRect(QRectF(cell.left() + 4.0, NAME + LINE + 1.0, wide_bar, PICTURE), self.colors[layer - 1])

    def _write(self, painter: QPainter, cell: QRectF, top: float, words: str, color: str) -> QRectF:
        metrics: QFontMetrics = painter.fontMetrics()
        text = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, int(CELL - 6.0))
        painter.setPen(QColor(color))
        room = QRectF(cell.left(), top, CELL, LINE)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)
        width = metrics.horizontalAdvance(text)
        return QRectF(room.center().x() - width / 2, top, width, LINE)

    # The person at it.

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a factor, or the point below it."""
        place = self._at(event.position())
        if place is not None and event.button() is Qt.MouseButton.LeftButton:
            (self.point_chosen if event.position().y() >= POINT else self.factor_chosen).emit(place)

    def viewportEvent(self, event: QEvent) -> bool:
        """Say all of a name that is cut."""
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._at(QPointF(event.pos()))
            if place is not None:
                factor = self.factors[place]
                formula = f"{factor.symbol} = {factor.name(self.convention)}"
                QToolTip.showText(event.globalPos(), f"{formula}\nat {factor.source.formula(self.convention)}", self)
            return True
        return bool(super().viewportEvent(event))

    def event(self, event: QEvent) -> bool:
        """Claim the keys that choose a factor, before the window takes them."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._keeps(event):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the neighbour, down to the point, up to the factor, or back to the product."""
        if not self._keeps(event) or not self.factors:
            super().keyPressEvent(event)
            return
        here = self.standing.shown if self.standing.shown >= 0 else self.standing.fresh
        slot = self._slot(here) if here >= 0 else 0
        key, at_point = event.key(), self.standing.at_point
        if key == Qt.Key.Key_Escape:
            self.left.emit()
            return
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if self.standing.shown >= 0:
            slot += moves.get(Qt.Key(key), 0)
        place = self._place(min(max(slot, 0), len(self.factors) - 1))
        to_point = key == Qt.Key.Key_Down or (at_point and key != Qt.Key.Key_Up)
        (self.point_chosen if to_point else self.factor_chosen).emit(place)

    def _keeps(self, event: QKeyEvent) -> bool:
        keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Escape)
        return event.key() in keys and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scroll as far as there is something."""
        super().resizeEvent(event)
        self._measure()

    # Where things stand.

    def _slot(self, place: int) -> int:
        """Return where from the left a factor stands, or which factor stands there: it is the same."""
        return place if self.convention is Convention.COLUMNS else len(self.factors) - 1 - place

    _place = _slot

    def _left(self, place: int) -> float:
        return self._slot(place) * (CELL + APART) - bar_value(self)

    def _bring_into_sight(self, place: int) -> None:
        bar, left = self.horizontalScrollBar(), self._left(place) + bar_value(self)
        bar.setValue(round(min(max(bar.value(), left + CELL + APART - self.viewport().width()), left - APART)))

    def _at(self, spot: QPointF) -> int | None:
        slot, within = divmod(spot.x() + bar_value(self), CELL + APART)
        inside = 0 <= slot < len(self.factors) and within < CELL and spot.y() < POINT + LINE
        return self._place(int(slot)) if inside else None

    def _in_sight(self) -> range:
        first = bar_value(self) // (CELL + APART)
        last = (bar_value(self) + self.viewport().width()) // (CELL + APART) + 1
        return range(max(int(first), 0), min(int(last), len(self.factors)))

    def _measure(self) -> None:
        whole = max(len(self.factors) * (CELL + APART) - APART, 0.0)
        bar = self.horizontalScrollBar()
        bar.setRange(0, max(0, round(whole - self.viewport().width())))
        bar.setPageStep(self.viewport().width())
        bar.setSingleStep(int(CELL + APART))


def bar_value(strip: QAbstractScrollArea) -> int:
    """Return how far a strip is scrolled."""
    return strip.horizontalScrollBar().value()
