"""Every worked example runs, shows what it says, and has PyTorch's gradients."""

from __future__ import annotations

import ast
import contextlib
from typing import Any

import numpy as np
import pytest

from gradflow.autograd import Variable, hessian
from gradflow.autograd.program import Trace, run
from gradflow.autograd.program.examples import Example, examples

every_example = pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)


def named(name: str) -> tuple[Example, Trace, Variable]:
    """Return an example, its trace and its output, walked back from."""
    example = next(one for one in examples() if one.name == name)
    trace = run(example.text)
    output = trace.nodes[trace.outputs[0]].variable
    output.backward(example.v, retain_graph=True)
    return example, trace, output


def gradient(trace: Trace, name: str) -> Any:
    found = trace.nodes[trace.names[name]].variable.grad
    return None if found is None else found.data


def test_there_are_twelve_and_the_lectures_is_first() -> None:
    assert len(examples()) == 12
    assert examples()[0].name == "lecture"
    assert len({example.title for example in examples()}) == 12


@every_example
def test_an_example_explains_itself_and_stands_on_its_own(example: Example) -> None:
    assert 5 < len(example.title) <= 60
    assert example.look_for.endswith((".", "compare."))
    trace = run(example.text)
    assert trace.inputs == ()
    assert 5 <= len(trace.nodes) <= 15
    shape = trace.nodes[trace.outputs[0]].variable.shape
    assert np.shape(example.v) == shape if example.v else shape == ()


class InTorch:
    """The program in PyTorch: a second reading of the same text, by ten lines that know no refusals."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.names = torch, {}  # type: ignore[var-annotated]

    def functions(self) -> dict[str, Any]:
        t = self.torch
        return {
            "tanh": t.tanh, "exp": t.exp, "sin": t.sin, "sqrt": t.sqrt, "sigmoid": t.sigmoid, "relu": t.relu,
            "sum": t.sum, "mean": t.mean, "dot": t.dot, "detach": lambda x: x.detach(),
            "log_softmax": lambda x: t.log_softmax(x, -1), "constant": lambda x: x,
        }  # fmt: skip

    def run(self, text: str) -> Any:
        for statement in ast.parse(text).body:
            if isinstance(statement, ast.With):
                with self.torch.no_grad():
                    for inner in statement.body:
                        self.assign(inner)
            else:
                self.assign(statement)
        return self.names

    def assign(self, statement: Any) -> None:
        name, value = statement.targets[0].id, statement.value
        with contextlib.suppress(ValueError):
            literal = ast.literal_eval(value)
            self.names[name] = self.torch.tensor(literal, dtype=self.torch.float64, requires_grad=True)
            return
        self.names[name] = self.value(value)

    def value(self, node: Any) -> Any:
        with contextlib.suppress(ValueError):
            return self.torch.tensor(ast.literal_eval(node), dtype=self.torch.float64)
        if isinstance(node, ast.Name):
            return self.names[node.id]
        if isinstance(node, ast.UnaryOp):
            return -self.value(node.operand)
        if isinstance(node, ast.Subscript):
            return self.value(node.value)[ast.literal_eval(node.slice)]
        if isinstance(node, ast.Call):
            return self.functions()[node.func.id](*map(self.value, node.args))  # type: ignore[attr-defined]
        sign = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.MatMult: "matmul"}
        return getattr(self.torch, sign[type(node.op)])(self.value(node.left), self.value(node.right))


@every_example
def test_an_example_has_pytorchs_values_and_gradients(example: Example) -> None:
    torch = pytest.importorskip("torch")
    names = InTorch(torch).run(example.text)
    _, trace, output = named(example.name)
    theirs = names[trace.nodes[trace.outputs[0]].name]
    assert np.allclose(output.data, theirs.detach().numpy(), rtol=1e-13, equal_nan=True)
    theirs.backward(None if example.v is None else torch.tensor(example.v, dtype=torch.float64))
    for node in trace.nodes:
        if node.operation == "leaf":
            mine, other = gradient(trace, node.name), names[node.name].grad
            assert (mine is None) == (other is None)
            assert mine is None or np.allclose(mine, other.numpy(), rtol=1e-12, equal_nan=True)


# What the sentences claim


def test_claims_of_the_examples_hold() -> None:
    _, trace, _ = named("neuron")
    assert gradient(trace, "w")[1] == 0.0
    _, trace, _ = named("cross-entropy")
    z = trace.nodes[trace.names["z"]].variable.data
    truth = trace.nodes[trace.names["t"]].variable.data
    assert gradient(trace, "z") == pytest.approx(np.exp(z) / np.exp(z).sum() - truth)
    _, trace, output = named("division-by-zero")
    assert output.item() == 2.0
    assert gradient(trace, "x")[0] == 0.25
    assert np.isnan(gradient(trace, "x")[1])
    _, trace, _ = named("saturation")
    assert gradient(trace, "w4") > 1000 * gradient(trace, "w1")


def test_claims_about_what_is_cut_hold() -> None:
    example, trace, _ = named("detach")
    # With target in place of detach(target), as its sentence proposes.
    whole = run(example.text.replace("detach(target)", "target"))
    whole.nodes[whole.outputs[0]].variable.backward()
    assert gradient(whole, "w") != gradient(trace, "w")


def test_rosenbrocks_minimum_is_where_the_example_says() -> None:
    example, _, _ = named("rosenbrock")
    trace = run(example.text.replace("-1.2", "1"))
    x, y = (trace.nodes[trace.names[name]].variable for name in ("x", "y"))
    f = trace.nodes[trace.outputs[0]].variable
    blocks = hessian(f, [x, y])
    matrix = np.array([[float(entry) for entry in row] for row in blocks])
    assert np.linalg.eigvalsh(matrix) == pytest.approx([0.4, 1001.6], rel=1e-2)
    f.backward()
    assert (gradient(trace, "x"), gradient(trace, "y")) == (0.0, 0.0)
