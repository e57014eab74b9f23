"""What a picture holds: what is shown without the controls, whole lines, and as SVG nothing beyond the edges."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QWidget,
)

from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.ui import export
from gradflow.ui.export import Look
from gradflow.ui.lab import LAB
from gradflow.ui.picture_sheet import Sheet
from gradflow.ui.svg import document
from gradflow.ui.theme import DARK, LIGHT, Theme
from gradflow.ui.whole_lines import end_with_whole_lines

CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
LONG = "# A long one\nx = 0.3\nh0 = x\n" + "".join(f"h{i} = tanh(h{i - 1})\n" for i in range(1, 60))


@pytest.fixture
def frame(fast: Any, qapp: Any) -> Frame:
    export.prepare()
    run = Run(fast())
    run.measure(EVERYTHING)
    return run.frame(State.PAUSED)


@pytest.fixture
def hidden(qtbot: Any) -> Callable[[QWidget], QWidget]:
    """Lay out a widget as a picture is, without a window on the screen."""

    def show(widget: QWidget) -> QWidget:
        qtbot.addWidget(widget)
        widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        widget.show()
        return widget

    return show


def drawn_back(data: bytes) -> QImage:
    """Return what another program shows of an SVG file."""
    renderer = QSvgRenderer(QByteArray(data))
    assert renderer.isValid()
    image = QImage(renderer.defaultSize(), QImage.Format.Format_RGB32)
    with QPainter(image) as painter:
        renderer.render(painter)
    return image


def coarse(image: QImage, pixels: Callable[[QImage], Any]) -> Any:
    """Return the mean colours of squares of 16 points: where letters and lines are, however their edges are drawn."""
    all_of_it = pixels(image.convertToFormat(QImage.Format.Format_RGB32))[..., :3].astype(float)
    high, wide = (16 * (side // 16) for side in all_of_it.shape[:2])
    return all_of_it[:high, :wide].reshape(high // 16, 16, wide // 16, 16, 3).mean((1, 3))


def words_of(svg: bytes) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


# Controls


@pytest.mark.parametrize("name", [name for name in LAB if name != "directions"])
def test_a_picture_of_the_lab_has_no_controls(name: str, frame: Frame) -> None:
    sheet = Sheet(frame, (name,), Look(LIGHT))
    sheet.resize(export.size_of(name))
    sheet.draw()
    seen = [each for each in sheet.findChildren(QWidget) if each.isVisible() and not each.visibleRegion().isEmpty()]
    assert [each for each in seen if isinstance(each, CONTROLS)] == []
    sheet.close()


def test_what_controls_say_can_be_read_in_a_picture(frame: Frame) -> None:
    choice = {"entry": ["", 0, 0], "sample": 3, "step": 20, "printed": True, "layers": False}
    words = words_of(export.svg(frame, "differences", Look(LIGHT, {"differences": json.dumps(choice)})))
    # Letters of different alphabets stand apart.
    assert {"sample 3", "Slide’s ", "ε = 0.00316"} <= set(words) and "Check layers" not in words
    words = words_of(export.svg(frame, "backprop", Look(LIGHT)))
    assert {"stride: by node", "convention: rows"} <= set(words)
    assert any(re.match(r"Backprop, state 1 of \d+ · two-moons", each) for each in words)


def test_words_that_say_where_to_click_are_not_in_a_picture(frame: Frame) -> None:
    for name in ("paths", "jacobians"):
        assert not any("lick" in words for words in words_of(export.svg(frame, name, Look(LIGHT))))


# Length


def test_a_picture_grows_with_a_program_and_ends_a_longer_one_with_words(frame: Frame) -> None:
    short, longer = ("x = 2\nf = x*x", LONG)
    sizes = []
    for text in (short, longer, longer * 2):
        look = Look(LIGHT, {"autograd": json.dumps({"text": text})})
        data = export.svg(frame, "autograd", look)
        words, root = words_of(data), ElementTree.fromstring(data)
        sizes.append(int(root.get("height", "0")))
        more = [each for each in words if "more line" in each]
        assert bool(more) is (text == longer * 2)
    assert sizes[0] == export.size_of("autograd").height() < sizes[1] < sizes[2]


def test_a_list_ends_with_a_whole_row_and_with_how_many_more_there_are(hidden: Any) -> None:
    view = QListWidget()
    view.addItems([f"row {i}" for i in range(100)])
    view.resize(200, 205)
    around = QWidget()
    view.setParent(around)
    hidden(around)
    view.show()
    end_with_whole_lines(around)
    label = view.findChild(QLabel)
    seen = view.viewport().mask().boundingRect()
    whole = [i for i in range(100) if seen.contains(view.visualItemRect(view.item(i)))]
    assert label.text() == f"… {100 - len(whole)} more"
    assert seen.bottom() == view.visualItemRect(view.item(whole[-1])).bottom()
    assert label.geometry().bottom() <= view.height()


def test_a_text_that_scrolls_ends_between_two_lines(hidden: Any, pixels: Any) -> None:
    around = QWidget()
    area = QScrollArea(around)
    area.resize(200, 100)
    area.setWidget(QLabel("\n".join("Ag" * 9 for _ in range(40))))
    hidden(around)
    end_with_whole_lines(around)
    label = next(label for label in area.findChildren(QLabel) if label.text() == "…")
    last = area.viewport().mask().boundingRect().bottom()
    assert 60 <= last + 1 == label.y() - area.viewport().y() <= 82
    line = pixels(area.widget().grab().toImage().convertToFormat(QImage.Format.Format_RGB32))[last + 1]
    assert (line == line[0]).all()


# SVG


@pytest.mark.parametrize(
    ("name", "look"),
    [("paths", LIGHT), ("autograd", DARK), ("jacobians", LIGHT), ("heatmap", DARK), ("boundary", LIGHT)],
    ids=["paths", "autograd", "jacobians", "heatmap", "boundary"],
)
def test_an_svg_shows_what_the_png_shows(name: str, look: Theme, frame: Frame, pixels: Any) -> None:
    # A graph that is seen whole: of words at an edge the SVG shows only those that lie within it.
    program = "x = 0.3\n" + "# a line of many\n" * 40 + "y = tanh(x)"
    chosen = Look(look, {"autograd": json.dumps({"text": program, "position": 3})})
    data = export.svg(frame, name, chosen)
    painted, back = export.picture(frame, name, chosen, 1.0), drawn_back(data)
    assert painted.size() == back.size()
    assert np.abs(coarse(painted, pixels) - coarse(back, pixels)).max() < 24.0
    assert data == export.svg(frame, name, chosen) and len(data) < 150_000


def test_what_a_scroll_area_hides_is_not_in_an_svg(hidden: Any) -> None:
    top = QWidget()
    area = QScrollArea(top)
    area.setGeometry(10, 10, 100, 60)
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(QLabel("\n".join(f"line {i}" for i in range(20))))
    wide = QLabel("A label that is far too narrow for all of its words", top)
    wide.setGeometry(10, 80, 100, 16)
    top.resize(140, 100)
    words = words_of(document(hidden(top), "#fff", "title", ""))
    assert words[:3] == ["line 0", "line 1", "line 2"] and "line 7" not in words
    assert words[-1].startswith("A label") and words[-1].endswith("…")


class Painted(QWidget):
    """Lines, an area and a picture that all reach beyond a clip."""

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setClipRect(QRect(20, 20, 40, 40))
            painter.fillRect(QRect(0, 0, 200, 30), QColor("#00ff00"))
            painter.setPen(QColor("#ff0000"))
            painter.drawLine(QPoint(0, 40), QPoint(200, 40))
            cells = QImage(2, 1, QImage.Format.Format_RGB32)
            cells.setPixelColor(0, 0, QColor("#0000ff"))
            cells.setPixelColor(1, 0, QColor("#ffff00"))
            painter.drawImage(QRectF(0, 50, 80, 30), cells)


def test_shapes_are_cut_at_the_edges_of_a_clip(hidden: Any) -> None:
    widget = Painted()
    widget.resize(100, 100)
    image = drawn_back(document(hidden(widget), "#ffffff", "", ""))
    seen = {"#00ff00": (21, 25), "#0000ff": (38, 55), "#ffff00": (42, 55)}
    for color, place in seen.items():
        assert image.pixelColor(*place).name() == color, place
    assert image.pixelColor(50, 40).green() < 200 < image.pixelColor(50, 40).red()
    for place in ((10, 10), (61, 25), (18, 40), (62, 40), (70, 55), (30, 62)):
        assert image.pixelColor(*place).lightness() > 230, place


def test_any_text_gives_a_valid_svg(hidden: Any) -> None:
    label = QLabel("f = \x01 <b>&amp; ]]> \ud83d\ude00 \x1b")
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.resize(300, 20)
    data = document(hidden(label), "#fff", "a < b & \x02", "\x00")
    root = ElementTree.fromstring(data)
    assert root[0].text == "a < b & " and any("<b>&amp; ]]>" in words for words in words_of(data))
