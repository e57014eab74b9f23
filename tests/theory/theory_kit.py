"""Integrals by adaptive quadrature, which knows nothing of panels or expansions, as the witness of the theory's."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad_vec

from gradflow.engine.activations import ACTIVATIONS, make_activation
from gradflow.theory.moments import Moments, moments_of

Array = NDArray[np.float64]

NAMES = list(ACTIVATIONS)
CORNERS = {"step": (-1.0, 0.0, 1.0)}
"""Where φ or its slope jumps, if that is more than the activation's kinks: the step's surrogate."""


def of(name: str, negative_slope: float | None = None) -> Moments:
    """Return the averages of an activation by its name."""
    return moments_of(make_activation(name, negative_slope))


def phi(name: str) -> Callable[[float | Array], tuple[Array, Array]]:
    """Return a function that gives φ and φ′."""
    function = make_activation(name)

    def both(x: float | Array) -> tuple[Array, Array]:
        z = np.atleast_1d(np.asarray(x, dtype=np.float64))
        a, slope, scratch = np.empty_like(z), np.empty_like(z), np.empty_like(z)
        function.value(z, a, scratch)
        function.slope(z, a, slope, scratch)
        return a, slope

    return both


def integral(f: Callable[[float], Array], root: float, corners: tuple[float, ...], within: float = 1e-13) -> Array:
    """Return the integral of f over x from −13·√q to 13·√q, for f that bends at x ~ 1 and has corners."""
    end = 13.0 * root
    scales = [size for size in (1e-3 * root, 0.1, 1.0, 4.0, 0.1 * root, root, 4.0 * root) if size < end]
    points = sorted({x for x in (0.0, *corners, *scales, *(-size for size in scales)) if abs(x) < end})
    found, _ = quad_vec(f, -end, end, points=points, epsabs=1e-300, epsrel=within, limit=2000, norm="max")
    return np.asarray(found)


def corners(name: str) -> tuple[float, ...]:
    """Return where φ or φ′ of an activation jumps."""
    return CORNERS.get(name, make_activation(name).kinks)


def average(name: str, q: float, f: Callable[[Array, Array, float], list[Array]]) -> Array:
    """Return E f(φ(√q·z), φ′(√q·z), z) for a list of numbers."""
    root, both = math.sqrt(q), phi(name)

    def integrand(x: float) -> Array:
        a, slope = both(x)
        z = x / root
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / root
        return np.ravel(f(a, slope, z)) * density

    return integral(integrand, root, corners(name))
