"""The drawing of neurons and edges: colour is the sign, width the magnitude, and numbers stand where there is room."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from gradflow.sim.lab.numerals import short
from gradflow.ui.items import cosmetic
from gradflow.ui.lab.neuron_layout import BIAS_RADIUS, FOOT, NeuronLayout
from gradflow.ui.lab.neuron_scene import FAINT, GONE, PLAIN, STRONG, Scene
from gradflow.ui.theme import SMALL_SIZE, Theme, font

LINE = 13.0
NUMBERED, LETTERED = 34.0, 58.0
"""From which width on there are numbers in a neuron, and letters before them."""
THINNEST, THICKEST = 0.8, 4.5
WEIGHT = {STRONG: 1.0, PLAIN: 1.0, FAINT: 0.35, GONE: 0.14}
"""How much of an edge's colour is left."""
CROWDED = 60
LABELLED = 600
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
        self.thickest = min(THICKEST, max(1.6, (layout.column_gap - layout.width) / 16.0))
        self._mixed: dict[tuple[str, int], QColor] = {}
        self._widths: dict[str, float] = {}
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

    def sign(self, value: float) -> str:
        """Return the colour of a number: its sign, grey for zero, the colour of errors where it is none."""
        if not math.isfinite(value):
            return self.theme.error
        if value == 0.0:
            return self.theme.muted
        return self.theme.curve_second if value > 0.0 else self.theme.curve

    def mixed(self, color: str, share: float) -> QColor:
        """Return a colour mixed with the ground: opaque, because see-through lines take seven times as long."""
        step = round(share * 32)
        if (color, step) not in self._mixed:
            ink, ground = QColor(color), QColor(self.theme.surface)
            pairs = (ink.red(), ground.red()), (ink.green(), ground.green()), (ink.blue(), ground.blue())
            self._mixed[color, step] = QColor(*(round(under + (over - under) * step / 32) for over, under in pairs))
        return self._mixed[color, step]

    def width(self, words: str) -> float:
        """Return how wide words are: the characters one by one, because asking for whole words takes too long."""
        known = self._widths
        total = 0.0
        for character in words:
            if character not in known:
                known[character] = self.metrics.horizontalAdvance(character)
            total += known[character]
        return total

    # Edges.

    def _paint_edges(self) -> None:
        scene = self.scene
        crowded = len(self.order) > CROWDED
        for e in self.order:
            edge, seen = scene.graph.edges[e], scene.edges[e]
            share = self.sizes[e] / self.largest if self.largest else 0.0
            width = THINNEST + (self.thickest - THINNEST) * (share if crowded else math.sqrt(share))
            if not math.isfinite(edge.derivative):
                width, share = self.thickest, 1.0
            if seen == STRONG:
                self._stroke(e, cosmetic(QColor(self.theme.text), width + 3.0))
                self._stroke(e, cosmetic(QColor(self.theme.surface), width + 1.4))
            # In a crowd the large ones stand out from the small ones.
            depth = 0.3 + 0.7 * math.sqrt(share) if crowded and seen != STRONG else 1.0
            pen = cosmetic(self.mixed(self.sign(edge.derivative), WEIGHT[seen] * depth), width)
            if edge.derivative == 0.0:
                pen.setStyle(Qt.PenStyle.DotLine)
            elif edge.beyond:
                pen.setStyle(Qt.PenStyle.DashLine)
            self._stroke(e, pen)

    def _stroke(self, edge: int, pen: QPen) -> None:
        self.painter.setPen(pen)
        for line in self.layout.strokes[edge]:
            self.painter.drawLine(line)

    def _paint_labels(self) -> None:
        """Write the numbers on the edges: those that are seen most and are largest first, the others where they fit."""
        scene, painter = self.scene, self.painter
        least = GONE if scene.walk is None and not scene.path else PLAIN
        edges = [e for e in reversed(self.order) if scene.edges[e] >= least][:LABELLED]
        words = [self.layout.edge_words[e] for e in edges]
        widths = [self.width(text) + 4.0 for text in words]
        ground = QColor(self.theme.surface)
        for e, text, spot in zip(edges, words, self.layout.labels(edges, widths), strict=True):
            if spot is None:
                continue
            painter.fillRect(spot.adjusted(0.0, 1.0, 0.0, -1.0), ground)
            faint = scene.edges[e] <= FAINT
            painter.setPen(self.mixed(self.sign(scene.graph.edges[e].derivative), 0.5 if faint else 1.0))
            painter.drawText(spot, Qt.AlignmentFlag.AlignCenter, text)

    # Neurons.

    def _paint_neuron(self, i: int) -> None:
        painter, scene, layout, theme = self.painter, self.scene, self.layout, self.theme
        box, seen, wrong = layout.box(i), scene.neurons[i], scene.wrong[i]
        if not box.intersects(layout.area):
            return
        gradient, known = scene.gradients[i], scene.walk is None or scene.complete[i]
        radius = min(6.0, box.height() / 3)
        fill = QColor(theme.raised)
        if known and gradient != 0.0:
            tint = 0.18 if layout.height >= 20.0 else 0.7
            fill = self.mixed(self.sign(gradient), tint * (0.4 if seen == FAINT else 1.0))
        frame = QColor(theme.error if wrong else theme.text if seen == STRONG else theme.border)
        painter.setBrush(fill)
        pen = cosmetic(frame, 2.0 if wrong or seen == STRONG else 1.0)
        if not known and not wrong:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(box, radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if i == scene.chosen:
            painter.setPen(cosmetic(QColor(theme.accent), 2.0))
            painter.drawRoundedRect(box.adjusted(-3.0, -3.0, 3.0, 3.0), radius + 2.0, radius + 2.0)
        if scene.graph.neurons[i].rest:
            self._paint_rest(box)
        if layout.biases_shown and not math.isnan(scene.graph.neurons[i].bias):
            self._paint_bias(i)
        self._write(i, box, seen)

    def _write(self, i: int, box: QRectF, seen: int) -> None:
        rows = int((box.height() - 2.0) // LINE)
        if rows < 1:
            return
        room = box.width() - 2.0
        if box.width() >= NUMBERED:
            letters = box.width() >= LETTERED
            lines = self.scene.words(i, rows, lambda words: self.width(words) <= room, letters)
        else:
            lines = [(self.scene.graph.neurons[i].name, "name")]
        top = box.center().y() - LINE * len(lines) / 2
        inks = {
            "name": self.theme.muted,
            "error": self.theme.error,
            "good": self.theme.good,
            "sign": self.sign(self.scene.gradients[i]),
        }
        for number, (words, role) in enumerate(lines):
            if self.width(words) <= box.width():
                self.painter.setPen(self.mixed(inks.get(role, self.theme.text), 0.55 if seen == FAINT else 1.0))
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
        columns = self.scene.graph.columns
        bold = QFontMetricsF(self.bold)
        # All by their names, or all by their symbols.
        named = all(bold.horizontalAdvance(column.title) <= layout.column_gap - 4.0 for column in columns)
        for column, x in zip(columns, layout.column_x, strict=True):
            if column.kind == "loss":
                continue
            slot = QRectF(x - layout.column_gap / 2, 2.0, layout.column_gap, 14.0)
            painter.setFont(self.bold)
            painter.setPen(QColor(self.theme.text))
            painter.drawText(slot, Qt.AlignmentFlag.AlignCenter, column.title if named else column.symbol)
            hidden = column.units - len(column.shown)
            shown = f"{len(column.shown)} of {column.units}" if hidden else "dropout" if column.drops else ""
            full = " · ".join(filter(None, [column.function, shown]))
            painter.setFont(self.small)
            painter.setPen(QColor(self.theme.muted))
            options = (full, shown if hidden else column.function, f"+{hidden}" if hidden else "")
            words = next((words for words in options if self.width(words) <= slot.width() - 4.0), "")
            painter.drawText(slot.translated(0.0, 14.0), Qt.AlignmentFlag.AlignCenter, words)

    def _about_neurons(self) -> str:
        """Say what stands in a neuron, where letters do not."""
        if not NUMBERED <= self.layout.width < LETTERED:
            return ""
        delta = f"∂{self.scene.graph.target_name}/∂z"
        return f"neuron: z, a, {delta}" if self.layout.height >= 3 * LINE + 2.0 else f"neuron: z, {delta}"

    def _paint_legend(self) -> None:
        """Say what colour and width mean, along the foot."""
        y, x = self.layout.area.bottom() - 7.0, self.layout.area.left() + 6.0
        largest = short(self.largest, 2)
        for color, words, style in (
            (self.theme.curve_second, "∂ > 0", Qt.PenStyle.SolidLine),
            (self.theme.curve, "∂ < 0", Qt.PenStyle.SolidLine),
            (self.theme.muted, "0", Qt.PenStyle.DotLine),
            ("", f"width: |∂|, thickest {largest}", Qt.PenStyle.NoPen),
            ("", self._about_neurons(), Qt.PenStyle.NoPen),
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
