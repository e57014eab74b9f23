"""One of two: where, maximum, minimum. What was not chosen gets an exact 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.autograd.operation import Kink, Operator
from gradflow.autograd.operators.build import elementwise, plain


def _choose(a: Any, b: Any, *, condition: Any) -> Any:
    return np.where(condition, a, b)


where: Operator = elementwise(
    "where",
    "?",
    _choose,
    slopes=(
        lambda g, y, a, b, condition: where(g, 0.0, condition=condition),
        lambda g, y, a, b, condition: where(0.0, g, condition=condition),
    ),
    formulas=("∂{y}/∂{a} = 1 where {a} was chosen, else 0", "∂{y}/∂{b} = 1 where {b} was chosen, else 0"),
    carry=0,
    kink=Kink("the switch of {y}", lambda y, a, b, condition: np.asarray(condition)),
)


def _winner(g: Any, mine: Any, other: Any, sign: float) -> Any:
    """Pass g where mine is chosen, half of it where both are equal, as PyTorch does."""
    mine, other = sign * plain(mine), sign * plain(other)
    return where(0.5 * g, where(0.0, g, condition=mine < other), condition=mine == other)


maximum = elementwise(
    "maximum",
    "max",
    np.maximum,
    slopes=(lambda g, y, a, b: _winner(g, a, b, 1.0), lambda g, y, a, b: _winner(g, b, a, 1.0)),
    formulas=(
        "∂max({a}, {b})/∂{a} = 1 for {a} > {b}, ½ for {a} = {b}, else 0",
        "∂max({a}, {b})/∂{b} = 1 for {b} > {a}, ½ for {a} = {b}, else 0",
    ),
    carry=0,
    kink=Kink("the kink of max where {a} = {b}", lambda y, a, b: np.sign(a - b)),
)

minimum = elementwise(
    "minimum",
    "min",
    np.minimum,
    slopes=(lambda g, y, a, b: _winner(g, a, b, -1.0), lambda g, y, a, b: _winner(g, b, a, -1.0)),
    formulas=(
        "∂min({a}, {b})/∂{a} = 1 for {a} < {b}, ½ for {a} = {b}, else 0",
        "∂min({a}, {b})/∂{b} = 1 for {b} < {a}, ½ for {a} = {b}, else 0",
    ),
    carry=0,
    kink=Kink("the kink of min where {a} = {b}", lambda y, a, b: np.sign(a - b)),
)
