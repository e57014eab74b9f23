"""Directional derivatives: a direction of all parameters in three ways, the loss along it, and over a plane of two."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel

from gradflow.sim.frame import Frame
from gradflow.sim.lab import slope_words
from gradflow.sim.lab.exploration import RUNNING, Look, Progress, Refused, explore, survey, zoom_of
from gradflow.sim.lab.line import Line
from gradflow.sim.lab.plane import Plane
from gradflow.sim.lab.slope import Slope
from gradflow.sim.lab.table import Table
from gradflow.sim.words import spell
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.directions_layout import SIDES, TALL, WIDE, Panels
from gradflow.ui.lab.following import Following
from gradflow.ui.lab.study_words import ways
from gradflow.ui.theme import Theme
from gradflow.ui.view import view
from gradflow.ui.weak import weakly


@view("directions", "How does the loss change along a direction?")
class Directions(Following):
    """The directional derivative ∇L·h for a direction h of all parameters, and the loss where it leads.

    Reverse mode has all of ∇L after one pass back and multiplies by h; forward mode carries the tangents of h through
    the network, exactly, and has this one number; the difference quotient divides (L(θ+t·h) − L(θ−t·h)) by 2t. Below,
    the loss along θ + t·h with its tangent and parabola, and over a plane of two directions with the run's trajectory
    on it, projected. The run is retraced from its seed for that. Shift+→ goes from line to plane to layers.
    """

    formula = "DL(θ)[h] = ∇L·h = lim (L(θ+t·h) − L(θ)) / t"

    def __init__(self) -> None:
        super().__init__()
        self.slope: Slope | None = None
        self.line: Line | None = None
        self._coming: Slope | None = None
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
        panels.trajectory.toggled.connect(weakly(self, lambda self, _: self._choose(plane=True)))
        panels.log.toggled.connect(weakly(self, lambda self, _: self._show()))
        panels.reach.valueChanged.connect(weakly(self, lambda self, _: self._choose(line=True)))
        panels.zoom.valueChanged.connect(weakly(self, lambda self, _: self._choose(plane=True)))
        panels.stop.clicked.connect(self._give_up)
        panels.paint_now.clicked.connect(weakly(self, lambda self: self._choose(plane=True)))
        panels.turned.connect(self._turn)
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
        return self.panels.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned."""
        self.panels.restore(state)
        self._walk()
        self._paint()

    def finish(self) -> None:
        """Wait for what is being computed."""
        super().finish()
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
        if plane or self._owed:
            self._paint()

    def _turn(self) -> None:
        self._show()
        self.moved.emit()

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
        self._owed, self._plane_remark = self.hurried, ""
        if self.specimen and not self._owed:
            panels = self.panels
            look = Look(zoom_of(panels.zoom.value()), panels.whole.isChecked(), panels.trajectory.isChecked())
            self.painting.run(partial(survey, self.specimen, panels.across.ask, panels.up.ask, look))
        else:
            self.painting.stop()
        self._show()

    def _take_line(self, found: Any) -> None:
        if isinstance(found, Slope):
            # It is shown with its line: numbers of two directions or two steps must not stand beside each other.
            self._coming = found
        elif isinstance(found, Line):
            if self._coming and (found.done.all() or self.line is None or not self.hurried):
                # What only follows the run is not taken apart and put together again before one's eyes.
                self.slope, self.line, self._remark = self._coming, found, ""
                self.panels.first.refuse("")
                self._show()
            if found.done.all():
                self.go_on()
        elif isinstance(found, Refused):
            self._take_line_words(self.panels.first.refuse(found.words))
        else:
            self._remark = found.words
            self._show()

    def _take_line_words(self, words: str) -> None:
        """Say why there is no line."""
        self.slope = self.line = self._coming = None
        self._remark = words
        self._show()
        self.go_on()

    def _take_plane(self, found: Any) -> None:
        if isinstance(found, Refused):
            form = self.panels.forms.get(found.of)
            self._take_plane_words(form.refuse(found.words) if form else found.words)
            return
        self._plane_remark = found.words if isinstance(found, Progress) else ""
        if isinstance(found, Plane):
            self.plane = found
            for form in (self.panels.across, self.panels.up):
                form.refuse("")
        self._show()

    def _take_plane_words(self, words: str) -> None:
        """Say why there is no plane."""
        self.plane = None
        self._plane_remark = words
        self._show()

    def _show(self) -> None:
        panels = self.panels
        # While somebody waits for another direction the numbers of the one before would pass for its own.
        found, line = (None, None) if self._remark and not self.hurried else (self.slope, self.line)
        panels.rows.show_rows(ways(found) if found else [])
        panels.layers.show_table(found.table() if found else None)
        panels.line.show_line(line)
        panels.reach_words.setText(f"reach ±{spell(float(line.t[-1]))}" if line else "reach")
        said = [self._remark or (RUNNING.words if found is None and self.walking.busy else "")]
        if found and line and not self._remark:
            note = self.specimen.precision_words if self.specimen else ""
            said = [f"{slope_words.place(found)} {note}".rstrip()]
            if self.height() >= TALL:
                said += [slope_words.cost(found.work)]
            if panels.shows_line:
                said += [slope_words.step(line)]
        elif self.specimen is None:
            said = ["No network has been measured yet."]
        _say(panels.words, "\n".join(said))
        panels.words.setToolTip(slope_words.cost(found.work) if found else "")
        self._show_plane()
        panels.show_signs()

    def _show_plane(self) -> None:
        panels, plane = self.panels, self.plane
        now = self.slope.step if self.slope else self.specimen.step if self.specimen else 0
        old = plane is not None and plane.axes.step != now
        panels.plane.show_plane(plane, panels.log.isChecked(), old)
        panels.stop.setVisible(self.painting.busy and (old or not (plane and plane.done.all())))
        panels.paint_now.setVisible(self._owed)
        said = [self._plane_remark]
        if plane and old:
            said = [f"The plane is of step {plane.axes.step}, the numbers are of step {now}.", self._plane_remark]
        elif plane:
            said.append(slope_words.plane(plane))
        elif self.painting.busy and not self._plane_remark:
            said = [RUNNING.words]
        if self._owed:
            said.append("It is painted anew when the run is paused.")
        _say(panels.plane_words, " ".join(filter(None, said)))


def _say(label: QLabel, words: str) -> None:
    label.setText(words)
    label.setVisible(bool(words))
