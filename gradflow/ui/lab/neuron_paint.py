"""The drawing of neurons and edges: colour is the sign, width the magnitude, and numbers stand where there is room."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gradflow.sim.lab.numerals import short
from gradflow.ui.items import cosmetic
from gradflow.ui.lab.neuron_layout import BIAS_RADIUS, FOOT, NeuronLayout
from gradflow.ui.lab.neuron_scene import FAINT, GONE, PLAIN, STRONG, Scene
from gradflow.ui.theme import SMALL_SIZE, Theme, font

LINE = 13.0
THINNEST, THICKEST = 0.8, 4.5
ALPHA = {STRONG: 1.0, PLAIN: 0.85, FAINT: 0.3, GONE: 0.12}
LABELLED = 1500
"""Of more edges only the largest are offered a number: a picture has no room for them all."""


class NeuronPainter:
    """Paints a scene; one is made for each painting."""

    def __init__(self, painter: QPainter, scene: Scene, layout: NeuronLayout, theme: Theme) -> None:
        self.painter, self.scene, self.layout, self.theme = painter, scene, layout, theme
        self.small, self.bold = font(SMALL_SIZE), font(SMALL_SIZE, bold=True)
        self.metrics = QFontMetricsF(self.small)
        sizes = [abs(edge.derivative) for edge in scene.graph.edges]
        self.sizes = [size if math.isfinite(size) else 0.0 for size in sizes]
        self.largest = max(self.sizes, default=0.0)
        # From the faintest and smallest to the strongest.
        self.order = sorted(range(len(sizes)), key=lambda e: (scene.edges[e], self.sizes[e]))

    def paint(self) -> None:
        """Paint from the back to the front."""
        self.painter.setFont(self.small)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_edges()
        for i in range(len(self.scene.graph.neurons)):
            self._paint_neuron(i)
        self._paint_labels()
        self._paint_heads()
        self._paint_legend()

    def sign_color(self, value: float) -> QColor:
        """Return the colour of a number: its sign, grey for zero, the colour of errors where it is none."""
        if not math.isfinite(value):
            return QColor(self.theme.error)
        if value == 0.0:
            return QColor(self.theme.muted)
        return QColor(self.theme.curve_second if value > 0.0 else self.theme.curve)

    # Edges.

    def _paint_edges(self) -> None:
        painter, scene, layout = self.painter, self.scene, self.layout
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for e in self.order:
            edge, seen = scene.graph.edges[e], scene.edges[e]
            color = self.sign_color(edge.derivative)
            share = math.sqrt(self.sizes[e] / self.largest) if self.largest else 0.0
            width = THINNEST + (THICKEST - THINNEST) * share if math.isfinite(edge.derivative) else THICKEST
            if seen == STRONG:
                painter.setPen(cosmetic(QColor(self.theme.text), width + 3.0))
                painter.drawPolyline(layout.polygons[e])
                painter.setPen(cosmetic(QColor(self.theme.surface), width + 1.4))
                painter.drawPolyline(layout.polygons[e])
            color.setAlphaF(ALPHA[seen])
            pen = cosmetic(color, width)
            if edge.derivative == 0.0:
                pen.setStyle(Qt.PenStyle.DotLine)
            elif edge.beyond:
                pen.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(pen)
            painter.drawPolyline(layout.polygons[e])

    def _paint_labels(self) -> None:
        """Write the numbers on the edges: those that are seen most and are largest first, the others where they fit."""
        scene = self.scene
        least = GONE if scene.walk is None and not scene.path else PLAIN
        edges = [e for e in reversed(self.order) if scene.edges[e] >= least][:LABELLED]
        words = [short(scene.graph.edges[e].derivative, 2) for e in edges]
        ground = QColor(self.theme.surface)
        for e, text, spot in zip(edges, words, self.layout.labels(edges, words, self.metrics), strict=True):
            if spot is None:
                continue
            seen = scene.edges[e]
            ground.setAlphaF(0.9)
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(ground)
            self.painter.drawRoundedRect(spot.adjusted(0.0, 1.0, 0.0, -1.0), 3.0, 3.0)
            color = self.sign_color(scene.graph.edges[e].derivative)
            color.setAlphaF(0.55 if seen <= FAINT else 1.0)
            self.painter.setPen(color)
            self.painter.setFont(self.bold if seen == STRONG and scene.walk is None else self.small)
            self.painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, text)
        self.painter.setFont(self.small)

    # Neurons.

    def _paint_neuron(self, i: int) -> None:
        painter, scene, layout, theme = self.painter, self.scene, self.layout, self.theme
        box, seen, wrong = layout.box(i), scene.neurons[i], scene.wrong[i]
        if not box.intersects(layout.area):
            return
        gradient, known = scene.gradients[i], scene.walk is None or scene.complete[i]
        radius = min(6.0, box.height() / 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.surface))
        painter.drawRoundedRect(box, radius, radius)
        fill = self.sign_color(gradient) if known and gradient != 0.0 else QColor(theme.raised)
        large = layout.height >= 20.0
        fill.setAlphaF((0.16 if large else 0.7) if gradient != 0.0 and known else 1.0)
        if seen == FAINT:
            fill.setAlphaF(fill.alphaF() * 0.5)
        frame = QColor(theme.error if wrong else theme.text if seen == STRONG else theme.border)
        painter.setBrush(fill)
        pen = cosmetic(frame, 2.0 if wrong or seen == STRONG else 1.0)
        if not known and not wrong:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(box, radius, radius)
        if i == scene.chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(cosmetic(QColor(theme.accent), 2.0))
            painter.drawRoundedRect(box.adjusted(-3.0, -3.0, 3.0, 3.0), radius + 2.0, radius + 2.0)
        if scene.graph.neurons[i].rest:
            self._paint_rest(box)
        if layout.biases_shown and not math.isnan(scene.graph.neurons[i].bias):
            self._paint_bias(i)
        self._write(i, box, seen)

    def _write(self, i: int, box: QRectF, seen: int) -> None:
        rows = int((box.height() - 2.0) // LINE)
        if rows < 1 or box.width() < 22.0:
            return
        room = box.width() - 6.0
        lines = self.scene.words(i, rows, lambda words: self.metrics.horizontalAdvance(words) <= room)
        top = box.center().y() - LINE * len(lines) / 2
        for number, (words, role) in enumerate(lines):
            color = {
                "name": QColor(self.theme.muted),
                "error": QColor(self.theme.error),
                "good": QColor(self.theme.good),
                "sign": self.sign_color(self.scene.gradients[i]),
            }.get(role, QColor(self.theme.text))
            if seen == FAINT:
                color.setAlphaF(0.55)
            if self.metrics.horizontalAdvance(words) <= box.width():
                self.painter.setPen(color)
                line = QRectF(box.left(), top + number * LINE, box.width(), LINE)
                self.painter.drawText(line, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_rest(self, box: QRectF) -> None:
        """Draw the stub of what is not shown."""
        pen = cosmetic(QColor(self.theme.muted), 1.4)
        pen.setStyle(Qt.PenStyle.DotLine)
        self.painter.setPen(pen)
        corner = QPointF(box.right() - 4.0, box.top())
        self.painter.drawLine(corner, corner + QPointF(9.0, -8.0))

    def _paint_bias(self, i: int) -> None:
        chosen = self.scene.bias and i == self.scene.chosen
        self.painter.setPen(cosmetic(QColor(self.theme.surface), 1.0))
        self.painter.setBrush(QColor(self.theme.accent if chosen else self.theme.muted))
        radius = BIAS_RADIUS + (1.5 if chosen else 0.0)
        self.painter.drawEllipse(self.layout.bias_spot(i), radius, radius)

    # What stands around.

    def _paint_heads(self) -> None:
        """Write above each column what it is, and below it how many units are not shown."""
        layout, painter = self.layout, self.painter
        ground = QColor(self.theme.surface)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillRect(QRectF(0.0, 0.0, layout.area.right() + 2.0, 31.0), ground)
        painter.fillRect(QRectF(0.0, layout.area.bottom() - FOOT + 4.0, layout.area.right() + 2.0, FOOT), ground)
        for column, x in zip(self.scene.graph.columns, layout.column_x, strict=True):
            slot = QRectF(x - layout.column_gap / 2, 2.0, layout.column_gap, 14.0)
            above = self._fitting(
                [(column.title, self.bold), (column.symbol, self.bold)] if column.kind != "loss" else [], slot.width()
            )
            after = " · ".join(filter(None, [column.function, "dropout" if column.drops else ""]))
            hidden = column.units - len(column.shown)
            if hidden and column.kind != "loss":
                after = " · ".join(filter(None, [column.function, f"{len(column.shown)} of {column.units}"]))
            self._draw(slot, above, self.theme.text)
            below = self._fitting([(after, self.small), (f"+{hidden}" if hidden else "", self.small)], slot.width())
            self._draw(slot.translated(0.0, 14.0), below, self.theme.muted)

    def _fitting(self, options: Sequence[tuple[str, object]], width: float) -> tuple[str, bool]:
        for words, kind in options:
            bold = kind is self.bold
            if QFontMetricsF(self.bold if bold else self.small).horizontalAdvance(words) <= width - 4.0:
                return words, bold
        return "", False

    def _draw(self, slot: QRectF, words: tuple[str, bool], color: str) -> None:
        self.painter.setFont(self.bold if words[1] else self.small)
        self.painter.setPen(QColor(color))
        self.painter.drawText(slot, Qt.AlignmentFlag.AlignCenter, words[0])
        self.painter.setFont(self.small)

    def _paint_legend(self) -> None:
        """Say what colour and width mean, along the foot."""
        y, x = self.layout.area.bottom() - 7.0, self.layout.area.left() + 6.0
        largest = short(self.largest, 2)
        for color, words, style in (
            (self.theme.curve_second, "∂ > 0", Qt.PenStyle.SolidLine),
            (self.theme.curve, "∂ < 0", Qt.PenStyle.SolidLine),
            (self.theme.muted, "0", Qt.PenStyle.DotLine),
            ("", f"width: |∂|, thickest {largest}", Qt.PenStyle.NoPen),
        ):
            if color:
                pen = cosmetic(QColor(color), 2.5)
                pen.setStyle(style)
                self.painter.setPen(pen)
                self.painter.drawLine(QPointF(x, y), QPointF(x + 16.0, y))
                x += 20.0
            wide = self.metrics.horizontalAdvance(words)
            if x + wide > self.layout.area.right():
                return
            self.painter.setPen(QColor(self.theme.muted))
            self.painter.drawText(QRectF(x, y - 7.0, wide + 2.0, 14.0), Qt.AlignmentFlag.AlignLeft, words)
            x += wide + 14.0
