"""Arithmetic: + − · / and powers.

They are computed with Python's signs, which for two single numbers of NumPy are twenty times as fast as its functions.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradflow.autograd.operation import Kink
from gradflow.autograd.operators.build import elementwise, plain
from gradflow.autograd.operators.choice import where
from gradflow.autograd.operators.elementary import log

add = elementwise(
    "add",
    "+",
    operator.add,
    slopes=(lambda g, y, a, b: g, lambda g, y, a, b: g),
    formulas=("∂({a} + {b})/∂{a} = 1", "∂({a} + {b})/∂{b} = 1"),
    carry=0,
)

sub = elementwise(
    "sub",
    "−",
    operator.sub,
    slopes=(lambda g, y, a, b: g, lambda g, y, a, b: -g),
    formulas=("∂({a} − {b})/∂{a} = 1", "∂({a} − {b})/∂{b} = −1"),
    carry=0,
)

mul = elementwise(
    "mul",
    "·",
    operator.mul,
    slopes=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    formulas=("∂({a}·{b})/∂{a} = {b}", "∂({a}·{b})/∂{b} = {a}"),
    work=1,
)

div = elementwise(
    "div",
    "/",
    operator.truediv,
    slopes=(lambda g, y, a, b: g / b, lambda g, y, a, b: -(g * (y / b))),
    formulas=("∂({a}/{b})/∂{a} = 1/{b}", "∂({a}/{b})/∂{b} = −{a}/{b}²"),
    work=1,
    carry=(1, 2),
    kink=Kink("the pole at {b} = 0", lambda y, a, b: np.sign(b)),
)

neg = elementwise("neg", "−", operator.neg, (lambda g, y, a: -g,), ("∂(−{a})/∂{a} = −1",), carry=0)


def _by_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    slope, bent = b * a ** (b - 1.0), plain(b) != 0.0
    # 0·a⁻¹ is 0 also at a = 0: a⁰ is constant.
    return g * (slope if bent.all() else where(slope, 0.0, condition=bent))


def _by_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    # 0ᵇ is 0 for every b > 0, so its slope is 0 although log 0 = −∞.
    constant = (plain(a) == 0.0) & (plain(b) >= 0.0)
    return g * where(0.0, y * log(a), condition=constant)


def _words_by_base(a: str, b: str) -> str:
    below = "" if b == "2" else f"^({b} − 1)"
    return f"∂({a}^{b})/∂{a} = {b}·{a}{below}"


def _side_of_base(y: Any, a: Any, b: Any) -> Any:
    """Return on which side of 0 the base lies, where the power is no polynomial of it."""
    return np.where((b >= 0.0) & (b == np.floor(b)), 0.0, np.sign(a))


power = elementwise(
    "pow",
    "^",
    operator.pow,
    slopes=(_by_base, _by_exponent),
    formulas=(_words_by_base, "∂({a}^{b})/∂{b} = {a}^{b}·ln {a}"),
    carry=(2, 2),
    kink=Kink("the end of the power at {a} = 0", _side_of_base),
)
