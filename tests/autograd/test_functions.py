"""The functions and signs a person writes reach the right operation with the right settings, as NumPy has them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradflow import autograd
from gradflow.autograd import AutogradError, Variable, dot, no_grad

A = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
V = np.array([2.0, 1.0, 0.5])

SAME: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = [
    ("sum", lambda x: autograd.sum(x, axis=0), lambda x: np.sum(x, axis=0)),
    ("mean", lambda x: autograd.mean(x, 1, True), lambda x: np.mean(x, 1, keepdims=True)),
    ("max", lambda x: autograd.max(x), np.max),
    ("min", lambda x: autograd.min(x, axis=-1), lambda x: np.min(x, axis=-1)),
    ("reshape", lambda x: autograd.reshape(x, (3, 2)), lambda x: np.reshape(x, (3, 2))),
    ("reshape-flat", lambda x: autograd.reshape(x, -1), np.ravel),
    ("transpose", lambda x: autograd.transpose(x), np.transpose),
    ("broadcast_to", lambda x: autograd.broadcast_to(x, (2, 2, 3)), lambda x: np.broadcast_to(x, (2, 2, 3))),
    ("index", lambda x: autograd.index(x, (0, [2, 2])), lambda x: x[0, [2, 2]]),
    ("index-variable", lambda x: autograd.index(x, Variable([1, 0])), lambda x: x[[1, 0]]),
    ("concatenate", lambda x: autograd.concatenate([x, x], 1), lambda x: np.concatenate([x, x], 1)),
    ("stack", lambda x: autograd.stack([x, x], 1), lambda x: np.stack([x, x], 1)),
    ("where", lambda x: autograd.where(x > 0, x, -1.0), lambda x: np.where(x > 0, x, -1.0)),
    ("where-variable", lambda x: autograd.where(x, x, 1.0), lambda x: np.where(x != 0, x, 1.0)),
    ("leaky_relu", lambda x: autograd.leaky_relu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * x)),
    ("softmax", lambda x: autograd.softmax(x, 0), lambda x: np.exp(x) / np.exp(x).sum(0)),
    ("log_softmax", lambda x: autograd.log_softmax(x), lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True))),
    ("abs", abs, np.abs),
    ("plus", lambda x: +x, lambda x: x),
    ("min-method", lambda x: x.min(axis=1), lambda x: x.min(axis=1)),
    ("transpose-method", lambda x: x.transpose(1, 0), lambda x: x.transpose(1, 0)),
    ("array-on-the-left-of-matmul", lambda x: V[:2] @ x, lambda x: V[:2] @ x),
]


@pytest.mark.parametrize(("ours", "numpys"), [pair[1:] for pair in SAME], ids=[pair[0] for pair in SAME])
def test_functions_and_methods_mean_what_numpy_means(ours: Callable[[Any], Any], numpys: Callable[[Any], Any]) -> None:
    x = Variable(A, requires_grad=True)
    result = ours(x)
    assert result.requires_grad
    assert np.allclose(result.data, numpys(A), rtol=1e-14)


SIGNS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.__name__)
def test_signs_work_from_both_sides(sign: Callable[[Any, Any], Any]) -> None:
    x = Variable(V, requires_grad=True)
    for left, right in ((x, 2.0), (2.0, x), (x, V), (V, x), (x, x), (x, [1.0, 2.0, 3.0]), ([1.0, 2.0, 3.0], x)):
        plain = [np.array(side.data if isinstance(side, Variable) else side) for side in (left, right)]
        assert np.array_equal(sign(left, right).data, sign(*plain))


@pytest.mark.parametrize("sign", IN_PLACE, ids=lambda sign: sign.__name__)
def test_signs_in_place_update_a_leaf_and_renew_a_result(sign: Callable[[Any, Any], Any]) -> None:
    leaf = Variable(V, requires_grad=True)
    with no_grad():
        after = sign(leaf, 2.0)
    assert after is leaf
    assert leaf.requires_grad
    assert np.array_equal(leaf.data, sign(V.copy(), 2.0))
    result = leaf * 1.0
    renewed = sign(result, 2.0)
    assert renewed is not result
    assert renewed.requires_grad


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_are_numpys(compare: Callable[[Any, Any], Any]) -> None:
    x = Variable(A, requires_grad=True)
    for other in (0.5, A[0], Variable(A[1])):
        plain = other.data if isinstance(other, Variable) else other
        found = compare(x, other)
        assert found.dtype == bool
        assert np.array_equal(found, compare(A, plain))


def test_products_say_what_does_not_fit() -> None:
    u, v, stack, other = (
        Variable(V, name="u"),
        Variable([1.0]),
        Variable(np.ones((2, 2, 2))),
        Variable(np.ones((3, 2, 2))),
    )
    with pytest.raises(AutogradError, match=r"dot: u \(3,\) and \(1,\) do not fit: 3 entries meet 1"):
        dot(u, v)
    with pytest.raises(AutogradError, match=r"dot: u \(3,\) and \(2, 2, 2\) are not two vectors"):
        dot(u, stack)
    with pytest.raises(AutogradError, match=r"as stacks of matrices, \(2,\) and \(3,\) cannot be broadcast"):
        stack @ other
    with pytest.raises(AutogradError, match=r"sum: axis must be a whole number or several, not 0.5"):
        u.sum(axis=0.5)


def test_numbers_come_out_as_they_went_in() -> None:
    x = Variable(A, requires_grad=True)
    assert np.array_equal(x.numpy(), A)
    assert not x.numpy().flags.writeable
    assert Variable(2.5).numpy().shape == ()
    assert np.array(x, dtype=np.float32).dtype == np.float32
    assert Variable(10**30).item() == 1e30
    assert Variable(True).item() == 1.0
    assert Variable(x).requires_grad is False
