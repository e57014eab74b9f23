"""How many ReLU units are dead on a batch by chance alone: inputs that have become collinear silence units together.

With pre-activations N(0, q) of correlation c between any two of B samples, a unit is silent on all of them with
P = ∫Dt Φ(−√c·t/√(1−c))^B. It is 2⁻ᴮ for independent samples and tends to ½ as c → 1, which depth brings about even
where nothing is wrong: a count of dead units is to be compared with this and not with 0.
"""

from __future__ import annotations

from importlib import import_module

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Φ(u) is 0 or 1 to double precision beyond this.
EDGE = 9.0
PANELS, NODES = 32, 12


def dead_by_chance(correlation: Array, samples: int) -> Array:
    """Return P for each correlation c; a negative c counts as 0, and nan stays nan.

    With s = √(c/(1−c)) the integrand has its bend where s·t is of order 1: for s > 1 it is integrated over u = −s·t,
    where what lies beyond the edge is Φ(−edge/s), else over t. Composite Gauss–Legendre, right to 1e-12.
    """
    c = np.clip(np.asarray(correlation, float), 0.0, 1.0)
    with np.errstate(divide="ignore"):
        s = np.sqrt(c / (1.0 - c))
    wide = np.maximum(s, 1.0)[:, None]
    nodes, weights = _rule()
    # SciPy takes long to import: only when it is needed.
    normal = import_module("scipy.special").ndtr
    # v is u where s > 1 and t elsewhere: density in t, and what Φ is asked for.
    density = np.exp(-0.5 * (nodes / wide) ** 2) / (np.sqrt(2.0 * np.pi) * wide)
    argument = nodes * np.minimum(s, 1.0)[:, None]
    inside: Array = (density * normal(argument) ** samples) @ weights
    beyond: Array = normal(-EDGE / np.maximum(s, 1.0)) * normal(EDGE * np.minimum(s, 1.0)) ** samples
    return inside + beyond


def _rule() -> tuple[Array, Array]:
    """Return the nodes and weights of a composite Gauss–Legendre rule from −EDGE to EDGE."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    half = EDGE / PANELS
    centres = -EDGE + half * (2.0 * np.arange(PANELS) + 1.0)
    return (centres[:, None] + half * x).reshape(-1), np.tile(half * w, PANELS)
