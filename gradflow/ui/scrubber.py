"""The recorded steps as a slider: drag it (or use the arrow keys) to look back, to its right end for now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gradflow.sim.history import HistoryView
from gradflow.sim.looking_back import nearest_row
from gradflow.sim.words import counted
from gradflow.ui.widgets import Slider, ToolButton

LEAST_ROWS = 2


class Scrubber(QWidget):
    """A slim slider over the recorded steps. It appears with the first of them and stays."""

    moved = Signal(object)
    """The step to look back at, None for now."""

    def __init__(self) -> None:
        super().__init__()
        self.slider, self.words, self.button = Slider(), QLabel(), ToolButton()
        self.slider.setAccessibleName("Recorded step")
        self.slider.setToolTip("Look back at a recorded step: drag, or ← and → (Home, End); the right end is now")
        self.slider.setPageStep(10)
        self.slider.setEnabled(False)
        self.words.setObjectName("muted")
        self.words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.button.setObjectName("quiet")
        self.button.setText("Back to now")
        self.button.setToolTip("Show the run as it is now (Esc)")
        self.button.setAccessibleName("Back to now")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.slider, 1)
        row.addWidget(self.words)
        row.addWidget(self.button)
        for widget in (self.words, self.button):
            # Words that come and go must not move the slider.
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            policy.setHorizontalPolicy(QSizePolicy.Policy.Fixed)
            widget.setSizePolicy(policy)
        self.words.setFixedWidth(self.words.fontMetrics().horizontalAdvance("step 0 000 000 of 0 000 000"))
        self.slider.valueChanged.connect(self._move)
        self.button.clicked.connect(lambda: self.moved.emit(None))
        self._steps: NDArray[np.float64] = np.empty(0)
        self.button.hide()
        self.hide()

    def show_steps(self, history: HistoryView, step: int | None) -> None:
        """Show what is recorded, and which of it is looked at; None is now."""
        enough = len(history) >= LEAST_ROWS
        if enough and self.isHidden():
            self.show()
        self.slider.setEnabled(enough)
        self.button.setVisible(step is not None)
        if self.slider.isSliderDown():
            # Nothing moves under the mouse.
            return
        self._steps = history.column("step")
        last = max(len(self._steps) - 1, 0)
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, last)
            self.slider.setValue(last if step is None else nearest_row(history, step))
        self._say()

    def _move(self, row: int) -> None:
        self._say()
        self.moved.emit(None if row >= len(self._steps) - 1 else int(self._steps[row]))

    def _say(self) -> None:
        row, words = self.slider.value(), ""
        if row < len(self._steps):
            words = f"step {counted(int(self._steps[row]))} of {counted(int(self._steps[-1]))}"
        self.words.setText(words)
