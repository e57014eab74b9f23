"""Stepping through backpropagation in the window: what keys and mouse do, and what is on screen."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gradflow.sim.config import Experiment, edit, parse_value
from gradflow.sim.details import Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.lab.recording import Recording
from gradflow.sim.lab.station import Kind
from gradflow.sim.run import Run
from gradflow.ui import theme
from gradflow.ui.lab.backprop import BackpropView
from gradflow.ui.lab.small_words import small_words
from gradflow.ui.lab.term_list import INSIDE
from gradflow.ui.lab.walk_strip import phase_color

SMALL = {"network.depth": 3, "network.width": 6, "training.batch_size": 8}


def frame_of(changes: dict[str, Any], steps: int = 2) -> Frame:
    run = Run(edit(Experiment(), SMALL | changes))
    for _ in range(steps + 1):
        run.advance()
    run.measure({Want.SPECIMEN})
    return run.frame(State.PAUSED)


@pytest.fixture
def shown(qtbot: Any, qapp: Any) -> Iterator[Callable[..., BackpropView]]:
    views: list[BackpropView] = []

    def make(changes: dict[str, Any] | None = None, size: tuple[int, int] = (1160, 800), state: str = "") -> Any:
        view, frame = BackpropView(), frame_of(changes or {})
        views.append(view)
        qtbot.addWidget(view)
        view.resize(*size)
        view.choose(state)
        view.show()
        view.reset(frame.topology)
        view.draw(frame)
        view.finish()
        qtbot.waitExposed(view)
        return view

    yield make
    for view in views:
        view.stop()


def press(view: BackpropView, step: int) -> None:
    QTest.mouseClick(view.bar.on if step > 0 else view.bar.back, Qt.MouseButton.LeftButton)


def go_to(view: BackpropView, kind: Kind, layer: int, name: str) -> None:
    assert view.walk is not None
    for position in range(view.positions()):
        station = view.walk.station(position, view.by_layer)
        if station.kind is kind and station.layer == layer and name in station.name:
            view.go(position)
            return
    raise AssertionError(f"no station {kind} {layer} {name}")


def symbols(view: BackpropView) -> list[str]:
    return [matrix.symbol for matrix in view.board.matrices]


def test_a_press_shows_the_next_node_with_its_formula_and_matrices(shown: Any) -> None:
    view = shown()
    assert (view.position, view.words.text.split("\n")[0]) == (0, "forward")
    press(view, 1)
    press(view, 1)
    assert view.position == 2
    assert "z₁ = f₁·W₁ + b₁" in view.words.text and symbols(view) == ["f₁", "W₁", "b₁", "z₁"]
    press(view, -1)
    assert view.position == 1 and view.bar.slider.value() == 1
    view.go(10_000)
    assert view.position == view.positions() - 1 and not view.bar.on.isEnabled()
    assert view.words.text.startswith("update")


def test_what_is_on_screen_are_the_numbers_of_the_network(shown: Any) -> None:
    view = shown()
    go_to(view, Kind.BACKWARD, 2, "dense")
    network = view.specimen.network()
    layer = network.layers[1].linear
    tables = {matrix.symbol: matrix.table().values for matrix in view.board.matrices}
    np.testing.assert_array_equal(tables["∂L/∂W₂"], layer.W_grad)
    np.testing.assert_array_equal(tables["W₂ᵀ"], layer.W.T)
    assert tables["∂L/∂b₂"].tolist() == [layer.b_grad.tolist()]


def test_a_click_on_an_entry_unfolds_it_into_its_sum(shown: Any) -> None:
    view = shown()
    go_to(view, Kind.BACKWARD, 2, "dense")
    place = symbols(view).index("∂L/∂W₂")
    matrix = view.board.matrices[place]
    spot = matrix.grid.rectangle(1, 2).center().toPoint()
    QTest.mouseClick(matrix.grid.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    unfolding = view.panel.unfolding
    assert unfolding is not None and unfolding.symbol == "∂L/∂W₂[1, 2]"
    assert unfolding.value == view.specimen.network().layers[1].linear.W_grad[1, 2]
    assert view.panel.list.terms.rowCount() == view.specimen.samples
    assert view.panel.words.startswith("Σ = ")
    assert view.board.matrices[symbols(view).index("δ₂")].grid.emphasis.column == 2
    assert view.board.matrices[symbols(view).index("a₁ᵀ")].grid.emphasis.row == 1
    assert "∂L/∂W₂[1, 2] = " in view.words.text


def test_the_keyboard_reaches_an_entry_and_the_order_of_the_terms(shown: Any) -> None:
    view = shown()
    go_to(view, Kind.BACKWARD, 3, "dense")
    grid = view.board.matrices[symbols(view).index("∂L/∂a₂")].grid
    grid.setFocus()
    grid.move_to(0, 0)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        QTest.keyClick(grid, key)
    assert view.panel.unfolding.symbol == "∂L/∂a₂[1, 2]"
    QTest.keyClick(view.panel.order, Qt.Key.Key_Down)
    model, last = view.panel.list.terms, view.panel.list.terms.columnCount() - 1
    terms = [
        float(str(model.data(model.index(row, last), Qt.ItemDataRole.ToolTipRole)).replace("−", "-"))
        for row in range(model.rowCount())
    ]
    assert [abs(term) for term in terms] == sorted((abs(term) for term in terms), reverse=True)
    assert sum(terms) == pytest.approx(view.panel.unfolding.value, rel=1e-12)


def test_columns_turn_formulas_and_shapes_round(shown: Any) -> None:
    view = shown()
    go_to(view, Kind.BACKWARD, 2, "dense")
    rows = {matrix.symbol: matrix.table().values for matrix in view.board.matrices}
    QTest.keyClick(view.bar.convention, Qt.Key.Key_Down)
    assert "∂L/∂a₁ = W₂·δ₂" in view.words.text and "∂L/∂W₂ = a₁·δ₂ᵀ" in view.words.text
    columns = {matrix.symbol: matrix.table().values for matrix in view.board.matrices}
    np.testing.assert_array_equal(columns["δ₂"], rows["δ₂"].T)
    np.testing.assert_array_equal(columns["∂L/∂W₂"], rows["∂L/∂W₂"])


def test_by_layer_takes_all_nodes_of_a_box_at_once_and_stays_where_it_was(shown: Any) -> None:
    view = shown()
    go_to(view, Kind.BACKWARD, 2, "tanh")
    before = view.positions()
    QTest.keyClick(view.bar.stride, Qt.Key.Key_Down)
    assert view.positions() < before and "layer 2 · tanh, dense" in view.words.text
    assert {"∂L/∂a₂", "φ′(z₂)", "δ₂", "W₂ᵀ", "∂L/∂a₁", "∂L/∂W₂", "∂L/∂b₂"} <= set(symbols(view))
    assert "δ₂ = ∂L/∂a₂ ⊙ φ′(z₂) = (δ₃·W₃ᵀ) ⊙ φ′(z₂)" in view.words.text


def test_a_click_on_the_drawing_goes_there_in_the_same_direction(shown: Any, pixels: Any) -> None:
    view = shown()
    view.go(view.positions() - 6)
    assert view.words.text.startswith("backward")
    box = next(i for i, box in enumerate(view.strip.shape.boxes) if box.layer == 3)
    QTest.mouseClick(view.strip, Qt.MouseButton.LeftButton, pos=view.strip.placed.rectangles[box].center().toPoint())
    assert view.words.text.startswith("backward") and "layer 3" in view.words.text
    frame = view.strip.placed.rectangles[box]
    seen = pixels(view.strip)
    row = seen[round(frame.center().y()), max(round(frame.left()) - 4, 0) : round(frame.left()) + 2]
    wanted = phase_color(theme.LIGHT, Kind.BACKWARD).rgb() & 0xFFFFFF
    assert wanted in (row.copy().view(np.uint32).reshape(-1) & 0xFFFFFF)


def test_a_sample_can_be_chosen_but_not_with_batch_norm(shown: Any) -> None:
    view = shown()
    assert view.bar.samples.count() == 9
    QTest.keyClick(view.bar.samples, Qt.Key.Key_Down)
    QTest.keyClick(view.bar.samples, Qt.Key.Key_Down)
    view.finish()
    go_to(view, Kind.FORWARD, 2, "dense")
    table = view.board.matrices[0].table()
    assert table.rows == ("1",)
    np.testing.assert_array_equal(table.values, view.specimen.network([1]).layers[0].output.value)
    coupled = shown({"network.norm": "batch-norm"})
    assert coupled.bar.samples.count() == 1 and "whole batch" in coupled.bar.samples.toolTip()


def test_channels_are_images_or_rows_of_a_matrix(shown: Any) -> None:
    layers = parse_value("network.layers", '[{kind="conv", units=3, kernel=3, padding=1}, {units=4}]')
    view = shown({"network.layers": layers})
    go_to(view, Kind.FORWARD, 1, "conv")
    assert view.bar.pictures.isVisible()
    value = view.specimen.network().layers[0].linear.value.reshape(8, 8, 8, 3)
    view.bar.channel.setCurrentIndex(2)
    view.bar.image.setCurrentIndex(4)
    np.testing.assert_array_equal(view.board.matrices[-1].table().values, value[4, :, :, 2])
    assert view.board.matrices[-1].symbol == "z₁[4]"
    QTest.keyClick(view.bar.look, Qt.Key.Key_Down)
    np.testing.assert_array_equal(view.board.matrices[-1].table().values, value.reshape(8, -1))


def test_it_follows_the_training_until_somebody_steps(shown: Any) -> None:
    view = shown()
    first, later = view.specimen, frame_of({}, steps=5)
    view.draw(later)
    view.finish()
    assert view.walk.specimen is view.specimen is later.details.specimen is not first
    press(view, 1)
    held = view.specimen
    view.draw(frame_of({}, steps=8))
    assert view.specimen is held and view.age.isVisibleTo(view)
    view.renew()
    view.finish()
    assert view.walk.specimen is view.specimen is not held and view.position == 1


def test_the_network_is_run_beside_the_window_and_what_is_seen_stays_until_then(
    shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, free = shown(), threading.Event()
    first, text, complete = view.walk, view.words.text, Recording.complete

    def wait(recording: Recording) -> None:
        assert threading.current_thread() is not threading.main_thread() and free.wait(20.0)
        complete(recording)

    monkeypatch.setattr(Recording, "complete", wait)
    view.draw(frame_of({}, steps=5))
    QTest.qWait(400)
    assert view.walk is first and view.words.text == text and view.late.isVisible()
    # Whoever steps now works on what is seen: the one that is on its way comes too late.
    press(view, 1)
    assert view.specimen is first.specimen and view.position == 1
    free.set()
    view.finish()
    assert view.walk is first and not view.late.isVisible()


def test_a_fresh_view_with_the_same_state_shows_the_same_picture(shown: Any, pixels: Any) -> None:
    view = shown()
    QTest.keyClick(view.bar.stride, Qt.Key.Key_Down)
    view.go(6)
    grid = view.board.matrices[0].grid
    grid.move_to(3, 1)
    QTest.keyClick(grid, Qt.Key.Key_Return)
    other = shown(state=view.choice())
    assert other.choice() == view.choice() and other.position == 6
    assert other.panel.unfolding.symbol == view.panel.unfolding.symbol
    assert {name: t.values.tolist() for name, t in other.tables().items()} == {
        name: t.values.tolist() for name, t in view.tables().items()
    }


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"position": "a"}', '{"position": 1e999}', "null"])
def test_a_state_that_is_none_changes_nothing(shown: Any, text: str) -> None:
    view = shown()
    before = view.choice()
    view.choose(text)
    assert view.choice() == before


def test_a_state_that_does_not_fit_is_taken_as_far_as_it_does(shown: Any) -> None:
    view = shown()
    state = json.loads(view.choice()) | {"position": 10**6, "sample": 999, "entry": ["W₉", 70, 80], "channel": 50}
    view.choose(json.dumps(state))
    assert view.position == view.positions() - 1 and view.board.matrices


@pytest.mark.parametrize("place", [(-1, 0), (0, -9)])
def test_an_entry_before_the_first_is_none_also_when_the_network_is_shown_again(
    shown: Any, place: tuple[int, int]
) -> None:
    view = shown()
    view.choose(json.dumps(json.loads(view.choice()) | {"entry": [view.board.shown[0].symbol, *place]}))
    view.show_specimen(view.specimen)
    assert view.panel.unfolding.symbol


@pytest.mark.parametrize(
    ("size", "look"), [((1160, 800), theme.LIGHT), ((700, 400), theme.DARK)], ids=["large", "small"]
)
def test_nothing_overlaps_and_nothing_is_cut_off(shown: Any, look: theme.Theme, size: tuple[int, int]) -> None:
    view = shown({"network.norm": "layer-norm", "network.skip_every": 2}, size)
    view.retheme(look)
    for by_layer in (0, 1):
        view.bar.stride.setCurrentIndex(by_layer)
        for position in range(view.positions()):
            view.go(position)
            QApplication.processEvents()
            assert (view.width(), view.height()) == size
            matrices = view.board.matrices
            for i, one in enumerate(matrices):
                assert one.minimumSizeHint().height() <= one.height() and one.width() >= 100
                assert one.geometry().right() <= view.board.viewport().width()
                assert not any(one.geometry().intersects(other.geometry()) for other in matrices[:i])


@pytest.mark.parametrize("size", [(1160, 740), (718, 540)], ids=["large", "small"])
def test_no_number_is_cut(shown: Any, size: tuple[int, int]) -> None:
    """Neither of the terms, which else are scrolled to, nor of the entries below the matrices and the sentence."""
    layers = parse_value(
        "network.layers", '[{kind="conv", units=3, kernel=3, padding=1, norm="batch-norm"}, {units=4}]'
    )
    view = shown({"data.name": "digits", "network.layers": layers, "training.precision": "float16"}, size)
    above = set()
    for position in range(view.positions()):
        view.go(position)
        QApplication.processEvents()
        station, terms = view.walk.station(position), view.panel.list
        assert station.words in view.words.text
        for label in (view.words._said, view.words._more):
            if label.isVisible():
                assert label.heightForWidth(label.width()) <= label.height() or not label.wordWrap()
                assert label.wordWrap() or label.sizeHint().width() <= label.width()
        for matrix in view.board.matrices:
            assert matrix._readout.fits(matrix.readout) and matrix._said.fits(matrix._said.text())
        if terms.isVisible():
            above.add(terms.isColumnHidden(0))
            shown_columns = [i for i in range(terms.terms.columnCount()) if not terms.isColumnHidden(i)]
            for column in shown_columns:
                texts = [terms.terms.index(row, column).data() for row in range(terms.terms.rowCount())]
                assert max(map(small_words().width, texts)) + 2 * INSIDE <= terms.columnWidth(column) + 1
            whole = sum(map(terms.columnWidth, shown_columns)) - terms.viewport().width()
            assert whole <= terms.horizontalScrollBar().maximum()
            # It is scrolled to only where there is little room.
            assert whole <= 0 or size[0] < 800
    assert False in above and (True in above or size[0] > 800)


@pytest.mark.parametrize("depth", [1, 300])
def test_one_layer_and_hundreds_are_walked_through(shown: Any, depth: int, colors: Any) -> None:
    view = shown({"network.depth": depth})
    for position in (0, view.positions() // 2, view.positions() - 1):
        view.go(position)
        assert colors(view.strip) > 3 and view.board.matrices


def test_a_diverged_network_is_shown_with_what_is_left_of_it(shown: Any) -> None:
    view = shown({"training.learning_rate": 1e3, "training.loss": "mean-squared-error", "network.activation": "relu"})
    for position in range(view.positions()):
        view.go(position)
    assert view.panel.unfolding is not None


def test_the_tables_have_names_for_files(shown: Any) -> None:
    view = shown()
    go_to(view, Kind.BACKWARD, 2, "dense")
    names = list(view.tables())
    assert names == ["1-delta2", "2-W2T", "3-dL-da1", "4-a1T", "5-delta2", "6-dL-dW2", "7-dL-db2", "terms"]
    assert all(name.isascii() for name in names)


@pytest.fixture
def stepped(window: Any) -> Any:
    """Open the lab with the keyboard and take two steps in it."""
    desk = window()
    desk.press("Ctrl+3")
    dock = desk.window.docks["backprop"]
    dock.raise_()
    desk.until(lambda: dock.in_front and dock.made and dock.view.walk is not None)
    desk.press("Shift+Right")
    desk.press("Shift+Right")
    return desk, dock.view


def test_escape_closes_the_entry_before_it_is_the_windows(stepped: Any) -> None:
    _, view = stepped
    unasked = view.panel.unfolding.symbol
    grid = view.board.matrices[-1].grid
    grid.setFocus()
    grid.move_to(1, 1)
    QTest.keyClick(grid, Qt.Key.Key_Return)
    assert view.panel.unfolding.symbol != unasked
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert view.panel.unfolding.symbol == unasked and view.position == 2


def test_the_keys_of_the_window_step(stepped: Any) -> None:
    desk, view = stepped
    assert view.position == 2
    desk.press("Shift+End")
    assert view.position == view.positions() - 1
    desk.press("Shift+Left")
    desk.press("Shift+Home")
    assert view.position == 0


def test_tab_goes_from_table_to_table_and_escape_closes_what_enter_unfolded(shown: Any) -> None:
    view = shown()
    go_to(view, Kind.FORWARD, 2, "dense")
    grids = [matrix.grid for matrix in view.board.matrices]
    grids[0].setFocus()
    for grid in grids[1:]:
        QTest.keyClick(view.focusWidget(), Qt.Key.Key_Tab)
        assert view.focusWidget() is grid
    QTest.keyClick(grids[-1], Qt.Key.Key_Tab)
    assert view.panel.isAncestorOf(view.focusWidget())
    unasked = view.panel.unfolding.symbol
    grids[-1].move_to(3, 2)
    QTest.keyClick(grids[-1], Qt.Key.Key_Return)
    assert view.panel.unfolding.symbol == "z₂[3, 2]" != unasked
    QTest.keyClick(grids[-1], Qt.Key.Key_Escape)
    assert view.panel.unfolding.symbol == unasked


def test_tables_open_at_their_top_left_and_stay_where_somebody_scrolled(shown: Any) -> None:
    view = shown({"network.width": 30, "training.batch_size": 40})
    go_to(view, Kind.FORWARD, 2, "dense")
    grids = [matrix.grid for matrix in view.board.matrices]
    bars = [bar for grid in grids for bar in (grid.horizontalScrollBar(), grid.verticalScrollBar())]
    assert sum(bar.maximum() > 0 for bar in bars) >= 4 and not any(bar.value() for bar in bars)
    bars[0].setValue(120)
    press(view, 1)
    press(view, -1)
    assert bars[0].value() == 120
