"""What stands beside the graph of the sandbox: the program, its inputs, and pages of choices and numbers."""

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
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.sim.lab.sandbox_walk import Order
from gradflow.ui.lab import autograd_words as words
from gradflow.ui.lab.inputs_table import InputsTable
from gradflow.ui.lab.program_editor import ProgramEditor
from gradflow.ui.theme import Theme
from gradflow.ui.widgets import Button, Choice, TextBox

ORDERS = {Order.REVERSE: "reverse of computing", Order.DEPTH_FIRST: "depth first, without waiting"}
PROGRAM, BACKWARD, FORWARD, DIFFERENCES, NODE = "Program", "Backward", "Forward", "ε", "Node"
TALL = 560
"""From this height on the program stands above the pages instead of among them."""


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

    def say(self, text: str) -> None:
        """Show this text."""
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
        self.cut_output, self.cut_node = _small("Detach output"), _small("Detach node")
        for button in (self.cut_output, self.cut_node):
            button.setCheckable(True)
        self.cut_output.setToolTip("As if the output were under detach()")
        self.cut_node.setToolTip("As if the chosen box were under detach() wherever it is read")
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
        self.choices.addLayout(_row(self.cut_output, self.cut_node))

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


class Side(QWidget):
    """Program and inputs above the pages, or, where there is little height, the first of them."""

    page_shown = Signal(str)
    """The page that is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.editor, self.inputs = ProgramEditor(), InputsTable()
        self.program = QSplitter(Qt.Orientation.Vertical)
        self.program.addWidget(self.editor)
        self.program.addWidget(self.inputs)
        self.program.setStretchFactor(0, 3)
        self.program.setStretchFactor(1, 2)
        self.program.setChildrenCollapsible(False)
        self.backward, self.forward = BackwardPage(), Page("Forward mode beside reverse mode")
        self.differences, self.node = DifferencesPage(), Page("The chosen box")
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.setAccessibleName("Pages")
        self.pages.tabBar().setAccessibleName("Pages")
        self.pages.tabBar().setExpanding(False)
        self.pages.tabBar().setStyleSheet("QTabBar::tab { padding: 3px 5px; font-size: 11px; }")
        self.pages.tabBar().setUsesScrollButtons(True)
        for page, name in (
            (self.backward, BACKWARD),
            (self.forward, FORWARD),
            (self.differences, DIFFERENCES),
            (self.node, NODE),
        ):
            self.pages.addTab(page, name)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(8)
        self.box.addWidget(self.program, 5)
        self.box.addWidget(self.pages, 6)
        self._wanted = ""
        self.pages.tabBarClicked.connect(lambda place: self._want(self.pages.tabText(place)))
        self.pages.currentChanged.connect(lambda _: self.page_shown.emit(self.page))

    @property
    def page(self) -> str:
        """The name of the page that is looked at."""
        return self.pages.tabText(self.pages.currentIndex())

    def show_page(self, name: str) -> None:
        """Look at a page; one that is not there changes nothing."""
        self._want(name)
        names = [self.pages.tabText(i) for i in range(self.pages.count())]
        if name in names:
            self.pages.setCurrentIndex(names.index(name))

    def _want(self, name: str) -> None:
        self._wanted = name

    def arrange(self, height: int) -> None:
        """Put the program above the pages, or among them."""
        among = self.pages.indexOf(self.program) >= 0
        if among == (height < TALL):
            return
        if among:
            self._wanted = "" if self.page == PROGRAM else self.page
            self.pages.removeTab(self.pages.indexOf(self.program))
            self.box.insertWidget(0, self.program, 5)
            self.program.show()
        else:
            self.box.removeWidget(self.program)
            self.pages.insertTab(0, self.program, PROGRAM)
            self.show_page(self._wanted or PROGRAM)

    def show_numbers(self, desk: Desk, chosen: int | None, theme: Theme) -> None:
        """Write the page that is looked at; the others wait until they are."""
        opened, now = desk.opened, desk.now
        label = opened.sandbox.label(chosen) if opened and chosen is not None else ""
        self.backward.cut_node.setEnabled(bool(label))
        self.backward.cut_node.setText(f"Detach {label}" if label else "Detach node")
        self.backward.cut_node.setChecked(label in desk.choices.detached)
        if not opened or not now:
            return
        if self.page == BACKWARD:
            self.backward.say(words.backward_page(opened, theme))
        elif self.page == FORWARD:
            self.forward.say(words.forward_page(opened, theme))
        elif self.page == DIFFERENCES:
            entry = self.differences.entry.currentText()
            self.differences.say(words.differences_page(desk.differences(), opened, entry, theme))
        elif self.page == NODE:
            self.node.say(words.node_page(opened, chosen, now.visits, theme))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.editor.retheme(theme)
        self.inputs.retheme(theme)

    def minimumSizeHint(self) -> QSize:
        """Be content with little."""
        return QSize(200, 100)


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
