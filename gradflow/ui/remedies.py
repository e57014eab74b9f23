"""What would help, as rows: hover or press Preview to see it beside this run, press Apply to take it."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.finding import Remedy
from gradflow.ui.widgets import Button


class PreviewButton(Button):
    """A button that tells when the pointer comes and goes."""

    hovered = Signal(bool)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Tell that the pointer has come."""
        super().enterEvent(event)
        self.hovered.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that the pointer has gone."""
        super().leaveEvent(event)
        self.hovered.emit(False)


class RemedyRow(QWidget):
    """One remedy: its title, two buttons, and why it works; of all but the best that is in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.remedy: Remedy | None = None
        self.title, self.reason = QLabel(), QLabel()
        self.reason.setObjectName("muted")
        for label in (self.title, self.reason):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.RichText)
        self.preview, self.apply = PreviewButton("Preview"), Button("Apply")
        self.preview.setCheckable(True)
        self.preview.setToolTip("Hover or press: the same seed with this change, drawn as an outline (Esc ends it)")
        self.apply.setToolTip("Make this change; Ctrl+Z takes it back")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 4)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.title, 0, 0)
        for column, button in enumerate((self.preview, self.apply), start=1):
            button.setObjectName("small")
            # A click leaves the focus where it was, so that Space goes on meaning play and pause.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            grid.addWidget(button, 0, column, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.reason, 1, 0, 1, 3)

    def show_remedy(self, number: int, remedy: Remedy) -> None:
        """Show another remedy; what is the same is not touched."""
        if remedy == self.remedy:
            return
        self.remedy = remedy
        self.title.setText(f"{number}.&nbsp; {html.escape(remedy.title)}")
        self.reason.setText(html.escape(remedy.reason))
        self.reason.setVisible(bool(remedy.reason) and number == 1)
        self.setToolTip(f"<p><b>{html.escape(remedy.title)}</b></p><p>{html.escape(remedy.reason)}</p>")
        self.preview.setAccessibleName(f"Preview: {remedy.title}")
        self.apply.setAccessibleName(f"Apply: {remedy.title}")
        for button in (self.preview, self.apply):
            button.setAccessibleDescription(remedy.reason)


class Remedies(QWidget):
    """A list of remedies, the best first, of which one can be previewed."""

    preview_wanted = Signal(object)
    """The Remedy to be seen beside this run, or None."""

    apply_wanted = Signal(object)
    """The Remedy to be taken."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[RemedyRow] = []
        self._hovered: Remedy | None = None
        self._pressed: Remedy | None = None
        self._told: Remedy | None = None
        self._applied_at = -math.inf
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(2)

    @property
    def held(self) -> bool:
        """Whether somebody is about to press something here: then nothing may move or vanish."""
        focus = QApplication.focusWidget()
        return self.underMouse() or self._told is not None or (focus is not None and self.isAncestorOf(focus))

    def show_remedies(self, remedies: Sequence[Remedy]) -> None:
        """Show these, the best first."""
        while len(self.rows) < len(remedies):
            self.rows.append(self._row())
        for number, row in enumerate(self.rows, start=1):
            if number <= len(remedies):
                row.show_remedy(number, remedies[number - 1])
            row.setVisible(number <= len(remedies))

    def release(self) -> None:
        """End the preview."""
        self._hovered = self._pressed = None
        self._tell()

    def _row(self) -> RemedyRow:
        row = RemedyRow()
        row.preview.hovered.connect(lambda inside: self._hover(row.remedy if inside else None))
        row.preview.clicked.connect(lambda: self._press(row.remedy))
        row.apply.clicked.connect(lambda: self._apply(row.remedy))
        self._box.addWidget(row)
        return row

    def _hover(self, remedy: Remedy | None) -> None:
        self._hovered = remedy
        self._tell()

    def _press(self, remedy: Remedy | None) -> None:
        """Keep the preview when the pointer goes, or end it."""
        if self._pressed is remedy:
            self._hovered = self._pressed = None
        else:
            self._pressed = remedy
        self._tell()

    def _apply(self, remedy: Remedy | None) -> None:
        # The second click of a double-click would meet what stands there by then.
        if time.monotonic() - self._applied_at < QApplication.doubleClickInterval() / 1000:
            return
        self._applied_at = time.monotonic()
        self.release()
        self.apply_wanted.emit(remedy)

    def _tell(self) -> None:
        for row in self.rows:
            row.preview.setChecked(self._pressed is not None and row.remedy is self._pressed)
        wanted = self._hovered or self._pressed
        if wanted is self._told:
            return
        app = QApplication.instance()
        assert app is not None
        app.removeEventFilter(self)
        if wanted is not None:
            app.installEventFilter(self)
        self._told = wanted
        self.preview_wanted.emit(wanted)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While there is a preview, Esc ends it before it means anything else."""
        kinds = QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress
        escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape and event.type() in kinds
        # In a dialog above the window the key is the dialog's.
        if not escape or not self.isActiveWindow():
            return super().eventFilter(watched, event)
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            self.release()
        return True
