"""What stands beside the graph of neurons: paths, order and cost as pages, and the formulas of what is chosen."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from gradflow.sim.lab.dissection import Dissection
from gradflow.sim.lab.neuron_words import explain_bias, explain_edge, explain_neuron, explain_path
from gradflow.sim.lab.orders import Walk
from gradflow.sim.lab.path_list import Path
from gradflow.sim.lab.walk_words import order_rows, step_words, verdict
from gradflow.ui.lab.cost_page import CostPage
from gradflow.ui.lab.explanation_pane import ExplanationPane
from gradflow.ui.lab.path_page import PathPage, side_by_side
from gradflow.ui.lab.path_state import PAGES, Chosen
from gradflow.ui.lab.walk_page import WalkPage
from gradflow.ui.pictured import HINT
from gradflow.ui.theme import Theme
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import TabBar

TABS = (
    ("Paths", "All paths of the chosen neuron, and their sum"),
    ("Order", "Backprop step by step, in the right or in a wrong order"),
    ("Cost", "Multiplications: path by path, by recursion, by backprop"),
)
WHERE = "Click an edge (E) for its formulas, or the dot at a neuron (B) for those of its bias."
TALL = 600
"""From which height on the formulas stand below the order as well."""


class PathPanel(QWidget):
    """Shows one page and the formulas; tells which page is wanted."""

    page_wanted = Signal(str)
    """Another page is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.tabs = TabBar()
        self.tabs.setExpanding(True)
        self.tabs.setDrawBase(False)
        self.tabs.setAccessibleName("Paths, order or cost")
        for words, tip in TABS:
            self.tabs.setTabToolTip(self.tabs.addTab(words), tip)
        self.paths, self.walk, self.cost = PathPage(), WalkPage(), CostPage()
        self.pages = QStackedWidget()
        for page in (self.paths, self.walk, self.cost):
            self.pages.addWidget(page)
        self.explained = ExplanationPane()
        self.explained.words.setProperty(HINT, WHERE)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(self.tabs)
        self.both = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self.both.setSpacing(6)
        self.both.addWidget(self.pages, 3)
        self.both.addWidget(self.explained, 2)
        box.addLayout(self.both, 1)
        self.tabs.currentChanged.connect(weakly(self, lambda self, place: self.page_wanted.emit(PAGES[place])))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        for part in (self.paths, self.walk, self.cost, self.explained):
            part.retheme(theme)

    def lay(self, flat: bool) -> None:
        """Have the page and the formulas side by side, or below each other."""
        self.both.setDirection(side_by_side(flat))
        self.both.setSpacing(16 if flat else 6)
        self.paths.lay(flat)
        self.walk.lay(flat)
        self.explained.keep_tall(flat)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the formulas give way to the order where both have no room."""
        super().resizeEvent(event)
        self._make_room()

    def turn_to(self, page: str) -> None:
        """Show a page."""
        with QSignalBlocker(self.tabs):
            self.tabs.setCurrentIndex(PAGES.index(page))
        self.pages.setCurrentIndex(PAGES.index(page))
        for part in (self.paths, self.walk, self.cost):
            # A page that is not seen claims no height.
            seen = part is self.pages.currentWidget()
            policy = QSizePolicy.Policy.Preferred if seen else QSizePolicy.Policy.Ignored
            part.setSizePolicy(policy, policy)
        self._make_room()

    def show_paths(self, found: Dissection, neuron: int, place: int) -> None:
        """List the paths of a neuron, one of them selected."""
        self.paths.show_paths(found.graph, found.paths(neuron), found.paths_in_all(neuron), place)

    def show_walk(self, found: Dissection, chosen: Chosen, walk: Walk, right: Walk, position: int) -> None:
        """Show how far a walk is, beside the right one."""
        graph = found.graph
        self.walk.show_order(chosen.order, chosen.by_layer, chosen.seed)
        self.walk.show_rows(order_rows(graph, walk, right))
        self.walk.show_position(position, walk.steps, step_words(graph, walk, position), verdict(graph, walk))

    def explain(self, found: Dissection, neuron: int, edge: int | None, bias: bool, path: Path | None) -> None:
        """Show the formulas of an edge, else a path in full, else those of a neuron or its bias."""
        if edge is not None:
            told = explain_edge(found.graph, edge)
        elif path is not None:
            told = explain_path(found.graph, path)
        else:
            told = (explain_bias if bias else explain_neuron)(found.graph, neuron)
        self.explained.explain(replace(told, remark=told.remark or WHERE))

    def _make_room(self) -> None:
        self.explained.setVisible(self.pages.currentIndex() != PAGES.index("order") or self.height() >= TALL)
