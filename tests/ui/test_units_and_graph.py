"""The units one by one and the network as a graph: what is seen, clicked and typed there."""

from __future__ import annotations

import dataclasses
import math
from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from gradflow.sim.details import EVERYTHING, Details, Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat
from gradflow.sim.units import UnitState
from gradflow.ui import box_words
from gradflow.ui.axes import power_of_ten
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.unit_cells import ALIKE, DEAD, GROUND, RAMP, SATURATED, STRAIGHT, Grid, fills, pattern
from gradflow.ui.views.graph import STATISTICS

BOTH = pytest.mark.parametrize("name", ["units", "graph"])
THEMES = pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])


def frame_of(run: Run, steps: int = 1, state: State = State.PAUSED) -> Frame:
    """Return a run's frame with everything measured."""
    for _ in range(steps):
        if run.snapshot.finite:
            run.advance()
    run.measure(EVERYTHING)
    return run.frame(state)


AWKWARD = {
    "one layer": {"network.depth": 1, "network.width": 1},
    "many layers": {"network.depth": 300, "network.width": 3, "network.skip_every": 2},
    "wide": {"network.depth": 2, "network.width": 900},
    "images": {
        "data.name": "digits",
        "network.layers": (
            LayerRow(kind="conv", units=4, padding="same"),
            LayerRow(kind="conv", units=4, padding="same", skip_from=0, norm="batch-norm"),
            LayerRow(kind="max-pool"),
        ),
    },
    "half precision": {"training.precision": "float16", "init.scale": 0.01, "network.depth": 20},
    "all zero": {"init.scheme": "zeros"},
    "diverged": {"network.activation": "identity", "training.learning_rate": 1e6},
    "huge": {"network.activation": "relu", "init.scale": 1e6, "network.depth": 12},
    "one sample": {"training.batch_size": 1},
}


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("changes", AWKWARD.values(), ids=AWKWARD)
def test_awkward_networks_are_drawn_at_any_size_and_beside_any_other_run(name, changes, fast, shown, colors):
    frame = frame_of(Run(fast(changes)), steps=60 if "training.learning_rate" in changes else 1)
    other = frame_of(Run(fast({"network.depth": 3, "network.activation": "relu"})))
    view = shown(name, dataclasses.replace(frame, other=other))
    for size in ((880, 420), (420, 190), (150, 90)):
        view.resize(*size)
        view.draw(frame)
        view.draw(dataclasses.replace(frame, other=other))
        assert colors(view) > 4
    view.retheme(DARK)
    view.select(1)
    view.draw(frame)


@BOTH
def test_before_anything_is_measured_there_is_a_picture_all_the_same(name, fast, shown, colors):
    frame = dataclasses.replace(frame_of(Run(fast())), details=Details())
    view = shown(name, frame)
    assert colors(view) > 1
    view.select(2)
    small = frame_of(Run(fast({"network.depth": 2})))
    view.reset(small.topology)
    view.draw(small)


@BOTH
def test_a_smaller_network_after_a_larger_one(name, fast, shown, qtbot):
    """What was chosen or hovered in layer 9 is not looked for in a network of three."""
    view = shown(name, frame_of(Run(fast({"network.depth": 12}))))
    view.select(12)
    if name == "units":
        view._choose(11, 15)
        view._read_out((11, 15))
    else:
        view._read_out(12)
    small = frame_of(Run(fast({"network.depth": 2, "network.width": 4})))
    view.reset(small.topology)
    view.draw(small)
    view.grab()
    if name == "units":
        assert view.chosen == (2, 0)
    assert not view.readout.isVisible()


# Units.


def test_the_legend_counts_every_state_and_says_what_chance_predicts(fast, shown):
    frame = frame_of(Run(fast({"network.activation": "relu", "network.depth": 12})))
    units = frame.details.units
    view = shown("units", frame)
    dead = units.counts()[UnitState.DEAD]
    assert dead > 0
    words = view.legend.accessibleName()
    assert f"dead {dead} = {units.total_dead:.0%} (chance {units.total_chance:.0%})" in words
    assert "no φ 1" in words
    view.draw(dataclasses.replace(frame, other=frame))
    assert f"other run {units.total_dead:.0%}" in view.legend.accessibleName()
    view._read_out((11, 0))
    share = frame.snapshot.stat(Stat.DEAD)[11]
    assert f"dead {share:.0%} (chance {units.chance[11]:.0%})" in view.readout.text()


def test_a_click_shows_the_unit_close_up_and_gives_weight_to_its_layer(fast, shown, qtbot):
    view = shown("units", frame_of(Run(fast({"init.scale": 3.0}))), size=(420, 220))
    assert not view.panel.isVisible()
    with qtbot.waitSignal(view.picked) as caught:
        qtbot.mouseClick(view.strips, Qt.MouseButton.LeftButton, pos=view.strips.cell(2, 5).center())
    assert caught.args == [3, None]
    assert view.panel.isVisible() and "layer 3 · unit 6" in view.panel.title.text()
    assert "z: mean" in view.panel.words.text() and "of 32 samples" in view.panel.words.text()
    assert "shaded: |φ| > 0.97" in view.panel.words.text()
    samples = len(view.panel.dots._x)
    assert samples == 32
    np.testing.assert_allclose(view.panel.dots._y, np.tanh(view.panel.dots._x), atol=1e-12)
    view.strips.setFocus()
    qtbot.keyClick(view.strips, Qt.Key.Key_Escape)
    assert not view.panel.isVisible()


def test_arrow_keys_walk_over_all_units(fast, shown, qtbot):
    view = shown("units", frame_of(Run(fast())))
    view._choose(0, 0)
    columns = view.strips._grid.columns
    for key, place in (
        (Qt.Key.Key_Up, (0, 0)),
        (Qt.Key.Key_Left, (0, 0)),
        (Qt.Key.Key_Down, (0, columns)),
        *((Qt.Key.Key_Right, (0, columns + i)) for i in range(1, columns)),
        (Qt.Key.Key_Right, (1, columns)),
        (Qt.Key.Key_Left, (0, 2 * columns - 1)),
    ):
        qtbot.keyClick(view.strips, key)
        assert view.chosen == place
    view._choose(5, 15)
    qtbot.keyClick(view.strips, Qt.Key.Key_Right)
    qtbot.keyClick(view.strips, Qt.Key.Key_Right)
    qtbot.keyClick(view.strips, Qt.Key.Key_Down)
    assert view.chosen == (6, 0), "the last layer has one unit"


def test_in_a_wide_view_the_gravest_unit_is_close_up_by_itself(fast, shown):
    frame = frame_of(Run(fast({"network.activation": "relu", "network.depth": 12})))
    view = shown("units", frame)
    layer, unit = view.chosen
    units = frame.details.units
    assert units.state[units.span(layer)][unit] == UnitState.DEAD
    assert view.panel.isVisible() and view.panel.title.text().endswith("dead")


def test_choosing_a_layer_elsewhere_looks_at_the_same_unit_there(fast, shown):
    view = shown("units", frame_of(Run(fast())))
    view._choose(1, 4)
    view.select(5)
    assert view.chosen == (4, 4) and "layer 5 · unit 5" in view.panel.title.text()
    view.select(None)
    assert view.chosen == (4, 4)


@THEMES
def test_states_differ_in_pattern_as_well_as_in_colour(look):
    """Also where nobody can tell the colours apart: each has marks of its own in cells that are large enough."""
    fill = np.array([[RAMP - 1, SATURATED, ALIKE, DEAD, STRAIGHT]], np.uint8)
    pixels = pattern(fill, 12, 12)
    marks = [(pixels[:-1, i * 12 : i * 12 + 11] != fill[0, i]).tobytes() for i in range(5)]
    assert len(set(marks)) == 4, "plain cells are plain"
    small = pattern(fill, 2, 1)
    assert small.tolist() == [np.repeat(fill[0], 2).tolist()]


def test_where_units_share_a_cell_the_gravest_is_seen(fast, shown, pixels):
    run = Run(fast({"network.depth": 2, "network.width": 1500}))
    run.measure({Want.UNITS})
    frame = run.frame(State.PAUSED)
    units = frame.details.units
    state = units.state.copy()
    state[1234] = UnitState.DEAD
    frame = dataclasses.replace(
        frame, details=dataclasses.replace(frame.details, units=dataclasses.replace(units, state=state))
    )
    view = shown("units", frame, size=(80, 80))
    view.strips.choose(None)
    assert view.strips._grid.units_each > 1
    spot = view.strips.cell(0, 1234).center()
    assert QColor(*pixels(view.strips)[spot.y(), spot.x(), 2::-1].tolist()) == QColor(LIGHT.text)


@pytest.mark.parametrize("layers", [1, 5, 100, 2000])
@pytest.mark.parametrize("units", [1, 10, 64, 1000])
@pytest.mark.parametrize("size", [(500, 380), (250, 150), (1, 1)])
def test_cells_stay_inside_and_never_vanish(layers, units, size):
    grid = Grid.fit(layers, units, *size)
    last = grid.left(layers - 1) + grid.columns * grid.width
    assert grid.left(0) >= 0 and last <= max(size[0], 1) and grid.rows * grid.height <= max(size[1], 1)
    assert grid.rows * grid.columns * grid.units_each >= units
    assert grid.width >= 1 and grid.height >= 1


def test_healthy_units_are_the_fuller_the_more_active():
    places = fills(np.zeros(4, np.uint8), np.array([0.0, 0.5, 1.0, np.nan]))
    assert places[0] < places[1] < places[2] < GROUND and places[3] == STRAIGHT


# The graph.


def test_every_statistic_colours_the_layers(fast, shown, colors):
    frame = frame_of(Run(fast({"network.skip_every": 2, "init.scale": 2.0})))
    view = shown("graph", frame)
    for name in STATISTICS:
        view.choose(name)
        assert view.choice() == name and name in view.caption()
        assert view.symbol.text() == name and colors(view.canvas) > 4
    view.choose("no such statistic")
    assert view.choice() == name


def test_vanishing_gradients_run_from_one_end_of_the_scale_to_the_other(fast, shown):
    frame = frame_of(Run(fast({"network.depth": 20, "init.scale": 0.5})))
    view = shown("graph", frame)
    delta = np.log10(frame.snapshot.stat(Stat.DELTA))
    low, high = math.floor(delta.min()), math.ceil(delta.max())
    assert [words for _, words in view.bar.ticks][:: high - low] == [power_of_ten(low), power_of_ten(high)]
    bar = view.bar.grab().toImage()
    least, most = (bar.pixelColor(x, 8).lightnessF() for x in (18, bar.width() - 18))
    assert least < 0.1 and most > 0.6
    first, last = view.canvas.coloring.layers[0], view.canvas.coloring.layers[-1]
    assert first.lightnessF() < 0.2 < last.lightnessF()


def test_zero_is_grey_what_is_not_finite_red_and_what_does_not_exist_empty(fast, shown):
    frame = frame_of(Run(fast()))
    stats = frame.snapshot.stats.copy()
    stats[Stat.DELTA.row, :2] = 0.0, np.inf
    view = shown("graph", dataclasses.replace(frame, snapshot=dataclasses.replace(frame.snapshot, stats=stats)))
    assert view.canvas.coloring.layers[:2] == [QColor(LIGHT.border), QColor(LIGHT.error)]
    view.choose("dead")
    assert view.canvas.coloring.layers[-1] == QColor(LIGHT.surface)


def test_hovering_a_fork_tells_the_shares_of_its_ways(fast, shown, qtbot):
    frame = frame_of(Run(fast({"network.skip_every": 2})))
    view = shown("graph", frame)
    shape, paths = frame.topology.graph, frame.details.paths
    spot = view.canvas.placed.rectangles[shape.skips[0].source].center().toPoint()
    qtbot.mouseMove(view.canvas, spot)
    assert view.readout.isVisible() and "<b>layer 1</b>" in view.readout.text()
    out = [n for n, edge in enumerate(shape.edges) if edge.source == shape.skips[0].source]
    for number in out:
        assert f"{paths.share[number]:.0%}" in view.readout.text()
    assert "by the skip to the join of layer 3" in view.readout.text()
    assert "through layer 2" in view.readout.text()


def test_a_click_on_a_box_chooses_its_layer_and_one_on_the_data_none(fast, shown, qtbot):
    frame = frame_of(Run(fast({"network.skip_every": 2})))
    view = shown("graph", frame)
    picked = []
    view.picked.connect(lambda layer, step: picked.append((layer, step)))
    for box in frame.topology.graph.main:
        qtbot.mouseClick(
            view.canvas, Qt.MouseButton.LeftButton, pos=view.canvas.placed.rectangles[box].center().toPoint()
        )
    # The joins of layers 3 and 5 belong to them.
    assert picked == [(layer, None) for layer in (1, 2, 3, 3, 4, 5, 5, 6, 7)]
    assert view.canvas.layer == 7
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(5, 2))
    assert len(picked) == 9


def test_the_wider_share_is_the_wider_line(fast, shown, pixels):
    """Seen in the picture: the skip's line in its colour, at least as thick as its share asks."""
    frame = frame_of(Run(fast({"network.depth": 4, "network.skip_every": 2, "network.branch_scale": 0.01})))
    view = shown("graph", frame)
    shape, placed = frame.topology.graph, view.canvas.placed
    skip = shape.skips[0]
    x = int((placed.rectangles[skip.source].right() + placed.rectangles[skip.join].left()) / 2)
    column = pixels(view.canvas)[:, x, 2::-1]
    blue = (column == np.array(QColor(LIGHT.curve).getRgb()[:3])).all(axis=1)
    over_skip = next(n for n, edge in enumerate(shape.edges) if edge.source == skip.source and edge.skip == 0)
    assert frame.details.paths.share[over_skip] > 0.95
    assert 7 <= blue[int(placed.levels[1]) - 6 : int(placed.levels[1]) + 7].sum() <= 10


@BOTH
def test_a_measurement_that_is_older_than_the_numbers_says_so_while_running(name, fast, shown):
    run = Run(fast({"network.skip_every": 2}))
    measured = frame_of(run, 1)
    run.advance()
    view = shown(name, run.frame(State.RUNNING))
    note = view.legend.age if name == "units" else view.note.text()
    assert "of step 0" in note and measured.snapshot.step == 0
    view.draw(run.frame(State.PAUSED))
    assert "of step" not in (view.legend.age if name == "units" else view.note.text())


@BOTH
def test_the_window_measures_and_draws_it_when_it_is_opened(name, window, qtbot):
    desk = window({"network.skip_every": 2})
    dock = desk.window.docks[name]
    dock.show()
    dock.raise_()
    desk.until(lambda: dock.made and dock.view.frame is not None)
    desk.until(lambda: getattr(desk.frame.details, {"units": "units", "graph": "paths"}[name]) is not None)
    desk.rest()
    if name == "units":
        desk.until(lambda: dock.view.strips.units is not None)
        qtbot.mouseClick(dock.view.strips, Qt.MouseButton.LeftButton, pos=dock.view.strips.cell(1, 1).center())
        assert dock.view.chosen == (1, 1)
        desk.press("Right", on=dock.view.strips)
        assert desk.step == 0, "the arrow moves the unit and not the run"
        assert dock.view.chosen != (1, 1)
    else:
        desk.until(lambda: dock.view.canvas.coloring.paths is not None)


@pytest.mark.parametrize(("size", "words"), [((880, 260), "max-\npool 2×2\n4×4×4"), ((350, 220), "pool 2×2")])
def test_the_boxes_of_the_graph_hold_whole_words(fast, shown, size, words):
    view = shown("graph", frame_of(Run(fast(AWKWARD["images"] | {"network.depth": 3}))), size=size)
    shape, rectangles = view.canvas.shape, view.canvas.placed.rectangles
    written = {
        box.parts[0]: box_words.fitted(box, int(rectangle.width()), int(rectangle.height()))[0]
        for box, rectangle in zip(shape.boxes, rectangles, strict=True)
        if not box.join and box.place >= 0
    }
    assert not any("…" in told or not told for told in written.values()), written
    assert written["max-pool 2×2"] == words


def test_shares_and_numbers_of_narrow_boxes_do_not_overlap(fast, shown, monkeypatch):
    view = shown("graph", frame_of(Run(fast({"network.depth": 40, "network.skip_every": 2}))), size=(870, 230))
    places = []
    real = QPainter.drawText

    def drawn(painter, rectangle, *rest):
        if isinstance(rectangle, QRectF):
            wide = painter.fontMetrics().horizontalAdvance(rest[-1])
            places.append(QRectF(rectangle.center().x() - wide / 2, rectangle.top(), wide, rectangle.height()))
        return real(painter, rectangle, *rest)

    monkeypatch.setattr(QPainter, "drawText", drawn)
    view.canvas.grab()
    below = [place for place in places if place.top() > view.canvas.placed.axis]
    assert len(below) > 20 and max(place.bottom() for place in below) <= view.canvas.height() + 2.0
    assert not any(one.intersects(other) for one, other in combinations(below, 2))
