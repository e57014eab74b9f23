"""The frame around a view: its title bar, its menu, and when it is drawn."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from gradflow.registry import Entry
from gradflow.sim.frame import Frame
from gradflow.ui.forms import rich
from gradflow.ui.theme import Theme
from gradflow.ui.view import View


class Header(QWidget):
    """A view's title bar: the question, the formula, the view's own choices, and two buttons."""

    double_clicked = Signal()

    def __init__(self, title: str, view: View) -> None:
        super().__init__()
        self.setObjectName("viewHeader")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        words = QLabel(title)
        words.setObjectName("title")
        formula = QLabel(view.formula)
        formula.setObjectName("muted")
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 6, 8, 4)
        box.setSpacing(8)
        box.addWidget(words)
        box.addStretch(1)
        box.addWidget(formula)
        controls = view.controls()
        if controls:
            box.addWidget(controls)
        self.export_button = _button("⤓", "Export this view as PNG")
        self.maximise_button = _button("⤢", "Maximise or restore (double-click the title)")
        box.addWidget(self.export_button)
        box.addWidget(self.maximise_button)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Maximise instead of floating."""
        self.double_clicked.emit()


class ViewDock(QDockWidget):
    """A view that can be moved, tabbed, torn off, maximised and exported."""

    export_requested = Signal(str)
    copy_requested = Signal(str)
    maximise_requested = Signal(str)

    def __init__(self, entry: Entry[type[View]]) -> None:
        super().__init__(entry.title)
        self.name = entry.name
        self.setObjectName(f"view-{entry.name}")
        self.view = entry.part()
        self.view.setAccessibleName(entry.title)
        self.view.setAccessibleDescription(entry.doc)
        body = QWidget()
        body.setObjectName("viewBody")
        body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        box = QVBoxLayout(body)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.view)
        self.setWidget(body)
        header = Header(entry.title, self.view)
        header.setToolTip(rich(entry.doc))
        header.export_button.clicked.connect(lambda: self.export_requested.emit(self.name))
        header.maximise_button.clicked.connect(lambda: self.maximise_requested.emit(self.name))
        header.double_clicked.connect(lambda: self.maximise_requested.emit(self.name))
        self.setTitleBarWidget(header)
        self._build = -1
        self._drawn: Frame | None = None
        self._drawn_at = 0.0

    def offer(self, frame: Frame) -> None:
        """Draw the frame if the view is seen, lacks it, and its turn has come (fast views: at once after a rebuild)."""
        if frame is self._drawn or not self.view.isVisible() or self.view.visibleRegion().isEmpty():
            return
        rebuilt = frame.build != self._build
        now = time.perf_counter()
        if (now - self._drawn_at) * 1000.0 < self.view.interval_ms - 8 and not (rebuilt and self.view.interval_ms < 50):
            return
        if rebuilt:
            self.view.reset(frame.topology)
            self._build = frame.build
        self.view.draw(frame)
        self._drawn, self._drawn_at = frame, now

    def retheme(self, theme: Theme) -> None:
        """Take new colours and draw again at the next chance."""
        self.view.retheme(theme)
        self._build, self._drawn = -1, None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with a view."""
        menu = QMenu(self)
        menu.addAction("Export as PNG…", lambda: self.export_requested.emit(self.name))
        menu.addAction("Copy image", lambda: self.copy_requested.emit(self.name))
        menu.addSeparator()
        menu.addAction("Maximise or restore", lambda: self.maximise_requested.emit(self.name))
        menu.addAction("Dock" if self.isFloating() else "Float", lambda: self.setFloating(not self.isFloating()))
        menu.addAction("Close", self.close)
        menu.exec(event.globalPos())


def _button(sign: str, words: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("quiet")
    button.setText(sign)
    button.setToolTip(words)
    button.setAccessibleName(words)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
