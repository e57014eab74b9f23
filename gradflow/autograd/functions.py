"""The functions a person calls; each is one entry of the table, with the arguments NumPy and PyTorch give it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradflow.autograd.operands import plain_index
from gradflow.autograd.operators.arithmetic import power as pow
from gradflow.autograd.operators.choice import maximum, minimum
from gradflow.autograd.operators.choice import where as _where
from gradflow.autograd.operators.elementary import absolute as abs
from gradflow.autograd.operators.elementary import cos, erf, exp, log, relu, sigmoid, sin, softplus, sqrt, tanh
from gradflow.autograd.operators.elementary import leaky_relu as _leaky_relu
from gradflow.autograd.operators.products import dot, matmul
from gradflow.autograd.operators.reductions import largest, smallest, total
from gradflow.autograd.operators.reductions import mean as _mean
from gradflow.autograd.operators.shaping import broadcast_to as _broadcast_to
from gradflow.autograd.operators.shaping import concatenate as _concatenate
from gradflow.autograd.operators.shaping import pick
from gradflow.autograd.operators.shaping import reshape as _reshape
from gradflow.autograd.operators.shaping import stack as _stack
from gradflow.autograd.operators.shaping import transpose as _transpose
from gradflow.autograd.operators.softmax import log_softmax as _log_softmax
from gradflow.autograd.operators.softmax import softmax as _softmax
from gradflow.autograd.variable import Variable

__all__ = [
    "abs", "broadcast_to", "concatenate", "cos", "dot", "erf", "exp", "index", "leaky_relu", "log", "log_softmax",
    "matmul", "max", "maximum", "mean", "min", "minimum", "pow", "relu", "reshape", "sigmoid", "sin", "softmax",
    "softplus", "sqrt", "stack", "sum", "tanh", "transpose", "where",
]  # fmt: skip


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum of all elements, or along one axis or several."""
    return total(x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean of all elements, or along one axis or several."""
    return _mean(x, axis=axis, keepdims=keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the largest element; if several are, they share its gradient equally."""
    return largest(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the smallest element; if several are, they share its gradient equally."""
    return smallest(x, axis=axis, keepdims=keepdims)


def reshape(x: Any, shape: Any) -> Any:
    """Return the same elements, row by row, in another shape; one length may be −1."""
    return _reshape(x, shape=tuple(shape) if hasattr(shape, "__len__") else (shape,))


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """Return the axes in another order, by default the reverse."""
    return _transpose(x, axes=None if axes is None else tuple(axes))


def broadcast_to(x: Any, shape: Sequence[int]) -> Any:
    """Return the elements repeated along new axes and axes of length 1."""
    return _broadcast_to(x, shape=tuple(shape))


def index(x: Any, index: Any) -> Any:
    """Return x[index]: whole numbers, slices and arrays of whole numbers."""
    return pick(x, index=plain_index(index))


def concatenate(parts: Sequence[Any], axis: int = 0) -> Any:
    """Return the parts joined along one of their axes."""
    return _concatenate(*parts, axis=axis)


def stack(parts: Sequence[Any], axis: int = 0) -> Any:
    """Return the parts, of equal shape, laid along a new axis."""
    return _stack(*parts, axis=axis)


def where(condition: Any, a: Any, b: Any) -> Any:
    """Return a where the condition holds (is not 0), else b; the condition has no gradient."""
    plain = condition._data if isinstance(condition, Variable) else np.asarray(condition)
    return _where(a, b, condition=plain != 0)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """Return x where it is positive and negative_slope·x elsewhere."""
    return _leaky_relu(x, negative_slope=negative_slope)


def softmax(x: Any, axis: int = -1) -> Any:
    """Return exp xᵢ / Σₖ exp xₖ along an axis."""
    return _softmax(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return the logarithm of the softmax along an axis, without the overflow of computing both."""
    return _log_softmax(x, axis=axis)
