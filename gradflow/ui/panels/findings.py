"""The findings: what is wrong, in words, with layer and number, why, and what can be tried against it."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from gradflow.sim.details import Want
from gradflow.sim.finding import Finding, Severity
from gradflow.sim.frame import Frame
from gradflow.ui.layer_table import layer_table
from gradflow.ui.remedies import Remedies
from gradflow.ui.theme import LIGHT, Theme
from gradflow.ui.widgets import Button

# Severity has a shape as well as a colour.
SHAPES = {Severity.GOOD: "●", Severity.NOTE: "■", Severity.WARNING: "▼", Severity.ERROR: "✖"}


class Entry(Button):
    """Another finding in one line; a click opens it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("entry")
        self.finding: Finding | None = None
        self.setMinimumWidth(1)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def show_finding(self, finding: Finding) -> None:
        """Show another finding."""
        self.finding = finding
        self.setAccessibleName(f"{finding.severity}: {finding.title}")
        self.setToolTip(f"<p>{html.escape(finding.title)}</p><p>{html.escape(finding.evidence)}</p>")
        if self.property("severity") != finding.severity.value:
            self.setProperty("severity", finding.severity.value)
            # A style sheet looks at properties only when it is made to.
            self.style().unpolish(self)
            self.style().polish(self)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep to one line."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        if self.finding:
            words = f"{SHAPES[self.finding.severity]}  {self.finding.title}"
            room = max(self.width() - 8, 40)
            self.setText(self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room))


class Findings(QScrollArea):
    """One finding in full, the most urgent unless another was opened; the others; and the layers' numbers.

    Some findings ask for a dear measurement, while somebody can read them.
    """

    preview_wanted = Signal(object)
    """The Remedy to be seen beside this run, or None."""

    apply_wanted = Signal(object)
    """The Remedy to be taken."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.frame: Frame | None = None
        self._opened: tuple[str, int | None] | None = None
        self._urgent = ""
        self.title, self.evidence, self.cause, self.formula, self.advice, self.table = (_text() for _ in range(6))
        self.formula.setObjectName("formula")
        self.heading, self.why_heading, self.help_heading, self.others_heading = (
            _heading(words) for words in ("FINDING", "WHY", "WHAT WOULD HELP", "ALSO")
        )
        self.remedies = Remedies()
        self.remedies.preview_wanted.connect(self.preview_wanted)
        self.remedies.apply_wanted.connect(self.apply_wanted)
        self.entries: list[Entry] = []
        self.others = QWidget()
        self.layers_heading = Button()
        self.layers_heading.setObjectName("groupHeading")
        self.layers_heading.setAccessibleName("Layers: fold or unfold")
        self.layers_heading.clicked.connect(self._fold_layers)
        self._layout()
        self._fold_layers()
        self.setAccessibleName("Findings")

    def _layout(self) -> None:
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._entry_box = QVBoxLayout(self.others)
        self._entry_box.setContentsMargins(0, 0, 0, 0)
        self._entry_box.setSpacing(0)
        column = QWidget()
        box = QVBoxLayout(column)
        box.setContentsMargins(12, 8, 12, 12)
        box.setSpacing(6)
        groups = (
            (self.heading, self.title, self.evidence),
            (self.why_heading, self.cause, self.formula),
            (self.help_heading, self.advice, self.remedies),
            (self.others_heading, self.others),
            (self.layers_heading, self.table),
        )
        for group in groups:
            for widget in group:
                box.addWidget(widget)
            box.addSpacing(2)
        box.addStretch(1)
        self.setWidget(column)

    @property
    def wants(self) -> frozenset[Want]:
        """The dear measurements that findings are made of, as long as the panel is seen."""
        return frozenset({Want.SHARPNESS}) if self.isVisible() else frozenset()

    def draw(self, frame: Frame) -> None:
        """Say what the latest frame's findings are; what a pointer is about to press holds still."""
        rebuilt = self.frame is None or frame.build != self.frame.build
        self.frame = frame
        if rebuilt:
            self.remedies.release()
        if rebuilt or not (self.remedies.held or self.others.underMouse()):
            self._write(frame)
        if self.table.isVisibleTo(self):
            _say(self.table, layer_table(frame, self.theme))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        if self.frame:
            self._write(self.frame)
            _say(self.table, layer_table(self.frame, theme))

    def _write(self, frame: Frame) -> None:
        first = frame.finding
        if first.name != self._urgent:
            # What has become the most urgent goes before what somebody once opened.
            self._urgent, self._opened = first.name, None
        finding = next((found for found in frame.findings if _key(found) == self._opened), first)
        color = self.theme.severity(finding.severity)
        sign = f'<span style="color:{color}">{SHAPES[finding.severity]}</span>'
        _say(self.title, f"{sign}&nbsp; <b>{html.escape(finding.title)}</b>")
        for label, words in (
            (self.evidence, finding.evidence),
            (self.cause, finding.cause),
            (self.formula, finding.formula),
            (self.advice, "" if finding.remedies else finding.advice),
        ):
            _say(label, html.escape(words))
            label.setVisible(bool(words))
        self.why_heading.setVisible(bool(finding.cause or finding.formula))
        self.help_heading.setVisible(bool(finding.remedies or finding.advice))
        self.remedies.show_remedies(finding.remedies)
        self.remedies.setVisible(bool(finding.remedies))
        self._list([found for found in frame.findings if found is not finding])

    def _list(self, others: list[Finding]) -> None:
        while len(self.entries) < len(others):
            self.entries.append(self._entry())
        for place, entry in enumerate(self.entries):
            if place < len(others) and entry.finding != others[place]:
                entry.show_finding(others[place])
            entry.setVisible(place < len(others))
        self.others.setVisible(bool(others))
        self.others_heading.setVisible(bool(others))

    def _entry(self) -> Entry:
        entry = Entry()
        entry.clicked.connect(lambda: self._open(entry.finding))
        self._entry_box.addWidget(entry)
        return entry

    def _open(self, finding: Finding | None) -> None:
        if finding and self.frame:
            self.remedies.release()
            self._opened = _key(finding)
            self._write(self.frame)
            self.verticalScrollBar().setValue(0)

    def _fold_layers(self) -> None:
        shown = self.table.isHidden() or not self.layers_heading.text()
        self.table.setVisible(shown)
        self.layers_heading.setText(f"{'▾' if shown else '▸'} LAYERS")
        if self.frame:
            _say(self.table, layer_table(self.frame, self.theme))


def _key(finding: Finding) -> tuple[str, int | None]:
    return finding.name, finding.layer


def _say(label: QLabel, words: str) -> None:
    """Write only what is new: setting a text lays out the whole panel."""
    if label.text() != words:
        label.setText(words)


def _text() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _heading(words: str) -> QLabel:
    label = QLabel(words)
    label.setObjectName("heading")
    return label
