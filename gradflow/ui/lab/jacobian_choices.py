"""What can be chosen of a chain: from where to where, where it is cut, in which order it is multiplied, how far."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gradflow.sim.lab.chain import Direction
from gradflow.sim.lab.chain_glance import Glance
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.jacobian_answers import Answer, Question
from gradflow.sim.lab.jacobians import Stops
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Choice, Slider, ToolButton

EXAMPLE = "example t, g, f"
WIDE = 800
"""From which width on a slider has room."""


def choice(name: str, tip: str, entries: Sequence[str] = ()) -> Choice:
    """Make a list to choose from, with its name for a screen reader."""
    made = Choice()
    made.addItems(list(entries))
    made.setAccessibleName(name)
    made.setToolTip(tip)
    made.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToContents)
    return made


def fill(box: Choice, entries: Sequence[str], chosen: str) -> None:
    """Offer other entries without telling anybody."""
    box.blockSignals(True)
    if [box.itemText(i) for i in range(box.count())] != list(entries):
        box.clear()
        box.addItems(list(entries))
    box.setCurrentText(chosen)
    box.blockSignals(False)


class ChainChoices(QWidget):
    """The row of choices above the factors."""

    asked = Signal()
    """Another chain is wanted."""

    turned = Signal()
    """Another order of multiplying is wanted."""

    stepped = Signal(int)
    """So many positions on, or back."""

    slid = Signal(int)
    """A position of the slider."""

    def __init__(self) -> None:
        super().__init__()
        self.source = choice("From", "Differentiate with respect to this: the input x, z = W·a + b, a = φ(z), …")
        self.target = choice("To", "Differentiate this; to L it is the gradient")
        self.stops = choice("Cut at", "Where the chain is cut into factors", list(Stops))
        tip = "Reverse: from the output back, as backprop does; forward: from the input on"
        self.direction = choice("Order of multiplying", tip, list(Direction))
        self.place = QLabel()
        self.place.setObjectName("muted")
        self.place.setToolTip(
            "How many factors are multiplied; after all of them the whole, as backprop gives it at once"
        )
        self.slider = Slider()
        self.slider.setAccessibleName("Factors of the product")
        self.slider.setToolTip("From the first factor to the whole (Shift+Home, Shift+End)")
        self.slider.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.slider.valueChanged.connect(self.slid)
        self.back, self.on = back, on = (
            _arrow("◀", "One factor less (Shift+←)"),
            _arrow("▶", "One factor more (Shift+→)"),
        )
        back.clicked.connect(weakly(self, lambda self: self.stepped.emit(-1)))
        on.clicked.connect(weakly(self, lambda self: self.stepped.emit(1)))
        for box in (self.source, self.target, self.stops):
            box.activated.connect(weakly(self, lambda self, _: self.asked.emit()))
        self.direction.activated.connect(weakly(self, lambda self, _: self.turned.emit()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.back)
        row.addWidget(self.on)
        for words, box in (("from", self.source), ("to", self.target), ("cut at", self.stops)):
            row.addWidget(QLabel(words))
            row.addWidget(box)
        row.addWidget(self.direction)
        row.addWidget(self.slider, 1)
        row.addStretch(0)
        row.addWidget(self.place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the slider out where there is no room: the arrows do the same."""
        super().resizeEvent(event)
        self.slider.setVisible(self.width() >= WIDE)

    def show_answer(self, answer: Answer, glance: Glance, position: int, positions: int) -> None:
        """Show what was asked for and how far the product has come."""
        question = answer.question
        fill(self.source, answer.sources, question.source)
        fill(self.target, answer.targets, question.target)
        fill(self.stops, list(Stops), question.stops)
        self.stops.setEnabled(not question.example)
        fill(self.direction, list(Direction), glance.direction)
        last = positions - 1
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, last)
            self.slider.setValue(position)
        self.slider.setEnabled(last > 0)
        self.back.setEnabled(position > 0)
        self.on.setEnabled(position < last)
        so_far = f"{position + 1} of {last}" if position < last else f"all {last} at once"
        self.place.setText(so_far if last else "one factor" if answer.chain else "")


class PageChoices(QWidget):
    """What stands in the title bar: the sample, and how gradients are written."""

    sampled = Signal()
    rewritten = Signal()

    def __init__(self) -> None:
        super().__init__()
        tip = "Which sample of the batch the derivatives are taken at; or three small functions, to check by hand"
        # The longest name from the start: the title bar shares its room out only once.
        self.sample = choice("Sample", tip, ["sample 0", EXAMPLE])
        self.convention = choice(
            "Gradients are",
            "Rows: ∇(f∘g) = ∇f·J; columns: the transpose J_kr = ∂g_r/∂x_k, in reversed order. In the whole lab",
            [f"gradients are {way}" for way in Convention],
        )
        self.sample.activated.connect(weakly(self, lambda self, _: self.sampled.emit()))
        self.convention.activated.connect(weakly(self, lambda self, _: self.rewritten.emit()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.sample)
        row.addWidget(self.convention)

    def show_answer(self, answer: Answer, glance: Glance) -> None:
        """Show which sample it is, and how gradients are written."""
        names = [*(f"sample {i}" for i in range(answer.samples)), EXAMPLE]
        question = answer.question
        fill(self.sample, names, EXAMPLE if question.example else names[question.sample])
        self.convention.setCurrentIndex(list(Convention).index(glance.convention))


def asked(chain: ChainChoices, page: PageChoices, before: Question) -> Question:
    """Return what is asked for by the choices; the example takes the place of a sample, and leaves it as it was."""
    example = page.sample.currentText() == EXAMPLE
    return Question(
        before.sample if example else max(page.sample.currentIndex(), 0),
        chain.source.currentText(),
        chain.target.currentText(),
        Stops(chain.stops.currentText()),
        example,
    )


def _arrow(words: str, tip: str) -> ToolButton:
    button = ToolButton()
    button.setText(words)
    button.setFixedWidth(36)
    button.setToolTip(tip)
    button.setAccessibleName(tip.partition(" (")[0])
    button.setAutoRepeat(True)
    return button
