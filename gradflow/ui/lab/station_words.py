"""What happens at a station, in words and formulas, and one entry with its numbers put in."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradflow.sim.lab.station import Station
from gradflow.sim.lab.unfolding import Unfolding
from gradflow.ui.lab.elided_label import ElidedLabel
from gradflow.ui.lab.formula_line import FormulaLine
from gradflow.ui.lab.walk_strip import phase_color
from gradflow.ui.theme import LIGHT, Theme

APART = 8


class StationWords(QWidget):
    """The title, the sentence, the formulas and one entry in numbers."""

    def __init__(self, beside: QWidget, below: QWidget) -> None:
        """Take what stands at the right of the first line and of the last."""
        super().__init__()
        self.theme = LIGHT
        self._station: Station | None = None
        self._unfolding: Unfolding | None = None
        self._phase, self._name, self._place = QLabel(), QLabel(), QLabel()
        self._name.setObjectName("title")
        self._place.setObjectName("muted")
        self._said, self._more, self._numbers = QLabel(), QLabel(), ElidedLabel()
        self._said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        for label in (self._said, self._more):
            label.setObjectName("muted")
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._more.setWordWrap(True)
        self._more.hide()
        self._beside = beside
        self._formulas = FormulaLine()
        head = QHBoxLayout()
        head.setSpacing(APART)
        for widget in (self._phase, self._name, self._place):
            head.addWidget(widget)
        head.addWidget(self._said, 1)
        head.addWidget(beside)
        self._rows = box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self._more)
        box.addWidget(self._formulas)
        foot = QHBoxLayout()
        foot.addWidget(self._numbers, 1)
        foot.addWidget(below)
        box.addLayout(foot)

    def show_station(self, station: Station, position: int, count: int) -> None:
        """Say what happens here."""
        self._station = station
        layer = f"layer {station.layer} · " if station.layer else ""
        self._name.setText(f"{layer}{station.name}")
        self._place.setText(f"{position + 1} of {count}")
        self._formulas.show_formulas(station.formulas)
        self.setAccessibleName(f"{station.kind}: {layer}{station.name}")
        self._color()

    def fit(self, width: int) -> None:
        """Make room for the sentence and the formulas at this width."""
        self._formulas.fit(width)
        self._place_sentence(width)
        # Now, not when the next events are handled: whoever lays this out asks for its size before that.
        self._rows.activate()
        self.updateGeometry()

    def _place_sentence(self, width: int) -> None:
        """Write the sentence beside the title, or on lines of its own where there is no room for it."""
        words = self._station.words if self._station else ""
        others = [one for one in (self._phase, self._name, self._place, self._beside) if not one.isHidden()]
        room = width - sum(one.sizeHint().width() + APART for one in others)
        beside = self._said.fontMetrics().horizontalAdvance(words) <= room
        self._said.setText(words if beside else "")
        self._more.setText("" if beside else words)
        self._more.setVisible(not beside)
        if not beside:
            self._more.setFixedHeight(self._more.heightForWidth(width))

    def show_entry(self, unfolding: Unfolding) -> None:
        """Write one entry with its numbers put in."""
        self._unfolding = unfolding
        self._write_entry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Write as many terms as there is room for."""
        super().resizeEvent(event)
        self._write_entry()

    def _write_entry(self) -> None:
        if self._unfolding is not None:
            self._numbers.setText(self._unfolding.fitting(self._numbers.fits))

    @property
    def text(self) -> str:
        """All that is written, line by line."""
        phase = str(self._station.kind) if self._station else ""
        formulas = "    ".join(self._formulas.formulas)
        return "\n".join(
            (phase, self._name.text(), self._said.text() or self._more.text(), formulas, self._numbers.text())
        )

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self._formulas.retheme(theme)
        self._color()

    def _color(self) -> None:
        if self._station is not None:
            color = phase_color(self.theme, self._station.kind).name()
            self._phase.setText(f'<b style="color: {color}">{self._station.kind}</b>')
