"""How the squared slopes φ′(z)² of a layer are distributed when its z are normal: what a random Jacobian is made of.

A distribution is kept as a few atoms, the Gauss quadrature of itself: they have its first 2K−1 moments exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradflow.engine.activations import Activation
from gradflow.theory.quadrature import Array, halvings, rule_with_kinks

ATOMS = 16

FINER = 4
"""High moments of φ′² bend more sharply than φ′ does: the panels at 0 are halved so often beyond what φ needs."""


@dataclass(frozen=True, eq=False)
class Slopes:
    """The distribution of φ′² over the units of a layer: `values` ≥ 0 with `weights` that add up to 1."""

    values: Array
    weights: Array

    def moment(self, power: int) -> float:
        """Return μ_k = E φ′^{2k}."""
        return float(self.weights @ self.values**power)

    @property
    def passing(self) -> float:
        """The share of units whose slope is not 0."""
        return float(self.weights[self.values > 0.0].sum())


LINEAR = Slopes(np.ones(1), np.ones(1))
"""No activation: every slope is 1."""


def normal_slopes(function: Activation, q: float) -> Slopes:
    """Return the distribution of φ′(z)² for z ~ N(0, q)."""
    deviation = math.sqrt(q)
    bends = np.array(function.kinks) / deviation if deviation > 0.0 else np.empty(0)
    unit, weights = rule_with_kinks(halvings(deviation) + FINER, bends)
    z = deviation * unit
    a, slope, scratch = np.empty((3, z.size))
    function.value(z, a, scratch)
    function.slope(z, a, slope, scratch)
    return condensed(slope**2, weights)


def condensed(values: Array, weights: Array, atoms: int = ATOMS) -> Slopes:
    """Return the distribution with at most `atoms` atoms that has the same first moments.

    The Gauss quadrature of a discrete measure, by Lanczos' recursion on its values (Golub & Welsch 1969).
    """
    weights = weights / weights.sum()
    scale = float(np.max(np.abs(values), initial=0.0))
    if scale == 0.0:
        return Slopes(np.zeros(1), np.ones(1))
    x = values / scale
    basis = np.zeros((atoms, len(x)))
    basis[0] = np.sqrt(weights)
    diagonal, beside = [], []
    for count in range(1, atoms + 1):
        v = x * basis[count - 1]
        diagonal.append(float(basis[count - 1] @ v))
        # Twice: once loses digits.
        for _ in range(2):
            v = v - (basis[:count] @ v) @ basis[:count]
        length = float(np.linalg.norm(v))
        # Nothing is left once there are as many atoms as different values.
        if count == atoms or length < 1e-9:
            break
        beside.append(length)
        basis[count] = v / length
    found, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    # A slope of 0 is a unit that passes nothing: rounding must not turn it into a small one.
    found[np.abs(found) < 1e-12] = 0.0
    return Slopes(np.maximum(found, 0.0) * scale, vectors[0] ** 2)
