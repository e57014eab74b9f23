"""The rules a student knows from PyTorch: leaves, requires_grad, accumulation, no_grad, detach, freed graphs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradflow.autograd import (
    AutogradError,
    Variable,
    concatenate,
    enable_grad,
    exp,
    grad,
    is_grad_enabled,
    no_grad,
    sigmoid,
    softmax,
    stack,
    tanh,
    where,
)


def leaf(data: Any = 2.0, name: str = "") -> Variable:
    return Variable(data, requires_grad=True, name=name)


def gradient(x: Variable) -> Any:
    assert x.grad is not None
    return x.grad.data.tolist()


# Leaves and what is computed from them


def test_lectures_graph_has_the_derivatives_of_the_lecture() -> None:
    x1, x2, x3, x4 = (leaf(value) for value in (2.0, -3.0, 4.0, 0.5))
    f = x1 * x2 + x3 * x4
    assert f.item() == -4.0
    f.backward()
    assert [gradient(x) for x in (x1, x2, x3, x4)] == [-3.0, 2.0, 0.5, 4.0]


def test_gradient_lands_on_leaves_that_ask_and_nowhere_else() -> None:
    x, c = leaf(3.0), Variable(4.0)
    z = x * c
    f = z * z
    f.backward()
    assert gradient(x) == 2 * 3.0 * 16.0
    assert c.grad is None
    assert z.grad is None
    assert (x.is_leaf, c.is_leaf, z.is_leaf) == (True, True, False)
    assert (x.requires_grad, c.requires_grad, z.requires_grad) == (True, False, True)


def test_gradients_accumulate_until_they_are_zeroed() -> None:
    x = leaf(3.0)
    (x * x).backward()
    (x * x).backward()
    assert gradient(x) == 12.0
    x.zero_grad()
    assert x.grad is None
    (x * x).backward()
    assert gradient(x) == 6.0


def test_a_gradient_once_read_is_not_changed_by_the_next() -> None:
    x = leaf(3.0)
    (x * x).backward()
    first = x.grad
    (x * x).backward()
    assert first is not None
    assert first.item() == 6.0


def test_a_reused_node_adds_up_all_its_paths() -> None:
    x = leaf(0.5)
    z = x * 2.0
    (z * z * z).backward()
    assert gradient(x) == pytest.approx(3 * 1.0**2 * 2.0)


def test_retain_grad_keeps_the_gradient_of_a_result() -> None:
    x = leaf(3.0)
    z = x * 2.0
    z.retain_grad()
    (z * z).backward()
    assert gradient(z) == 12.0
    assert gradient(x) == 24.0


def test_grad_fn_tells_what_was_recorded() -> None:
    x, y = leaf(2.0, "x"), leaf(5.0, "y")
    z = x * y
    assert z.grad_fn is not None
    assert (z.grad_fn.name, z.grad_fn.symbol) == ("mul", "·")
    assert z.grad_fn.inputs == (x, y)
    assert z.grad_fn.formula(0) == "∂(a·b)/∂a = b"
    assert z.grad_fn.local(0).tolist() == [[5.0]]
    assert z.grad_fn.multiplications == 1
    assert repr(z) == "Variable(10.0, grad_fn=<mul>)"
    assert repr(x) == "Variable(2.0, name='x', requires_grad=True)"


# Outputs with several elements


def test_backward_with_v_is_the_weighted_sum_of_the_jacobians_rows() -> None:
    x = leaf([1.0, 2.0])
    e = stack([x[0] * x[1], x[0] ** 2, x[1]])
    e.backward([-5.0, 2.0, 6.0])
    rows = np.array([[2.0, 1.0], [2.0, 0.0], [0.0, 1.0]])
    assert gradient(x) == (np.array([-5.0, 2.0, 6.0]) @ rows).tolist()


def test_several_elements_need_v_of_their_shape() -> None:
    f = leaf([1.0, 2.0, 3.0], "x") * 2.0
    with pytest.raises(AutogradError, match=r"the output has 3 elements; give v of shape \(3,\)"):
        f.backward()
    with pytest.raises(AutogradError, match=r"v has shape \(2,\), but the output has \(3,\)"):
        f.backward([1.0, 2.0])
    (leaf([[2.0]]) * 3.0).backward()


# Nothing recorded


def test_no_grad_as_context_and_as_decorator() -> None:
    x = leaf()
    with no_grad():
        assert not is_grad_enabled()
        inside = x * x
        with enable_grad():
            again = x * x
    assert is_grad_enabled()

    @no_grad()
    def with_parentheses() -> Variable:
        return x * x

    @no_grad
    def without() -> Variable:
        """Say something."""
        return x * x

    for result in (inside, with_parentheses(), without()):
        assert result.grad_fn is None
        assert not result.requires_grad
        assert result.is_leaf
    assert again.requires_grad
    assert without.__doc__ == "Say something."


def test_no_grad_ends_with_an_error_inside() -> None:
    with pytest.raises(AutogradError), no_grad():
        leaf([1.0]) @ leaf([1.0, 2.0])
    assert is_grad_enabled()


def test_no_grad_reaches_no_other_thread() -> None:
    seen: list[bool] = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detach_stops_the_gradient() -> None:
    x = leaf(3.0)
    (x * (x * x).detach()).backward()
    assert gradient(x) == 9.0
    assert x.detach().data is x.data


def test_an_update_in_no_grad_keeps_the_leaf() -> None:
    """The training loop as it is written for PyTorch."""
    w = leaf(3.0, "w")
    for _ in range(100):
        loss = (w - 1.0) ** 2
        w.zero_grad()
        loss.backward()
        with no_grad():
            assert w.grad is not None
            w -= 0.1 * w.grad
    assert w.is_leaf
    assert w.requires_grad
    assert w.item() == pytest.approx(1.0)


# Changes in place


def test_changes_in_place_that_would_spoil_the_record_are_refused() -> None:
    w = leaf([1.0, 2.0], "w")
    z = w * w
    with pytest.raises(AutogradError, match="w asks for a gradient and cannot be changed in place"):
        w += 1.0
    with pytest.raises(AutogradError, match="an element cannot be assigned"):
        w[0] = 3.0
    with pytest.raises(AutogradError, match="computed by 'mul'"), no_grad():
        z += 1.0
    with pytest.raises(AutogradError, match="computed by 'mul'"):
        z.data = [1.0, 2.0]
    with pytest.raises(AutogradError, match=r"w has \(2,\) and was given \(3,\)"):
        w.data = [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="read-only"):
        w.data[0] = 3.0
    z += 1.0  # A new node with the old name.
    z.sum().backward()
    assert gradient(w) == [2.0, 4.0]


def test_the_array_a_variable_was_made_of_can_change_freely() -> None:
    array = np.ones(2)
    x = leaf(array)
    array[0] = 5.0
    assert x.data.tolist() == [1.0, 1.0]


def test_new_data_of_a_leaf_leaves_recorded_gradients_right() -> None:
    x = leaf(3.0, "x")
    f = x * x * x
    x.data = 100.0
    f.backward(retain_graph=True)
    assert gradient(x) == 27.0
    with pytest.raises(AutogradError, match="x was given new data after 'mul' had used it"):
        grad(f, x, create_graph=True)


# Freed graphs


def test_a_freed_graph_is_not_walked_twice() -> None:
    x = leaf(3.0)
    f = x * x
    f.backward()
    with pytest.raises(AutogradError, match=r"second walk through 'mul'.*retain_graph=True"):
        f.backward()
    assert gradient(x) == 6.0, "nothing is added by a walk that fails"
    f = x * x
    f.backward(retain_graph=True)
    f.backward()
    assert gradient(x) == 18.0


def test_a_freed_part_of_another_graph_is_noticed_before_anything_is_added() -> None:
    x, y = leaf(3.0), leaf(2.0)
    shared = exp(x)
    one, other = shared * 2.0, shared * y
    one.backward()
    with pytest.raises(AutogradError, match="second walk through 'exp'"):
        other.backward()
    assert y.grad is None


# What cannot be


def test_backward_without_anything_that_asks_says_so() -> None:
    with pytest.raises(AutogradError, match="depends on nothing that asks for a gradient"):
        (Variable(2.0) * 3.0).backward()
    with pytest.raises(AutogradError, match="nothing in it has requires_grad=True"):
        (Variable(2.0) * 3.0).retain_grad()
    with pytest.raises(AutogradError, match="only a leaf"):
        (leaf() * 3.0).requires_grad = False


W, X = leaf(np.ones((2, 3)), "W"), leaf(np.ones(4), "x")


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: W @ X, "matmul: W (2, 3) and x (4,) do not fit: 3 columns meet 4 entries"),
        (lambda: W @ Variable(np.ones((4, 2))), "matmul: W (2, 3) and (4, 2) do not fit: 3 columns meet 4 rows"),
        (lambda: X @ W, "matmul: x (4,) and W (2, 3) do not fit: 4 entries meet 2 rows"),
        (lambda: W @ 2.0, "matmul: the second is a single number; * multiplies by a number"),
        (
            lambda: W + X,
            "add: W (2, 3) and x (4,) do not fit: the last axis has 3 in W and 4 in x",
        ),
        (lambda: W.sum(axis=2), "sum: W (2, 3) has no axis 2; its axes are 0, 1"),
        (lambda: X.max(axis=1), "max: x (4,) has no axis 1; its only axis is 0"),
        (lambda: W.sum(axis=(0, 0)), "sum: axis (0, 0) names one axis twice"),
        (lambda: softmax(leaf(1.0, "s"), axis=1), "softmax: s () has no axis 1; it is a single number"),
        (lambda: W.reshape(4, 2), "reshape: W (2, 3) has 6 elements and does not fill the shape (4, 2)"),
        (lambda: X[4], "index: x (4,) has no element 4 on axis 0; there are 4, counted from 0"),
        (lambda: W[:, [0, 3]], "index: W (2, 3) has no element 3 on axis 1; there are 3, counted from 0"),
        (lambda: stack([X, X], axis=3), "stack: the result has 2 axes, and 3 is none of them, counted from 0"),
        (lambda: concatenate([X, X], axis=1), "concatenate: x (4,) has no axis 1 to be joined along, counted from 0"),
        (lambda: X.transpose(0, 1), "transpose: x (4,) has 1 axis, and (0, 1) does not name each of them once"),
        (lambda: W[[0, 1], [0, 1], [0, 1]], "index: W (2, 3) has 2 axes, and 3 indices were given"),
        (lambda: W[0, 1, 2], "index: W (2, 3) has 2 axes, and 3 indices were given"),
        (lambda: leaf(1.0, "s")[0], "index: s () is a single number and has no elements"),
        (lambda: concatenate([W, X]), "concatenate: W (2, 3) and x (4,) do not fit: they have 2 and 1 axes"),
        (lambda: concatenate([leaf()]), "concatenate: a single number has no axis to be joined along; use stack"),
        (lambda: stack([W, X]), "stack: W (2, 3) and x (4,) do not fit: only equal shapes can be stacked"),
        (lambda: stack([]), "stack: nothing was given to put together"),
        (lambda: W.transpose(0, 0), "transpose: W (2, 3) has 2 axes, and (0, 0) does not name each of them once"),
        (lambda: Variable("a"), "Variable: 'a' is not an array of real numbers"),
        (lambda: Variable([1j]), "Variable: [1j] is not an array of real numbers"),
        (lambda: Variable(None), "Variable: None is not an array of real numbers"),
        (lambda: Variable([leaf()]), "Variable: a list of Variables would lose their history; put them into stack"),
        (lambda: exp([[leaf()]]), "Variable: a list of Variables would lose their history; put them into stack"),
        (lambda: W * "a", "Variable: 'a' is not an array of real numbers"),
        (lambda: W.item(), "item: only one element makes a number, and the shape is (2, 3)"),
        (lambda: bool(W), "item: only one element makes a number, and the shape is (2, 3)"),
        (lambda: len(leaf()), "len: a single number has no length"),
        (lambda: np.floor(X), "np.floor: is not recorded; use a function of gradflow.autograd, or np.floor(x.data)"),
        (lambda: np.dot(X, X), "np.dot: is not recorded; use a function of gradflow.autograd, or np.dot(x.data)"),
        (
            lambda: np.linalg.norm(X),
            "np.linalg.norm: is not recorded; use a function of gradflow.autograd, or np.linalg.norm(x.data)",
        ),
        (
            lambda: np.concatenate([X, X]),
            "np.concatenate: is not recorded; use a function of gradflow.autograd, or np.concatenate(x.data)",
        ),
        (lambda: np.mean(X), "np.mean: is not recorded; use a function of gradflow.autograd, or np.mean(x.data)"),
        (lambda: setattr(X, "grad", np.ones(5)), "grad: a gradient has the shape of x, (4,), not (5,)"),
        (lambda: grad(3.0, X), "grad: the output has to be a Variable or a list of them, not float"),
        (lambda: grad([3.0], X), "grad: output 0 is not a Variable"),
        (lambda: grad(X, 3.0), "grad: the input has to be a Variable or a list of them, not float"),
        (lambda: f"{X:.4f}", "item: only one element makes a number, and the shape is (4,)"),
        (lambda: int(leaf(np.nan)), "int: nan is no whole number"),
        (
            lambda: W > X,
            "greater: W (2, 3) and x (4,) do not fit: the last axis has 3 in W and 4 in x",
        ),
        (
            lambda: where(np.ones(2), X, 0.0),
            "where: x (4,) and the condition (2,) do not fit: the last axis has 4 in x and 2 in the condition",
        ),
    ],
)  # fmt: skip
def test_errors_say_which_operation_and_which_shapes(compute: Callable[[], Any], message: str) -> None:
    with pytest.raises(AutogradError) as raised:
        compute()
    # Broadcasting always ends in the same words.
    assert str(raised.value).removesuffix("; they must be the same, or 1") == message


# NumPy on the other side


def test_numpys_functions_and_arrays_on_the_left_are_recorded() -> None:
    x = leaf([1.0, 2.0])
    for result in (np.exp(x), np.ones(2) * x, np.float64(2.0) ** x, 3.0 - x, np.eye(2) @ x, [1.0, 2.0] / x):
        assert isinstance(result, Variable)
        assert result.requires_grad
    assert np.array_equal(np.array([0.0, 3.0]) > x, [False, True])
    assert np.asarray(x).tolist() == [1.0, 2.0]
    assert [row.item() for row in x] == [1.0, 2.0]
    assert float(x[1]) == int(x[1]) == 2
    assert np.shape(x) == np.zeros_like(x).shape == (2,) and np.allclose(x, [1.0, 2.0])
    assert f"{x[1]:.4f}" == "2.0000" and f"{x}" == str(x)


def test_comparisons_give_plain_arrays() -> None:
    x = leaf([1.0, -2.0])
    assert (x > 0).tolist() == [True, False]
    assert type(x == x) is np.ndarray
    where(x > 0, x, 0.1 * x).sum().backward()
    assert gradient(x) == [1.0, 0.1]
    assert len({x, x}) == 1


def test_infinities_are_values_and_no_warnings() -> None:
    x = leaf([0.0, 1.0])
    f = 1.0 / x
    assert f.data.tolist() == [np.inf, 1.0]
    f.backward([1.0, 1.0])
    assert gradient(x) == [-np.inf, -1.0]
    assert exp(leaf(1e4)).item() == np.inf
    assert (leaf(1e300) * 1e300).item() == np.inf
    big = leaf(1e308)
    (big * 10.0).backward()
    (tanh(big) + sigmoid(big)).backward()
