"""Graphs of a hundred thousand nodes, and how long a walk takes beside PyTorch's."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest

from gradflow.autograd import Variable, grad, jvp, multiplications

LONG = 100_000


def chain(length: int, x: Any, y: Any) -> Any:
    """Return a result of so many operations on single numbers."""
    result = x
    for _ in range(length // 2):
        result = result * y
        result = result + x
    return result


def numbers() -> tuple[Variable, Variable]:
    return Variable(0.3, requires_grad=True), Variable(0.7, requires_grad=True)


@pytest.fixture
def shallow() -> Any:
    """Make Python's stack short, so that any recursion along the graph shows."""
    before = sys.getrecursionlimit()
    depth = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 120)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("retain", [False, True])
def test_a_long_chain_is_walked_and_forgotten_without_recursion(shallow: None, retain: bool) -> None:
    x, y = numbers()
    f = chain(LONG, x, y)
    # The fixed point f = y·f + x: ∂f/∂x = 1/(1−y) and ∂f/∂y = f/(1−y).
    assert f.item() == pytest.approx(1.0)
    f.backward(retain_graph=retain)
    assert x.grad is not None
    assert y.grad is not None
    assert x.grad.item() == pytest.approx(1 / 0.3)
    assert y.grad.item() == pytest.approx(1 / 0.3)
    gone = weakref.ref(f.grad_fn)
    del f
    assert gone() is None, "nothing in a record points back at what it made"


def test_a_long_chain_in_forward_mode_and_twice(shallow: None) -> None:
    x, y = numbers()
    f = chain(LONG, x, y)
    assert jvp(f, [x, y], [1.0, 0.0])[1].item() == pytest.approx(1 / 0.3)
    assert multiplications(f).sweep == LONG // 2 * 2
    f = chain(LONG // 10, x, y)
    (first,) = grad(f, x, create_graph=True)
    assert first is not None
    (second,) = grad(first, y)
    assert second is not None
    assert second.item() == pytest.approx(1 / 0.3**2)
    del f, first, second
    gc.collect()


def test_a_wide_node_is_added_up_without_trouble() -> None:
    x = Variable(1.0, requires_grad=True)
    total = x * 0.0
    for _ in range(20_000):
        total = total + x
    total.backward()
    assert x.grad is not None
    assert x.grad.item() == 20_000.0
