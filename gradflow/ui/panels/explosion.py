"""After an explosion: what broke, where, and the last steps to be looked at again."""

from __future__ import annotations

import html
import math
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolBar

from gradflow.sim.frame import Frame, State
from gradflow.sim.looking_back import last_steps
from gradflow.sim.snapshot import Divergence
from gradflow.sim.words import spell
from gradflow.ui.widgets import Slider, ToolButton

HEIGHT = 34


class Explosion(QToolBar):
    """A bar that is there while a run stands diverged; its slider chooses which of the last steps all views show."""

    step_wanted = Signal(int)
    """The step to be looked at."""

    def __init__(self) -> None:
        super().__init__("Explosion")
        self.setObjectName("explosion-bar")
        self.setMovable(False)
        self.toggleViewAction().setVisible(False)
        self._steps: tuple[int, ...] = ()
        self._showing = False
        self.words, self.place = QLabel(), QLabel()
        self.words.setMinimumWidth(1)
        # Words may be cut in a narrow window; they must not keep it wide, nor push the views about.
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.place.setObjectName("muted")
        self.place.setFixedWidth(176)
        self.slider = Slider()
        self.slider.setFixedWidth(220)
        self.slider.setPageStep(5)
        self.slider.setAccessibleName("Step to look at")
        self.slider.setToolTip("The last steps before the explosion (← and →)")
        self.slider.valueChanged.connect(self._choose)
        self.back, self.forward = _button("◀", "One step back (←)"), _button("▶", "One step forward (→)")
        self.back.clicked.connect(lambda: self.move_by(-1))
        self.forward.clicked.connect(lambda: self.move_by(1))
        frame = QFrame()
        frame.setObjectName("explosion")
        frame.setFixedHeight(HEIGHT)
        box = QHBoxLayout(frame)
        box.setContentsMargins(12, 4, 8, 4)
        box.setSpacing(8)
        box.addWidget(self.words, 1)
        for widget in (self.back, self.slider, self.forward, self.place):
            box.addWidget(widget)
        self.addWidget(frame)
        self.hide()

    def draw(self, latest: Frame, step: int) -> None:
        """Show the state of a run that has diverged, of which `step` is on screen; hide for any other run."""
        divergence = latest.snapshot.divergence
        if latest.state is not State.DIVERGED or divergence is None:
            self.hide()
            return
        self._steps = last_steps(latest)
        self._showing = True
        self.slider.setRange(0, len(self._steps) - 1)
        self.slider.setValue(self._steps.index(step))
        self._showing = False
        self.back.setEnabled(step > self._steps[0])
        self.forward.setEnabled(step < self._steps[-1])
        words = f"<b>{_headline(divergence)}</b> {_before(divergence)}"
        self.words.setText(words)
        self.words.setToolTip(f"<p>{words}</p><p>{html.escape(latest.finding.advice)}</p>")
        finite = "the last finite state" if step == divergence.step - 1 else "broken" if step == divergence.step else ""
        self.place.setText(f"step {step}" + (f": {finite}" if finite else ""))
        self.show()

    def move_by(self, steps: int) -> bool:
        """Look at a later or an earlier step; return whether there is one."""
        before = self.slider.value()
        if self.isVisible():
            self.slider.setValue(before + steps)
        return self.slider.value() != before

    def forward_or(self, otherwise: Callable[[], None]) -> None:
        """Look at the next step; where there is none, do something else."""
        if not self.move_by(1):
            otherwise()

    def _choose(self, place: int) -> None:
        if not self._showing:
            self.step_wanted.emit(self._steps[place])


def _headline(divergence: Divergence) -> str:
    what = f"{divergence.quantity} in layer {divergence.layer}" if divergence.layer else divergence.quantity
    return f"Exploded at step {divergence.step}: {what} is no longer finite ({divergence.direction})."


def _before(divergence: Divergence) -> str:
    known = not math.isnan(divergence.largest_before)
    return f"One step before, its largest magnitude was {spell(divergence.largest_before)}." if known else ""


def _button(sign: str, words: str) -> ToolButton:
    button = ToolButton()
    button.setObjectName("quiet")
    button.setText(sign)
    button.setToolTip(words)
    button.setAccessibleName(words)
    return button
