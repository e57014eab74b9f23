"""The hero: the size of the gradient in every layer, on a logarithmic axis."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.profile import Curve, Measure, agreement, curves
from gradflow.sim.snapshot import Stat, Topology
from gradflow.sim.words import spell
from gradflow.ui.axes import DecadeAxis, WholeAxis
from gradflow.ui.items import Band, Levels, Polyline, Rule, cosmetic
from gradflow.ui.layer_plot import Shade
from gradflow.ui.marks import Marks
from gradflow.ui.plot import DecadeRange, Plot, log10_marks
from gradflow.ui.slow_words import SlowWords
from gradflow.ui.theme import Theme
from gradflow.ui.view import View, view
from gradflow.ui.widgets import Choice

BAND = 36
"""How opaque the band of a selected layer is."""

ZERO_ROW = 0.12
"""How much of the axis the row of zeros below it takes."""

Array = NDArray[np.float64]


@view("profile", "How large is the gradient in each layer?")
class Profile(View):
    """Per layer, ‖δ‖ = ‖∂L/∂z‖ (discs, the layer's colour) and ‖∂L/∂W‖ (diamonds), on a logarithmic axis.

    Vanishing and exploding are slopes of δ. In ReLU and linear networks ‖∂L/∂W‖ stays flat whatever the gain, because
    the activations grow as δ shrinks (Glorot & Bengio 2010, eq. 14): look at both. The grey strip is the range of the
    last 50 recorded steps.

    The thin line is what theory expects of a wide random network (Schoenholz et al. 2017), its strip how much one
    such network differs from the next by its finite width. Once training has begun the line is what gradients without
    a preferred direction would do with the weights as they are; the marks leave it as δ aligns with the weights.

    A hollow mark on the floor is a gradient of exactly zero; a red bar is one that is not finite. As factors, the
    diamonds are ‖δₗ‖/‖δₗ₊₁‖ and the discs the product of all factors from the output on. The outline is another run's
    δ: a remedy that is previewed, the run before it, or one that was pinned. Hover a layer for its numbers, click it to
    select it in all views.
    """

    on_dashboard = True
    wants = frozenset((Want.PREDICTION,))
    formula = "●  ‖δₗ‖ = ‖∂L/∂zₗ‖     ◇  ‖∂L/∂Wₗ‖     — theory"

    def __init__(self) -> None:
        super().__init__()
        self.axis = DecadeAxis("left")
        self.plot = Plot(WholeAxis("bottom", from_one=True), self.axis, "layer (input → output)\nlayer", "norm")
        self.plot.setMouseTracking(True)
        self.words = SlowWords()
        self.words.setContentsMargins(4, 0, 4, 0)
        self.box.addWidget(self.words)
        self.box.addWidget(self.plot)
        self.list = Choice()
        self.list.addItems(list(Measure))
        self.list.setAccessibleName("How the gradient is measured")
        self.list.currentTextChanged.connect(self._remeasure)
        self.levels, self.line = Levels(), Polyline()
        self.lately, self.expected = (Band(), Band()), (Band(), Band())
        self.predicted = Polyline("finite", smooth=True), Polyline("finite", smooth=True)
        self.weights, self.deltas = Marks(diamond=True, radius=4.0), Marks(radius=5.0)
        self.broken = Polyline("pairs")
        self.pointer = Rule(upright=True)
        self.pointer.hide()
        self.band = Shade(upright=True)
        self.ghost_line, self.ghost_deltas = Polyline(), Marks(radius=4.0)
        self.plot.add(self.band, self.levels, *self.lately, *self.expected, self.broken)
        self.plot.add(self.ghost_line, self.ghost_deltas, self.line, *self.predicted)
        self.plot.add(self.weights, self.deltas, self.pointer)
        self.ghost_chip = QLabel(self.plot)
        self.ghost_chip.setObjectName("outline")
        self.ghost_chip.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.ghost_chip.hide()
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
        self.plot.clicked.connect(self._pick)
        self.plot.scene().sigMouseMoved.connect(self._hover)

    def reset(self, topology: Topology) -> None:
        """Take one colour per layer; the axis keeps its range as long as it fits."""
        count = len(topology.layers)
        self.layers = np.arange(1.0, count + 1.0)
        self.colors = self.theme.layer_colors(count)
        self.plot.fix(x=(0.4, count + 0.6))
        self.hovered = None
        self._drawn_predictions: list[Array | None] = [None, None]
        self._mark_layer()

    def select(self, layer: int | None) -> None:
        """Give one layer a band of its own, and keep its numbers in sight."""
        self.selected = layer
        self._mark_layer()
        self._read_out()

    def controls(self) -> QWidget:
        """Choose the measure."""
        return self.list

    def choice(self) -> str:
        """Return the measure."""
        return self.list.currentText()

    def choose(self, choice: str) -> None:
        """Show a measure."""
        if choice in tuple(Measure):
            self.list.setCurrentText(choice)

    def caption(self) -> str:
        """Say what the marks are."""
        measure = Measure(self.choice())
        if measure is Measure.NORM:
            return self.formula
        if measure is Measure.FACTOR:
            return "●  ‖δₗ‖/‖δ_L‖     ◇  ‖δₗ‖/‖δₗ₊₁‖     — theory"
        return f"●  {measure} of δₗ     ◇  {measure} of ∂L/∂Wₗ     — theory"

    def draw(self, frame: Frame) -> None:
        """Place the marks, what they were lately, and what theory expects."""
        self.frame = frame
        delta, weight = curves(frame, Measure(self.choice()))
        (delta_logs, delta_zero, _), (weight_logs, weight_zero, _) = (
            log10_marks(curve.measured) for curve in (delta, weight)
        )
        ghost, ghost_zero = self._ghost(frame.other)
        expected = [log10_marks(curve.predicted)[0] for curve in (delta, weight)]
        low, high = self.range.include(np.concatenate([delta_logs, weight_logs, ghost, *expected]))
        any_zero = bool(delta_zero.any() or weight_zero.any() or ghost_zero.any())
        floor = low - ZERO_ROW * (high - low) if any_zero else low
        self.axis.named = {0.5 * (low + floor): "zero"} if any_zero else {}
        self.plot.fix(y=(floor, high))
        self.levels.set_levels(self.plot.ticks("left"))
        zero_height = 0.5 * (low + floor)
        muted = QColor(self.theme.muted)
        self.line.set_data(self.layers, delta_logs)
        self.deltas.set_data(self.layers, np.where(delta_zero, zero_height, delta_logs), self.colors, delta_zero)
        self.weights.set_data(
            self.layers,
            np.where(weight_zero, zero_height, weight_logs),
            [muted] * len(weight_logs),
            np.ones(len(weight_logs), bool),
        )
        for i, curve in enumerate((delta, weight)):
            self._draw_around(i, curve)
        self._draw_ghost(frame.other, ghost, np.where(ghost_zero, zero_height, ghost))
        norms = (frame.snapshot.stat(stat) for stat in (Stat.DELTA, Stat.WEIGHT_GRAD))
        broken = np.repeat(self.layers[~np.isfinite(sum(norms))], 2)
        self.broken.set_data(broken, np.tile([floor, high], len(broken) // 2))
        # Without words, too, a line is kept for them.
        self.words.tell(frame, lambda frame: agreement(frame.prediction, frame.snapshot) or " ")
        self._read_out()

    def _draw_around(self, i: int, curve: Curve) -> None:
        """Draw the range of the last steps, and the prediction with its band."""
        least, most = (log10_marks(values)[0] for values in (curve.least, curve.most))
        self.lately[i].set_data(self.layers, least, most)
        if curve.predicted is self._drawn_predictions[i]:
            return
        self._drawn_predictions[i] = curve.predicted
        predicted, spread = log10_marks(curve.predicted)[0], curve.spread / math.log(10.0)
        self.expected[i].set_data(self.layers, predicted - spread, predicted + spread)
        self.predicted[i].set_data(self.layers, predicted)

    def _remeasure(self) -> None:
        self.want((Want.PREDICTION, *([Want.SIZES] if Measure(self.choice()).of_entries else [])))
        self.range.forget()
        if self.frame:
            self.draw(self.frame)

    def _ghost(self, other: Frame | None) -> tuple[Array, NDArray[np.bool_]]:
        """Return log₁₀ of the second run's δ, which may have other layers, and where it is exactly zero."""
        measured = curves(other, Measure(self.choice()))[0].measured if other else np.empty(0)
        logs, zero, _ = log10_marks(measured)
        return logs, zero

    def _draw_ghost(self, other: Frame | None, logs: Array, heights: Array) -> None:
        """Outline the second run by layer number, and say which it is."""
        layers = np.arange(1.0, len(logs) + 1.0)
        self.ghost_line.set_data(layers, logs)
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
        self.line.set_pen(cosmetic(QColor(theme.border)))
        outline = QColor(theme.muted)
        outline.setAlpha(120)
        self.ghost_line.set_pen(cosmetic(outline))
        self.broken.set_pen(cosmetic(QColor(theme.error), 3.0))
        self.pointer.set_pen(cosmetic(QColor(theme.muted)))
        for i, color in enumerate((theme.accent, theme.muted)):
            self.predicted[i].set_pen(cosmetic(QColor(color), 1.25))
            self.expected[i].recolor(QColor(color), 0.14)
            self.lately[i].recolor(QColor(theme.muted), 0.1)
        accent = QColor(theme.accent)
        accent.setAlpha(BAND)
        self.band.color = accent
        self.colors = theme.layer_colors(len(self.layers))

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

    def _pick(self, x: float, _y: float) -> None:
        self.picked.emit(self._layer_at(x), None)

    def _mark_layer(self) -> None:
        there = self.selected is not None and self.selected <= len(self.layers)
        self.band.show_span((self.selected or 0) - 0.5, (self.selected or 0) + 0.5)
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
            passed = f"×{delta[index] / delta[index + 1]:.3g} from layer {layer.number + 1}"
            prediction = self.frame.prediction
            if prediction and np.isfinite(prediction.factor[index]):
                passed += f", ×{prediction.factor[index]:.3g} in theory"
            lines.append(passed)
        self.readout.setText("<br>".join(lines))
        self.readout.adjustSize()
        self.pointer.set_value(index + 1)
        x = self.plot.view_box.mapViewToScene(QPointF(index + 1.0, 0.0)).x()
        left = x + 12 if x + 24 + self.readout.width() < self.plot.width() else x - 12 - self.readout.width()
        self.readout.move(int(left), 8)
        self.readout.show()
        self.readout.raise_()
