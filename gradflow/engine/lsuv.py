"""Layer-sequential unit variance: scale each layer by what the data make of it (Mishkin & Matas 2016).

From the input on, W ← W/√Var z until the variance of the layer's output, over the batch and all units, is one. The
layers before it are finished by then, so each needs one or two rounds: more only where a bias takes part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Linear(Protocol):
    """What can be rescaled: something with weights and, after a forward pass, a value linear in them."""

    @property
    def W(self) -> NDArray[Any]:
        """The weights, changed in place."""

    @property
    def value(self) -> NDArray[Any]:
        """z on the batch that is loaded."""


@np.errstate(over="ignore", invalid="ignore")
def rescale(
    linears: Sequence[Linear], forward: Callable[[], object], tolerance: float = 0.1, iterations: int = 10
) -> list[float]:
    """Divide every W by √Var z until |Var z − 1| < tolerance; return the factor by which each W was multiplied.

    `linears` go from the input to the output, and `forward` runs all of them on one batch. A layer whose variance is
    zero or not finite keeps its weights. Where the biases alone vary by more than one no factor helps, and the layer
    is left as the last of the `iterations` made it.
    """
    forward()
    factors = []
    for linear in linears:
        factor = 1.0
        for _ in range(iterations):
            # In double precision: the squares of a float32 network overflow long before its values do.
            deviation = float(np.std(linear.value, dtype=np.float64))
            if abs(deviation**2 - 1.0) < tolerance or deviation == 0.0 or not math.isfinite(deviation):
                break
            np.divide(linear.W, deviation, out=linear.W)
            factor /= deviation
            forward()
        factors.append(factor)
    return factors
