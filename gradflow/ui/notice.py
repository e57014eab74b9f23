"""The bar for sentences: what went wrong and what to do, without taking the window away."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel

from gradflow.ui.widgets import ToolButton

STAYS_MS = 12_000
WIDTH, TOP = 760, 66


class Notice(QFrame):
    """One sentence at a time; it goes by itself, or when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self._details = ""
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy = ToolButton()
        self.copy.setText("Copy details")
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(self._details))
        close = ToolButton()
        close.setObjectName("quiet")
        close.setText("✕")
        close.setAccessibleName("Close the message")
        close.clicked.connect(self.hide)
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 6, 8, 6)
        box.addWidget(self.words, 1)
        box.addWidget(self.copy)
        box.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def say(self, sentence: str, details: str = "", good: bool = False) -> None:
        """Show a sentence, framed as a mistake unless it is `good`; one with details stays until it is closed."""
        self._details = details
        self.setProperty("good", good)
        self.style().unpolish(self)
        self.style().polish(self)
        self.words.setText(sentence)
        self.copy.setVisible(bool(details))
        self.place()
        self.show()
        self.raise_()
        if details:
            self._timer.stop()
        else:
            self._timer.start(STAYS_MS)

    def forget(self) -> None:
        """Take a mistake's sentence away once it is mended; good news and reports stay."""
        if not self.property("good") and not self._details:
            self.hide()

    def place(self) -> None:
        """Lie over the top of the views: what moves the controls makes the next click miss."""
        window = self.parentWidget()
        if window is None:
            return
        width = min(WIDTH, window.width() - 32)
        self.setGeometry(
            (window.width() - width) // 2, TOP, width, max(self.heightForWidth(width), self.sizeHint().height())
        )
