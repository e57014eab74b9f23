"""The bar for sentences: what went wrong and what to do, without taking the window away."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt, QTimer
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QMainWindow, QWidget

from gradflow.ui.widgets import ToolButton

STAYS_MS = 12_000
WIDTH, TOP = 760, 66
LEAST_WIDTH, AROUND = 200, 8
HALF_LETTER = 6
"""Half the height of the words in a tool bar, and a little more."""


class Notice(QFrame):
    """One sentence at a time; it goes by itself, or when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self._details = ""
        self._stretch: QWidget | None = None
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
        box.setContentsMargins(12, 1, 6, 1)
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

    def keep_to(self, stretch: QWidget) -> None:
        """Prefer to lie over this empty stretch of a tool bar."""
        self._stretch = stretch

    def place(self) -> None:
        """Lie where nothing is read: over the empty stretch of the tool bar, or beside the menus.

        Only a long sentence in a small window lies over the views. What moves the controls makes the next click miss.
        """
        window = self.parentWidget()
        if not isinstance(window, QMainWindow):
            return
        at_once = self.words.fontMetrics().horizontalAdvance(self.words.text()) + AROUND
        wanted = at_once + self.sizeHint().width() - self.words.sizeHint().width()
        for free in (self._over_tools(window), self._beside_menus(window)):
            width = min(free.width(), wanted)
            height = self.heightForWidth(width)
            if width >= min(LEAST_WIDTH, wanted) and height <= free.height():
                spare = free.height() - height if free.top() > 1 else 0
                self.setGeometry(free.right() + 1 - width, free.top() + spare // 2, width, height)
                return
        width = min(WIDTH, window.width() - 32)
        self.setGeometry((window.width() - width) // 2, TOP, width, self.heightForWidth(width))

    def _over_tools(self, window: QMainWindow) -> QRect:
        """Return the empty stretch of the tool bar, in the window's pixels."""
        bar = self._stretch.parentWidget() if self._stretch else None
        if bar is None or self._stretch is None or not self._stretch.isVisible():
            return QRect()
        across = QRect(self._stretch.mapTo(window, QPoint()), self._stretch.size())
        return QRect(across.left(), bar.y() + 2, across.width(), bar.height() - 4).adjusted(AROUND, 0, -AROUND, 0)

    def _beside_menus(self, window: QMainWindow) -> QRect:
        """Return what is free beside the menus, down to where the words of the tool bar below begin."""
        menus, bar = window.menuBar(), self._stretch.parentWidget() if self._stretch else None
        if bar is None or menus.isNativeMenuBar() or not menus.actions():
            return QRect()
        left = menus.actionGeometry(menus.actions()[-1]).right() + 2 * AROUND
        return QRect(left, 1, window.width() - left - AROUND, bar.y() + bar.height() // 2 - HALF_LETTER - 1)
