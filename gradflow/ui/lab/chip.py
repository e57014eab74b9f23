"""The numbers under the mouse, on a small label beside it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtWidgets import QLabel

from gradflow.ui.plot import Plot


class Chip(QLabel):
    """Follows the mouse over a plot; `say` returns the words for a place of the data, "" for none."""

    def __init__(self, plot: Plot) -> None:
        super().__init__(plot)
        self.setObjectName("chip")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        self.say: Callable[[QPointF], str] = lambda _: ""
        self._plot = plot
        plot.setMouseTracking(True)
        plot.scene().sigMouseMoved.connect(self._follow)
        plot.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Go when the mouse goes."""
        if event.type() == QEvent.Type.Leave:
            self.hide()
        return False

    def _follow(self, position: QPointF) -> None:
        box = self._plot.view_box
        words = self.say(box.mapSceneToView(position)) if box.sceneBoundingRect().contains(position) else ""
        if not words:
            self.hide()
            return
        self.setText(words)
        self.adjustSize()
        left = min(position.x() + 14, self._plot.width() - self.width() - 8)
        top = position.y() - self.height() - 8
        self.move(int(left), int(top if top >= 0 else min(position.y() + 14, self._plot.height() - self.height())))
        self.show()
