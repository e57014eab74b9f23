"""The controls of a walk through the neurons: in which order, how far it has come, and what happens there."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gradflow.sim.lab.orders import ORDERS, OWN
from gradflow.sim.lab.walk_words import OrderRow, share_told
from gradflow.ui.lab.path_page import side_by_side
from gradflow.ui.theme import LIGHT, Theme
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Button, Choice, Number, Slider, ToolButton

ROOMY = 320
HEADS = (
    ("this order", "Whom each step visits; click to go there"),
    ("right order", "Whom the right order visits"),
    ("handed on", "What was handed on too early; what it should have been stands in the tooltip"),
    ("missing", "Which share of the gradient is missing in the end; + is too much, × a factor"),
)


class WalkPage(QWidget):
    """Emits the order and the position that a person wants."""

    order_wanted = Signal()
    """Another order, or another size of step, is chosen."""

    position_wanted = Signal(int)
    """Another position is chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.order = Choice()
        for name, (words, order) in ORDERS.items():
            self.order.addItem(words, name)
            tip = (order.__doc__ or "").strip()
            self.order.setItemData(self.order.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.order.setAccessibleName("Order")
        self.order.setToolTip("In which order the neurons are visited")
        self.order.currentIndexChanged.connect(self.order_wanted)
        self.by_layer = Button("layer by layer")
        self.by_layer.setObjectName("small")
        self.by_layer.setCheckable(True)
        self.by_layer.setChecked(True)
        self.by_layer.setToolTip("Visit a whole layer in one step, or one neuron at a time")
        self.by_layer.toggled.connect(self.order_wanted)
        self.seed = Number()
        self.seed.setRange(0, 9999)
        self.seed.setAccessibleName("Seed of the random order")
        self.seed.setToolTip("Another number is another random order")
        self.seed.valueChanged.connect(self.order_wanted)
        self.again = Button("begin again")
        self.again.setObjectName("small")
        self.again.setToolTip("Forget which neurons were clicked")
        self.again.clicked.connect(self.order_wanted)
        self.slider = Slider()
        self.slider.setAccessibleName("Step of the walk")
        self.slider.setToolTip("Shift+→ and Shift+← step as well")
        self.slider.valueChanged.connect(self.position_wanted)
        self.where = QLabel()
        self.where.setObjectName("muted")
        self.words, self.verdict = QLabel(), QLabel()
        for label in (self.words, self.verdict):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.verdict.setObjectName("formula")
        self.steps = QTableWidget(0, len(HEADS))
        for place, (head, tip) in enumerate(HEADS):
            item = QTableWidgetItem(head)
            item.setToolTip(tip)
            self.steps.setHorizontalHeaderItem(place, item)
        self.steps.verticalHeader().hide()
        self.steps.verticalHeader().setDefaultSectionSize(22)
        self.steps.setShowGrid(False)
        self.steps.setFrameShape(QTableWidget.Shape.NoFrame)
        self.steps.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.steps.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.steps.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.steps.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.steps.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.steps.setAccessibleName("Steps of this order beside those of the right one")
        heads = self.steps.horizontalHeader()
        heads.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        for place in range(len(HEADS)):
            fits = QHeaderView.ResizeMode.ResizeToContents
            heads.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch if place == 2 else fits)
        self.steps.horizontalHeader().setMinimumSectionSize(20)
        self.steps.cellClicked.connect(weakly(self, lambda self, row, _: self.position_wanted.emit(row + 1)))
        self._rows: Sequence[OrderRow] = ()
        self._lay_out()

    def _lay_out(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(4)
        first.addWidget(self.order, 1)
        first.addWidget(self.seed)
        first.addWidget(self.by_layer)
        first.addWidget(self.again)
        for sign, tip, away in (("◀", "One step back (Shift+←)", -1), ("▶", "One step on (Shift+→)", 1)):
            button = ToolButton()
            button.setText(sign)
            button.setToolTip(tip)
            button.setAccessibleName(tip)
            button.clicked.connect(
                weakly(self, lambda self, _=False, away=away: self.position_wanted.emit(self.slider.value() + away))
            )
            second.addWidget(button)
        second.addWidget(self.slider, 1)
        second.addWidget(self.where)
        left, told = QVBoxLayout(), QVBoxLayout()
        for column in (left, told):
            column.setSpacing(6)
        left.addLayout(first)
        left.addLayout(second)
        left.addWidget(self.steps, 1)
        told.addWidget(self.words)
        told.addWidget(self.verdict)
        told.addStretch(1)
        self.both = QBoxLayout(side_by_side(False), self)
        self.both.setContentsMargins(0, 6, 0, 0)
        self.both.addLayout(left, 1)
        self.both.addLayout(told)

    def lay(self, flat: bool) -> None:
        """Have what is told beside the steps, or below them."""
        self.both.setDirection(side_by_side(flat))
        self.both.setSpacing(16 if flat else 6)
        self.both.setStretch(1, 1 if flat else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out of the table what has no room; the words say it."""
        super().resizeEvent(event)
        self.steps.setColumnHidden(2, self.width() < ROOMY)
        self._scroll()

    def order_name(self) -> str:
        """Return the name of the order that is chosen."""
        return str(self.order.currentData())

    def show_order(self, name: str, by_layer: bool, seed: int) -> None:
        """Show which order is taken."""
        with QSignalBlocker(self.order), QSignalBlocker(self.by_layer), QSignalBlocker(self.seed):
            self.order.setCurrentIndex(max(self.order.findData(name), 0))
            self.by_layer.setChecked(by_layer)
            self.seed.setValue(seed)
        self.seed.setVisible(name == "random")
        self.by_layer.setVisible(name != OWN)
        self.again.setVisible(name == OWN)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self._rows = ()
        palette = self.steps.palette()
        palette.setColor(QPalette.ColorRole.Highlight, QColor(theme.raised))
        palette.setColor(QPalette.ColorRole.HighlightedText, QColor(theme.text))
        self.steps.setPalette(palette)

    def show_rows(self, rows: Sequence[OrderRow]) -> None:
        """List the steps beside those of the right order; what goes wrong is in the colour of errors."""
        if rows == self._rows:
            return
        self._rows = rows
        self.steps.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, words in enumerate((row.here, row.right, row.handed, share_told(row.missing))):
                item = QTableWidgetItem(words)
                item.setToolTip(f"{words} instead of {row.wanted}" if column == 2 and words else words)
                color = self.theme.error if column > 1 else self.theme.text if column == 0 else self.theme.muted
                item.setForeground(QColor(color))
                self.steps.setItem(place, column, item)

    def show_position(self, position: int, steps: int, words: Sequence[str], verdict: str) -> None:
        """Show how far the walk is, and what happens there."""
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, steps)
            self.slider.setValue(position)
        self.where.setText(f"{position} / {steps}")
        if position:
            self.steps.selectRow(position - 1)
        else:
            self.steps.clearSelection()
        self._scroll()
        self.words.setText("\n".join(words))
        self.verdict.setText(verdict)

    def _scroll(self) -> None:
        """Have the present step in sight."""
        self.steps.scrollTo(self.steps.model().index(max(self.slider.value() - 1, 0), 0))
