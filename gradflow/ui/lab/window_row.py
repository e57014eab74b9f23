"""The row that chooses what the graph of neurons shows: the sample, what is differentiated, which layers and units."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.sim.lab.neuron_graph import LARGEST, LOSS, MOST_UNITS, NeuronGraph, Window
from gradflow.ui.widgets import Choice, Number

MOST = 10_000


class WindowRow(QWidget):
    """Emits what a person asks for; what comes of it is shown by `show_graph`."""

    changed = Signal()
    """Another sample, target or window is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.sample = _number("Sample", "Which sample of the batch")
        self.first = _number("First layer", "The first layer that is shown; 0 is the data")
        self.last = _number("Last layer", "The last layer that is shown")
        self.unit = _number(
            "First unit",
            "The first unit that is shown of a larger layer; below 0 those with most of the gradient",
        )
        self.unit.setFixedWidth(78)
        self.unit.setSpecialValueText("largest")
        self.units = _number("Units", f"How many units of each layer are shown, up to {MOST_UNITS}")
        self.units.setRange(1, MOST_UNITS)
        self.target = Choice()
        self.target.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToContents)
        self.target.setAccessibleName("Target")
        self.target.setToolTip("What is differentiated: the loss, or one of the outputs")
        self.target.currentIndexChanged.connect(self.changed)
        self.of = QLabel()
        self.of.setObjectName("muted")
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        for words, widgets in (
            ("sample", (self.sample, self.of)),
            ("∂", (self.target,)),
            ("layers", (self.first,)),
            ("to", (self.last,)),
            ("units", (self.units,)),
            ("from", (self.unit,)),
        ):
            label = QLabel(words)
            label.setObjectName("muted")
            box.addWidget(label)
            for widget in widgets:
                box.addWidget(widget)
            box.addSpacing(6)
        self.busy = QLabel("working …")
        self.busy.setObjectName("muted")
        self.busy.hide()
        box.addWidget(self.busy)
        box.addStretch(1)
        for number in (self.sample, self.first, self.last, self.unit, self.units):
            number.valueChanged.connect(self.changed)

    def show_busy(self, busy: bool) -> None:
        """Say whether what is asked for is on its way."""
        self.busy.setVisible(busy)

    def wanted(self, before: Window) -> Window:
        """Return the window that is chosen; where its ends have met, the one that was not moved gives way."""
        first, last = self.first.value(), self.last.value()
        if last < first:
            first = last = first if first != before.first else last
        return Window(first, last, self.unit.value(), self.units.value())

    def target_wanted(self) -> int:
        """Return the target that is chosen."""
        return self.target.currentIndex() - 1 if self.target.currentIndex() > 0 else LOSS

    def show_graph(self, graph: NeuronGraph, samples: int) -> None:
        """Show what a graph is of, and let what it cannot be be out of reach."""
        widest = max(column.units for column in graph.all_columns)
        for box, low, high, value in (
            (self.sample, 0, samples - 1, graph.sample),
            (self.first, 0, graph.layers, graph.window.first),
            (self.last, 0, graph.layers, graph.window.last),
            (self.unit, LARGEST, widest - 1, graph.window.unit),
            (self.units, 1, MOST_UNITS, graph.window.units),
        ):
            with QSignalBlocker(box):
                box.setRange(low, high)
                box.setValue(value)
        self.of.setText(f"of 0 … {samples - 1}")
        names = ["loss L", *graph.output_names]
        with QSignalBlocker(self.target):
            if [self.target.itemText(i) for i in range(self.target.count())] != names:
                self.target.clear()
                self.target.addItems(names)
            self.target.setCurrentIndex(graph.target + 1)


def _number(name: str, tip: str) -> Number:
    box = Number()
    box.setRange(0, MOST)
    box.setAccessibleName(name)
    box.setToolTip(tip)
    box.setFixedWidth(58)
    return box
