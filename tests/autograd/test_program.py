"""The typed language: what it computes, the graph it leaves, and the sentences for what it does not have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.autograd import OPERATORS, no_grad
from gradflow.autograd.program import ProgramError, Trace, TraceNode, compute_again, run
from gradflow.autograd.program.functions import FUNCTIONS


def output(trace: Trace) -> TraceNode:
    return trace.nodes[trace.outputs[0]]


def value(text: str, **inputs: Any) -> Any:
    return output(run(text, inputs)).variable.data.tolist()


def refusal(text: str, **inputs: Any) -> ProgramError:
    with pytest.raises(ProgramError) as raised:
        run(text, inputs)
    return raised.value


# What a run leaves


def test_lectures_graph_is_recorded_as_typed() -> None:
    trace = run("x1 = 2; x2 = -3\nz1 = x1*x2  # the first\nf = z1 + x3*x4", {"x3": 4, "x4": 0.5})
    assert [(n.operation, n.symbol, n.name, n.expression, n.inputs) for n in trace.nodes] == [
        ("leaf", "x1", "x1", "2", ()),
        ("leaf", "x2", "x2", "-3", ()),
        ("mul", "·", "z1", "x1*x2", (0, 1)),
        ("leaf", "x3", "x3", "x3", ()),
        ("leaf", "x4", "x4", "x4", ()),
        ("mul", "·", "", "x3*x4", (3, 4)),
        ("add", "+", "f", "z1 + x3*x4", (2, 5)),
    ]
    assert [(n.line, n.column, n.end_column) for n in trace.nodes[2:4]] == [(2, 6, 11), (3, 10, 12)]
    assert trace.inputs == ("x3", "x4")
    assert dict(trace.names) == {"x1": 0, "x2": 1, "z1": 2, "x3": 3, "x4": 4, "f": 6}
    assert trace.outputs == (6,)
    f = output(trace).variable
    assert f.item() == -4.0
    f.backward()
    assert [trace.nodes[i].variable.grad.item() for i in (0, 1, 3, 4)] == [-3.0, 2.0, 0.5, 4.0]  # type: ignore[union-attr]
    assert [n.variable.grad_fn is not None for n in trace.nodes] == [False, False, True, False, False, True, True]


def test_free_names_are_inputs_and_one_by_default() -> None:
    trace = run("a*b + a", {"b": [2, 3], "unused": 4})
    assert trace.inputs == ("a", "b")
    assert output(trace).variable.data.tolist() == [3.0, 4.0]
    assert all(trace.nodes[i].variable.requires_grad for i in (0, 1))


def test_numbers_with_a_name_are_leaves_and_others_are_constants() -> None:
    trace = run("x = 2*3 - 1/2\ny = -[-1, 2]\nc = constant([[1, 2], [3, 4]])\nf = 2*x + c @ y")
    kinds = {n.name or n.expression: (n.operation, n.variable.requires_grad) for n in trace.nodes if not n.inputs}
    assert kinds == {"x": ("leaf", True), "y": ("leaf", True), "c": ("constant", False), "2": ("constant", False)}
    assert trace.nodes[0].variable.item() == 5.5


def test_a_name_assigned_again_is_a_new_node() -> None:
    trace = run("x = 2\nx = x*x\nx = x + 1\nf = x")
    assert [n.name for n in trace.nodes] == ["x", "x", "", "x"]
    assert dict(trace.names) == {"x": 3, "f": 3}
    assert output(trace).variable.item() == 5.0


def test_outputs_are_what_nobody_consumes_the_last_line_first() -> None:
    assert run("a = x + 1\nb = x * 2\nc = a * 3").outputs == (6, 4)
    assert run("a = x + 1\nb = a * 2\na").outputs == (2, 4)
    assert run("x = 3").outputs == (0,)


def test_a_reused_node_is_one_node_with_two_edges() -> None:
    trace = run("x = 3\nf = x*x")
    assert trace.nodes[1].inputs == (0, 0)


def test_no_grad_marks_what_is_cut() -> None:
    trace = run("x = [3, -4]\nwith no_grad():\n    q = x*x\n    s = sqrt(sum(q))\nf = sum(x / s)")
    cut = {n.name or n.expression: n.cut for n in trace.nodes}
    assert cut == {"x": "", "q": "no_grad", "sum(q)": "no_grad", "s": "no_grad", "x / s": "", "f": ""}
    output(trace).variable.backward()
    assert trace.nodes[0].variable.grad.data.tolist() == [0.2, 0.2]  # type: ignore[union-attr]


def test_nothing_is_cut_where_nothing_would_have_been_recorded() -> None:
    trace = run("c = constant(2)\nwith no_grad():\n    d = c*c\nf = x + d")
    assert all(n.cut == "" for n in trace.nodes)


def test_signs_of_printed_formulas_are_read_and_kept() -> None:
    """What is copied from a slide, or from the window, computes; a dot within a name would be a name of its own."""
    trace = run("x1 = −3; x2 = 2\nf = x1·x2 − 4×x2 ÷ 2")
    assert output(trace).variable.item() == -10.0
    assert [n.expression for n in trace.nodes if n.operation == "mul"] == ["x1·x2", "4×x2"]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\ny = [1, 2, x]\nf = where(y > x, y*x, detach(x) - y)[0] / max(y)",
        "x = 1\nwith no_grad():\n    s = sqrt(sum([x, 3]**2))\nf = [[x, 2], [3, s]] @ [1, x] + mean(relu([x, -x]))",
    ],
)
def test_what_is_computed_again_is_what_a_new_run_computes(text: str) -> None:
    trace = run(text)
    for x in (-2.0, 0.0, 1.5):
        expected = run(text.replace("x = 1", f"x = {x}"))
        values, _ = compute_again(trace, {0: np.float64(x)}, [n.index for n in trace.nodes if n.inputs])
        for value, node in zip(values, expected.nodes, strict=True):
            np.testing.assert_array_equal(value, node.variable.data)


def test_detach_is_a_node_that_cuts() -> None:
    trace = run("w = 2\nt = tanh(w*3)\nf = w - detach(t)")
    assert [n.cut for n in trace.nodes if n.operation == "detach"] == ["detach"]


def test_who_calls_may_stand_in_a_no_grad_of_their_own() -> None:
    with no_grad():
        assert output(run("f = x*x")).variable.grad_fn


def test_choices_read_their_condition_without_a_gradient() -> None:
    trace = run("x = [1, -2]\nf = where(x > 0, x, 0.1*x)")
    node = output(trace)
    assert node.variable.data.tolist() == [1.0, -0.2]
    assert [trace.nodes[i].expression for i in node.reads] == ["[1, -2]", "0"]
    assert trace.outputs == (node.index,)


# The formulas


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3*4 - 8/2", 10.0),
        ("-2**2", -4.0),
        ("2**-1", 0.5),
        ("+x - -x", 2.0),
        ("[1, 2, 3]*2", [2.0, 4.0, 6.0]),
        ("[[1, 2], [3, 4]] @ [1, 1]", [3.0, 7.0]),
        ("[x, 2*x, 3]", [1.0, 2.0, 3.0]),
        ("[[x, 2], [3, x]]", [[1.0, 2.0], [3.0, 1.0]]),
        ("A = [[1, 2, 3], [4, 5, 6]]\nA[1, :]", [4.0, 5.0, 6.0]),
        ("A = [[1, 2, 3], [4, 5, 6]]\nA[0][-1]", 3.0),
        ("A = [[1, 2, 3], [4, 5, 6]]\nA[:, [0, 2, 2]]", [[1.0, 3.0, 3.0], [4.0, 6.0, 6.0]]),
        ("A = [[1, 2, 3], [4, 5, 6]]\nA[:, ::2]", [[1.0, 3.0], [4.0, 6.0]]),
        ("sum([[1, 2], [3, 4]], axis=0)", [4.0, 6.0]),
        ("sum([[1, 2], [3, 4]], 1, True)", [[3.0], [7.0]]),
        ("mean([[1, 2], [3, 4]], axis=(0, 1))", 2.5),
        ("max([3, 5, 4])", 5.0),
        ("maximum([3, 5], 4)", [4.0, 5.0]),
        ("concat([[1, 2], [3]])", [1.0, 2.0, 3.0]),
        ("stack([x, x], axis=0)", [1.0, 1.0]),
        ("reshape([1, 2, 3, 4], (2, 2))", [[1.0, 2.0], [3.0, 4.0]]),
        ("reshape([1, 2, 3, 4], 2, -1)", [[1.0, 2.0], [3.0, 4.0]]),
        ("transpose([[1, 2], [3, 4]])", [[1.0, 3.0], [2.0, 4.0]]),
        ("transpose([[1, 2, 3]], (1, 0))", [[1.0], [2.0], [3.0]]),
        ("dot([1, 2], [3, 4])", 11.0),
        ("relu([-1, 2])", [0.0, 2.0]),
        ("leaky_relu([-1, 2], 0.5)", [-0.5, 2.0]),
        ("(x +\n  x)", 2.0),
        ("x/0", np.inf),
        ("9**9**9", np.inf),
        ("exp(1000)", np.inf),
        ("x = -1\nlog(x) + sqrt(0)", np.nan),
        ("with no_grad:\n  y = x\n  y*2", 2.0),
        ("größe = 2\ngröße*größe", 4.0),
    ],
)
def test_formulas_are_computed(text: str, expected: Any) -> None:
    assert np.array_equal(value(text), expected, equal_nan=True)


def test_every_function_of_the_language_runs_its_operation() -> None:
    for name, function in FUNCTIONS.items():
        assert function.operation in OPERATORS
        operands = ["[[0.5, 1], [2, 3]]"] * function.operands or ["[[1, 2], [3, 4]]"]
        if function.operation == "dot":
            operands = ["[1, 2]", "[3, 4]"]
        settings = ["(4, 1)"] if name == "reshape" else []
        node = output(run(f"{name}({', '.join(operands + settings)})"))
        assert node.operation == function.operation, name
        assert function.signature(name).startswith(f"{name}(")


def test_a_graph_of_a_thousand_terms_on_one_line_is_no_trouble() -> None:
    trace = run(" + ".join(["x*2"] * 600))
    assert output(trace).variable.item() == 1200.0


# What is refused


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "there is nothing to compute yet"),
        ("# only words", 1, 1, "there is nothing to compute yet"),
        ("x = 1\nfor i in x:\n  y = 1", 2, 1, "there are no loops"),
        ("while x:\n  y = 1", 1, 1, "there are no loops"),
        ("if x: y = 1", 1, 1, "where(x > 0, a, b)"),
        ("y = a if x else b", 1, 5, "where(x > 0, a, b)"),
        ("import os", 1, 1, "nothing can be imported"),
        ("from os import path", 1, 1, "nothing can be imported"),
        ("f = lambda x: x", 1, 5, "functions cannot be defined"),
        ("def f(x):\n  return x", 1, 1, "functions cannot be defined"),
        ("class A: pass", 1, 1, "classes cannot be defined"),
        ("y = [a for a in x]", 1, 5, "write the elements out"),
        ("y = 'text'", 1, 5, "there is no text here"),
        ("y = f'{x}'", 1, 5, "there is no text here"),
        ("y = b'x'", 1, 5, "there is no text here"),
        ("y = 'text", 1, 5, "there is no text here"),
        ("y = (z := 3)", 1, 6, "on a line of its own"),
        ("y = x.T", 1, 5, "write transpose(x) instead of x.T"),
        ("y = x.detach()", 1, 5, "write detach(x) instead of x.detach"),
        ("y = (a + b).sum()", 1, 5, "write sum(a + b) instead of a + b.sum"),
        ("y = np.tanh(x)", 1, 5, "write tanh without np"),
        ("f.backward()", 1, 1, "the walk back is taken afterwards"),
        ("y = x.__class__", 1, 5, "there are no attributes"),
        ("__import__('os')", 1, 1, "two underscores"),
        ("__x = 3", 1, 1, "two underscores"),
        ("x = 2\ny = \u0445*x", 2, 5, "this х only looks like the x before: U+0445 here, U+0078 there"),
        ("n" * 41 + " = 2", 1, 1, "a name has at most 40 characters, and this one 41"),
        ("x = torch.tensor([1., 2.])", 1, 5, "there are no attributes; write [1, 2, 3]"),
        ("lambda = 2", 1, 8, "lambda is a reserved word and cannot be a name; write lambda_ for it"),
        ("y = 2*lambda + 1", 1, 7, "lambda is a reserved word"),
        ("y = exp x", 1, 9, "what exp is taken of stands in brackets, as in exp(x)"),
        ("y = [1 2]", 1, 6, "between elements there is a comma"),
        ("y = [1, 2; 3, 4]", 1, 10, "the rows of a matrix stand in brackets of their own, as in [[1, 2], [3, 4]]"),
        ("y = |x|", 1, 5, "the sign | is not understood; write abs(x)"),
        ("x = 2, y = 3", 1, 1, "a comma does not part assignments"),
        ("no_grad():\n  y = x", 1, 10, "write `with no_grad():`"),
        ("y = x*🙂", 1, 7, "the sign 🙂 is not understood"),
        ("y = x\u202e", 1, 6, "there is something here that cannot be seen (U+202E)"),
        ("y = " + "(" * 201, 1, 205, "nested too deeply"),
        ("x = [1, 2]\ny = max(x[2:])", 2, 5, "max: x[2:] (0,) has no elements to choose from"),
        ("x += 1", 1, 1, "write x = x + …"),
        ("x[0] = 1", 1, 1, "an element cannot be assigned"),
        ("x.y = 1", 1, 1, "there are no attributes"),
        ("a, b = 1, 2", 1, 1, "one name is assigned at a time"),
        ("a = b = 1", 1, 1, "one name is assigned at a time"),
        ("f(x) = 1", 1, 1, "only a name can stand to the left of ="),
        ("x: float = 1", 1, 1, "names have no types"),
        ("exp = 1", 1, 1, "exp is a function; choose another name"),
        ("y = tanh + 1", 1, 5, "tanh is a function; write tanh(x)"),
        ("y = tnah(x)", 1, 5, "did you mean tanh?"),
        ("y = x(2)", 1, 5, "a product needs its *, as in x*(…)"),
        ("y = 2(x)", 1, 5, "a product needs its *"),
        ("y = 2x", 1, 5, "a product needs its *, as in 2*x"),
        ("y = x^2", 1, 5, "a power is written **"),
        ("y = x²", 1, 6, "write **2"),
        ("y = x1·x2 + größe·q(3)", 1, 19, "q is no function"),
        ("y = x // 2", 1, 5, "// has no gradient"),
        ("y = x > 0", 1, 5, "a comparison has no gradient"),
        ("y = where(x, 1, 2)", 1, 11, "where begins with one comparison"),
        ("y = where(0 < x < 1, 1, 2)", 1, 11, "where begins with one comparison"),
        ("y = not x", 1, 5, "there is no logic"),
        ("y = x and z", 1, 5, "there is no logic"),
        ("y = {1: 2}", 1, 5, "there are no dictionaries"),
        ("y = (1, 2)", 1, 5, "square brackets"),
        ("y = []", 1, 5, "at least one element"),
        ("y = [[1, 2], [3]]", 1, 14, "the rows of a matrix have the same length"),
        ("y = 1j", 1, 5, "there are only real numbers"),
        ("y = True", 1, 5, "True is no number"),
        ("y = 1e999", 1, 5, "larger than double precision"),
        ("y = 1" + "0" * 400, 1, 5, "larger than double precision"),
        ("y = " + "1" * 5000, 1, 5, "larger than double precision"),
        ("x\ny = 2", 1, 1, "only the last line can stand without a name"),
        ("y = max(a, b)", 1, 12, "the larger of two is maximum(x, y)"),
        ("y = sum(x, axis=z)", 1, 17, "axis must be a whole number"),
        ("y = sum(x, axes=0)", 1, 12, "sum is written sum(x, axis=None, keepdims=False)"),
        ("y = exp()", 1, 5, "exp is written exp(x)"),
        ("y = exp(a, b)", 1, 5, "exp is written exp(x)"),
        ("y = exp(*x)", 1, 9, "there is no *"),
        ("y = concat(x)", 1, 12, "concat is written concat([x, y, …], axis=0)"),
        ("y = reshape(x)", 1, 5, "reshape is written reshape(x, (2, 3))"),
        ("y = constant(x)", 1, 5, "detach(x)"),
        ("y = detach()", 1, 5, "detach is written detach(x)"),
        ("y = x[i]", 1, 7, "an index is written with whole numbers"),
        ("y = x[[0], [1]]", 1, 7, "only one list"),
        ("y = x[1:2:0]", 1, 7, "a slice is written with whole numbers"),
        ("with open(x):\n  y = 1", 1, 6, "only no_grad() is known"),
        ("with torch.no_grad():\n  y = 1", 1, 6, "write no_grad() alone"),
        ("with no_grad() as g:\n  y = 1", 1, 6, "only no_grad() is known"),
        ("y = no_grad()", 1, 5, "with no_grad():"),
        ("y = (1 + 2", 1, 5, "'(' was never closed"),
        ("y = x z", 1, 7, "does not read as a formula, at 'z'; a product needs its *"),
        ("y = x + * z", 1, 9, "does not read as a formula, at '* z'"),
        ("  y = 1", 1, 2, "a line begins at the margin"),
        ("with no_grad():\ny = 1", 2, 1, "a line begins at the margin"),
        ("with no_grad()\n  y = 1", 1, 15, "ends with a colon"),
        ("x\0", 1, 2, "U+0000"),
        ("x = 1\ny = \ud800", 2, 5, "U+D800"),
        ("größe = 2\ny = größe @ größe", 2, 5, "größe is a single number"),
        ("del x", 1, 1, "an assignment makes a new one"),
        ("global x", 1, 1, "an assignment makes a new one"),
        ("assert x", 1, 1, "infinities and NaN are values"),
        ("async def f(): pass", 1, 1, "functions cannot be defined"),
        ("pass", 1, 1, "can be left out"),
    ],
)
def test_what_is_not_in_the_language_is_refused_in_one_sentence(text: str, line: int, column: int, words: str) -> None:
    error = refusal(text)
    assert words in error.reason
    assert (error.line, error.column) == (line, column)
    assert str(error) == f"line {line}, column {column}: {error.reason}"
    assert "\n" not in error.reason


def test_shapes_that_do_not_fit_name_both_operands_as_typed() -> None:
    error = refusal("A = [[1, 2], [3, 4]]\nf = A @ (2*x)", x=[1, 2, 3])
    assert error.reason == "matmul: A (2, 2) and 2*x (3,) do not fit: 2 columns meet 3 entries"
    assert (error.line, error.column) == (2, 5)
    error = refusal("f = [1, 2] + sum(B, axis=0)", B=[[1, 2, 3]])
    assert error.reason == (
        "add: [1, 2] (2,) and sum(B, axis=0) (3,) do not fit: the last axis has 2 in [1, 2] and 3 in sum(B, axis=0); "
        "they must be the same, or 1"
    )


@pytest.mark.parametrize("given", ["text", [[1], [1, 2]], None, [1j], object()])
def test_an_input_that_is_no_number_is_refused_where_it_is_used(given: Any) -> None:
    error = refusal("y = 2\nf = y*x", x=given)
    assert "is not an array of real numbers" in error.reason
    assert (error.line, error.column) == (2, 7)


# Limits


@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "-" * 100_000 + "1", "1+" * 100_000 + "1", "[" * 9_000, "-" * 9_000 + "1",
     "x+" * 9_000 + "x", "x**" * 6_000 + "x", "not " * 4_000 + "x", "exp(" * 150 + "x" + ")" * 150, "x[0]" * 4_000,
     "[" * 100 + "1" + "]" * 100, "lambda:" * 2_000 + "x", "x;" * 9_000, "y = " * 4_000 + "1",
     "with no_grad():" * 2, "\n".join(f"x{i} = {i}" for i in range(2_100)), "(" * 9_000 + ")" * 9_000, "{" * 9_000],
    ids=lambda text: f"{text[:12]}-{len(text)}",
)  # fmt: skip
def test_no_text_is_too_long_or_too_deep_to_be_answered(text: str) -> None:
    error = refusal(text)
    assert error.line >= 1
    assert error.column >= 1


def test_a_caller_that_stands_deep_already_is_answered_too() -> None:
    def deeper(levels: int) -> ProgramError | Trace:
        try:
            return deeper(levels + 1)
        except RecursionError:
            pass
        try:
            return run("f = " + "exp(" * 40 + "x" + ")" * 40)
        except ProgramError as error:
            return error

    # On the way back up, the answer is first that it is too deep, and then the program's.
    assert isinstance(deeper(0), ProgramError)
    assert isinstance(run("f = " + "exp(" * 40 + "x" + ")" * 40), Trace)


@pytest.mark.parametrize(
    "formula",
    ["x*transpose(reshape(x, (1, -1)))", "reshape(x, (-1, 1)) @ reshape(x, (1, -1))", "concat([x, x, x, x])",
     "stack([x, x, x, x])", "[x, x, x, x]", "x[:] + reshape(x, (-1, 1))",
     "reshape(x, (-1, 1))[:, [0, 0, 0, 0]]",
     "where(x > reshape(x, (-1, 1)), 1, 2)", "where(x > 0, x, reshape(x, (-1, 1)))",
     "softmax(x + reshape(x, (-1, 1)))"],
)  # fmt: skip
def test_a_result_that_would_fill_the_memory_is_not_begun(formula: str) -> None:
    error = refusal(f"f = {formula}", x=np.ones(50_000))
    assert "the most is 100,000" in error.reason


def test_all_nodes_together_and_all_multiplications_are_limited() -> None:
    big = np.ones(100_000)
    assert "all nodes together" in refusal("\n".join(f"y{i} = x*{i}" for i in range(60)), x=big).reason
    square = np.ones((316, 316))
    assert "multiplications are too many" in refusal("\n".join(f"y{i} = A @ A" for i in range(10)), A=square).reason
    assert "more than 2,000 nodes" in refusal("y = " + " + ".join(["x"] * 2100)).reason
    assert "the most is 100,000" in refusal("y = x", x=np.ones(100_001)).reason
