"""Averages over one and over two normal variables, to the last digits also where φ bends sharply or has a kink.

Gauss–Hermite rules are exact for polynomials and wrong by half for tanh at q = 100 or for any kink. Composite
Gauss–Legendre panels are not: they double in width away from the places where the integrand bends, end where it has
kinks, and the integrand is smooth on each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

END = 13.0
"""Beyond this many standard deviations the normal density is 10⁻³⁷."""

COARSE = np.array([1.0, 2.0, 3.0, 4.5, 6.5, 9.0, END])
"""The panels that the normal density itself needs, on one side."""

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


def density(z: Array) -> Array:
    """Return e^(−z²/2)/√(2π)."""
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))


def halvings(scale: float) -> int:
    """Return how often the unit must be halved until a function of scale·z no longer bends within a panel at 0."""
    return math.ceil(math.log2(scale)) if 1.0 < scale < math.inf else 0


@cache
def edges_around_zero(level: int) -> Array:
    """Return the ends of panels that shrink towards 0 on both sides, down to 2^−level."""
    right = np.concatenate([2.0 ** np.arange(-float(level), 0.0), COARSE])
    return np.concatenate([-right[::-1], [0.0], right])


def rule(edges: Array) -> tuple[Array, Array]:
    """Return the nodes of the panels between `edges` (…, panels + 1), and their weights times the normal density."""
    middle, half = (edges[..., 1:] + edges[..., :-1]) / 2, np.diff(edges, axis=-1) / 2
    shape = (*edges.shape[:-1], -1)
    z = (middle[..., None] + half[..., None] * NODES).reshape(shape)
    return z, (half[..., None] * WEIGHTS).reshape(shape) * density(z)


@cache
def rule_around_zero(level: int) -> tuple[Array, Array]:
    """Return nodes and weights of the panels that shrink towards 0."""
    return rule(edges_around_zero(level))


def rule_with_kinks(level: int, kinks: Array) -> tuple[Array, Array]:
    """Return nodes and weights, both (…, n), of such panels, ending also at the kinks (…, how many)."""
    base = np.broadcast_to(edges_around_zero(level), (*kinks.shape[:-1], 2 * (level + len(COARSE)) + 1))
    return rule(np.sort(np.concatenate([base, np.clip(kinks, -END, END)], axis=-1), axis=-1))


def average_of_product(f: Callable[[Array], Array], kinks: tuple[float, ...], a: float, b: float, c: float) -> float:
    """Return E f(u)·f(v) for u, v normal with standard deviations a and b and correlation c, by nested panels.

    Within u = a·x, v = b·(c·x + √(1−c²)·y) is averaged over y first, on panels of its own for every x.
    """
    bends = np.array(sorted({0.0, *kinks}))
    rest = math.sqrt(max(0.0, (1.0 - c) * (1.0 + c)))
    if rest < 1e-12:
        both = np.concatenate([bends / a, math.copysign(1.0, c) * bends / b])
        x, weights = rule_with_kinks(halvings(max(a, b)), both)
        return float(np.sum(weights * f(a * x) * f(math.copysign(b, c) * x)))
    # Where v crosses a kink as x moves, the inner average changes over a width of √(1−c²).
    level = halvings(max(a, 1.0 / rest))
    steps = np.concatenate([[0.0], 2.0 ** -np.arange(0.0, level + 1.0)])
    steps = np.concatenate([-steps, steps])
    centres = np.concatenate([bends / a, bends / (c * b)]) if abs(c) > 1e-6 else bends / a
    x, outer = rule_with_kinks(0, np.unique((centres[:, None] + steps).ravel()))
    fine = 2.0 ** -np.arange(0.0, halvings(b * rest) + 1.0)
    fine = np.concatenate([[0.0], -fine, fine])
    crossing = ((bends / b - c * x[:, None]) / rest)[..., None] + fine
    y, inner = rule_with_kinks(0, crossing.reshape(len(x), -1))
    within = np.sum(inner * f(b * (c * x[:, None] + rest * y)), axis=-1)
    return float(np.sum(outer * f(a * x) * within))
