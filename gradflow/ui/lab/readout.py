"""Lines of text on a small label beside the mouse, inside of the widget that it belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QLabel, QWidget

AWAY, BELOW = 14.0, 10.0


class Readout(QLabel):
    """Hidden until there is something to tell; on the other side of the mouse where it would be cut."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setObjectName("chip")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        self._over = over

    def tell(self, lines: Sequence[str], spot: QPointF) -> None:
        """Show lines of rich text beside a place."""
        self.setText("<br>".join(lines))
        self.adjustSize()
        left = spot.x() + AWAY
        if left + self.width() > self._over.width():
            left = max(0.0, spot.x() - AWAY - self.width())
        top = min(spot.y() + BELOW, self._over.height() - self.height() - 2.0)
        self.move(int(left), int(max(top, 0.0)))
        self.show()
