"""One image of the whole run: every layer at every step."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.frame import Frame
from gradflow.sim.history import HistoryView
from gradflow.sim.snapshot import Snapshot, Stat, Topology
from gradflow.sim.words import spell
from gradflow.ui.color_bar import ColorBar
from gradflow.ui.plot import DecadeRange, Plot, WholeAxis, nice_ceiling
from gradflow.ui.theme import Theme, rgb
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

Array = NDArray[np.float64]
MOST_COLUMNS = 512

STATISTICS = {
    stat.symbol: stat
    for stat in (Stat.DELTA, Stat.WEIGHT_GRAD, Stat.BIAS_GRAD, Stat.ACTIVATION, Stat.WEIGHT, Stat.UPDATE)
}


@view("heatmap", "Every layer, every step")
class HeatMap(View):
    """log₁₀ of one statistic: a column per recorded step, a row per layer (1 at the bottom, nearest the input).

    The colours span the whole decades that are visible now. Grey is exactly zero, red is not finite. Hover for numbers.
    """

    on_dashboard = True
    interval_ms = SLOW_MS

    def __init__(self) -> None:
        super().__init__()
        self.plot = Plot(WholeAxis("bottom"), WholeAxis("left", from_one=True), "step", "layer")
        self.image = pg.ImageItem(axisOrder="row-major")
        self.plot.add(self.image)
        self.bar = ColorBar()
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.plot, 1)
        row.addWidget(self.bar)
        self.box.addLayout(row)
        self.list = Choice()
        for symbol, stat in STATISTICS.items():
            self.list.addItem(symbol)
            self.list.setItemData(self.list.count() - 1, stat.meaning, Qt.ItemDataRole.ToolTipRole)
        self.list.setAccessibleName("Statistic of the heat map")
        self.list.setToolTip("Which number is shown for every layer and step")
        self.list.currentIndexChanged.connect(self._redraw)
        self.readout = QLabel(self.plot)
        self.readout.setObjectName("chip")
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self.range = DecadeRange(least=2.0)
        self.frame: Frame | None = None
        self.plot.setMouseTracking(True)
        self.plot.scene().sigMouseMoved.connect(self._hover)

    def controls(self) -> QWidget:
        """Choose the statistic."""
        return self.list

    def choice(self) -> str:
        """Return the statistic."""
        return self.list.currentText()

    def choose(self, choice: str) -> None:
        """Show a statistic."""
        if choice in STATISTICS:
            self.list.setCurrentText(choice)

    def caption(self) -> str:
        """Name the statistic."""
        return f"log₁₀ of {self.choice()}"

    def reset(self, topology: Topology) -> None:
        """Begin an empty picture."""
        self.layers = len(topology.layers)
        self.plot.fix(x=(0.0, 20.0), y=(0.5, self.layers + 0.5))
        self.readout.hide()

    def draw(self, frame: Frame) -> None:
        """Paint the recorded steps."""
        self.frame = frame
        steps, values = _columns(frame.history, frame.snapshot, STATISTICS[self.list.currentText()])
        zero, broken = values == 0.0, ~np.isfinite(values)
        logs = np.full(values.shape, np.nan)
        np.log10(values, out=logs, where=~(zero | broken))
        low, high = self.range.include(logs)
        table = self.theme.heat_table()
        scaled = np.nan_to_num((logs - low) / (high - low) * 255.0)
        picture = table[np.clip(scaled, 0, 255).astype(np.uint8)]
        picture[zero] = rgb(self.theme.border)
        picture[broken] = rgb(self.theme.error)
        self.image.setImage(picture.transpose(1, 0, 2), autoLevels=False, levels=(0, 255))
        width = float(steps[1] - steps[0]) if len(steps) > 1 else 1.0
        self.image.setRect(QRectF(0.0, 0.5, width * len(steps), self.layers))
        self.plot.fix(x=(0.0, nice_ceiling(float(steps[-1]) + width, 20.0)))
        self.bar.show_decades(low, high, table)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.bar.text = QColor(theme.muted)
        self.bar.update()

    def leaveEvent(self, event: object) -> None:
        """Forget the hovered cell."""
        self.readout.hide()

    def _redraw(self) -> None:
        self.range.forget()
        self.readout.hide()
        if self.frame:
            self.draw(self.frame)

    def _hover(self, position: QPointF) -> None:
        view_box = self.plot.view_box
        if self.frame is None or not view_box.sceneBoundingRect().contains(position):
            self.readout.hide()
            return
        spot = view_box.mapSceneToView(position)
        statistic = STATISTICS[self.list.currentText()]
        steps, values = _columns(self.frame.history, self.frame.snapshot, statistic)
        layer = min(max(round(spot.y()), 1), self.layers)
        column = int(np.searchsorted(steps, spot.x(), side="right")) - 1
        if column < 0 or spot.x() > steps[-1] + 1.5 * (steps[-1] / max(len(steps) - 1, 1) or 1.0):
            self.readout.hide()
            return
        value = spell(values[column, layer - 1])
        self.readout.setText(f"<b>layer {layer}</b> · step {steps[column]:.0f}<br>{self.list.currentText()} = {value}")
        self.readout.adjustSize()
        left = min(position.x() + 12, self.plot.width() - self.readout.width() - 8)
        self.readout.move(int(left), int(max(8, position.y() - self.readout.height() - 8)))
        self.readout.show()


def _columns(history: HistoryView, snapshot: Snapshot, statistic: Stat) -> tuple[Array, Array]:
    """Return the steps shown and their values (steps, layers); before the first recorded step, the snapshot alone."""
    if not len(history):
        return np.array([float(snapshot.step)]), snapshot.stat(statistic)[None, :]
    rows = history.every(MOST_COLUMNS)
    return history.column("step")[rows], history.stat(statistic)[rows]
