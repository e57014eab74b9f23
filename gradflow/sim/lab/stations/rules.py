"""The optimisers' rules on the walk: in symbols, and with the numbers of one parameter put in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gradflow.sim.lab.numerals import factor, operand, setting, short, told
from gradflow.sim.words import superscript


@dataclass(frozen=True)
class Numbers:
    """What an optimiser reckons with for one parameter: `w`, the gradient `g` it is given, and what it remembers.

    `memory` is that after the step's own gradient has joined it; `count` is the number k of the step.
    """

    w: float
    g: float
    memory: tuple[float, ...]
    count: int
    rate: float
    momentum: float
    beta1: float
    beta2: float
    epsilon: float
    decay: float


@dataclass(frozen=True)
class Found:
    """A step with its numbers put in, its value, and the numbers of what the optimiser remembers."""

    put_in: str
    value: float
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """How an optimiser makes a step of a gradient: in symbols, and in numbers. `memory` is what it remembers."""

    step: str
    memory: str
    find: Callable[[Numbers], Found]


def _plain(n: Numbers) -> Found:
    return Found(f"−{setting(n.rate)}·{factor(n.g)}", -n.rate * n.g)


def _heavy_ball(n: Numbers) -> Found:
    (v,) = n.memory
    return Found(f"−{setting(n.rate)}·{factor(v)}", -n.rate * v, (_velocity(n, v),))


def _nesterov(n: Numbers) -> Found:
    (v,) = n.memory
    put_in = f"−{setting(n.rate)}·({short(n.g)} + {setting(n.momentum)}·{factor(v)})"
    return Found(put_in, -n.rate * (n.g + n.momentum * v), (_velocity(n, v),))


def _velocity(n: Numbers, v: float) -> str:
    if n.count <= 1:
        return f"v = g = {short(v, 6)}: the first step begins at rest"
    before = (v - n.g) / n.momentum
    return f"v = {setting(n.momentum)}·{factor(before)} + {factor(n.g)} ≈ {short(v, 6)}"


def _divided(n: Numbers) -> Found:
    (v,) = n.memory
    put_in = f"−{setting(n.rate)}·{factor(n.g)}/(√{operand(v)} + {setting(n.epsilon)})"
    return Found(put_in, -n.rate * n.g / (math.sqrt(v) + n.epsilon), (f"v = {short(v, 6)}",))


def _adam(n: Numbers) -> Found:
    (m, v), k = n.memory, n.count
    mean, square = m / (1.0 - n.beta1**k), v / (1.0 - n.beta2**k)
    power = superscript(k)
    m_told = f"{factor(m)}/(1 − {setting(n.beta1)}{power})"
    v_told = f"{short(v)}/(1 − {setting(n.beta2)}{power})"
    put_in = f"−{setting(n.rate)}·{m_told}/(√({v_told}) + {setting(n.epsilon)})"
    remarks = f"m/(1 − β₁ᵏ) {told(mean, 6)}", f"v/(1 − β₂ᵏ) {told(square, 6)}"
    return Found(put_in, -n.rate * mean / (math.sqrt(square) + n.epsilon), remarks)


def _adamw(n: Numbers) -> Found:
    adam = _adam(n)
    if not n.decay:
        return adam
    late = -n.rate * n.decay * n.w
    return Found(f"{adam.put_in} − {setting(n.rate)}·{setting(n.decay)}·{factor(n.w)}", adam.value + late, adam.remarks)


def _lion(n: Numbers) -> Found:
    (after,) = n.memory
    before = (after - (1.0 - n.beta2) * n.g) / n.beta2
    inner = n.beta1 * before + (1.0 - n.beta1) * n.g
    sign = math.copysign(1.0, inner) if inner else 0.0
    put_in = f"−{setting(n.rate)}·sign({setting(n.beta1)}·{factor(before)} + {setting(1.0 - n.beta1)}·{factor(n.g)})"
    if n.decay:
        put_in += f" − {setting(n.rate)}·{setting(n.decay)}·{factor(n.w)}"
    told = f"m = {short(before, 6)} before the step, {short(after, 6)} after it"
    return Found(put_in, -n.rate * (sign + n.decay * n.w), (told,))


VELOCITY = "v ← μ·v + g"
AVERAGES = "m ← β₁·m + (1 − β₁)·g,  v ← β₂·v + (1 − β₂)·g²"

PLAIN = Rule("−η·g", "", _plain)
RULES: Mapping[str, Rule] = {
    "sgd": Rule("−η·v", VELOCITY, _heavy_ball),
    "nesterov": Rule("−η·(g + μ·v)", VELOCITY, _nesterov),
    "rmsprop": Rule("−η·g/(√v + ε)", "v ← β₂·v + (1 − β₂)·g²", _divided),
    "adagrad": Rule("−η·g/(√v + ε)", "v ← v + g²", _divided),
    "adam": Rule("−η·m/(1 − β₁ᵏ)/(√(v/(1 − β₂ᵏ)) + ε)", AVERAGES, _adam),
    "adamw": Rule("−η·m/(1 − β₁ᵏ)/(√(v/(1 − β₂ᵏ)) + ε) − η·λ·θ", AVERAGES, _adamw),
    "lion": Rule("−η·sign(β₁·m + (1 − β₁)·g) − η·λ·θ", "then m ← β₂·m + (1 − β₂)·g", _lion),
}
"""The rule of each optimiser that remembers something; whoever does not is plain."""
