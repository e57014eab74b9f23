"""The autograd sandbox: a typed program, its graph, and the chain rule on it step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.sim.lab.sandbox_examples import beginning, examples
from gradflow.sim.lab.sandbox_table import node_table
from gradflow.sim.lab.sandbox_walk import Order
from gradflow.sim.lab.sandbox_words import edge_words
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.table import Table
from gradflow.ui.lab.autograd_differences import DifferencesStudy
from gradflow.ui.lab.autograd_graph import GraphAndCurve, ProgramGraph
from gradflow.ui.lab.autograd_side import BACKWARD, DIFFERENCES, FORWARD, NODE, TALL, Side
from gradflow.ui.lab.inputs_table import ASKS, DIRECTION, VALUE
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.lab.language_bar import LanguageBar
from gradflow.ui.lab.step_bar import StepBar
from gradflow.ui.theme import Theme
from gradflow.ui.view import Subject, view
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Button

LIVE_SECONDS, PAUSE_MS = 0.06, 250
"""A program that takes longer than this is run anew when the typing pauses."""


@view("autograd", "What does autograd do?")
class AutogradView(LabView):
    """A small program is typed, its graph drawn as typed, and gradients flow back through it step by step.

    Backward: from the output with ∂f/∂f = 1 (or your v for several entries) each operation multiplies what it has
    received by its local derivative, ∂f/∂x += ∂f/∂z · ∂z/∂x, in the reverse of the order of computing; where a value is
    used twice, what comes back is added. Names and rules are those of torch.autograd: .grad accumulates, no_grad
    records nothing, detach cuts. Differences: (f(x+ε) − f(x−ε)) / 2ε by any entry of any input, beside the exact value,
    for every ε. Shift+→ and Shift+← step; in the graph arrows pan, + and − zoom, 0 shows everything, 1
    what can be read, [ and ] choose a box. Cost: one vector–Jacobian product per edge.
    """

    wants = frozenset()
    formula = "∂f/∂x = Σᵣ ∂f/∂zᵣ · ∂zᵣ/∂x"

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(beginning(examples()[0]))
        self.language, self.side, self.canvas, self.bar = LanguageBar(), Side(), ProgramGraph(), StepBar()
        self.sentence = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.study = DifferencesStudy(self.desk, self.side.differences)
        self._seconds, self._forward = 0.0, False
        self._pause = QTimer(self)
        self._setup_ui()
        self._connect()
        self._renew_all()

    def _setup_ui(self) -> None:
        self.sentence.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 4)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        right = QWidget()
        box = QVBoxLayout(right)
        box.setContentsMargins(8, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.bar)
        box.addWidget(self.sentence)
        self.below = GraphAndCurve(self.canvas, self.study)
        box.addWidget(self.below, 1)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.addWidget(self.side)
        self.split.addWidget(right)
        self.split.setChildrenCollapsible(False)
        self.split.setStretchFactor(1, 1)
        self.box.addWidget(self.split, 1)

    def _connect(self) -> None:
        side, desk = self.side, self.desk
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(weakly(self, lambda self: self._do(desk.run)))
        self.language.example.connect(self._take_example)
        self.language.function.connect(side.editor.insert)
        side.editor.text.textChanged.connect(self._typed)
        side.inputs.edited.connect(self._edit_input)
        side.page_shown.connect(self._look_at_page)
        back = side.backward
        back.order.activated.connect(weakly(self, lambda self, _: self._change(order=Order(back.order.currentData()))))
        back.again.clicked.connect(weakly(self, lambda self: self._do(desk.backward_again)))
        back.zero.clicked.connect(weakly(self, lambda self: self._do(desk.zero_grad)))
        back.cut_output.clicked.connect(weakly(self, lambda self: self._cut(desk.output, back.cut_output)))
        side.node.cut.clicked.connect(weakly(self, lambda self: self._cut(desk.chosen, side.node.cut)))
        for form in side.forms():
            form.changed.connect(weakly(self, lambda self, output, seed: self._change(output=output, seed=seed)))
        self.study.changed.connect(self._refresh)
        self.study.turned.connect(self.moved)
        self.bar.moved.connect(self.go)
        self.canvas.node_chosen.connect(self._choose_node)
        self.canvas.edge_hovered.connect(self._read_out)

    # What a person does.

    def _do(self, what: Callable[[], None]) -> None:
        """Let something be done at the desk, and show what came of it."""
        self._pause.stop()
        # Of this thread alone: a busy machine is no reason to wait longer.
        start = time.thread_time()
        what()
        self._renew_all()
        self._seconds = time.thread_time() - start

    def _change(self, **choices: Any) -> None:
        changed = replace(self.desk.choices, **choices)
        if changed != self.desk.choices:
            self._do(lambda: self.desk.change(changed))

    def _typed(self) -> None:
        text = self.side.editor.text.toPlainText()
        if text == self.desk.choices.text:
            return
        if self._seconds > LIVE_SECONDS:
            self.desk.choices = replace(self.desk.choices, text=text)
            self._pause.start()
        else:
            self._change(text=text)

    def _cut(self, label: str, button: Button) -> None:
        self._do(lambda: self.desk.detach(label, button.isChecked()))

    def _take_example(self, number: int) -> None:
        self._do(lambda: self.desk.begin(beginning(examples()[number])))

    def _edit_input(self, name: str, column: int, text: str) -> None:
        if column != VALUE and self.desk.stale:
            self.side.inputs.show_rows(self.desk.rows())
        elif column == ASKS:
            self._do(lambda: self.desk.ask(name, bool(text)))
        elif column == DIRECTION:
            self._do(lambda: self.desk.direct(name, text))
        else:
            refused: list[str] = []
            self._do(lambda: refused.append(self.desk.give(name, text)))
            if refused[0]:
                self.sentence.setText(refused[0])

    def _choose_node(self, node: int | None) -> None:
        opened = self.desk.opened
        self.desk.chosen = opened.sandbox.key(node) if opened and node is not None else ""
        if node is not None:
            self.canvas.reveal_node(node)
            if self.side.page != DIFFERENCES or not self.study.move_entry(self.desk.chosen):
                self.side.show_page(NODE)
        self._refresh()

    def _look_at_page(self, page: str) -> None:
        """Show the tangents of forward mode in the boxes from when its page is opened until that of backward is."""
        self._forward = page == FORWARD or (self._forward and page != BACKWARD)
        self.below.show_curve(self.side.page == DIFFERENCES, self.height() >= TALL)
        self._refresh()

    def _read_out(self, edge: int | None) -> None:
        """Say in place of the moment what an edge is."""
        opened = self.desk.opened
        if edge is None or not opened:
            self._say_moment()
        else:
            self.sentence.setText(edge_words(opened.sandbox, opened.sandbox.edges[edge]))

    # What is shown.

    def _renew_all(self) -> None:
        """Show what is new in the program and beside it, and everything else."""
        self.side.editor.write(self.desk.choices.text)
        error = self.desk.error
        if error:
            self.side.editor.refuse(error.reason, error.line, error.column)
        else:
            self.side.editor.accept()
        self.side.show_choices(self.desk)
        self._refresh()

    def _refresh(self) -> None:
        """Show the moment."""
        desk = self.desk
        self.bar.show_position(desk.position, desk.positions)
        self.side.inputs.show_rows(desk.rows())
        self.side.inputs.show_direction(self._forward)
        self._say_moment()
        self.canvas.show_desk(desk, self._forward)
        self.side.show_numbers(desk, self.theme)
        if self.side.page == DIFFERENCES:
            self.study.follow()
        else:
            self.study.give_up()
        self.moved.emit()

    def _say_moment(self) -> None:
        words = " ".join(filter(None, [self.canvas.why_not(self.desk), self.desk.said()]))
        self.sentence.setText(words)
        self.canvas.setAccessibleDescription(words)

    # What a view of the lab is asked.

    def show_specimen(self, specimen: Specimen | None) -> None:
        """Show nothing of a network: the sandbox has programs of its own."""

    def controls(self) -> QWidget:
        """Choose a worked example, or look up a function."""
        return self.language

    def positions(self) -> int:
        """Return how many moments there are."""
        return self.desk.positions

    @property
    def position(self) -> int:
        """The moment that is shown."""
        return self.desk.position

    def go(self, position: int) -> None:
        """Show a moment."""
        self.desk.go(position)
        self._refresh()

    def tables(self) -> Mapping[str, Table]:
        """Return the nodes with their values and gradients and, on their page, the differences."""
        opened, now = self.desk.opened, self.desk.now
        found = {"nodes": node_table(opened, now)} if opened and now else {}
        differences = self.study.table() if self.side.page == DIFFERENCES else None
        return {**found, "step-sizes": differences} if differences else found

    def subject(self) -> Subject:
        """Return the program: a picture has nothing to do with the network."""
        return Subject(self.desk.caption(), {"gradflow:program": self.desk.choices.text})

    def lacking(self) -> int:
        """Return what a long program or page lacks."""
        return self.side.lacking()

    def state(self) -> dict[str, Any]:
        """Return everything that is typed and chosen."""
        forward = {"forward": True} if self._forward else {}
        return {**self.desk.state(), "page": self.side.page, **forward, **self.canvas.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned."""
        look = [float(number) for number in state.get("look", ()) if isinstance(number, float)]
        self._do(lambda: self.desk.restore(state))
        self._forward = state.get("forward") is True
        self.side.show_page(str(state.get("page", "")))
        self._look_at_page(self.side.page)
        if "look" in state:
            self.canvas.look(look)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.canvas.retheme(theme)
        self.side.retheme(theme)
        self.study.retheme(theme)
        self._renew_all()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the program above the pages, or among them."""
        super().resizeEvent(event)
        self.side.arrange(self.height())
        self.below.show_curve(self.side.page == DIFFERENCES, self.height() >= TALL)
        left = min(max(self.width() * 27 // 100, 244), 380)
        self.split.setSizes([left, self.width() - left])
