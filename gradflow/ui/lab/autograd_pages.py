"""The pages beside the graph of the sandbox: choices above, and what they give as a text below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.sim.lab.sandbox_walk import Order
from gradflow.ui.lab.autograd_words import marked
from gradflow.ui.theme import Theme
from gradflow.ui.widgets import Button, Choice, TextBox

ORDERS = {Order.REVERSE: "reverse of computing", Order.DEPTH_FIRST: "depth first, without waiting"}


class Page(QWidget):
    """Choices above, numbers in a scrolled text below."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.RichText)
        self.label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.label.setContentsMargins(4, 4, 4, 4)
        self.choices = QVBoxLayout()
        self.choices.setSpacing(4)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self.label)
        area.setAccessibleName(name)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 8, 4, 0)
        box.setSpacing(8)
        box.addLayout(self.choices)
        box.addWidget(area, 1)

    def minimumSizeHint(self) -> QSize:
        """Be content with little: the text scrolls."""
        return QSize(60, 60)

    def say(self, text: str, theme: Theme) -> None:
        """Show this text."""
        text = marked(text, theme)
        if text != self.label.text():
            self.label.setText(text)


class BackwardPage(Page):
    """The output, its weights v, the order, the cuts, and calls of backward()."""

    def __init__(self) -> None:
        super().__init__("What backward gives and costs")
        self.output, self.order, self.seed = Choice(), Choice(), TextBox()
        self.output.setAccessibleName("Output")
        self.output.setToolTip("The value that is differentiated")
        self.order.setAccessibleName("Order of the walk")
        for order, title in ORDERS.items():
            self.order.addItem(title, order.value)
        self.order.setToolTip(
            "In the reverse order of computing, everything has arrived at an operation before it passes its sum on"
        )
        self.seed.setAccessibleName("Seed vector v")
        self.seed.setPlaceholderText("v, such as [−5, 2, 6]".replace("−", "-"))
        self.seed.setToolTip("The weight of each entry of the output: backward(v) gives vᵀJ")
        self.again, self.zero = _small("backward() again"), _small("zero_grad()")
        self.again.setToolTip("Walk back once more: what comes is added to the .grad of the leaves")
        self.zero.setToolTip("Forget what is in the .grad of the leaves")
        self.cut_output = _small("Detach output")
        self.cut_output.setCheckable(True)
        self.cut_output.setToolTip("As if the output were under detach()")
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(4)
        form.addRow("output", self.output)
        form.addRow("v", self.seed)
        form.addRow("order", self.order)
        self.seed_label = form.labelForField(self.seed)
        self.wrong = QLabel()
        self.wrong.setObjectName("fieldError")
        self.wrong.setWordWrap(True)
        self.choices.addLayout(form)
        self.choices.addWidget(self.wrong)
        self.choices.addLayout(_row(self.again, self.zero))
        self.choices.addLayout(_row(self.cut_output))

    def show_choices(self, desk: Desk) -> None:
        """Show what is chosen."""
        self.output.clear()
        self.output.addItems(desk.outputs())
        self.output.setCurrentText(desk.output)
        self.order.setCurrentIndex(self.order.findData(desk.choices.order.value))
        if self.seed.text() != desk.choices.seed:
            self.seed.setText(desk.choices.seed)
        several = desk.opened is not None and desk.opened.seed.size > 1
        self.seed.setVisible(several)
        self.seed_label.setVisible(several)
        wrong = desk.opened.wrong.get(("seed", ""), "") if desk.opened else ""
        self.wrong.setText(wrong)
        self.wrong.setVisible(bool(wrong))
        self.cut_output.setChecked(desk.output in desk.choices.detached)


class DifferencesPage(Page):
    """The entry that is moved, and by how much."""

    chosen = Signal(str, str)
    """Another entry or step."""

    def __init__(self) -> None:
        super().__init__("Finite differences beside the exact value")
        self.entry, self.step = Choice(), TextBox()
        self.entry.setAccessibleName("Entry of an input")
        self.step.setAccessibleName("Step ε")
        self.step.setToolTip("ε, by which the entry is moved")
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(4)
        form.addRow("entry", self.entry)
        form.addRow("ε", self.step)
        self.choices.addLayout(form)
        self.entry.activated.connect(self._tell)
        self.step.textEdited.connect(self._tell)

    def show_choices(self, entries: Sequence[str], entry: str, step: str) -> None:
        """Show what is chosen."""
        self.entry.clear()
        self.entry.addItems(entries)
        self.entry.setCurrentIndex(max(self.entry.findText(entry), 0))
        if self.step.text() != step:
            self.step.setText(step)

    def _tell(self) -> None:
        self.chosen.emit(self.entry.currentText(), self.step.text())


class NodePage(Page):
    """The chosen box, and whether it is cut off."""

    def __init__(self) -> None:
        super().__init__("The chosen box")
        self.cut = _small("Detach node")
        self.cut.setCheckable(True)
        self.cut.setToolTip("As if this were under detach() wherever it is read")
        self.choices.addLayout(_row(self.cut))

    def show_choices(self, label: str, cut: bool) -> None:
        """Show which box is chosen."""
        self.cut.setEnabled(bool(label))
        self.cut.setText(f"Detach {label}" if label else "Detach node")
        self.cut.setChecked(cut)


def _small(text: str) -> Button:
    button = Button(text)
    button.setObjectName("small")
    return button


def _row(*buttons: QPushButton) -> QLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for button in buttons:
        row.addWidget(button)
    row.addStretch(1)
    return row
