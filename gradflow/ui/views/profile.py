"""The hero: the size of the gradient in every layer, on a logarithmic axis."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
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

BAND = 36
"""How opaque the band of a selected layer is."""


@view("profile", "How large is the gradient in each layer?")
class Profile(View):
    """Per layer, ‖δ‖ = ‖∂L/∂z‖ (discs, the layer's colour) and ‖∂L/∂W‖ (diamonds), on a logarithmic axis.

    Vanishing and exploding are slopes of δ. In ReLU and linear networks ‖∂L/∂W‖ stays flat whatever the gain, because
    the activations grow as δ shrinks (Glorot & Bengio 2010, eq. 14): look at both. A hollow mark on the floor is a
    gradient of exactly zero; a red bar is one that is not finite. Hover a layer for its numbers, click
    it to select it in all views.
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
        self.band = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self.band.setZValue(-20)
        self.band.hide()
        self.plot.add(self.band, self.levels, self.broken, self.line, self.weights, self.deltas, self.pointer)
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
        self.selected: int | None = None
        self.plot.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.plot.clicked.connect(lambda x, _: self.picked.emit(self._layer_at(x), None))
        self.plot.scene().sigMouseMoved.connect(self._hover)

    def reset(self, topology: Topology) -> None:
        """Take one colour per layer; the axis keeps its range as long as it fits."""
        count = len(topology.layers)
        self.layers = np.arange(1.0, count + 1.0)
        self.colors = self.theme.layer_colors(count)
        self.plot.fix(x=(0.4, count + 0.6))
        self.hovered = None
        self._mark_layer()

    def select(self, layer: int | None) -> None:
        """Give one layer a band of its own, and keep its numbers in sight."""
        self.selected = layer
        self._mark_layer()
        self._read_out()

    def draw(self, frame: Frame) -> None:
        """Place the marks."""
        self.frame = frame
        delta, delta_zero, delta_broken = log10_marks(frame.snapshot.stat(Stat.DELTA))
        weight, weight_zero, weight_broken = log10_marks(frame.snapshot.stat(Stat.WEIGHT_GRAD))
        low, high = self.range.include(np.concatenate([delta, weight]))
        any_zero = bool(delta_zero.any() or weight_zero.any())
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
        bars = np.repeat(self.layers[delta_broken | weight_broken], 2)
        self.broken.setData(bars, np.tile([floor, high], len(bars) // 2))
        self.zero_label.setVisible(any_zero)
        if any_zero:
            self._place_zero_label(zero_height)
        self._read_out()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.levels.retheme(theme)
        self.line.setPen(cosmetic(QColor(theme.border)))
        self.broken.setPen(cosmetic(QColor(theme.error), 3.0))
        self.pointer.setPen(cosmetic(QColor(theme.muted)))
        accent = QColor(theme.accent)
        accent.setAlpha(BAND)
        self.band.setBrush(accent)
        self.colors = theme.layer_colors(len(self.layers))

    def _place_zero_label(self, height: float) -> None:
        spot = self.plot.view_box.mapViewToScene(QPointF(self.plot.view_box.viewRange()[0][0], height))
        self.zero_label.adjustSize()
        self.zero_label.move(int(spot.x()) - self.zero_label.width() - 6, int(spot.y()) - self.zero_label.height() // 2)

    def leaveEvent(self, event: object) -> None:
        """Forget the hovered layer."""
        self.hovered = None
        self._read_out()

    def _hover(self, position: QPointF) -> None:
        view_box = self.plot.view_box
        if self.frame is None or not view_box.sceneBoundingRect().contains(position):
            self.leaveEvent(None)
            return
        self.hovered = self._layer_at(view_box.mapSceneToView(position).x())
        self._read_out()

    def _layer_at(self, x: float) -> int:
        return min(max(round(x), 1), len(self.layers))

    def _mark_layer(self) -> None:
        there = self.selected is not None and self.selected <= len(self.layers)
        self.band.setRegion(((self.selected or 0) - 0.5, (self.selected or 0) + 0.5))
        self.band.setVisible(there)

    def _read_out(self) -> None:
        """Show the numbers of the layer under the mouse, else of the selected one."""
        shown = self.hovered or self.selected
        there = shown is not None and self.frame is not None and shown <= len(self.frame.topology.layers)
        self.pointer.setVisible(there and self.hovered is not None)
        self.readout.setVisible(there)
        if not there:
            return
        assert shown and self.frame
        index = shown - 1
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
        x = self.plot.view_box.mapViewToScene(QPointF(index + 1.0, 0.0)).x()
        left = x + 12 if x + 24 + self.readout.width() < self.plot.width() else x - 12 - self.readout.width()
        self.readout.move(int(left), 8)
