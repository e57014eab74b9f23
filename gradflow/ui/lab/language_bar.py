"""What the sandbox offers to begin with: worked examples, and every function of the language."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from gradflow.sim.lab.sandbox_examples import examples, written_functions
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Choice, ToolButton


class LanguageBar(QWidget):
    """A choice of worked examples beside a menu of functions."""

    example = Signal(int)
    """The number of an example, from 0."""

    function = Signal(str)
    """A function as it is written, tanh(x)."""

    def __init__(self) -> None:
        super().__init__()
        self.examples, self.functions = Choice(), ToolButton()
        self.examples.setAccessibleName("Worked examples")
        self.examples.setToolTip("Worked examples, the lecture's first")
        self.examples.addItem("Examples…")
        for one in examples():
            self.examples.addItem(one.title)
            self.examples.setItemData(self.examples.count() - 1, one.look_for, Qt.ItemDataRole.ToolTipRole)
        self.menu = QMenu(self.functions)
        for written in written_functions():
            self.menu.addAction(written).triggered.connect(
                weakly(self, lambda self, _=False, written=written: self.function.emit(written))
            )
        self.functions.setText("Functions ▾")
        self.functions.setStyleSheet("QToolButton::menu-indicator { image: none; width: 0; }")
        self.functions.setToolTip("Everything that can be called; what is chosen is written into the program")
        self.functions.setMenu(self.menu)
        self.functions.setPopupMode(ToolButton.ToolButtonPopupMode.InstantPopup)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        box.addWidget(self.examples)
        box.addWidget(self.functions)
        self.examples.activated.connect(self._take)

    def _take(self, number: int) -> None:
        self.examples.setCurrentIndex(0)
        if number > 0:
            self.example.emit(number - 1)
