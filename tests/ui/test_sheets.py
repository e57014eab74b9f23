"""How plots are painted: what stays as it is costs nothing, and copied marks look like drawn ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PySide6.QtGui import QColor

from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import State
from gradflow.sim.run import Run
from gradflow.ui.axes import DecadeAxis
from gradflow.ui.items import Polyline, within
from gradflow.ui.marks import Marks
from gradflow.ui.plot import Plot
from gradflow.ui.theme import DARK, LIGHT


@pytest.fixture
def frame(fast):
    """Return a frame of a short run with everything measured."""
    run = Run(fast())
    run.measure(EVERYTHING)
    return run.frame(State.PAUSED)


def halved(frame):
    """Return the frame of a step whose gradients are half as large."""
    snapshot = dataclasses.replace(frame.snapshot, stats=frame.snapshot.stats / 2.0)
    return dataclasses.replace(frame, snapshot=snapshot)


def test_an_axis_is_drawn_again_only_when_it_has_changed(shown, frame, pixels, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        DecadeAxis, "paint", lambda axis, *rest: drawn.append(axis) or super(DecadeAxis, axis).paint(*rest)
    )
    view = shown("profile", frame)
    first = pixels(view)
    before = len(drawn)
    view.draw(halved(frame))
    second = pixels(view)
    assert (first != second).any() and len(drawn) == before > 0
    view.plot.fix(y=(-40.0, 0.0))
    assert (pixels(view) != second).any() and len(drawn) == before + 1
    view.plot.name_axes("other words", "norm", LIGHT)
    pixels(view)
    assert len(drawn) == before + 2
    view.retheme(DARK)
    view.draw(frame)
    assert (pixels(view)[:, :, :3] == QColor(DARK.surface).blue()).any() and len(drawn) == before + 3


@pytest.mark.parametrize("diamond", [False, True], ids=["round", "diamond"])
@pytest.mark.parametrize("hollow", [False, True], ids=["solid", "hollow"])
def test_copied_marks_look_like_drawn_ones(qtbot, pixels, diamond, hollow):
    plot, marks = Plot(), Marks(diamond, radius=5.0)
    qtbot.addWidget(plot)
    plot.add(marks)
    plot.retheme(LIGHT)
    plot.resize(300, 200)
    plot.fix(x=(0.0, 10.0), y=(0.0, 1.0))
    x, y = np.arange(1.0, 10.0), np.linspace(0.1, 0.87, 9)
    y[3] = np.nan
    colors = LIGHT.layer_colors(9)
    marks.set_data(x, y, colors, np.full(9, hollow))
    with qtbot.waitExposed(plot):
        plot.show()
    marks.set_data(x + 0.01, y, colors, np.full(9, hollow))
    drawn = pixels(plot).astype(int)
    copied = pixels(plot).astype(int)
    assert (drawn != copied).any(), "the second time they are copied"
    # An eighth of a pixel too high or too low is an eighth of the way from ground to ink at an edge.
    assert np.abs(drawn - copied).max() <= 0.3 * 255
    assert np.abs(drawn - copied).mean() < 0.2
    marks.set_data(x + 0.01, y, [QColor("red")] * 9, np.full(9, hollow))
    red = pixels(plot)
    assert ((red[:, :, 2] > 200) & (red[:, :, 1] < 60)).any(), "other colours are not those of the stamps"


def test_overlays_stand_in_the_order_of_their_adding_and_of_their_z(qtbot, pixels):
    plot = Plot()
    qtbot.addWidget(plot)
    plot.retheme(LIGHT)
    lines = {color: Polyline() for color in ("red", "green", "blue")}
    for color, line in lines.items():
        line.set_data([0.0, 1.0], [0.5, 0.5])
        pen = line.pen
        pen.setColor(QColor(color))
        pen.setWidth(9)
        pen.setCosmetic(True)
        line.set_pen(pen)
    lines["blue"].z = -1.0
    plot.add(*lines.values())
    plot.resize(300, 200)
    plot.fix(x=(0.0, 1.0), y=(0.0, 1.0))
    with qtbot.waitExposed(plot):
        plot.show()
    middle = plot.view_box.sceneBoundingRect().center().toPoint()

    def seen() -> str:
        blue, green, red = pixels(plot)[middle.y(), middle.x(), :3]
        return QColor(int(red), int(green), int(blue)).name()

    for color in ("green", "red", "blue"):
        assert seen() == QColor(color).name()
        lines[color].hide()
    assert seen() == LIGHT.surface


@pytest.mark.parametrize("name", ["forward", "noise", "clipping"])
def test_an_instrument_is_drawn_again_only_when_it_is_measured_again(shown, frame, name, monkeypatch):
    view = shown(name, frame)
    drawn = []
    original = view.show_frame
    monkeypatch.setattr(view, "show_frame", lambda each: drawn.append(each) or original(each))
    view.draw(halved(frame))
    assert not drawn
    noise = dataclasses.replace(frame.details.noise)
    again = dataclasses.replace(frame.details, signal=dict(frame.details.signal), noise=noise)
    view.draw(dataclasses.replace(frame, details=again))
    assert len(drawn) == 1
    view.resize(view.width() + 40, view.height())
    view.draw(halved(dataclasses.replace(frame, details=again)))
    assert len(drawn) == 2, "ticks stand elsewhere"


def test_a_line_is_cut_where_it_leaves_the_plot_and_goes_on_where_it_comes_back():
    x, y = within(np.arange(4.0), np.array([-1.0, 3.0, 1.0, np.inf]), 0.0, 2.0)
    there = np.isfinite(x) & np.isfinite(y)
    assert list(zip(x[there], y[there], strict=True)) == [(0.25, 0.0), (0.75, 2.0), (1.5, 2.0), (2.0, 1.0), (2.0, 2.0)]
    assert not there[0] and not there[3] and not there[-1]
    assert all(np.isnan(within(np.arange(2.0), np.full(2, np.nan), 0.0, 2.0)[1]))
