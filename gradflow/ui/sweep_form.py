"""What is swept: two fields with their values, and how many steps each cell takes."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from gradflow.sim.config import FIELDS
from gradflow.sim.sweep import suggested, sweepable
from gradflow.ui.forms import tooltip
from gradflow.ui.widgets import Button, Choice

FIRST = "init.scale", "network.depth"
FIRST_STEPS = "200"
VALUES = "start:stop:count, start:stop:count:log, or a list a,b,c"


class AxisForm(QWidget):
    """A field and the values it takes, written as on the command line."""

    submitted = Signal()
    edited = Signal()
    """Another field or other values are written there."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__()
        self.field, self.values = Choice(), QLineEdit()
        self.field.setAccessibleName(f"Field of the {name} axis")
        self.field.setMinimumWidth(64)
        for each in sweepable():
            self.field.addItem(FIELDS[each].says.title, each)
            self.field.setItemData(self.field.count() - 1, tooltip(FIELDS[each]), Qt.ItemDataRole.ToolTipRole)
        self.values.setAccessibleName(f"Values of the {name} axis")
        self.values.setToolTip(f"The values from one end to the other, and how many: {VALUES}")
        self.values.setMinimumWidth(72)
        label = QLabel(name)
        label.setObjectName("muted")
        label.setBuddy(self.field)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(label)
        row.addWidget(self.field, 2)
        row.addWidget(self.values, 3)
        self.field.setCurrentIndex(self.field.findData(path))
        self._suggest()
        self.field.currentIndexChanged.connect(self._suggest)
        self.values.textChanged.connect(self.edited)
        self.values.returnPressed.connect(self.submitted)

    @property
    def text(self) -> str:
        """The axis as it is written: ``path=values``."""
        return f"{self.field.currentData()}={self.values.text()}"

    def _suggest(self) -> None:
        self.values.setText(suggested(self.field.currentData()))


class SweepForm(QWidget):
    """Two axes, the steps of each cell, and the button that starts and stops."""

    started = Signal(str, str, str)
    """The texts of the two axes and of the number of steps."""

    stopped = Signal()

    edited = Signal()
    """An axis is another one."""

    def __init__(self) -> None:
        super().__init__()
        self.x_axis, self.y_axis = AxisForm("x", FIRST[0]), AxisForm("y", FIRST[1])
        self.steps = QLineEdit(FIRST_STEPS)
        self.steps.setFixedWidth(52)
        self.steps.setAccessibleName("Steps of each cell")
        self.steps.setToolTip("How many updates each cell takes; a measure at initialisation takes none")
        self.button = Button("Start")
        self.button.setToolTip("Run a network for every cell, on all cores, while you go on; Stop keeps what is done")
        steps = QLabel("steps")
        steps.setObjectName("muted")
        steps.setBuddy(self.steps)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.x_axis, 1)
        row.addWidget(self.y_axis, 1)
        row.addWidget(steps)
        row.addWidget(self.steps)
        row.addWidget(self.button)
        self._running = False
        self.button.clicked.connect(self._press)
        for part in (self.x_axis, self.y_axis):
            part.submitted.connect(self._start)
            part.edited.connect(self.edited)
        self.steps.returnPressed.connect(self._start)

    def show_running(self, running: bool) -> None:
        """Offer to stop what runs, or to start."""
        if running != self._running:
            self._running = running
            self.button.setText("Stop" if running else "Start")

    def _press(self) -> None:
        if self._running:
            self.stopped.emit()
        else:
            self._start()

    def _start(self) -> None:
        self.started.emit(self.x_axis.text, self.y_axis.text, self.steps.text())
