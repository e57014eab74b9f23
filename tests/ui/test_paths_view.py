"""The view of edges, paths and sums: what a person clicks and types there, and what is then on screen."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from numeral_kit import read as read_number
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent

from gradflow.sim.details import Details, Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.lab.neuron_graph import LOSS
from gradflow.sim.lab.numerals import short
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.run import Run
from gradflow.sim.words import counted
from gradflow.ui.export import Look, picture
from gradflow.ui.lab.edge_paint import EdgePainter
from gradflow.ui.lab.neuron_inks import Inks
from gradflow.ui.lab.neuron_scene import STRONG
from gradflow.ui.lab.path_state import Chosen, read
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.view import VIEWS

SMALL = {"network.depth": 2, "network.width": 4}
SKIPS = {"network.depth": 5, "network.width": 4, "network.skip_every": 2}


def frame_of(run: Run, steps: int = 2) -> Frame:
    for _ in range(steps):
        if run.snapshot.finite:
            run.advance()
    run.measure({Want.SPECIMEN})
    return run.frame(State.PAUSED)


@pytest.fixture
def shown(qtbot, qapp, fast):
    """Show the view of a small network, on screen."""

    def show(changes=None, size=(1160, 800), look=LIGHT, frame=None):
        view = VIEWS["paths"].part()
        qtbot.addWidget(view)
        view.setStyleSheet(f"PathsView {{ background: {look.surface}; }}")
        view.retheme(look)
        view.resize(*size)
        with qtbot.waitExposed(view):
            view.show()
        frame = frame or frame_of(Run(fast(SMALL | (changes or {}))))
        view.reset(frame.topology)
        view.draw(frame)
        view.finish()
        view.grab()
        view.canvas.setFocus()
        return view

    return show


def click(qtbot, view, spot) -> None:
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(spot[0]), round(spot[1])))


def middle_of(view, name):
    graph = view.graph
    return view.canvas.placed.middles[next(i for i, n in enumerate(graph.neurons) if n.name == name)]


def name_of(view):
    return view.graph.neurons[view.neuron].name


# Paths.


def test_a_clicked_neuron_has_its_paths_listed_and_their_sum_is_backprops_number(shown, qtbot):
    view = shown()
    click(qtbot, view, middle_of(view, "z₁[1]"))
    assert "z₁[1]</b> has 4 paths to L" in view.panel.paths.head.text()
    assert view.panel.paths.list.count() == 4
    neuron = view.graph.neurons[view.neuron]
    words = view.panel.paths.sum.text()
    assert words.count(f"<b>{short(neuron.gradient, 6)}</b>") == 2, "the sum and backprop"
    assert view.panel.explained.explanation.lines[0].backprop == neuron.gradient


def test_a_path_chosen_with_the_keyboard_stands_out_in_the_drawing(shown, qtbot, pixels):
    view = shown()
    before = pixels(view.canvas)
    view.panel.paths.list.setFocus()
    qtbot.keyClick(view.panel.paths.list, Qt.Key.Key_Down)
    qtbot.keyClick(view.panel.paths.list, Qt.Key.Key_Down)
    place = view.panel.paths.list.currentRow()
    path = view.found.paths(view.neuron).paths[place]
    assert {e for e, seen in enumerate(view.canvas.scene.edges) if seen == STRONG} == set(path.edges)
    assert (pixels(view.canvas) != before).any()
    assert path.written() in view.panel.paths.list.item(place).data(Qt.ItemDataRole.AccessibleTextRole)
    assert path.written_factors in view.panel.explained.words.text(), "in full, however long it is"
    view.canvas.setFocus()
    qtbot.keyClick(view.canvas, Qt.Key.Key_Escape)
    assert view.chosen.path == -1 and STRONG not in view.canvas.scene.edges


def test_arrow_keys_walk_over_all_neurons(shown, qtbot):
    view = shown()
    for key, name in (
        (Qt.Key.Key_Right, "z₁[1]"),
        (Qt.Key.Key_Up, "z₁[0]"),
        (Qt.Key.Key_Up, "z₁[0]"),
        (Qt.Key.Key_Right, "z₂[0]"),
        (Qt.Key.Key_Right, "z₃[0]"),
        (Qt.Key.Key_Right, "L"),
        (Qt.Key.Key_Right, "L"),
        (Qt.Key.Key_Left, "z₃[0]"),
        (Qt.Key.Key_Down, "z₃[0]"),
    ):
        qtbot.keyClick(view.canvas, key)
        assert name_of(view) == name


def test_another_target_another_sample_another_window(shown, qtbot):
    view = shown({"data.name": "iris", "data.samples": 100})
    view.row.target.setCurrentIndex(2)
    assert view.graph.target_name == "z₃[1]" and "to z₃[1]" in view.panel.paths.head.text()
    gradient = view.graph.neurons[0].gradient
    view.row.sample.setValue(3)
    assert view.graph.sample == 3 and view.graph.neurons[0].gradient != gradient
    view.row.first.setFocus()
    qtbot.keyClick(view.row.first, Qt.Key.Key_Up)
    assert view.graph.window.first == 1 and view.graph.columns[0].symbol == "z₁"
    view.row.last.setValue(1)
    view.row.unit.setValue(1)
    view.row.units.setValue(2)
    assert view.row.unit.specialValueText() and list(view.graph.columns[0].shown) == [1, 2]
    assert [len(c.shown) for c in view.graph.columns[:-1]] == [2]
    assert view.remarks.isVisible() and "2 units of each larger layer" in view.remarks.text()
    view.row.first.setValue(3)
    assert (view.graph.window.first, view.graph.window.last) == (3, 3)
    view.row.last.setValue(0)
    assert (view.graph.window.first, view.graph.window.last) == (0, 0)


# Edges and biases.


def test_a_clicked_edge_shows_the_three_formulas_with_its_numbers(shown, qtbot):
    view = shown()
    graph = view.graph
    e = next(i for i, edge in enumerate(graph.edges) if graph.neurons[edge.target].name == "z₂[2]")
    start, stop = view.canvas.placed.line(e)[0], view.canvas.placed.line(e)[-1]
    click(qtbot, view, start + 0.04 * (stop - start))
    assert view.edge == e
    words = view.panel.explained.words.text()
    k = graph.neurons[graph.edges[e].source].unit
    for formula in (f"∂a₂[2]/∂a₁[{k}]", f"∂a₂[2]/∂W₂[{k}, 2]", "∂a₂[2]/∂b₂[2]", f"∂L/∂W₂[{k}, 2]", f"δ₂[2] · a₁[{k}]"):
        assert formula in words.replace(",&nbsp;", ", ").replace("/&#8288;", "/")
    assert repr(graph.edges[e].weight_grad).replace("-", "−") in words and "(the same)" in words
    assert view.canvas.scene.edges[e] == STRONG


def test_the_mark_of_a_bias_can_be_clicked_and_has_a_key(shown, qtbot):
    view = shown()
    number = next(i for i, n in enumerate(view.graph.neurons) if n.name == "z₁[2]")
    spot = view.canvas.placed.bias_spot(number)
    click(qtbot, view, (spot.x(), spot.y()))
    assert view.chosen.bias and name_of(view) == "z₁[2]"
    assert "Bias b₁[2]" in view.panel.explained.words.text() and "(the same)" in view.panel.explained.words.text()
    qtbot.keyClick(view.canvas, Qt.Key.Key_Right)
    qtbot.keyClick(view.canvas, Qt.Key.Key_B)
    assert "Bias b₂[2]" in view.panel.explained.words.text()


def test_a_key_goes_through_the_edges_that_enter_a_neuron(shown, qtbot):
    view = shown()
    click(qtbot, view, middle_of(view, "z₂[1]"))
    seen = []
    for _ in range(5):
        qtbot.keyClick(view.canvas, Qt.Key.Key_E)
        seen.append(view.graph.neurons[view.graph.edges[view.edge].source].name)
    assert seen == ["z₁[0]", "z₁[1]", "z₁[2]", "z₁[3]", "z₁[0]"]


def test_the_mouse_reads_out_every_digit(shown, qtbot):
    view = shown()
    neuron = next(n for n in view.graph.neurons if n.name == "z₁[1]")
    spot = middle_of(view, "z₁[1]")
    qtbot.mouseMove(view.canvas, QPoint(3, 3))
    qtbot.mouseMove(view.canvas, QPoint(round(spot[0]), round(spot[1])))
    qtbot.waitUntil(view.canvas.readout.isVisible)
    assert repr(neuron.gradient).replace("-", "−") in view.canvas.readout.text()
    told = view.canvas.scene.told("edge", 0)
    assert repr(view.graph.edges[0].derivative).replace("-", "−") in told[1]


def test_the_edge_under_the_mouse_is_marked_and_read_out(shown, qtbot, pixels):
    canvas = (view := shown()).canvas
    start, stop = canvas.placed.line(10)[0], canvas.placed.line(10)[-1]
    x, y = start + 0.05 * (stop - start)
    before = pixels(canvas)
    qtbot.mouseMove(canvas, QPoint(3, 3))
    qtbot.mouseMove(canvas, QPoint(round(x), round(y)))
    qtbot.waitUntil(canvas.readout.isVisible)
    edge = view.graph.edges[canvas.placed.edge_at(QPointF(round(x), round(y)))]
    assert repr(edge.derivative).replace("-", "−") in canvas.readout.text()
    canvas.readout.hide()
    assert (pixels(canvas) != before).any(), "the line itself stands out"
    qtbot.mouseMove(canvas, QPoint(3, 3))
    qtbot.waitUntil(lambda: not (pixels(canvas) != before).any())


def test_a_count_of_any_size_is_written():
    for number, words in (
        (0, "0"),
        (16384, "16\u202f384"),
        (10**12 - 1, "999\u202f999\u202f999\u202f999"),
        (10**12, "1.00·10¹²"),
        (999 * 10**20, "9.99·10²²"),
        (10**18 - 1, "9.99·10¹⁷"),
        (512**2000, "3.46·10⁵⁴¹⁸"),
    ):
        assert counted(number) == words


# The walk.


def test_the_walk_steps_forth_and_back_and_ends_with_backprops_numbers(shown):
    view = shown()
    assert view.positions() == 6 and view.position == 0
    view.go(2)
    assert view.chosen.page == "order" and "2 / 5" in view.panel.walk.where.text()
    assert "z₃[0]" in view.panel.walk.words.text() or "z₂" in view.panel.walk.words.text()
    view.go(view.positions() - 1)
    np.testing.assert_allclose(
        view.canvas.scene.gradients, [n.gradient for n in view.graph.neurons], rtol=1e-9, atol=1e-15
    )
    assert "all gradients are right" in view.panel.walk.verdict.text()
    view.go(99)
    assert view.position == 5
    view.go(-3)
    assert view.position == 0


def test_a_wrong_order_marks_what_is_missed_beside_the_right_order(shown, qtbot):
    view = shown(SKIPS)
    view.go(0)
    view.panel.walk.order.setCurrentIndex(view.panel.walk.order.findData("nearest"))
    view.go(view.positions() - 1)
    assert any(view.canvas.scene.wrong) and "gradients are wrong" in view.panel.walk.verdict.text()
    wrong = view.canvas.scene.wrong.index(True)
    lines = view.canvas.scene.words(wrong, 4, lambda _: True, True)
    assert [role for _, role in lines] == ["name", "error", "good", "error"]
    table = view.panel.walk.steps
    told = {table.item(row, 3).text() for row in range(table.rowCount())}
    assert any("%" in words or "×" in words for words in told)
    view.panel.walk.by_layer.click()
    assert view.positions() == len(view.graph.neurons) + 1 and view.position == 0
    view.panel.walk.order.setCurrentIndex(view.panel.walk.order.findData("random"))
    assert view.panel.walk.seed.isVisible()
    first = view._walk().groups
    view.panel.walk.seed.setValue(7)
    assert view._walk().groups != first


def test_costs_are_bars_with_their_numbers(shown, qtbot):
    view = shown()
    qtbot.mouseClick(view.panel.tabs, Qt.MouseButton.LeftButton, pos=view.panel.tabs.tabRect(2).center())
    words = view.panel.cost.accessibleDescription()
    assert "x[0] alone: all paths 48, recursion 36, backprop 24" in words
    assert "; all neurons: all paths" in words and "in this window" not in words
    assert "gradients of one sample" in view.panel.cost.toolTip()
    qtbot.keyClick(view.panel.tabs, Qt.Key.Key_Left)
    assert view.chosen.page == "order"


# The picture.


@pytest.mark.parametrize("size", [(1160, 800), (736, 546)], ids=["wide", "narrow"])
def test_in_every_neuron_its_name_and_its_gradient_can_be_read(size, shown):
    """In a window of 1000 x 700 too: with fewer digits, not in smaller letters, and what differs looks different."""
    view = shown({"network.depth": 24, "network.width": 16, "init.scale": 0.1, "network.activation": "tanh"}, size)
    view.grab()
    lines = view.canvas.placed.written
    assert len(lines) == len(view.graph.neurons)
    for i, neuron in enumerate(view.graph.neurons):
        (name, _), *values, (gradient, role) = lines[i]
        assert name in (neuron.name, neuron.name.removeprefix(view.graph.columns[neuron.column].symbol))
        assert role == "sign" and not any("…" in words for words, _ in lines[i])
        assert number(gradient) == pytest.approx(neuron.gradient, rel=0.5, abs=1e-300)
        texts = [words for words, _ in values]
        if len(texts) == 2 and neuron.value != neuron.output:
            assert texts[0] != texts[1] and ("≈" in texts[1] or number(texts[1]) != number(texts[0]))


def test_where_there_is_little_width_the_panel_stands_below(shown):
    """The drawing holds still whatever page is looked at, and the panel has room for each."""
    view = shown(SKIPS, (736, 546))
    heights = set()
    for page in ("paths", "order", "cost"):
        view._choose(page=page)
        view.grab()
        heights.add(view.canvas.height())
        assert view.panel.y() >= view.canvas.geometry().bottom() and view.panel.width() == view.canvas.width()
        seen = view.panel.pages.currentWidget()
        assert seen.minimumSizeHint().height() <= seen.height()
    assert len(heights) == 1
    view.resize(1160, 800)
    view.grab()
    assert view.panel.x() >= view.canvas.geometry().right()


def test_of_a_crowd_of_edges_the_largest_are_drawn_and_what_is_chosen_always(shown):
    view = shown({"network.depth": 9, "network.width": 40})
    view.row.units.setValue(32)
    view.finish()
    view.choose_neuron(40)
    painter = EdgePainter(None, view.canvas.scene, view.canvas.placed, Inks(LIGHT))
    arrays, drawn = view.graph.arrays, set(painter.drawn.tolist())
    assert len(view.graph.edges) > 5000 and len(drawn) < 1400
    assert set(view.graph.outgoing[40]) | set(view.graph.incoming[40]) <= drawn
    for column in range(1, 8):
        alike = np.flatnonzero(arrays.column[arrays.targets] == column)
        assert int(alike[arrays.sizes[alike].argmax()]) in drawn


def number(words: str) -> float:
    """Read a number as it is written in a neuron, with or without a letter."""
    return read_number(words.split()[-1])


def test_numbers_on_edges_never_overlap_and_a_small_network_has_them_all(shown):
    view = shown()
    for changes, size, all_of_them in (
        (SMALL, (1160, 800), True),
        ({"network.depth": 6, "network.width": 8}, (1160, 800), False),
    ):
        view = shown(changes, size)
        placed, graph = view.canvas.placed, view.graph
        edges = list(EdgePainter(None, view.canvas.scene, placed, Inks(LIGHT)).offered())
        spots = [spot for _, spot in placed.labels(edges, view.neuron)]
        assert len(spots) == len(graph.edges) if all_of_them else 20 < len(spots) < 80
        boxes = [placed.box(i) for i in range(len(graph.neurons))]
        for i, spot in enumerate(spots):
            assert not any(spot.intersects(other) for other in spots[i + 1 :])
            assert not any(spot.intersects(box) for box in boxes)


def test_the_wheel_and_keys_enlarge_and_a_drag_moves(shown, qtbot):
    view = shown({"network.depth": 6, "network.width": 8})
    width = view.canvas.placed.width
    spot = QPointF(200, 200)
    wheel = QWheelEvent(
        spot, view.canvas.mapToGlobal(spot), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    view.canvas.wheelEvent(wheel)
    assert view.canvas.placed.width > width
    qtbot.keyClick(view.canvas, Qt.Key.Key_Plus)
    before = QPointF(view.canvas.pan)
    qtbot.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 300))
    qtbot.mouseMove(view.canvas, QPoint(340, 330))
    qtbot.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(340, 330))
    assert view.canvas.pan != before and json.loads(view.choice())["look"][0] > 1.0
    for _ in range(7):
        qtbot.keyClick(view.canvas, Qt.Key.Key_Right)
        assert view.canvas.rect().contains(view.canvas.placed.box(view.neuron).toRect()), "keys never lose the neuron"
    qtbot.keyClick(view.canvas, Qt.Key.Key_0)
    assert view.canvas.zoom == 1.0 and view.canvas.pan == QPointF()


AWKWARD = {
    "one unit": {"network.depth": 1, "network.width": 1},
    "many layers": {"network.depth": 300, "network.width": 3},
    "images": {
        "data.name": "digits",
        "network.layers": (LayerRow(kind="conv", units=2), LayerRow(kind="max-pool"), LayerRow(kind="flatten")),
    },
    "batch norm": {"network.depth": 3, "network.norm": "batch-norm"},
    "half": {"training.precision": "float16", "init.scale": 0.01, "network.depth": 20},
    "all zero": {"init.scheme": "zeros"},
    "huge": {"network.activation": "relu", "init.scale": 1e6, "network.depth": 12},
    "diverged": {"network.activation": "identity", "training.learning_rate": 1e6},
}


@pytest.mark.parametrize("name", sorted(AWKWARD))
def test_awkward_networks_are_drawn_at_any_size(name, fast, shown, colors):
    frame = frame_of(Run(fast(AWKWARD[name])), steps=40 if name == "diverged" else 2)
    view = shown(frame=frame, look=DARK)
    for size in ((1160, 800), (700, 400), (330, 200)):
        view.resize(*size)
        for page in ("paths", "order", "cost"):
            view._choose(page=page)
            assert colors(view) > 4
    assert all(np.isfinite(table.values).any() for table in view.tables().values())


def test_before_anything_is_measured_there_is_a_sentence(fast, shown):
    frame = dataclasses.replace(frame_of(Run(fast(SMALL))), details=Details())
    view = shown(frame=frame)
    view.go(2)
    assert view.graph is None and view.tables() == {} and view.positions() == 1


def test_a_large_network_is_taken_apart_beside_the_window(fast, shown):
    """The window's thread only begins it; a person's choice is taken up, and what stood there stays until then."""
    frame = frame_of(Run(fast({"network.depth": 60, "network.width": 16})))
    view = VIEWS["paths"].part()
    view.reset(frame.topology)
    view.draw(frame)
    assert view.found is None and view.computing
    view.finish()
    assert view.graph is not None and view.neuron == view.found.start
    before = view.found
    view.row.first.setValue(40)
    assert view.found is before and not view.row.busy.isHidden()
    view.finish()
    assert view.graph.window.first == 40 and view.row.busy.isHidden()
    view.row.first.setValue(50)
    view.close()
    assert not view.computing and view.found.graph.window.first == 40


# The state.


def test_what_is_remembered_from_the_last_time_follows_the_training(fast, shown):
    """A neuron that was chosen before a restart is chosen again, in the network as it is now."""
    run = Run(fast(SMALL))
    view = shown(frame=frame_of(run))
    view.choose(json.dumps(dataclasses.replace(Chosen(), neuron=(1, 2)).state()))
    assert name_of(view) == "z₁[2]"
    before = view.specimen
    view.draw(frame_of(run))
    assert view.specimen is not before and name_of(view) == "z₁[2]"


def test_other_colours_are_taken_at_once_also_in_the_table(shown):
    view = shown(SKIPS)
    view._choose(page="order", order="nearest")
    view.retheme(DARK)
    table = view.panel.walk.steps
    assert table.item(0, 0).foreground().color().name() == DARK.text


def test_the_chosen_neuron_stays_in_sight_in_another_sample(fast, shown):
    """Other units may have the largest gradients there; a picture shows the same ones as the screen."""
    frame = frame_of(Run(fast({"network.depth": 3, "network.width": 40})))
    view = shown(frame=frame)
    graph = view.graph
    view.choose_neuron(next(i for i, neuron in enumerate(graph.neurons) if neuron.column == 2))
    key, name = view.chosen.neuron, name_of(view)
    for sample in range(1, 8):
        view.row.sample.setValue(sample)
        view.finish()
        assert view.graph is not graph and view.chosen.neuron == key and name_of(view) == name
    view.choose(json.dumps(view.state() | {"sample": 9}))
    view.finish()
    assert view.graph.sample == 9 and name_of(view) == name, "also where the sample is chosen elsewhere"
    view.choose_neuron(0)
    shown_units = [column.shown for column in view.graph.columns]
    again = shown(frame=frame)
    again.choose(view.choice())
    again.finish()
    assert [column.shown for column in again.graph.columns] == shown_units


def test_a_picture_shows_what_the_screen_shows(fast, shown):
    frame = frame_of(Run(fast(SKIPS)))
    view = shown(frame=frame)
    view._choose(order="nearest")
    view.go(7)
    choice = view.choice()
    again = VIEWS["paths"].part()
    again.choose(choice)
    again.reset(frame.topology)
    again.draw(frame)
    assert again.choice() == choice and again.position == 7 and again.canvas.scene.wrong == view.canvas.scene.wrong
    first = picture(frame, "paths", Look(LIGHT, {"paths": choice}), 1.0)
    other = picture(frame, "paths", Look(LIGHT), 1.0)
    assert first == picture(frame, "paths", Look(LIGHT, {"paths": choice}), 1.0) and first != other


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", '{"neuron": 3}', '{"neuron": [0.5, 1]}', '{"page": "?"}', '{"look": [1, 1e999, 0]}',
     '{"edge": [1]}', '{"window": ["a"]}', '{"sample": -9}', '{"position": true}', '{"position": -1}',
     '{"page": "order", "order": "random", "seed": -1}'],
)  # fmt: skip
def test_a_text_that_is_no_state_changes_nothing(text, shown):
    view = shown()
    before = view.choice()
    view.choose(text)
    assert view.choice() == before


def test_a_state_of_another_network_is_taken_as_far_as_it_goes(shown):
    view = shown()
    far = dataclasses.replace(
        Chosen(), sample=999, target=50, neuron=(99, 99), edge=(9, 9, 9, 9), path=77, position=88, window=(50, 60, 7, 3)
    )
    view.choose(json.dumps(far.state()))
    assert view.graph is not None and view.neuron == 0 and view.edge is None
    view.go(1)
    assert read(json.loads(json.dumps(view.state()))) == view.chosen
    assert LOSS == -1


def test_it_holds_what_is_looked_at_while_the_training_goes_on(fast, shown, qtbot):
    run = Run(fast(SMALL))
    view = shown(frame=frame_of(run))
    held = view.specimen
    view.draw(frame_of(run))
    assert view.specimen is not held, "nobody has chosen anything yet"
    qtbot.keyClick(view.canvas, Qt.Key.Key_Right)
    held = view.specimen
    view.draw(frame_of(run))
    assert view.specimen is held and view.age.isVisible()
    view.renew()
    assert view.specimen is not held and not view.age.isVisible() and name_of(view) == "z₁[1]"


# In the window.


def test_in_the_window_its_own_keys_do_not_train_and_shifted_ones_step(window):
    desk = window(SMALL)
    desk.press("Ctrl+3")
    dock = desk.window.docks["paths"]
    dock.raise_()
    desk.until(lambda: dock.made and dock.view.graph is not None)
    view = dock.view
    step = desk.step
    desk.press("Right", on=view.canvas)
    desk.press("Right", on=view.canvas)
    assert name_of(view) == "z₂[1]" and desk.step == step
    desk.press("Shift+Right", on=view.canvas)
    desk.press("Shift+Right", on=view.canvas)
    assert (view.position, view.chosen.page) == (2, "order")
    desk.press("Shift+End", on=view.canvas)
    assert view.position == view.positions() - 1


def test_an_order_is_chosen_neuron_by_neuron_with_mouse_or_keys(shown, qtbot):
    view = shown()
    view.go(0)
    view.panel.walk.order.setCurrentIndex(view.panel.walk.order.findData("own"))
    click(qtbot, view, middle_of(view, "L"))
    click(qtbot, view, middle_of(view, "z₃[0]"))
    click(qtbot, view, middle_of(view, "z₂[0]"))
    click(qtbot, view, middle_of(view, "z₁[0]"))
    assert view.position == 4 and [len(group) for group in view._walk().groups[:4]] == [1] * 4
    assert "Too early: z₁[0]" in view.panel.walk.words.text()
    qtbot.keyClick(view.canvas, Qt.Key.Key_Down)
    assert view.position == 4, "moving is not visiting"
    qtbot.keyClick(view.canvas, Qt.Key.Key_Return)
    assert view.position == 5 and view.graph.neurons[view._walk().groups[4][0]].name == "z₁[1]"
    assert read(json.loads(view.choice())) == view.chosen
    qtbot.mouseClick(view.panel.walk.again, Qt.MouseButton.LeftButton)
    assert view.position == 0 and view.chosen.own == ()
