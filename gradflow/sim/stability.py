"""How much curvature a learning rate bears: the bound beyond which steps along the steepest direction grow.

On a parabola of curvature λ gradient descent multiplies the distance from the minimum by 1 − ηλ: it shrinks for
ηλ < 2. Momentum widens that (Polyak), Nesterov's narrows it again; weight decay counts as curvature of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.sim.training import Training

BOUNDED = ("sgd", "nesterov")
"""The optimisers that have a bound: all weights take steps of the same rate."""


@dataclass(frozen=True)
class Bound:
    """The factor c in η·(λ + decay) < c, and how it is written; `why_not` where there is none, in words."""

    factor: float = math.nan
    formula: str = ""
    decay: float = 0.0
    why_not: str = ""

    def curvature(self, rate: float) -> float:
        """Return the curvature up to which steps at this rate shrink: ∞ at a rate of 0, nan where there is no bound."""
        if self.why_not:
            return math.nan
        return self.factor / rate - self.decay if rate > 0.0 else math.inf


def bound_of(training: Training) -> Bound:
    """Return the bound of an optimiser with its momentum and weight decay."""
    mu, decay, name = training.momentum, training.weight_decay, OPTIMIZERS[training.optimizer].title
    if training.optimizer not in BOUNDED:
        why = f"{name} scales every weight’s step by itself: 2/η is no bound for it"
        return Bound(why_not=why)
    if not mu:
        return Bound(2.0, "2/η", decay)
    if training.optimizer == "sgd":
        return Bound(2.0 * (1.0 + mu), "2(1+μ)/η", decay)
    return Bound(2.0 * (1.0 + mu) / (1.0 + 2.0 * mu), "2(1+μ)/((1+2μ)η)", decay)
