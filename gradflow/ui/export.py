"""Pictures: a view, or all of them on one sheet, drawn anew at a fixed size: the same run gives the same pixels.

The window's size, the history of its axes and its docks play no part. The experiment, its seed and the step are printed
below the picture and embedded in the PNG's text.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from gradflow.files import write_atomically
from gradflow.sim.frame import Frame
from gradflow.ui import lab as _lab  # noqa: F401 - importing them registers the views
from gradflow.ui import theme as themes
from gradflow.ui import views as _views  # noqa: F401
from gradflow.ui.captions import metadata
from gradflow.ui.crash import route_qt_messages
from gradflow.ui.items import pens_scaled
from gradflow.ui.lab.lab_view import LabView
from gradflow.ui.picture_sheet import Look, Sheet
from gradflow.ui.svg import document
from gradflow.ui.view import DASHBOARD, VIEWS, View, short_name

VIEW_SIZE, LAB_SIZE, DASHBOARD_SIZE = QSize(880, 480), QSize(1160, 800), QSize(1440, 900)


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


def grows(name: str) -> bool:
    """Tell whether a picture becomes higher where there is more to show."""
    return name != DASHBOARD and VIEWS[name].part.lacking is not View.lacking


def picture(frame: Frame, name: str, look: Look, scale: float, high: int = 0) -> QImage:
    """Return a picture of `name` at `scale` pixels per point, with its caption and with the experiment in its text.

    It is at least so many points `high`.
    """
    with pens_scaled(scale):
        sheet = _laid_out(frame, name, look, high)
        image = QImage(sheet.size() * scale, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(scale)
        image.fill(Qt.GlobalColor.white)
        sheet.render(image)
        sheet.close()
    for key, value in _about(frame, sheet, name, look).items():
        image.setText(key, value)
    return image


def svg(frame: Frame, name: str, look: Look) -> bytes:
    """Return a picture of `name` as an SVG file: lines and letters instead of pixels."""
    sheet = _laid_out(frame, name, look)
    description = "; ".join(f"{key}: {value}" for key, value in _about(frame, sheet, name, look).items())
    data = document(sheet, look.theme.surface, title(name), description)
    sheet.close()
    return data


def _about(frame: Frame, sheet: Sheet, name: str, look: Look) -> dict[str, str]:
    """Return what is embedded in a file: what was run, and what of it is shown."""
    about = {**metadata(frame, sheet.sweep, sheet.subject), "gradflow:view": name}
    choice = look.choices.get(name)
    return {**about, "gradflow:choice": choice} if choice else about


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


def _laid_out(frame: Frame, name: str, look: Look, high: int = 0) -> Sheet:
    """Return what is to be painted, drawn off the screen, as high as it must be to show all."""
    size = size_of(name).expandedTo(QSize(0, high))
    sheet = Sheet(frame, _on_dashboard() if name == DASHBOARD else (name,), look)
    sheet.resize(size)
    sheet.draw()
    return sheet
