"""Finite differences in the window: choose an entry and a step with keys and mouse, and read what comes of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from lab_kit import frame_of, type_into
from PySide6.QtCore import QPointF, Qt

from gradflow.sim.details import Details
from gradflow.sim.lab.step_curve import STEPS
from gradflow.ui import export
from gradflow.ui.lab.differences import FIRST_STEP, Differences
from gradflow.ui.theme import DARK, LIGHT

PATIENCE_MS = 10_000


@pytest.fixture
def shown(computed: Callable[..., Any]) -> Callable[..., Differences]:
    """Make a view that shows a frame, and has computed it."""
    return partial(computed, "differences")


def test_the_numbers_stand_below_each_other_with_their_differing_digits(shown) -> None:
    view = shown(frame_of())
    exact, forward, central = view.curve.rows.text().splitlines()
    assert exact.startswith("exact ∂L/∂W₁[") and forward.startswith("forward (L(W₁[")
    assert central.split()[-1][:8] == exact.split()[-1][:8]
    assert "best at ε ≈" in view.curve.words.text() and "Measured slopes +1.00 and −" in view.curve.words.text()


def test_an_entry_is_chosen_by_list_and_typed_place(qtbot, shown) -> None:
    view = shown(frame_of())
    view.form.block.setFocus()
    while view.form.block.currentText() != "layer 2: b":
        qtbot.keyClick(view.form.block, Qt.Key.Key_Down)
        view.finish()
    view.finish()
    assert view.study.symbol == "b₂[0]" and "row" not in view.form.place.toolTip()
    type_into(qtbot, view.form.place, "5")
    view.finish()
    assert view.study.symbol == "b₂[5]"
    assert view.study.curve.exact == view.specimen.network().layers[1].linear.b_grad[5]
    type_into(qtbot, view.form.place, "77")
    assert view.form.place.message.isVisible() and view.study.symbol == "b₂[5]"
    assert view.form.place.message.text() == "“77” is no entry of b₂: type a number k from 0 to 7."
    view.draw(frame_of(steps=4))
    view.finish()
    assert view.form.place.text() == "77" and view.form.place.refused
    qtbot.keyClick(view.form.place, Qt.Key.Key_Backspace)
    assert not view.form.place.message.isVisible()


def test_the_loss_of_one_sample_and_its_input(qtbot, shown) -> None:
    view = shown(frame_of())
    view.choose(json.dumps({"entry": ["x", 0, 1], "sample": 4, "step": 30, "printed": False, "layers": False}))
    view.finish()
    assert view.study.symbol == "x[1]" and view.form.sample.currentData() == 4
    assert view.study.curve.exact == view.specimen.network([4]).input.grad[0, 1]


def test_with_batch_norm_only_the_whole_batch_can_be_chosen(shown) -> None:
    view = shown(frame_of({"network.norm": "batch-norm"}))
    assert not view.form.sample.isEnabled() and "whole batch" in view.form.sample.toolTip()
    view.choose(json.dumps({"entry": ["1/gamma", 0, 2], "sample": 3, "step": 30, "printed": False, "layers": False}))
    view.finish()
    assert view.study.symbol == "γ₁[2]"


def test_the_step_follows_slider_keys_and_mouse(qtbot, shown) -> None:
    view = shown(frame_of())
    assert (
        view.position == FIRST_STEP and view.positions() == len(STEPS) and "1.00·10⁻⁵" in view.curve.step_words.text()
    )
    before = view.curve.rows.text()
    view.curve.slider.setFocus()
    qtbot.keyClick(view.curve.slider, Qt.Key.Key_Left)
    assert view.position == FIRST_STEP + 1 and view.curve.rows.text() != before
    view.go(10_000)
    assert view.position == len(STEPS) - 1 and view.curve.slider.value() == 0
    spot = view.curve.plot.view_box.mapViewToScene(QPointF(-3.0, view.curve.plot.decades.low + 1.0))
    qtbot.mouseClick(view.curve.plot.viewport(), Qt.MouseButton.LeftButton, pos=view.curve.plot.mapFromScene(spot))
    assert STEPS[view.position] == pytest.approx(1e-3)


def test_the_slides_slip_has_a_line_a_curve_and_a_sentence(qtbot, shown) -> None:
    view = shown(frame_of())
    qtbot.mouseClick(view.printed, Qt.MouseButton.LeftButton)
    assert "as printed" in view.curve.rows.text() and "/ ε²" in view.curve.rows.text()
    assert "2/ε times the central difference" in view.curve.words.text() and view.curve.plot.decades.high > 8
    view.go(80)
    assert "at ε = 1.00·10⁻¹⁰" in view.curve.words.text()


def test_kinks_are_named_beside_the_number(shown) -> None:
    view = shown(frame_of({"network.activation": "relu"}))
    view.go(0)
    assert "a kink of φ" in view.curve.words.text()


def test_every_layer_is_checked_beside_the_curve_or_in_its_place(qtbot, shown) -> None:
    view = shown(frame_of())
    qtbot.mouseClick(view.check, Qt.MouseButton.LeftButton)
    view.finish()
    assert view.layers.isVisible() and view.curve.isVisible()
    assert set(view.tables()) == {"step-sizes", "layers"} and view.layers.rows.model().rowCount() == 4
    model = view.layers.rows.model()
    assert model.data(model.index(0, 1)) == "agrees to 6 digits"
    assert (
        view.layers.words.text() == "Step 3: 4 layers checked: 4 agree to 6 digits."
        and not view.layers.stop.isVisible()
    )
    assert "parameters, up to 40 of each layer" in view.layers.explained.text()
    view.resize(700, 400)
    # What the keys turn can still be seen.
    assert view.layers.isVisible() and view.curve.slider.isVisible() and not view.curve.plot.isVisible()
    before = view.curve.rows.text()
    view.go(view.position + 8)
    assert view.curve.rows.isVisible() and view.curve.rows.text() != before
    qtbot.mouseClick(view.check, Qt.MouseButton.LeftButton)
    assert view.curve.plot.isVisible() and view.curve.words.isVisible() and "layers" not in view.tables()


@pytest.mark.parametrize("size", [(1150, 740), (700, 400)], ids=["beside the curve", "below the numbers"])
def test_no_verdict_is_cut(qtbot, shown, size: tuple[int, int]) -> None:
    view = shown(frame_of({"init.scale": 0.5, "network.depth": 30}), size=size)
    qtbot.mouseClick(view.check, Qt.MouseButton.LeftButton)
    view.finish()
    rows, model = view.layers.rows, view.layers.rows.model()
    assert "agrees to round-off only" in {model.data(model.index(i, 1)) for i in range(model.rowCount())}
    assert rows.columnViewportPosition(5) + rows.columnWidth(5) <= rows.viewport().width()
    assert rows.columnWidth(1) >= rows.fontMetrics().horizontalAdvance("agrees to round-off only")


def test_the_check_of_a_large_network_fills_in_says_how_far_it_is_and_can_be_given_up(qtbot, shown) -> None:
    frame = frame_of({"network.depth": 30, "network.width": 64, "training.batch_size": 64}, steps=1)
    view = shown(frame, wait=False)
    qtbot.mouseClick(view.check, Qt.MouseButton.LeftButton)
    assert view.layers.words.text() == "running the network …" and view.layers.stop.isVisible()
    qtbot.waitUntil(lambda: view.layers.rows.model().rowCount() > 1, timeout=PATIENCE_MS)
    assert view.layers.words.text().endswith("of 31 …")
    qtbot.mouseClick(view.layers.stop, Qt.MouseButton.LeftButton)
    assert "given up at layer" in view.layers.words.text() and not view.layers.stop.isVisible()
    assert 1 < view.layers.rows.model().rowCount() < 31


def test_the_curve_is_a_table_with_every_digit(shown) -> None:
    view = shown(frame_of())
    table = view.tables()["step-sizes"]
    assert len(table.rows) == len(STEPS) and table.csv().splitlines()[0].startswith(",ε,forward,central")


def test_a_picture_shows_what_the_screen_shows(qtbot, shown, colors) -> None:
    frame = frame_of()
    view = shown(frame)
    view.go(20)
    qtbot.mouseClick(view.printed, Qt.MouseButton.LeftButton)
    other = shown(frame, view.choice())
    assert other.choice() == view.choice() and other.curve.rows.text() == view.curve.rows.text()
    for look in (LIGHT, DARK):
        image = export.picture(frame, "differences", export.Look(look, {"differences": view.choice()}), 1.0)
        assert colors(image) > 50


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"entry": 3}',
        '{"entry": ["1/b", 0, 1], "sample": null, "step": 3}',
        '{"entry": ["x", -1, 2], "sample": -5, "step": "a"}',
    ],
    ids=range(6),
)
def test_a_choice_that_is_none_changes_nothing(shown, text: str) -> None:
    view = shown(frame_of(), text)
    before = view.choice()
    view.choose(text)
    view.finish()
    assert view.choice() == before and view.study


def test_it_follows_the_training_until_somebody_chooses(shown) -> None:
    first, second = frame_of(), frame_of(steps=9)
    view = shown(first)
    view.draw(second)
    view.finish()
    view.finish()
    assert view.study.curve.value == pytest.approx(second.details.specimen.network().loss.loss)
    view.go(30)
    view.draw(first)
    view.finish()
    assert view.specimen is second.details.specimen and view.age.isVisible()


@pytest.mark.parametrize(
    "changes",
    [
        {"network.depth": 1, "network.width": 1},
        {"network.depth": 200, "network.width": 2},
        {"training.precision": "float16"},
        {"training.learning_rate": 1e6},
        {"network.activation": "step"},
        {"init.scheme": "zeros"},
    ],
    ids=lambda changes: "-".join(str(value) for value in changes.values()),
)
def test_awkward_networks_are_shown(shown, changes: dict[str, Any], colors) -> None:
    view = shown(frame_of(changes, steps=2), size=(700, 400))
    assert view.study and colors(view) > 10


def test_what_a_run_in_less_digits_is_compared_with_is_said(shown) -> None:
    assert (
        "The run is in float16; here all is computed in float64."
        in shown(frame_of({"training.precision": "float16"})).curve.words.text()
    )
    assert "float" not in shown(frame_of()).curve.words.text()


def test_without_a_network_it_says_so(shown) -> None:
    frame = frame_of()
    view = shown(dataclasses.replace(frame, details=Details()))
    assert "No network" in view.curve.words.text() and not view.tables()
    view.draw(frame)
    view.finish()
    assert view.study


def test_a_sample_of_any_size_is_taken_as_the_last_there_is(shown: Any) -> None:
    state = {"entry": ["1/b", 0, 0], "sample": 10**30, "step": 30, "printed": False, "layers": False}
    view = shown(frame_of(), json.dumps(state))
    assert view.study is not None and view.study.block.key == "1/b"
    assert view.study.curve.complete and view.state()["sample"] < 1000
