"""What the curvature says about the learning rate: an edge that training settles at, and one that it begins beyond."""

from __future__ import annotations

import math
from functools import lru_cache

from gradflow.sim.config import ALL, Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import Case
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.words import spell

NEAR = 0.1
"""How far from its bound, as a share of it, the curvature still stands at the edge."""

WELL_ABOVE = 1.2
"""The same for a curvature that is above it during training, where it swings around the edge by itself."""

SMOOTH = ("tanh", "erf", "softsign", "sine", "identity")
RUINOUS, RUINOUS_ELSEWHERE = 2.0, 10.0
"""λ over its bound from which a first step ruins more often than not: of odd φ under squared errors, and of others."""

SAFE = 0.6
"""What a remedy aims at: below 1 also when the rate is rounded to 1, 2 or 5."""

SETTLED = 20
"""Before so many steps a run has not come to any edge."""


@rule("catapult", "Steps overshoot the steepest valley")
def catapult(case: Case) -> Finding | None:
    """Along the steepest direction a step lands higher than it began.

    Threshold: a sharpness λ (largest eigenvalue of the Hessian over the training samples) above 2/η at step 0, above
    1.2 times that later; 2(1+μ)/η with momentum. A note, since the loss may rise and come down on flatter ground
    (catapult, Lewkowycz et al. 2020); a warning at step 0 from 2 times on for squared errors under an odd φ and from 10
    times on for squared errors and rectifiers otherwise, calibrated: cross-entropy under tanh never diverged. Not for
    optimisers that scale each weight by itself, and not while gradients are clipped.
    """
    sharpness = case.sharpness
    if sharpness is None or _clipped(case):
        return None
    ratio, at_start = sharpness.ratio, sharpness.step == 0
    if not ratio > (1.0 if at_start else WELL_ABOVE) or not math.isfinite(ratio):
        return None
    ruinous = at_start and ratio > _ruinous(case)
    fate = (
        "steps so long mostly end in numbers that blow up."
        if ruinous
        else "the loss rises there until the run has found flatter ground, if there is any."
    )
    return Finding(
        "catapult",
        Severity.WARNING if ruinous else Severity.NOTE,
        "Steps overshoot the steepest valley",
        f"At step {sharpness.step} the sharpness λ = {spell(sharpness.value)} is {spell(ratio)} times "
        f"{sharpness.bound.formula} = {spell(sharpness.value / ratio)}: {fate}",
        None,
        "Lower the learning rate, or warm up.",
        "Where the loss bends upwards faster than it falls, a step across the valley ends higher on the other side.",
        f"|1 − η·λ| > 1  for  λ > {sharpness.bound.formula}",
        # Where the run began on ground that was too steep, what it has become by now says nothing about a fair rate.
        _shorter(case.experiment, _fair(sharpness.first_ratio if sharpness.first_ratio > 1.0 else ratio)),
    )


@rule("edge-of-stability", "At the edge of stability: normal")
def edge_of_stability(case: Case) -> Finding | None:
    """The sharpness has come to 2/η and stays there: what gradient descent does by itself, and no fault.

    Threshold: λ within 10 % of 2/η after 20 steps or more (Cohen et al. 2021: on all samples the sharpness rises to 2/η
    and hovers there, while the loss falls unevenly); 2(1+μ)/η with momentum. Small batches keep λ lower.
    """
    sharpness = case.sharpness
    if sharpness is None or sharpness.step < SETTLED or _clipped(case):
        return None
    if not abs(sharpness.ratio - 1.0) < NEAR:
        return None
    everything = case.experiment.training.batch_size == ALL
    return Finding(
        "edge-of-stability",
        Severity.GOOD,
        "At the edge of stability: normal",
        f"At step {sharpness.step} the sharpness λ = {spell(sharpness.value)} is {sharpness.ratio:.3f} times "
        f"{sharpness.bound.formula} = {spell(sharpness.value / sharpness.ratio)}."
        + (
            "" if everything else " With all samples in a batch it would stay there; the noise of small ones lowers it."
        ),
        cause="Descent drives into ever steeper valleys until steps across them just no longer shrink; there it stays, "
        "and the loss falls on, if not evenly.",
        formula=f"λ → {sharpness.bound.formula}",
    )


def steep_start(case: Case) -> str:
    """Say how far beyond the edge of stability a run has begun, "" if it has not or nobody has looked."""
    found = case.sharpness
    if found is None or not found.first_ratio > 1.0:
        return ""
    return f" At step 0 the sharpness was {spell(found.first_ratio)} times {found.bound.formula}."


def _clipped(case: Case) -> bool:
    """Return whether the step is shorter than the gradient says: then η is not what it is multiplied by."""
    return bool(case.snapshot.grad_norm_clipped < case.snapshot.grad_norm)


def _ruinous(case: Case) -> float:
    phi, squares = case.experiment.network.activation, case.topology.loss == "mean-squared-error"
    if squares and phi in SMOOTH:
        return RUINOUS
    return RUINOUS_ELSEWHERE if squares or phi in try_.RECTIFIERS else math.inf


def _fair(ratio: float) -> float:
    """Return the factor on the learning rate that brings the curvature below its bound, to a quarter of a decade."""
    return try_.tenfold(math.log10(SAFE / ratio) - 0.125)


@lru_cache(maxsize=16)
def _shorter(experiment: Experiment, factor: float) -> tuple[Remedy, ...]:
    return try_.offer(try_.other_rate(experiment, factor), try_.warm_up(experiment), try_.adam(experiment))
