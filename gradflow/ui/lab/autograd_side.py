"""What stands beside the graph of the sandbox: the program, its inputs, and pages of choices and numbers."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.ui.lab import autograd_words as words
from gradflow.ui.lab.autograd_forms import OutputForm
from gradflow.ui.lab.autograd_pages import BackwardPage, DifferencesPage, ForwardPage, NodePage, Page
from gradflow.ui.lab.inputs_table import InputsTable
from gradflow.ui.lab.program_editor import ProgramEditor
from gradflow.ui.theme import Theme
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import TabBar

PROGRAM, BACKWARD, FORWARD, DIFFERENCES, NODE = "Program", "Backward", "Forward", "Differences", "Node"
TALL = 560
"""From this height on the program stands above the pages instead of among them."""

HIGHEST = 1100
"""How high program, inputs and page may each become in a picture."""


class Tabs(QTabWidget):
    """Pages whose tabs the arrow keys go through."""

    def __init__(self) -> None:
        super().__init__()
        self.setTabBar(TabBar())


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
        self.backward, self.forward = BackwardPage(), ForwardPage()
        self.differences, self.node = DifferencesPage(), NodePage()
        self.pages = Tabs()
        self.pages.setDocumentMode(True)
        self.pages.setAccessibleName("Pages")
        self.pages.tabBar().setAccessibleName("Pages")
        self.pages.tabBar().setExpanding(False)
        self.pages.tabBar().setStyleSheet("QTabBar::tab { padding: 3px 3px; font-size: 11px; }")
        self.pages.tabBar().setUsesScrollButtons(True)
        self._names: dict[QWidget, str] = {
            self.program: PROGRAM,
            self.backward: BACKWARD,
            self.forward: FORWARD,
            self.differences: DIFFERENCES,
            self.node: NODE,
        }
        for page, name in list(self._names.items())[1:]:
            self.pages.addTab(page, name)
        self.pages.setTabToolTip(self.pages.indexOf(self.differences), DIFFERENCES)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(8)
        self.box.addWidget(self.program, 5)
        self.box.addWidget(self.pages, 6)
        self._wanted = ""
        self.pages.tabBarClicked.connect(weakly(self, lambda self, place: self._want(self._name(place))))
        self.pages.currentChanged.connect(weakly(self, lambda self, _: self.page_shown.emit(self.page)))

    @property
    def page(self) -> str:
        """The name of the page that is looked at."""
        return self._name(self.pages.currentIndex())

    def show_page(self, name: str) -> None:
        """Look at a page; one that is not there changes nothing."""
        self._want(name)
        names = [self._name(place) for place in range(self.pages.count())]
        if name in names:
            self.pages.setCurrentIndex(names.index(name))

    def _name(self, place: int) -> str:
        page = self.pages.widget(place)
        return self._names[page] if page else ""

    def _want(self, name: str) -> None:
        self._wanted = name

    def arrange(self, height: int) -> None:
        """Put the program above the pages, or among them: then there is no room for a long name."""
        self.pages.setTabText(self.pages.indexOf(self.differences), DIFFERENCES if height >= TALL else "Δf/ε")
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

    def lacking(self) -> int:
        """Claim the height that program, inputs and page need, and return how much more that is than there is."""
        text, inputs, page = self.editor.text, self.inputs, self.pages.currentWidget()
        beside = self.program.height() - text.height() - inputs.height()
        heights = [text.height(), inputs.height(), self.pages.height()]
        needs = [
            text.whole_height(),
            inputs.height() + inputs.verticalHeader().length() - inputs.viewport().height(),
            self.pages.height() + (page.lacking() if isinstance(page, Page) else 0),
        ]
        needs = [min(need, HIGHEST) for need in needs]
        for part, need in zip((text, inputs, self.pages), needs, strict=True):
            part.setMinimumHeight(need)
        # It does not ask its parts again.
        self.program.setMinimumHeight(beside + needs[0] + needs[1])
        return max(sum(needs) - sum(heights), 0)

    def forms(self) -> tuple[OutputForm, ...]:
        """Return where an output is chosen, page by page."""
        return self.backward.form, self.forward.form, self.differences.form

    def show_choices(self, desk: Desk) -> None:
        """Show on every page what is chosen."""
        for page in (self.backward, self.forward, self.differences):
            page.show_choices(desk)
        for head in (self.backward.head, self.forward.head, self.differences.head, self.node.head):
            # They are about the graph of a text that there is no more.
            head.setEnabled(not desk.stale)

    def show_numbers(self, desk: Desk, theme: Theme) -> None:
        """Write the page that is looked at; the others wait until they are."""
        opened, now, chosen = desk.opened, desk.now, desk.chosen_node
        label = opened.sandbox.label(chosen) if opened and chosen is not None else ""
        self.node.show_choices(label, label in desk.choices.detached)
        if not opened or not now:
            return
        if self.page == BACKWARD:
            self.backward.say(words.backward_page(opened, theme), theme)
        elif self.page == FORWARD:
            self.forward.say(words.forward_page(opened, theme), theme)
        elif self.page == DIFFERENCES:
            self.differences.say(words.differences_page(opened, desk.moved_name), theme)
        elif self.page == NODE:
            self.node.say(words.node_page(opened, desk.grads, chosen, now.visits, theme), theme)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.editor.retheme(theme)
        self.inputs.retheme(theme)

    def minimumSizeHint(self) -> QSize:
        """Be content with little."""
        return QSize(200, 100)
