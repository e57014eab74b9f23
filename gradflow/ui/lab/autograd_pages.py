"""The pages beside the graph of the sandbox: choices above, and what they give as a text below."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QTextOption
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QPushButton, QTextEdit, QVBoxLayout, QWidget

from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.sim.lab.sandbox_walk import Order
from gradflow.ui.lab.autograd_forms import EntryForm, OutputForm
from gradflow.ui.lab.autograd_words import marked
from gradflow.ui.theme import Theme
from gradflow.ui.widgets import Button, Choice

ORDERS = {Order.REVERSE: "reverse of computing", Order.DEPTH_FIRST: "depth first, without waiting"}


class Words(QTextEdit):
    """Text to be read: paragraphs keep to the width there is, whatever a table in it needs."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.setReadOnly(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setTabChangesFocus(True)
        # No number is broken: a table that is too wide is scrolled.
        self.setWordWrapMode(QTextOption.WrapMode.WordWrap)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)

    def text(self) -> str:
        """Return the text as it was given."""
        return self._text

    def setText(self, text: str) -> None:
        """Show another text, in so far as it is another, from where the last one was read."""
        if text != self._text:
            self._text, place = text, self.verticalScrollBar().value()
            self.setHtml(text)
            self.verticalScrollBar().setValue(place)


class Page(QWidget):
    """Choices above, numbers in a scrolled text below."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.label = Words()
        self.label.setAccessibleName(name)
        self.head = QWidget()
        self.choices = QVBoxLayout(self.head)
        self.choices.setContentsMargins(0, 0, 0, 0)
        self.choices.setSpacing(4)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 8, 4, 0)
        box.setSpacing(8)
        box.addWidget(self.head)
        box.addWidget(self.label, 1)

    def minimumSizeHint(self) -> QSize:
        """Be content with little: the text scrolls."""
        return QSize(60, 60)

    def lacking(self) -> int:
        """Return how much higher the text is than its place; less than 0 if it is lower."""
        return math.ceil(self.label.document().size().height()) - self.label.viewport().height()

    def say(self, text: str, theme: Theme) -> None:
        """Show this text."""
        self.label.setText(marked(text, theme))


class BackwardPage(Page):
    """The output, its weights v, the order, the cuts, and calls of backward()."""

    def __init__(self) -> None:
        super().__init__("What backward gives and costs")
        self.form, self.order = OutputForm(), Choice()
        self.order.setAccessibleName("Order of the walk")
        for order, title in ORDERS.items():
            self.order.addItem(title, order.value)
        self.order.setToolTip(
            "In the reverse order of computing, everything has arrived at an operation before it passes its sum on"
        )
        self.again, self.zero = _small("backward() again"), _small("zero_grad()")
        self.again.setToolTip("Walk back once more: what comes is added to the .grad of the leaves")
        self.zero.setToolTip("Forget what is in the .grad of the leaves")
        self.cut_output = _small("Detach output")
        self.cut_output.setCheckable(True)
        self.cut_output.setToolTip("As if the output were under detach()")
        self.form.rows.addRow("order", self.order)
        self.choices.addWidget(self.form)
        self.choices.addLayout(_row(self.again, self.zero))
        self.choices.addLayout(_row(self.cut_output))

    def show_choices(self, desk: Desk) -> None:
        """Show what is chosen."""
        self.form.show_choices(desk)
        self.order.setCurrentIndex(self.order.findData(desk.choices.order.value))
        self.cut_output.setChecked(desk.output in desk.choices.detached)


class ForwardPage(Page):
    """The output, and the slope along the direction in both modes."""

    def __init__(self) -> None:
        super().__init__("Forward mode beside reverse mode")
        self.form = OutputForm()
        self.choices.addWidget(self.form)

    def show_choices(self, desk: Desk) -> None:
        """Show what is chosen."""
        self.form.show_choices(desk)


class DifferencesPage(Page):
    """The output, and the entry that is moved."""

    def __init__(self) -> None:
        super().__init__("Finite differences beside the exact value")
        self.form = EntryForm()
        self.printed = _small("Slide’s ε²")
        self.printed.setCheckable(True)
        self.printed.setToolTip("The difference as one slide prints it, over ε² in place of 2ε: see what that does")
        self.choices.addWidget(self.form)
        self.choices.addLayout(_row(self.printed))

    def show_choices(self, desk: Desk) -> None:
        """Show what is chosen."""
        self.form.show_choices(desk)
        self.printed.setChecked(desk.printed)


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
