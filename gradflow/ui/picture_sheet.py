"""The sheet that a picture is painted of: one view or several with their titles, and what was run below them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.sim.frame import Frame
from gradflow.ui.captions import caption, subject_caption, sweep_caption
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.pictured import touch_up, without_controls
from gradflow.ui.theme import Theme
from gradflow.ui.view import VIEWS, View, short_name
from gradflow.ui.whole_lines import end_with_whole_lines

LAYOUT = {"profile": (0, 0, 1, 2), "heatmap": (1, 0, 1, 1), "loss": (1, 1, 1, 1)}
"""Where views stand on the sheet (row, column, rows, columns); the others fill up from below."""


@dataclass(frozen=True)
class Look:
    """How pictures are drawn: the theme, and what is chosen in which view."""

    theme: Theme
    choices: Mapping[str, str] = field(default_factory=dict)


class Sheet(QWidget):
    """One or all views with their titles, and the caption below."""

    def __init__(self, frame: Frame, shown: tuple[str, ...], look: Look) -> None:
        super().__init__()
        self.setObjectName("sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self.setStyleSheet(f"#sheet {{ background: {look.theme.surface}; }}")
        self._frame, self._names = frame, shown
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 8)
        grid = QGridLayout()
        grid.setSpacing(12)
        box.addLayout(grid, 1)
        free = [(row, column) for row in range(2, 2 + len(shown)) for column in (0, 1)]
        self._views: list[View] = []
        self._captions: list[QLabel] = []
        for name in shown:
            place = LAYOUT.get(name) if len(shown) > 1 else (0, 0, 1, 1)
            cell, view, words = _titled(name, look)
            grid.addWidget(cell, *(place or (*free.pop(0), 1, 1)))
            self._views.append(view)
            self._captions.append(words)
        for row in range(grid.rowCount()):
            grid.setRowStretch(row, 1)
        for column in range(grid.columnCount()):
            # Equal columns whatever the views would like: a minimum above 0 would pull them apart.
            grid.setColumnStretch(column, 1)
            grid.setColumnMinimumWidth(column, 1)
        about = next(filter(None, (view.about(frame) for view in self._views)), "")
        self.sweep = frame.chart.sweep if about and frame.chart else None
        """What is drawn, if it is not the frame's run."""
        self.subject = next(filter(None, (view.subject() for view in self._views)), None)
        """What is drawn, if it has nothing to do with the frame's run."""
        self._about = about
        self._below = _muted("")
        # What is unusual of an experiment may take more than one line.
        self._below.setWordWrap(True)
        self._below.setText(self._caption())
        box.addWidget(self._below)

    def _caption(self) -> str:
        if self.subject:
            return subject_caption(self.subject)
        if self.sweep:
            return sweep_caption(self.sweep, self._about)
        standing = map(_standing, self._names, self._views)
        return " · ".join([*filter(None, standing), caption(self._frame)])

    def draw(self) -> None:
        """Draw all views at the size it has, and become as high as it must be to show all."""
        self.show()
        _settle()
        for view, words in zip(self._views, self._captions, strict=True):
            view.reset(self._frame.topology)
            view.draw(self._frame)
            view.finish()
            # A choice made in a network is taken once there is one.
            words.setText(view.caption())
        self._below.setText(self._caption())
        _settle()
        self._leave_only_what_is_shown()

    def _leave_only_what_is_shown(self) -> None:
        """Take the controls away, and make room for what can do without scrolling then."""
        for view in self._views:
            without_controls(view)
        _settle()
        if lacking := max(view.lacking() for view in self._views):
            self.resize(self.width(), self.height() + lacking)
            _settle()
        for view in self._views:
            touch_up(view)
            end_with_whole_lines(view)


def _standing(name: str, view: View) -> str:
    """Say which view of the lab it is and where it stands, as numbered pictures are counted; "" of an instrument.

    Its title asks the same question at every step.
    """
    if not isinstance(view, LabView):
        return ""
    place = f", state {view.position + 1} of {view.positions()}" if view.positions() > 1 else ""
    return short_name(name) + place


def _settle() -> None:
    """Have what was changed laid out."""
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)


def _titled(name: str, look: Look) -> tuple[QWidget, View, QLabel]:
    cell, view = QWidget(), VIEWS[name].part()
    view.retheme(look.theme)
    view.choose(look.choices.get(name, ""))
    box = QVBoxLayout(cell)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(4)
    words = QLabel(VIEWS[name].title)
    words.setObjectName("title")
    row = QHBoxLayout()
    row.setContentsMargins(12, 0, 12, 0)
    row.addWidget(words)
    row.addStretch(1)
    caption = _muted(view.caption())
    row.addWidget(caption)
    box.addLayout(row)
    box.addWidget(view, 1)
    return cell, view, caption


def _muted(words: str) -> QLabel:
    label = QLabel(words)
    label.setObjectName("muted")
    label.setWordWrap(False)
    return label
