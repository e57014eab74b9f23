"""One case per operation of the table at least: inputs, settings, and the same in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradflow.autograd import OPERATORS
from gradflow.autograd.arrays import Array

SCALAR: tuple[int, ...] = ()


@dataclass(frozen=True)
class Case:
    """An operation on inputs of these shapes; `torch` takes the torch module and tensors."""

    operation: str
    shapes: tuple[tuple[int, ...], ...]
    torch: Callable[..., Any]
    settings: dict[str, Any] = field(default_factory=dict)
    positive: bool = False
    note: str = ""

    @property
    def id(self) -> str:
        shapes = "-".join("x".join(map(str, shape)) or "0d" for shape in self.shapes)
        return "-".join(part for part in (self.operation, shapes, self.note) if part)

    def inputs(self, seed: int = 0) -> list[Array]:
        """Random numbers, none near a kink."""
        rng = np.random.default_rng([seed, len(self.id)])
        values = [rng.uniform(0.3, 2.0, shape) for shape in self.shapes]
        return values if self.positive else [v * rng.choice([-1.0, 1.0], np.shape(v)) for v in values]

    def compute(self, *inputs: Any) -> Any:
        return OPERATORS[self.operation](*inputs, **self.settings)


CONDITION = np.array([[True, False, True], [False, False, True]])


def _unary(name: str, torch: Callable[..., Any], positive: bool = False, **settings: Any) -> list[Case]:
    return [Case(name, (shape,), torch, settings, positive) for shape in (SCALAR, (4,), (2, 3))]


def _binary(name: str, torch: Callable[..., Any], positive: bool = False) -> list[Case]:
    pairs = [
        (SCALAR, SCALAR), ((3,), (3,)), ((2, 3), SCALAR), (SCALAR, (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)),
        ((4, 1, 3), (2, 1)),
    ]  # fmt: skip
    return [Case(name, pair, torch, {}, positive) for pair in pairs]


def _reduction(name: str, torch: Callable[..., Any]) -> list[Case]:
    asked = [(SCALAR, None, False), ((4,), 0, False), ((2, 3), None, True), ((2, 3), -1, True), ((2, 3, 2), 1, False)]
    made = [
        Case(name, (shape,), torch, {"axis": axis, "keepdims": keep}, note=f"{axis}-{keep}")
        for shape, axis, keep in asked
    ]
    return [*made, Case(name, ((2, 3, 4),), torch, {"axis": (0, 2), "keepdims": False}, note="0,2")]


def _all_axes(x: Any, axis: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


CASES: list[Case] = [
    *_binary("add", lambda t, a, b: a + b),
    *_binary("sub", lambda t, a, b: a - b),
    *_binary("mul", lambda t, a, b: a * b),
    *_binary("div", lambda t, a, b: a / b),
    *_binary("pow", lambda t, a, b: a**b, positive=True),
    *_binary("maximum", lambda t, a, b: t.maximum(a, b)),
    *_binary("minimum", lambda t, a, b: t.minimum(a, b)),
    *_unary("neg", lambda t, a: -a),
    *_unary("exp", lambda t, a: t.exp(a)),
    *_unary("log", lambda t, a: t.log(a), positive=True),
    *_unary("sqrt", lambda t, a: t.sqrt(a), positive=True),
    *_unary("abs", lambda t, a: t.abs(a)),
    *_unary("sin", lambda t, a: t.sin(a)),
    *_unary("cos", lambda t, a: t.cos(a)),
    *_unary("tanh", lambda t, a: t.tanh(a)),
    *_unary("sigmoid", lambda t, a: t.sigmoid(a)),
    *_unary("relu", lambda t, a: t.relu(a)),
    *_unary(
        "leaky_relu", lambda t, a, negative_slope: t.nn.functional.leaky_relu(a, negative_slope), negative_slope=0.1
    ),
    *_unary("softplus", lambda t, a: t.nn.functional.softplus(a, threshold=500)),
    *_unary("erf", lambda t, a: t.erf(a)),
    *(
        Case("where", pair, lambda t, a, b, condition: t.where(t.tensor(condition), a, b), {"condition": CONDITION})
        for pair in [((2, 3), (2, 3)), (SCALAR, (3,)), ((2, 1), SCALAR)]
    ),
    *_reduction("sum", lambda t, a, axis, keepdims: t.sum(a, dim=_all_axes(a, axis), keepdim=keepdims)),
    *_reduction("mean", lambda t, a, axis, keepdims: t.mean(a, dim=_all_axes(a, axis), keepdim=keepdims)),
    *_reduction("max", lambda t, a, axis, keepdims: t.amax(a, dim=_all_axes(a, axis), keepdim=keepdims)),
    *_reduction("min", lambda t, a, axis, keepdims: t.amin(a, dim=_all_axes(a, axis), keepdim=keepdims)),
    *(
        Case(name, (shape,), torch, {"axis": axis}, note=str(axis))
        for name, torch in [
            ("softmax", lambda t, a, axis: t.softmax(a, dim=axis)),
            ("log_softmax", lambda t, a, axis: t.log_softmax(a, dim=axis)),
        ]
        for shape, axis in [((4,), 0), ((2, 3), -1), ((2, 3), 0), ((2, 3, 2), 1)]
    ),
    *(
        Case("matmul", pair, lambda t, a, b: a @ b)
        for pair in [
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((2, 2, 3), (3, 4)),
            ((2, 2, 3), (2, 3, 1)),
            ((4, 1, 2, 3), (2, 3, 2)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
        ]
    ),
    Case("dot", ((4,), (4,)), lambda t, a, b: t.dot(a, b)),
    *(
        Case("reshape", (start,), lambda t, a, shape: a.reshape(shape), {"shape": end}, note="x".join(map(str, end)))
        for start, end in [((2, 3), (6,)), ((2, 3), (3, -1)), (SCALAR, (1, 1)), ((1,), SCALAR)]
    ),
    *(
        Case(
            "transpose",
            (shape,),
            lambda t, a, axes: a.permute(axes or tuple(reversed(range(a.ndim)))),
            {"axes": axes},
            note=str(axes).replace(" ", ""),
        )
        for shape, axes in [((4,), None), ((2, 3), None), ((2, 3, 4), (2, 0, 1)), ((2, 3, 4), (-1, 0, 1))]
    ),
    *(
        Case("broadcast_to", (shape,), lambda t, a, shape: a.expand(shape), {"shape": (4, 2, 3)})
        for shape in [SCALAR, (3,), (2, 1), (4, 1, 3)]
    ),
    *(
        Case("index", (shape,), lambda t, a, index: a[index], {"index": index}, note=note)
        for shape, index, note in [
            ((4,), (1,), "number"),
            ((4,), (slice(1, None, 2),), "slice"),
            ((2, 3), (-1,), "row"),
            ((2, 3), (slice(None), 1), "column"),
            ((2, 3), (1, 2), "entry"),
            ((2, 3), (np.array([0, 1, 1, 0]),), "repeated"),
            ((2, 3), (slice(None), np.array([2, 2])), "repeated-columns"),
            ((2, 3), (np.array([[True, False, True], [False, True, False]]),), "mask"),
        ]
    ),
    Case(
        "put",
        ((3, 2),),
        lambda t, a, index, shape: t.zeros(shape, dtype=a.dtype).index_add(0, t.tensor(index[0]), a),
        {"index": (np.array([0, 2, 0]),), "shape": (4, 2)},
    ),
    *(
        Case("concatenate", shapes, lambda t, *a, axis: t.cat(a, dim=axis), {"axis": axis}, note=str(axis))
        for shapes, axis in [(((2,), (3,)), 0), (((2, 3), (1, 3), (2, 3)), 0), (((2, 1), (2, 2)), -1)]
    ),
    *(
        Case("stack", shapes, lambda t, *a, axis: t.stack(a, dim=axis), {"axis": axis}, note=str(axis))
        for shapes, axis in [((SCALAR, SCALAR), 0), (((2, 3), (2, 3), (2, 3)), 1), (((3,), (3,)), -1)]
    ),
]


def distance(found: Any, expected: Any) -> float:
    """Return the largest difference, relative to the largest number expected."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape, (found.shape, expected.shape)
    scale = max(np.abs(expected).max(initial=0.0), 1e-12)
    return float(np.abs(found - expected).max(initial=0.0) / scale)
