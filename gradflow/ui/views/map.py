"""The trainability map: a grid of experiments over two fields, each cell coloured by what came of it."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.errors import ConfigError
from gradflow.sim.config import Experiment
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.sim.sweep import MEASURES, Axis, Cell, Chart, Scale, Sweep
from gradflow.ui.color_bar import ColorBar, named_decades
from gradflow.ui.forms import rich
from gradflow.ui.grid_axis import GridAxis
from gradflow.ui.items import cosmetic
from gradflow.ui.map_signs import MapSigns
from gradflow.ui.map_words import numbers, plan, sentence
from gradflow.ui.plot import DecadeRange, Plot
from gradflow.ui.sweep_form import SweepForm
from gradflow.ui.theme import SMALL_SIZE, Theme, font, rgb
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

Array = NDArray[np.float64]

FURTHEST = 10.0
"""Decades of a gradient ratio that have colours of their own; what is further off has the last one."""

LEGEND = "Ring: this experiment. ×: diverged. –: could not be run. Grey: no such number. Click a cell to load it."


@view("map", "Which depth and scale can be trained?")
class TrainabilityMap(View):
    """A network is built (and trained, if the measure asks for it) for every cell, in the background on all cores.

    Any two fields can be the axes. Over init scale, the solid line is where theory says that gradients neither vanish
    nor explode, χ₁ = 1; over depth as well, the dashed one is depth = 6·ξ with the gradient's depth scale
    ξ = 1/|ln χ₁|: deeper networks do not train (Schoenholz et al. 2017). Hover for numbers; click to load a cell.
    Before Start the axes are those that are written above; chequered cells are not done.
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
        self.signs, self.hint = MapSigns(), pg.TextItem(anchor=(0.5, 0.5))
        self.hint.setFont(font(SMALL_SIZE))
        self.plot.add(self.image, self.signs, self.hint)
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
        self.shown: Chart | None = None
        self._drawn: tuple[object, ...] = ()
        self._range = DecadeRange()
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
        self.form.started.connect(self._start)
        self.form.edited.connect(self._replan)
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
        self.chart = frame.chart
        self.hint.setVisible(self.chart is None and not self.form.isHidden())
        try:
            chart = self.chart or self._planned(frame.experiment)
        except ConfigError as error:
            self.hint.hide()
            self.words.setText(f"The map cannot be made: {error}.")
            return
        if self.shown is None or chart.sweep is not self.shown.sweep:
            self._begin(chart)
        self.shown = chart
        self._paint(chart)
        self.signs.show_signs(*chart.marked(), chart.curves, chart.place_of(frame.experiment))
        self.form.show_running(chart.running)
        self.words.setText(sentence(chart, frame, self.choice()) if self.chart else plan(chart))

    def _planned(self, experiment: Experiment) -> Chart:
        """Return what Start would fill in, which is empty; raises ConfigError where an axis cannot be read."""
        x, y = (Axis.parse(axis.text) for axis in (self.form.x_axis, self.form.y_axis))
        return Chart(Sweep(experiment, x, y, self.choice()), {})

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.plot.retheme(theme)
        self.bar.text = QColor(theme.muted)
        self.bar.update()
        self.signs.ink, self.signs.ground = QColor(theme.text), QColor(theme.surface)
        self.signs.accent = QColor(theme.accent)
        self.hint.setColor(QColor(theme.text))
        self.hint.fill = pg.mkBrush(theme.surface)
        self.hint.border = cosmetic(QColor(theme.border))
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
        self._range.forget()
        self.hint.setText(f"{chart.size} networks: press Start")
        self.hint.setPos((columns - 1) / 2, (rows - 1) / 2)

    def _paint(self, chart: Chart) -> None:
        name = self.choice()
        values = chart.values(name) if chart.has(name) else np.full(chart.sweep.shape, np.nan)
        level, table = self._levels(values, MEASURES[name].part.scale, chart)
        picture = table[np.clip(np.nan_to_num(255.0 * level), 0, 255).astype(np.uint8)]
        picture[np.isnan(level)] = rgb(self.theme.border)
        waiting = ~chart.done()
        picture[waiting] = rgb(self.theme.surface)
        picture[waiting & (np.indices(waiting.shape).sum(axis=0) % 2 == 1)] = rgb(self.theme.raised)
        self.image.setImage(picture, autoLevels=False, levels=(0, 255))
        rows, columns = chart.sweep.shape
        self.image.setRect(QRectF(-0.5, -0.5, columns, rows))

    def _levels(self, values: Array, scale: Scale, chart: Chart) -> tuple[Array, NDArray[np.uint8]]:
        """Return where each value lies in the table of colours, 0 to 1, and that table; label the bar with it."""
        table = self.theme.balance_table() if scale is Scale.RATIO else self.theme.heat_table()
        if scale is Scale.RATIO:
            low, high = self._range.include(np.abs(values))
            high = min(max(high, 2.0), FURTHEST)
            low, words = -high, named_decades(-high, high)
        elif scale is Scale.DECADES:
            values = np.log10(values, out=np.full(values.shape, np.nan), where=values > 0)
            low, high = self._range.include(values)
            words = named_decades(low, high)
        else:
            low, high = 0.0, 1.0 if scale is Scale.SHARE else float(max(chart.sweep.experiment.training.steps, 1))
            words = {high * part: f"{high * part:g}" for part in (0.0, 0.25, 0.5, 0.75, 1.0)}
        # Before there is a number nobody knows the ends of the scale.
        ticks = [((value - low) / (high - low), word) for value, word in words.items() if chart.results]
        self.bar.show_scale(table, ticks, ())
        return (values - low) / (high - low), table

    def _start(self, x: str, y: str, steps: str) -> None:
        self.sweep_wanted.emit(x, y, steps, self.choice())

    def _replan(self) -> None:
        """Show the axes as they are written now, as long as nothing else is shown."""
        if self.frame and self.chart is None:
            self._drawn = ()
            self.draw(self.frame)

    def _redraw(self) -> None:
        self._range.forget()
        self.readout.hide()
        if self.frame:
            self.draw(self.frame)

    def _cell(self, position: QPointF) -> Cell | None:
        """Return the cell at a place of the scene."""
        if self.shown is None or not self.plot.view_box.sceneBoundingRect().contains(position):
            return None
        spot, (rows, columns) = self.plot.view_box.mapSceneToView(position), self.shown.sweep.shape
        cell = Cell(round(spot.x()), round(spot.y()))
        return cell if 0 <= cell.column < columns and 0 <= cell.row < rows else None

    def _click(self, event: object) -> None:
        cell = self._cell(event.scenePos())  # type: ignore[attr-defined]
        if cell is not None and self.shown is not None and event.button() is Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            self.chosen.emit(self.shown.sweep.values(cell))

    def _hover(self, position: QPointF) -> None:
        cell = self._cell(position)
        if cell is None or self.shown is None:
            self.readout.hide()
            return
        self.readout.setText(numbers(self.shown, cell))
        self.readout.adjustSize()
        left = min(position.x() + 14, self.plot.width() - self.readout.width() - 8)
        top = position.y() - self.readout.height() - 8
        self.readout.move(int(left), int(top if top >= 0 else min(position.y() + 14, self.plot.height())))
        self.readout.show()
