"""What stands on the axes of the views can be read at every size: whole names, whole numbers, nothing cut."""

from __future__ import annotations

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QFontMetricsF

from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.ui import views as _registered  # noqa: F401 - importing it registers the views
from gradflow.ui.lab import LAB
from gradflow.ui.plot import Plot
from gradflow.ui.theme import SMALL_SIZE, font
from gradflow.ui.view import VIEWS

WALL, DOCK, LARGE = (340, 225), (430, 185), (860, 420)
"""Sizes of a view in the wall of instruments, in a dock of the first start, and maximised."""


def measured(experiment) -> Frame:
    """Return a frame with everything measured."""
    run = Run(experiment)
    run.measure(EVERYTHING)
    return run.frame(State.PAUSED)


def labels(view) -> list[tuple[pg.AxisItem, Plot]]:
    """Return the named axes of all plots that are seen."""
    plots = [plot for plot in view.findChildren(Plot) if plot.isVisible()]
    return [(axis, plot) for plot in plots for axis in plot.axes.values() if axis.label.isVisible() and axis.labelText]


@pytest.mark.parametrize(
    "size",
    [pytest.param(WALL, marks=pytest.mark.slow), DOCK, pytest.param(LARGE, marks=pytest.mark.slow)],
    ids=["wall", "dock", "large"],
)
@pytest.mark.parametrize("name", [name for name in VIEWS if name not in LAB])
def test_names_of_axes_are_whole_and_in_the_middle(shown, fast, name, size):
    view = shown(name, measured(fast()), size=size)
    metrics = QFontMetricsF(font(SMALL_SIZE))
    for axis, plot in labels(view):
        side = plot.view_box.height() if axis.orientation == "left" else plot.view_box.width()
        label = plot.x_label if axis.orientation == "bottom" else plot.y_label
        assert axis.labelText in label.split("\n"), axis.labelText
        assert metrics.horizontalAdvance(axis.labelText) <= side + 8.0
        middle = axis.mapRectFromItem(axis.label, axis.label.boundingRect()).center()
        off = middle - QPointF(axis.size().width() / 2, axis.size().height() / 2)
        assert abs(off.y() if axis.orientation == "left" else off.x()) <= 4.0, axis.labelText


def test_a_name_comes_back_when_there_is_room_again(shown, fast, qtbot):
    view = shown("clipping", measured(fast()), size=DOCK)
    left = view.norms.axes["left"]
    assert left.labelText == "‖∇L‖"
    view.resize(*LARGE)
    qtbot.waitUntil(lambda: left.labelText == "‖∇L‖ of all parameters")
    view.resize(*DOCK)
    qtbot.waitUntil(lambda: left.labelText == "‖∇L‖")


def test_the_share_of_zeros_says_of_what_it_is(shown, fast):
    """In a ReLU layer about half of δ is zero, and by no fault of the precision."""
    view = shown("clipping", measured(fast({"network.activation": "relu"})), size=LARGE)
    assert view.shares.axes["left"].labelText == "zeros in δ"
    assert "exactly zero" in view.shares.toolTip() and "entries of δ" in view.shares.toolTip()
    view._point(view.shares, 1)
    assert "% of the entries of δ are exactly 0" in view.readout.text()
