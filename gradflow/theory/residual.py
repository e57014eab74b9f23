"""Residual networks x ← x + α·V·φ(W·x): how signal and gradient grow from block to block.

Yang & Schoenholz 2017: with ReLU both grow exponentially in the number of blocks, with tanh only like exp √blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradflow.theory.moments import Moments
from gradflow.theory.quadrature import Array


@dataclass(frozen=True)
class ResidualGrowth:
    """`lengths` are the mean squares of x before every block and after the last; `factors` what each does to ‖δ‖²."""

    lengths: Array
    factors: Array

    @property
    def decades(self) -> float:
        """log₁₀ of what the whole stack does to the norm of the gradient, from the output back to the input."""
        return float(np.log10(self.factors).sum() / 2.0)


def residual_growth(
    moments: Moments, blocks: int, square: float, branch_square: float, scale: float = 1.0, first: float = 1.0
) -> ResidualGrowth:
    """Return how blocks grow with σ_w² = `square` of W, σ_v² = `branch_square` of V and α = `scale`, from x² = `first`.

    x² ← x² + α²σ_v²·E φ(√(σ_w²x²)·z)² and ‖δ‖² ← ‖δ‖²·(1 + α²σ_v²σ_w²·E φ′²), since the two paths do not interfere.
    """
    lengths, factors = np.full(blocks + 1, first), np.ones(blocks)
    gain = scale**2 * branch_square
    for block in range(blocks):
        q = square * lengths[block]
        lengths[block + 1] = lengths[block] + gain * float(moments.value(q))
        factors[block] = 1.0 + gain * square * float(moments.slope(q))
    return ResidualGrowth(lengths, factors)


def gradient_correlation(moments: Moments, lengths: Array, correlations: Array) -> float:
    """Return the correlation of two inputs' gradients, given those of their pre-activations in every layer.

    Each layer multiplies it by E φ′(u)φ′(v)/E φ′². Without norms rectifiers make inputs alike, and it falls like a
    power of the depth; where batch norm keeps c = 0 it falls like 2^−depth (Balduzzi et al. 2017: shattered gradients).
    """
    shared = np.asarray(moments.slope_pair(lengths, lengths, correlations)) / np.asarray(moments.slope(lengths))
    return math.prod(shared.ravel().tolist())
