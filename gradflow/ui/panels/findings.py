"""The findings: what is wrong, in words, with layer and number."""

from __future__ import annotations

import html
import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gradflow.sim.finding import Severity
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Stat
from gradflow.sim.words import spell
from gradflow.ui.theme import LIGHT, Theme

# Severity has a shape as well as a colour.
SHAPES = {Severity.GOOD: "●", Severity.NOTE: "■", Severity.WARNING: "▼", Severity.ERROR: "✖"}

MOST_ROWS = 12
"""Of more layers than these only some are listed."""


class Findings(QWidget):
    """The verdict, its evidence, what would help, and the first and last layers' numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.frame: Frame | None = None
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 12)
        box.setSpacing(8)
        self.title, self.evidence, self.advice = (_text() for _ in range(3))
        self.heading, self.help_heading, self.layers_heading = (
            _heading(t) for t in ("FINDING", "WHAT WOULD HELP", "LAYERS")
        )
        self.table = _text()
        for widget in (
            self.heading,
            self.title,
            self.evidence,
            self.help_heading,
            self.advice,
            self.layers_heading,
            self.table,
        ):
            box.addWidget(widget)
        box.addStretch(1)
        self.setAccessibleName("Findings")

    def draw(self, frame: Frame) -> None:
        """Say what the latest frame's finding is."""
        self.frame = frame
        finding = frame.finding
        color = self.theme.severity(finding.severity)
        self.title.setText(
            f'<span style="color:{color}">{SHAPES[finding.severity]}</span>&nbsp; <b>{html.escape(finding.title)}</b>'
        )
        self.evidence.setText(html.escape(finding.evidence))
        self.advice.setText(html.escape(finding.advice))
        self.advice.setVisible(bool(finding.advice))
        self.help_heading.setVisible(bool(finding.advice))
        self.table.setText(self._layers(frame))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        if self.frame:
            self.draw(self.frame)

    def _layers(self, frame: Frame) -> str:
        """Return the layers, or the first, middle and last of many, as a table: units, n, σ and the gradient."""
        layers = frame.topology.layers
        last = len(layers) - 1
        chosen = range(len(layers)) if last < MOST_ROWS else (0, 1, 2, last // 2, last - 2, last - 1, last)
        delta = frame.snapshot.stat(Stat.DELTA)
        muted = self.theme.muted
        head = "".join(
            f'<td align="right"><span style="color:{muted}">{h}</span></td>' for h in ("", "units", "n", "σ", "‖δ‖")
        )
        rows, before = [f"<tr>{head}</tr>"], -1
        for i in chosen:
            if before >= 0 and i > before + 1:
                rows.append(f'<tr><td align="right"><span style="color:{muted}">⋯</span></td></tr>')
            layer = layers[i]
            n = f"{layer.init_n:g}" if layer.init_n else "–"
            swatch = self.theme.layer_colors(len(layers))[i].name()
            cells = (
                f"{layer.units}",
                n,
                "–" if math.isnan(layer.init_std) else f"{layer.init_std:.3g}",
                spell(delta[i]),
            )
            rows.append(
                f'<tr><td align="right"><span style="color:{swatch}">●</span> {layer.number}</td>'
                + "".join(f'<td align="right">{cell}</td>' for cell in cells)
                + "</tr>"
            )
            before = i
        return f'<table cellspacing="0" cellpadding="2" width="100%">{"".join(rows)}</table>'


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
