"""Beside a Jacobian: its rank, singular values and structure, and what its chain costs in which order."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gradflow.sim.lab.chain import Chain
from gradflow.sim.lab.matrix_facts import MatrixFacts
from gradflow.sim.lab.product_cost import COUNTED, ORDERS, from_one_or_to_one, in_words
from gradflow.sim.words import counted, spell
from gradflow.ui.theme import LIGHT, SMALL_SIZE, Theme, font

ROW, BAR = 26.0, 4.0

TOO_LARGE = "Too large for rank and singular values: they are taken of up to 512 × 512 numbers."


class CostBars(QWidget):
    """One bar for each order of multiplying, as long as the number of multiplications."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self.counts: Sequence[tuple[str, int | None]] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(self, counts: Sequence[tuple[str, int | None]]) -> None:
        """Show these numbers, each with its name; None is not known."""
        self.counts = counts
        self.setAccessibleName("; ".join(f"{name}: {_number(count)}" for name, count in counts))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Ask for a row for each."""
        return QSize(180, int(ROW * len(self.counts)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write the names and numbers, and draw the bars."""
        longest = max((count or 0 for _, count in self.counts), default=0) or 1
        least = min((count for _, count in self.counts if count is not None), default=0)
        with QPainter(self) as painter:
            painter.setFont(font(SMALL_SIZE))
            for i, (name, count) in enumerate(self.counts):
                line = QRectF(0.0, ROW * i, self.width(), 16.0)
                painter.setPen(QColor(self.theme.muted))
                number = _number(count)
                room = self.width() - painter.fontMetrics().horizontalAdvance(number) - 8
                words = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room)
                painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
                painter.setPen(QColor(self.theme.text))
                painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
                track = QRectF(0.0, ROW * i + 18.0, self.width(), BAR)
                painter.fillRect(track, QColor(self.theme.raised))
                if count is not None:
                    track.setWidth(max(track.width() * count / longest, 2.0))
                    painter.fillRect(track, QColor(self.theme.curve if count == least else self.theme.muted))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        self.update()


class JacobianFacts(QScrollArea):
    """The numbers of the matrix that is shown, and the costs of its chain; what has no room is scrolled to."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(208)
        self.setMaximumWidth(280)
        self.facts, self.why, self.bars = QLabel(), QLabel(), CostBars()
        self.heading = QLabel()
        self.heading.setObjectName("heading")
        self.facts.setTextFormat(Qt.TextFormat.RichText)
        self.facts.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.facts.setWordWrap(True)
        self.why.setObjectName("muted")
        self.why.setWordWrap(True)
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(0, 0, 8, 0)
        box.setSpacing(6)
        for widget in (self.facts, self.heading, self.bars, self.why):
            box.addWidget(widget)
        box.addStretch(1)
        self.setWidget(content)

    def show_facts(self, facts: MatrixFacts | None) -> None:
        """Show the numbers of a matrix; None while they are worked out."""
        if facts is None:
            self.facts.setText("Working out its singular values …")
            return
        rank = "unknown" if facts.rank < 0 else f"{facts.rank} of {min(facts.shape)}"
        of_all = [("structure", facts.structure), ("zeros", f"{100.0 * facts.zeros:.3g} %")]
        of_matrices = [
            ("rank", rank),
            ("largest singular value", spell(facts.largest)),
            ("smallest singular value", spell(facts.smallest)),
            ("condition", spell(facts.condition)),
        ]
        # The one singular value of a vector is its norm.
        vector = min(facts.shape) == 1
        norm = ("norm" if vector else "Frobenius norm", spell(facts.frobenius))
        rows = [*of_all, norm, *([] if vector or facts.too_large else of_matrices)]
        muted = self.palette().placeholderText().color().name()
        cells = "".join(
            f"<tr><td style='color:{muted}; padding-right:8px'>{name}</td><td>{value}</td></tr>" for name, value in rows
        )
        words = f"<p style='color:{muted}'>{TOO_LARGE}</p>" if facts.too_large else ""
        self.facts.setText(f"<table cellspacing=0 cellpadding=1>{cells}</table>{words}")

    def show_cost(self, chain: Chain | None) -> None:
        """Show what the chain costs, and why."""
        shown = chain is not None and len(chain.factors) > 1
        for widget in (self.heading, self.bars, self.why):
            widget.setVisible(shown)
        if chain is not None and shown:
            self.heading.setText(f"Multiplications for all {len(chain.factors)} factors")
            self.bars.show_counts([(words, getattr(chain.cost, name)) for name, words in ORDERS.items()])
            words = in_words(chain.sizes, chain.cost), from_one_or_to_one(chain.sizes), COUNTED
            self.why.setText("\n".join(words))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.bars.retheme(theme)


def _number(count: int | None) -> str:
    return "too many orders" if count is None else counted(count)
