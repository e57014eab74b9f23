"""What entries of the table have in common: counting, and operations that work entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from gradflow.autograd.arrays import Array, Shape, shape_text
from gradflow.autograd.operation import Count, Operator, Rule
from gradflow.autograd.variable import Variable


def plain(x: Any) -> Array:
    """Return the numbers of a Variable or an array: for what is not differentiated, such as a sign or a mask."""
    return x._data if isinstance(x, Variable) else x


def nothing(output: Shape, *inputs: Shape, **parameters: Any) -> int:
    """Count no multiplication: numbers are added, copied or moved."""
    return 0


def per_entry(factor: int) -> Count:
    """Count so many multiplications per element of the result."""
    return lambda output, *inputs, **parameters: factor * prod(output)


def no_larger(*inputs: Shape, **parameters: Any) -> int:
    """Predict a result of no more elements than the largest input."""
    return max((prod(shape) for shape in inputs), default=0)


def all_together(*inputs: Shape, **parameters: Any) -> int:
    """Predict a result that holds the elements of all inputs."""
    return sum(prod(shape) for shape in inputs)


def _broadcast_size(*inputs: Shape, **parameters: Any) -> int:
    return prod(np.broadcast_shapes(*inputs))


def elementwise(
    name: str,
    symbol: str,
    forward: Callable[..., Any],
    slopes: Sequence[Rule],
    formulas: Sequence[str],
    work: int = 0,
    carry: int | Sequence[int] = 1,
) -> Operator:
    """Add an operation that works entry by entry, with broadcasting; `slopes[i]` multiplies g by ∂y/∂input i.

    As its Jacobian is diagonal, the same rule carries a gradient backwards and a change forwards. `work` and `carry`
    count multiplications per element; an elementary function, such as exp, counts as none.
    """
    each = [carry] * len(slopes) if isinstance(carry, int) else carry
    return Operator(
        name,
        symbol,
        forward,
        vjp=slopes,
        jvp=slopes,
        formulas=formulas,
        work=per_entry(work),
        carry=[per_entry(factor) for factor in each],
        size=_broadcast_size,
        complain=_do_not_broadcast,
        elementwise=True,
    )


def _do_not_broadcast(shapes: Sequence[Shape], names: Sequence[str], **parameters: Any) -> str:
    """Return which axis of which operands has two lengths, "" if none has."""
    if len(shapes) != 2:
        return ""
    (left, right), (a, b) = shapes, operands(names)
    for back, (m, n) in enumerate(zip(reversed(left), reversed(right), strict=False), 1):
        if m != n and 1 not in (m, n):
            which = "last axis" if back == 1 else f"axis {back} from the right"
            return (
                f"{named(names[0], left)} and {named(names[1], right)} do not fit: the {which} has {m} in {a} and "
                f"{n} in {b}, and must have the same in both, or 1"
            )
    return ""


def named(name: str, shape: Shape) -> str:
    """Return an operand as errors speak of it: "W (2, 3)", or only its shape."""
    return f"{name} {shape_text(shape)}".strip()


def operands(names: Sequence[str]) -> list[str]:
    """Return what to call two operands: by their names, or as the first and the second."""
    return [name or ordinal for name, ordinal in zip(names, ("the first", "the second"), strict=False)]
