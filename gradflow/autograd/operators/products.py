"""Products that sum: the dot product and the matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from gradflow.autograd.arrays import Shape
from gradflow.autograd.operation import Operator
from gradflow.autograd.operators.shaping import reshape, transpose
from gradflow.autograd.sentences import counted, named, operands

ENTRIES = ("entry", "entries")


def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError
    return np.dot(a, b)


def _complain_dot(shapes: Sequence[Shape], names: Sequence[str]) -> str:
    both = f"{named(names[0], shapes[0])} and {named(names[1], shapes[1])}"
    if len(shapes[0]) != 1 or len(shapes[1]) != 1:
        return f"{both} are not two vectors; @ multiplies matrices"
    return f"{both} do not fit: {counted(shapes[0][0], *ENTRIES)} meet {shapes[1][0]}"


def _inner(output: Shape, a: Shape, b: Shape) -> int:
    return prod(output) * a[-1]


dot: Operator = Operator(
    "dot",
    "dot",
    _dot,
    vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    jvp=(lambda t, y, a, b: dot(t, b), lambda t, y, a, b: dot(a, t)),
    formulas=("∂(Σₖ {a}[k]·{b}[k])/∂{a}[i] = {b}[i]", "∂(Σₖ {a}[k]·{b}[k])/∂{b}[i] = {a}[i]"),
    work=_inner,
    carry=(_inner, _inner),
    size=lambda a, b: 1,
    bilinear=True,
    complain=_complain_dot,
)


def _matrix_size(a: Shape, b: Shape) -> int:
    rows, columns = (a[-2] if len(a) > 1 else 1), (b[-1] if len(b) > 1 else 1)
    return prod(np.broadcast_shapes(a[:-2], b[:-2])) * rows * columns


def _complain_matmul(shapes: Sequence[Shape], names: Sequence[str]) -> str:
    left, right = shapes
    for name, shape in zip(operands(names), shapes, strict=True):
        if not shape:
            return f"{name} is a single number; * multiplies by a number"
    both = f"{named(names[0], left)} and {named(names[1], right)} do not fit"
    inner = right[-2] if len(right) > 1 else right[0]
    if left[-1] != inner:
        words = [("column", "columns") if len(left) > 1 else ENTRIES, ("row", "rows") if len(right) > 1 else ENTRIES]
        return f"{both}: {counted(left[-1], *words[0])} meet {counted(inner, *words[1])}"
    return f"{both}: as stacks of matrices, {left[:-2]} and {right[:-2]} cannot be broadcast"


def _swap(x: Any) -> Any:
    """Return the transpose of the last two axes."""
    count = len(x.shape)
    return transpose(x, axes=(*range(count - 2), count - 1, count - 2))


def _matrices(g: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Return g, a and b with a vector a as one row, a vector b as one column, and g to match."""
    row, column = len(a.shape) == 1, len(b.shape) == 1
    matrix_a = reshape(a, shape=(1, *a.shape)) if row else a
    matrix_b = reshape(b, shape=(*b.shape, 1)) if column else b
    shape = tuple(g.shape)
    if column:
        shape = (*shape, 1)
    if row:
        shape = (*shape[:-1], 1, shape[-1])
    return reshape(g, shape=shape), matrix_a, matrix_b


def _by_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    g, _, matrix = _matrices(g, a, b)
    part = matmul(g, _swap(matrix))
    return reshape(part, shape=(*part.shape[:-2], *part.shape[-1:])) if len(a.shape) == 1 else part


def _by_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    g, matrix, _ = _matrices(g, a, b)
    part = matmul(_swap(matrix), g)
    return reshape(part, shape=part.shape[:-1]) if len(b.shape) == 1 else part


matmul: Operator = Operator(
    "matmul",
    "@",
    np.matmul,
    vjp=(_by_left, _by_right),
    jvp=(lambda t, y, a, b: matmul(t, b), lambda t, y, a, b: matmul(a, t)),
    formulas=(
        "∂{y}[i, j]/∂{a}[i, k] = {b}[k, j]:  G ↦ G·{b}ᵀ",
        "∂{y}[i, j]/∂{b}[k, j] = {a}[i, k]:  G ↦ {a}ᵀ·G",
    ),
    work=_inner,
    carry=(_inner, _inner),
    size=_matrix_size,
    bilinear=True,
    complain=_complain_matmul,
)
