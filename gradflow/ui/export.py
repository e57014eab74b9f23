"""Pictures: a view, or all of them on one sheet, drawn anew at a fixed size: the same run gives the same pixels.

The window's size, the history of its axes and its docks play no part. The experiment, its seed and the step are printed
below the picture and embedded in the PNG's text.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gradflow.files import write_atomically
from gradflow.sim.frame import Frame
from gradflow.ui import lab as _lab  # noqa: F401 - importing them registers the views
from gradflow.ui import theme as themes
from gradflow.ui import views as _views  # noqa: F401
from gradflow.ui.captions import caption, metadata, subject_caption, sweep_caption
from gradflow.ui.crash import route_qt_messages
from gradflow.ui.items import pens_scaled
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.svg import document
from gradflow.ui.theme import Theme
from gradflow.ui.view import DASHBOARD, VIEWS, View, short_name

VIEW_SIZE, LAB_SIZE, DASHBOARD_SIZE = QSize(880, 480), QSize(1160, 800), QSize(1440, 900)
LAYOUT = {"profile": (0, 0, 1, 2), "heatmap": (1, 0, 1, 1), "loss": (1, 1, 1, 1)}
"""Where views stand on the sheet (row, column, rows, columns); the others fill up from below."""


def names() -> tuple[str, ...]:
    """Return what can be exported: the dashboard and every view."""
    return (DASHBOARD, *VIEWS)


def _on_dashboard() -> tuple[str, ...]:
    return tuple(name for name, entry in VIEWS.items() if entry.part.on_dashboard)


def title(name: str) -> str:
    """Return the words for something that can be exported."""
    return "The whole dashboard" if name == DASHBOARD else VIEWS[name].title


def listed(name: str) -> str:
    """Return the same with the view's name, as it stands on its tab and in the file's name, before its question."""
    return title(name) if name == DASHBOARD else f"{short_name(name)} — {title(name)}"


def size_of(name: str) -> QSize:
    """Return how large a picture is, in points: one of the lab has more to show than an instrument."""
    if name == DASHBOARD:
        return DASHBOARD_SIZE
    return LAB_SIZE if issubclass(VIEWS[name].part, LabView) else VIEW_SIZE


@dataclass(frozen=True)
class Look:
    """How pictures are drawn: the theme, and what is chosen in which view."""

    theme: Theme
    choices: Mapping[str, str] = field(default_factory=dict)


def picture(frame: Frame, name: str, look: Look, scale: float) -> QImage:
    """Return a picture of `name` at `scale` pixels per point, with its caption and with the experiment in its text."""
    size = size_of(name)
    with pens_scaled(scale):
        sheet = _Sheet(frame, _on_dashboard() if name == DASHBOARD else (name,), look)
        image = _render(sheet, size, scale)
        sheet.close()
    for key, value in metadata(frame, sheet.sweep, sheet.subject).items():
        image.setText(key, value)
    return image


def svg(frame: Frame, name: str, look: Look) -> bytes:
    """Return a picture of `name` as an SVG file: lines and letters instead of pixels."""
    size = size_of(name)
    sheet = _Sheet(frame, _on_dashboard() if name == DASHBOARD else (name,), look)
    _lay_out(sheet, size)
    about = metadata(frame, sheet.sweep, sheet.subject)
    data = document(
        sheet, look.theme.surface, title(name), "; ".join(f"{key}: {value}" for key, value in about.items())
    )
    sheet.close()
    return data


def png(image: QImage) -> bytes:
    """Return the picture as the bytes of a PNG file."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())


def write_picture(frame: Frame, name: str, path: Path, look: Look, scale: float) -> None:
    """Write one PNG; raises FileError."""
    write_atomically(path, png(picture(frame, name, look, scale)))


def copy_picture(frame: Frame, name: str, look: Look, scale: float) -> str:
    """Put a picture on the clipboard, and return a sentence that says so."""
    QApplication.clipboard().setImage(picture(frame, name, look, scale))
    return f"Copied: {title(name)}"


def write_pictures(frame: Frame, folder: Path, scale: float) -> None:
    """Write one PNG of the dashboard and one per view, in light colours, without a window; raises FileError."""
    prepare()
    for name in (DASHBOARD, *(name for name, entry in VIEWS.items() if entry.part.written)):
        write_picture(frame, name, folder / f"{name}.png", Look(themes.LIGHT), scale)


def prepare() -> None:
    """Make the application ready to draw pictures without a window, in light colours."""
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    route_qt_messages()
    themes.load_fonts(app)
    themes.apply(app, themes.LIGHT)


class _Sheet(QWidget):
    """One or all views with their titles, and the caption below."""

    def __init__(self, frame: Frame, shown: tuple[str, ...], look: Look) -> None:
        super().__init__()
        self.setObjectName("sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self.setStyleSheet(f"#sheet {{ background: {look.theme.surface}; }}")
        self._frame = frame
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
        box.addWidget(_muted(self._caption(about)))

    def _caption(self, about: str) -> str:
        if self.subject:
            return subject_caption(self.subject)
        return sweep_caption(self.sweep, about) if self.sweep else caption(self._frame)

    def draw(self) -> None:
        """Draw all views; they must have their size by now."""
        for view, words in zip(self._views, self._captions, strict=True):
            view.reset(self._frame.topology)
            view.draw(self._frame)
            view.finish()
            # A choice made in a network is taken once there is one.
            words.setText(view.caption())


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


def _lay_out(sheet: _Sheet, size: QSize) -> None:
    sheet.resize(size)
    sheet.show()
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    sheet.draw()
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)


def _render(sheet: _Sheet, size: QSize, scale: float) -> QImage:
    """Lay out and draw the sheet off the screen and paint it into an image."""
    _lay_out(sheet, size)
    image = QImage(size * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.white)
    sheet.render(image)
    return image
