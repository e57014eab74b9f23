"""The chain rule as matrices: any Jacobian of the network at one sample, and the product of factors that it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QWidget

from gradflow.sim.lab.chain import WHOLE, Chain, Direction
from gradflow.sim.lab.chain_glance import FACTOR, PRODUCT, Glance
from gradflow.sim.lab.chain_reading import Reading
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.jacobian_answers import Answer, Question
from gradflow.sim.lab.matrix_facts import MatrixFacts
from gradflow.sim.lab.table import Table
from gradflow.sim.snapshot import Topology
from gradflow.ui.lab.chain_page import ChainPage
from gradflow.ui.lab.following import Following
from gradflow.ui.lab.jacobian_choices import EXAMPLE, ChainChoices, PageChoices, asked
from gradflow.ui.lab.jacobian_work import JacobianWork
from gradflow.ui.theme import Theme
from gradflow.ui.view import view
from gradflow.ui.weak import weakly

WAITING = "Waiting for a step of the network …"


@view("jacobians", "What does the chain rule multiply?")
class JacobiansView(Following):
    """Every Jacobian of the network at one sample: of a node, of a layer, from anywhere to anywhere later, to the loss.

    J_kr = ∂g_r/∂x_k, so that ∇(f∘g) = J·∇f where gradients are columns; as rows all is transposed and the order of
    factors reversed. Above, the factors of the chain, each with its shape and the point where it is evaluated (click
    it to see its numbers); step with Shift+→ and the product grows, from the loss back as in backprop, or from the
    input on as in forward mode. Click an entry of the product to see the sum ∂(f∘g)/∂x_k = Σ_r ∂f/∂z_r · ∂g_r/∂x_k
    that it is. Right, its singular values, and how many multiplications the chain costs in which order: with one
    output reverse wins, with one input forward. All are exact, by backprop of the rows of an identity matrix.
    """

    formula = "∂(f∘g)/∂xₖ = Σᵣ ∂f/∂zᵣ · ∂gᵣ/∂xₖ"
    takes_batch = False

    def __init__(self) -> None:
        super().__init__()
        self.work = JacobianWork(self)
        self.choices, self.bar, self.page = ChainChoices(), PageChoices(), ChainPage()
        self.remark = QLabel(WAITING)
        self.remark.setObjectName("muted")
        self.remark.setWordWrap(True)
        for widget in (self.age, self.choices, self.remark):
            self.box.addWidget(widget)
        self.box.addWidget(self.page, 1)
        self.box.addStretch(0)
        self.page.hide()
        self.question, self.glance = Question(), Glance()
        self.answer: Answer | None = None
        self._layers = 0
        self._connect()

    def _connect(self) -> None:
        page, choices, work = self.page, self.choices, self.work
        work.answered.connect(self._take_answer)
        work.multiplied.connect(self._show_all)
        work.measured.connect(self._show_facts)
        work.failed.connect(self._fail)
        choices.asked.connect(self._ask_chosen)
        self.bar.sampled.connect(self._take_sample)
        choices.turned.connect(self._turn)
        self.bar.rewritten.connect(self._rewrite)
        choices.stepped.connect(weakly(self, lambda self, by: self.go(self.position + by)))
        choices.slid.connect(self.go)
        page.looked.connect(self._look_at)

    # What every view does.

    def controls(self) -> QWidget:
        """Return the choice of the sample and of how gradients are written."""
        return self.bar

    def caption(self) -> str:
        """Say what is chosen there, for a picture that has no controls."""
        where = EXAMPLE if self.question.example else f"sample {self.question.sample}"
        return f"{where}, gradients are {self.glance.convention}"

    def reset(self, topology: Topology) -> None:
        """Let go of a network that is no more."""
        self._layers = len(topology.layers)
        super().reset(topology)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.page.retheme(theme)
        self._show_all()

    def select(self, layer: int | None) -> None:
        """Give weight to the factors of one layer."""
        self.page.strip.select(layer)

    def event(self, event: QEvent) -> bool:
        """Claim Esc before the window takes it, where there is something to close."""
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._closes(event):
            event.accept()
            return True
        return bool(super().event(event))

    def _closes(self, event: QKeyEvent) -> bool:
        opened = self.glance.entry is not None or self.glance.what != PRODUCT
        return event.key() == Qt.Key.Key_Escape and opened

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close the sum, or go back to the product, with Esc."""
        if self._closes(event):
            self._look(what=PRODUCT, entry=None)
        else:
            super().keyPressEvent(event)

    # What views of the lab do.

    @property
    def computing(self) -> bool:
        """Whether an answer is being worked out."""
        return self.work.asking

    def compute(self) -> None:
        """Ask of the present network what was asked of the one before."""
        self.work.take(self.specimen)
        self._ask(self.question)

    def clear(self) -> None:
        """Show that there is no network."""
        self.work.take(None)
        self.answer = None
        self._show_all()

    def positions(self) -> int:
        """One for each factor that is taken into the product, and one for the whole."""
        return self._chain.states if self._chain else 1

    @property
    def position(self) -> int:
        """How far the product has grown: 0 is the first factor, the last position the whole at once."""
        return self._chain.place_of(self._seen().taken) if self._chain else 0

    @property
    def _chain(self) -> Chain | None:
        return self.answer.chain if self.answer else None

    def go(self, position: int) -> None:
        """Show another state of the product."""
        if self._chain:
            taken = self._chain.taken_at(min(max(position, 0), self.positions() - 1))
            self._look(taken=taken, what=PRODUCT, entry=None)
        self.moved.emit()

    def tables(self) -> Mapping[str, Table]:
        """Return the matrix, the sum behind the chosen entry, and the counts."""
        return self._seen().tables(self.answer) if self.answer else {}

    def state(self) -> dict[str, Any]:
        """Return all choices."""
        return {**self.question.state(), **self.glance.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take choices, as far as this network has what they name."""
        self.question, self.glance = Question.restored(state), Glance.restored(state)
        self._ask(self.question)

    def stop(self) -> None:
        """End what is being worked out."""
        super().stop()
        self.work.stop()

    def finish(self) -> None:
        """Wait for what is being worked out, and show it."""
        super().finish()
        # The answer may have to be measured.
        while self.work.background.busy:
            super().finish()

    # Asking.

    def _take_sample(self) -> None:
        self._ask_chosen()
        if not self.question.example:
            self.tell("sample")

    def _ask_chosen(self) -> None:
        self.glance = replace(self.glance, taken=WHOLE, what=PRODUCT, entry=None)
        self.hold()
        self._ask(asked(self.choices, self.bar, self.question))

    def _ask(self, question: Question) -> None:
        self.question = question
        self.work.ask(question)
        self._say_working()

    def _say_working(self) -> None:
        # What is shown so far stays, so that nothing jumps.
        if self.work.asking:
            self.choices.place.setText("working …")
            if self.answer is None:
                self._say("Working out the factors …")

    def _take_answer(self, answer: Answer) -> None:
        self.answer, self.question = answer, answer.question
        if answer.chain:
            self.glance = self.glance.fitted(answer.chain)
        self._show_all()
        if not self.work.quick:
            self.go_on()

    def _fail(self, words: str) -> None:
        self._say(words)
        self.go_on()

    def _show_facts(self, reading: Reading, facts: MatrixFacts | None) -> None:
        if reading is self.page.reading:
            self.page.facts.show_facts(facts)

    # Looking.

    def _look(self, **changes: Any) -> None:
        self.glance = replace(self.glance, **changes)
        self.hold()
        self._show_all()

    def _seen(self) -> Glance:
        """Return what can be seen of the chain that is there: another one may be on its way."""
        return self.glance.fitted(self._chain) if self._chain else self.glance

    def _rewrite(self) -> None:
        self.glance = self.glance.rewritten(list(Convention)[self.bar.convention.currentIndex()])
        self._look()
        self.tell("convention")

    def _turn(self) -> None:
        self._look(direction=Direction(self.choices.direction.currentText()), entry=None)

    def _look_at(self, changes: dict[str, Any]) -> None:
        self._look(**changes)
        if self._chain and changes.get("what") == FACTOR:
            layer = self._chain.factors[self._seen().place].target.layer
            if layer is not None:
                self.picked.emit(layer, None)

    def _show_all(self) -> None:
        answer = self.answer
        self.page.setVisible(answer is not None and answer.chain is not None)
        self.choices.setVisible(answer is not None)
        if answer is None:
            self._say(WAITING)
            return
        self.choices.show_answer(answer, self.glance, self.position, self.positions())
        self.bar.show_answer(answer, self.glance)
        self._say(answer.trouble or answer.remark)
        glance = self._seen()
        if answer.chain and not self.work.multiply(answer.chain, glance):
            self.choices.place.setText("working …")
            return
        self.page.show_chain(answer, glance, self.theme.layer_colors(max(self._layers, 1)))
        if answer.chain and self.page.reading:
            self.work.measure(self.page.reading)

    def _say(self, words: str) -> None:
        self.remark.setText(words)
        self.remark.setVisible(bool(words))
