"""What theory expects of an initialisation before any training: a depth that signals do not reach, a matter of luck."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from gradflow.sim.config import Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import ENOUGH, STEEP, Case
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.prediction import Prediction
from gradflow.sim.words import power, spell

LUCK = 2.0
"""The factor between one random network and the next from which one says little about the other."""

FALLEN = 0.9
"""A loss below this share of its start proves the theory wrong."""

WIDTHS = (20, 50, 100, 150, 200, 300, 500, 1000)


@rule("beyond-reach", "Deeper than theory can train")
def beyond_reach(case: Case) -> Finding | None:
    """Theory expects the signal, or the gradient, to be lost on its way through so many layers.

    Thresholds: a depth above 6ξ, with ξ the depth scale of the correlation of two inputs or of the gradient (Schoenholz
    et al. 2017), or at step 0 a predicted gradient that differs by 100 (|½·log₁₀ χ|·L ≥ 2) from the first hidden layer
    to the last. Not where the measured gradient does so: then that is said. Until the loss has fallen by 10 %.
    """
    expected = case.prediction
    if expected is None and not case.snapshot.step:
        # Nobody has asked theory yet: the window's first picture does not wait for its import.
        return None
    if abs(case.lost_first) >= STEEP or len(case.delta) < 2:
        return None
    if len(case.loss) >= ENOUGH and case.quarters[0] < FALLEN * case.started:
        return None
    depth, scale = len(case.delta), _depth_scale(case.experiment)
    if depth > 6.0 * scale:
        evidence = (
            f"With {depth} hidden layers the network is {spell(depth / scale)} depth scales deep (ξ = {spell(scale)} "
            "layers); about 6 can be trained."
        )
        cause = (
            "On their way two different inputs become alike, or two alike ones different: the last layers no longer "
        )
        cause += "know which input they see."
        formula = "c_l − c* ∝ e^(−l/ξ),  L ≲ 6ξ"
    elif abs(lost := _predicted_decades(expected)) >= STEEP:
        evidence = (
            f"A typical network of this kind has ‖δ₁‖ = {power(-lost)}·‖δ‖ of its last hidden layer; this one happens "
            f"to have {power(-case.lost_first)}."
        )
        cause = "Each layer multiplies the gradient by a factor that is not 1, and many factors make a huge product."
        formula = "|½·log₁₀ χ|·L ≥ 2"
    else:
        return None
    return Finding(
        "beyond-reach",
        Severity.NOTE,
        "Deeper than theory can train",
        evidence,
        None,
        "Choose an initialisation at which signals reach further, skip connections, or fewer layers.",
        cause,
        formula,
        _reach_further(case.experiment),
    )


@rule("luck", "Seeds differ widely here")
def luck(case: Case) -> Finding | None:
    """The layers are so narrow for the depth that random networks of this kind differ widely among themselves.

    Threshold: a predicted standard deviation of ln ‖δ₁‖ of ln 2 or more, that is a band of ×2 and ÷2 (in ReLU networks
    Σ 1/N_j > 0.4; Hanin 2018). Said at step 0, beside whatever else is found.
    """
    expected = case.prediction
    if expected is None or expected.step or case.snapshot.step or len(case.delta) < 2:
        return None
    spread = expected.delta_spread[:-1]
    if not (np.isfinite(spread).any() and np.nanmax(spread) >= math.log(LUCK)):
        return None
    factor = float(np.exp(np.nanmax(spread)))
    shape = case.experiment.network
    narrow = "" if shape.layers else f" (Σ 1/N = {spell(shape.depth / shape.width)})"
    return Finding(
        "luck",
        Severity.NOTE,
        "Seeds differ widely here",
        f"From one random network of this kind to the next ‖δ‖ differs by a factor of {spell(factor)} either way"
        f"{narrow}: one run says little about the others.",
        int(np.nanargmax(spread)) + 1,
        "Use wider layers, or judge by several seeds.",
        "Each layer adds its own share of chance, the more the fewer units it has, and over many layers the shares "
        "add up.",
        "Var ln‖δ_1‖² ∝ Σ 1/N_j  (ReLU: 5·Σ 1/N_j)",
        _wider(case.experiment, round(math.log(factor), 1)),
    )


def _predicted_decades(expected: Prediction | None) -> float:
    """Return log₁₀ of the predicted ‖δ‖ of the last hidden layer over that of the first; 0 where there is none."""
    if expected is None or expected.step:
        return 0.0
    first, last = expected.delta_norm[0], expected.delta_norm[-2]
    if not (0.0 < first < math.inf and 0.0 < last < math.inf):
        return 0.0
    return math.log10(last) - math.log10(first)


@lru_cache(maxsize=16)
def _depth_scale(experiment: Experiment) -> float:
    """Return ξ, ∞ where theory has nothing to say."""
    from gradflow.sim.reach import reach

    scale = reach(experiment)
    return math.inf if math.isnan(scale) else scale


@lru_cache(maxsize=16)
def _reach_further(experiment: Experiment) -> tuple[Remedy, ...]:
    first = try_.use_relu(experiment) if experiment.network.activation in try_.SQUASHING else None
    return try_.offer(
        first,
        try_.sound_init(experiment),
        try_.skips(experiment),
        try_.layer_norm(experiment),
        try_.use_relu(experiment),
    )


@lru_cache(maxsize=16)
def _wider(experiment: Experiment, spread: float) -> tuple[Remedy, ...]:
    shape = experiment.network
    if shape.layers:
        return ()
    # The variance falls as 1/N; a little more than enough.
    width = next(n for n in WIDTHS if n >= min(1.2 * shape.width * (spread / math.log(LUCK)) ** 2, WIDTHS[-1]))
    reason = "The chance of a layer is that of a mean over its units: it falls as 1/N."
    title = f"Use {width} units per layer"
    wider = try_.set_one(experiment, "network.width", width, title, reason) if width > shape.width else None
    own = try_.sound_init(experiment) if experiment.network.activation not in try_.RECTIFIERS else None
    return try_.offer(wider, own, try_.skips(experiment))
