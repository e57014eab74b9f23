"""What the pages of the sandbox ask for: the output with its weights, and the entry that is moved."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.ui.lab.checked_box import CheckedBox
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Choice, TextBox


class OutputForm(QWidget):
    """The output that is differentiated and, where it has several entries, their weights v; more rows may follow."""

    changed = Signal(str, str)
    """Another output, or other weights as they are typed."""

    def __init__(self) -> None:
        super().__init__()
        self.output, self.seed = Choice(), TextBox()
        self.output.setAccessibleName("Output")
        self.output.setToolTip("The value that is differentiated")
        self.seed.setAccessibleName("Seed vector v")
        self.seed.setPlaceholderText("v, such as [−5, 2, 6]")
        self.seed.setToolTip("The weight of each entry of the output: backward(v) gives vᵀJ")
        self.rows = QFormLayout()
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setSpacing(4)
        self.rows.addRow("output", self.output)
        self.rows.addRow("v", self.seed)
        self.wrong = QLabel()
        self.wrong.setObjectName("fieldError")
        self.wrong.setWordWrap(True)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(4)
        self.box.addLayout(self.rows)
        self.box.addWidget(self.wrong)
        self.output.activated.connect(weakly(self, lambda self, _: self._tell()))
        self.seed.editingFinished.connect(weakly(self, lambda self: self._tell()))

    def show_choices(self, desk: Desk) -> None:
        """Show what is chosen."""
        self.output.clear()
        self.output.addItems(desk.outputs())
        self.output.setCurrentText(desk.output)
        seed = desk.choices.seed.replace("-", "−")
        if self.seed.text() != seed:
            self.seed.setText(seed)
        self.rows.setRowVisible(self.seed, desk.opened is not None and desk.opened.seed.size > 1)
        wrong = desk.opened.wrong.get(("seed", ""), "") if desk.opened else ""
        self.wrong.setText(wrong)
        self.wrong.setVisible(bool(wrong))

    def _tell(self) -> None:
        self.changed.emit(self.output.currentText(), self.seed.text().replace("−", "-"))


class EntryForm(OutputForm):
    """The output, and below it the leaf and the place in it that is moved: every entry can be chosen."""

    moved = Signal(str)
    """Another entry, such as w[0, 1]; it may be none."""

    def __init__(self) -> None:
        super().__init__()
        self.leaf, self.place = Choice(), CheckedBox()
        self._shown: tuple[str, tuple[int, ...]] = ("", ())
        self.leaf.setAccessibleName("Differentiate by")
        self.leaf.setToolTip("An input or a named number of the program; or click its box in the graph")
        self.place.setAccessibleName("Which entry")
        self.rows.addRow("by", self.leaf)
        self.rows.addRow("entry", self.place)
        self.box.addWidget(self.place.message)
        self.leaf.activated.connect(weakly(self, lambda self, _: self.moved.emit(self.leaf.currentText())))
        self.place.editingFinished.connect(self._move)

    def show_choices(self, desk: Desk) -> None:
        """Show what is chosen, and which entry of which leaf."""
        super().show_choices(desk)
        label, _, place = desk.moved_name.rstrip("]").partition("[")
        leaves = desk.leaves()
        self.leaf.clear()
        self.leaf.addItems([name for name, _ in leaves])
        self.leaf.setCurrentText(label)
        shape = dict(leaves).get(label, ())
        self.rows.setRowVisible(self.place, bool(shape))
        self.place.setToolTip(f"Counted from 0; there are {' × '.join(map(str, shape))}")
        if (desk.moved_name, shape) != self._shown:
            self._shown = (desk.moved_name, shape)
            self.place.refuse("")
        typing = self.place.isModified() and self.place.hasFocus()
        if not (typing or self.place.refused):
            self.place.setText(place)

    def _move(self) -> None:
        if self.place.isModified():
            self.place.setModified(False)
            self.moved.emit(f"{self.leaf.currentText()}[{self.place.text()}]")
