"""The bar by which a sequence is stepped through: to the start, back, on, to the end, or anywhere with the slider."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Slider, ToolButton

BUTTONS = (
    ("|◀", "To the start (Shift+Home)", None),
    ("◀", "One step back (Shift+←)", -1),
    ("▶", "One step on (Shift+→)", 1),
    ("▶|", "To the end (Shift+End)", None),
)


class StepBar(QWidget):
    """Four buttons, a slider and where we are."""

    moved = Signal(int)
    """The position that is asked for, from 0."""

    def __init__(self) -> None:
        super().__init__()
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        self._buttons = []
        for sign, words, by in BUTTONS:
            button = ToolButton()
            button.setText(sign)
            button.setToolTip(words)
            button.setAccessibleName(words)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            end = sign == "▶|"
            button.clicked.connect(weakly(self, lambda self, _=False, by=by, end=end: self._move(by, end)))
            self._buttons.append(button)
            box.addWidget(button)
        self.slider = Slider()
        self.slider.setAccessibleName("Position in the sequence")
        self.slider.valueChanged.connect(self.moved)
        self.place = QLabel()
        self.place.setObjectName("muted")
        box.addWidget(self.slider, 1)
        box.addWidget(self.place)

    def show_position(self, position: int, count: int) -> None:
        """Show a position of so many, without telling anybody."""
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(count - 1, 0))
        self.slider.setValue(position)
        self.slider.blockSignals(False)
        self.place.setText(f"{position} of {max(count - 1, 0)}")
        for button, there in zip(self._buttons, (position > 0, position > 0, *[position < count - 1] * 2), strict=True):
            button.setEnabled(there)

    def _move(self, by: int | None, end: bool) -> None:
        self.moved.emit(self.slider.value() + by if by else self.slider.maximum() if end else 0)
