"""The sandbox walks as the engine does, number for number, and says what a wrong order, a cut or a step leaves out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.autograd import jacobian, jvp, multiplications
from gradflow.errors import ProgramError
from gradflow.sim.lab import step_words
from gradflow.sim.lab.sandbox_check import Entry, entry_of, slope
from gradflow.sim.lab.sandbox_desk import Desk
from gradflow.sim.lab.sandbox_examples import beginning, examples
from gradflow.sim.lab.sandbox_program import Choices, Opened, numbers_in, open_program, with_value
from gradflow.sim.lab.sandbox_steps import Phase, moment, positions
from gradflow.sim.lab.sandbox_table import node_table
from gradflow.sim.lab.sandbox_walk import Order, total
from gradflow.sim.lab.sandbox_words import edge_labels, edge_words, happening, sum_of, unfolded

EXAMPLES = {example.name: beginning(example) for example in examples()}
ALL = pytest.mark.parametrize("name", EXAMPLES)
REUSE = Choices("z = x*y\nf = z*z + sin(z)", {"x": "0.5", "y": "2"})


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draw a program of numbers and of vectors of two, with values that are used again and again."""
    lines = ["a = 0.7", "b = [1.5, -0.5]", "c = -1.2"]
    names = ["a", "b", "c"]
    for number in range(draw(st.integers(1, 12))):
        one, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        form = draw(
            st.sampled_from(["{} + {}", "{} * {}", "tanh({}) - {}", "sin({}) * {}", "sum({}) * {}", "{} / (2 + {}**2)"])
        )
        lines.append(f"n{number} = {form.format(one, other)}")
        names.append(f"n{number}")
    return "\n".join(lines)


def engine_gradients(opened: Opened) -> dict[int, np.ndarray]:
    """Return what backward() itself leaves in the leaves."""
    sandbox = opened.sandbox
    sandbox.nodes[sandbox.output].variable.backward(opened.seed, retain_graph=True)
    grads = {leaf: sandbox.nodes[leaf].variable.grad for leaf in sandbox.leaves}
    return {leaf: grad.data for leaf, grad in grads.items() if grad is not None}


# One number has one home.


@ALL
def test_the_walk_gives_the_very_numbers_that_backward_gives(name):
    opened = open_program(EXAMPLES[name])
    expected, found = engine_gradients(opened), opened.gradients()
    assert found.keys() == expected.keys()
    for leaf, gradient in expected.items():
        np.testing.assert_array_equal(found[leaf], gradient)


@given(programs())
def test_so_it_does_for_any_program(text):
    opened = open_program(Choices(text))
    for leaf, gradient in engine_gradients(opened).items():
        np.testing.assert_array_equal(opened.gradients()[leaf], gradient)
    assert opened.missing == {}


@given(programs())
def test_what_stands_on_edges_and_in_sums_is_what_was_added(text):
    """The parts of every node add up to its gradient, and each is the edge's Jacobian times what its reader had."""
    opened = open_program(Choices(text))
    sandbox, walk = opened.sandbox, opened.walk
    for node, parts in walk.parts.items():
        np.testing.assert_array_equal(total(parts), walk.gradient(node, len(walk.visits)))
        for part in parts:
            if part.edge >= 0:
                above = np.ravel(walk.visits[part.visit - 1].gradient)
                expected = sandbox.local(sandbox.edges[part.edge]).T @ above
                np.testing.assert_allclose(np.ravel(part.value), expected, rtol=1e-12, atol=1e-300)


@ALL
def test_jacobians_and_counts_are_the_engines(name):
    opened = open_program(EXAMPLES[name])
    sandbox = opened.sandbox
    output = sandbox.nodes[sandbox.output].variable
    assert opened.cost == multiplications(output)
    for leaf in sandbox.leaves:
        (expected,) = jacobian(output, [sandbox.nodes[leaf].variable])
        expected = np.reshape(expected.data, (sandbox.value(sandbox.output).size, -1))
        np.testing.assert_array_equal(opened.jacobian(leaf), expected)


@given(programs())
def test_forward_mode_gives_the_slope_that_reverse_mode_gives(text):
    opened = open_program(Choices(text, direction={"a": "0.3", "b": "[1, -2]", "c": "0.1"}))
    assert opened.by_forward() == pytest.approx(opened.by_reverse(), rel=1e-9, abs=1e-12)
    sandbox = opened.sandbox
    leaves = [sandbox.nodes[i].variable for i in opened.direction]
    if sandbox.output in opened.tangents:
        _, expected = jvp(sandbox.nodes[sandbox.output].variable, leaves, list(opened.direction.values()))
        np.testing.assert_array_equal(opened.tangents[sandbox.output], np.asarray(expected))


def test_second_derivatives_are_rosenbrocks_own():
    at_minimum = replace(EXAMPLES["rosenbrock"], text=EXAMPLES["rosenbrock"].text.replace("-1.2", "1"))
    opened = open_program(at_minimum)
    assert opened.curvature.hessian.tolist() == [[802.0, -400.0], [-400.0, 200.0]]
    assert opened.curvature.eigenvalues == pytest.approx([1001.6, 0.4], rel=1e-2)
    assert open_program(replace(at_minimum, detached=frozenset({"x"}))).curvature is None
    mixed = open_program(Choices("x = [1, 2]\ny = 3\nf = y * sum(x*x)")).curvature
    assert mixed.hessian.tolist() == [[6, 0, 2], [0, 6, 4], [2, 4, 0]]
    # Softmax does not see what is added to all logits: that eigenvalue is 0, and no round-off of it.
    assert open_program(EXAMPLES["cross-entropy"]).curvature.eigenvalues.min() == 0.0


# The order of the walk.


def test_depth_first_what_comes_late_is_not_passed_on():
    """z is visited with what the product has sent; the slope of the sine, cos 1, comes too late for x and y."""
    opened = open_program(replace(REUSE, order=Order.DEPTH_FIRST))
    sandbox, missing = opened.sandbox, opened.missing
    cosine = np.cos(1.0)
    assert {sandbox.label(i): float(v) for i, v in missing.items()} == {
        "x": pytest.approx(2.0 * cosine),
        "y": pytest.approx(0.5 * cosine),
    }
    z = sandbox.find("z")
    assert [float(part.value) for part in opened.walk.late(z, 99)] == [cosine]
    assert "too late" in unfolded(sandbox, opened.walk, z, 99)[-1]


@given(programs())
def test_depth_first_lacks_what_it_is_said_to_lack(text):
    opened = open_program(Choices(text, order=Order.DEPTH_FIRST))
    for leaf, right in engine_gradients(opened).items():
        got, lacks = opened.gradients().get(leaf, 0.0), opened.missing.get(leaf, 0.0)
        np.testing.assert_allclose(got + lacks, right, rtol=1e-9, atol=1e-12)


# Cuts.


@pytest.mark.parametrize("label", ["z", "x"])
def test_a_cut_by_hand_is_detach_wherever_the_value_is_read(label):
    by_hand = open_program(replace(REUSE, detached=frozenset({label})))
    typed = {"z": "z = x*y\nd = detach(z)\nf = d*d + sin(d)", "x": "d = detach(x)\nz = d*y\nf = z*z + sin(z)"}[label]
    written = open_program(replace(REUSE, text=typed))
    names = [{o.sandbox.label(i): v for i, v in o.gradients().items()} for o in (by_hand, written)]
    assert names[0] == names[1]
    assert sum(edge.cut for edge in by_hand.sandbox.edges) == {"z": 3, "x": 1}[label]


def test_a_detached_output_leaves_nothing_to_walk():
    opened = open_program(replace(REUSE, detached=frozenset({"f"})))
    assert not opened.sandbox.differentiable
    assert positions(opened.sandbox, opened.walk) == 1 + len(opened.sandbox.steps)
    assert opened.sandbox.saving().let_go == 4


def test_a_leaf_that_is_told_not_to_ask_gets_no_gradient():
    opened = open_program(replace(REUSE, plain=frozenset({"x"})))
    assert [opened.sandbox.label(i) for i in opened.gradients()] == ["y"]


@pytest.mark.parametrize(
    ("text", "unrecorded", "let_go"),
    [
        ("x = [3, -4]\nwith no_grad():\n    q = x*x\n    s = sqrt(sum(q))\nf = sum(x / s)", (3, 16 + 8 + 8), (0, 0)),
        ("c = constant(2)\nwith no_grad():\n    d = c*c\nf = x + d", (0, 0), (0, 0)),
        ("x = 2\nwith no_grad():\n    a = x*x\nb = a*3\nf = b + 1", (3, 24), (0, 0)),
        ("w = 2\nt = tanh(w*3)\nf = w - detach(t)", (0, 0), (2, 16)),
        ("w = 2\nt = tanh(w*3)\nf = t - detach(t)", (0, 0), (0, 0)),
        (EXAMPLES["no-grad"].text, (3, 40), (0, 0)),
        (EXAMPLES["detach"].text, (0, 0), (2, 16)),
    ],
)
def test_what_no_grad_and_detach_save_is_counted(text, unrecorded, let_go):
    """Behind a cut nothing is recorded; before one it is let go, if nothing else holds it."""
    saved = open_program(Choices(text)).sandbox.saving()
    assert (saved.unrecorded, saved.unrecorded_bytes) == unrecorded
    assert (saved.let_go, saved.let_go_bytes) == let_go


# What is typed beside the program.


CUT = ("detach", "no-grad")


@ALL
def test_differences_by_every_leaf_tend_to_the_gradient_and_fail_only_where_it_is_said(name):
    """At some step the central difference is right to eight digits, unless a cut or a singularity is named."""
    opened = open_program(EXAMPLES[name])
    for leaf in opened.sandbox.leaves:
        for place in {0, opened.sandbox.value(leaf).size - 1}:
            *_, found = slope(opened, Entry(leaf, place))
            curve = found.curve
            assert curve.complete and found.arrives
            assert curve.exact == np.ravel(opened.gradients()[leaf])[place] or np.isnan(curve.exact)
            if found.cut or not np.isfinite(curve.exact):
                assert name in (*CUT, "division-by-zero")
                assert found.cut or all(curve.kinks)
                continue
            smooth = np.array([not kink for kink in curve.kinks])
            least = np.nanmin(curve.errors("central")[smooth])
            assert least <= 1e-8 * max(abs(curve.exact), abs(curve.value))
            for which, order in (("forward", 1.0), ("central", 2.0)):
                fit = curve.fit(which)
                assert np.isnan(fit.factor) or fit.slope == pytest.approx(order, abs=0.3)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x = 0\nf = 3*relu(x)", "the kink of ReLU at x = 0"),
        ("x = 0\nf = leaky_relu(x) + 1", "the kink of leaky ReLU at x = 0"),
        ("x = 0\nz = 2*x\nf = abs(z)", "the kink of |z| at z = 0"),
        ("x = 1\ny = constant(1)\nf = maximum(x, y)", "the kink of max where x = y"),
        ("x = [1, 1]\nf = max(x)", "another largest entry of x"),
        ("x = 0\nf = where(x > 0, x, 3*x)", "the switch of f"),
        ("x = 0\nf = 1/x", "the pole at x = 0"),
        ("x = 0\nf = sqrt(x)", "the end of √x at x = 0"),
        ("x = 0\nf = log(x)", "the end of ln x at x = 0"),
        ("x = 0\nf = x**0.5", "the end of the power at x = 0"),
        ("x = 0\nwith no_grad():\n    y = relu(x)\nf = x*y", "the kink of ReLU at x = 0"),
    ],
)
def test_a_kink_is_named_by_the_programs_own_names(text, named):
    opened = open_program(Choices(text))
    *_, found = slope(opened, Entry(opened.sandbox.leaves[0]))
    assert set(found.curve.kinks) == {named}
    assert named in step_words.kinks(found.curve, found.x)


def test_a_kink_beside_the_point_is_met_by_large_steps_only():
    opened = open_program(Choices("x = 0.1\nf = relu(x)**2 + x**3"))
    *_, found = slope(opened, Entry(opened.sandbox.leaves[0]))
    crossed = np.array([bool(kink) for kink in found.curve.kinks])
    assert (crossed == (found.curve.steps >= 0.1 * (1 - 1e-12))).all()
    assert not any(found.curve.kinks_above)


def test_differences_see_through_a_cut_and_say_so():
    opened = open_program(Choices("x = 2\nf = x * detach(x)"))
    *_, found = slope(opened, Entry(0))
    assert found.cut and found.curve.exact == 2.0
    assert found.curve.central[40] == pytest.approx(4.0)
    *_, other = slope(open_program(Choices("x = 2\ny = 3\nf = x * detach(x) + y**2")), Entry(1))
    assert not other.cut


def test_any_entry_is_found_by_its_name_and_nothing_else():
    sandbox = open_program(Choices("W = [[1, 2], [3, 4]]\nx = 2\nf = sum(W) * x")).sandbox
    assert entry_of(sandbox, "W[1, 0]") == Entry(sandbox.find_leaf("W"), 2)
    assert entry_of(sandbox, "W") == Entry(sandbox.find_leaf("W"), 0)
    assert entry_of(sandbox, "x") == Entry(sandbox.find_leaf("x"), 0)
    for wrong in ("", "q", "f", "W[2, 0]", "W[0]", "W[-1, 0]", "W[a, b]", "W[", "x[0]", "W[0, 0, 0]", "W[9" + "9" * 40):
        assert entry_of(sandbox, wrong) is None


def test_numbers_are_read_as_the_language_reads_them():
    assert numbers_in(" -2e-3 ") == -2e-3
    assert numbers_in("[[1, 2], [3, 4]]").tolist() == [[1.0, 2.0], [3.0, 4.0]]
    for text in ("", "x", "f = 2", "[1, [2]]", "2\n3", "__import__('os')", "𝟚" * 30_000):
        with pytest.raises(ProgramError):
            numbers_in(text)


def test_a_wrong_text_beside_the_program_is_named_and_not_used():
    choices = Choices("f = x*[1, 2]", {"x": "tanh(q)"}, direction={"x": "[1, 2, 3]"}, seed="[1]")
    opened = open_program(choices)
    assert set(opened.wrong) == {("value", "x"), ("direction", "x"), ("seed", "")}
    assert all(reason and "\n" not in reason for reason in opened.wrong.values())
    assert opened.seed.tolist() == [1.0, 1.0]


def test_a_named_number_is_changed_in_the_text_itself():
    desk = Desk(Choices("x = 2; y = [1,  2]  # two\nf = x*y"))
    desk.give("x", "-3.5")
    desk.give("y", "[4, 5]")
    assert desk.choices.text == "x = -3.5; y = [4, 5]  # two\nf = x*y"
    leaf = desk.opened.sandbox.nodes[0]
    assert with_value("something else", desk.choices.text, leaf, "1") is None


@pytest.mark.parametrize("wrong", ["[1, 2", "abc", "abc +", "", "2; y = 3"])
def test_what_are_no_numbers_is_not_written_into_the_text(wrong):
    desk = Desk(Choices("x = [1, 2]\nf = sum(x*x)/0.5"))
    assert f"“{wrong}” is not used: " in desk.give("x", wrong)
    assert desk.choices.text == "x = [1, 2]\nf = sum(x*x)/0.5"


def test_a_wrong_value_in_the_text_is_replaced_by_the_next():
    desk = Desk(Choices("x = [1, 2]  # two\ny = [3, 4]\nf = sum(x*y)/0.5"))
    assert desk.give("x", "[1, 2, 3]") == ""
    assert desk.stale and desk.rows()[0].value == "[1, 2, 3]"
    assert desk.give("x", "[1, 5]") == ""
    assert not desk.stale
    assert desk.choices.text == "x = [1, 5]  # two\ny = [3, 4]\nf = sum(x*y)/0.5"


def test_a_value_that_is_not_found_in_the_text_is_refused_in_words():
    desk = Desk(Choices("x = [1,\n 2]\nf = sum(x)"))
    assert desk.give("x", "[1, 5]") == "The value of x can be changed in the program only: it spans several lines."
    desk.change(Choices("q = 3\nx = [1, 2\nf = sum(x)"))
    assert "its error has to be mended first" in desk.give("x", "[1, 5]")
    assert desk.choices.text == "q = 3\nx = [1, 2\nf = sum(x)"


# The sequence.


def test_the_sequence_goes_forward_node_by_node_then_back():
    opened = open_program(REUSE)
    sandbox, walk = opened.sandbox, opened.walk
    phases = [moment(sandbox, walk, p).phase for p in range(positions(sandbox, walk))]
    assert phases == [Phase.START, *[Phase.FORWARD] * 4, Phase.SEED, *[Phase.BACKWARD] * 4]
    nodes = [sandbox.label(moment(sandbox, walk, p).node) for p in range(6, 10)]
    assert nodes == ["f", "v₄", "v₃", "z"]
    assert moment(sandbox, walk, 10**9) == moment(sandbox, walk, 9)
    last = happening(sandbox, walk, moment(sandbox, walk, 9))
    by_x, by_y = last.removeprefix("Backward 4 of 4, z: ").split("; ")
    assert by_x == "∂f/∂x += ∂f/∂z · ∂z/∂x = 2.54 · 2 = 5.081"
    assert by_y == "∂f/∂y += ∂f/∂z · ∂z/∂y = 2.54 · 0.5 = 1.27"


def test_a_sum_is_written_as_a_sum():
    opened = open_program(Choices("f = -2*x + 3*x"))
    x = opened.sandbox.find("x")
    parts = opened.walk.parts[x]
    assert sum_of(parts, 2) == "3 − 2 = 1"
    assert sum_of(parts[:1], 2) == "3 + …"
    assert sum_of(parts, 7) == "Σ 2 of 7 = 1"


def test_edges_carry_their_formula_in_the_names_of_the_graph():
    sandbox = open_program(Choices("z = w*x\nf = tanh(z)**3", {"w": "2", "x": "0.5"})).sandbox
    labels = {edge_labels(sandbox, edge)[0] for edge in sandbox.edges if edge.open}
    assert {"x = 0.5", "w = 2", "1 − tanh² z = 0.42"} <= labels
    assert all(edge_words(sandbox, edge) for edge in sandbox.edges)
    sandbox = open_program(Choices("z = x**2\nf = z**3", {"x": "0.5"})).sandbox
    assert [edge_labels(sandbox, edge)[0] for edge in sandbox.edges if edge.open] == ["2·x = 1", "3·z^(3 − 1) = 0.1875"]


# .grad and the state.


def test_a_second_backward_adds_to_grad_until_it_is_zeroed():
    desk = Desk(Choices("f = 3*x", {"x": "2"}))
    desk.go(99)
    assert desk.rows()[0].grad == "3"
    desk.backward_again()
    assert desk.now.phase is Phase.SEED
    assert desk.rows()[0].grad == "3"
    desk.go(99)
    assert desk.rows()[0].grad == "6"
    desk.zero_grad()
    desk.go(0)
    assert desk.rows()[0].grad == "None"


def test_the_state_comes_back_and_nonsense_changes_nothing():
    desk = Desk(replace(REUSE, order=Order.DEPTH_FIRST, detached=frozenset({"v₃"}), direction={"x": "1"}))
    desk.backward_again()
    desk.go(7)
    desk.chosen, desk.entry, desk.step, desk.printed = "z", "y", 12, True
    other = Desk(Choices("f = 1"))
    other.restore(desk.state())
    assert other.state() == desk.state()
    for broken in ({"text": 5}, {"text": "f = x", "position": 1e400}, {"text": "f = x", "grads": {"x": [[1], 2]}}, {}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            other.restore(broken)
        assert other.state() == desk.state()


def test_a_wrong_text_leaves_the_last_good_graph():
    desk = Desk(REUSE)
    before = desk.opened
    desk.change(replace(REUSE, text="z = x*"))
    assert desk.stale
    assert desk.opened is before
    desk.change(REUSE)
    assert not desk.stale


def test_the_table_has_every_entry_with_its_value_and_gradient():
    opened = open_program(EXAMPLES["vector-output"])
    end = moment(opened.sandbox, opened.walk, 99)
    table = node_table(opened, end)
    place = table.rows.index("x[1]")
    assert table.values[place].tolist() == [2.0, float(opened.gradients()[opened.sandbox.find("x")][1])]
    start = node_table(opened, moment(opened.sandbox, opened.walk, 0))
    assert np.isnan(start.values[start.rows.index("e[0]")]).all()
