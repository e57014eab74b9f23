"""The edges between neurons: colour is the sign, width the magnitude; numbers stand where they can be read."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gradflow.ui.items import cosmetic
from gradflow.ui.lab.neuron_inks import Inks
from gradflow.ui.lab.neuron_layout import NeuronLayout
from gradflow.ui.lab.neuron_scene import FAINT, GONE, PLAIN, STRONG, Scene
from gradflow.ui.theme import Theme

THINNEST, THICKEST = 0.8, 4.5
WEIGHT = {STRONG: 1.0, PLAIN: 1.0, FAINT: 0.35, GONE: 0.14}
"""How much of an edge's colour is left."""
LEVELS = 12
"""So many widths and depths there are: edges of one kind are drawn in one go."""
CROWDED = 60
DENSE, FINE = 1500, 0.5
"""Of more edges those below this share of the largest are drawn without smoothing: they are thin, pale, and many."""
SPARSE = 24
"""Up to so many edges between two columns all are offered a number, of more the chosen neuron's and the largest."""
APART = 110.0
"""In a crowd one of the largest for so many pixels of height, which grows where the drawing is enlarged."""

Kind = tuple[int, int, str, int]
SOLID, DASHED, DOTTED = range(3)


class EdgePainter:
    """Paints the edges of a scene, and then their numbers."""

    def __init__(self, painter: QPainter, scene: Scene, layout: NeuronLayout, inks: Inks) -> None:
        self.painter, self.scene, self.layout, self.inks = painter, scene, layout, inks
        sizes = [abs(edge.derivative) for edge in scene.graph.edges]
        self.sizes = [size if math.isfinite(size) else 0.0 for size in sizes]
        self.largest = max(self.sizes, default=0.0)
        self.thickest = min(THICKEST, max(1.6, (layout.column_gap - layout.width) / 16.0))
        self.crowded = len(sizes) > CROWDED
        self.own = set(scene.own_edges)
        self.few_strong = sum(seen == STRONG for seen in scene.edges) <= SPARSE

    def paint_lines(self) -> None:
        """Paint from the faintest and smallest to the strongest, all of one kind at once."""
        groups: dict[Kind, list[QLineF]] = {}
        for e, edge in enumerate(self.scene.graph.edges):
            share = self.sizes[e] / self.largest if self.largest else 0.0
            if not math.isfinite(edge.derivative):
                share = 1.0
            style = DOTTED if edge.derivative == 0.0 else DASHED if edge.beyond else SOLID
            seen = self.scene.edges[e]
            # The chosen neuron's own edges stand out from a crowd.
            rank = 10 * seen + (5 if e in self.own and seen == PLAIN else 0)
            kind = (rank, math.ceil(share * LEVELS), self.inks.sign(edge.derivative), style)
            groups.setdefault(kind, []).extend(self.layout.strokes[e])
        for kind in sorted(groups):
            self._paint_group(kind, groups[kind])

    def _paint_group(self, kind: Kind, lines: list[QLineF]) -> None:
        rank, level, color, style = kind
        seen, own, share = rank // 10, rank % 10 > 0, level / LEVELS
        width = THINNEST + (self.thickest - THINNEST) * (share if self.crowded else math.sqrt(share))
        if seen == STRONG and self.few_strong:
            self._draw(cosmetic(QColor(self.inks.theme.text), width + 3.0), lines)
            self._draw(cosmetic(QColor(self.inks.theme.surface), width + 1.4), lines)
        # In a crowd the large ones stand out from the small ones.
        depth = 0.2 + 0.8 * share if self.crowded and seen != STRONG and not own else 1.0
        pen = cosmetic(self.inks.mixed(color, WEIGHT[seen] * depth), max(width, 1.4) if own else width)
        if style != SOLID:
            pen.setStyle(Qt.PenStyle.DashLine if style == DASHED else Qt.PenStyle.DotLine)
        rough = len(self.sizes) > DENSE and share <= FINE and seen != STRONG and not own
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing, not rough)
        self._draw(cosmetic(pen.color(), 1.0) if rough else pen, lines)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _draw(self, pen: QPen, lines: list[QLineF]) -> None:
        self.painter.setPen(pen)
        self.painter.drawLines(lines)

    def paint_numbers(self) -> None:
        """Write the numbers of the edges that are offered one, where they fit between each other."""
        painter, ground = self.painter, QColor(self.inks.theme.surface)
        for e, spot in self.layout.labels(list(self.offered()), self.scene.chosen):
            painter.fillRect(spot, ground)
            faint = self.scene.edges[e] <= FAINT
            color = self.inks.sign(self.scene.graph.edges[e].derivative)
            painter.setPen(self.inks.mixed(color, 0.5 if faint else 1.0))
            words, text = self.layout.edge_words[e]
            if painter.font() != text.font:
                painter.setFont(text.font)
            text.centre(painter, spot.center().x(), spot.center().y(), words)

    def offered(self) -> Iterator[int]:
        """Yield the edges that may have a number, the most important first."""
        scene, edges, neurons = self.scene, self.scene.graph.edges, self.scene.graph.neurons
        columns = [neurons[edge.target].column for edge in edges]
        crowd = Counter(columns)
        least = GONE if scene.walk is None and not scene.path else PLAIN
        given: Counter[int] = Counter()
        heights = self.layout.middles[:, 1]
        few = max(int((heights.max() - heights.min()) / APART), 2)
        order = sorted(
            (e for e in range(len(edges)) if scene.edges[e] >= least),
            key=lambda e: (scene.edges[e] == STRONG, e in self.own, scene.edges[e], self.sizes[e]),
            reverse=True,
        )
        for e in order:
            sure = e in self.own or (scene.edges[e] == STRONG and self.few_strong)
            if sure or crowd[columns[e]] <= SPARSE:
                yield e
            elif scene.edges[e] >= PLAIN and given[columns[e]] < few:
                given[columns[e]] += 1
                yield e


def paint_hovered(painter: QPainter, layout: NeuronLayout, edge: int, theme: Theme) -> None:
    """Mark the edge under the mouse."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for color, width in ((theme.surface, 6.0), (theme.text, 2.5)):
        painter.setPen(cosmetic(QColor(color), width))
        painter.drawLines(layout.strokes[edge])
