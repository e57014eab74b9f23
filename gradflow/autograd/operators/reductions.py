"""Many numbers to one: sum, mean, max and min over all elements or along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from gradflow.autograd.arrays import Shape
from gradflow.autograd.operation import Kink, Operator
from gradflow.autograd.operators.build import linear, no_larger, nothing, per_entry, plain
from gradflow.autograd.operators.shaping import broadcast_to, reshape
from gradflow.autograd.sentences import named


def complain_axis(shapes: Sequence[Shape], names: Sequence[str], axis: Any = None, **parameters: Any) -> str:
    """Return which axes there are, if the one asked for is not among them."""
    count = len(shapes[0])
    axes = axis if isinstance(axis, tuple) else () if axis is None else (axis,)
    if any(type(one) is not int for one in axes):
        return f"axis must be a whole number or several, not {axis!r}"
    missing = [one for one in axes if not -count <= one < count]
    if not missing:
        return f"axis {axis!r} names one axis twice" if len({one % count for one in axes}) < len(axes) else ""
    known = ", ".join(map(str, range(count)))
    has = f"its axes are {known}" if count > 1 else "its only axis is 0" if count else "it is a single number"
    return f"{named(names[0], shapes[0])} has no axis {missing[0]}; {has}"


def kept(shape: Shape, axis: Any) -> Shape:
    """Return the shape with the summed axes kept, each of length 1."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = {one % len(shape) for one in axes} if shape else set()
    return tuple(1 if place in gone else length for place, length in enumerate(shape))


def spread(g: Any, a: Any, axis: Any) -> Any:
    """Return g copied along the axes that were reduced."""
    return broadcast_to(reshape(g, shape=kept(a.shape, axis)), shape=a.shape)


def _chosen(a: Any, y: Any, axis: Any) -> Any:
    """Return which elements are the largest, or the smallest."""
    return plain(a) == np.reshape(plain(y), kept(a.shape, axis))


def _share(a: Any, y: Any, axis: Any) -> Any:
    """Return 1 for the chosen element, and equal parts where several are."""
    chosen = _chosen(a, y, axis)
    return chosen / np.sum(chosen, axis=axis, keepdims=True)


def _count(a: Any, y: Any) -> Any:
    """Return how many elements of a one element of y was made of."""
    return prod(a.shape) / max(prod(y.shape), 1)


def _mean(a: Any, *, axis: Any, keepdims: bool) -> Any:
    sums = np.sum(a, axis=axis, keepdims=keepdims)
    return sums / np.float64(_count(a, sums))


total: Operator = linear(
    "sum",
    "Σ",
    lambda a, axis, keepdims: np.sum(a, axis=axis, keepdims=keepdims),
    vjp=lambda g, y, a, axis, keepdims: spread(g, a, axis),
    jvp=lambda t, y, a, axis, keepdims: total(t, axis=axis, keepdims=keepdims),
    formula="∂(Σₖ {a}[k])/∂{a}[i] = 1",
    complain=complain_axis,
)

mean: Operator = Operator(
    "mean",
    "mean",
    _mean,
    vjp=(lambda g, y, a, axis, keepdims: spread(g / _count(a, y), a, axis),),
    jvp=(lambda t, y, a, axis, keepdims: mean(t, axis=axis, keepdims=keepdims),),
    formulas=("∂(1/n·Σₖ {a}[k])/∂{a}[i] = 1/n",),
    work=per_entry(1),
    carry=(per_entry(1),),
    size=no_larger,
    complain=complain_axis,
)


def _complain_empty(shapes: Sequence[Shape], names: Sequence[str], axis: Any = None, **parameters: Any) -> str:
    """Return that there is nothing to choose from, or which axes there are."""
    words = complain_axis(shapes, names, axis)
    return words or ("" if prod(shapes[0]) else f"{named(names[0], shapes[0])} has no elements to choose from")


def _extreme(name: str, superlative: str, forward: Callable[..., Any]) -> Operator:
    formula = f"∂{name}({{a}})/∂{{a}}[i] = 1 for the {name}imum, 1/n if n entries share it, else 0"
    return Operator(
        name,
        name,
        lambda a, axis, keepdims: forward(a, axis=axis, keepdims=keepdims),
        vjp=(lambda g, y, a, axis, keepdims: spread(g, a, axis) * _share(a, y, axis),),
        jvp=(lambda t, y, a, axis, keepdims: total(t * _share(a, y, axis), axis=axis, keepdims=keepdims),),
        formulas=(formula,),
        work=nothing,
        carry=(lambda output, a, **parameters: prod(a),),
        size=no_larger,
        complain=_complain_empty,
        kink=Kink(
            f"another {superlative} entry of {{a}}", lambda y, a, axis, keepdims: np.asarray(_chosen(a, y, axis))
        ),
    )


largest = _extreme("max", "largest", np.max)
smallest = _extreme("min", "smallest", np.min)
