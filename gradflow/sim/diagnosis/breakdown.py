"""What stops the learning altogether: numbers that overflow, gradients that are exactly 0, units that are all one."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from gradflow.sim.config import DYNAMIC, Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import STEEP, Case
from gradflow.sim.diagnosis.edge import steep_start
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.snapshot import Stat
from gradflow.sim.words import spell

UNDERFLOWN = 0.25
"""The share of a layer's δ that a half precision has rounded to 0 from which it counts."""

BOLDER = 4.0
"""With clipping a learning rate may be so much larger than what else would be a fair one."""

TWINS, TWINS_IN_HALF = 0.05, 0.5
"""The share of a layer's units with a twin from which it counts: two of forty; half, where numbers are coarse."""


@rule("diverged", "The numbers have blown up")
def diverged(case: Case) -> Finding | None:
    """A number of the network, of the loss or of a gradient is no longer finite: the run ends.

    Threshold: none. The cause is the loss scale if there is one, the first weights if it happens at step 0 or the
    gradient exploded from the start (D ≤ −2), else the learning rate (quadratic model: η > 2/λ_max).
    """
    divergence = case.snapshot.divergence
    if divergence is None:
        return None
    where, formula = f"O{str(divergence)[1:]}.", "η > 2/λ_max  ⇒  |1 − η·λ_max| > 1: every step overshoots further"
    exploded = divergence.step == 0 or case.lost_first <= -STEEP
    if divergence.loss_scale > 1.0:
        kept = f"All gradients are multiplied by the loss scale, {spell(divergence.loss_scale)}."
        advice = "Lower the loss scale, or choose a dynamic one."
        cause = "The loss scale lifts the gradients beyond the largest number of this precision."
        formula = "scale·|∂L/∂z| > largest number"
    elif divergence.step == 0:
        kept, advice = "The first weights are too large to train from.", "Lower the init scale or the depth."
        cause = "Each layer multiplies the signal by more than 1, and the product over all layers is beyond any number."
        formula = "Π σ√n·√E φ′² → ∞"
    else:
        kept = "The run stopped there; the last finite step is in the history."
        advice = "Lower the learning rate or the init scale, then re-initialise."
        cause = "Each step overshoots the minimum by more than it was away from it, so the weights run off."
    return Finding(
        "diverged",
        Severity.ERROR,
        "The numbers have blown up",
        f"{where} {kept}{steep_start(case)}",
        divergence.layer,
        advice,
        cause,
        formula,
        _after_divergence(case.experiment, divergence.loss_scale > 1.0, exploded, *_first_step(case)),
    )


def _first_step(case: Case) -> tuple[float, float]:
    """Return the factor that would make the first step a fair one, and the first gradient's norm."""
    norm = float(case.history.column("grad_norm")[0]) if len(case.history) else math.nan
    return min(BOLDER * try_.fair_factor(case.experiment, case.first_rates), 0.1), norm


@lru_cache(maxsize=16)
def _after_divergence(
    experiment: Experiment, scaled: bool, exploded: bool, factor: float, norm: float
) -> tuple[Remedy, ...]:
    training = experiment.training
    if scaled:
        return try_.offer(
            dynamic_scale(experiment) if training.loss_scale != DYNAMIC else None,
            float32(experiment),
            try_.other_rate(experiment, factor),
        )
    slower = _slower_and_clipped(experiment, factor, norm)
    range_ = wide_range(experiment)
    init = try_.sound_init(experiment)
    head = (init, range_, slower) if exploded else (slower, init, range_)
    return try_.offer(*head, try_.clip(experiment, norm), try_.layer_norm(experiment))


def _slower_and_clipped(experiment: Experiment, factor: float, norm: float) -> Remedy | None:
    """Return smaller steps that also cannot grow: the first gradient is the longest that is taken whole."""
    slower, clipped = try_.other_rate(experiment, factor), try_.clip(experiment, norm)
    if not (slower and clipped):
        return slower
    reason = "Smaller steps stay where the slope describes the loss, and clipped ones cannot feed on each other."
    return Remedy(f"{slower.title} and clip", reason, {**slower.changes, **clipped.changes})


@rule("left-out", "This step is left out")
def left_out(case: Case) -> Finding | None:
    """The dynamic loss scale was too large for this batch: no step is taken, and the scale is halved.

    Threshold: a δ that is not finite. Part of the search for a scale (Micikevicius et al. 2018), not a fault.
    """
    delta = case.snapshot.stat(Stat.DELTA)
    if np.isfinite(delta).all():
        return None
    return Finding(
        "left-out",
        Severity.NOTE,
        "This step is left out",
        "The gradients overflowed at this loss scale, so that no step is taken and the scale is halved.",
        int(np.flatnonzero(~np.isfinite(delta))[-1]) + 1,
        cause="A dynamic loss scale grows until a gradient overflows, and then steps back.",
        formula="scale·|∂L/∂z| > largest number  ⇒  scale ← scale/2",
    )


@rule("no-error", "There is nothing left to learn here")
def no_error(case: Case) -> Finding | None:
    """The output's gradient is exactly 0: there is nothing to send back.

    Threshold: exactly 0. Late in training with a hinge loss, or where the answers are right to the last digit.
    """
    if case.snapshot.stat(Stat.DELTA)[-1] != 0.0:
        return None
    return Finding(
        "no-error",
        Severity.NOTE,
        "There is nothing left to learn here",
        f"The loss of this batch is {spell(case.snapshot.train_loss)} and its gradient at the output is exactly 0, so "
        "no layer receives any.",
        len(case.topology.layers),
        cause="Backprop starts from the error at the output; without an error there is nothing to pass back.",
        formula="∂L/∂z_L = 0  ⇒  ∂L/∂zₗ = 0 for every l",
    )


@rule("underflow", "The precision rounds the gradient to 0")
def underflow(case: Case) -> Finding | None:
    """A half precision has rounded a large share of δ to 0 on its way to a layer.

    Threshold: a quarter of a layer's δ (Micikevicius et al. 2018 lost training at about a third). The share does not
    depend on the unit of the loss. Where the loss has halved all the same, errors that have become small: a note.
    """
    lost = case.snapshot.stat(Stat.UNDERFLOW)[:-1]
    if not len(lost) or not np.fmax.reduce(lost) >= UNDERFLOWN:
        return None
    worst = int(np.nanargmax(lost))
    precision = case.experiment.training.precision
    return Finding(
        "underflow",
        case.ill,
        "The precision rounds the gradient to 0",
        f"On its way to layer {worst + 1}, {100 * lost[worst]:.3g} % of δ was rounded to 0 by {precision}.",
        worst + 1,
        "Raise the loss scale, or choose a precision with a larger range (bfloat16, float32).",
        "What is smaller than the smallest number of the precision is stored as 0, and 0 teaches nothing.",
        "|∂L/∂z| < smallest number  ⇒  0;  scale·L lifts every ∂L/∂z by the same factor",
        _more_range(case.experiment, _steep(case)),
    )


@rule("no-gradient", "No gradient arrives")
def no_gradient(case: Case) -> Finding | None:
    """Some hidden layers receive a gradient of exactly 0: they cannot learn.

    Threshold: exactly 0. Layers in a branch that starts switched off (Fixup) do not count.
    """
    silent = case.silent
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
    underflow = case.snapshot.stat(Stat.UNDERFLOW)[top - 1]
    if underflow > 0.0:
        why = f"the precision rounded {100 * underflow:.3g} % of what was on its way to layer {top} to 0."
        advice = "Raise the loss scale, or choose a precision with a larger range (bfloat16, float32)."
        offered = _more_range(case.experiment, _steep(case))
    else:
        why = (
            "above, every φ′ or every weight is 0, a norm had a single number to work on, or the product is below the "
            "smallest number of the precision."
        )
        advice = "Choose random weights of a larger or smaller init scale, or an activation without a plateau."
        offered = _some_gradient(case.experiment)
    return Finding(
        "no-gradient",
        Severity.ERROR,
        "No gradient arrives",
        f"{which} a gradient of exactly 0: {why}",
        top,
        advice,
        "The gradient of a layer is a product over all layers above it, and one factor of 0 makes all of it 0.",
        "δₗ = (Wₗ₊₁ᵀ·δₗ₊₁) ⊙ φ′(zₗ) = 0",
        offered,
    )


@rule("symmetric", "Units are copies of each other")
def symmetric(case: Case) -> Finding | None:
    """Units of a layer compute the same and receive the same gradient: they stay copies for ever.

    Threshold: 5 % of a layer's units have a twin, that is equal Σa and equal ‖∂L/∂w‖ on a batch to nine digits (five in
    float32; half of the units in a half precision, to its ε). Identical units get identical gradients (Goodfellow et
    al. 2016, section 8.4).
    """
    if case.checkup is None:
        return None
    twins, limit = case.checkup.twins, TWINS_IN_HALF if case.half_precision else TWINS
    if not (twins >= limit).any():
        return None
    worst = int(twins.argmax())
    return Finding(
        "symmetric",
        Severity.ERROR,
        "Units are copies of each other",
        f"In layer {worst + 1}, {100 * twins[worst]:.3g} % of the {case.topology.layers[worst].units} units compute "
        f"the same as another one and receive the same gradient{_where_else(int((twins >= limit).sum()))}.",
        worst + 1,
        "Choose a random init scheme.",
        "Units that start equal receive equal gradients and stay equal, so the layer is as narrow as if it had one.",
        "w_i = w_j, v_i = v_j  ⇒  ∂L/∂w_i = ∂L/∂w_j",
        _break_symmetry(case.experiment),
    )


def _where_else(count: int) -> str:
    return f"; so it is in {count} layers" if count > 1 else ""


def _steep(case: Case) -> bool:
    """Return whether the gradient also spans decades between the layers, as far as it is seen at all."""
    unseen = len(case.delta) > 1 and math.isnan(case.lost_first)
    return bool(len(case.silent)) or unseen or any(abs(lost) >= 0.5 * STEEP for lost in (case.lost, case.lost_first))


def dynamic_scale(experiment: Experiment) -> Remedy | None:
    """Let the loss scale find itself."""
    reason = "It grows as far as no gradient overflows, and so lifts the small ones above the floor."
    return try_.set_one(experiment, "training.loss_scale", DYNAMIC, "Use a dynamic loss scale", reason)


def float32(experiment: Experiment) -> Remedy | None:
    """Compute in float32."""
    if experiment.training.precision == "float64":
        return None
    changes = {"training.precision": "float32", "training.loss_scale": 1.0}
    reason = "Its smallest number is 10⁻⁴⁵ instead of 6·10⁻⁸."
    return try_.remedy(experiment, "Use float32", reason, changes)


def wide_range(experiment: Experiment) -> Remedy | None:
    """Use bfloat16 in place of float16, which overflows at 65 504."""
    if experiment.training.precision != "float16":
        return None
    changes = {"training.precision": "bfloat16", "training.loss_scale": 1.0}
    return try_.remedy(experiment, "Use bfloat16", "It has the range of float32 in as many bits as float16.", changes)


@lru_cache(maxsize=16)
def _more_range(experiment: Experiment, steep: bool) -> tuple[Remedy, ...]:
    scale, wide, single = dynamic_scale(experiment), wide_range(experiment), float32(experiment)
    init = try_.sound_init(experiment)
    # Where the gradient also spans decades between the layers, no one scale fits them all.
    order = (init, wide, single, scale) if steep else (scale, wide, single, init)
    return try_.offer(*order)


@lru_cache(maxsize=16)
def _some_gradient(experiment: Experiment) -> tuple[Remedy, ...]:
    bad = experiment.network.activation in try_.SQUASHING
    init, relu = try_.sound_init(experiment), try_.use_relu(experiment)
    leaky = try_.other_activation(
        experiment, "leaky-relu", "Use leaky ReLU with He initialisation", "Its slope is nowhere 0."
    )
    branch = None
    if experiment.network.branch_scale == 0.0:
        reason = "With a factor of 0 nothing goes through the branches, forwards or backwards."
        branch = try_.set_one(experiment, "network.branch_scale", 1.0, "Switch the branches on", reason)
    return try_.offer(branch, *((relu, init) if bad else (init, leaky)), try_.skips(experiment))


@lru_cache(maxsize=16)
def _break_symmetry(experiment: Experiment) -> tuple[Remedy, ...]:
    reason = "Different first weights make different units, which then learn different things."
    scale = try_.set_one(experiment, "init.bias_scale", 0.5, "Draw the biases at random", reason)
    relu = try_.use_relu(experiment) if experiment.network.activation in try_.SQUASHING else None
    return try_.offer(relu, try_.sound_init(experiment), scale)
