"""Finite differences in the sandbox: one entry of one input is moved, and the program is run again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Differences:
    """The slope of vᵀf by one entry of an input, by difference quotients and exactly.

    `forward` is (f(x+ε) − f(x))/ε, with an error of order ε; `central` is (f(x+ε) − f(x−ε))/(2ε), of order ε².
    """

    step: float
    forward: float
    central: float
    exact: float

    @property
    def forward_error(self) -> float:
        """How far the forward difference is from the exact value."""
        return abs(self.forward - self.exact)

    @property
    def central_error(self) -> float:
        """How far the central difference is from the exact value."""
        return abs(self.central - self.exact)


def differences(
    output: Callable[[Array], Array], at: Array, entry: int, seed: Array, step: float
) -> tuple[float, float]:
    """Return the forward and the central difference quotient of seed·output by an entry (counted by rows)."""

    def moved(by: float) -> float:
        point = np.array(at, float).ravel()
        point[entry] += by
        return float(np.sum(seed * output(point.reshape(np.shape(at)))))

    with np.errstate(all="ignore"):
        ahead, here, behind = moved(step), moved(0.0), moved(-step)
        return (
            float(np.divide(ahead - here, step)),
            float(np.divide(ahead - behind, 2.0 * step)),
        )


def entry_names(name: str, shape: tuple[int, ...], most: int = 64) -> list[str]:
    """Return the entries of an input by name, such as w[0, 1]; of many only the first."""
    if not shape:
        return [name]
    places = np.ndindex(*shape)
    return [f"{name}[{', '.join(map(str, place))}]" for _, place in zip(range(most), places, strict=False)]
