"""The numbers themselves: every statistic of every layer as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHeaderView, QLabel, QTableView, QWidget

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Stat, Topology
from gradflow.sim.statistics import SIZES, STATISTICS
from gradflow.sim.words import spell
from gradflow.ui.forms import rich
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, View, view
from gradflow.ui.widgets import Choice

Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


@dataclass(frozen=True)
class Column:
    """One column: its heading, what it means, and one number per layer of a frame (none yet: None).

    A `dear` one is not taken at every step.
    """

    heading: str
    doc: str
    values: Callable[[Frame], Any]
    dear: bool = False


def _each_step(stat: Stat) -> Column:
    return Column(stat.symbol, stat.meaning, lambda frame: frame.snapshot.stat(stat))


def _now_and_then(name: str) -> Column:
    entry = STATISTICS[name]
    return Column(entry.title, entry.doc, lambda frame: frame.details.statistics.get(name), dear=True)


def _fixed(attribute: str, heading: str, doc: str) -> Column:
    return Column(heading, doc, lambda frame: [getattr(layer, attribute) for layer in frame.topology.layers])


GROUPS: Mapping[str, tuple[Column, ...]] = {
    "gradient": (
        _each_step(Stat.DELTA),
        _now_and_then("delta_factor"),
        _each_step(Stat.WEIGHT_GRAD),
        _now_and_then("gradient_mean"),
        _now_and_then("gradient_rms"),
        _now_and_then("gradient_max"),
        _each_step(Stat.BIAS_GRAD),
        _now_and_then("zero_share"),
        _each_step(Stat.UNDERFLOW),
    ),
    "entries": tuple(_now_and_then(name) for name in SIZES),
    "signal": (
        _now_and_then("z_mean"),
        _now_and_then("z_variance"),
        _now_and_then("z_length"),
        _now_and_then("z_offset"),
        _now_and_then("correlation"),
        _each_step(Stat.ACTIVATION),
        _each_step(Stat.ACTIVATION_MEAN),
        _each_step(Stat.ACTIVATION_STD),
        _now_and_then("a_variance"),
        _now_and_then("a_length"),
        _now_and_then("a_offset"),
        _now_and_then("slope_square"),
        _each_step(Stat.DEAD),
        _each_step(Stat.SATURATED),
    ),
    "weights": (
        _fixed("init_n", "n", "The fan that the initialiser divided by."),
        _fixed("init_gain", "gain", "The initialiser's gain, times the init scale."),
        _fixed("init_std", "σ", "The standard deviation that the weights were drawn with."),
        _each_step(Stat.WEIGHT),
        _each_step(Stat.UPDATE),
        Column("‖ΔW‖/‖W‖", "The update's size beside the weights'.", lambda frame: frame.snapshot.update_ratio),
        _now_and_then("similarity"),
        _now_and_then("noise_ratio"),
        _now_and_then("noise_angle"),
        _now_and_then("noise_scale"),
    ),
}


HIGHEST = 1200
"""How much a picture shows of the table, in points."""


@view("numbers", "What are the numbers?")
class Numbers(View):
    """Every statistic of every layer. Hover a heading for what it means and what it costs.

    Norms, means, dead and saturated shares are of the step shown; the dearer ones are taken as often as a tenth of the
    time allows, and the line below says of which step they are.
    """

    wants = frozenset({Want.STATISTICS})
    interval_ms = SLOW_MS
    written = False

    def __init__(self) -> None:
        super().__init__()
        self.model = _Table()
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Statistics of every layer")
        self.table.setShowGrid(False)
        self.table.setSelectionMode(QTableView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(22)
        heading = self.table.horizontalHeader()
        heading.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        heading.setMinimumSectionSize(48)
        heading.setHighlightSections(False)
        self.age = QLabel()
        self.age.setObjectName("muted")
        self.group = Choice()
        for name in GROUPS:
            self.group.addItem(name, name)
        self.group.setAccessibleName("Which statistics")
        self.group.currentIndexChanged.connect(self._regroup)
        self.box.addWidget(self.table, 1)
        self.box.addWidget(self.age)

    def reset(self, topology: Topology) -> None:
        """Start with as many rows as there are layers."""
        self.model.start(topology, self.theme)

    def draw(self, frame: Frame) -> None:
        """Show a frame's numbers."""
        self.model.show_frame(frame)
        step, seconds = frame.details.steps.get(Want.STATISTICS), frame.details.seconds.get(Want.STATISTICS, 0.0)
        dear = "" if step in (None, frame.snapshot.step) else f"; what is grey is of step {step}"
        self.age.setText(f"step {frame.snapshot.step}{dear}")
        self.age.setToolTip(f"Taking them cost {1e3 * seconds:.3g} ms." if seconds else "")

    def lacking(self) -> int:
        """Return the height of the layers that are out of sight."""
        rows = self.table.verticalHeader().length()
        return max(min(rows, HIGHEST) - self.table.viewport().height(), 0)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.model.recolor(theme)

    def controls(self) -> QWidget:
        """Return the choice of statistics."""
        return self.group

    def choice(self) -> str:
        """Return the group that is shown."""
        return str(self.group.currentData())

    def choose(self, choice: str) -> None:
        """Show a group."""
        if choice in GROUPS:
            self.group.setCurrentIndex(self.group.findData(choice))

    def caption(self) -> str:
        """Return the group's name."""
        return self.choice()

    def _regroup(self) -> None:
        self.model.show_group(self.choice())


class _Table(QAbstractTableModel):
    """Words the cells that are looked at, and only those: a network may have thousands of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = GROUPS["gradient"]
        self.values: list[Any] = []
        self.frame: Frame | None = None
        self.topology: Topology | None = None
        self.colors: list[QColor] = []
        self.muted = QColor()
        self.stale = False

    def start(self, topology: Topology, theme: Theme) -> None:
        """Take as many rows as there are layers."""
        self.beginResetModel()
        self.topology, self.frame, self.values = topology, None, []
        self.endResetModel()
        self.recolor(theme)

    def show_group(self, name: str) -> None:
        """Show other columns."""
        self.beginResetModel()
        self.columns = GROUPS[name]
        self.values = []
        self.endResetModel()
        if self.frame:
            self.show_frame(self.frame)

    def show_frame(self, frame: Frame) -> None:
        """Take a frame's numbers."""
        self.frame = frame
        self.values = [column.values(frame) for column in self.columns]
        self.stale = frame.details.steps.get(Want.STATISTICS) != frame.snapshot.step
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, len(self.columns)))

    def recolor(self, theme: Theme) -> None:
        """Take the colours of the layers."""
        self.colors = theme.layer_colors(self.rowCount())
        self.muted = QColor(theme.muted)

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """One row per layer."""
        return 0 if parent.isValid() or self.topology is None else len(self.topology.layers)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """One column per statistic, after the layer's name."""
        return 0 if parent.isValid() else len(self.columns) + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a heading, or what it means."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _aligned(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return "layer" if section == 0 else self.columns[section - 1].heading
        if role == Qt.ItemDataRole.ToolTipRole and section:
            return rich(self.columns[section - 1].doc)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the words of a cell."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _aligned(index.column())
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 0 and index.row() < len(self.colors):
            return self.colors[index.row()]
        if role == Qt.ItemDataRole.ForegroundRole and self.stale and index.column():
            return self.muted if self.columns[index.column() - 1].dear else None
        if role != Qt.ItemDataRole.DisplayRole or self.topology is None:
            return None
        if index.column() == 0:
            return str(self.topology.layers[index.row()].number)
        values = self.values[index.column() - 1] if self.values else None
        return "" if values is None else _worded(values[index.row()])


def _aligned(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _worded(value: float | None) -> str:
    """Return a number as a cell shows it; what has no meaning is a dash."""
    return "–" if value is None or math.isnan(value) else spell(float(value))
