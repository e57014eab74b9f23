"""A chain of three small functions t, g, f whose numbers can be checked by hand, without any network.

∇(f∘g∘t)(x) = ∇t(x) · ∇g(t(x)) · ∇f(g(t(x))): inner, mid and outer gradients, each at its own point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.chain import Chain
from gradflow.sim.lab.chain_parts import Factor
from gradflow.sim.lab.points import GIVEN, Point

Array = NDArray[Any]

SYMBOLS = ("x", "t", "g", "f")
X = (1.0, 2.0)

_FORMULAS = ("x = (1, 2)", "t(x) = (x₀·x₁, x₀², x₁)", "g(t) = (t₀ + t₁, t₁·t₂)", "f(g) = g₀·g₁")
_WORDS = ("the input", "the inner function", "the function in the middle", "the outer function")
_PLACES = ("inner gradients, at x", "mid gradients, at t(x)", "outer gradients, at g(t(x))")


def values() -> Mapping[str, Array]:
    """Return the numbers at all points."""
    x = np.array(X)
    t = np.array([x[0] * x[1], x[0] ** 2, x[1]])
    g = np.array([t[0] + t[1], t[1] * t[2]])
    return {"x": x, "t": t, "g": g, "f": np.array([g[0] * g[1]])}


def example(source: str, target: str) -> Chain:
    """Return the chain from one of the symbols to a later one."""
    at, sizes = values(), (2, 3, 2, 1)
    x, t, g = at["x"], at["t"], at["g"]
    derivatives = (
        np.array([[x[1], x[0]], [2.0 * x[0], 0.0], [0.0, 1.0]]),
        np.array([[1.0, 1.0, 0.0], [0.0, t[2], t[1]]]),
        np.array([[g[1], g[0]]]),
    )
    points = [
        Point(symbol, words, units, GIVEN, (before,) if before else (), None, phi=formula)
        for symbol, words, units, before, formula in zip(
            SYMBOLS, _WORDS, sizes, ("", *SYMBOLS), _FORMULAS, strict=False
        )
    ]
    first, last = SYMBOLS.index(source), SYMBOLS.index(target)
    factors = tuple(
        Factor(points[i], points[i + 1], (f"∇{SYMBOLS[i + 1]}",) * 2, _PLACES[i], derivatives[i])
        for i in range(first, last)
    )
    return Chain(factors, _back(derivatives[first:last]))


def later(symbol: str) -> Sequence[str]:
    """Return the symbols that depend on this one."""
    return SYMBOLS[SYMBOLS.index(symbol) + 1 :]


def _back(derivatives: Sequence[Array]) -> Array:
    """Multiply from the output back."""
    product = np.eye(len(derivatives[-1]))
    for one in reversed(derivatives):
        product = product @ one
    return product
