"""The edges between neurons: colour is the sign, width the magnitude; numbers stand where they can be read."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gradflow.ui.items import cosmetic
from gradflow.ui.lab.neuron_inks import Inks
from gradflow.ui.lab.neuron_layout import LABELS, NeuronLayout
from gradflow.ui.lab.neuron_scene import FAINT, GONE, PLAIN, STRONG, Scene
from gradflow.ui.theme import Theme

THINNEST, THICKEST = 0.8, 4.5
WEIGHT = {STRONG: 1.0, PLAIN: 1.0, FAINT: 0.35, GONE: 0.14}
"""How much of an edge's colour is left."""
LEVELS = 12
"""So many widths and depths there are: edges of one kind are drawn in one go."""
CROWDED = 60
DENSE, FINE = 400, 0.5
"""Of more edges those below this share of the largest are drawn without smoothing: they are thin, pale, and many."""
SPARSE = 24
"""Up to so many edges between two columns all are offered a number, of more the chosen neuron's and the largest."""
APART = 110.0
"""In a crowd one of the largest for so many pixels of height, which grows where the drawing is enlarged."""

SOLID, DASHED, DOTTED = range(3)


class EdgePainter:
    """Paints the edges of a scene, and then their numbers."""

    def __init__(self, painter: QPainter, scene: Scene, layout: NeuronLayout, inks: Inks) -> None:
        self.painter, self.scene, self.layout, self.inks = painter, scene, layout, inks
        self.arrays, self.seen, self.own = scene.graph.arrays, scene.edges, scene.own
        self.largest = float(self.arrays.sizes.max(initial=0.0))
        self.thickest = min(THICKEST, max(1.6, (layout.column_gap - layout.width) / 16.0))
        self.crowded = len(self.seen) > CROWDED
        strong = self.seen == STRONG
        self.few_strong = int(strong.sum()) <= SPARSE
        # What is meant is drawn in any crowd.
        meant = self.own | strong if self.few_strong else self.own
        self.drawn = np.union1d(layout.drawn, np.flatnonzero(meant))

    def paint_lines(self) -> None:
        """Paint from the faintest and smallest to the strongest, all of one kind at once."""
        drawn, derivatives = self.drawn, self.arrays.derivatives[self.drawn]
        shares = self.arrays.sizes[drawn] / self.largest if self.largest else np.zeros(len(drawn))
        levels = np.ceil(np.where(np.isfinite(derivatives), shares, 1.0) * LEVELS).astype(int)
        styles = np.where(derivatives == 0.0, DOTTED, np.where(self.arrays.beyond[drawn], DASHED, SOLID))
        # The chosen neuron's own edges stand out from a crowd.
        own = self.own[drawn] & (self.seen[drawn] == PLAIN)
        kinds = np.stack([self.seen[drawn], own, levels, np.sign(np.nan_to_num(derivatives)), styles])
        order = np.lexsort(kinds[::-1])
        if not len(order):
            return
        kinds, edges = kinds[:, order], drawn[order]
        begins = np.flatnonzero(np.any(np.diff(kinds, axis=1, prepend=-9) != 0, axis=0))
        for begin, end in zip(begins, [*begins[1:], len(edges)], strict=True):
            group = edges[begin:end].tolist()
            lines = [line for e in group for line in self.layout.strokes(e)]
            seen, mine, level, _, style = kinds[:, begin].astype(int).tolist()
            color = self.inks.sign(self.scene.graph.edges[group[0]].derivative)
            self._paint_group(lines, color, seen, mine > 0, level / LEVELS, style)

    def _paint_group(self, lines: list[QLineF], color: str, seen: int, own: bool, share: float, style: int) -> None:
        width = THINNEST + (self.thickest - THINNEST) * (share if self.crowded else math.sqrt(share))
        if seen == STRONG and self.few_strong:
            self._draw(cosmetic(QColor(self.inks.theme.text), width + 3.0), lines)
            self._draw(cosmetic(QColor(self.inks.theme.surface), width + 1.4), lines)
        # In a crowd the large ones stand out from the small ones.
        depth = 0.2 + 0.8 * share if self.crowded and seen != STRONG and not own else 1.0
        pen = cosmetic(self.inks.mixed(color, WEIGHT[seen] * depth), max(width, 1.4) if own else width)
        if style != SOLID:
            pen.setStyle(Qt.PenStyle.DashLine if style == DASHED else Qt.PenStyle.DotLine)
        rough = len(self.drawn) > DENSE and share <= FINE and not own and not (seen == STRONG and self.few_strong)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing, not rough)
        self._draw(cosmetic(pen.color(), 1.0) if rough else pen, lines)
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _draw(self, pen: QPen, lines: list[QLineF]) -> None:
        self.painter.setPen(pen)
        self.painter.drawLines(lines)

    def paint_numbers(self) -> None:
        """Write the numbers of the edges that are offered one, where they fit between each other."""
        painter, ground, text = self.painter, QColor(self.inks.theme.surface), LABELS()
        painter.setFont(text.font)
        for e, spot in self.layout.labels(self.offered(), self.scene.chosen):
            painter.fillRect(spot, ground)
            color = self.inks.sign(self.scene.graph.edges[e].derivative)
            painter.setPen(self.inks.mixed(color, 0.5 if self.seen[e] <= FAINT else 1.0))
            text.centre(painter, spot.center().x(), spot.center().y(), self.layout.edge_words(e))

    def offered(self) -> list[int]:
        """Return the edges that may have a number, the most important first."""
        columns = self.arrays.column[self.arrays.targets]
        crowd = np.bincount(columns)
        least = GONE if self.scene.walk is None and not self.scene.path else PLAIN
        drawn = self.drawn[self.seen[self.drawn] >= least]
        strong, own, seen = self.seen[drawn] == STRONG, self.own[drawn], self.seen[drawn]
        order = np.lexsort((self.arrays.sizes[drawn], seen, own, strong))[::-1]
        sure = own | (strong if self.few_strong else False) | (crowd[columns[drawn]] <= SPARSE)
        heights = self.layout.middles[:, 1]
        few = max(int((heights.max() - heights.min()) / APART), 2)
        given = np.zeros(len(crowd), int)
        found = []
        for i in order.tolist():
            column = columns[drawn[i]]
            if sure[i] or (seen[i] >= PLAIN and given[column] < few):
                found.append(int(drawn[i]))
                given[column] += not sure[i]
        return found


def paint_hovered(painter: QPainter, layout: NeuronLayout, edge: int, theme: Theme) -> None:
    """Mark the edge under the mouse."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for color, width in ((theme.surface, 6.0), (theme.text, 2.5)):
        painter.setPen(cosmetic(QColor(color), width))
        painter.drawLines(layout.strokes(edge))
