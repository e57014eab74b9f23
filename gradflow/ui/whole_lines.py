"""How a list, a text or a table that is longer than its place ends in a picture: with a whole line, and with words.

On the screen a scroll bar says that there is more, and half a line at the edge does no harm.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QRegion
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)

from gradflow.ui.fitting import fitting

LINE = 18
"""The room for the words."""

SEARCHED = 24
"""In so many points above the edge a gap between two lines is looked for."""


@runtime_checkable
class Long(Protocol):
    """A scroll area that knows best where its content may be cut."""

    def whole_part(self, room: QSize) -> tuple[QSize, list[str]]:
        """Return how much of a room whole cells fill, and what is left out, said at length and shortly."""


def end_with_whole_lines(top: QWidget) -> None:
    """Cut what is longer than its place at the end of a line, and say below it how much is left out."""
    for area in top.findChildren(QAbstractScrollArea):
        if not area.isVisible() or isinstance(area, QHeaderView):
            continue
        if isinstance(area, QAbstractItemView):
            # It puts this off.
            area.doItemsLayout()
        longer, wider = area.verticalScrollBar().maximum() > 0, area.horizontalScrollBar().maximum() > 0
        if longer or (wider and isinstance(area, Long)):
            _end(area, longer)


def _end(area: QAbstractScrollArea, longer: bool) -> None:
    view = area.viewport()
    room = QSize(view.width(), view.height() - (LINE if longer else 0))
    if isinstance(area, Long):
        size, words = area.whole_part(room)
    else:
        high, said = _whole_height(area, room.height())
        size, words = QSize(view.width(), high), [said]
    # The place stays as it is, so that nothing else moves.
    view.setMask(QRegion(QRect(QPoint(), size)))
    for beside in area.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
        if beside is not view:
            # The numbers of lines and rows.
            beside.setMask(QRegion(0, 0, beside.width(), view.y() + size.height() - beside.y()))
    label = QLabel(fitting(words, view.width()), area)
    label.setObjectName("muted")
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setGeometry(QRect(view.pos() + QPoint(0, size.height()), QSize(view.width(), LINE)))
    label.show()


def _whole_height(area: QAbstractScrollArea, room: int) -> tuple[int, str]:
    """Return where the last whole line ends, and how many more there are."""
    if isinstance(area, QAbstractItemView):
        return _whole_rows(area, room)
    if isinstance(area, QPlainTextEdit):
        line = area.fontMetrics().lineSpacing()
        margin = round(area.document().documentMargin())
        fitting_lines = max((room - margin) // line, 0)
        more = round(area.document().size().height()) - fitting_lines - area.verticalScrollBar().value()
        return margin + fitting_lines * line, f"      … {more} more line{'s' * (more != 1)}"
    return (_gap(area, room) if isinstance(area, QScrollArea) else room), "…"


def _whole_rows(view: QAbstractItemView, room: int) -> tuple[int, str]:
    model, bar, current = view.model(), view.verticalScrollBar(), view.currentIndex()
    if current.isValid():
        view.scrollTo(current, QAbstractItemView.ScrollHint.PositionAtCenter)
    first = view.visualRect(view.indexAt(QPoint(1, 1)))
    if first.top() < 0 and view.verticalScrollMode() is QAbstractItemView.ScrollMode.ScrollPerPixel:
        # It begins with a whole one, too.
        bar.setValue(bar.value() + first.bottom() + 1)
    places = [view.visualRect(model.index(row, 0)) for row in range(model.rowCount())]
    seen = [place.bottom() + 1 for place in places if place.top() >= 0 and place.bottom() < room]
    return max(seen, default=0), f"… {len(places) - len(seen)} more"


def _gap(area: QScrollArea, room: int) -> int:
    """Return a height at which any content can be cut without cutting letters."""
    content = area.widget()
    if content is None:
        return room
    image = QImage(content.size().boundedTo(QSize(4096, 16384)), QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    content.render(image, renderFlags=QWidget.RenderFlag.DrawChildren)
    top, last = -content.y(), min(room - content.y(), image.height()) - 1
    # The lowest of the emptiest: in close lines nothing but a few accents is cut.
    return min(range(last, max(last - SEARCHED, top), -1), key=lambda y: _ink(image, y), default=top + room) - top


def _ink(image: QImage, y: int) -> int:
    """Return how much is written across a height."""
    # It has to live as long as its bytes are read.
    line = image.copy(0, y, image.width(), 1)
    row = bytes(line.constBits())
    return sum(row[i : i + 4] != row[:4] for i in range(0, len(row), 4))
