"""A derivative beside its differences: the numbers, the step ε, the curve over all steps, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradflow.sim.lab.step_curve import STEPS, StepCurve
from gradflow.sim.words import spell
from gradflow.ui.lab.number_rows import NumberRow, NumberRows
from gradflow.ui.lab.step_curve_plot import StepCurvePlot
from gradflow.ui.lab.study_words import Names, compared
from gradflow.ui.theme import Theme
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Slider

WIDE = 600
"""From which width there is room for formulas beside the numbers."""


class StepStudy(QWidget):
    """The numbers at one step above, the slider of ε, and the curve with sentences below."""

    turned = Signal(int)
    """The number of another step, on the slider or in the plot."""

    def __init__(self) -> None:
        super().__init__()
        self._compared: list[NumberRow] = []
        self._folded = False
        self.rows, self.plot = NumberRows(), StepCurvePlot()
        self.slider = Slider()
        self.slider.setRange(0, len(STEPS) - 1)
        self.slider.setPageStep(8)
        self.slider.setAccessibleName("Step ε")
        self.step_words, self.words = QLabel(), QLabel()
        self.step_words.setMinimumWidth(92)
        self.words.setObjectName("muted")
        self.words.setWordWrap(True)
        steps = QHBoxLayout()
        steps.setSpacing(8)
        steps.addWidget(self.step_words)
        steps.addWidget(self.slider, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.rows)
        box.addLayout(steps)
        box.addWidget(self.plot, 1)
        box.addWidget(self.words)
        self.slider.valueChanged.connect(weakly(self, lambda self, value: self.turned.emit(len(STEPS) - 1 - value)))
        self.plot.step_picked.connect(self.turned)

    def minimumSizeHint(self) -> QSize:
        """Be content with little."""
        return QSize(160, 60 if self._folded else 160)

    def show_curve(
        self, curve: StepCurve | None, names: Names, number: int, printed: bool, said: Sequence[str], theme: Theme
    ) -> None:
        """Show a curve at one of its steps, with the slide's slip if it is `printed`, and what is said of it."""
        before = self.slider.blockSignals(True)
        self.slider.setValue(len(STEPS) - 1 - number)
        self.slider.blockSignals(before)
        self.step_words.setText(f"ε = {spell(float(STEPS[number]))}")
        self.plot.name_axes("step ε", f"error |difference − {names.derivative}|\n|error|", theme)
        self.plot.show_curve(curve, number, printed)
        self._compared = compared(curve, names, number, printed, theme) if curve else []
        self._show_rows()
        self.words.setText("\n".join(said))
        self._show_words()

    def fold(self, folded: bool) -> None:
        """Leave only the numbers and the slider where something else needs the room; words if there is nothing else."""
        self._folded = folded
        self.plot.setVisible(not folded)
        policy = QSizePolicy.Policy
        self.setSizePolicy(policy.Preferred, policy.Maximum if folded else policy.Preferred)
        self._show_words()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the formulas out where there is no room for them."""
        super().resizeEvent(event)
        self._show_rows()

    def _show_rows(self) -> None:
        # The numbers come first.
        wide = self.width() >= WIDE
        self.rows.show_rows([row if wide else replace(row, formula="") for row in self._compared])

    def _show_words(self) -> None:
        self.words.setVisible(not (self._folded and self._compared))

    def retheme(self, theme: Theme) -> None:
        """Take new colours; the curve is shown anew by whoever shows it."""
        self.plot.retheme(theme)
        self.rows.retheme(theme)
