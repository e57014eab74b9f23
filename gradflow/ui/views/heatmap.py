"""One image of the whole run: every layer at every step."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.frame import Frame
from gradflow.sim.series import QUANTITIES, Quantity, Scale, Series, series
from gradflow.sim.snapshot import Topology
from gradflow.sim.words import spell
from gradflow.ui.axes import WholeAxis
from gradflow.ui.color_bar import ColorBar, Sample, Tick, decade_ticks
from gradflow.ui.ghost_column import GhostColumn
from gradflow.ui.items import cosmetic
from gradflow.ui.plot import DecadeRange, LinearRange, Plot, nice_ceiling
from gradflow.ui.theme import Theme, rgb
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
MOST_COLUMNS, LEAST_SHARE = 512, 0.01

WINDOWS: dict[str, int | None] = {"all": None, "1000": 1000, "100": 100}
"""Which steps are visible: how many of the latest."""

LIST_WIDTH = 92
"""So that the title has room beside it where two views share the middle of the window."""


@view("heatmap", "Every layer, every step")
class HeatMap(View):
    """One number of every layer (1 at the bottom, nearest the input) at every recorded step.

    The colours span what is visible now: whole decades for norms and ratios, from 0 for shares, blue below and orange
    above 0 for means. Grey is exactly zero on a logarithmic scale, red is not finite, and where a number does not exist
    the ground is empty. Hover for numbers; a click looks back at that step and selects that layer in all views. The
    outlined column at the right is another run at the step that is shown, or the nearest it has.
    """

    on_dashboard = True
    interval_ms = SLOW_MS

    def __init__(self) -> None:
        super().__init__()
        self.layer_axis = WholeAxis("left", from_one=True)
        self.step_axis = WholeAxis("bottom")
        self.plot = Plot(self.step_axis, self.layer_axis, "step", "layer")
        self.image = pg.ImageItem(axisOrder="row-major")
        self.step_line, *self.layer_lines = (pg.InfiniteLine(angle=angle) for angle in (90, 0, 0))
        self.plot.add(self.image, *self.layer_lines, self.step_line)
        self.ghost = GhostColumn(self.plot)
        self.bar = ColorBar()
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.plot, 1)
        row.addWidget(self.bar)
        self.box.addLayout(row)
        self._setup_choices()
        self.readout, self.note = QLabel(self.plot), QLabel(self.plot)
        for label, kind in ((self.readout, "chip"), (self.note, "muted")):
            label.setObjectName(kind)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.hide()
        self.range, self.linear = DecadeRange(least=2.0, room=0.0), LinearRange()
        self.frame: Frame | None = None
        self.shown: Series | None = None
        self.others = np.empty(0)
        self.layers = 0
        self.selected: int | None = None
        self.plot.setMouseTracking(True)
        self.plot.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        self.plot.clicked.connect(self._pick)

    def _setup_choices(self) -> None:
        self.list, self.window_list = Choice(), Choice()
        for symbol, quantity in QUANTITIES.items():
            self.list.addItem(symbol)
            self.list.setItemData(self.list.count() - 1, quantity.meaning, Qt.ItemDataRole.ToolTipRole)
        self.list.setMaximumWidth(LIST_WIDTH)
        self.list.setAccessibleName("Statistic of the heat map")
        self.list.setToolTip("Which number is shown for every layer and step")
        self.window_list.addItems(list(WINDOWS))
        self.window_list.setAccessibleName("Steps of the heat map")
        self.window_list.setToolTip("How many of the latest steps are shown; the colours span what is visible")
        self.choices = QWidget()
        box = QHBoxLayout(self.choices)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        for choice in (self.list, self.window_list):
            box.addWidget(choice)
            choice.currentIndexChanged.connect(self._redraw)

    @property
    def quantity(self) -> Quantity:
        """What is shown."""
        return QUANTITIES[self.list.currentText()]

    def controls(self) -> QWidget:
        """Choose the statistic and the steps."""
        return self.choices

    def choice(self) -> str:
        """Return the statistic and the steps."""
        return f"{self.list.currentText()} · {self.window_list.currentText()}"

    def choose(self, choice: str) -> None:
        """Show a statistic."""
        symbol, _, window = choice.partition(" · ")
        for wanted, found in ((symbol, self.list), (window, self.window_list)):
            if found.findText(wanted) >= 0:
                found.setCurrentText(wanted)

    def caption(self) -> str:
        """Name the statistic."""
        symbol = self.list.currentText()
        return f"log₁₀ of {symbol}" if self.quantity.scale is Scale.DECADES else symbol

    def reset(self, topology: Topology) -> None:
        """Begin an empty picture."""
        self.layers = self.layer_axis.last = len(topology.layers)
        self.plot.fix(x=(0.0, 20.0), y=(0.5, self.layers + 0.5))
        self.readout.hide()
        self._mark_layer()

    def select(self, layer: int | None) -> None:
        """Frame the row of one layer."""
        self.selected = layer
        self._mark_layer()

    def draw(self, frame: Frame) -> None:
        """Paint the recorded steps."""
        self.frame = frame
        window = WINDOWS[self.window_list.currentText()]
        self.shown = found = series(frame, self.quantity, MOST_COLUMNS, window)
        self.others, run = self._others(frame)
        # Both runs in one row, so that they share their colours.
        values = np.concatenate([found.values.ravel(), self.others])
        zero, missing = values == 0.0, np.isnan(values) & self.quantity.may_lack
        broken = ~np.isfinite(values) & ~missing
        shares, table, ticks = self._scaled(values)
        picture = table[np.clip(255.0 * shares, 0.0, 255.0).astype(np.uint8)]
        samples: list[Sample] = []
        in_decades = self.quantity.scale is Scale.DECADES
        for mask, color, words in (
            (zero & in_decades, self.theme.border, "0"),
            (broken, self.theme.error, "∞, nan"),
            (missing, self.theme.surface, ""),
        ):
            if mask.any():
                picture[mask] = rgb(color)
                samples += [(color, words)] if words else []
        own, others = np.split(picture, [found.values.size])
        cells = own.reshape(*found.values.shape, 3).transpose(1, 0, 2)
        self.image.setImage(cells, autoLevels=False, levels=(0, 255))
        self.image.setRect(QRectF(float(found.steps[0]), 0.5, found.width * len(found.steps), self.layers))
        left, right = self._steps(float(found.steps[-1]) + found.width, window)
        self.step_axis.last = right
        self.layer_axis.last = max(self.layers, len(others))
        if run:
            right = self.ghost.show(others, (left, right), run)
        else:
            self.ghost.hide()
        self.plot.fix(x=(left, right), y=(0.5, self.layer_axis.last + 0.5))
        self.bar.show_scale(table, ticks, samples)
        self.step_line.setValue(frame.snapshot.step + found.width / 2)
        self.step_line.setVisible(frame.past)
        self._say(f"no layer has “{self.list.currentText()}”" if missing[: found.values.size].all() else "")

    def _scaled(self, values: Array) -> tuple[Array, NDArray[np.uint8], list[Tick]]:
        """Return the values as shares of the colour scale (0 where they are none), its colours and its numbers."""
        scale = self.quantity.scale
        if scale is Scale.DECADES:
            logs = np.full(values.shape, np.nan)
            np.log10(values, out=logs, where=np.isfinite(values) & (values > 0.0))
            low, high = self.range.include(logs)
            return np.nan_to_num((logs - low) / (high - low)), self.theme.heat_table(), decade_ticks(low, high)
        finite = np.nan_to_num(values, posinf=0.0, neginf=0.0)
        if scale is Scale.SHARE:
            most = min(self.linear.include(0.0, max(float(finite.max()), LEAST_SHARE))[1], 1.0)
            return finite / most, self.theme.heat_table(), [(i / 4, f"{25 * i * most:.3g} %") for i in range(5)]
        # Equally far on both sides of 0, which has the colour of the ground.
        most = self.linear.include(0.0, float(np.abs(finite).max()))[1]
        ticks = [(0.0, spell(-most)), (0.5, "0"), (1.0, spell(most))]
        return (finite / most + 1.0) / 2.0, self.theme.signed_table(), ticks

    def _others(self, frame: Frame) -> tuple[Array, str]:
        """Return what the other run's layers have at the step that is shown, and words on which run it is."""
        if frame.other is None:
            return np.empty(0), ""
        found = series(frame.other, self.quantity, MOST_COLUMNS)
        column = int(np.abs(found.steps - frame.snapshot.step).argmin())
        step = f"step {found.steps[column]:.0f}"
        return found.values[column], f"outline: {frame.other.label or 'another run'}, {step}\noutline: {step}\n{step}"

    def _steps(self, end: float, window: int | None) -> tuple[float, float]:
        """Return the first and the last step of the axis."""
        if window is None:
            return 0.0, nice_ceiling(end, 20.0)
        # By quarters of the window, so that the picture holds still for a while.
        right = max(window, math.ceil(end / (window / 4)) * window / 4)
        return right - window, right

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.ghost.retheme(theme)
        self.bar.text = QColor(theme.muted)
        self.bar.update()
        for line in (self.step_line, *self.layer_lines):
            line.setPen(cosmetic(QColor(theme.accent), 2.0))

    def leaveEvent(self, event: object) -> None:
        """Forget the hovered cell."""
        self.readout.hide()

    def _redraw(self) -> None:
        self.range.forget()
        self.linear = LinearRange()
        self.readout.hide()
        if self.frame:
            self.draw(self.frame)

    def _mark_layer(self) -> None:
        there = self.selected is not None and self.selected <= self.layers
        for line, side in zip(self.layer_lines, (-0.5, 0.5), strict=True):
            line.setValue((self.selected or 0) + side)
            line.setVisible(there)

    def _say(self, words: str) -> None:
        if words != self.note.text():
            self.note.setText(words)
            self.note.adjustSize()
        self.note.setVisible(bool(words))
        self.note.move((self.plot.width() - self.note.width()) // 2, self.plot.height() // 3)

    def _cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the column and the layer (from 1) at a point of the picture, None beside it."""
        if self.shown is None or not self.shown.steps[0] <= x < self.shown.steps[-1] + self.shown.width:
            return None
        if y > self.layers + 0.5:
            # Beside a deeper run.
            return None
        column = int(np.searchsorted(self.shown.steps, x, side="right")) - 1
        return column, min(max(round(y), 1), self.layers)

    def _pick(self, x: float, y: float) -> None:
        cell = self._cell(x, y)
        if cell and self.shown:
            self.picked.emit(cell[1], int(self.shown.steps[cell[0]]))

    def _hover(self, position: QPointF) -> None:
        view_box = self.plot.view_box
        spot = view_box.mapSceneToView(position)
        lines = self._numbers(spot) if view_box.sceneBoundingRect().contains(position) else []
        if not lines:
            self.readout.hide()
            return
        self.readout.setText("<br>".join(lines))
        self.readout.adjustSize()
        left = min(position.x() + 12, self.plot.width() - self.readout.width() - 8)
        self.readout.move(int(left), int(max(8, position.y() - self.readout.height() - 8)))
        self.readout.show()

    def _numbers(self, spot: QPointF) -> list[str]:
        """Return what is at a point of the picture, in words; nothing beside it."""
        symbol = self.list.currentText()
        if spot.x() >= self.ghost.left and 1 <= round(spot.y()) <= len(self.others):
            layer = round(spot.y())
            return [f"<b>layer {layer}</b> · {self.ghost.words.text()}", f"{symbol} = {spell(self.others[layer - 1])}"]
        cell = self._cell(spot.x(), spot.y())
        if cell is None or self.shown is None:
            return []
        column, layer = cell
        step, value = int(self.shown.steps[column]), self.shown.values[column, layer - 1]
        return [f"<b>layer {layer}</b> · step {step}", f"{symbol} = {spell(value)}", *self._other_run(step, layer)]

    def _other_run(self, step: int, layer: int) -> list[str]:
        """Return what the other run has there, in words."""
        other = self.frame.other if self.frame else None
        if other is None or layer > len(other.topology.layers):
            return []
        found = series(other, self.quantity, MOST_COLUMNS)
        column = int(np.abs(found.steps - step).argmin())
        value = spell(found.values[column, layer - 1])
        return [f"other run, step {found.steps[column]:.0f}: {value}"]
