"""Directional derivatives: a direction of all parameters in three ways, the loss along it, and over a plane of two."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel

from gradflow.sim.frame import Frame
from gradflow.sim.lab import slope_words
from gradflow.sim.lab.directions import DIRECTIONS, Ask
from gradflow.sim.lab.exploration import Look, Progress, Refused, explore, survey, zoom_of
from gradflow.sim.lab.line import Line
from gradflow.sim.lab.plane import Plane
from gradflow.sim.lab.slope import Slope
from gradflow.sim.lab.table import Table
from gradflow.sim.words import spell
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.directions_layout import SIDES, TALL, WIDE, Panels
from gradflow.ui.lab.following import Following
from gradflow.ui.lab.number_rows import NumberRow
from gradflow.ui.theme import Theme
from gradflow.ui.view import view
from gradflow.ui.weak import weakly

PICTURE_SECONDS = 8.0
"""How long a picture waits for the plane of a large network."""


@view("directions", "How does the loss change along a direction?")
class Directions(Following):
    """The directional derivative ∇L·h for a direction h of all parameters, and the loss where it leads.

    Reverse mode has all of ∇L after one pass back and multiplies by h; forward mode carries the tangents of h through
    the network, exactly, and has this one number; the difference quotient divides (L(θ+t·h) − L(θ−t·h)) by 2t. Below,
    the loss along θ + t·h with its tangent and parabola, and over the plane of h and a second direction with the way of
    the run on it, projected. The run is retraced from its seed for that. Shift+→ goes from line to plane to layers.
    """

    formula = "DL(θ)[h] = ∇L·h = lim (L(θ+t·h) − L(θ)) / t"

    def __init__(self) -> None:
        super().__init__()
        self.slope: Slope | None = None
        self.line: Line | None = None
        self.plane: Plane | None = None
        self._remark = self._plane_remark = ""
        self._owed = False
        self.walking, self.painting = Background(self), Background(self)
        self.panels = Panels(self.age)
        self.box.setContentsMargins(12, 4, 12, 8)
        self.box.addWidget(self.panels)
        self._connect()

    def _connect(self) -> None:
        panels = self.panels
        panels.first.changed.connect(weakly(self, lambda self, _: self._choose(line=True)))
        panels.across.changed.connect(weakly(self, lambda self, _: self._choose(plane=True)))
        panels.up.changed.connect(weakly(self, lambda self, _: self._choose(plane=True)))
        panels.unit.toggled.connect(weakly(self, lambda self, _: self._choose(line=True)))
        panels.whole.toggled.connect(weakly(self, lambda self, _: self._choose(line=True, plane=True)))
        panels.way.toggled.connect(weakly(self, lambda self, _: self._choose(plane=True)))
        panels.log.toggled.connect(weakly(self, lambda self, _: self._show()))
        panels.reach.valueChanged.connect(weakly(self, lambda self, _: self._choose(line=True)))
        panels.zoom.valueChanged.connect(weakly(self, lambda self, _: self._choose(plane=True)))
        panels.stop.clicked.connect(self._give_up)
        panels.turned.connect(self.moved)
        self.walking.arrived.connect(self._take_line)
        self.walking.failed.connect(self._take_line_words)
        self.painting.arrived.connect(self._take_plane)
        self.painting.failed.connect(self._take_plane_words)

    # What a view of the lab does.

    def draw(self, frame: Frame) -> None:
        """Take the frame's specimen; once the run stands still the plane is painted."""
        super().draw(frame)
        if self._owed and not self.hurried:
            self._paint()

    @property
    def computing(self) -> bool:
        """Whether the line is not finished: the plane waits until the run stands still."""
        return self.walking.busy

    def compute(self) -> None:
        """Compute the slope, the line and the plane."""
        self._walk()
        self._paint()

    def clear(self) -> None:
        """Show that there is no network."""
        self.slope = self.line = self.plane = None
        self._owed = False
        self._show()

    def positions(self) -> int:
        """The line, the plane, the layers."""
        return len(SIDES)

    @property
    def position(self) -> int:
        """Which of them is in front."""
        return self.panels.side

    def go(self, position: int) -> None:
        """Put one of them in front."""
        self.panels.turn(position)

    def tables(self) -> Mapping[str, Table]:
        """Return the curve, the plane and the layers' parts, as far as they are computed."""
        shown = {"line": self.line, "plane": self.plane, "layers": self.slope}
        return {name: one.table() for name, one in shown.items() if one is not None}

    def state(self) -> dict[str, Any]:
        """Return both directions and all switches."""
        panels = self.panels
        asks = {name: dataclasses.asdict(form.ask) for name, form in panels.forms.items()}
        switches = {name: button.isChecked() for name, button in panels.switches.items()}
        return {**asks, **switches, "reach": panels.reach.value(), "zoom": panels.zoom.value(), "side": panels.side}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned."""
        panels = self.panels
        asks = {name: _ask(state[name]) for name in panels.forms}
        numbers = [int(state[name]) for name in ("reach", "zoom", "side")]
        switches = {name: bool(state[name]) for name in panels.switches}
        before = self.blockSignals(True)
        with panels.quiet():
            for name, ask in asks.items():
                panels.forms[name].show_ask(ask)
            for name, on in switches.items():
                panels.switches[name].setChecked(on)
            panels.reach.setValue(numbers[0])
            panels.zoom.setValue(numbers[1])
        panels.turn(numbers[2])
        self.blockSignals(before)
        self._walk()
        self._paint()

    def finish(self) -> None:
        """Wait for what is being computed, but not for ever for the plane: a picture shows as much as there is."""
        self.walking.finish()
        last = time.monotonic() + PICTURE_SECONDS
        while self.painting.busy and time.monotonic() < last:
            time.sleep(0.01)
            QCoreApplication.sendPostedEvents(self.painting)
        if self.painting.busy:
            self.painting.stop()
        self.painting.finish()
        self._show()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.panels.retheme(theme)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show line and plane side by side where there is room for both."""
        super().resizeEvent(event)
        self.panels.spread(self.width() >= WIDE)
        self._show()

    # What a person does.

    def _choose(self, line: bool = False, plane: bool = False) -> None:
        self.hold()
        if line:
            self._walk()
        if plane:
            self._paint()

    def _give_up(self) -> None:
        self.hold()
        self.painting.stop()
        self._plane_remark = "Given up."
        self._show()

    # What comes of it.

    def _walk(self) -> None:
        self._remark = ""
        if self.specimen:
            panels = self.panels
            ask = dataclasses.replace(panels.first.ask, unit=panels.unit.isChecked())
            reach, whole = zoom_of(-panels.reach.value()), panels.whole.isChecked()
            self.walking.run(partial(explore, self.specimen, ask, reach, whole))

    def _paint(self) -> None:
        self._owed = self.hurried
        self._plane_remark = "The plane is painted when the run stands still." if self._owed else ""
        if self.specimen and not self._owed:
            panels = self.panels
            look = Look(zoom_of(panels.zoom.value()), panels.whole.isChecked(), panels.way.isChecked())
            self.painting.run(partial(survey, self.specimen, panels.across.ask, panels.up.ask, look))

    def _take_line(self, found: Any) -> None:
        if isinstance(found, Progress | Refused):
            self._take_line_words(found.words, lost=isinstance(found, Refused))
            return
        self._remark = ""
        if isinstance(found, Slope):
            self.slope = found
        elif not self.hurried or self.line is None or found.done.all():
            # What only follows the run is not taken apart and put together again before one's eyes.
            self.line = found
        self._show()
        if isinstance(found, Line) and found.done.all():
            self.go_on()

    def _take_line_words(self, words: str, lost: bool = True) -> None:
        self._remark = words
        if lost:
            self.slope = self.line = None
        self._show()
        if lost:
            self.go_on()

    def _take_plane(self, found: Any) -> None:
        if isinstance(found, Progress | Refused):
            self._take_plane_words(found.words, lost=isinstance(found, Refused))
            return
        self._plane_remark = ""
        self.plane = found
        self._show()

    def _take_plane_words(self, words: str, lost: bool = True) -> None:
        self._plane_remark = words
        if lost:
            self.plane = None
        self._show()

    def _show(self) -> None:
        panels, found = self.panels, self.slope
        panels.first.mark(valid=not self._remark or found is not None)
        panels.rows.show_rows(_numbers(found) if found else [])
        panels.layers.show_table(found.table() if found else None)
        panels.line.show_line(self.line)
        panels.plane.show_plane(self.plane, panels.log.isChecked())
        panels.stop.setVisible(self.painting.busy and not (self.plane and self.plane.done.all()))
        panels.reach_words.setText(f"reach ±{spell(float(self.line.t[-1]))}" if self.line else "reach")
        said = [self._remark]
        if found and not self._remark:
            said = [slope_words.place(found)]
            if self.height() >= TALL:
                said += [slope_words.cost(found.work)]
            if self.line:
                said += [slope_words.step(self.line)]
        elif self.specimen is None:
            said = ["No network has been measured yet."]
        _say(panels.words, "\n".join(said))
        panels.words.setToolTip(slope_words.cost(found.work) if found else "")
        _say(panels.plane_words, self._plane_remark or (slope_words.plane(self.plane) if self.plane else ""))


def _numbers(found: Slope) -> list[NumberRow]:
    back = NumberRow("reverse mode", "∇L · h, by one pass back", found.reverse, note="a vector–Jacobian product")
    tangent = NumberRow("forward mode", "J h, tangents along h", found.forward)
    kinks = f"straddles {found.kinks}" if found.kinks else ""
    return [back, tangent, NumberRow("difference", "(L(θ+t·h) − L(θ−t·h)) / 2t", found.quotient, note=kinks)]


def _ask(state: Mapping[str, Any]) -> Ask:
    kind = str(state["kind"])
    if kind not in DIRECTIONS:
        raise ValueError(f"no direction is called {kind}")
    return Ask(kind, abs(int(state["seed"])), str(state["text"]), bool(state["unit"]))


def _say(label: QLabel, words: str) -> None:
    label.setText(words)
    label.setVisible(bool(words))
