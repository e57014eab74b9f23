"""Which direction of the parameters: its kind, and the seed or the text that some kinds take."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.lab.directions import DIRECTIONS, EXAMPLE, WITH_SEED, WITH_TEXT, Ask
from gradflow.ui.forms import rich
from gradflow.ui.lab.checked_box import CheckedBox
from gradflow.ui.weak import weakly
from gradflow.ui.widgets import Button, Choice

HINTS = {"coordinate": "1/W[0, 0]", "typed": EXAMPLE}


class DirectionForm(QWidget):
    """Shows what is asked for and lets it be changed; `changed` tells of it.

    The box for what is typed, with what is wrong with it below, is the `entry`: it takes a row of its own, and stands
    wherever the layout puts it.
    """

    changed = Signal(object)

    def __init__(self, sign: str, kind: str, name: str = "h") -> None:
        super().__init__()
        self.kind, self.text, self.again = Choice(), CheckedBox(), Button("Another")
        self.kind.setAccessibleName(f"Direction {name}")
        for key, entry in DIRECTIONS.items():
            self.kind.addItem(entry.title, key)
            self.kind.setItemData(self.kind.count() - 1, rich(entry.doc), Qt.ItemDataRole.ToolTipRole)
        self.kind.setMinimumWidth(150)
        self.text.setAccessibleName(f"Numbers of direction {name}")
        self.text.setToolTip(
            "Layer/name[row, column], counted from 0: 2/W[0, 3] or W₂[0, 3], 2/b[3], 1/gamma[0]. "
            f"Several entries of a typed direction: {EXAMPLE}"
        )
        self.again.setToolTip("Draw other random numbers")
        self.entry = QWidget()
        box, below = QHBoxLayout(self), QVBoxLayout(self.entry)
        for layout in (box, below):
            layout.setContentsMargins(0, 0, 0, 0)
        for widget in (_sign(sign), self.kind, self.again):
            box.addWidget(widget)
        typed = QHBoxLayout()
        typed.addWidget(_sign(sign))
        typed.addWidget(self.text, 1)
        for row in (box, typed):
            row.setSpacing(8)
        below.setSpacing(4)
        below.addLayout(typed)
        below.addWidget(self.text.message)
        self._ask = Ask(kind)
        self.kind.activated.connect(self._take_kind)
        self.text.editingFinished.connect(self._take_text)
        self.again.clicked.connect(weakly(self, lambda self: self._tell(Ask(self._ask.kind, self._ask.seed + 1))))
        self.show_ask(self._ask)

    @property
    def ask(self) -> Ask:
        """What is asked for."""
        return self._ask

    def show_ask(self, ask: Ask) -> None:
        """Show what is asked for."""
        self._ask = ask
        self.kind.setCurrentIndex(self.kind.findData(ask.kind))
        self.kind.setToolTip(rich(DIRECTIONS[ask.kind].doc))
        self.entry.setVisible(ask.kind in WITH_TEXT)
        self.text.setPlaceholderText(HINTS.get(ask.kind, ""))
        if not self.text.isModified():
            self.text.setText(ask.text)
            self.text.setCursorPosition(0)
            self.text.refuse("")
        self.again.setVisible(ask.kind in WITH_SEED)

    def refuse(self, reason: str) -> str:
        """Say at the box why what is typed is no direction; return what is left to be said elsewhere."""
        typed = self._ask.kind in WITH_TEXT and bool(self._ask.text.strip())
        self.text.refuse(reason if typed else "")
        return "" if typed else reason

    def _take_kind(self) -> None:
        self._tell(Ask(str(self.kind.currentData()), self._ask.seed))

    def _take_text(self) -> None:
        if self.text.isModified():
            self.text.setModified(False)
            self._tell(Ask(self._ask.kind, self._ask.seed, self.text.text()))

    def _tell(self, ask: Ask) -> None:
        self.text.setModified(False)
        self.show_ask(ask)
        self.changed.emit(ask)


def _sign(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("muted")
    return label
