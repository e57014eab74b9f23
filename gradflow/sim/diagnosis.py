"""What is wrong, in words: rules from a snapshot to findings with layer, number and cause.

Every rule compares layers with each other, never with an absolute limit: multiplying the loss by a constant must not
change a verdict. The measure is D = log₁₀ ‖δ_last‖/‖δ_1‖ over the hidden layers, the decades the gradient loses on its
way to the input. Thresholds were calibrated on networks with one known fault each.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradflow.sim.finding import Finding, Severity
from gradflow.sim.snapshot import Snapshot, Stat, Topology
from gradflow.sim.words import power, spell

LARGE, MILD = 2.0, 1.0
"""Decades between the first and the last hidden layer from which a gradient counts as vanishing, or as leaning."""


Rule = Callable[[Topology, Snapshot], Finding | None]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Register a rule; the first that speaks is the verdict."""
    RULES.append(function)
    return function


def diagnose(topology: Topology, snapshot: Snapshot) -> Finding:
    """Return the verdict on a snapshot."""
    return next(finding for apply in RULES if (finding := apply(topology, snapshot)))


def decades_lost(snapshot: Snapshot) -> float:
    """Return D = log₁₀ ‖δ_last hidden‖/‖δ_1‖: positive if it vanishes towards the input, nan for one layer."""
    delta = snapshot.stat(Stat.DELTA)[:-1]
    if len(delta) < 2 or not (delta[0] > 0.0 and delta[-1] > 0.0):
        return math.nan
    return float(np.log10(delta[-1]) - np.log10(delta[0]))


@rule
def diverged(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """Numbers overflowed."""
    if snapshot.divergence is None:
        return None
    where = f"O{str(snapshot.divergence)[1:]}."
    if snapshot.divergence.loss_scale > 1.0:
        kept = f"All gradients are multiplied by the loss scale, {spell(snapshot.divergence.loss_scale)}."
        advice = "Lower the loss scale, or choose a dynamic one."
    elif snapshot.step == 0:
        kept, advice = "The first weights are too large to train from.", "Lower the init scale or the depth."
    else:
        kept = "The run stopped there; the last finite step is in the history."
        advice = "Lower the learning rate or the init scale, then re-initialise."
    return Finding(
        "diverged",
        Severity.ERROR,
        "The numbers have blown up",
        f"{where} {kept}",
        snapshot.divergence.layer,
        advice,
    )


@rule
def left_out(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """The loss scale was too large for this batch."""
    delta = snapshot.stat(Stat.DELTA)
    if np.isfinite(delta).all():
        return None
    return Finding(
        "left-out",
        Severity.NOTE,
        "This step is left out",
        "The gradients overflowed at this loss scale, so that no step is taken and the scale is halved.",
        int(np.flatnonzero(~np.isfinite(delta))[-1]) + 1,
    )


@rule
def no_error(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """Nothing is wrong with the outputs: there is nothing to send back."""
    if snapshot.stat(Stat.DELTA)[-1] != 0.0:
        return None
    return Finding(
        "no-error",
        Severity.NOTE,
        "There is nothing left to learn here",
        f"The loss of this batch is {spell(snapshot.train_loss)} and its gradient at the output is exactly 0, so no "
        "layer receives any.",
        len(topology.layers),
    )


@rule
def no_gradient(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """Some hidden layers receive exactly nothing."""
    silent = np.flatnonzero(snapshot.stat(Stat.DELTA)[:-1] == 0.0)
    if not len(silent):
        return None
    top = int(silent[-1]) + 1
    if len(silent) == 1:
        which = f"Layer {top} receives"
    elif len(silent) == top - silent[0]:
        which = f"Layers {silent[0] + 1} to {top} receive"
    else:
        which = f"{len(silent)} layers, the last of them layer {top}, receive"
    # nan where the precision is the processor's own.
    underflow = snapshot.stat(Stat.UNDERFLOW)[top - 1]
    if underflow > 0.0:
        why = f"the precision rounded {100 * underflow:.3g} % of what was on its way to layer {top} to 0."
        advice = "Raise the loss scale, or choose a precision with a larger range (bfloat16, float32)."
    else:
        why = (
            "above, every φ′ or every weight is 0, a norm had a single number to work on, or the product is below the "
            "smallest number of the precision."
        )
        advice = "Choose random weights of a larger or smaller init scale, or an activation without a plateau."
    return Finding(
        "no-gradient",
        Severity.ERROR,
        "No gradient arrives",
        f"{which} a gradient of exactly 0: {why}",
        top,
        advice,
    )


@rule
def vanishing(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """The gradient shrinks towards the input by decades."""
    lost = decades_lost(snapshot)
    if not lost >= LARGE:
        return None
    return Finding(
        "vanishing",
        Severity.WARNING,
        "The gradient vanishes towards the input",
        _evidence(snapshot),
        1,
        "Raise the init scale, choose ReLU with He initialisation, or add skip connections.",
    )


@rule
def exploding(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """The gradient grows towards the input by decades."""
    lost = decades_lost(snapshot)
    if not lost <= -LARGE:
        return None
    return Finding(
        "exploding",
        Severity.WARNING,
        "The gradient explodes towards the input",
        _evidence(snapshot),
        1,
        "Lower the init scale, or the depth.",
    )


@rule
def single_layer(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """Not more than one hidden layer: there is nothing to compare."""
    hidden = len(topology.layers) - 1
    if hidden > 1:
        return None
    delta = snapshot.stat(Stat.DELTA)[0]
    return Finding(
        "healthy",
        Severity.GOOD,
        f"{'One' if hidden else 'No'} hidden layer: nothing to compare",
        f"Its gradient ‖δ₁‖ is {spell(delta)}. Vanishing and exploding show between layers: raise the depth.",
        1,
    )


@rule
def leaning(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """Between healthy and not."""
    lost = decades_lost(snapshot)
    if abs(lost) <= MILD:
        return None
    direction = "shrinks" if lost > 0 else "grows"
    return Finding(
        "leaning",
        Severity.NOTE,
        f"The gradient {direction} a little towards the input",
        f"{_evidence(snapshot)} It would matter at twice the depth.",
        1,
    )


@rule
def healthy(topology: Topology, snapshot: Snapshot) -> Finding | None:
    """The layers' gradients have about one size."""
    return Finding(
        "healthy",
        Severity.GOOD,
        "The gradient keeps its size",
        f"{_evidence(snapshot)} Over all hidden layers ‖δ‖ varies by a factor of {_spread(snapshot)}.",
    )


def _spread(snapshot: Snapshot) -> str:
    delta = snapshot.stat(Stat.DELTA)[:-1]
    return power(float(np.log10(delta.max()) - np.log10(delta.min())))


def _evidence(snapshot: Snapshot) -> str:
    delta = snapshot.stat(Stat.DELTA)[:-1]
    lost = decades_lost(snapshot)
    factor = power(-lost / (len(delta) - 1))
    return (
        f"Layer 1 receives ‖δ₁‖ = {spell(delta[0])}, which is {power(-lost)} times what layer {len(delta)} receives "
        f"({spell(delta[-1])}): on average each layer multiplies it by {factor}."
    )
