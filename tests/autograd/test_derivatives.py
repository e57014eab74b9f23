"""grad, vjp, jvp, jacobian and hessian, on recorded results and on functions, against closed forms and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.autograd import (
    AutogradError,
    Variable,
    exp,
    grad,
    hessian,
    jacobian,
    jvp,
    matmul,
    multiplications,
    no_grad,
    sin,
    tanh,
    vjp,
)

RNG = np.random.default_rng(0)


def leaf(data: Any, name: str = "") -> Variable:
    return Variable(data, requires_grad=True, name=name)


def rosenbrock(p: Variable) -> Variable:
    return (1.0 - p[0]) ** 2 + 100.0 * (p[1] - p[0] ** 2) ** 2


def test_grad_returns_and_leaves_grad_alone() -> None:
    x, y = leaf(2.0), leaf(3.0)
    by_x, by_y = grad(x * x * y, [x, y])
    assert by_x is not None
    assert by_y is not None
    assert (by_x.item(), by_y.item()) == (12.0, 4.0)
    assert x.grad is None


def test_grad_by_a_result_and_by_what_it_was_computed_from() -> None:
    x = leaf(2.0)
    z = x * x
    f = z * z * x
    by_z, by_x = grad(f, [z, x])
    assert by_z is not None
    assert by_x is not None
    assert by_z.item() == 2 * 4.0 * 2.0
    assert by_x.item() == 5 * 2.0**4


def test_grad_of_several_outputs_adds_them_with_their_weights() -> None:
    x = leaf([1.0, 2.0])
    (found,) = grad([x * x, x.sum()], x, [[1.0, 10.0], 100.0])
    assert found is not None
    assert found.data.tolist() == [102.0, 140.0]


def test_grad_says_which_input_is_not_used() -> None:
    x, y = leaf(2.0, "x"), leaf(3.0, "y")
    with pytest.raises(AutogradError, match=r"does not depend on y; with allow_unused=True"):
        grad(x * x, [x, y], retain_graph=True)
    assert grad(x * x, [x, y], allow_unused=True)[1] is None
    with pytest.raises(AutogradError, match="input 0 does not ask for a gradient"):
        grad(x * x, Variable(1.0))
    with pytest.raises(AutogradError, match="2 outputs need as many grad_outputs, and 1 were given"):
        grad([x * x, x], x, [1.0])


def test_every_derivative_of_exp_is_exp() -> None:
    x = leaf(0.7)
    current = exp(x)
    for _ in range(6):
        (found,) = grad(current, x, create_graph=True)
        assert found is not None
        current = found
        assert current.item() == pytest.approx(np.exp(0.7), rel=1e-14)


def test_backward_with_create_graph_gives_gradients_that_have_a_history() -> None:
    x = leaf(0.3)
    sin(x).backward(create_graph=True)
    first = x.grad
    assert first is not None
    x.zero_grad()
    first.backward()
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(-np.sin(0.3), rel=1e-14)


@pytest.mark.parametrize("kind", ["function", "recorded"])
def test_jacobian_of_a_layer(kind: str) -> None:
    w = RNG.normal(size=(3, 2))
    x = leaf([0.3, -0.8])
    found = jacobian(lambda x: tanh(matmul(w, x)), x) if kind == "function" else jacobian(tanh(matmul(w, x)), x)
    expected = (1 - np.tanh(w @ x.data) ** 2)[:, None] * w
    assert np.allclose(found.data, expected, rtol=1e-13)


def test_jacobian_has_the_outputs_axes_first_and_one_block_per_input() -> None:
    a, b = leaf(RNG.normal(size=(2, 3))), leaf(RNG.normal(size=(3, 4)))
    by_a, by_b = jacobian(matmul, [a, b])
    assert (by_a.shape, by_b.shape) == ((2, 4, 2, 3), (2, 4, 3, 4))
    torch = pytest.importorskip("torch")
    tensors = tuple(torch.tensor(x.data) for x in (a, b))
    theirs = torch.autograd.functional.jacobian(torch.matmul, tensors)
    assert np.allclose(by_a.data, theirs[0])
    assert np.allclose(by_b.data, theirs[1])


def test_hessian_of_the_rosenbrock_valley() -> None:
    x, y = -1.2, 1.0
    expected = np.array([[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200.0]])
    assert np.allclose(hessian(rosenbrock, leaf([x, y])).data, expected, rtol=1e-13)
    p = leaf([x, y])
    assert np.allclose(hessian(rosenbrock(p), p).data, expected, rtol=1e-13)
    assert np.linalg.eigvalsh(hessian(rosenbrock, leaf([1.0, 1.0])).data) == pytest.approx([0.39936077, 1001.60063923])


def test_hessian_blocks_and_zeros_where_nothing_is_shared() -> None:
    x, y = leaf([1.0, 2.0]), leaf(3.0)
    blocks = hessian(lambda x, y: (x * x).sum() * y + y, [x, y])
    assert blocks[0][0].data.tolist() == [[6.0, 0.0], [0.0, 6.0]]
    assert blocks[0][1].data.tolist() == [2.0, 4.0]
    assert blocks[1][1].data.tolist() == 0.0
    assert hessian(lambda x: x.sum(), leaf([1.0, 2.0])).data.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(AutogradError, match=r"only a single number has one, and the output is \(2,\)"):
        hessian(lambda x: x * x, leaf([1.0, 2.0]))


def test_third_derivatives_by_create_graph() -> None:
    x = leaf([0.5, -1.0])
    second = hessian((x**4).sum(), x, create_graph=True)
    (third,) = grad(second.sum(), x)
    assert third is not None
    assert np.allclose(third.data, 24 * x.data)
    through = leaf([0.5, -1.0])
    (again,) = grad(jacobian(lambda z: z**3, through * 2.0, create_graph=True).sum(), through)
    assert again is not None
    assert np.allclose(again.data, 6 * 4 * through.data), "the copy keeps its history"


def test_a_jacobian_that_would_fill_the_memory_is_refused() -> None:
    x = leaf(np.ones(100_000), "x")
    with pytest.raises(AutogradError, match="by x it has 100,000 × 100,000 entries, too many; vjp and jvp need few"):
        jacobian(x * 2.0, x)


def test_vjp_and_jvp_agree_with_the_jacobian() -> None:
    x, v, t = leaf(RNG.normal(size=4)), RNG.normal(size=2), RNG.normal(size=4)

    def f(x: Variable) -> Variable:
        return (x * x).reshape(2, 2).sum(axis=0) * x[0]

    whole = jacobian(f, x).data
    value, back = vjp(f, x, v)
    assert np.allclose(back.data, v @ whole)
    again, change = jvp(f, x, t)
    assert np.allclose(change.data, whole @ t)
    assert np.array_equal(value.data, again.data)
    with no_grad():
        assert np.allclose(jvp(f, x, t)[1].data, whole @ t), "a function is recorded wherever it is called"


def test_forward_over_reverse_is_the_hessian_times_a_direction() -> None:
    p, h = leaf([0.4, -0.3]), [0.2, 1.0]
    (first,) = grad(rosenbrock(p), p, create_graph=True)
    assert first is not None
    _, product = jvp(first, p, h)
    assert np.allclose(product.data, hessian(rosenbrock, p).data @ h)


def test_directions_must_fit() -> None:
    x = leaf([1.0, 2.0], "x")
    with pytest.raises(AutogradError, match=r"x has 2 elements; give v, its change, of shape \(2,\)"):
        jvp(x * x, x)
    with pytest.raises(AutogradError, match=r"v has shape \(3,\), but x has \(2,\)"):
        jvp(x * x, x, [1.0, 2.0, 3.0])
    with pytest.raises(AutogradError, match="2 inputs need as many directions, and v has 1"):
        jvp(x * x, [x, x], [[1.0, 2.0]])
    with pytest.raises(AutogradError, match="must return one Variable, not float"):
        jacobian(lambda x: 2.0, x)  # type: ignore[arg-type,return-value]
    with pytest.raises(AutogradError, match="input 0 is not a Variable"):
        jacobian(x * x, [1.0])  # type: ignore[list-item]
    assert jvp(leaf(2.0) ** 2, (y := leaf(1.0)))[1].data == 0.0, "an unused input changes nothing"
    assert y.grad is None


def test_counts_of_multiplications_say_which_mode_is_cheaper() -> None:
    x = leaf(RNG.normal(size=50))
    narrow = matmul(RNG.normal(size=(1, 50)), tanh(matmul(RNG.normal(size=(50, 50)), x)))
    count = multiplications(narrow)
    assert count.evaluate == 50 * 50 + 50
    assert count.sweep == 50 * 50 + 2 * 50 + 50
    assert (count.outputs, count.inputs) == (1, 50)
    assert count.reverse * 50 == count.forward


def test_a_reused_node_is_counted_once_per_edge() -> None:
    x = leaf(2.0)
    assert multiplications(x * x).sweep == 2
    assert multiplications(x).evaluate == 0
