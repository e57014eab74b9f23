"""The whole distribution behind the norms: magnitudes of activations and of gradients, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Magnitudes, Topology, Want
from gradflow.ui.items import Overlay, cosmetic
from gradflow.ui.plot import DecadeAxis, DecadeRange, Plot, WholeAxis
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

Array = NDArray[np.float64]
MOST_RIDGES = 14
OVERLAP = 1.7
GUTTER = 0.08
PAIRS = {"|a| and |δ|": ("activations", "deltas"), "|W| and |∂L/∂W|": ("weights", "weight_grads")}
"""What is shown left and right, with the names of the measurements."""

LOG10_2 = float(np.log10(2.0))


@view("distributions", "What do the layers carry, and what comes back?")
class Distributions(View):
    """How large the single numbers are: |a| going forward (left) and |δ| = |∂L/∂z| coming back (right), or
    the same for the weights and their gradients.

    One ridge per layer, counted by octaves of the magnitude on a logarithmic axis, on the current batch. Nothing is
    left out: the column at the left edge counts what is exactly zero (or has underflowed to it), the one at the right
    edge what has overflowed. Every ridge's fullest octave is equally tall; a column that tall holds all numbers.
    """

    on_dashboard = True
    wants = frozenset({Want.MAGNITUDES})
    interval_ms = SLOW_MS

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout()
        row.setSpacing(0)
        self.carried, self.returned = Ridges("|a|"), Ridges("|δ|")
        row.addWidget(self.carried, 1)
        row.addWidget(self.returned, 1)
        self.box.addLayout(row)
        self.pair = Choice()
        self.pair.addItems(list(PAIRS))
        self.pair.setAccessibleName("Which distributions")
        self.pair.setToolTip("The signal and its gradient, or the weights and theirs")
        self.pair.currentIndexChanged.connect(self._redraw)
        self.frame: Frame | None = None

    def controls(self) -> QWidget:
        """Return the choice of what is shown."""
        return self.pair

    def choice(self) -> str:
        """Return what is shown."""
        return self.pair.currentText()

    def choose(self, choice: str) -> None:
        """Show other distributions."""
        if choice in PAIRS:
            self.pair.setCurrentText(choice)

    def caption(self) -> str:
        """Return what is drawn left and right."""
        return self.choice()

    def _redraw(self) -> None:
        for panel in (self.carried, self.returned):
            panel.drawn = None
            panel.decades = DecadeRange(least=3.0)
        if self.frame:
            self.draw(self.frame)

    def reset(self, topology: Topology) -> None:
        """Do nothing yet: the last picture stands until the new run is measured, so that a drag does not flicker."""

    def draw(self, frame: Frame) -> None:
        """Draw the ridges of the latest measurement."""
        self.frame = frame
        names = self.pair.currentText().split(" and ")
        for part, name, panel in zip(PAIRS[self.choice()], names, (self.carried, self.returned), strict=True):
            magnitudes: Magnitudes | None = getattr(frame.details, part)
            if magnitudes is not None and magnitudes is not panel.drawn:
                panel.name_axes(name, "layer", self.theme)
                panel.draw(magnitudes, self.theme)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.carried.retheme(theme)
        self.returned.retheme(theme)


class Ridges(Plot):
    """One panel of ridgelines."""

    def __init__(self, label: str) -> None:
        self.axis = DecadeAxis("bottom")
        super().__init__(self.axis, WholeAxis("left", from_one=True), label, "layer")
        self.ridges = RidgeItem()
        self.add(self.ridges)
        self.decades = DecadeRange(least=3.0)
        self.drawn: Magnitudes | None = None

    def draw(self, magnitudes: Magnitudes, theme: Theme) -> None:
        """Draw the ridges of at most MOST_RIDGES layers, evenly spread and with the last among them."""
        self.drawn = magnitudes
        count = len(magnitudes.zero)
        every = -(-count // MOST_RIDGES)
        shown = np.arange((count - 1) % every, count, every, dtype=np.intp)
        colors = theme.layer_colors(count)
        self.ridges.colors = [colors[i] for i in shown]
        self.fix(y=(0.6, count + OVERLAP * every + 0.2))
        edges = (magnitudes.first + np.arange(magnitudes.counts.shape[1] + 1)) * LOG10_2
        occupied = np.flatnonzero(magnitudes.counts.any(axis=0))
        bounds = edges[[occupied[0], occupied[-1] + 1]] if len(occupied) else np.array([-1.0, 0.0])
        low, high = self.decades.include(bounds)
        below, above = magnitudes.zero, magnitudes.non_finite
        # The gutters for what has no octave appear only when something is in them.
        gutter = GUTTER * (high - low)
        left, right = gutter * bool(below.any()), gutter * bool(above.any())
        self.axis.named = ({low - gutter / 2: "0"} if left else {}) | ({high + gutter / 2: "∞"} if right else {})
        self.fix(x=(low - left, high + right))
        size = magnitudes.size[:, None]
        shares = magnitudes.counts / size
        self.ridges.set_ridges(
            baselines=shown.astype(np.float64) + 1.0,
            edges=edges,
            shares=shares[shown],
            gutters=np.stack([below, above], axis=1)[shown] / size[shown],
            gutter_at=(low - 0.85 * gutter, high + 0.15 * gutter),
            gutter_width=0.7 * gutter,
            height=OVERLAP * every,
        )

    def retheme(self, theme: Theme) -> None:
        """Take new colours; the ridges get theirs with the next frame."""
        super().retheme(theme)
        self.drawn = None


class RidgeItem(Overlay):
    """Filled outlines of histograms, the far ones painted first."""

    def __init__(self) -> None:
        super().__init__()
        self.colors: Sequence[QColor] = ()
        self._outlines: list[QPolygonF] = []
        self._gutters: list[list[QRectF]] = []

    def set_ridges(
        self,
        baselines: Array,
        edges: Array,
        shares: Array,
        gutters: Array,
        gutter_at: tuple[float, float],
        gutter_width: float,
        height: float,
    ) -> None:
        """Show one ridge per row of `shares`, its fullest octave `height` tall; a gutter with all in it is as tall."""
        self.prepareGeometryChange()
        x = np.concatenate([edges[:1], np.repeat(edges[1:-1], 2), edges[-1:]])
        self._outlines, self._gutters = [], []
        for baseline, row, gutter in zip(baselines, shares, gutters, strict=True):
            scale = height / max(float(row.max()), 1e-12)
            filled = np.flatnonzero(row)
            points = []
            if len(filled):
                span = slice(2 * filled[0], 2 * filled[-1] + 2)
                tops = baseline + scale * np.repeat(row, 2)[span]
                inside = x[span]
                points = [
                    QPointF(inside[0], baseline),
                    *(QPointF(px, py) for px, py in zip(inside, tops, strict=True)),
                    QPointF(inside[-1], baseline),
                ]
            self._outlines.append(QPolygonF(points))
            self._gutters.append(
                [
                    QRectF(at, baseline, gutter_width, height * share)
                    for at, share in zip(gutter_at, gutter, strict=True)
                    if share
                ]
            )
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Paint from the last layer down to the first, so that lower ridges stand in front."""
        for outline, gutters, color in reversed(list(zip(self._outlines, self._gutters, self.colors, strict=False))):
            fill = QColor(color)
            fill.setAlpha(150)
            painter.setPen(cosmetic(color))
            painter.setBrush(fill)
            painter.drawPolygon(outline)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            for gutter in gutters:
                painter.drawRect(gutter)
