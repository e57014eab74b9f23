"""The number table: what a person at it sees, by keys and by mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gradflow.ui import theme
from gradflow.ui.lab.matrix import Matrix
from gradflow.ui.lab.matrix_cells import NOT_FINITE, Notation, color_table, places, reach


@pytest.fixture
def matrix(qtbot: Any, qapp: Any) -> Callable[..., Matrix]:
    def make(values: Any, size: tuple[int, int] = (400, 300), **names: Any) -> Matrix:
        made = Matrix("weights", "W₃")
        qtbot.addWidget(made)
        made.resize(*size)
        made.show()
        made.show_values(values, **names)
        qtbot.waitExposed(made)
        QApplication.processEvents()
        return made

    return make


def middle(made: Matrix, row: int, column: int) -> QPoint:
    return made.grid.rectangle(row, column).center().toPoint()


def test_it_says_its_symbol_its_shape_and_the_entry_at_the_cursor_with_all_digits(matrix: Any) -> None:
    values = np.arange(12.0).reshape(3, 4) / 7.0
    made = matrix(values)
    assert made.grid.accessibleName() == "W₃ (3, 4) weights"
    QTest.keyClick(made.grid, Qt.Key.Key_Down)
    QTest.keyClick(made.grid, Qt.Key.Key_Right)
    assert made.grid.here == (1, 1) and made.readout == f"W₃[1, 1] = {5.0 / 7.0!r}"
    assert made.grid.accessibleDescription() == made.readout
    QTest.keyClick(made.grid, Qt.Key.Key_End)
    QTest.keyClick(made.grid, Qt.Key.Key_Right)
    assert made.grid.here == (1, 3)


def test_enter_and_a_click_choose_an_entry_and_a_drag_does_not(matrix: Any, qtbot: Any) -> None:
    made = matrix(np.random.default_rng(0).normal(size=(20, 20)))
    chosen: list[tuple[int, int]] = []
    made.entry_clicked.connect(lambda row, column: chosen.append((row, column)))
    QTest.keyClick(made.grid, Qt.Key.Key_Return)
    port = made.grid.viewport()
    QTest.mouseClick(port, Qt.MouseButton.LeftButton, pos=middle(made, 2, 3))
    assert chosen == [(0, 0), (2, 3)]
    QTest.mousePress(port, Qt.MouseButton.LeftButton, pos=middle(made, 4, 5))
    QTest.mouseMove(port, middle(made, 1, 3))
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, pos=middle(made, 1, 3))
    assert len(chosen) == 2 and made.grid.verticalScrollBar().value() > 0


def test_the_mouse_reads_out_without_a_click(matrix: Any) -> None:
    made = matrix(np.arange(6.0).reshape(2, 3))
    QTest.mouseMove(made.grid.viewport(), middle(made, 1, 2))
    assert made.readout == "W₃[1, 2] = 5" and made.grid.here == (0, 0)


def test_a_large_matrix_is_a_picture_first_and_numbers_after_a_zoom_around_the_mouse(matrix: Any) -> None:
    made = matrix(np.random.default_rng(0).normal(size=(512, 512)))
    assert not made.grid.numbered and made.grid.cell[0] * 512 <= 400
    spot = middle(made, 300, 200)
    turn = QWheelEvent(
        QPointF(spot),
        made.grid.viewport().mapToGlobal(QPointF(spot)),
        QPoint(),
        QPoint(0, 120 * 20),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(made.grid.viewport(), turn)
    assert made.grid.numbered
    row, column = made.grid.entry_at(QPointF(spot))
    assert abs(row - 300) <= 1 and abs(column - 200) <= 1
    QTest.keyClick(made.grid, Qt.Key.Key_0)
    assert not made.grid.numbered


def test_the_same_shape_keeps_the_place_another_one_begins_anew(matrix: Any) -> None:
    made = matrix(np.zeros((40, 40)))
    made.move_to(30, 30)
    scrolled = made.grid.verticalScrollBar().value()
    made.show_values(np.ones((40, 40)))
    assert (made.grid.here, made.grid.verticalScrollBar().value()) == ((30, 30), scrolled)
    made.show_values(np.ones((3, 3)))
    assert made.grid.here == (0, 0)


def test_what_is_not_finite_has_the_colour_of_errors(matrix: Any, pixels: Any) -> None:
    values = np.array([[1.0, np.nan, -1.0], [np.inf, 0.0, -np.inf]])
    assert places(values, reach(values)).tolist() == [[255, NOT_FINITE, 0], [NOT_FINITE, 128, NOT_FINITE]]
    made = matrix(values, (300, 140))
    for look in (theme.LIGHT, theme.DARK):
        made.retheme(look)
        seen = pixels(made.grid.viewport())
        spot = made.grid.rectangle(0, 1).topLeft().toPoint() + QPoint(3, 3)
        assert int(seen[spot.y(), spot.x()].copy().view(np.uint32)[0]) == int(color_table(look)[NOT_FINITE])


@pytest.mark.parametrize("limit", [5e-324, 1e-310, 1e-5, 0.0, 3.0, 1e300, 1.7e308])
def test_colours_and_numbers_span_all_sizes(limit: float) -> None:
    values = np.array([[limit, -limit, 0.0, limit / 2]])
    with np.errstate(all="raise", under="ignore"):
        found = places(values, reach(values))[0].tolist()
    assert found[:3] == ([255, 0, 128] if limit else [128, 128, 128])
    text = Notation.fit(limit).write(limit, 40.0)
    assert len(text) <= 5 and "e" not in text


def test_all_shapes_are_shown(matrix: Any, colors: Any) -> None:
    for shape in ((1, 1), (1, 200), (200, 1), (7,), (2000, 3), (0, 0)):
        made = matrix(np.random.default_rng(0).normal(size=shape), (300, 200))
        assert colors(made) > (1 if made.grid.values.size else 0)


def test_its_table_has_the_same_numbers_and_names(matrix: Any) -> None:
    values = np.random.default_rng(0).normal(size=(2, 2))
    table = matrix(values, rows=["left", "right"], columns=["x", "y"], words="(2, 2)").table()
    assert table.title == "W₃ (2, 2) weights" and table.rows == ("left", "right")
    np.testing.assert_array_equal(table.values, values)
