"""What the units do: they saturate, die, receive inputs that say nothing, or leave the learning to their biases."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.config import ALL, Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import LAST_ROWS, STEEP, Case, dense, learning, middle
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.snapshot import Stat
from gradflow.sim.words import power

Array = NDArray[np.float64]

SATURATED = 0.5
UNEVEN = 2.0
BIASES = -1.5
TINY = 1e-300
"""Stands for 0 under a logarithm."""
IDLE = 1 / 6


@rule("saturated", "Units are saturated")
def saturated(case: Case) -> Finding | None:
    """Half of a layer's activations lie on the plateau of φ, where its slope is nearly 0.

    Threshold: 50 % of |tanh| > 0.97 (sigmoid: |2φ − 1| > 0.97) in some layer, the quantity of Glorot & Bengio 2010,
    figure 4. For z ~ N(0, q) the share is 4 % at q = 1 and 30 % at q = 4: half of all means q ≈ 9.
    """
    share = case.snapshot.stat(Stat.SATURATED)[:-1]
    if not len(share) or not np.fmax.reduce(share) >= SATURATED:
        return None
    worst = int(np.nanargmax(share))
    info = case.topology.layers[worst]
    before = case.history.stat(Stat.SATURATED)[0][worst] if len(case.history) else share[worst]
    return Finding(
        "saturated",
        case.ill,
        "Units are saturated",
        f"In layer {worst + 1}, {100 * share[worst]:.3g} % of the activations lie on the plateau of φ "
        f"({info.saturation}).",
        worst + 1,
        "Lower the init scale, or use a norm.",
        "Where φ is flat, a change of z changes nothing, so no gradient comes through.",
        "φ′(z) → 0 for |z| → ∞",
        _unsaturate(case.experiment, bool(before >= 0.5 * SATURATED), try_.fair_factor(case.experiment, case.rates)),
    )


@lru_cache(maxsize=16)
def _unsaturate(experiment: Experiment, from_the_start: bool, factor: float) -> tuple[Remedy, ...]:
    init, relu = try_.sound_init(experiment), try_.use_relu(experiment)
    slower = try_.other_rate(experiment, min(factor, 0.2))
    norm = try_.layer_norm(experiment)
    deep = experiment.network.activation in try_.SQUASHING and experiment.network.depth > 3
    head = (init if not deep else relu, norm, relu) if from_the_start else (slower, norm, relu, init)
    return try_.offer(*head, init, slower)


@rule("bias-only", "Only the biases learn")
def bias_only(case: Case) -> Finding | None:
    """Next to the gradients of the biases, those of the weights are nothing: the signal has faded before them.

    Threshold: the median of log₁₀ ‖∂L/∂W‖/‖∂L/∂b‖ over the layers behind the first is −1.5 or less (calibrated). As
    ∂L/∂W = Σ δ·aᵀ and ∂L/∂b = Σ δ, the ratio is about the size of the layer's inputs a.
    """
    chosen = (dense(case.topology) & learning(case.topology))[1:]
    # Cheap first: the medians are asked only where it is so at this step as well.
    now = case.snapshot
    if not _ratio(now.stat(Stat.WEIGHT_GRAD)[1:][chosen], now.stat(Stat.BIAS_GRAD)[1:][chosen]) <= BIASES:
        return None
    weights, biases = (middle(case.recent(which, LAST_ROWS))[1:] for which in (Stat.WEIGHT_GRAD, Stat.BIAS_GRAD))
    chosen = chosen & (biases > 0.0)
    if not chosen.any():
        return None
    ratio = np.log10(np.maximum(weights[chosen], TINY)) - np.log10(biases[chosen])
    typical = float(middle(ratio))
    if not typical <= BIASES:
        return None
    worst = int(np.flatnonzero(chosen)[ratio.argmin()]) + 2
    return Finding(
        "bias-only",
        Severity.WARNING,
        "Only the biases learn",
        f"Behind the first layer the weights' gradients are typically {power(typical)} times those of the biases "
        f"(layer {worst}: {power(float(ratio.min()))}).",
        worst,
        "Raise the init scale where the signal fades.",
        "A weight's gradient is δ times its input; where the inputs have faded to almost 0, only the biases are left.",
        "∂L/∂W = Σ δ·aᵀ → 0 for a → 0,  ∂L/∂b = Σ δ",
        _restore_signal(case.experiment),
    )


def _ratio(weights: Array, biases: Array) -> float:
    """Return the typical log₁₀ of the weights' gradients over the biases', nan where no bias has any."""
    moved = biases > 0.0
    if not moved.any():
        return math.nan
    return float(middle(np.log10(np.maximum(weights[moved], TINY)) - np.log10(biases[moved])))


@lru_cache(maxsize=16)
def _restore_signal(experiment: Experiment) -> tuple[Remedy, ...]:
    relu = try_.use_relu(experiment)
    return try_.offer(try_.sound_init(experiment), try_.layer_norm(experiment), try_.adam(experiment), relu)


@rule("uneven-rates", "The layers learn at very different speeds")
def uneven_rates(case: Case) -> Finding | None:
    """One layer's weights move at least 100 times as far as another's, in proportion to their size.

    Threshold: max − min of log₁₀ ‖ΔW‖/‖W‖ over the hidden layers ≥ 2 (medians of the last 8 steps), while the gradient
    itself keeps its size (|D| < 2). The quantity is Karpathy's update ratio, which should be alike in all layers.
    """
    if len(case.rates) < 2 or not np.ptp(case.rates) >= UNEVEN:
        return None
    rates = case.steady_rates
    if (
        len(rates) < 2
        or not np.isfinite(rates).all()
        or abs(case.lost) >= STEEP
        or not rates.max() - rates.min() >= UNEVEN
    ):
        return None
    numbers = np.flatnonzero(case.trainable) + 1
    slow, fast = int(numbers[rates.argmin()]), int(numbers[rates.argmax()])
    return Finding(
        "uneven-rates",
        case.ill,
        "The layers learn at very different speeds",
        f"In proportion to their size, the weights of layer {fast} move {power(float(rates.max() - rates.min()))} "
        f"times as far as those of layer {slow}.",
        slow,
        "Draw all layers alike, or use Adam.",
        "One learning rate serves all layers: where weights are large or gradients small, hardly anything moves.",
        "‖ΔWₗ‖/‖Wₗ‖ = η·‖∂L/∂Wₗ‖/‖Wₗ‖",
        _even_out(case.experiment, _fair_for_most(case.first_rates)),
    )


def _fair_for_most(rates: Array) -> float:
    return try_.tenfold(try_.FAIR - float(middle(rates))) if len(rates) else 1.0


@lru_cache(maxsize=16)
def _even_out(experiment: Experiment, factor: float) -> tuple[Remedy, ...]:
    alike = try_.sound_init(experiment)
    # The rate was bound by the fastest layer: with layers alike, it can be what suits the middle one.
    if alike and (rate := try_.other_rate(experiment, factor)):
        reason = "Layers of one size take steps of one size, and the learning rate can suit them all."
        alike = Remedy(f"{alike.title} in all layers", reason, {**alike.changes, **rate.changes})
    return try_.offer(alike, try_.adam(experiment), try_.layer_norm(experiment))


@rule("idle-inputs", "Some inputs never change")
def idle_inputs(case: Case) -> Finding | None:
    """Inputs that have one value in all training samples: their weights receive no gradient and say nothing.

    Threshold: a sixth of the inputs (3 of the 64 pixels of the whole digits are always blank, which is no harm).
    """
    idle, inputs = case.topology.idle_inputs, case.topology.inputs
    if not idle >= IDLE * inputs:
        return None
    return Finding(
        "idle-inputs",
        Severity.NOTE,
        "Some inputs never change",
        f"{idle} of the {inputs} inputs have the same value in all {case.topology.training_samples} training samples.",
        1,
        "Use more samples, or leave these inputs out.",
        "An input that never changes is 0 once it is standardised, and a weight is moved only by what enters it.",
        "x_j = 0 for all samples  ⇒  ∂L/∂W_1j = Σ δ·x_j = 0",
        _wake_inputs(case.experiment),
    )


@lru_cache(maxsize=16)
def _wake_inputs(experiment: Experiment) -> tuple[Remedy, ...]:
    reason = "Among more samples fewer inputs are always the same."
    more = try_.set_one(experiment, "data.samples", ALL, "Use all samples", reason)
    less_aside = try_.set_one(
        experiment, "data.validation_fraction", 0.1, "Set fewer samples aside", "More are left to train on."
    )
    return try_.offer(more, less_aside if experiment.data.validation_fraction > 0.1 else None)
