"""What was broadcast forwards is summed backwards."""

from __future__ import annotations

from typing import Any

from gradflow.autograd.arrays import Shape
from gradflow.autograd.table import OPERATORS


def fit(gradient: Any, shape: Shape) -> Any:
    """Return the gradient by an input of this shape: what was broadcast forwards is summed backwards."""
    if gradient.shape == shape:
        return gradient
    extra = len(gradient.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[extra + axis] != 1
    )
    return OPERATORS["reshape"](OPERATORS["sum"](gradient, axis=axes, keepdims=False), shape=shape)
