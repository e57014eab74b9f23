"""The trainability map: it fills in while the window lives, a click loads a cell, and nothing that fails ends it."""

from __future__ import annotations

import dataclasses
import math
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from gradflow.sim.config import Experiment, get
from gradflow.sim.frame import Frame, State
from gradflow.sim.run import Run
from gradflow.sim.sweep import MEASURES, Axis, Cell, CellResult, Chart, Sweep, run_cell
from gradflow.sim.sweep.curves import theory_curves
from gradflow.sim.sweep.grid import sweep_from_mapping
from gradflow.ui import captions, export
from gradflow.ui.grid_axis import GridAxis
from gradflow.ui.theme import DARK, LIGHT, Theme
from gradflow.ui.view import VIEWS

THEMES = pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])


class Queue(Executor):
    """An executor that does a cell when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, fn, /, *args, **kwargs):
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        return future

    def do(self, count: int) -> None:
        """Run the next cells."""
        for future, fn, args in self.waiting[:count]:
            future.set_result(fn(*args))
        del self.waiting[:count]

    def die(self) -> None:
        """Be an executor whose processes have died."""
        for future, _, _ in self.waiting:
            future.set_exception(BrokenProcessPool("a child is dead"))


class MapDesk:
    """A window that shows the map, and the queue its cells wait in."""

    def __init__(self, desk: Any) -> None:
        self.desk, self.queue = desk, Queue()
        desk.window.docks["map"].raise_()
        desk.until(lambda: desk.window.docks["map"].made)
        desk.window.mapping.make_executor = lambda: self.queue
        self.view = desk.window.docks["map"].view
        self.form = self.view.form

    def fill_in(self, x: str = "0.5:2:3:log", y: str = "1:3:3", steps: str = "2") -> None:
        """Type what the axes hold."""
        self.form.x_axis.values.setText(x)
        self.form.y_axis.values.setText(y)
        self.form.steps.setText(steps)

    def start(self) -> None:
        """Press the button."""
        self.desk.qtbot.mouseClick(self.form.button, Qt.MouseButton.LeftButton)

    def do(self, count: int) -> None:
        """Let cells be done, and wait until they are on the map."""
        self.desk.until(lambda: len(self.queue.waiting) >= count)
        before = len(self.chart.results) if self.chart else 0
        self.queue.do(count)
        self.desk.until(lambda: self.chart and len(self.chart.results) == before + count)

    @property
    def chart(self) -> Chart | None:
        """What the view shows."""
        return self.view.chart

    def place(self, column: int, row: int) -> QPoint:
        """Where a cell is in the plot."""
        spot = self.view.plot.view_box.mapViewToScene(QPointF(column, row))
        return QPoint(round(spot.x()), round(spot.y()))

    def colour(self, column: int, row: int) -> tuple[int, ...]:
        """The colour of a cell on the screen, beside its middle where signs stand."""
        place = self.place(column, row) + QPoint(12, 6)
        return self.view.plot.grab().toImage().pixelColor(place).getRgb()[:3]


@pytest.fixture
def table(window):
    """A window with the map in front."""
    return MapDesk(window())


# In the window.


def test_before_the_start_the_axes_and_a_hint_say_what_will_be_done(table):
    x, y = table.view.plot.grid
    assert (table.view.plot.x_label, table.view.plot.y_label) == ("init scale", "depth")
    names = [axis.tickStrings(ticks(axis, table), 1.0, 1.0) for axis in (x, y)]
    assert "1" in names[0] and "50" in names[1]
    assert table.view.plot.hint.isVisible() and table.view.plot.hint.toPlainText() == "357 networks: press Start"
    assert "Start runs a network for every cell (21 × 17)" in table.view.words.text() and table.chart is None
    # The experiment has its ring: init scale 1 and depth 6.
    ring = table.view.plot.signs.ring
    assert ring.x() == pytest.approx(20 * math.log(1 / 0.3) / math.log(10)) and ring.y() == pytest.approx(4 / 3)
    # A chequered ground shows the cells.
    table.fill_in()
    assert table.colour(0, 0) == table.colour(1, 1) != table.colour(1, 0)


def test_the_axes_before_the_start_are_those_that_are_written(table):
    table.fill_in()
    assert table.view.plot.hint.toPlainText() == "9 networks: press Start"
    names = table.view.plot.grid[0].tickStrings(ticks(table.view.plot.grid[0], table), 1.0, 1.0)
    assert {"0.5", "1", "2"} <= set(names) and "3" not in names
    table.form.x_axis.values.setText("0.5:")
    assert "The map cannot be made" in table.view.words.text() and not table.view.plot.hint.isVisible()
    table.form.x_axis.values.setText("1,2")
    assert table.view.plot.hint.isVisible() and "(2 × 3)" in table.view.words.text()
    table.form.y_axis.field.setCurrentText("Activation")
    assert table.view.plot.y_label == "activation"
    table.start()
    table.desk.until(lambda: table.chart is not None)
    assert not table.view.plot.hint.isVisible()


def test_an_empty_cell_can_be_loaded_too(table):
    table.fill_in()
    table.desk.qtbot.mouseClick(table.view.plot.viewport(), Qt.MouseButton.LeftButton, pos=table.place(2, 1))
    table.desk.until(lambda: table.desk.session.experiment.init.scale == 2.0)
    assert table.desk.session.experiment.network.depth == 2


def ticks(axis, table) -> list[float]:
    """Return where the ticks of an axis stand."""
    return table.view.plot.ticks(axis.orientation)


def test_the_map_fills_in_while_the_window_lives(table):
    table.fill_in()
    assert "Start runs a network for every cell" in table.view.words.text()
    table.start()
    table.desk.until(lambda: table.form.button.text() == "Stop")
    blank = table.colour(2, 2)
    table.do(4)
    # Coarse to fine: the corners come first.
    assert set(table.chart.results) == {Cell(0, 0), Cell(2, 0), Cell(0, 2), Cell(2, 2)}
    assert table.colour(2, 2) != blank and table.colour(1, 1) == blank
    assert table.view.words.text().startswith("4 of 9 cells")
    table.do(5)
    table.desk.until(lambda: table.form.button.text() == "Start")
    assert table.view.words.text().startswith("9 of 9 cells") and table.colour(1, 1) != blank


def test_a_click_loads_the_cell_as_one_edit(table):
    table.fill_in()
    table.start()
    table.do(9)
    heard: list[Experiment] = []
    table.desk.session.experiment_changed.connect(heard.append)
    table.desk.qtbot.mouseClick(table.view.plot.viewport(), Qt.MouseButton.LeftButton, pos=table.place(2, 1))
    table.desk.until(lambda: heard)
    assert len(heard) == 1
    assert (get(heard[0], "init.scale"), get(heard[0], "network.depth")) == (2.0, 2)
    table.desk.until(lambda: len(table.desk.frame.topology.layers) == 3)
    # The ring stands there now, and the map is still of this experiment.
    assert table.chart.place_of(table.desk.frame.experiment) == (2.0, 1.0)
    assert table.view.words.text().startswith("9 of 9 cells") and "other settings" not in table.view.words.text()
    table.desk.press("Ctrl+Z")
    table.desk.until(lambda: len(heard) == 2)
    assert (get(heard[1], "init.scale"), get(heard[1], "network.depth")) == (1.0, 6)


def test_keys_move_a_cursor_that_reads_cells_out_and_enter_loads_one(table):
    """Without a mouse: Tab leads to the map, arrow keys from cell to cell; nothing reaches the window's shortcuts."""
    plot, qtbot = table.view.plot, table.desk.qtbot
    table.fill_in(y="1:6:6")
    table.start()
    table.do(18)
    assert plot.accessibleName() == "Cells of the map" and "Enter loads the cell" in plot.accessibleDescription()
    table.form.button.setFocus()
    for _ in range(20):
        if plot.hasFocus():
            break
        qtbot.keyClick(table.desk.window.focusWidget(), Qt.Key.Key_Tab)
    assert plot.hasFocus()
    # It begins where the experiment is: scale 1, depth 6.
    assert plot.cell == Cell(1, 5) and plot.readout.isVisible() and "init scale 1 · depth 6" in plot.readout.text()
    plain = plot.grab().toImage()
    table.desk.press("Right", plot)
    assert plot.cell == Cell(2, 5) and "init scale 2 · depth 6" in plot.readout.text()
    assert plot.accessibleDescription().startswith("init scale 2 · depth 6. Gradient, first / last layer: ")
    assert plot.grab().toImage() != plain
    # At the edge it stays.
    for key, cell in (("Right", (2, 5)), ("Up", (2, 5)), ("Down", (2, 4)), ("Home", (0, 4)), ("PgDown", (0, 0))):
        table.desk.press(key, plot)
        assert plot.cell == cell
    table.desk.press("Up", plot)
    assert table.desk.session.experiment.init.scale == 1.0 and table.desk.step == 0
    table.desk.press("Return", plot)
    table.desk.until(lambda: len(table.desk.frame.topology.layers) == 3)
    experiment = table.desk.session.experiment
    assert (experiment.init.scale, experiment.network.depth) == (0.5, 2) and plot.hasFocus()
    # One edit, as with a click.
    table.desk.press("Ctrl+Z")
    assert table.desk.session.experiment.network.depth == 6


def test_the_cursor_is_there_only_while_the_map_has_the_focus(table):
    plot = table.view.plot
    table.fill_in()
    table.start()
    table.do(9)
    table.desk.press("Left", plot)
    framed = plot.grab().toImage()
    table.form.button.setFocus()
    assert not plot.readout.isVisible() and plot.grab().toImage() != framed
    table.desk.press("Up", plot)
    assert plot.readout.isVisible()
    # Another grid has other cells.
    table.fill_in(y="1:2:2")
    table.start()
    table.desk.until(lambda: table.chart.size == 6)
    assert plot.cell is None and not plot.readout.isVisible()


def test_keys_read_the_plan_out_and_load_a_cell_of_it(table):
    """Before Start, too; what the edit and Start change around the cells leaves the cursor where it is."""
    plot = table.view.plot
    table.fill_in()
    for key, cell in (("Home", (0, 0)), ("Right", (1, 0)), ("Right", (2, 0)), ("Up", (2, 1))):
        table.desk.press(key, plot)
        assert plot.cell == cell
    words = plot.readout.text()
    assert plot.readout.isVisible() and "init scale 2 · depth 2" in words and "not done yet" in words
    table.desk.press("Return", plot)
    table.desk.until(lambda: len(table.desk.frame.topology.layers) == 3)
    table.desk.until(lambda: table.view.frame.experiment.init.scale == 2.0)
    assert plot.cell == Cell(2, 1) and plot.readout.isVisible() and table.chart is None
    assert (plot.signs.ring.x(), plot.signs.ring.y()) == (2.0, 1.0)
    table.start()
    table.desk.until(lambda: table.chart)
    assert plot.cell == Cell(2, 1)


def test_keys_do_nothing_where_no_plan_could_be_read_yet(frame, qtbot):
    view = VIEWS["map"].part()
    qtbot.addWidget(view)
    view.retheme(LIGHT)
    view.form.x_axis.values.setText("many")
    view.draw(frame)
    assert "The map cannot be made" in view.words.text()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Return, Qt.Key.Key_End):
        qtbot.keyClick(view.plot, key)
    assert view.plot.cell is None and view.plot.readout.isHidden()


def test_a_read_out_cell_is_read_again_when_it_is_done(table):
    table.fill_in()
    table.start()
    table.desk.until(lambda: table.chart)
    table.desk.press("Home", table.view.plot)
    table.desk.press("PgDown", table.view.plot)
    assert "not done yet" in table.view.plot.readout.text()
    table.do(1)
    assert "first / last layer" in table.view.plot.readout.text()


def test_a_cell_that_is_not_done_can_be_loaded_too(table):
    table.fill_in()
    table.start()
    table.desk.until(lambda: table.chart)
    table.desk.qtbot.mouseClick(table.view.plot.viewport(), Qt.MouseButton.LeftButton, pos=table.place(0, 0))
    table.desk.until(lambda: table.desk.session.experiment.init.scale == 0.5)


def test_what_was_stopped_goes_on_where_it_was(table):
    table.fill_in()
    table.start()
    table.do(4)
    table.start()
    table.desk.until(lambda: table.form.button.text() == "Start")
    assert len(table.chart.results) == 4
    table.queue.waiting.clear()
    table.start()
    table.desk.until(lambda: len(table.queue.waiting) == 5)
    table.do(5)


def test_another_grid_begins_a_new_map(table):
    table.fill_in()
    table.start()
    table.do(9)
    table.fill_in(y="1:4:4")
    table.start()
    table.desk.until(lambda: table.chart.size == 12)
    assert len(table.chart.results) == 0


def test_trained_cells_know_every_measure_and_untrained_ones_say_what_they_lack(table):
    table.fill_in()
    table.start()
    table.do(9)
    table.view.choose("train-loss")
    assert "this measure needs trained cells" in table.view.words.text()
    table.start()
    table.desk.until(lambda: not table.chart.results)
    table.do(9)
    table.desk.until(lambda: table.form.button.text() == "Start")
    assert "needs trained" not in table.view.words.text()
    # The measure at initialisation is known as well: nothing is left to run.
    table.view.choose("gradient-ratio")
    table.start()
    table.desk.live()
    assert table.queue.waiting == [] and len(table.chart.results) == 9 and table.form.button.text() == "Start"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x": "a:2:3"}, "The map cannot be made: init.scale: a is not a number"),
        ({"y": "1:9999:3"}, "The map cannot be made: network.depth: must be a whole number from 1 to 5000, not 9999."),
        ({"steps": "many"}, "The map cannot be made: training.steps: 'many' is not valid"),
        ({"x": "0.5:2:200", "y": "1:300:300"}, "a grid of 200 × 300 has 60000 cells; the most is 10000"),
    ],
)
def test_a_mistake_is_one_sentence(table, changes, sentence):
    table.fill_in(**changes)
    table.start()
    table.desk.until(lambda: table.desk.notice)
    assert sentence in table.desk.notice and table.form.button.text() == "Start" and table.chart is None


def test_processes_that_die_are_one_sentence_and_the_cells_stay(table):
    table.fill_in()
    table.start()
    table.do(4)
    table.queue.die()
    table.desk.until(lambda: table.form.button.text() == "Start")
    assert "A process of the sweep has died" in table.desk.notice and len(table.chart.results) == 4
    assert "A process of the sweep has died" in table.view.words.text()


def test_a_cell_that_cannot_be_run_says_why_on_hover(table):
    field = table.form.x_axis.field
    field.setCurrentIndex(field.findData("network.width"))
    table.fill_in(x="4,8192", y="1,900")
    table.start()
    table.do(4)
    table.view.plot.hover(QPointF(table.place(1, 1)))
    assert "the limit is 4 GB" in table.view.plot.readout.text() and "depth 900" in table.view.plot.readout.text()


def test_hover_shows_the_numbers_of_a_cell(table):
    table.view.choose("train-loss")
    table.fill_in()
    table.start()
    table.do(1)
    table.desk.qtbot.mouseMove(table.view.plot.viewport(), table.place(0, 0) + QPoint(9, 0))
    table.desk.live()
    table.desk.qtbot.mouseMove(table.view.plot.viewport(), table.place(0, 0))
    table.desk.until(lambda: "init scale 0.5" in table.view.plot.readout.text())
    assert table.view.plot.readout.isVisible()
    assert f"{table.chart.results[Cell(0, 0)].values['train-loss']:.3g}" in table.view.plot.readout.text()
    table.view.plot.hover(QPointF(table.place(1, 1)))
    assert "not done yet" in table.view.plot.readout.text()


def test_a_change_of_something_else_is_told(table):
    table.fill_in()
    table.start()
    table.do(9)
    table.desk.session.edit("network.width", 5)
    table.desk.until(lambda: "of other settings than now: width" in table.view.words.text())


def test_choosing_a_field_offers_values_to_start_from(table):
    field = table.form.x_axis.field
    field.setCurrentIndex(field.findData("network.activation"))
    assert table.form.x_axis.text.startswith("network.activation=") and ",relu," in table.form.x_axis.text


def test_the_picture_has_the_map_and_no_form(table, pixels):
    table.fill_in()
    table.start()
    table.do(9)
    empty = dataclasses.replace(table.desk.frame, chart=None)
    look = export.Look(LIGHT, {"map": "gradient-ratio"})
    with_map = pixels(export.picture(table.desk.frame, "map", look, 1.0))[:, :, 2::-1]
    without = pixels(export.picture(empty, "map", look, 1.0))[:, :, 2::-1]
    for color in table.view.plot.image.image.reshape(-1, 3):
        areas = [int((picture == color).all(axis=2).sum()) for picture in (with_map, without)]
        assert areas[0] > 1000 > areas[1]


def test_window_and_picture_have_the_same_colours(table):
    """However the map came about: the window sees it fill in, the picture only the end."""
    table.view.choose("train-loss")
    table.fill_in()
    table.start()
    for count in (1, 3, 5):
        table.do(count)
    bar = table.view.bar
    table.desk.until(lambda: table.form.button.text() == "Start")
    fresh = VIEWS["map"].part()
    table.desk.qtbot.addWidget(fresh)
    fresh.retheme(table.view.theme)
    fresh.choose("train-loss")
    fresh.draw(table.desk.frame)
    assert fresh.bar.ticks == bar.ticks and len(bar.ticks) > 1
    assert np.array_equal(fresh.plot.image.image, table.view.plot.image.image)


def test_the_caption_says_what_is_swept_and_what_all_cells_share(table):
    table.fill_in("0.5:2:5:log")
    table.start()
    table.do(15)
    image = export.picture(table.desk.frame, "map", export.Look(LIGHT, {"map": "gradient-ratio"}), 1.0)
    assert sweep_from_mapping(tomllib.loads(image.text("gradflow:sweep"))) == table.chart.sweep
    assert "gradflow:step" not in image.textKeys()
    # A picture of something else is of the run, though there is a map.
    assert "gradflow:step" in export.picture(table.desk.frame, "loss", export.Look(LIGHT), 1.0).textKeys()
    words = captions.sweep_caption(table.chart.sweep, table.view.about(table.desk.frame))
    first, second = words.splitlines()
    assert first == (
        "init scale 0.5 to 2 (5 values, logarithmic) × depth 1, 2, 3 · gradient, first / last layer at initialisation"
    )
    assert second.startswith("in all cells: two-moons · varied × 16 tanh · samples 200 · xavier-normal × varied · sgd")
    assert "step 0" not in words and "seed 0" in second


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([-0.1, 0.2], ["0.5", "1", "2"]),
        ([-2.0, 3.0], ["10⁻³", "0.01", "0.1", "1", "10", "100", "10³"]),
        ([-30.0, 11.0], ["≤10⁻¹⁰", "10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01", "1", "100", "10⁴", "10⁶", "10⁸", "≥10¹⁰"]),
    ],
)
def test_the_colours_of_a_ratio_follow_the_cells(frame, qapp, qtbot, values, words):
    """1 is in the middle, and cells beyond the ends are admitted."""
    sweep = Sweep(frame.experiment, Axis.parse("init.scale=0.5,2"), Axis.parse("network.depth=2"))
    results = {Cell(i, 0): CellResult({"gradient-ratio": value}, 0, False, 0.1) for i, value in enumerate(values)}
    view = VIEWS["map"].part()
    qtbot.addWidget(view)
    view.retheme(LIGHT)
    view.draw(dataclasses.replace(frame, chart=Chart(sweep, results)))
    assert [name for _, name in view.bar.ticks] == words
    assert [place for place, _ in view.bar.ticks] == pytest.approx(np.linspace(0, 1, len(words)), abs=1e-9)


def test_real_processes_leave_the_window_alive_and_end_with_it(window, monkeypatch):
    desk = window({"network.depth": 3})
    desk.window.docks["map"].raise_()
    desk.until(lambda: desk.window.docks["map"].made)
    view = desk.window.docks["map"].view
    view.choose("train-loss")
    view.form.x_axis.values.setText("0.5,1,2")
    view.form.y_axis.values.setText("1,2,400")
    view.form.steps.setText("300")
    view.form._press()
    # The processes stand back behind everything else on the machine.
    desk.qtbot.waitUntil(lambda: bool(view.chart and view.chart.results), timeout=60_000)
    pids = list(desk.window.mapping._executor._processes)
    assert pids
    # Training goes on meanwhile.
    before = desk.step
    desk.session.play()
    desk.until(lambda: desk.step > before + 5)
    desk.close()
    deadline = time.monotonic() + 20.0
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except OSError:
        return False


# The view alone.


def chart_of(experiment: Experiment, x: str, y: str, measure: str = "train-loss") -> Chart:
    sweep = Sweep(experiment, Axis.parse(x), Axis.parse(y), measure)
    odd = {"gradient-ratio": [0.0, -math.inf, math.nan, 300.0], "train-loss": [0.0, 1e300, math.nan, math.inf]}
    results = {}
    for place, cell in enumerate(list(sweep.cells())[:-1]):
        values = {name: odd.get(name, [0.0, 1.0, math.nan, 0.5])[place % 4] for name in MEASURES}
        diverged = place % 3 == 1
        results[cell] = CellResult(
            values if place % 5 else {}, 3, diverged, 0.1, "Diverged: there." if diverged else ""
        )
    return Chart(sweep, results, theory_curves(sweep))


@pytest.fixture(scope="module")
def frame(fast) -> Frame:
    return Run(fast({"network.activation": "relu"})).frame(State.PAUSED)


@pytest.mark.slow
@THEMES
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("init.scale=0.1:10:21:log", "network.depth=2:50:17"),
        ("network.activation=tanh,relu", "training.batch_size=8,all"),
        ("seed=3", "data.noise=0.5"),
        ("init.scale=0.99:1.01:100", "seed=0:90:91"),
    ],
)
def test_any_numbers_and_any_axes_are_drawn(frame, qapp, colors, look: Theme, measure, x, y):
    shown = dataclasses.replace(frame, chart=chart_of(frame.experiment, x, y))
    picture = export.picture(shown, "map", export.Look(look, {"map": measure}), 1.0)
    assert colors(picture) > 10


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("init.scale=0.1:10:21:log", {0.0: "0.1", 10.0: "1", 20.0: "10"}),
        ("network.depth=2:50:17", {6.0: "20", 16.0: "50"}),
        ("network.depth=1:3:3", {0.0: "1", 1.0: "2", 2.0: "3"}),
        ("network.activation=tanh,relu", {0.0: "tanh", 1.0: "relu"}),
        ("seed=7", {0.0: "7"}),
    ],
)
def test_ticks_stand_at_round_values_where_these_lie(qapp, text, names):
    item, axis = GridAxis("bottom"), Axis.parse(text)
    item.show_axis(axis)
    count = len(axis.values)
    ((_, places),) = item.tickValues(-0.5, count - 0.5, 600.0)
    found = dict(zip(places, item.tickStrings(places, 1.0, 1.0), strict=True))
    assert all(found[place] == name for place, name in names.items())
    apart = np.diff(places) * 600.0 / count
    assert count == 1 or apart.min() >= 40.0 or len(places) == count


def test_the_measure_of_a_cell_can_be_told_apart_by_its_run(frame):
    """What the map colours is what the cell's own run says."""
    sweep = chart_of(frame.experiment, "init.scale=0.5,2", "network.depth=2,4").sweep
    result = run_cell(sweep.experiment_at(Cell(1, 1)), sweep.goal, trains=False)
    chart = Chart(sweep, {Cell(1, 1): result})
    assert chart.values("gradient-ratio")[1, 1] == result.values["gradient-ratio"]
    assert np.isnan(chart.values("gradient-ratio")[0]).all() and chart.done().sum() == 1
