"""What entries of the table have in common: counting, and operations that work entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from gradflow.autograd.arrays import Array, Shape
from gradflow.autograd.operation import Count, Formula, Kink, Operator, Rule
from gradflow.autograd.sentences import do_not_broadcast
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
    # A setting may be an array too: the condition of where.
    return prod(np.broadcast_shapes(*inputs, *(np.shape(setting) for setting in parameters.values())))


def elementwise(
    name: str,
    symbol: str,
    forward: Callable[..., Any],
    slopes: Sequence[Rule],
    formulas: Sequence[Formula],
    work: int = 0,
    carry: int | Sequence[int] = 1,
    kink: Kink | None = None,
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
        complain=do_not_broadcast,
        kink=kink,
        elementwise=True,
    )


def linear(
    name: str,
    symbol: str,
    forward: Callable[..., Any],
    vjp: Rule,
    jvp: Rule,
    formula: str,
    size: Count = no_larger,
    complain: Callable[..., str] | None = None,
) -> Operator:
    """Add an operation that moves or adds the numbers of one input and multiplies none."""
    return Operator(
        name, symbol, forward, vjp=(vjp,), jvp=(jvp,), formulas=(formula,), work=nothing, carry=(nothing,), size=size,
        complain=complain,
    )  # fmt: skip
