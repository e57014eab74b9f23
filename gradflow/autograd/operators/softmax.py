"""Softmax and its logarithm along one axis, safe from overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.autograd.operation import Operator
from gradflow.autograd.operators.build import no_larger, per_entry
from gradflow.autograd.operators.elementary import exp
from gradflow.autograd.operators.reductions import complain_axis, total


def _sum(x: Any, axis: Any) -> Any:
    return total(x, axis=axis, keepdims=True)


def _softmax(a: Any, *, axis: Any) -> Any:
    powers = np.exp(a - np.max(a, axis=axis, keepdims=True))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def _log_softmax(a: Any, *, axis: Any) -> Any:
    shifted = a - np.max(a, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _carried(g: Any, y: Any, a: Any, axis: Any) -> Any:
    # The Jacobian is symmetric, so that changes and gradients are carried alike.
    return y * (g - _sum(g * y, axis))


softmax: Operator = Operator(
    "softmax",
    "softmax",
    _softmax,
    vjp=(_carried,),
    jvp=(_carried,),
    formulas=("∂{y}[i]/∂{a}[j] = {y}[i]·(δᵢⱼ − {y}[j])",),
    work=per_entry(1),
    carry=(per_entry(2),),
    size=no_larger,
    complain=complain_axis,
)

log_softmax: Operator = Operator(
    "log_softmax",
    "ln softmax",
    _log_softmax,
    vjp=(lambda g, y, a, axis: g - exp(y) * _sum(g, axis),),
    jvp=(lambda t, y, a, axis: t - _sum(exp(y) * t, axis),),
    formulas=("∂{y}[i]/∂{a}[j] = δᵢⱼ − exp({y}[j])",),
    work=per_entry(0),
    carry=(per_entry(1),),
    size=no_larger,
    complain=complain_axis,
)
