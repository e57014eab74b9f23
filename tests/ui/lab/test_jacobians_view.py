"""The chain rule as matrices, used with keys and mouse: what is seen is what the network's backprop gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt

from gradflow.sim.config import Experiment, edit
from gradflow.sim.details import Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.pause import breathe
from gradflow.sim.run import Run
from gradflow.ui import export
from gradflow.ui.export import Look
from gradflow.ui.lab.background import Background
from gradflow.ui.lab.factor_strip import CELL, POINT, FactorStrip
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.view import VIEWS

SMALL = {
    "data.name": "two-moons",
    "data.samples": 60,
    "network.depth": 3,
    "network.width": 6,
    "training.batch_size": 8,
}
LARGE = {"network.depth": 2, "network.width": 512}


def frame_of(changes: dict[str, Any] | None = None, steps: int = 3) -> Frame:
    """Return a frame of a small network with what the lab takes apart."""
    run = Run(edit(Experiment(), SMALL | (changes or {})))
    for _ in range(steps):
        run.advance()
    run.measure({Want.SPECIMEN})
    return run.frame(State.PAUSED)


@pytest.fixture
def shown(qtbot, qapp):
    """Show a frame in the view."""
    views = []

    def show(frame: Frame, size: tuple[int, int] = (1144, 760), state: dict[str, Any] | None = None):
        view = VIEWS["jacobians"].part()
        views.append(view)
        qtbot.addWidget(view)
        view.retheme(LIGHT)
        view.resize(*size)
        if state:
            view.choose(json.dumps(state))
        with qtbot.waitExposed(view):
            view.show()
        view.reset(frame.topology)
        view.draw(frame)
        view.finish()
        qapp.processEvents()
        return view

    yield show
    for view in views:
        view.close()


def state_of(**changes: Any) -> dict[str, Any]:
    usual = {
        "sample": 0,
        "from": "x",
        "to": "L",
        "at": "every node",
        "example": False,
        "taken": 0,
        "direction": "reverse order",
        "convention": "rows",
        "what": "product",
        "place": 0,
        "entry": None,
    }
    return usual | changes


def gradient(frame: Frame, sample: int = 0) -> np.ndarray:
    """Return ∂L/∂x of one sample as the engine has it."""
    assert frame.details.specimen
    return frame.details.specimen.network([sample]).input.grad[0]


def values(view) -> np.ndarray:
    """Return the matrix that is on screen."""
    return view.page.matrices.product.table().values


def pick(qtbot, box, words: str) -> None:
    """Choose an entry of a list with the keyboard."""
    box.setFocus()
    here, there = box.currentIndex(), box.findText(words)
    assert there >= 0
    for _ in range(abs(there - here)):
        qtbot.keyClick(box, Qt.Key.Key_Down if there > here else Qt.Key.Key_Up)
        box.activated.emit(box.currentIndex())


def test_it_opens_on_the_gradient_of_the_loss_at_the_input(shown) -> None:
    frame = frame_of()
    view = shown(frame)
    np.testing.assert_allclose(values(view)[0], gradient(frame), rtol=1e-12)
    assert view.page.equation.text().startswith("∂L/∂x = ∂L/∂z₄ · W₄ᵀ · diag(φ′(z₃))")
    assert view.page.shapes.text().startswith("(1, 2) = (1, 1) · (1, 6) · (6, 6)")
    assert "the product of 8 factors is off by" in view.page.words.text()
    assert view.positions() == 9 and view.position == 8 and view.choices.place.text() == "all 8 at once"


def test_stepping_lets_the_product_grow_from_the_output_back(shown, qtbot) -> None:
    frame = frame_of()
    view = shown(frame)
    seen = []
    view.moved.connect(lambda: seen.append(view.position))
    view.go(0)
    assert view.page.equation.text() == "δ₄ = ∂L/∂z₄" and not view.choices.back.isEnabled()
    assert "1 of 8 factors, nothing multiplied yet" in view.page.words.text()
    for _ in range(7):
        qtbot.mouseClick(view.choices.on, Qt.MouseButton.LeftButton)
    assert seen == list(range(8)) and view.choices.place.text() == "8 of 8"
    counts = dict(view.page.facts.bars.counts)
    assert f"all 8 factors, {counts['reverse order']} multiplications" in view.page.words.text()
    np.testing.assert_allclose(values(view)[0], gradient(frame), rtol=1e-10)
    view.choices.slider.setValue(1)
    assert view.page.words.text().startswith("2 of 8 factors, 6 multiplications so far")
    assert view.page.equation.text() == "∂L/∂a₃ = ∂L/∂z₄ · W₄ᵀ"
    assert view.page.shapes.text() == "(1, 6) = (1, 1) · (1, 6)"
    left, right = (matrix.table().values for matrix in (view.page.matrices.left, view.page.matrices.right))
    np.testing.assert_allclose(left @ right, values(view), rtol=1e-12)
    view.go(99)
    assert view.position == 8, "the whole at once"
    view.go(-1)
    assert view.position == 0


def test_what_is_asked_for_is_chosen_with_the_keyboard(shown, qtbot) -> None:
    view = shown(frame_of())
    pick(qtbot, view.choices.target, "z₃")
    assert view.page.matrices.product.symbol == "∂z₃/∂x" and values(view).shape == (6, 2)
    pick(qtbot, view.choices.source, "z₂")
    assert view.page.equation.text() == "∂z₃/∂z₂ = W₃ᵀ · diag(φ′(z₂))"
    pick(qtbot, view.choices.stops, "z to z")
    assert view.positions() == 1 and view.choices.place.text() == "one factor"
    assert not view.page.facts.bars.isVisible()


def test_columns_turn_every_matrix_and_every_product_round(shown, qtbot) -> None:
    view = shown(frame_of(), state=state_of(taken=4, entry=[0, 2]))
    before = values(view)
    assert view.page.equation.text() == "∂L/∂a₂ = ∂L/∂z₃ · W₃ᵀ" and view.page.sum.isVisible()
    assert view.page.sum.formula.text() == "∂L/∂a₂[2] = Σᵣ ∂L/∂z₃[r] · ∂z₃[r]/∂a₂[2]"
    pick(qtbot, view.bar.convention, "gradients are columns")
    np.testing.assert_array_equal(values(view), before.T)
    assert view.page.equation.text() == "∂L/∂a₂ = W₃ · ∂L/∂z₃"
    assert view.page.shapes.text() == "(6, 1) = (6, 6) · (6, 1)"
    assert view.page.sum.formula.text() == "∂L/∂a₂[2] = Σᵣ ∂z₃[r]/∂a₂[2] · ∂L/∂z₃[r]"
    strip = view.page.strip
    assert strip.rectangle(7).left() > strip.rectangle(0).left()
    assert view.caption() == f"sample 0, gradients are {Convention.COLUMNS}"
    # The entry is the same number, whoever turns the convention.
    view.agree({"convention": "rows"})
    view.take_agreed()
    assert view.page.sum.formula.text() == "∂L/∂a₂[2] = Σᵣ ∂L/∂z₃[r] · ∂z₃[r]/∂a₂[2]"


def test_a_click_on_an_entry_unfolds_it_into_its_sum(shown, qtbot) -> None:
    view = shown(frame_of(), state=state_of(taken=4))
    grid = view.page.matrices.product.grid
    spot = grid.rectangle(0, 2).center().toPoint()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert view.page.sum.isVisible()
    assert view.page.sum.formula.text() == "∂L/∂a₂[2] = Σᵣ ∂L/∂z₃[r] · ∂z₃[r]/∂a₂[2]"
    terms = view.page.sum.grid.values
    np.testing.assert_allclose(terms[0] * terms[1], terms[2])
    assert terms[3, -1] == pytest.approx(values(view)[0, 2], rel=1e-12)
    assert set(view.tables()) == {"matrix", "sum", "multiplications"}
    qtbot.keyClick(grid, Qt.Key.Key_Escape)
    assert not view.page.sum.isVisible()


def test_a_click_on_a_factor_shows_it_and_one_below_shows_its_point(shown, qtbot) -> None:
    frame = frame_of()
    view = shown(frame)
    strip: FactorStrip = view.page.strip
    picked = []
    view.picked.connect(lambda layer, step: picked.append((layer, step)))
    cell = strip.rectangle(2)
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(int(cell.left() + CELL / 2), 30))
    assert view.page.equation.text() == "∂z₂/∂a₁ = W₂ᵀ" and picked == [(2, None)]
    assert view.page.words.text() == "the weights themselves, whatever the input is; evaluated at a₁ = tanh(z₁)"
    network = frame.details.specimen.network([0])
    np.testing.assert_allclose(values(view), network.layers[1].linear.W.T, rtol=1e-12)
    spot = QPoint(int(cell.left() + CELL / 2), int(POINT) + 6)
    qtbot.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert view.page.equation.text() == "a₁ = tanh(z₁)"
    np.testing.assert_allclose(values(view)[0], network.layers[0].activate.value[0], rtol=1e-12)


def test_the_arrow_keys_walk_over_the_factors(shown, qtbot) -> None:
    view = shown(frame_of())
    strip = view.page.strip
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert view.page.equation.text() == "δ₄ = ∂L/∂z₄"
    for _ in range(2):
        qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert view.page.equation.text() == "∂a₃/∂z₃ = diag(φ′(z₃))"
    assert view.page.facts.facts.text().count("diagonal")
    qtbot.keyClick(strip, Qt.Key.Key_Down)
    assert view.page.equation.text().startswith("z₃ = a₂·W₃ + b₃")
    qtbot.keyClick(strip, Qt.Key.Key_Escape)
    assert view.page.equation.text().startswith("∂L/∂x = ")


def test_a_layer_that_is_chosen_elsewhere_comes_into_sight(shown) -> None:
    view = shown(frame_of({"network.depth": 15}))
    strip = view.page.strip
    assert strip.rectangle(4).left() > strip.width()
    view.select(3)
    assert 0 <= strip.rectangle(4).left() <= strip.width() - CELL and strip.layer == 3


def test_costs_are_counted_for_this_chain(shown) -> None:
    view = shown(frame_of())
    counts = dict(view.page.facts.bars.counts)
    # 2 → 6 → 6 → 6 → 6 → 6 → 6 → 1 → 1, multiplied out by hand.
    assert counts["forward order"] == 2 * (5 * 36 + 6 + 1)
    assert counts["reverse order"] == 6 + 5 * 36 + 12
    assert counts["reverse, φ′ entry by entry"] == 6 + 2 * 36 + 3 * 6 + 12
    assert "Reverse wins" in view.page.facts.why.text()
    assert view.tables()["multiplications"].values[0, 0] == counts["forward order"]


def test_it_follows_the_training_until_somebody_steps(shown) -> None:
    run = Run(edit(Experiment(), SMALL))
    run.advance()
    run.measure({Want.SPECIMEN})
    view = shown(run.frame(State.PAUSED))
    first = values(view)
    run.advance()
    run.measure({Want.SPECIMEN})
    view.draw(run.frame(State.PAUSED))
    view.finish()
    second = values(view)
    assert not np.array_equal(first, second)
    view.go(8)
    run.advance()
    run.measure({Want.SPECIMEN})
    view.draw(run.frame(State.PAUSED))
    np.testing.assert_allclose(values(view), second, rtol=1e-10)
    assert view.age.isVisible()
    view.renew()
    view.finish()
    assert not np.allclose(values(view), second)


def test_another_sample_has_other_numbers(shown, qtbot) -> None:
    frame = frame_of()
    view = shown(frame)
    pick(qtbot, view.bar.sample, "sample 2")
    np.testing.assert_allclose(values(view)[0], gradient(frame, 2), rtol=1e-12)


def test_three_small_functions_can_be_checked_by_hand(shown, qtbot) -> None:
    view = shown(frame_of())
    pick(qtbot, view.bar.sample, "example t, g, f")
    assert view.page.equation.text() == "∂f/∂x = ∇f · ∇g · ∇t"
    assert view.page.shapes.text() == "(1, 2) = (1, 2) · (2, 3) · (3, 2)"
    np.testing.assert_array_equal(values(view), [[20.0, 5.0]])
    strip = view.page.strip
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert view.page.equation.text() == "∂f/∂g = ∇f"
    assert view.page.words.text() == "outer gradients, at g(t(x)); evaluated at g(t) = (t₀ + t₁, t₁·t₂)"
    pick(qtbot, view.bar.convention, "gradients are columns")
    assert view.page.shapes.text() == "" and values(view).shape == (2, 1)
    qtbot.keyClick(strip, Qt.Key.Key_Escape)
    assert view.page.equation.text() == "∂f/∂x = ∇t · ∇g · ∇f"
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert shown(frame_of(), state=json.loads(view.choice())).page.equation.text() == "∂f/∂g = ∇f"


def test_batch_norm_says_what_is_held_and_whose_loss_it_is(shown, qtbot) -> None:
    """L is the batch's loss, whose gradient goes through the batch's mean and σ as well: this is another one."""
    view = shown(frame_of({"network.norm": "batch-norm"}))
    assert "held" in view.remark.text() and view.remark.isVisible()
    assert view.page.equation.text().startswith("∂ℓ/∂x = ∂ℓ/∂z₄ · ") and "diag(γ₁/σ₁)" in view.page.equation.text()
    view.go(0)
    assert view.page.equation.text() == "∂ℓ/∂z₄"


def test_large_layers_are_worked_out_off_the_windows_thread(shown, qtbot) -> None:
    view = shown(frame_of(LARGE, steps=0), state=state_of(**{"from": "a₁", "to": "z₂"}))
    assert values(view).shape == (512, 512) and not view.work.quick
    qtbot.waitUntil(lambda: "512 of 512" in view.page.facts.facts.text(), timeout=10_000)


def test_products_in_forward_order_are_worked_out_off_the_windows_thread(shown, qtbot) -> None:
    state = state_of(**{"from": "z₁", "to": "z₃", "taken": 3})
    view = shown(frame_of({"network.depth": 3, "network.width": 256}, steps=0), state=state)
    pick(qtbot, view.choices.direction, "forward order")
    assert view.choices.place.text() == "working …"
    qtbot.waitUntil(lambda: view.choices.place.text() == "3 of 4", timeout=10_000)
    assert view.page.equation.text() == "∂a₂/∂z₁ = diag(φ′(z₂)) · ∂z₂/∂z₁" and values(view).shape == (256, 256)


def test_work_that_breathes_is_given_up_at_once(qtbot) -> None:
    begun, background = threading.Event(), Background()

    def endless() -> Iterator[None]:
        yield
        while True:
            begun.set()
            breathe()

    background.run(endless)
    assert begun.wait(5.0)
    background.stop()
    assert not background.busy


def test_what_is_larger_is_cut_and_says_so(shown) -> None:
    view = shown(frame_of({"network.depth": 1, "network.width": 600}, steps=0), state=state_of(to="z₁"))
    assert values(view).shape == (512, 2)
    assert "of which the first 512 × 2 are shown" in view.page.reading.shape


def test_what_has_too_many_numbers_says_so_and_stays_usable(shown, qtbot) -> None:
    frame = frame_of({"network.depth": 1, "network.width": 4200}, steps=0)
    view = shown(frame)
    assert "Choose points closer to each other" in view.remark.text() and view.positions() == 1
    np.testing.assert_allclose(values(view)[0], gradient(frame), rtol=1e-12)
    pick(qtbot, view.choices.target, "z₁")
    view.finish()
    assert view.page.isVisible() and view.remark.text() == ""
    view.choose(json.dumps(state_of(**{"from": "z₁", "to": "a₁"})))
    view.finish()
    assert not view.page.isVisible() and view.choices.isVisible()


@pytest.mark.parametrize("size", [(1144, 760), (684, 360)], ids=str)
def test_everything_has_room(shown, qapp, size: tuple[int, int]) -> None:
    view = shown(frame_of(), size, state_of(taken=4, entry=[0, 1]))
    page = view.page
    assert page.minimumSizeHint().width() <= page.width() and page.width() <= size[0]
    for part in (page.strip, page.equation, page.words, page.matrices, page.facts, page.sum):
        assert not part.isVisible() or page.rect().contains(part.geometry()), part
    assert page.sum.isVisible()
    assert page.matrices.isVisible() is (size[1] > 400)


def test_its_state_is_a_text_and_a_picture_is_drawn_with_it(shown, tmp_path) -> None:
    frame = frame_of()
    view = shown(frame, state=state_of(taken=3, entry=[0, 1], **{"from": "a₁"}))
    again = shown(frame, state=json.loads(view.choice()))
    assert again.choice() == view.choice()
    np.testing.assert_array_equal(values(again), values(view))
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        look = Look(theme, {"jacobians": view.choice()})
        export.write_picture(frame, "jacobians", tmp_path / f"{name}.png", look, 1.0)
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(sorted(state_of())),
        st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(-9, 9), max_size=3)),
    )
)
def test_no_state_is_too_odd(shown, changes: dict[str, Any]) -> None:
    view = getattr(test_no_state_is_too_odd, "view", None)
    if view is None:
        view = test_no_state_is_too_odd.view = shown(frame_of())
    view.choose(json.dumps(state_of() | changes))
    view.finish()
    assert view.page.isVisible() and np.isfinite(values(view)).all()


def test_a_network_that_is_no_more_is_let_go(shown) -> None:
    frame = frame_of()
    view = shown(frame, state=state_of(taken=5))
    view.reset(frame.topology)
    assert "Waiting" in view.remark.text() and not view.page.isVisible()
    assert view.positions() == 1 and view.tables() == {}
    view.draw(frame_of({"network.depth": 1}))
    view.finish()
    assert view.position <= view.positions() - 1


def test_numbers_that_are_none_are_shown(shown) -> None:
    changes = {"init.scale": 1e6, "network.activation": "leaky-relu", "network.depth": 60}
    view = shown(frame_of(changes, steps=1), state=state_of(to="z₆₁"))
    assert "not finite" in view.page.facts.facts.text()


def test_the_window_steps_it_with_shift_and_the_arrow_keys(window) -> None:
    desk = window({"network.depth": 3})
    desk.press("Ctrl+3")
    dock = next(dock for dock in desk.window.docks.values() if dock.name == "jacobians")
    dock.raise_()
    desk.until(lambda: dock.made and dock.view.answer is not None)
    desk.press("Shift+Home")
    desk.press("Shift+Right")
    desk.press("Shift+Right")
    assert dock.view.position == 2 and "3 of 8" in dock.view.choices.place.text()
    desk.press("Shift+Home")
    assert dock.view.position == 0
    # Esc closes what is open before it means anything to the window.
    desk.press("Shift+End")
    grid = dock.view.page.matrices.product.grid
    desk.press("Return", on=grid)
    desk.until(dock.view.page.sum.isVisible)
    desk.press("Esc", on=grid)
    assert not dock.view.page.sum.isVisible()
