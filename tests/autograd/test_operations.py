"""Every entry of the table of operations against central differences, PyTorch, and its own other rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from autograd_cases import CASES, Case, distance

from gradflow.autograd import OPERATORS, AutogradError, Operation, Variable, grad, jvp, multiplications, no_grad
from gradflow.autograd.arrays import Array

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def record(case: Case, seed: int = 0) -> tuple[Variable, list[Variable], Operation]:
    """Return the result, the inputs and what was recorded."""
    inputs = [Variable(value, requires_grad=True) for value in case.inputs(seed)]
    output = case.compute(*inputs)
    assert output.grad_fn is not None
    return output, inputs, output.grad_fn


def weights(output: Any, seed: int = 1) -> Array:
    """Return what to weight the elements of an output with."""
    return np.asarray(np.random.default_rng(seed).normal(size=output.shape))


def torch_of(case: Case, values: list[Array]) -> tuple[Any, list[Any], Any]:
    """Return PyTorch's result and inputs."""
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
    return case.torch(torch, *tensors, **case.settings), tensors, torch


def test_every_operation_of_the_table_has_a_case() -> None:
    assert {case.operation for case in CASES} == set(OPERATORS)


def test_ids_are_unique() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


@every_case
def test_gradient_agrees_with_central_differences(case: Case) -> None:
    values = case.inputs()
    output, inputs, _ = record(case)
    v = weights(output)
    output.backward(v)
    for which, x in enumerate(inputs):
        expected = np.zeros(values[which].size)
        for entry in range(values[which].size):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [value.copy() for value in map(np.asarray, values)]
                moved[which].reshape(-1)[entry] += step
                with no_grad():
                    ends.append(np.sum(v * np.asarray(case.compute(*map(Variable, moved)).data)))
            expected[entry] = (ends[0] - ends[1]) / 2e-5
        assert x.grad is not None
        assert distance(np.ravel(x.grad.data), expected) < 1e-8


@every_case
def test_value_gradient_and_second_derivative_agree_with_pytorch(case: Case) -> None:
    output, inputs, _ = record(case)
    theirs, tensors, torch = torch_of(case, case.inputs())
    v = weights(output)
    assert distance(output.data, theirs.detach()) < 1e-12

    ours = grad(output, inputs, v, create_graph=True)
    expected = torch.autograd.grad(theirs, tensors, torch.tensor(v), create_graph=True)
    for mine, other in zip(ours, expected, strict=True):
        assert mine is not None
        assert distance(mine.data, other.detach()) < 1e-12

    # Something that depends on the gradient, differentiated once more. Where it depends on nothing, the answer is 0:
    # some rules say so by having no graph, others by a graph of zeros.
    second = sum((g * g * 0.5 + g).sum() for g in ours)  # type: ignore[union-attr]
    their_second = sum((g * g * 0.5 + g).sum() for g in expected)
    found = grad(second, inputs, allow_unused=True) if second.requires_grad else [None] * len(inputs)
    wanted = [None] * len(inputs)
    if their_second.requires_grad:
        wanted = torch.autograd.grad(their_second, tensors, allow_unused=True)
    for x, mine, other in zip(inputs, found, wanted, strict=True):
        zeros = np.zeros(x.shape)
        assert (
            distance(zeros if mine is None else mine.data, zeros if other is None else other.numpy(force=True)) < 1e-11
        )


@every_case
def test_forward_mode_is_the_transpose_of_reverse_mode(case: Case) -> None:
    """⟨v, J·t⟩ = ⟨Jᵀ·v, t⟩, for each input alone and for all together."""
    output, inputs, _ = record(case)
    v, tangents = weights(output), [weights(x, 2 + number) for number, x in enumerate(inputs)]
    back = grad(output, inputs, v, retain_graph=True)
    _, change = jvp(output, inputs, tangents)
    assert change.shape == output.shape
    forwards, backwards = np.sum(v * change.data), sum(np.sum(g.data * t) for g, t in zip(back, tangents, strict=True))  # type: ignore[union-attr]
    assert forwards == pytest.approx(backwards, rel=1e-11, abs=1e-12)


@every_case
def test_local_derivative_is_the_jacobian_of_its_edge(case: Case) -> None:
    output, inputs, operation = record(case)
    for index, x in enumerate(inputs):
        local = operation.local(index)
        assert local.shape == (output.size, x.size)
        assert not local.flags.writeable
        v, t = weights(output), weights(x, 5)
        assert distance(np.ravel(operation.vjp(index, v)), local.T @ np.ravel(v)) < 1e-12
        assert distance(np.ravel(operation.jvp(index, t)), local @ np.ravel(t)) < 1e-12


@every_case
def test_forward_mode_can_be_differentiated(case: Case) -> None:
    """The directional derivative's gradient is the second derivative times the direction, by both routes."""
    output, inputs, _ = record(case)
    v, tangents = weights(output), [weights(x, 2 + number) for number, x in enumerate(inputs)]
    _, change = jvp(output, inputs, tangents, create_graph=True)
    forwards = (change * v).sum()
    back = grad(output, inputs, v, create_graph=True)
    backwards = sum((g * t).sum() for g, t in zip(back, tangents, strict=True))  # type: ignore[operator]
    assert float(forwards) == pytest.approx(float(backwards), rel=1e-11, abs=1e-12)
    for x in inputs:
        one, other = (
            grad(end, x, allow_unused=True, retain_graph=True)[0] if end.requires_grad else None
            for end in (forwards, backwards)
        )
        found, wanted = (np.zeros(x.shape) if part is None else part.data for part in (one, other))
        assert np.allclose(found, wanted, rtol=1e-10, atol=1e-11)


@every_case
def test_inputs_and_results_cannot_be_written(case: Case) -> None:
    output, _, operation = record(case)
    for array in (output.data, *(operation.values or ())):
        assert np.ndim(array) == 0 or not array.flags.writeable


@every_case
def test_size_is_predicted_and_costs_are_counted(case: Case) -> None:
    output, inputs, operation = record(case)
    operator = operation.operator
    assert operator.size(*(x.shape for x in inputs), **case.settings) >= output.size
    assert operation.multiplications >= 0
    for index in range(len(inputs)):
        assert operation.carry_multiplications(index) >= 0
        assert operation.formula(index).startswith(("∂", "each entry"))
    assert multiplications(output).sweep == sum(map(operation.carry_multiplications, range(len(inputs))))


@every_case
def test_plain_arrays_are_only_computed(case: Case) -> None:
    inputs = case.inputs()
    found = case.compute(*inputs)
    assert isinstance(found, np.ndarray | np.float64)
    assert all(np.ndim(x) == 0 or x.flags.writeable for x in inputs), "what is not ours stays as it was"
    assert np.array_equal(found, record(case)[0].data)


def test_whole_numbers_and_lists_are_computed_as_float64() -> None:
    assert OPERATORS["mul"](np.array([1, 2]), [3, 4]).dtype == np.float64
    assert OPERATORS["div"](1, 0) == np.inf


# Where rules have an edge


def test_equal_elements_share_the_gradient() -> None:
    for name, values in (("max", [1.0, 3.0, 3.0]), ("min", [5.0, 2.0, 2.0])):
        x = Variable(values, requires_grad=True)
        OPERATORS[name](x, axis=None, keepdims=False).backward()
        assert x.grad is not None
        assert x.grad.data.tolist() == [0.0, 0.5, 0.5]
    a, b = Variable(2.0, requires_grad=True), Variable(2.0, requires_grad=True)
    OPERATORS["maximum"](a, b).backward()
    assert a.grad is not None
    assert b.grad is not None
    assert (a.grad.item(), b.grad.item()) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("name", "at"),
    [("relu", 0.0), ("abs", 0.0), ("leaky_relu", 0.0), ("sqrt", 0.0), ("log", 0.0), ("relu", np.nan), ("exp", 1000.0),
     ("sigmoid", 800.0), ("sigmoid", -800.0), ("softplus", 800.0), ("tanh", 50.0), ("sqrt", -1.0), ("erf", 30.0)],
)  # fmt: skip
def test_kinks_overflow_and_undefined_points_give_pytorchs_values(name: str, at: float) -> None:
    """Infinities and NaN are values: no warning, which the test suite would turn into an error."""
    case = next(case for case in CASES if case.operation == name)
    x = Variable(at, requires_grad=True)
    output = case.compute(x)
    output.backward()
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    theirs = case.torch(torch, tensor, **case.settings)
    theirs.backward()
    assert np.array_equal(output.data, theirs.detach().numpy(), equal_nan=True)
    assert x.grad is not None
    assert np.allclose(x.grad.data, tensor.grad.numpy(), rtol=1e-12, atol=1e-300, equal_nan=True)


@pytest.mark.parametrize(
    ("base", "exponent"), [(0.0, 2.0), (0.0, 1.0), (0.0, 0.0), (-2.0, 3.0), (0.0, -1.0), (-2.0, 0.5)]
)
def test_power_at_zero_and_below_agrees_with_pytorch(base: float, exponent: float) -> None:
    torch = pytest.importorskip("torch")
    a, b = Variable(base, requires_grad=True), Variable(exponent, requires_grad=True)
    (a**b).backward()
    s, t = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (base, exponent))
    (s**t).backward()
    for mine, theirs in ((a, s), (b, t)):
        assert mine.grad is not None
        assert np.allclose(mine.grad.data, theirs.grad.numpy(), rtol=1e-14, equal_nan=True)


def test_square_has_the_same_second_derivative_everywhere() -> None:
    x = Variable([-1.0, 0.0, 2.0], requires_grad=True)
    (first,) = grad((x**2).sum(), x, create_graph=True)
    assert first is not None
    (second,) = grad(first.sum(), x)
    assert second is not None
    assert second.data.tolist() == [2.0, 2.0, 2.0]


def test_local_derivative_of_a_product_with_infinite_entries_keeps_its_zeros() -> None:
    a = Variable([[np.inf, 2.0], [np.nan, -np.inf]], requires_grad=True)
    b = Variable([[np.inf], [1.0]], requires_grad=True)
    operation = (a @ b).grad_fn
    assert operation is not None
    assert np.array_equal(operation.local(0), [[np.inf, 1, 0, 0], [0, 0, np.inf, 1]])
    assert np.array_equal(operation.local(1), a.data, equal_nan=True)


def test_local_derivative_that_would_fill_the_memory_is_refused() -> None:
    x = Variable(np.ones(100_000), requires_grad=True)
    operation = (x * 2.0).grad_fn
    assert operation is not None
    with pytest.raises(AutogradError, match="10,000,000,000 entries, too many"):
        operation.local(0)
    with pytest.raises(AutogradError, match=r"mul: the gradient has shape \(2,\), and \(100000,\) is carried here"):
        operation.vjp(0, [1.0, 2.0])
    total = x.sum().grad_fn
    assert total is not None
    assert total.local(0).shape == (1, 100_000)


def test_local_derivative_of_an_infinite_slope_stays_on_its_diagonal() -> None:
    output = OPERATORS["sqrt"](Variable([0.0, 4.0], requires_grad=True))
    assert output.grad_fn is not None
    assert output.grad_fn.local(0).tolist() == [[np.inf, 0.0], [0.0, 0.25]]
