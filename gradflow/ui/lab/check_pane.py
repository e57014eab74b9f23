"""The gradient check of every layer, filling in beside the curve of one entry."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.lab.layer_checks import Checks, check_layers
from gradflow.sim.lab.specimen import Specimen
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.table_rows import TableRows
from gradflow.ui.theme import Theme
from gradflow.ui.widgets import Button


class CheckPane(QWidget):
    """A row for each layer, with words on how far it is, what was compared, and what the weaker verdicts mean.

    It goes on in the background and can be given up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.checks: Checks | None = None
        self.checking = Background(self)
        self.words, self.explained = QLabel(), QLabel()
        self.stop, self.rows = Button("Stop"), TableRows("Gradient check of every layer")
        self.explained.setObjectName("muted")
        for label in (self.words, self.explained):
            label.setWordWrap(True)
        self.stop.setToolTip("Check no further layers")
        said = QHBoxLayout()
        said.setSpacing(8)
        said.addWidget(self.words, 1)
        said.addWidget(self.stop)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(said)
        box.addWidget(self.rows, 1)
        box.addWidget(self.explained)
        self.stop.clicked.connect(self.give_up)
        self.checking.arrived.connect(self._take)
        self.checking.failed.connect(self.words.setText)

    def begin(self, specimen: Specimen) -> None:
        """Check every layer of this network."""
        self.checks = None
        self.checking.run(partial(check_layers, specimen, 0))
        self._show()

    def give_up(self) -> None:
        """Check no further layers."""
        self.checking.stop()
        self._show()

    def clear(self) -> None:
        """Show nothing."""
        self.checking.stop()
        self.checks = None
        self._show()

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.rows.retheme(theme)

    def _take(self, found: Checks) -> None:
        self.checks = found
        self._show()

    def _show(self) -> None:
        found = self.checks
        going = self.checking.busy and not (found and found.complete)
        self.rows.show_table(found.table() if found else None)
        self.stop.setVisible(going)
        self.words.setText(found.words(going) if found else "running the network …" if going else "")
        self.explained.setText("\n".join(found.explanations()) if found else "")
