"""The work behind a view of Jacobians: answers, products, singular values, in the background where they take long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QObject, Signal

from gradflow.sim.lab.chain import Chain
from gradflow.sim.lab.chain_glance import Glance
from gradflow.sim.lab.chain_reading import Measured, Reading, measure
from gradflow.sim.lab.jacobian_answers import Answer, JacobianAnswers, Question
from gradflow.sim.lab.specimen import Specimen
from gradflow.ui.lab.background import Background

QUICK_ENTRIES = 128 * 128
"""Matrices up to here are measured at once."""

QUICK_PRODUCTS = 5e6
"""So many multiplications are done at once: a few milliseconds."""


class JacobianWork(QObject):
    """Asks one question at a time, the newest; while it is worked out nothing else is."""

    answered = Signal(object)
    multiplied = Signal()
    """A product that was lacking is at hand."""

    measured = Signal(object, object)
    """A Reading, and its MatrixFacts or None while they are worked out."""

    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.background = Background(self)
        self.background.arrived.connect(self._arrived)
        self.background.failed.connect(self._failed)
        self._answers: JacobianAnswers | None = None
        self._asking = False

    @property
    def asking(self) -> bool:
        """Whether an answer is being worked out."""
        return self._asking

    @property
    def quick(self) -> bool:
        """Whether answers come at once."""
        return self._answers is not None and self._answers.quick

    def take(self, specimen: Specimen | None) -> None:
        """Answer questions about another network from now on."""
        self._answers = JacobianAnswers(specimen) if specimen else None

    def ask(self, question: Question) -> None:
        """Answer this, in place of what was asked before; at once if that is quick."""
        answers = self._answers
        if answers is None:
            return
        if (answers.quick or question.example) and not self._asking:
            self.answered.emit(answers.ask(question))
        else:
            self._asking = True
            self._run(lambda: answers.ask(question))

    def multiply(self, chain: Chain, glance: Glance) -> bool:
        """Return whether the product that is looked at is at hand; if not, work it out."""
        if chain.work(glance.taken, glance.direction) <= QUICK_PRODUCTS:
            return True
        if not self._asking:
            self._run(partial(chain.product, glance.taken, glance.direction))
        return False

    def measure(self, reading: Reading) -> None:
        """Measure a matrix."""
        if reading.values.size <= QUICK_ENTRIES:
            self.measured.emit(reading, measure(reading).facts)
            return
        self.measured.emit(reading, None)
        # The answer that is on its way will be measured anyway.
        if not self._asking:
            self._run(partial(measure, reading))

    def stop(self) -> None:
        """Forget what was asked."""
        self._asking = False

    def _run(self, work: Callable[[], object]) -> None:
        def task() -> Iterator[object]:
            yield work()

        self.background.run(task)

    def _arrived(self, found: object) -> None:
        if isinstance(found, Answer):
            self._asking = False
            self.answered.emit(found)
        elif isinstance(found, Measured):
            self.measured.emit(found.reading, found.facts)
        else:
            self.multiplied.emit()

    def _failed(self, words: str) -> None:
        self._asking = False
        self.failed.emit(words)
