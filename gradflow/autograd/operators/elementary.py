"""Functions of one number, applied to every entry: exp, sin, and the activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradflow.autograd.operation import Kink, Operator
from gradflow.autograd.operators.build import elementwise, plain
from gradflow.autograd.operators.choice import where
from gradflow.engine.activations import ACTIVATIONS, LeakyReLU


def at_zero(words: str) -> Kink:
    """Return a kink where the only input is 0; `words` say what is there."""
    return Kink(f"{words} at {{a}} = 0", lambda y, a, **parameters: np.sign(a))


exp = elementwise("exp", "exp", np.exp, (lambda g, y, a: g * y,), ("∂exp({a})/∂{a} = exp({a})",))

log = elementwise(
    "log", "ln", np.log, (lambda g, y, a: g / a,), ("∂(ln {a})/∂{a} = 1/{a}",), kink=at_zero("the end of ln {a}")
)

sqrt = elementwise(
    "sqrt", "√", np.sqrt, (lambda g, y, a: g / (2.0 * y),), ("∂√{a}/∂{a} = 1/(2√{a})",), carry=2,
    kink=at_zero("the end of √{a}"),
)  # fmt: skip

absolute = elementwise(
    "abs", "|·|", np.absolute, (lambda g, y, a: g * np.sign(plain(a)),), ("∂|{a}|/∂{a} = sign {a}",),
    kink=at_zero("the kink of |{a}|"),
)  # fmt: skip

sin: Operator = elementwise("sin", "sin", np.sin, (lambda g, y, a: g * cos(a),), ("∂(sin {a})/∂{a} = cos {a}",))

cos: Operator = elementwise("cos", "cos", np.cos, (lambda g, y, a: -(g * sin(a)),), ("∂(cos {a})/∂{a} = −sin {a}",))

tanh = elementwise(
    "tanh", "tanh", np.tanh, (lambda g, y, a: g * (1.0 - y * y),), ("∂(tanh {a})/∂{a} = 1 − tanh² {a}",), carry=2
)


def _activation(name: str) -> Any:
    """Return φ as a function of an array: the engine's, which is exact far into the tails."""
    value = ACTIVATIONS[name].part().value

    def forward(a: Any) -> Any:
        out = np.empty(np.shape(a))
        value(np.asarray(a), out, np.empty_like(out))
        return out

    return forward


sigmoid = elementwise(
    "sigmoid",
    "σ",
    _activation("sigmoid"),
    (lambda g, y, a: g * (y * (1.0 - y)),),
    ("∂σ({a})/∂{a} = σ({a})·(1 − σ({a}))",),
    carry=2,
)

softplus = elementwise(
    "softplus",
    "softplus",
    _activation("softplus"),
    (lambda g, y, a: g * sigmoid(a),),
    ("∂ln(1 + exp({a}))/∂{a} = σ({a})",),
)

erf = elementwise(
    "erf",
    "erf",
    _activation("erf"),
    (lambda g, y, a: g * (2.0 / math.sqrt(math.pi) * exp(-(a * a))),),
    ("∂(erf {a})/∂{a} = 2/√π·exp(−{a}²)",),
    carry=3,
)

relu = elementwise(
    "relu",
    "ReLU",
    _activation("relu"),
    (lambda g, y, a: where(0.0, g, condition=plain(a) <= 0.0),),
    ("∂ReLU({a})/∂{a} = 1 for {a} > 0, else 0",),
    carry=0,
    kink=at_zero("the kink of ReLU"),
)


def _leaky(a: Any, *, negative_slope: float) -> Any:
    out = np.empty(np.shape(a))
    LeakyReLU(negative_slope).value(np.asarray(a), out, np.empty_like(out))
    return out


leaky_relu = elementwise(
    "leaky_relu",
    "leaky ReLU",
    _leaky,
    (lambda g, y, a, negative_slope: where(g, negative_slope * g, condition=plain(a) > 0.0),),
    ("∂leaky({a})/∂{a} = 1 for {a} > 0, else the negative slope",),
    work=1,
    kink=at_zero("the kink of leaky ReLU"),
)
