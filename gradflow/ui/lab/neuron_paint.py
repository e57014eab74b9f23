"""The drawing of neurons: colour is the gradient's sign; numbers and names stand where there is room."""

from __future__ import annotations

import math
from typing import NamedTuple

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from gradflow.sim.lab.neuron_graph import Column
from gradflow.sim.lab.numerals import short
from gradflow.sim.words import counted
from gradflow.ui.items import cosmetic
from gradflow.ui.lab.edge_paint import EdgePainter
from gradflow.ui.lab.neuron_inks import Inks
from gradflow.ui.lab.neuron_layout import BIAS_RADIUS, FOOT, LEAST_SIZE, NeuronLayout
from gradflow.ui.lab.neuron_scene import FAINT, STRONG, Scene
from gradflow.ui.lab.small_words import SmallWords, small_words
from gradflow.ui.theme import SMALL_SIZE, Theme, font

SIZES = (SMALL_SIZE, LEAST_SIZE)
"""A number that has no room is written smaller before it is written with fewer digits."""
CORNER, ROUND = 6.0, 22.0
"""The radius of a box's corners, and from which height on they are round."""
USUAL = "−0.0312"
WRITTEN, NUMBERED, LETTERED = 16.0, 32.0, 66.0
"""From which width on there are names in a neuron, numbers, and letters before these."""


class _Box(NamedTuple):
    """How a neuron's box looks: a colour and how much of it, its frame."""

    color: str
    share: float
    frame: str
    width: float
    dashed: bool

    @property
    def plain(self) -> bool:
        """Whether the frame has nothing to say."""
        return self.width == 1.0 and not self.dashed


class NeuronPainter:
    """Paints a scene; one is made for each painting."""

    def __init__(self, painter: QPainter, scene: Scene, layout: NeuronLayout, theme: Theme) -> None:
        self.painter, self.scene, self.layout, self.theme = painter, scene, layout, theme
        self.inks = Inks(theme)
        self.edges = EdgePainter(painter, scene, layout, self.inks)
        self.words = small_words()
        self.bold = font(SMALL_SIZE, bold=True)
        self.texts = [small_words(size) for size in SIZES]
        self.room = layout.width - 3.0
        usual = next((text for text in self.texts if text.room_for(USUAL) <= self.room), self.texts[-1])
        # All neurons have one size, and smaller words only where these do not fit.
        self.texts = self.texts[self.texts.index(usual) :]
        self.line = usual.height
        self.rows = max(int((layout.height + 1.0) // self.line), 0)

    def paint(self) -> None:
        """Paint from the back to the front."""
        self.painter.setFont(self.words.font)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.edges.paint_lines()
        neurons = self.layout.in_sight
        self._paint_boxes(neurons)
        self._write_in(neurons)
        self.edges.paint_numbers()
        self._paint_heads()
        self._paint_legend()

    # Neurons.

    def _paint_boxes(self, neurons: list[int]) -> None:
        """Paint the boxes, all of one look at once, and what stands at their corners."""
        painter, layout, scene = self.painter, self.layout, self.scene
        groups: dict[_Box, list[QRectF]] = {}
        for i in neurons:
            groups.setdefault(self._look(i), []).append(layout.box(i))
        # Of small boxes nobody sees the corners, nor a frame that says nothing.
        small = layout.height < ROUND
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, not small)
        for look, boxes in groups.items():
            pen = cosmetic(QColor(look.frame), look.width)
            if look.dashed:
                pen.setStyle(Qt.PenStyle.DashLine)
            painter.setPen(Qt.PenStyle.NoPen if small and look.plain else pen)
            painter.setBrush(self.inks.mixed(look.color, look.share))
            if small:
                painter.drawRects(boxes)
            for box in () if small else boxes:
                painter.drawRoundedRect(box, CORNER, CORNER)
        self._paint_rests([layout.box(i) for i in neurons if scene.graph.neurons[i].rest])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if scene.chosen is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(cosmetic(QColor(self.theme.accent), 2.0))
            painter.drawRoundedRect(layout.box(scene.chosen).adjusted(-3.0, -3.0, 3.0, 3.0), CORNER + 2.0, CORNER + 2.0)
        if layout.biases_shown:
            self._paint_biases([i for i in neurons if not math.isnan(scene.graph.neurons[i].bias)])

    def _look(self, i: int) -> _Box:
        scene, theme = self.scene, self.theme
        seen, wrong, gradient = scene.neurons[i], scene.wrong[i], scene.gradients[i]
        known = scene.walk is None or scene.complete[i]
        color, share = theme.raised, 1.0
        if known and gradient != 0.0:
            tint = 0.18 if self.rows > 1 else 0.4 if self.rows else 0.7
            color, share = self.inks.sign(gradient), tint * (0.4 if seen == FAINT else 1.0)
        frame = theme.error if wrong else theme.text if seen == STRONG else theme.border
        return _Box(color, share, frame, 2.0 if wrong or seen == STRONG else 1.0, not known and not wrong)

    def _write_in(self, neurons: list[int]) -> None:
        """Write what the neurons are, size by size: to change the font for each word takes long."""
        if not self.rows or self.room < WRITTEN:
            return
        lines: dict[SmallWords, list[tuple[float, float, str, QColor]]] = {}
        inks = {
            "name": self.theme.muted if self.rows > 1 else self.theme.text,
            "error": self.theme.error,
            "good": self.theme.good,
        }
        for i in neurons:
            box, faint = self.layout.box(i), self.scene.neurons[i] == FAINT
            told = self._lines(i)
            y = box.center().y() - self.line * (len(told) - 1) / 2
            for words, role in told:
                text = next((text for text in self.texts if text.room_for(words) <= self.room), None)
                color = self.inks.sign(self.scene.gradients[i]) if role == "sign" else inks.get(role, self.theme.text)
                if text:
                    ink = self.inks.mixed(color, 0.55 if faint else 1.0)
                    lines.setdefault(text, []).append((box.center().x(), y, words, ink))
                y += self.line
        for text, found in lines.items():
            self.painter.setFont(text.font)
            for x, y, words, ink in found:
                self.painter.setPen(ink)
                text.centre(self.painter, x, y, words)
        self.painter.setFont(self.words.font)

    def _lines(self, i: int) -> list[tuple[str, str]]:
        if self.layout.width < NUMBERED:
            return [(self.scene.graph.neurons[i].name, "name")]
        # In a walk the numbers change from step to step.
        known = self.layout.written if self.scene.walk is None else {}
        if i not in known:
            known[i] = self.scene.words(i, self.rows, self._fits, self.layout.width >= LETTERED)
        return known[i]

    def _fits(self, words: str) -> bool:
        return self.texts[-1].room_for(words) <= self.room

    def _paint_rests(self, boxes: list[QRectF]) -> None:
        """Draw the stubs of what is not shown."""
        pen = cosmetic(QColor(self.theme.muted), 1.4)
        if self.layout.height >= ROUND:
            pen.setStyle(Qt.PenStyle.DotLine)
        self.painter.setPen(pen)
        reach = min(self.layout.height / 4, 8.0)
        corners = [(box.right() - 4.0, box.top()) for box in boxes]
        self.painter.drawLines([QLineF(x, y, x + 1.1 * reach, y - reach) for x, y in corners])

    def _paint_biases(self, neurons: list[int]) -> None:
        self.painter.setPen(cosmetic(QColor(self.theme.surface), 1.0))
        for i in neurons:
            chosen = self.scene.bias and i == self.scene.chosen
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
        named = all(bold.horizontalAdvance(_head(column)) <= layout.column_gap - 4.0 for column in columns)
        for column, x in zip(columns, layout.column_x, strict=True):
            if column.kind == "loss":
                continue
            slot = QRectF(x - layout.column_gap / 2, 2.0, layout.column_gap, 14.0)
            painter.setFont(self.bold)
            painter.setPen(QColor(self.theme.text))
            painter.drawText(slot, Qt.AlignmentFlag.AlignCenter, _head(column) if named else column.symbol)
            hidden = column.units - len(column.shown)
            shown = f"{len(column.shown)} of {column.units}" if hidden else "dropout" if column.drops else ""
            full = " · ".join(filter(None, [column.function, shown]))
            painter.setFont(self.words.font)
            painter.setPen(QColor(self.theme.muted))
            options = (full, shown if hidden else column.function, f"+{hidden}" if hidden else "")
            words = next((words for words in options if self.words.room_for(words) <= slot.width() - 4.0), "")
            painter.drawText(slot.translated(0.0, 14.0), Qt.AlignmentFlag.AlignCenter, words)

    def _about_neurons(self) -> str:
        """Say what stands in a neuron, where letters do not."""
        if self.layout.width < NUMBERED or self.layout.width >= LETTERED:
            return ""
        delta = f"∂{self.scene.graph.target_name}/∂z"
        told = (
            ("name", "z", "a", delta) if self.rows > 3 else ("name", "z", delta) if self.rows > 2 else ("name", delta)
        )
        return f"neuron: {', '.join(told)}" if self.rows > 1 else ""

    def _about_edges(self) -> str:
        """Say how many edges are drawn, where that are not all."""
        drawn, all_of_them = len(self.layout.drawn), len(self.layout.edges_in_sight)
        return f"the {counted(drawn)} largest of {counted(all_of_them)} edges" if drawn < all_of_them else ""

    def _paint_legend(self) -> None:
        """Say what colour and width mean, along the foot."""
        y, x = self.layout.area.bottom() - 7.0, self.layout.area.left() + 6.0
        largest = short(self.edges.largest, 2)
        for color, words, style in (
            (self.theme.curve_second, "∂ > 0", Qt.PenStyle.SolidLine),
            (self.theme.curve, "∂ < 0", Qt.PenStyle.SolidLine),
            (self.theme.muted, "0", Qt.PenStyle.DotLine),
            ("", f"width: |∂|, thickest {largest}", Qt.PenStyle.NoPen),
            ("", self._about_edges(), Qt.PenStyle.NoPen),
            ("", self._about_neurons(), Qt.PenStyle.NoPen),
        ):
            if not words:
                continue
            if color:
                pen = cosmetic(QColor(color), 2.5)
                pen.setStyle(style)
                self.painter.setPen(pen)
                self.painter.drawLine(QPointF(x, y), QPointF(x + 16.0, y))
                x += 20.0
            wide = self.words.width(words)
            if x + wide > self.layout.area.right():
                return
            self.painter.setPen(QColor(self.theme.muted))
            self.painter.drawText(QRectF(x, y - 7.0, wide + 2.0, 14.0), Qt.AlignmentFlag.AlignLeft, words)
            x += wide + 14.0


def _head(column: Column) -> str:
    """Return what a column is, with its symbol."""
    return f"{column.title} · {column.symbol}"
