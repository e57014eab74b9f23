"""The hero: the size of the gradient in every layer, on a logarithmic axis."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel

from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Stat, Topology
from gradflow.sim.words import spell
from gradflow.ui.items import Levels, Marks, cosmetic
from gradflow.ui.plot import DecadeAxis, DecadeRange, Plot, WholeAxis, log10_marks
from gradflow.ui.theme import Theme
from gradflow.ui.view import View, view

Array = NDArray[np.float64]


@view("profile", "How large is the gradient in each layer?")
class Profile(View):
    """Per layer, ‖δ‖ = ‖∂L/∂z‖ (discs, the layer's colour) and ‖∂L/∂W‖ (diamonds), on a logarithmic axis.

    Vanishing and exploding are slopes of δ. In ReLU and linear networks ‖∂L/∂W‖ stays flat whatever the gain, because
    the activations grow as δ shrinks (Glorot & Bengio 2010, eq. 14): look at both. A hollow mark on the floor is a
    gradient of exactly zero; a red bar is one that is not finite. The outline is another run's δ: a remedy that is
    previewed, the run before it, or one that was pinned. Hover a layer for its numbers.
    """

    on_dashboard = True
    formula = "●  ‖δₗ‖ = ‖∂L/∂zₗ‖     ◇  ‖∂L/∂Wₗ‖"

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(WholeAxis("bottom", from_one=True), DecadeAxis("left"), "layer (input → output)", "norm")
        self.plot.setMouseTracking(True)
        self.box.addWidget(self.plot)
        self.levels, self.line = Levels(), pg.PlotCurveItem()
        self.weights, self.deltas = Marks(diamond=True, radius=4.0), Marks(radius=5.0)
        self.broken = pg.PlotCurveItem(connect="pairs")
        self.pointer = pg.InfiniteLine(angle=90)
        self.pointer.hide()
        self.ghost_line, self.ghost_deltas = pg.PlotCurveItem(), Marks(radius=4.0)
        self.plot.add(
            self.levels,
            self.broken,
            self.ghost_line,
            self.ghost_deltas,
            self.line,
            self.weights,
            self.deltas,
            self.pointer,
        )
        self.ghost_chip = QLabel(self.plot)
        self.ghost_chip.setObjectName("outline")
        self.ghost_chip.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.ghost_chip.hide()
        self.zero_label = QLabel("zero", self.plot)
        self.zero_label.setObjectName("muted")
        self.zero_label.hide()
        self.readout = QLabel(self.plot)
        self.readout.setObjectName("chip")
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self.range = DecadeRange(least=3.0)
        self.layers = np.empty(0)
        self.colors: list[QColor] = []
        self.frame: Frame | None = None
        self.hovered: int | None = None
        self.plot.scene().sigMouseMoved.connect(self._hover)

    def reset(self, topology: Topology) -> None:
        """Take one colour per layer; the axis keeps its range as long as it fits."""
        count = len(topology.layers)
        self.layers = np.arange(1.0, count + 1.0)
        self.colors = self.theme.layer_colors(count)
        self.plot.fix(x=(0.4, count + 0.6))

    def draw(self, frame: Frame) -> None:
        """Place the marks."""
        self.frame = frame
        delta, delta_zero, delta_broken = log10_marks(frame.snapshot.stat(Stat.DELTA))
        weight, weight_zero, weight_broken = log10_marks(frame.snapshot.stat(Stat.WEIGHT_GRAD))
        ghost, ghost_zero = self._ghost(frame.other)
        low, high = self.range.include(np.concatenate([delta, weight, ghost]))
        any_zero = bool(delta_zero.any() or weight_zero.any() or ghost_zero.any())
        floor = low - 0.6 if any_zero else low
        self.plot.fix(y=(floor, high))
        self.levels.set_levels(self.plot.ticks("left"))
        zero_height = low - 0.3
        muted = QColor(self.theme.muted)
        self.line.setData(self.layers, delta)
        self.deltas.set_data(self.layers, np.where(delta_zero, zero_height, delta), self.colors, delta_zero)
        self.weights.set_data(
            self.layers,
            np.where(weight_zero, zero_height, weight),
            [muted] * len(weight),
            np.ones(len(weight), bool),
        )
        self._draw_ghost(frame.other, ghost, np.where(ghost_zero, zero_height, ghost))
        bars = np.repeat(self.layers[delta_broken | weight_broken], 2)
        self.broken.setData(bars, np.tile([floor, high], len(bars) // 2))
        self.zero_label.setVisible(any_zero)
        if any_zero:
            self._place_zero_label(zero_height)
        if self.hovered is not None:
            self._read_out(self.hovered)

    def _ghost(self, other: Frame | None) -> tuple[Array, NDArray[np.bool_]]:
        """Return log₁₀ ‖δ‖ of the second run, which may have other layers, and where it is exactly zero."""
        logs, zero, _ = log10_marks(other.snapshot.stat(Stat.DELTA) if other else np.empty(0))
        return logs, zero

    def _draw_ghost(self, other: Frame | None, logs: Array, heights: Array) -> None:
        """Outline the second run by layer number, and say which it is."""
        layers = np.arange(1.0, len(logs) + 1.0)
        self.ghost_line.setData(layers, logs)
        muted = [QColor(self.theme.muted)] * len(logs)
        self.ghost_deltas.set_data(layers, heights, muted, np.ones(len(logs), bool))
        # A deeper run needs more room.
        most = max(len(self.layers), len(logs))
        self.plot.fix(x=(0.4, most + 0.6))
        self.ghost_chip.setVisible(other is not None)
        if other is not None:
            end = ", diverged" if not other.snapshot.finite else ""
            self.ghost_chip.setText(f"outline: {other.label or 'another run'}, step {other.snapshot.step}{end}")
            self.ghost_chip.adjustSize()
            left = self.plot.view_box.mapViewToScene(QPointF(0.4, 0.0)).x()
            self.ghost_chip.move(int(left) + 8, 8)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.levels.retheme(theme)
        self.line.setPen(cosmetic(QColor(theme.border)))
        outline = QColor(theme.muted)
        outline.setAlpha(120)
        self.ghost_line.setPen(cosmetic(outline))
        self.broken.setPen(cosmetic(QColor(theme.error), 3.0))
        self.pointer.setPen(cosmetic(QColor(theme.muted)))
        self.colors = theme.layer_colors(len(self.layers))

    def _place_zero_label(self, height: float) -> None:
        spot = self.plot.view_box.mapViewToScene(QPointF(self.plot.view_box.viewRange()[0][0], height))
        self.zero_label.adjustSize()
        self.zero_label.move(int(spot.x()) - self.zero_label.width() - 6, int(spot.y()) - self.zero_label.height() // 2)

    def leaveEvent(self, event: object) -> None:
        """Forget the hovered layer."""
        self.hovered = None
        self.pointer.hide()
        self.readout.hide()

    def _hover(self, position: QPointF) -> None:
        view_box = self.plot.view_box
        if self.frame is None or not view_box.sceneBoundingRect().contains(position):
            self.leaveEvent(None)
            return
        layer = round(view_box.mapSceneToView(position).x())
        self.hovered = min(max(layer, 1), len(self.layers)) - 1
        self._read_out(self.hovered)

    def _read_out(self, index: int) -> None:
        """Show one layer's numbers beside the cursor line."""
        if self.frame is None or index >= len(self.layers):
            return
        snapshot, layer = self.frame.snapshot, self.frame.topology.layers[index]
        delta, weight = snapshot.stat(Stat.DELTA), snapshot.stat(Stat.WEIGHT_GRAD)
        lines = [
            f"<b>layer {layer.number}</b> · {layer.name} · {layer.inputs} → {layer.units}",
            f"‖δ‖ = {spell(delta[index])}   ‖∂L/∂W‖ = {spell(weight[index])}",
        ]
        if index + 1 < len(delta) and delta[index + 1] > 0:
            lines.append(f"×{delta[index] / delta[index + 1]:.3g} from layer {layer.number + 1}")
        self.readout.setText("<br>".join(lines))
        self.readout.adjustSize()
        self.pointer.setValue(index + 1)
        self.pointer.show()
        x = self.plot.view_box.mapViewToScene(QPointF(index + 1.0, 0.0)).x()
        left = x + 12 if x + 24 + self.readout.width() < self.plot.width() else x - 12 - self.readout.width()
        self.readout.move(int(left), 8)
        self.readout.show()
        self.readout.raise_()
