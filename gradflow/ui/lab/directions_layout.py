"""The panels of the directions: the numbers above, below them line, plane and layers, side by side or one in front."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.lab.directions import DIRECTIONS, Ask
from gradflow.sim.lab.exploration import ZOOM_STEPS
from gradflow.ui.lab.direction_form import DirectionForm
from gradflow.ui.lab.line_plot import LinePlot, Signs
from gradflow.ui.lab.number_rows import NumberRows
from gradflow.ui.lab.plane_map import PlaneMap
from gradflow.ui.lab.table_rows import TableRows
from gradflow.ui.theme import LIGHT, Theme
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Button, Slider

WIDE, TALL = 960, 520
"""From which width line and plane stand side by side, and from which height there is room for all words."""

SIDES = ("Line", "Plane", "Layers")


class Panels(QWidget):
    """All widgets of the view; it knows where they stand and nothing of what they show."""

    turned = Signal()
    """Another one is in front."""

    def __init__(self, age: QWidget) -> None:
        super().__init__()
        self.first = DirectionForm("h", "update")
        self.across, self.up = DirectionForm("→", "principal-1", "across"), DirectionForm("↑", "principal-2", "up")
        self.unit = _switch("‖h‖ = 1", "Give h the length 1; t is then a distance")
        self.whole = _switch("All samples", "Also the loss of the whole training part, without dropout")
        self.trajectory = _switch("Trajectory", "Retrace the run from its seed and draw its θ on the plane", on=True)
        self.log = _switch("log", "Colours by the logarithm of the loss", on=True)
        self.stop, self.paint_now = Button("Stop"), Button("Paint now")
        self.stop.setToolTip("Give up the plane as it is")
        self.paint_now.setToolTip("Hold on to the present step and paint its plane, while the training goes on")
        self.reach, self.zoom = _slider("How far along the line"), _slider("How near the plane is looked at")
        self.rows, self.layers = NumberRows(), TableRows("The part of each layer in the derivative")
        self.line, self.plane = LinePlot(), PlaneMap()
        self.words, self.plane_words = _muted(), _muted()
        self.theme: Theme = LIGHT
        self._group, self._wide = QButtonGroup(self), True
        for number, name in enumerate(SIDES):
            button = _switch(name, f"Show the {name.lower()}", on=number == 0)
            self._group.addButton(button, number)
        self._lay_out(age)
        self._group.idToggled.connect(weakly(self, lambda self, _, on: self._place(tell=on)))
        self._place()

    @property
    def forms(self) -> dict[str, DirectionForm]:
        """The directions of the line and of the plane, by their names in the state."""
        return {"h": self.first, "across": self.across, "up": self.up}

    @property
    def switches(self) -> dict[str, Button]:
        """What can be on or off, by its name in the state."""
        return {"unit": self.unit, "whole": self.whole, "trajectory": self.trajectory, "log": self.log}

    @property
    def side(self) -> int:
        """Which of line, plane and layers is in front."""
        return self._group.checkedId()

    @property
    def shows_line(self) -> bool:
        """Whether the line can be seen."""
        return not (self.left.isHidden() or self.line.isHidden())

    def turn(self, side: int) -> None:
        """Put one of them in front; what lies beyond is the last."""
        self._group.button(min(max(side, 0), len(SIDES) - 1)).setChecked(True)

    def spread(self, wide: bool) -> None:
        """Have the plane beside the others, or one at a time."""
        if wide != self._wide:
            self._wide = wide
            self._place()

    def state(self) -> dict[str, Any]:
        """Return all directions and switches, and what is in front."""
        asks = {name: dataclasses.asdict(form.ask) for name, form in self.forms.items()}
        switches = {name: button.isChecked() for name, button in self.switches.items()}
        return {**asks, **switches, "reach": self.reach.value(), "zoom": self.zoom.value(), "side": self.side}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned, without telling anyone; raises an error before anything is changed."""
        asks = {name: _ask(state[name]) for name in self.forms}
        numbers = [int(state[name]) for name in ("reach", "zoom", "side")]
        switches = {name: bool(state[name]) for name in self.switches}
        with ExitStack() as stack:
            for widget in (self, *self.switches.values(), self.reach, self.zoom):
                stack.enter_context(QSignalBlocker(widget))
            for name, ask in asks.items():
                self.forms[name].show_ask(ask)
            for name, on in switches.items():
                self.switches[name].setChecked(on)
            self.reach.setValue(numbers[0])
            self.zoom.setValue(numbers[1])
            self.turn(numbers[2])

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        for part in (self.rows, self.line, self.plane, self.layers):
            part.retheme(theme)
        self.theme = theme
        self.show_signs()

    def show_signs(self) -> None:
        """Name below each picture what stands on it."""
        self.legend.setText(_named(self.line.signs(self.theme)))
        self.plane_legend.setText(_named(self.plane.signs(self.theme)))

    def _lay_out(self, age: QWidget) -> None:
        top = _row(self.first, self.unit, self.whole)
        top.addStretch(1)
        for button in self._group.buttons():
            top.addWidget(button)
        self.left, self.right = QWidget(), QWidget()
        self.reach_words, self.legend, self.plane_legend = _muted("reach"), _muted(), _muted()
        self.reach_words.setMinimumWidth(92)
        reach = _row(self.reach_words, self.reach)
        reach.setStretch(1, 1)
        self.reach_row = _widget(reach)
        left = _column(self.left, self.reach_row, self.line, self.legend, self.layers)
        left.setStretch(1, 1)
        left.setStretch(3, 1)
        zoom_words = _muted("zoom")
        zoom_words.setBuddy(self.zoom)
        directions, controls = (
            _row(self.across, self.up),
            _row(zoom_words, self.zoom, self.log, self.trajectory, self.stop, self.paint_now),
        )
        directions.addStretch(1)
        controls.setStretch(1, 1)
        entries = (self.across.entry, self.up.entry)
        right = _column(self.right, _widget(directions), *entries, _widget(controls), self.plane)
        right.setStretch(4, 1)
        right.addWidget(self.plane_legend)
        right.addWidget(self.plane_words)
        body = QHBoxLayout()
        body.setSpacing(16)
        body.addWidget(self.left, 1)
        body.addWidget(self.right, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addLayout(top)
        box.addWidget(self.first.entry)
        box.addWidget(age)
        box.addWidget(self.rows)
        box.addWidget(self.words)
        box.addLayout(body, 1)

    def _place(self, tell: bool = False) -> None:
        plane, layers = self.side == 1, self.side == 2
        self.left.setVisible(self._wide or not plane)
        self.right.setVisible(self._wide or plane)
        for widget in (self.line, self.reach_row, self.legend):
            widget.setVisible(not layers)
        self.layers.setVisible(layers)
        if tell:
            self.turned.emit()


def _ask(state: Mapping[str, Any]) -> Ask:
    kind = str(state["kind"])
    if kind not in DIRECTIONS:
        raise ValueError(f"no direction is called {kind}")
    return Ask(kind, abs(int(state["seed"])), str(state["text"]), bool(state["unit"]))


def _named(signs: Signs) -> str:
    return " &nbsp; ".join(f'<span style="color:{color}">{sign}</span> {name}' for sign, color, name in signs)


def _switch(words: str, tip: str, on: bool = False) -> Button:
    button = Button(words)
    button.setCheckable(True)
    button.setChecked(on)
    button.setToolTip(tip)
    return button


def _slider(name: str) -> Slider:
    slider = Slider()
    slider.setRange(-ZOOM_STEPS, ZOOM_STEPS)
    slider.setPageStep(4)
    slider.setValue(0)
    slider.setAccessibleName(name)
    slider.setToolTip(name)
    slider.setMinimumWidth(60)
    return slider


def _muted(words: str = "") -> QLabel:
    label = QLabel(words)
    label.setObjectName("muted")
    label.setWordWrap(not words)
    return label


def _widget(row: QHBoxLayout) -> QWidget:
    widget = QWidget()
    widget.setLayout(row)
    return widget


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    return row


def _column(parent: QWidget, *widgets: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(parent)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    for widget in widgets:
        column.addWidget(widget)
    return column
