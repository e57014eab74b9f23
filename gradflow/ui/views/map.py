"""The trainability map: a grid of experiments over two fields, each cell coloured by what came of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.errors import ConfigError
from gradflow.sim.config import Experiment
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.sim.sweep import MEASURES, Axis, Cell, Chart, Levels, Scale, Sweep, levels
from gradflow.ui.axes import power_of_ten
from gradflow.ui.color_bar import ColorBar, Tick
from gradflow.ui.forms import rich
from gradflow.ui.map_plot import MapPlot
from gradflow.ui.map_words import plan, sentence
from gradflow.ui.sweep_form import SweepForm
from gradflow.ui.theme import Theme, rgb
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

LEGEND = (
    "Ring: this experiment. ×: diverged. –: could not be run. Grey: no such number. "
    "Click a cell, or press Enter on it, to load it."
)


@view("map", "Which depth and scale can be trained?")
class TrainabilityMap(View):
    """A network is built (and trained, if the measure asks for it) for every cell, in the background on all cores.

    Any two fields can be the axes. Over init scale, the solid line is where theory says that gradients neither vanish
    nor explode, χ₁ = 1; over depth as well, the dashed one is depth = 6·ξ with the gradient's depth scale
    ξ = 1/|ln χ₁|: deeper networks do not train (Schoenholz et al. 2017). Hover for numbers,
    click to load a cell; or use the arrow keys and Enter. Before Start the axes are those that are written above;
    chequered cells are not done.
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
        self.plot = MapPlot()
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
        self.form.started.connect(self._start)
        self.form.edited.connect(self._replan)
        self.form.stopped.connect(self.stop_wanted)
        self.plot.chosen.connect(self._choose)

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
        self.chart = frame.chart
        try:
            chart = self.chart or self._planned(frame.experiment)
        except ConfigError as error:
            self.plot.show_hint("")
            self.words.setText(f"The map cannot be made: {error}.")
            return
        self.plot.show_chart(chart, self._colored(chart), chart.place_of(frame.experiment), self.theme)
        # Where there is no form, as in a picture, there is no Start either.
        hinted = self.chart is None and not self.form.isHidden()
        self.plot.show_hint(f"{chart.size} networks: press Start" if hinted else "")
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
        self._drawn = ()

    def _colored(self, chart: Chart) -> NDArray[np.uint8]:
        """Return the colour of every cell, and label the bar with them."""
        name = self.choice()
        scale = MEASURES[name].part.scale
        values = chart.values(name) if chart.has(name) else np.full(chart.sweep.shape, np.nan)
        found = levels(values, scale)
        table = self.theme.balance_table() if scale is Scale.RATIO else self.theme.heat_table()
        picture = table[np.clip(np.nan_to_num(255.0 * found.shares), 0, 255).astype(np.uint8)]
        picture[np.isnan(found.shares)] = rgb(self.theme.border)
        waiting = ~chart.done()
        picture[waiting] = rgb(self.theme.surface)
        picture[waiting & (np.indices(waiting.shape).sum(axis=0) % 2 == 1)] = rgb(self.theme.raised)
        # Before there is a number nobody knows the ends of the scale.
        self.bar.show_scale(table, _named(found) if chart.results else (), ())
        return picture

    def _start(self, x: str, y: str, steps: str) -> None:
        self.sweep_wanted.emit(x, y, steps, self.choice())

    def _replan(self) -> None:
        """Show the axes as they are written now, as long as nothing else is shown."""
        if self.frame and self.chart is None:
            self._drawn = ()
            self.draw(self.frame)

    def _redraw(self) -> None:
        self.plot.forget()
        if self.frame:
            self.draw(self.frame)

    def _choose(self, cell: Cell) -> None:
        if self.plot.chart:
            self.chosen.emit(self.plot.chart.sweep.values(cell))


def _named(found: Levels) -> list[Tick]:
    """Return the ticks of a scale with their words; the ends say so where there are numbers beyond them."""
    whole = not np.any(found.ticks % 1.0)
    words = [
        power_of_ten(tick) if found.decades and whole else f"{10.0**tick:.3g}" if found.decades else f"{tick:.6g}"
        for tick in found.ticks.tolist()
    ]
    if found.below:
        words[0] = f"≤{words[0]}"
    if found.above:
        words[-1] = f"≥{words[-1]}"
    return list(zip(found.places.tolist(), words, strict=True))
