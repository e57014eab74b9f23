"""What a layer does to the norm of the gradient where something sets the variance of z to 1 in every layer.

Whatever σ_w is: a norm divides it out again, forwards and backwards.
"""

from __future__ import annotations

import math

from gradflow.theory.moments import Moments


def batch_norm_factor(moments: Moments) -> float:
    """Return √(E φ′²/Var φ) at q = 1, for batch norm over a large batch before φ (Yang et al. 2019); ReLU 1.2112.

    Batch norm makes samples uncorrelated, so that of E φ² only the variance over the batch is left.
    """
    return math.sqrt(float(moments.slope(1.0)) / (float(moments.value(1.0)) - float(moments.pair(1.0, 1.0, 0.0))))


def linear_batch_norm_factor(batch: int) -> float:
    """Return √((B − 2)/(B − 3)): what batch norm over B samples does without any φ, to the first order."""
    return math.sqrt((batch - 2) / (batch - 3)) if batch > 3 else math.inf


def layer_norm_factor(moments: Moments) -> float:
    """Return √(E φ′²/E φ²) at q = 1, for layer norm before φ and for what LSUV draws."""
    return math.sqrt(float(moments.slope(1.0)) / float(moments.value(1.0)))


def unit_variance_square(moments: Moments) -> float:
    """Return the σ_w² = 1/E φ² that keeps Var z at 1, which LSUV finds from the data (Mishkin & Matas 2016)."""
    return 1.0 / float(moments.value(1.0))
