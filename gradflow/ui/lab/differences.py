"""Finite differences beside backprop: one parameter or input, every step size, and the whole network layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout

from gradflow.sim.lab.differences import Entry, Study, study
from gradflow.sim.lab.layer_checks import MOST
from gradflow.sim.lab.step_curve import STEPS
from gradflow.sim.lab.table import Table
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.check_pane import CheckPane
from gradflow.ui.lab.entry_form import MOST_SAMPLES, EntryForm
from gradflow.ui.lab.following import Following
from gradflow.ui.lab.step_study import StepStudy
from gradflow.ui.lab.study_words import Names, names, sentences
from gradflow.ui.theme import Theme
from gradflow.ui.view import view
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Button

WIDE, TALL = 1080, 520
"""From which width the layers stand beside the curve, and from which height there is room for all words."""

NOTHING, BEGINNING = "No network has been measured yet.", "running the network …"

NAMES = Names("L", "", "w", "∂L/∂w", "backprop")

FIRST_STEP = 40
"""The number of the step that is shown at first: 10⁻⁵, the usual one of a central difference."""


@view("differences", "Do finite differences agree with backprop?")
class Differences(Following):
    """∂L/∂w of any parameter or input by differences of the loss, beside the exact number that backprop gives.

    Forward: (L(w+ε) − L(w))/ε, off by ½|L″|·ε. Central: (L(w+ε) − L(w−ε))/2ε, off by ⅙|L‴|·ε². Both are off by about
    u|L|/ε as well, u = 1.1·10⁻¹⁶ being the machine precision, because the two losses agree in almost all digits. Below,
    the error over ε: it falls with slope 1 or 2 until round-off takes over and it rises again. Hollow diamonds straddle
    a kink (of ReLU, of pooling), where the two need not agree. Slide, click the plot or press Shift+→ for another ε.
    """

    formula = "(L(w+ε) − L(w−ε)) / 2ε → ∂L/∂w"

    def __init__(self) -> None:
        super().__init__()
        self.entry, self.number = Entry(), FIRST_STEP
        self.sample: int | None = None
        self.study: Study | None = None
        self.curves = Background(self)
        self.form = EntryForm()
        self.printed = Button("Slide’s ε²")
        self.printed.setCheckable(True)
        self.printed.setToolTip("The difference as one slide prints it, over ε² in place of 2ε: see what that does")
        self.check = Button("Check layers")
        self.check.setCheckable(True)
        self.check.setToolTip(f"Compare backprop with central differences at up to {MOST} parameters of each layer")
        self.curve, self.layers = StepStudy(), CheckPane()
        self._layout()
        self._connect()

    def _layout(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.form)
        top.addStretch(1)
        top.addWidget(self.printed)
        top.addWidget(self.check)
        self.body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self.body.setSpacing(16)
        self.body.addWidget(self.curve, 1)
        self.body.addWidget(self.layers, 1)
        self.layers.hide()
        self.box.setContentsMargins(12, 4, 12, 8)
        self.box.setSpacing(8)
        self.box.addLayout(top)
        self.box.addWidget(self.form.place.message)
        self.box.addWidget(self.age)
        self.box.addLayout(self.body, 1)

    def _connect(self) -> None:
        self.form.changed.connect(self._choose_entry)
        self.form.sample.activated.connect(weakly(self, lambda self, _: self.tell("sample")))
        self.curve.turned.connect(self._turn)
        self.printed.toggled.connect(self._switch)
        self.check.toggled.connect(self._switch_check)
        self.curves.arrived.connect(self._take_study)
        self.curves.failed.connect(self._take_words)

    # What a view of the lab does.

    @property
    def computing(self) -> bool:
        """Whether the curve or the check of the layers is not finished."""
        return self.curves.busy or self.layers.checking.busy

    def compute(self) -> None:
        """Compute the curve and, where it is asked for, the check of the layers."""
        self.form.show_specimen(self.specimen)
        self._compute()
        self._check()

    def clear(self) -> None:
        """Show that there is no network."""
        self.study = None
        self.form.show_specimen(None)
        self.layers.clear()
        self._show()

    def positions(self) -> int:
        """As many as there are steps ε, from large to small."""
        return len(STEPS)

    @property
    def position(self) -> int:
        """The number of the step."""
        return self.number

    def go(self, position: int) -> None:
        """Take another step ε."""
        self._turn(min(max(position, 0), len(STEPS) - 1))

    def tables(self) -> Mapping[str, Table]:
        """Return the curve and, where it was asked for, the check of the layers."""
        found = {}
        if self.study:
            found["step-sizes"] = self.study.curve.table(f"Differences by {self.study.symbol}")
        if self.layers.checks and self.layers.checks.layers:
            found["layers"] = self.layers.checks.table()
        return found

    def state(self) -> dict[str, Any]:
        """Return the entry, the sample, the step and the switches."""
        entry = self.entry
        return {
            "entry": [entry.block, entry.row, entry.column],
            "sample": self.sample,
            "step": self.number,
            "printed": self.printed.isChecked(),
            "layers": self.check.isChecked(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned."""
        block, row, column = state["entry"]
        entry = Entry(str(block), max(int(row), 0), max(int(column), 0))
        sample = None if state["sample"] is None else min(max(int(state["sample"]), 0), MOST_SAMPLES - 1)
        number, printed, layers = int(state["step"]), bool(state["printed"]), bool(state["layers"])
        self.entry, self.sample = entry, sample
        self.number = min(max(number, 0), len(STEPS) - 1)
        self.printed.setChecked(printed)
        before = self.check.blockSignals(True)
        self.check.setChecked(layers)
        self.check.blockSignals(before)
        self._compute()
        self._check()
        self._place()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.curve.retheme(theme)
        self.layers.retheme(theme)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the layers beside the curve, or below the numbers where there is no room for both."""
        super().resizeEvent(event)
        self._place()

    # What a person does.

    def _choose_entry(self, entry: Entry, sample: int | None) -> None:
        self.entry, self.sample = entry, sample
        self.hold()
        self._compute()

    def _turn(self, number: int) -> None:
        if number != self.number:
            self.number = number
            self.hold()
            self._show()
            self.moved.emit()

    def _switch(self) -> None:
        self.curve.plot.decades.forget()
        self._show()

    def _switch_check(self) -> None:
        self.hold()
        self._check()
        self._place()

    # What comes of it.

    def _compute(self) -> None:
        if self.specimen:
            sample = self.sample if not self.specimen.coupled else None
            samples = None if sample is None else [min(sample, self.specimen.samples - 1)]
            self.curves.run(partial(study, self.specimen, self.entry, samples, self.number))

    def _check(self) -> None:
        """Check every layer where that is asked for."""
        if self.check.isChecked() and self.specimen:
            self.layers.begin(self.specimen)
        else:
            self.layers.clear()

    def _take_study(self, found: Study) -> None:
        asked = self.entry.block == found.block.key or not self.entry.block
        same = self.study is not None and self.study.block == found.block and self.study.curve.complete
        if found.curve.complete or not self.hurried or not same:
            # A curve that only follows the training is not taken apart and put together again before one's eyes.
            if found.curve.complete and not same:
                # The range is that of the whole curve, however much of it was seen on the way.
                self.curve.plot.decades.forget()
            self.study = found
            if asked:
                self.entry = Entry(found.block.key, found.row, found.column)
            self.form.show_entry(found, self.sample)
            self._show()
        if found.curve.complete:
            self.go_on()

    def _take_words(self, words: str) -> None:
        self.curve.words.setText(words)
        self.go_on()

    def _show(self) -> None:
        found, printed = self.study, self.printed.isChecked()
        if found is None or self.specimen is None:
            nothing = BEGINNING if self.specimen else NOTHING
            self.curve.show_curve(None, NAMES, self.number, printed, [nothing], self.theme)
            return
        said = sentences(found, self.number, printed, self.height() < TALL, self.specimen.precision_words)
        self.curve.show_curve(found.curve, names(found), self.number, printed, said, self.theme)

    def _place(self) -> None:
        wanted, wide = self.check.isChecked(), self.width() >= WIDE
        self.layers.setVisible(wanted)
        # The step can be turned all the same, so its numbers stay; only the curve makes room.
        self.curve.fold(wanted and not wide)
        direction = QBoxLayout.Direction
        self.body.setDirection(direction.LeftToRight if wide else direction.TopToBottom)
        self._show()
