"""The trainability map: a grid of experiments over two fields, each cell coloured by what came of it."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.sim.sweep import MEASURES, Cell, Chart, Levels, Scale, levels
from gradflow.sim.words import power, spell, spelled
from gradflow.ui.color_bar import ColorBar, Tick
from gradflow.ui.forms import rich
from gradflow.ui.grid_axis import GridAxis
from gradflow.ui.map_signs import MapSigns
from gradflow.ui.plot import Plot, power_of_ten
from gradflow.ui.sweep_form import SweepForm
from gradflow.ui.theme import Theme, rgb
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

LEGEND = "Ring: this experiment. ×: diverged. –: could not be run. Grey: no such number. Click a cell to load it."


@view("map", "Which depth and scale can be trained?")
class TrainabilityMap(View):
    """A network is built (and trained, if the measure asks for it) for every cell, in the background on all cores.

    Any two fields can be the axes. Over init scale, the solid line is where theory says that gradients neither vanish
    nor explode, χ₁ = 1; over depth as well, the dashed one is depth = 6·ξ with the gradient's depth scale
    ξ = 1/|ln χ₁|: deeper networks do not train (Schoenholz et al. 2017). Hover for numbers; click to load a cell.
    """

    interval_ms = SLOW_MS
    written = False

    chosen = Signal(object)
    """The fields of the cell that was clicked, by dotted path: one edit."""

    sweep_wanted = Signal(str, str, str, str)
    """The two axes as they are written, the number of steps, and the measure."""

    stop_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.axes = GridAxis("bottom"), GridAxis("left")
        self.plot = Plot(*self.axes)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.signs = MapSigns()
        self.plot.add(self.image, self.signs)
        self.bar = ColorBar()
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.plot, 1)
        row.addWidget(self.bar)
        self.form = SweepForm()
        self.form.hide()
        self.words = QLabel()
        self.words.setObjectName("muted")
        self.words.setToolTip(LEGEND)
        self.words.setMinimumWidth(1)
        self.box.addWidget(self.form)
        self.box.addLayout(row, 1)
        self.box.addWidget(self.words)
        self.list = self._measures()
        self.readout = QLabel(self.plot)
        self.readout.setObjectName("chip")
        self.readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.readout.hide()
        self.frame: Frame | None = None
        self.chart: Chart | None = None
        self._drawn: tuple[object, ...] = ()
        self._connect()

    def _measures(self) -> Choice:
        choice = Choice()
        for name, entry in MEASURES.items():
            choice.addItem(entry.title, name)
            choice.setItemData(choice.count() - 1, rich(entry.doc), Qt.ItemDataRole.ToolTipRole)
        choice.setAccessibleName("Measure of the map")
        choice.setToolTip("Which number of each cell is shown")
        return choice

    def _connect(self) -> None:
        self.list.currentIndexChanged.connect(self._redraw)
        self.form.started.connect(lambda x, y, steps: self.sweep_wanted.emit(x, y, steps, self.choice()))
        self.form.stopped.connect(self.stop_wanted)
        self.plot.setMouseTracking(True)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        self.plot.scene().sigMouseClicked.connect(self._click)

    def controls(self) -> QWidget:
        """Choose the measure; a picture, which has no controls, has no form either."""
        self.form.show()
        return self.list

    def choice(self) -> str:
        """Return the measure."""
        return str(self.list.currentData())

    def choose(self, choice: str) -> None:
        """Show a measure."""
        if choice in MEASURES:
            self.list.setCurrentIndex(self.list.findData(choice))

    def caption(self) -> str:
        """Name the measure."""
        return self.list.currentText()

    def about(self, frame: Frame) -> str:
        """Name what is swept: the map is not of the frame's run."""
        return frame.chart.sweep.words(self.choice()) if frame.chart else ""

    def reset(self, topology: Topology) -> None:
        """Keep the map: it is of many networks and not of this one."""
        self._drawn = ()

    def draw(self, frame: Frame) -> None:
        """Paint the cells that are done."""
        self.frame = frame
        drawn = (frame.chart, frame.experiment, self.choice())
        if drawn == self._drawn:
            return
        self._drawn = drawn
        if frame.chart is None:
            self.plot.fix(x=(0.0, 1.0), y=(0.0, 1.0))
            self.words.setText("Start runs a network for every cell and shows what came of it.")
            return
        if self.chart is None or frame.chart.sweep is not self.chart.sweep:
            self._begin(frame.chart)
        self.chart = frame.chart
        self._paint(self.chart)
        self.signs.show_signs(*self.chart.marked(), self.chart.curves, self.chart.place_of(frame.experiment))
        self.form.show_running(self.chart.running)
        self.words.setText(_sentence(self.chart, frame, self.choice()))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.bar.text = QColor(theme.muted)
        self.bar.update()
        self.signs.ink, self.signs.ground = QColor(theme.text), QColor(theme.surface)
        self.signs.accent = QColor(theme.accent)
        self._drawn = ()

    def leaveEvent(self, event: object) -> None:
        """Forget the hovered cell."""
        self.readout.hide()

    def _begin(self, chart: Chart) -> None:
        """Take the axes of another sweep."""
        sweep, (rows, columns) = chart.sweep, chart.sweep.shape
        for item, axis in zip(self.axes, (sweep.x, sweep.y), strict=True):
            item.show_axis(axis)
        self.plot.name_axes(sweep.x.title.lower(), sweep.y.title.lower(), self.theme)
        self.plot.fix(x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))

    def _paint(self, chart: Chart) -> None:
        name = self.choice()
        scale = MEASURES[name].part.scale
        values = chart.values(name) if chart.has(name) else np.full(chart.sweep.shape, np.nan)
        found = levels(values, scale)
        table = self.theme.balance_table() if scale is Scale.RATIO else self.theme.heat_table()
        picture = table[np.clip(np.nan_to_num(255.0 * found.shares), 0, 255).astype(np.uint8)]
        picture[np.isnan(found.shares)] = rgb(self.theme.border)
        picture[~chart.done()] = rgb(self.theme.surface)
        self.image.setImage(picture, autoLevels=False, levels=(0, 255))
        rows, columns = chart.sweep.shape
        self.image.setRect(QRectF(-0.5, -0.5, columns, rows))
        self.bar.show_scale(table, _named(found), ())

    def _redraw(self) -> None:
        self.readout.hide()
        if self.frame:
            self.draw(self.frame)

    def _cell(self, position: QPointF) -> Cell | None:
        """Return the cell at a place of the scene."""
        if self.chart is None or not self.plot.view_box.sceneBoundingRect().contains(position):
            return None
        spot, (rows, columns) = self.plot.view_box.mapSceneToView(position), self.chart.sweep.shape
        cell = Cell(round(spot.x()), round(spot.y()))
        return cell if 0 <= cell.column < columns and 0 <= cell.row < rows else None

    def _click(self, event: object) -> None:
        cell = self._cell(event.scenePos())  # type: ignore[attr-defined]
        if cell is not None and self.chart is not None and event.button() is Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            self.chosen.emit(self.chart.sweep.values(cell))

    def _hover(self, position: QPointF) -> None:
        cell = self._cell(position)
        if cell is None or self.chart is None:
            self.readout.hide()
            return
        self.readout.setText(_numbers(self.chart, cell))
        self.readout.adjustSize()
        left = min(position.x() + 14, self.plot.width() - self.readout.width() - 8)
        top = position.y() - self.readout.height() - 8
        self.readout.move(int(left), int(top if top >= 0 else min(position.y() + 14, self.plot.height())))
        self.readout.show()


def _named(found: Levels) -> list[Tick]:
    """Return the ticks of a scale with their words; the ends say so where there are numbers beyond them."""
    whole = not np.any(found.ticks % 1.0)
    words = [
        power_of_ten(tick) if found.decades and whole else f"{10.0**tick if found.decades else tick:.6g}"
        for tick in found.ticks.tolist()
    ]
    if found.below:
        words[0] = f"≤{words[0]}"
    if found.above:
        words[-1] = f"≥{words[-1]}"
    return list(zip(found.places.tolist(), words, strict=True))


def _sentence(chart: Chart, frame: Frame, measure: str) -> str:
    """Say how far the map is, what keeps it from going on, and what it does not show."""
    lines = "  ".join(f"{sign} {curve.label}" for sign, curve in zip(("—", "┄"), chart.curves, strict=False))
    words = [f"{len(chart.results)} of {chart.size} cells"]
    if chart.note:
        words.append(chart.note)
    elif not chart.has(measure):
        words.append("this measure needs trained cells: Start")
    elif titles := chart.outdated(frame.experiment):
        words.append(f"of other settings than now: {', '.join(titles[:3]).lower()}")
    if lines and not chart.note:
        words.append(f"theory: {lines}")
    return " · ".join(words)


def _numbers(chart: Chart, cell: Cell) -> str:
    """Return what is known about one cell, as rich text."""
    sweep, result = chart.sweep, chart.results.get(cell)
    words = zip((sweep.x.title, sweep.y.title), sweep.values(cell).values(), strict=True)
    lines = [" · ".join(f"<b>{title.lower()} {spelled(value)}</b>" for title, value in words)]
    if result is None:
        lines.append("not done yet")
    elif result.message:
        lines.append(result.message)
    for name, value in (result.values if result else {}).items():
        if name != "diverged" and chart.has(name) and not math.isnan(value):
            ratio = MEASURES[name].part.scale is Scale.RATIO
            shown = (power(value) if math.isfinite(value) else "0") if ratio else spell(value)
            lines.append(f"{MEASURES[name].title}: {shown}")
    return "<br>".join(lines)
