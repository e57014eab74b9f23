"""Graphs drawn at random, with reused nodes and broadcasting, give PyTorch's gradients to nine digits and more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow import autograd
from gradflow.autograd import Variable, grad, jacobian, jvp

torch = pytest.importorskip("torch")

SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3)]


class Pair(NamedTuple):
    """The same computation twice."""

    ours: Any
    theirs: Any


def _same(f: Callable[..., Any]) -> Callable[..., Pair]:
    return lambda *pairs: Pair(f(*(p.ours for p in pairs)), f(*(p.theirs for p in pairs)))


def _both(ours: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Pair]:
    return lambda *pairs: Pair(ours(*(p.ours for p in pairs)), theirs(*(p.theirs for p in pairs)))


UNARY = {
    "tanh": _both(autograd.tanh, torch.tanh),
    "sin": _both(autograd.sin, torch.sin),
    "cos": _both(autograd.cos, torch.cos),
    "sigmoid": _both(autograd.sigmoid, torch.sigmoid),
    "softplus": _both(autograd.softplus, lambda x: torch.nn.functional.softplus(x, threshold=500)),
    "erf": _both(autograd.erf, torch.erf),
    "relu": _both(autograd.relu, torch.relu),
    "neg": _same(lambda x: -x),
    "square": _same(lambda x: x**2),
    "reciprocal": _same(lambda x: 1.0 / (2.0 + x * x)),
    "root": _both(lambda x: autograd.sqrt(1.0 + x * x), lambda x: torch.sqrt(1.0 + x * x)),
    "log": _both(lambda x: autograd.log(1.5 + autograd.abs(x)), lambda x: torch.log(1.5 + torch.abs(x))),
    "bell": _both(lambda x: autograd.exp(-x * x), lambda x: torch.exp(-x * x)),
    "half": _same(lambda x: 0.5 * x),
    "sum": _same(lambda x: x.sum()),
    "mean": _same(lambda x: x.mean()),
    "first": _same(lambda x: x[0] if x.ndim else x),
    "last": _same(lambda x: x[..., -1:] if x.ndim else x),
    "twice": _same(lambda x: x[[0, 0]] if x.ndim else x),
    "transpose": _same(lambda x: x.T if x.ndim == 2 else x),
    "flat": _same(lambda x: x.reshape(-1)),
    "softmax": _both(lambda x: autograd.softmax(x) if x.ndim else x, lambda x: torch.softmax(x, -1) if x.ndim else x),
    "log_softmax": _both(
        lambda x: autograd.log_softmax(x) if x.ndim else x, lambda x: torch.log_softmax(x, -1) if x.ndim else x
    ),
    "max": _both(lambda x: x.max(axis=-1) if x.ndim else x, lambda x: torch.amax(x, -1) if x.ndim else x),
}

BINARY = {
    "add": _same(lambda a, b: a + b),
    "sub": _same(lambda a, b: a - b),
    "mul": _same(lambda a, b: a * b),
    "div": _same(lambda a, b: a / (1.5 + b * b)),
    "maximum": _both(autograd.maximum, torch.maximum),
    "minimum": _both(autograd.minimum, torch.minimum),
    "gram": _both(lambda a, b: a.reshape(-1, 1) @ b.reshape(1, -1), lambda a, b: a.reshape(-1, 1) @ b.reshape(1, -1)),
    "stack": _both(
        lambda a, b: autograd.stack([a.reshape(-1)[0], b.reshape(-1)[0]]),
        lambda a, b: torch.stack([a.reshape(-1)[0], b.reshape(-1)[0]]),
    ),
    "concatenate": _both(
        lambda a, b: autograd.concatenate([a.reshape(-1), b.reshape(-1)]),
        lambda a, b: torch.cat([a.reshape(-1), b.reshape(-1)]),
    ),
    "where": _both(lambda a, b: autograd.where(a > b, a * b, a), lambda a, b: torch.where(a > b, a * b, a)),
}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Pair], Pair]:
    """Return leaves and an output that was computed from them in some dozens of steps."""
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    leaves = []
    for shape in draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4)):
        value = rng.normal(size=shape)
        tensor = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        leaves.append(Pair(Variable(value, requires_grad=True), tensor))
    nodes = list(leaves)
    names = st.sampled_from([*UNARY, *BINARY])
    for name in draw(st.lists(names, min_size=1, max_size=20)):
        first, second = (nodes[draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
        if name in UNARY:
            made = UNARY[name](first)
        elif name in ("gram", "concatenate", "stack") or _broadcasts(first, second):
            made = BINARY[name](first, second)
        else:
            continue
        # Bounded, so that twenty steps do not overflow.
        if made.ours.size <= 200 and np.all(np.abs(made.ours.data) < 1e3):
            nodes.append(made)
    return leaves, _same(lambda x: x * 1.0)(nodes[-1])


def _broadcasts(a: Pair, b: Pair) -> bool:
    try:
        np.broadcast_shapes(a.ours.shape, b.ours.shape)
    except ValueError:
        return False
    return True


def close(ours: Any, theirs: Any, leaf: Any) -> bool:
    """Return whether two gradients agree, None standing for zeros."""
    found = np.zeros(leaf.shape) if ours is None else np.asarray(ours.data)
    expected = np.zeros(leaf.shape) if theirs is None else theirs.detach().numpy()
    return bool(np.abs(found - expected).max(initial=0) <= 1e-9 * max(np.abs(expected).max(initial=0), 1e-3))


@given(graphs())
def test_values_and_gradients_agree(graph: tuple[list[Pair], Pair]) -> None:
    leaves, output = graph
    assert np.allclose(output.ours.data, output.theirs.detach().numpy(), rtol=1e-12, atol=1e-12)
    v = np.random.default_rng(0).normal(size=output.ours.shape)
    output.ours.backward(v)
    output.theirs.backward(torch.tensor(v, dtype=torch.float64))
    for leaf in leaves:
        assert close(leaf.ours.grad, leaf.theirs.grad, leaf.ours)


@given(graphs())
def test_second_derivatives_agree(graph: tuple[list[Pair], Pair]) -> None:
    leaves, output = graph
    ours, theirs = [leaf.ours for leaf in leaves], [leaf.theirs for leaf in leaves]
    first = grad(output.ours.sum(), ours, create_graph=True, allow_unused=True)
    expected = torch.autograd.grad(output.theirs.sum(), theirs, create_graph=True, allow_unused=True)
    second, their_second = (sum((g * g).sum() for g in gs if g is not None) for gs in (first, expected))
    if not second.requires_grad or not their_second.requires_grad:
        return
    for leaf, mine, other in zip(
        ours,
        grad(second, ours, allow_unused=True),
        torch.autograd.grad(their_second, theirs, allow_unused=True),
        strict=True,
    ):
        assert close(mine, other, leaf)


@given(graphs())
def test_forward_mode_agrees_with_the_jacobian(graph: tuple[list[Pair], Pair]) -> None:
    leaves, output = graph
    ours = [leaf.ours for leaf in leaves]
    directions = [np.random.default_rng(number).normal(size=leaf.shape) for number, leaf in enumerate(ours)]
    _, change = jvp(output.ours, ours, directions)
    blocks = jacobian(output.ours, ours)
    expected = sum(
        block.data.reshape(output.ours.size, -1) @ np.ravel(h) for block, h in zip(blocks, directions, strict=True)
    )
    scale = max(np.abs(expected).max(initial=0), 1e-3)
    assert np.abs(np.ravel(change.data) - expected).max(initial=0) <= 1e-9 * scale
