"""How many ReLU units are dead on a batch by chance alone: inputs that have become collinear silence units together.

With pre-activations N(0, q) of correlation c between any two of B samples, a unit is silent on all of them with
P = ∫Dt Φ(−√c·t/√(1−c))^B. It is 2⁻ᴮ for independent samples and tends to ½ as c → 1, which depth brings about even
where nothing is wrong: a count of dead units is to be compared with this and not with 0.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Φ(u) is 0 or 1 to double precision beyond this.
EDGE = 9.0
PANELS, NODES = 24, 12

_erfc = np.vectorize(math.erfc, otypes=[float])


def dead_by_chance(correlation: Array, samples: int) -> Array:
    """Return P for each correlation c; a negative c counts as 0, and nan stays nan.

    With s = √(c/(1−c)) the integrand has its bend where s·t is of order 1: for s > 1 it is integrated over u = −s·t,
    where what lies beyond the edge is Φ(−edge/s), else over t. Composite Gauss–Legendre, right to 1e-12.
    """
    c = np.clip(np.asarray(correlation, float), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        s = np.sqrt(c / (1.0 - c))
    # The scale of what is integrated over, and what it is multiplied by inside Φ; one of the two is 1.
    scale, factor = np.maximum(s, 1.0), np.minimum(s, 1.0)
    nodes, weights = _rule()
    density = np.exp(-0.5 * (nodes / scale[:, None]) ** 2) / (math.sqrt(2.0 * math.pi) * scale[:, None])
    # Few factors differ: deep networks have s > 1 in all their layers but the first.
    factors, which = np.unique(factor, return_inverse=True)
    silent = _normal(factors[:, None] * nodes) ** samples
    inside: Array = np.einsum("ij,ij,j->i", density, silent[which], weights)
    beyond: Array = _normal(-EDGE / scale) * _normal(EDGE * factor) ** samples
    return inside + beyond


def _normal(u: Array) -> Array:
    """Return Φ(u), from a function of Python's own: it is asked for little, and SciPy takes long to import."""
    phi: Array = 0.5 * _erfc(-u / math.sqrt(2.0))
    return phi


def _rule() -> tuple[Array, Array]:
    """Return the nodes and weights of a composite Gauss–Legendre rule from −EDGE to EDGE."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    half = EDGE / PANELS
    centres = -EDGE + half * (2.0 * np.arange(PANELS) + 1.0)
    return (centres[:, None] + half * x).reshape(-1), np.tile(half * w, PANELS)
