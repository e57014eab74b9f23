"""The autograd sandbox as a person sees and uses it."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QAbstractScrollArea, QPushButton, QWidget

from gradflow.sim.details import EVERYTHING
from gradflow.sim.frame import State
from gradflow.sim.lab.label_places import overlap
from gradflow.sim.lab.sandbox_examples import beginning, examples
from gradflow.sim.run import Run
from gradflow.ui.export import Look as PictureLook
from gradflow.ui.export import picture
from gradflow.ui.lab.autograd import AutogradView
from gradflow.ui.lab.camera import Mode
from gradflow.ui.lab.dag_paint import on_bend
from gradflow.ui.lab.dag_scene import Look
from gradflow.ui.lab.inputs_table import ASKS, DIRECTION, VALUE
from gradflow.ui.theme import DARK, LIGHT
from gradflow.ui.view import VIEWS

EXAMPLES = {example.name: beginning(example) for example in examples()}


def of_example(name: str, **more: object) -> str:
    """Return the choice of a view that shows an example."""
    return json.dumps({"text": EXAMPLES[name].text, "seed": EXAMPLES[name].seed, **more})


def tangle(nodes: int, reach: int = 30) -> str:
    """Return a program of so many nodes that read what was computed shortly before."""
    rng = np.random.default_rng(nodes)
    lines = [f"v{i} = {rng.normal():.2f}" for i in range(12)]
    for i in range(12, nodes):
        one, other = (max(0, i - int(k)) for k in rng.integers(1, reach, 2))
        lines.append(f"v{i} = " + [f"v{one} + v{other}", f"v{one} * v{other}", f"tanh(v{one})"][i % 3])
    return "\n".join(lines)


@pytest.fixture
def shown(qtbot, qapp):
    """Make a view on screen."""
    views = []

    def show(choice: str = "", size: tuple[int, int] = (1160, 800)) -> AutogradView:
        made = VIEWS["autograd"].part()
        qtbot.addWidget(made)
        views.append(made)
        made.resize(*size)
        with qtbot.waitExposed(made):
            made.show()
        if choice:
            made.choose(choice)
        # No blinking cursor in the text.
        made.bar.slider.setFocus()
        return made

    yield show
    for view in views:
        view.stop()


def write(view: AutogradView, text: str) -> None:
    """Replace the program as pasting does."""
    view.side.editor.text.selectAll()
    view.side.editor.text.insertPlainText(text)
    come_to_rest(view)


def come_to_rest(view: AutogradView) -> None:
    """Let the pause in the typing pass, if the view waits for one."""
    if view._pause.isActive():
        view._pause.timeout.emit()


def box(view: AutogradView, label: str) -> int:
    """Return in which box of the drawing a node is."""
    return view.canvas.drawing.boxes[view.desk.opened.sandbox.find(label)]


def card(view: AutogradView, label: str) -> list[str]:
    """Return what stands in a box, row by row."""
    rows = view.canvas.scene.cards[box(view, label)].rows
    return [f"{row.words} {'; '.join(' '.join(cells) for cells in row.cells)}".strip() for row in rows]


def wire(view: AutogradView, source: str, target: str):
    """Return an edge of the drawing."""
    ends = box(view, source), box(view, target)
    return next(wire for wire in view.canvas.scene.wires if (wire.source, wire.target) == ends)


# Typing.


def test_the_first_look_is_the_lectures_graph_with_its_values(shown):
    view = shown()
    assert card(view, "z1") == ["−6"]
    assert card(view, "f") == ["−4"]
    assert view.canvas.scene.cards[view.desk.opened.sandbox.find("z1")].symbol == "×"


def test_the_graph_is_drawn_as_typed(shown, qtbot):
    view = shown()
    view.side.editor.text.selectAll()
    qtbot.keyClicks(view.side.editor.text, "f = x*y")
    come_to_rest(view)
    assert [c.title for c in view.canvas.scene.cards] == ["x", "y", "f"]
    qtbot.keyClicks(view.side.editor.text, " + y")
    come_to_rest(view)
    assert len(view.canvas.scene.cards) == 4
    assert not view.side.editor.reason.isVisible()


def test_an_error_is_underlined_with_a_sentence_and_the_last_good_graph_stays(shown):
    view = shown()
    write(view, "x = 2\nf = tanh(x) * foo(3)")
    editor = view.side.editor
    assert editor.reason.isVisible()
    assert editor.reason.text().startswith("Line 2, column 15: there is no function foo")
    (mark,) = editor.text.extraSelections()
    assert mark.cursor.selectedText() == "foo"
    assert view.canvas.scene.stale
    assert card(view, "z1") == ["−6"]
    write(view, "x = 2\nf = tanh(x)")
    assert not editor.reason.isVisible()
    assert editor.text.extraSelections() == []
    assert not view.canvas.scene.stale


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("foo(3)", "there is no function foo; there are 29, such as exp, tanh, sum and maximum"),
        ("ReLU(3)", "there is no function ReLU; did you mean relu"),
        ("norm(3)", "there is no function norm; write sqrt(sum(x*x))"),
    ],
)
def test_a_function_that_there_is_not_is_said_in_a_line_or_two_and_all_are_in_a_menu(shown, call, words):
    view = shown()
    write(view, f"f = {call}")
    assert words in view.side.editor.reason.text()
    assert len(view.side.editor.reason.text()) < 120
    menu = view.language.menu
    written = [action.text() for action in menu.actions()]
    assert "relu(x)" in written
    assert "where(x > 0, y, z)" in written
    write(view, "f = ")
    menu.actions()[written.index("relu(x)")].trigger()
    assert view.desk.choices.text == "f = relu(x)"


def test_one_number_has_as_many_digits_everywhere(shown):
    view = shown(json.dumps({"text": "z = [0.83991, 2]\nf = sum(tanh(-z))", "position": 99}))
    view.canvas.node_chosen.emit(0)
    assert card(view, "z")[0] == "0.8399; 2"
    assert ">0.8399<" in view.side.node.label.text()
    assert "0.83" not in view.side.node.label.text().replace("0.8399", "")


def test_what_was_typed_is_repeated_letter_by_letter(shown):
    view = shown()
    view.side.editor.text.setPlainText("x y<b>z</b>")
    reason = view.side.editor.reason
    assert "<b>" in reason.text()
    assert reason.textFormat() is view.sentence.textFormat() is Qt.TextFormat.PlainText


def test_a_text_too_long_for_any_program_is_not_pasted(shown):
    """Laying out a line of megabytes would hold the window for minutes."""
    view = shown()
    before, data = view.desk.choices.text, QMimeData()
    data.setText("x" * 3_000_000)
    view.side.editor.text.insertFromMimeData(data)
    assert view.desk.choices.text == before
    assert "the program would have 3,000,237 characters, the most are 20,000" in view.side.editor.reason.text()
    view.choose(json.dumps({"text": "x" * 30_000}))
    assert view.desk.choices.text == before


def test_undo_brings_back_what_an_example_has_replaced(shown, qtbot):
    view = shown()
    write(view, "f = a*b")
    view.language.examples.activated.emit(2)
    assert view.desk.choices.text == EXAMPLES["reuse"].text
    view.side.editor.text.undo()
    assert view.desk.choices.text == "f = a*b"


def test_a_slow_program_waits_until_the_typing_pauses(shown, qtbot):
    view = shown()
    write(view, tangle(300))
    view._seconds = 1.0
    view.side.editor.text.selectAll()
    view.side.editor.text.insertPlainText("f = x")
    assert len(view.canvas.scene.cards) > 299
    qtbot.waitUntil(lambda: len(view.canvas.scene.cards) == 1, timeout=5000)


WORDS = ["f", "=", "x", "*", "tanh(", ")", "[", "]", "1", "\n", "with no_grad():\n ", "detach(", "@", "**", "9" * 400]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="xyzf =*+-/()[]@,.\n:0123456789#'\"\\\t", max_size=80),
    st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
)


@pytest.fixture(scope="module")
def one_view(qapp):
    """One view for many texts."""
    made = VIEWS["autograd"].part()
    made.resize(900, 600)
    made.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    made.show()
    yield made
    made.close()
    made.deleteLater()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_any_text_gives_a_graph_or_a_sentence(one_view, text):
    view = one_view
    write(view, text)
    for position in (0, view.positions() // 2, view.positions()):
        view.go(position)
    view.canvas.repaint()
    words = view.side.editor.reason.text()
    assert bool(words) == view.desk.stale
    assert "Traceback" not in words
    assert "\n" not in words


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30))
def test_any_text_beside_the_program_gives_a_number_or_a_sentence(one_view, text):
    view = one_view
    write(view, "f = tanh(w @ x) * s\ns = 2")
    write(view, "s = 2\nf = tanh(w * x) * s * [1, 2]")
    view._edit_input("x", VALUE, text)
    view._edit_input("s", VALUE, text)
    view._edit_input("w", DIRECTION, text)
    view._change(seed=text)
    view.study.move_entry(text)
    view.study.move_entry(f"w[{text}]")
    for page in ("Backward", "Forward", "Differences", "Node"):
        view.side.show_page(page)
        view.stop()


STATES = st.dictionaries(
    st.sampled_from(["text", "values", "plain", "direction", "output", "order", "position", "grads", "look", "page"]),
    st.one_of(st.text(max_size=9), st.integers(), st.floats(), st.lists(st.floats(), max_size=4), st.none()),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=STATES)
def test_any_state_is_taken_or_left(one_view, state):
    one_view.choose(json.dumps({"text": "f = x*y", **state}))
    one_view.choose(json.dumps(state))
    one_view.choose(str(state))
    one_view.canvas.repaint()


# Stepping.


def test_backward_shows_local_derivatives_and_gradients_as_they_come(shown):
    view = shown(of_example("lecture", position=5))
    assert wire(view, "z1", "f").look is Look.NOW
    assert wire(view, "z1", "f").labels == ("1",)
    assert wire(view, "x1", "z1").labels == ()
    assert card(view, "z1") == ["−6", "∂f/∂z1 1"]
    view.go(7)
    assert wire(view, "x1", "z1").labels == ("x2 = −3", "−3")
    assert card(view, "x1") == ["2", "∂f/∂x1 −3"]
    view.go(0)
    assert card(view, "z1") == []
    assert "inputs are given" in view.sentence.text()


def test_a_reused_node_shows_its_sum(shown):
    view = shown(of_example("reuse", position=8))
    assert card(view, "z")[-1] == "∂f/∂z 0.5403 + 1 + 1; = 2.54"
    view.go(7)
    assert card(view, "z")[-1] == "∂f/∂z 0.5403 + …"


def test_vectors_are_grids_and_v_gives_the_weighted_sum_of_the_jacobian(shown, qtbot):
    view = shown(of_example("vector-output", position=99))
    assert card(view, "W") == ["1 −1; 0.5 2; 3 0"]
    words = view.side.backward.label.text()
    assert "J = ∂e/∂x" in words
    assert "9.856" in words
    assert "backward(v) needs no J: 18 in all" in words
    view.side.backward.form.seed.setText("[0, 0, 1]")
    view.side.backward.form.seed.editingFinished.emit()
    sandbox = view.desk.opened.sandbox
    x = sandbox.find("x")
    np.testing.assert_array_equal(view.desk.opened.gradients()[x], view.desk.opened.jacobian(x)[2])


def test_no_grad_and_detach_are_cut_edges_with_what_they_save(shown):
    view = shown(of_example("no-grad", position=99))
    assert wire(view, "x", "v₁").cut
    assert not wire(view, "x", "y").cut
    assert view.canvas.scene.looks[box(view, "square")] is Look.OFF
    assert card(view, "square")[-1] == "no_grad"
    assert "3 of 6 operations, 40 of 96 bytes" in view.side.backward.label.text()


def test_output_and_node_are_detached_without_typing(shown, qtbot):
    view = shown(of_example("reuse", position=99))
    back = view.side.backward
    qtbot.mouseClick(back.cut_output, Qt.MouseButton.LeftButton)
    assert "is detached" in back.label.text()
    qtbot.mouseClick(back.cut_output, Qt.MouseButton.LeftButton)
    node = view.side.node
    assert not node.cut.isEnabled()
    view.canvas.node_chosen.emit(view.desk.opened.sandbox.find("v₄"))
    assert view.side.page == "Node"
    assert "sin, line 6" in node.label.text()
    assert node.cut.text() == "Detach v₄"
    qtbot.mouseClick(node.cut, Qt.MouseButton.LeftButton)
    view.go(99)
    assert wire(view, "v₄", "f").cut
    assert card(view, "z")[-1] == "∂f/∂z 1 + 1 = 2"


def test_backward_again_accumulates_until_zero_grad(shown, qtbot):
    view = shown(of_example("lecture", position=99))
    inputs = view.side.inputs
    assert inputs.item(0, 3).text() == "−3"
    qtbot.mouseClick(view.side.backward.again, Qt.MouseButton.LeftButton)
    view.go(99)
    assert inputs.item(0, 3).text() == "−6"
    assert card(view, "x1")[-1] == ".grad −3 − 3 = −6"
    view.canvas.node_chosen.emit(view.desk.opened.sandbox.find("x1"))
    assert ".grad</b> = −3 − 3 = −6" in view.side.node.label.text()
    qtbot.mouseClick(view.side.backward.zero, Qt.MouseButton.LeftButton)
    assert inputs.item(0, 3).text() == "−3"


@pytest.mark.parametrize("name", ["lecture", "reuse", "matrix-product", "saturation"])
def test_no_box_swells_when_backward_is_called_again(shown, name):
    view = shown(of_example(name, position=99))
    before = view.canvas.placed.sizes.copy()
    for _ in range(5):
        view.side.backward.again.click()
        view.go(999)
        np.testing.assert_array_equal(view.canvas.placed.sizes, before)


def test_a_wrong_order_shows_what_is_missed(shown, qtbot):
    view = shown(of_example("reuse", order="depth-first", position=99))
    assert wire(view, "z", "v₄").look is Look.LATE
    assert card(view, "x")[-1] == "missing 1.081"
    assert "is missing" in view.side.backward.label.text()
    view.side.backward.order.setCurrentIndex(0)
    view.side.backward.order.activated.emit(0)
    assert "missing" not in " ".join(card(view, "x"))


def test_forward_mode_stands_beside_reverse_mode(shown):
    view = shown(of_example("reuse", position=99))
    assert view.side.inputs.isColumnHidden(DIRECTION)
    view.side.show_page("Forward")
    assert not view.side.inputs.isColumnHidden(DIRECTION)
    assert "D[h] 2" in card(view, "z")
    view.side.inputs.item(1, DIRECTION).setText("4")
    view.side.inputs.item(0, DIRECTION).setText("0")
    assert "D[h] 2" in card(view, "z")
    assert "reverse 1 pass = 5" in view.side.forward.label.text()
    assert view.side.forward.label.text().count("[h] =") == 1


def test_differences_stand_beside_the_exact_value(shown, qtbot):
    view = shown(of_example("chain", position=99, page="Differences"))
    view.finish()
    study = view.study
    exact, forward, central = (row.value for row in study.rows._rows)
    assert exact == view.desk.opened.gradients()[0]
    assert 0 < abs(central - exact) < 1e-9 < abs(forward - exact) < 1e-4
    assert "∂f/∂x by backward" in study.rows.text()
    assert "Measured slopes +1.00" in study.words.text()
    assert "Measured slopes +2.00" in study.words.text()
    assert {name: text.isVisible() for name, text in study.plot.words.items()} == {"ε": True, "ε²": True, "1/ε": True}
    qtbot.mouseClick(view.side.differences.printed, Qt.MouseButton.LeftButton)
    assert study.rows._rows[3].value == pytest.approx(exact * 2e5, rel=1e-6)
    assert "grows without bound" in study.words.text()
    study.slider.setValue(study.slider.value() - 8)
    assert study.step_words.text() == "ε = 1.00·10⁻⁶"
    assert study.rows._rows[3].value == pytest.approx(exact * 2e6, rel=1e-6)
    assert view.tables()["step-sizes"].title == "Differences of f by x"


def test_choices_rest_while_the_program_has_an_error(shown, qtbot):
    view = shown(of_example("vector-output", position=99))
    write(view, "x = [1, 2]\nf = foo(x)")
    choices = view.desk.choices
    for page in ("Backward", "Forward", "Differences", "Node"):
        view.side.show_page(page)
        head = view.side.pages.currentWidget().head
        assert not head.isEnabled()
        for button in head.findChildren(QPushButton):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    inputs = view.side.inputs
    inputs.setCurrentCell(0, ASKS)
    qtbot.keyClick(inputs, Qt.Key.Key_Space)
    inputs.item(0, DIRECTION).setText("[1, 2]")
    assert view.desk.choices == choices
    assert "what is chosen beside it waits until that is mended" in view.sentence.text()
    write(view, "x = [1, 2]\nf = tanh(x)")
    assert view.side.pages.currentWidget().head.isEnabled()


def test_what_no_longer_fits_says_what_has_which_shape(shown):
    view = shown(json.dumps({"text": "w = [1, 2]\nu = 3\nf = w*u", "direction": {"w": "[1, 0]"}, "seed": "[1, 2]"}))
    write(view, "w = [1, 2, 3]\nu = 3\nf = w*u")
    words = view.sentence.text()
    assert "The h that is typed for w is not used, it counts as 0: its shape is (2,), and that of w is (3,)." in words
    assert "every entry of f counts once: its shape is (2,), and that of f is (3,)." in words
    write(view, "v = [1, 2, 3]\nu = 3\nf = v*u")
    # What is typed for a name that there is no more says nothing, and leaves the usual direction.
    assert "h that is typed" not in view.sentence.text()
    assert view.desk.opened.by_forward() == 3.0


def test_any_entry_of_any_leaf_is_moved_and_any_output_weighted(shown, qtbot):
    view = shown(of_example("vector-output", position=99, page="Differences"))
    page, opened = view.side.differences, view.desk.opened
    view.finish()
    assert "∂(vᵀe)/∂x[0]" in view.study.rows.text()
    page.form.place.selectAll()
    qtbot.keyClicks(page.form.place, "1")
    qtbot.keyClick(page.form.place, Qt.Key.Key_Return)
    view.finish()
    assert view.study.rows._rows[0].value == opened.gradients()[opened.sandbox.find("x")][1]
    qtbot.keyClicks(page.form.place, "7")
    qtbot.keyClick(page.form.place, Qt.Key.Key_Return)
    message = page.form.place.message
    assert page.form.place.refused and message.isVisible()
    assert (page.form.place.text(), message.text()) == ("17", "x has no entry [17]: entries 0–1")
    page.form.seed.setText("[0, 1, 0]")
    page.form.seed.editingFinished.emit()
    view.finish()
    (row,) = view.desk.opened.jacobian(opened.sandbox.find("x"))[1:2]
    assert view.study.rows._rows[0].value == row[1]


def test_a_place_outside_of_a_matrix_stays_typed_and_is_explained(shown, qtbot):
    view = shown(json.dumps({"text": "W = [[1, 2], [3, 4]]\nf = sum(W*W)", "page": "Differences"}))
    form = view.side.differences.form
    for typed in ("7, 7", "hello"):
        form.place.selectAll()
        qtbot.keyClicks(form.place, typed)
        qtbot.keyClick(form.place, Qt.Key.Key_Return)
        assert form.place.text() == typed
        assert form.place.message.text() == f"W has no entry [{typed}]: rows 0–1, columns 0–1"
    form.place.selectAll()
    qtbot.keyClicks(form.place, "1, 0")
    qtbot.keyClick(form.place, Qt.Key.Key_Return)
    assert not form.place.message.isVisible()
    assert view.desk.moved_name == "W[1, 0]"


def test_a_value_that_cannot_be_typed_beside_the_program_is_taken_back_in_words(shown):
    view = shown(json.dumps({"text": "x = [1, 2]\nf = sum(x*x)/0.5"}))
    view.side.inputs.item(0, VALUE).setText("[1, 2")
    assert view.side.inputs.item(0, VALUE).text() == "[1, 2]"
    assert "“[1, 2” is not used" in view.sentence.text()
    view.side.inputs.item(0, VALUE).setText("[1, 5]")
    assert view.desk.choices.text == "x = [1, 5]\nf = sum(x*x)/0.5" and not view.desk.stale
    view = shown(json.dumps({"text": "x = [1,\n 2]\nf = sum(x)"}))
    cell = view.side.inputs.item(0, VALUE)
    before = cell.text()
    cell.setText("[1, 5]")
    assert cell.text() == before
    assert "it spans several lines" in view.sentence.text()


def test_a_box_that_is_clicked_is_moved_where_it_is_a_leaf(shown):
    view = shown(of_example("lecture", position=99, page="Differences"))
    view.canvas.node_chosen.emit(view.desk.opened.sandbox.find("x3"))
    view.finish()
    assert view.side.page == "Differences"
    assert view.side.differences.form.leaf.currentText() == "x3"
    assert "∂f/∂x3" in view.study.rows.text()
    view.canvas.node_chosen.emit(view.desk.opened.sandbox.find("z1"))
    assert view.side.page == "Node"


def test_another_program_ends_the_differences_of_the_last(shown, qtbot):
    slow = "\n".join(["x = 1", *(f"x{i} = {'x' if i == 0 else f'x{i - 1}'} * 1.0001" for i in range(700))])
    view = shown(json.dumps({"text": slow, "page": "Differences"}))
    start = time.perf_counter()
    write(view, "y = 3\nf = y*y")
    qtbot.waitUntil(lambda: "∂f/∂y by backward" in view.study.rows.text(), timeout=5000)
    view.finish()
    assert time.perf_counter() - start < 5.0
    assert view.study.rows._rows[0].value == 6.0
    view.side.show_page("Backward")
    assert not view.study.isVisible()


def test_what_is_not_finite_is_a_value_and_marked(shown):
    view = shown(json.dumps({"text": "x = 0\nb = x/x\nf = 0.5*b", "position": 3}))
    assert card(view, "b") == ["nan"]
    view.go(99)
    assert card(view, "b") == ["nan", "∂f/∂b 0.5"]
    assert view.side.inputs.item(0, 3).foreground().color() == QColor(LIGHT.error)
    assert f"<span style='color:{LIGHT.error}'>nan</span>" in view.side.backward.label.text()
    assert not view.desk.opened.missing


def test_a_name_that_is_given_twice_is_two_names_everywhere(shown):
    """The second f is another value: nothing may say ∂f/∂f = 20."""
    view = shown(json.dumps({"text": "f = 2*x\nf = f*f\nf = 5*f", "values": {"x": "2"}, "position": 99}))
    sandbox = view.desk.opened.sandbox
    assert [sandbox.label(i) for i in sandbox.steps] == ["f₁", "f₂", "f₃"]
    assert card(view, "f₁") == ["4", "∂f₃/∂f₁ 20 + 20 = 40"]
    assert view.desk.outputs()[:3] == ["f₃", "f₂", "f₁"]
    view.canvas.node_chosen.emit(sandbox.find("f₂"))
    page = view.side.node.label.text()
    assert "∂(a·b)/∂a = b with a = f₁, b = f₁" in page
    assert "∂f₃/∂f₂" in page
    assert "∂f/" not in page + view.sentence.text()
    assert {"f₁", "f₂", "f₃"} < set(view.tables()["nodes"].rows)
    other = shown(view.choice())
    assert other.desk.chosen == "f₂"


def test_an_input_whose_name_is_given_again_keeps_its_value_and_its_row(shown):
    view = shown()
    write(view, "x = x*x\nx = 3*x")
    inputs = view.side.inputs
    assert [inputs.item(row, 0).text() for row in range(inputs.rowCount())] == ["x₁"]
    inputs.item(0, VALUE).setText("2")
    assert view.side.editor.text.toPlainText() == "x = x*x\nx = 3*x"
    assert card(view, "x₃") == ["12"]


def test_the_page_of_a_box_speaks_of_the_programs_own_names(shown):
    view = shown()
    write(view, "w = 2\nz = w*x\nf = tanh(z)/-4")
    for label, words in (
        ("z", "∂(w·x)/∂w = x"),
        ("v₃", "∂(tanh z)/∂z = 1 − tanh² z"),
        ("f", "∂(v₃/(−4))/∂v₃ = 1/(−4)"),
    ):
        view.canvas.node_chosen.emit(view.desk.opened.sandbox.find(label))
        assert words in view.side.node.label.text()


def test_constants_that_are_alike_are_chosen_each_for_itself(shown):
    view = shown()
    write(view, "f = x*[1, 2] + y*[1, 2]")
    second = [node.index for node in view.desk.opened.sandbox.nodes if node.expression == "[1, 2]"][1]
    view.canvas.node_chosen.emit(second)
    assert view.canvas.drawing.nodes[view.canvas.scene.chosen] == second
    assert shown(view.choice()).desk.chosen_node == second


def test_a_constant_of_one_number_is_written_into_the_box_of_its_operation(shown):
    """It would take a box and often a column, and say no more."""
    view = shown(json.dumps({"text": "x = [1, 2]\nf = sum(100*(1 - x[1:])**2 + where(x[0] > 0, x[0], -2))"}))
    symbols = [one.symbol for one in view.canvas.scene.cards]
    assert symbols == ["", "[1:]", "1 −", "^2", "100×", "[0]", "[0]", "", "v₈ > 0 ?", "+", "Σ"]
    assert [one.title for one in view.canvas.scene.cards if not one.symbol] == ["x", "−2"]


# Inputs.


def test_inputs_are_changed_in_the_table(shown, qtbot):
    view = shown()
    write(view, "a = 3\nf = a*b")
    inputs = view.side.inputs
    assert [inputs.item(row, 0).text() for row in range(2)] == ["a", "b"]
    inputs.item(1, VALUE).setText("5")
    assert card(view, "f") == ["15"]
    inputs.item(0, VALUE).setText("-2")
    assert view.side.editor.text.toPlainText() == "a = -2\nf = a*b"
    assert card(view, "f") == ["−10"]
    inputs.item(1, VALUE).setText("what")
    assert "only numbers can stand here" in view.sentence.text()
    inputs.setFocus()
    inputs.setCurrentCell(0, ASKS)
    qtbot.keyClick(inputs, Qt.Key.Key_Space)
    assert view.desk.choices.plain == frozenset({"a"})
    assert inputs.item(0, ASKS).text() == "–"


# The drawing.


@pytest.mark.parametrize("nodes", [20, 150, 300])
@pytest.mark.parametrize("zoom", [None, 0.7, 1.3])
def test_no_label_lies_on_another_or_on_a_box(shown, nodes, zoom):
    view = shown()
    write(view, tangle(nodes, reach=8))
    view.go(10**6)
    canvas = view.canvas
    if not zoom:
        canvas.fit()
    else:
        canvas.camera.zoom_by(zoom / canvas.camera.zoom)
        canvas._moved()
    labels = [where for where, _, _ in canvas.labels()]
    boxes = [canvas.box(i) for i in range(len(canvas.scene.cards))]
    others = [(b.left(), b.top(), b.right(), b.bottom()) for b in boxes]
    if nodes == 20 and not zoom:
        assert labels
    for i, one in enumerate(labels):
        assert not any(overlap(one, other) for other in [*labels[i + 1 :], *others])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_can_be_read_whole_in_a_window_of_1440_by_900(shown, name):
    """Its text is 11 pixels high at a zoom of 1; a chain of nine columns is too long, and is said to be."""
    view = shown(of_example(name, position=99), (1160, 780))
    canvas = view.canvas
    hidden = [i for i in range(len(canvas.scene.cards)) if not canvas.rect().contains(canvas.box(i).toAlignedRect())]
    assert canvas.camera.zoom >= 1.0
    if name == "saturation":
        assert hidden
        assert any(button.isVisible() for button in canvas.rest.buttons)
    else:
        assert not hidden
        assert not any(button.isVisible() for button in canvas.rest.buttons)


def test_buttons_bring_what_is_out_of_sight(shown, qtbot):
    view = shown(of_example("saturation", position=0), (900, 600))
    canvas = view.canvas
    last = len(canvas.scene.cards) - 1
    left, right, _, _, look = canvas.rest.buttons
    assert not left.isVisible()
    assert right.text().endswith("more ›")
    while right.isVisible():
        qtbot.mouseClick(right, Qt.MouseButton.LeftButton)
    assert canvas.rect().contains(canvas.box(last).toAlignedRect())
    assert left.isVisible()
    qtbot.mouseClick(look, Qt.MouseButton.LeftButton)
    assert canvas.camera.mode is Mode.WHOLE
    assert not left.isVisible()
    assert look.text() == "Readable size"
    qtbot.mouseClick(look, Qt.MouseButton.LeftButton)
    assert canvas.camera.zoom >= 0.9
    assert look.text() == "Whole graph"


def test_no_page_moves_the_graph(shown):
    view = shown(of_example("matrix-product", position=99, page="Backward"), (1160, 780))
    canvas = view.canvas
    before, zoom = canvas.placed, canvas.camera.zoom
    assert card(view, "b")[-1].startswith("∂L/∂b")
    view.side.show_page("Forward")
    assert card(view, "L") == ["1.969", "D[h] 2.125"]
    for page in ("Node", "Forward", "Backward"):
        view.side.show_page(page)
        assert canvas.placed is before
        assert canvas.camera.zoom == zoom


def test_a_graph_that_is_too_large_is_not_drawn_but_said(shown):
    view = shown()
    write(view, "x0 = 1\n" + "\n".join(f"x{i} = x{i - 1} + 1" for i in range(1, 900)))
    assert "nodes is not drawn" in view.sentence.text()


def test_the_graph_is_moved_with_keys_and_mouse(shown, qtbot):
    view = shown()
    canvas, camera = view.canvas, view.canvas.camera
    canvas.setFocus()
    whole, before = camera.zoom, QPointF(camera.shift)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert camera.shift.x() < before.x()
    QTest.keyClicks(canvas, "+")
    assert camera.zoom > whole
    assert camera.mode is Mode.FREE
    QTest.keyClicks(canvas, "0")
    assert (camera.zoom, camera.mode) == (whole, Mode.WHOLE)
    start = QPoint(5, canvas.height() - 5)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(canvas, start + QPoint(40, -30))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(40, -30))
    assert camera.mode is Mode.FREE
    assert view.desk.chosen == ""
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.box(0).center().toPoint())
    assert view.desk.chosen == "x1"
    QTest.keyClicks(canvas, "]")
    assert view.desk.chosen == "x2"
    QTest.keyClicks(canvas, "[")
    assert view.desk.chosen == "x1"


def test_an_edge_under_the_mouse_says_what_it_carries(shown, qtbot):
    view = shown(of_example("lecture", position=99))
    canvas = view.canvas
    x, y = on_bend(canvas.placed.routes.branches[0], 0.5)
    spot = QPointF(x, y) * canvas.camera.zoom + canvas.camera.shift
    qtbot.mouseMove(canvas, spot.toPoint())
    assert view.sentence.text() == "x1 → z1: ∂(x1·x2)/∂x1 = x2, here −3"
    qtbot.mouseMove(canvas, QPoint(2, 2))
    assert view.sentence.text().startswith("Backward 3 of 3")


# The state, pictures and the keyboard.


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_drawn_at_every_moment_on_every_page(one_view, name):
    view = one_view
    view.choose(of_example(name))
    for position in range(view.positions()):
        view.go(position)
        view.canvas.repaint()
        assert view.sentence.text()
    for page in ("Backward", "Forward", "Differences", "Node"):
        view.side.show_page(page)
        view.stop()
        view.canvas.node_chosen.emit(0)


@pytest.mark.parametrize("name", ["lecture", "vector-output", "no-grad"])
@pytest.mark.parametrize("size", [(1160, 800), (700, 400)], ids=["large", "small"])
def test_a_fresh_view_with_the_same_choice_shows_the_same(shown, pixels, name, size):
    view = shown(of_example(name, position=6, page="Backward"), size)
    view.canvas.node_chosen.emit(2)
    other = shown(view.choice(), size)
    assert other.choice() == view.choice()
    assert (pixels(view.canvas) == pixels(other.canvas)).all()
    assert (pixels(view.side.inputs) == pixels(other.side.inputs)).all()
    assert other.sentence.text() == view.sentence.text()
    assert other.side.page == view.side.page == "Node"
    assert other.side.node.label.text() == view.side.node.label.text()


def test_the_part_that_is_looked_at_is_kept(shown):
    view = shown()
    view.canvas.camera.zoom_by(2.0)
    view.canvas._moved()
    other = shown(view.choice())
    assert other.canvas.camera.state() == pytest.approx(view.canvas.camera.state())


@pytest.mark.parametrize("look", [LIGHT, DARK], ids=["light", "dark"])
def test_a_picture_needs_no_window_and_shows_what_is_chosen(qapp, fast, colors, look):
    run = Run(fast())
    run.measure(EVERYTHING)
    choice = of_example("reuse", position=8)
    image = picture(run.frame(State.PAUSED), "autograd", PictureLook(look, {"autograd": choice}), 1.0)
    assert colors(image) > 20
    # It has nothing to do with the network of the run.
    assert image.text("gradflow:program") == EXAMPLES["reuse"].text
    assert image.text("gradflow:experiment") == ""


def test_a_picture_names_the_program_and_shows_all_of_it(shown):
    text = "# A long one\n" + "\n".join(["h0 = x", *(f"h{i} = tanh(h{i - 1})" for i in range(1, 30))])
    view = shown(json.dumps({"text": text, "position": 4}))
    assert view.subject().words.startswith("autograd: A long one · h29 by x · moment 4 of 59")
    # What is shown here is not high enough; a picture grows by what it lacks.
    view.resize(view.width(), view.height() + view.lacking())
    editor = view.side.editor.text
    view.layout().activate()
    qt_last = editor.document().lastBlock()
    below = editor.blockBoundingGeometry(qt_last).translated(editor.contentOffset()).bottom()
    assert below <= editor.viewport().height()


def test_everything_has_a_name_for_those_who_do_not_see(shown):
    view = shown()
    for widget in [*view.findChildren(QWidget), view.controls()]:
        inside = isinstance(widget.parent(), QAbstractScrollArea | QAbstractItemView)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not inside and widget.isVisibleTo(view):
            words = widget.accessibleName() or getattr(widget, "text", lambda: "")()
            assert words, widget


def test_a_graph_too_long_to_be_read_is_followed(shown):
    view = shown(json.dumps({"text": tangle(120, reach=3), "position": 0}))
    canvas = view.canvas
    for position in (1, view.positions() // 2, view.positions() - 1):
        view.go(position)
        assert canvas.camera.zoom > 0.6
        assert canvas.rect().contains(canvas.box(view.desk.now.node).toAlignedRect())


def test_buttons_show_all_of_their_words_in_a_small_view(shown):
    view = shown(of_example("detach", position=99, page="Backward"), (700, 400))
    for button in view.side.backward.findChildren(QPushButton):
        assert button.width() >= button.fontMetrics().horizontalAdvance(button.text()) + 16


def test_nothing_sticks_out_of_a_small_view(shown):
    view = shown(of_example("vector-output", position=99), (700, 400))
    for widget in (view.side, view.bar, view.sentence, view.canvas):
        corner = widget.mapTo(view, widget.rect().bottomRight())
        assert view.rect().contains(corner), widget
    for page in ("Program", "Backward", "Forward", "Differences", "Node"):
        view.side.show_page(page)
        assert view.side.page == page
        assert view.width() == 700


def test_tables_and_positions_are_those_of_the_lab(shown):
    view = shown(of_example("lecture"))
    assert view.positions() == 8
    table = view.tables()["nodes"]
    assert table.rows[-1] == "f"
    assert "expression" in table.csv()


# In the window.


@pytest.fixture
def lab(window):
    """A window whose front view is the sandbox."""
    desk = window()
    desk.window.actions_by_name["lab"].trigger()
    dock = desk.window.docks["autograd"]
    dock.show()
    dock.raise_()
    desk.until(lambda: dock.made and dock.in_front)
    return desk, dock.view


def test_the_windows_keys_step_the_sandbox(lab):
    desk, view = lab
    view.go(0)
    view.canvas.setFocus()
    desk.press("Shift+Right")
    desk.press("Shift+Right")
    assert view.position == 2
    desk.press("Shift+Left")
    assert view.position == 1
    desk.press("Shift+End")
    assert view.position == view.positions() - 1
    desk.press("Shift+Home")
    assert view.position == 0


def test_what_is_typed_in_the_sandbox_is_no_shortcut_of_the_window(lab, qtbot):
    """Letters, Space and arrows would train, step and re-initialise."""
    desk, view = lab
    step, experiment = desk.step, desk.session.experiment
    editor, inputs = view.side.editor.text, view.side.inputs
    editor.setFocus()
    editor.selectAll()
    qtbot.keyClicks(editor, "r = n * p")
    assert view.desk.choices.text == "r = n * p"
    inputs.setFocus()
    inputs.setCurrentCell(0, VALUE)
    qtbot.keyClick(inputs, Qt.Key.Key_Down)
    assert inputs.currentRow() == 1
    qtbot.keyClick(inputs, Qt.Key.Key_Right)
    assert inputs.currentColumn() == ASKS
    qtbot.keyClick(inputs, Qt.Key.Key_Space)
    assert view.desk.choices.plain == frozenset({"p"})
    view.canvas.setFocus()
    qtbot.keyClick(view.canvas, Qt.Key.Key_Right)
    bar = view.side.pages.tabBar()
    bar.setFocus()
    before = view.side.page
    qtbot.keyClick(bar, Qt.Key.Key_Right)
    assert view.side.page != before
    desk.live(50)
    assert desk.session.state is State.PAUSED or desk.step == step
    assert desk.session.experiment == experiment


def test_the_sandbox_is_there_again_after_a_restart(lab, window, settings):
    desk, view = lab
    write(view, "f = q*q")
    view.go(1)
    desk.close()
    again = window(settings=settings)
    again.window.actions_by_name["lab"].trigger()
    dock = again.window.docks["autograd"]
    dock.raise_()
    again.until(lambda: dock.made)
    assert dock.view.desk.choices.text == "f = q*q"
    assert dock.view.position == 1
