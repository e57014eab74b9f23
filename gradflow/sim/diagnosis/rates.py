"""How far one step goes: learning rates that are too high, judged by the update's size beside the weights'."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.config import Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import LAST_ROWS, STEEP, Case, middle
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.words import power, spell

Array = NDArray[Any]

TOO_FAR = dict.fromkeys(try_.ACCELERATED, -1.0)
"""log₁₀ ‖ΔW‖/‖W‖ that is too much for one step, by optimiser."""

AT_FIRST = 0.5
"""So much more is allowed before there is a median to speak of."""

TOO_FAR_BY_SIGN = -0.8
"""The same for the optimisers that divide the gradient by its own size: their first steps are their largest."""

UNEVEN = 2.0
"""Decades between the layers from which one of them is the odd one out, and not the rate at fault."""

RISEN = 3.0
"""The factor above its start (or above chance) from which a loss has risen by more than noise."""


@rule("rate-too-high", "The learning rate is too high")
def rate_too_high(case: Case) -> Finding | None:
    """One step moves the weights by a tenth of their own size, or the loss has risen far above where it began.

    Thresholds: log₁₀ ‖ΔW‖/‖W‖ > −1 in some hidden layer (−0.8 for Adam, RMSProp, Adagrad, Lion, calibrated), as the
    median of the last 8 steps (by sign, not before the fourth: these begin with their longest), 100 times Karpathy's
    10⁻³, and like speeds in all layers (within 100); a first step longer than a layer's weights themselves, from which
    the loss has not recovered; or a loss above 3 times the larger of its start and chance in the last quarter. Not
    where the gradient vanished or exploded from the first step (|D| ≥ 2): then that is the cause.
    """
    moved, risen = _moved(case), _risen(case)
    even = not len(case.rates) or np.ptp(case.rates) < UNEVEN
    leapt = _leapt(case)
    too_far = even and (moved > _limit(case) or leapt > 0.0)
    if not (too_far or risen > RISEN) or abs(case.lost_first) >= STEEP:
        return None
    if leapt > 0.0 and not moved > _limit(case):
        evidence = (
            f"The first step was {power(leapt)} times as long as a layer's weights, and the loss has not recovered."
        )
    elif risen > RISEN:
        evidence = f"The loss has risen to {spell(risen)} times what it was at the start (or at chance)."
    else:
        evidence = f"One step moves a layer's weights by {power(moved + 2.0)} % of their norm; 0.1 % is usual."
    layer = int(np.flatnonzero(case.trainable)[int(case.rates.argmax())]) + 1 if _all_moved(case) else None
    norm = float(case.history.column("grad_norm")[0]) if len(case.history) else case.snapshot.grad_norm
    return Finding(
        "rate-too-high",
        Severity.WARNING,
        "The learning rate is too high",
        evidence,
        layer,
        "Lower the learning rate.",
        "The slope describes the loss only nearby; a step that is too long lands on the other side, higher up.",
        "L(W − η·g) ≈ L − η‖g‖² + ½η²·gᵀHg grows if η > 2/λ_max",
        _slower(case.experiment, min(try_.fair_factor(case.experiment, case.first_rates), 0.2), norm),
    )


def _all_moved(case: Case) -> bool:
    return 0 < len(case.rates) == int(case.trainable.sum())


def _limit(case: Case) -> float:
    first = AT_FIRST if len(case.history) < LAST_ROWS else 0.0
    return TOO_FAR.get(case.experiment.training.optimizer, TOO_FAR_BY_SIGN) + first


def _moved(case: Case) -> float:
    """Return the largest steady log₁₀ ‖ΔW‖/‖W‖ of the hidden layers, nan without any or before it is steady."""
    if case.experiment.training.optimizer not in TOO_FAR and len(case.history) < LAST_ROWS:
        return math.nan
    # Cheap first: the medians are asked only where this step is too long as well.
    if not len(case.rates) or not case.rates.max() > _limit(case):
        return math.nan
    rates = case.steady_rates[np.isfinite(case.steady_rates)]
    return float(rates.max()) if len(rates) else math.nan


def _leapt(case: Case) -> float:
    """Return the largest log₁₀ ‖ΔW‖/‖W‖ of the first step, nan where the loss has recovered from it since."""
    recovered = len(case.loss) > LAST_ROWS and case.quarters[0] < 0.5 * case.started
    return float(case.first_rates.max()) if len(case.first_rates) and not recovered else math.nan


def _risen(case: Case) -> float:
    """Return the largest loss of the last quarter over the larger of the first one and chance."""
    rows = len(case.loss)
    if rows < 2:
        return math.nan
    late = case.loss[rows - max(rows // 4, 1) :]
    base = max(case.started, case.topology.chance_loss if case.topology.chance_loss > 0.0 else 0.0)
    top = float(middle(late[-64:]))
    return top / base if base > 0.0 else math.nan


@lru_cache(maxsize=16)
def _slower(experiment: Experiment, factor: float, norm: float) -> tuple[Remedy, ...]:
    return try_.offer(
        try_.other_rate(experiment, factor),
        try_.warm_up(experiment),
        try_.clip(experiment, norm),
        try_.adam(experiment),
        try_.layer_norm(experiment),
    )
