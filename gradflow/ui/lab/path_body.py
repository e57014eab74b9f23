"""The drawing of neurons with the panel beside it, or below it where there is little width."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.ui.lab.neuron_canvas import NeuronCanvas
from gradflow.ui.lab.path_page import side_by_side
from gradflow.ui.lab.path_panel import PathPanel

NARROWEST, WIDEST, LOWEST = 244, 372, 204
"""The panel's width, and its height where it stands below the drawing."""

WIDE, HIGH = 900, 440
"""In what is narrower, and no lower than this, the panel stands below: columns of neurons need the width."""


class PathBody(QWidget):
    """Shares the room out between the drawing, what is to be remarked of it, and the panel."""

    def __init__(self) -> None:
        super().__init__()
        self.canvas, self.remarks, self.panel = NeuronCanvas(), QLabel(), PathPanel()
        self.remarks.setObjectName("muted")
        self.remarks.setWordWrap(True)
        self.remarks.hide()
        left, self._both = QVBoxLayout(), QBoxLayout(side_by_side(True), self)
        left.setSpacing(4)
        left.addWidget(self.canvas, 1)
        left.addWidget(self.remarks)
        self._both.setContentsMargins(0, 0, 0, 0)
        self._both.addLayout(left, 1)
        self._both.addWidget(self.panel)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the panel its share of the width, or of the height."""
        super().resizeEvent(event)
        width, height = self.width(), self.height()
        flat = width < WIDE and height >= HIGH
        self._both.setDirection(side_by_side(not flat))
        self._both.setSpacing(8 if flat else 12)
        self.panel.lay(flat)
        if flat:
            self.panel.setFixedSize(width, max(int(0.36 * height), LOWEST))
        else:
            self.panel.setFixedWidth(int(min(max(0.31 * width, NARROWEST), WIDEST)))
            self.panel.setMinimumHeight(0)
            self.panel.setMaximumHeight(max(height, 1))
        # At once: a picture does not wait for the layout's next turn.
        self._both.activate()
