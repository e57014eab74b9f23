"""The largest eigenvalue of a symmetric matrix of which only products with vectors are known.

Locally optimal conjugate gradients (Knyazev 2001, LOBPCG with one vector): each turn looks for the best vector in the
span of the present one, its residual, and the way it came. One product and three vectors a turn; it begins as well from
the eigenvector of a similar matrix as from chance.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Work = Generator[None, None, Array]
"""A product in the making: it can be left at every yield."""

RESIDUAL = 0.01
"""‖Hx − λx‖ in units of λ at which it is found: some eigenvalue lies within this, and as a rule far nearer."""

MOST_PRODUCTS = 150


@dataclass(frozen=True, eq=False)
class Eigen:
    """The largest eigenvalue that was found, its vector of length 1, and whether the residual is small enough."""

    value: float
    vector: Array
    found: bool


def largest(product: Callable[[Array], Work], start: Array) -> Generator[None, None, Eigen]:
    """Look for the largest eigenvalue from a vector on; the work can be left at every yield, and be gone on with."""
    x = start / np.linalg.norm(start)
    basis, images = x[None], (yield from product(x))[None]
    value = float(images[0] @ x)
    for _ in range(MOST_PRODUCTS):
        residual = images[0] - value * basis[0]
        size = float(np.linalg.norm(residual))
        if not size > RESIDUAL * abs(value):
            return Eigen(value, basis[0], not np.isnan(size))
        for _ in range(2):
            # Once more, because the first time leaves round-off of what was large.
            residual -= basis.T @ (basis @ residual)
            residual /= np.linalg.norm(residual)
        basis, images = np.vstack([basis, residual]), np.vstack([images, (yield from product(residual))])
        small = basis @ images.T
        values, vectors = np.linalg.eigh(0.5 * (small + small.T))
        best = vectors[:, -1]
        value = float(values[-1])
        # The way that the best vector came, at right angles to it.
        way = best.copy()
        way[0] = 0.0
        way -= best * (best @ way)
        length = float(np.linalg.norm(way))
        turned = np.stack([best, way / length]) if length > 1e-12 else best[None]
        basis, images = turned @ basis, turned @ images
    return Eigen(value, basis[0], False)
