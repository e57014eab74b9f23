"""Numbers moved, not changed: reshape, transpose, broadcast, index, concatenate, stack. All are linear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from gradflow.autograd.arrays import Shape, shape_text
from gradflow.autograd.broadcasting import fit
from gradflow.autograd.operation import Every, Operator, Rule
from gradflow.autograd.operators.build import all_together, linear, nothing
from gradflow.autograd.sentences import counted, named

MOVED = "each entry of {y} is one entry of {x}: ∂{y}[i]/∂{x}[j] = 1 there, else 0"


def _complain_reshape(shapes: Sequence[Shape], names: Sequence[str], shape: Shape) -> str:
    elements = counted(prod(shapes[0]), "element", "elements")
    return f"{named(names[0], shapes[0])} has {elements} and does not fill the shape {shape_text(shape)}"


reshape: Operator = linear(
    "reshape",
    "reshape",
    lambda a, shape: np.reshape(a, shape),
    vjp=lambda g, y, a, shape: reshape(g, shape=a.shape),
    jvp=lambda t, y, a, shape: reshape(t, shape=shape),
    formula=MOVED,
    complain=_complain_reshape,
)


def _back(axes: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Return the order of axes that undoes another one."""
    return None if axes is None else tuple(int(axis) for axis in np.argsort([axis % len(axes) for axis in axes]))


def _complain_transpose(shapes: Sequence[Shape], names: Sequence[str], axes: Any) -> str:
    count = counted(len(shapes[0]), "axis", "axes")
    return f"{named(names[0], shapes[0])} has {count}, and {axes} does not name each of them once"


transpose: Operator = linear(
    "transpose",
    "T",
    lambda a, axes: np.transpose(a, axes),
    vjp=lambda g, y, a, axes: transpose(g, axes=_back(axes)),
    jvp=lambda t, y, a, axes: transpose(t, axes=axes),
    formula="∂({a}ᵀ)[i, j]/∂{a}[j, i] = 1",
    complain=_complain_transpose,
)

broadcast_to: Operator = linear(
    "broadcast_to",
    "broadcast",
    lambda a, shape: np.broadcast_to(a, shape),
    vjp=lambda g, y, a, shape: fit(g, a.shape),
    jvp=lambda t, y, a, shape: broadcast_to(t, shape=shape),
    formula=MOVED,
    size=lambda a, shape: prod(shape),
    complain=lambda shapes, names, shape: (
        f"{named(names[0], shapes[0])} cannot be repeated to the shape {shape_text(shape)}"
    ),
)


def _scatter(a: Any, *, index: Any, shape: Shape) -> Any:
    out = np.zeros(shape)
    np.add.at(out, index, a)
    return out


def _picked(a: Shape, *, index: Any) -> int:
    """Predict how many elements an index of whole numbers, slices and one array of whole numbers picks."""
    parts = index if isinstance(index, tuple) else (index,)
    count = prod(a[len(parts) :])
    for part, length in zip(parts, a, strict=False):
        if isinstance(part, slice):
            count *= len(range(*part.indices(length)))
        else:
            count *= np.size(part)
    return count


def _picks(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind in "iu"


def _complain_index(shapes: Sequence[Shape], names: Sequence[str], index: Any, **parameters: Any) -> str:
    name, shape = named(names[0], shapes[0]), shapes[0]
    if not shape:
        return f"{name} is a single number and has no elements"
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) > len(shape) and not any(part is Ellipsis or part is None for part in parts):
        return f"{name} has {counted(len(shape), 'axis', 'axes')}, and {len(parts)} indices were given"
    for axis, (part, length) in enumerate(zip(parts, shape, strict=False)):
        numbers = [part] if isinstance(part, int) else part.ravel().tolist() if _picks(part) else []
        missing = [number for number in numbers if not -length <= number < length]
        if missing:
            return f"{name} has no element {missing[0]} on axis {axis}; there are {length}, counted from 0"
    return ""


pick: Operator = linear(
    "index",
    "[ ]",
    lambda a, index: a[index],
    vjp=lambda g, y, a, index: put(g, index=index, shape=a.shape),
    jvp=lambda t, y, a, index: pick(t, index=index),
    formula="∂{y}[i]/∂{a}[j] = 1 for the entries that were picked, else 0",
    size=_picked,
    complain=_complain_index,
)

put: Operator = linear(
    "put",
    "put",
    _scatter,
    vjp=lambda g, y, a, index, shape: pick(g, index=index),
    jvp=lambda t, y, a, index, shape: put(t, index=index, shape=shape),
    formula="∂{y}[j]/∂{a}[i] = 1 where entry i was put, else 0",
    size=lambda a, index, shape: prod(shape),
)


def _joining(
    name: str, symbol: str, join: Callable[..., Any], vjp: Rule, jvp: Rule, complain: Callable[..., str]
) -> Operator:
    """Add an operation that puts any number of inputs together along an axis."""
    return Operator(
        name,
        symbol,
        lambda *inputs, axis: join(inputs, axis=axis),
        vjp=Every(lambda which: partial(vjp, which=which)),
        jvp=Every(lambda which: partial(jvp, which=which)),
        formulas=Every(lambda which: MOVED),
        work=nothing,
        carry=Every(lambda which: nothing),
        size=all_together,
        complain=complain,
    )


def _part(inputs: Sequence[Any], which: int, axis: int) -> tuple[Any, ...]:
    """Return the index of one input inside the concatenation of all."""
    axis %= inputs[0].ndim
    start = sum(x.shape[axis] for x in inputs[:which])
    return (slice(None),) * axis + (slice(start, start + inputs[which].shape[axis]),)


def _part_vjp(g: Any, y: Any, *inputs: Any, axis: int, which: int) -> Any:
    return pick(g, index=_part(inputs, which, axis))


def _part_jvp(t: Any, y: Any, *inputs: Any, axis: int, which: int) -> Any:
    return put(t, index=_part(inputs, which, axis), shape=y.shape)


def _complain_concatenate(shapes: Sequence[Shape], names: Sequence[str], axis: Any) -> str:
    if not shapes:
        return "nothing was given to put together"
    if () in shapes:
        return "a single number has no axis to be joined along; use stack"
    if not -len(shapes[0]) <= axis < len(shapes[0]):
        return f"{named(names[0], shapes[0])} has no axis {axis} to be joined along, counted from 0"
    for name, shape in zip(names, shapes, strict=True):
        if len(shape) != len(shapes[0]):
            return (
                f"{named(names[0], shapes[0])} and {named(name, shape)} do not fit: they have {len(shapes[0])} and "
                f"{len(shape)} axes"
            )
        other = [i for i, (m, n) in enumerate(zip(shapes[0], shape, strict=True)) if m != n and i != axis % len(shape)]
        if other:
            return (
                f"{named(names[0], shapes[0])} and {named(name, shape)} do not fit: along axis {axis} they can be "
                f"joined only if axis {other[0]} has the same length"
            )
    return ""


concatenate = _joining("concatenate", "concat", np.concatenate, _part_vjp, _part_jvp, _complain_concatenate)


def _layer(y: Any, which: int, axis: int) -> tuple[Any, ...]:
    """Return the index of one input inside the stack of all."""
    return (slice(None),) * (axis % len(y.shape)) + (which,)


def _layer_vjp(g: Any, y: Any, *inputs: Any, axis: int, which: int) -> Any:
    return pick(g, index=_layer(y, which, axis))


def _layer_jvp(t: Any, y: Any, *inputs: Any, axis: int, which: int) -> Any:
    return put(t, index=_layer(y, which, axis), shape=y.shape)


def _complain_stack(shapes: Sequence[Shape], names: Sequence[str], axis: Any) -> str:
    if not shapes:
        return "nothing was given to put together"
    for name, shape in zip(names, shapes, strict=True):
        if shape != shapes[0]:
            return f"{named(names[0], shapes[0])} and {named(name, shape)} do not fit: only equal shapes can be stacked"
    count = len(shapes[0]) + 1
    return f"the result has {counted(count, 'axis', 'axes')}, and {axis} is none of them, counted from 0"


stack = _joining("stack", "stack", np.stack, _layer_vjp, _layer_jvp, _complain_stack)
