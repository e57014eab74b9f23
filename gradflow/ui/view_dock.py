"""The frame around a view: its title bar, its menu, and when it is drawn."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QDockWidget, QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from gradflow.registry import Entry
from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.ui.forms import rich
from gradflow.ui.theme import LIGHT, Theme
from gradflow.ui.view import FAST_MS, VIEWS, View, short_name
from gradflow.ui.widgets import ToolButton

LEAST_CHOICE = 32
"""How narrow a list of choices may become where the title needs the room."""


class Header(QWidget):
    """A view's title bar: the question, the formula, the view's own choices, and two buttons."""

    double_clicked = Signal()

    def __init__(self, entry: Entry[type[View]]) -> None:
        super().__init__()
        self.setObjectName("viewHeader")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setToolTip(rich(entry.doc))
        self.question, self.name = entry.title, short_name(entry.name)
        self.words = words = QLabel(entry.title)
        words.setObjectName("title")
        self.formula = entry.part.formula
        self.remark = QLabel(self.formula)
        self.remark.setObjectName("muted")
        for label in (words, self.remark):
            # Words may be cut in a narrow dock; they must not keep the window wide.
            label.setMinimumWidth(1)
        self.box = QHBoxLayout(self)
        self.box.setContentsMargins(12, 6, 8, 4)
        self.box.setSpacing(8)
        self.box.addWidget(words)
        self.box.addStretch(1)
        self.box.addWidget(self.remark)
        self.controls: QWidget | None = None
        self.export_button = _button("⤓", "Export this view as PNG or SVG")
        self.maximise_button = _button("⤢", "Maximise or restore (double-click the title)")
        self.box.addWidget(self.export_button)
        self.box.addWidget(self.maximise_button)

    def add_controls(self, controls: QWidget | None) -> None:
        """Put a view's own choices before the buttons."""
        if controls:
            self.controls = controls
            for choice in (controls, *controls.findChildren(QComboBox)):
                choice.setMinimumWidth(LEAST_CHOICE)
            self.box.insertWidget(self.box.count() - 2, controls)
            self._make_room()

    def say(self, words: str) -> None:
        """Show a remark in place of the formula, "" for the formula."""
        if (shown := words or self.formula) != self.remark.text():
            self.remark.setText(shown)
            self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the formula give way before the question is cut."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Without room for everything leave the formula out, then put the name in place of the question.

        Where there is no room even for the name, the choices become narrower.
        """
        margins = self.box.contentsMargins()
        needed = margins.left() + margins.right()
        for i in range(self.box.count()):
            item = self.box.itemAt(i)
            widget = item.widget() if item else None
            if widget and widget not in (self.words, self.remark):
                needed += widget.sizeHint().width() + self.box.spacing()
        metrics = self.words.fontMetrics()
        spare = self.width() - needed - metrics.horizontalAdvance(self.question) - self.box.spacing()
        self.words.setText(self.question if spare >= 0 else self.name)
        if self.controls:
            lacking = min(self.width() - needed - metrics.horizontalAdvance(self.name) - 2 * self.box.spacing(), 0)
            self.controls.setMaximumWidth(max(self.controls.sizeHint().width() + lacking, LEAST_CHOICE))
        # An empty label would still keep its distance to its neighbours.
        remark = self.remark.sizeHint().width() + self.box.spacing()
        self.remark.setVisible(bool(self.remark.text()) and remark <= spare)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Maximise instead of floating."""
        self.double_clicked.emit()


class ViewDock(QDockWidget):
    """A view that can be moved, tabbed, torn off, maximised and exported.

    Its title bar is made when it first comes in front, and the view itself when it is first drawn: the window opens
    without waiting for all of them, and one that is never looked at costs nothing.
    """

    export_requested = Signal(str)
    copy_requested = Signal(str)
    maximise_requested = Signal(str)
    view_made = Signal(object)
    wants_changed = Signal()
    picked = Signal(int, object)
    view_wanted = Signal(str)

    def __init__(self, name: str) -> None:
        # The name stands on tabs and in the menu, the question in the title bar.
        super().__init__(short_name(name))
        self.name = name
        self.setObjectName(f"view-{name}")
        self.body = QWidget()
        self.body.setObjectName("viewBody")
        self.body.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        box = QVBoxLayout(self.body)
        box.setContentsMargins(0, 0, 0, 0)
        self.setWidget(self.body)
        self._header: Header | None = None
        self._view: View | None = None
        self._selected: int | None = None
        self._theme = LIGHT
        self._build = -1
        self._drawn: Frame | None = None
        self.drawn_at = 0.0
        # Whether it is open and not behind another tab; Qt says so only when it changes.
        self.in_front = False
        self.visibilityChanged.connect(self._note_visibility)
        # Opened again it comes before the tabs it stands with.
        self.toggleViewAction().triggered.connect(lambda shown: self.raise_() if shown else None)

    @property
    def entry(self) -> Entry[type[View]]:
        """The view as it is registered."""
        return VIEWS[self.name]

    @property
    def interval_ms(self) -> int:
        """The shortest time between two drawings."""
        return self.entry.part.interval_ms

    @property
    def header(self) -> Header:
        """The title bar; made at the first look."""
        if self._header is None:
            self._header = Header(self.entry)
            self._header.export_button.clicked.connect(lambda: self.export_requested.emit(self.name))
            self._header.maximise_button.clicked.connect(lambda: self.maximise_requested.emit(self.name))
            self._header.double_clicked.connect(lambda: self.maximise_requested.emit(self.name))
            self.setTitleBarWidget(self._header)
        return self._header

    @property
    def made(self) -> bool:
        """Whether the view exists yet."""
        return self._view is not None

    @property
    def view(self) -> View:
        """The view; made at the first look."""
        if self._view is None:
            self._view = self.entry.part()
            self._view.setAccessibleName(self.entry.title)
            self._view.setAccessibleDescription(self.entry.doc)
            self._view.retheme(self._theme)
            self._view.wants_changed.connect(self.wants_changed)
            self._view.picked.connect(self.picked)
            self._view.view_wanted.connect(self.view_wanted)
            self._view.select(self._selected)
            self.header.add_controls(self._view.controls())
            layout = self.body.layout()
            assert layout is not None
            layout.addWidget(self._view)
            self.view_made.emit(self._view)
        return self._view

    @property
    def wants(self) -> frozenset[Want]:
        """The dear measurements that the view needs, none where nobody looks."""
        if not self.in_front:
            return frozenset()
        return self._view.wants if self._view else self.entry.part.wants

    def select(self, layer: int | None) -> None:
        """Let one layer stand out, or none."""
        if layer != self._selected:
            self._selected, self._drawn = layer, None
            if self._view:
                self._view.select(layer)

    @property
    def seen(self) -> bool:
        """Whether somebody can see the view: not closed, not behind another tab, not minimised."""
        return self.body.isVisible() and not self.body.visibleRegion().isEmpty()

    def _note_visibility(self, in_front: bool) -> None:
        self.in_front = in_front
        if in_front:
            self.header.show()

    def offer(self, frame: Frame) -> bool:
        """Draw the frame if the view is seen, lacks it, and its turn has come; return whether it was drawn.

        A fast view need not wait after a rebuild.
        """
        if frame is self._drawn or not self.seen:
            return False
        rebuilt = frame.build != self._build
        now = time.perf_counter()
        if (now - self.drawn_at) * 1000.0 < self.interval_ms - 8 and not (rebuilt and self.interval_ms <= FAST_MS):
            return False
        if rebuilt:
            self.view.reset(frame.topology)
            self._build = frame.build
        self.view.draw(frame)
        step = frame.snapshot.step
        lacks = frame.past and any(frame.details.steps.get(want) != step for want in self.view.wants)
        self.header.say(f"not measured at step {step}" if lacks else "")
        self._drawn, self.drawn_at = frame, now
        return True

    def retheme(self, theme: Theme) -> None:
        """Take new colours and draw again at the next chance."""
        self._theme = theme
        if self._view:
            self._view.retheme(theme)
        self._build, self._drawn, self.drawn_at = -1, None, 0.0

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with a view."""
        menu = QMenu(self)
        menu.addAction("Export…", lambda: self.export_requested.emit(self.name))
        menu.addAction("Copy image", lambda: self.copy_requested.emit(self.name))
        menu.addSeparator()
        menu.addAction("Maximise or restore", lambda: self.maximise_requested.emit(self.name))
        menu.addAction("Dock" if self.isFloating() else "Float", lambda: self.setFloating(not self.isFloating()))
        menu.addAction("Close", self.close)
        menu.exec(event.globalPos())


def _button(sign: str, words: str) -> ToolButton:
    button = ToolButton()
    button.setObjectName("quiet")
    button.setText(sign)
    button.setToolTip(words)
    button.setAccessibleName(words)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
