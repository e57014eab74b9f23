"""How the training goes: noise, no progress, chance, overfitting. These look at the run so far."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from gradflow.sim.config import ALL, Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import STEEP, Case, middle
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy, Severity
from gradflow.sim.words import power, spell

ROWS = 60
"""Before so many recorded steps no rule here speaks."""

WHOLE = 4096
"""A training set of up to so many samples can be a batch."""
NOISY = 0.8
TIMID = -4.0
LEARNT = 0.6
"""A loss below this share of its start shows that something has been learnt."""
LITTLE = 0.4
"""A loss below this share of its start is no reason to complain about noise."""
FALLEN = 0.9
"""A loss above this share of its start has not really fallen."""
STEADY = 0.3
"""A gradient above this share of its first norm has not arrived at a minimum."""
NOTABLE = 2.0
"""A difference of this many standard errors is more than chance."""
ROOM = 0.1
"""A sharpness below this share of its bound leaves room for a learning rate several times as high."""
STALLED = 0.98
"""A loss above this share of what it was a quarter earlier stands still."""


def _stands_still(case: Case) -> bool:
    late, before = case.quarters[:2]
    return late > STALLED * before


@rule("noise", "Batch noise dominates")
def noise(case: Case) -> Finding | None:
    """The gradient of a batch is nearly all noise, and the loss no longer falls.

    Threshold: tr Σ/(B·|g|²) ≥ 0.8, that is a noise scale B_simple = tr Σ/|G|² of 4 batches or more (McCandlish et al.
    2018), while the mean loss of the last quarter of the run is not notably below that of the quarter before (two
    standard errors), and above 40 % of its start.
    """
    checkup = case.checkup
    if checkup is None or len(case.loss) < ROWS or not checkup.noise >= NOISY:
        return None
    if not case.quarters[0] > LITTLE * case.started or not case.progress < NOTABLE:
        return None
    return Finding(
        "noise",
        Severity.NOTE,
        "Batch noise dominates",
        f"About {100 * min(checkup.noise, 1.0):.3g} % of the squared norm of a batch's gradient is noise, and the loss "
        "stands still.",
        None,
        "Use larger batches, or a smaller learning rate.",
        "A small batch points somewhere else each time, and the steps cancel instead of adding up.",
        "E‖g_B‖² = ‖G‖² + tr Σ/B",
        _calm(case.experiment, case.topology.training_samples),
    )


@lru_cache(maxsize=16)
def _calm(experiment: Experiment, samples: int) -> tuple[Remedy, ...]:
    batch = experiment.training.batch_size
    # Of small sets the whole gradient costs little, and has no noise.
    size: int | str = ALL if samples <= WHOLE or isinstance(batch, str) else min(64 * batch, samples)
    more = try_.set_one(
        experiment,
        "training.batch_size",
        size,
        "Use all samples for each step" if size == ALL else f"Use batches of {size}",
        "The noise of a mean over B samples falls as 1/√B.",
    )
    decay = {"training.schedule": "cosine"}
    cosine = try_.remedy(experiment, "Let the learning rate fall", "Ever smaller steps average the noise out.", decay)
    return try_.offer(more, clean_labels(experiment), try_.other_rate(experiment, 0.1), cosine)


@rule("rate-too-low", "The learning rate is too low")
def rate_too_low(case: Case) -> Finding | None:
    """The weights hardly move, the loss has hardly fallen, and nothing else keeps it.

    Thresholds: the median of log₁₀ ‖ΔW‖/‖W‖ over the hidden layers below −4 (a tenth of Karpathy's 10⁻³, calibrated),
    a loss above 60 % of its start, a gradient that is still a third of what it was (else the run has arrived), and
    |D| < 2. Not where a schedule has lowered the rate: that is a plateau of its making.
    """
    if len(case.loss) < ROWS or not len(case.rates) or abs(case.lost) >= STEEP or len(case.silent) or case.decayed:
        return None
    late = case.quarters[0]
    if not late > LEARNT * case.started:
        return None
    typical = float(middle(case.rates))
    if not typical < TIMID or not case.slope > STEADY:
        return None
    factor = try_.tenfold(try_.FAIR - typical)
    return Finding(
        "rate-too-low",
        Severity.WARNING,
        "The learning rate is too low",
        f"One step moves the weights by {power(typical + 2.0)} % of their norm, and the loss is still "
        f"{100 * late / case.started:.3g} % of what it was at the start.",
        None,
        "Raise the learning rate.",
        "Steps this short would need very many updates to get anywhere.",
        "‖ΔW‖/‖W‖ = η·‖v‖/‖W‖ ≪ 10⁻³",
        _faster(case.experiment, factor),
    )


@lru_cache(maxsize=16)
def _faster(experiment: Experiment, factor: float) -> tuple[Remedy, ...]:
    momentum = None
    if experiment.training.optimizer in try_.ACCELERATED and experiment.training.momentum < 0.5:
        momentum = try_.set_one(
            experiment,
            "training.momentum",
            0.9,
            "Use momentum 0.9",
            "Steps in one direction add up to ten times as far.",
        )
    return try_.offer(try_.other_rate(experiment, factor), try_.adam(experiment), momentum)


@rule("plateau", "The loss is on a plateau")
def plateau(case: Case) -> Finding | None:
    """The loss has fallen, and stands still well above 0.

    Threshold: the last quarter of the run is less than 2 % below the one before, at more than half of the loss of the
    start and less than 90 % of it, or wherever a schedule has cut the learning rate to less than a tenth (Glorot &
    Bengio 2010, sections 3 and 4.1, on plateaus that saturation makes).
    """
    if len(case.loss) < ROWS or not 0.5 * case.started < case.quarters[0]:
        return None
    if not (case.quarters[0] <= FALLEN * case.started or case.decayed) or not _stands_still(case):
        return None
    rate, steep = case.snapshot.learning_rate, case.sharpness.ratio if case.sharpness else math.nan
    return Finding(
        "plateau",
        Severity.NOTE,
        "The loss is on a plateau",
        f"In the last quarter of the run the loss has fallen by less than 2 %, at "
        f"{100 * case.quarters[0] / case.started:.3g} % of its start; the learning rate is {spell(rate)}."
        + (
            f" The sharpness is {spell(steep)} times its bound: there is room for longer steps." if steep < ROOM else ""
        ),
        None,
        "Change the learning rate: smaller if the loss jitters, larger if it creeps.",
        "The steps are too short to get on, or so long that they jump to and fro across a valley.",
        "L(W) flat: ‖∂L/∂W‖ ≈ 0, or η too large for the valley: η·λ ≈ 2",
        _get_on(
            case.experiment,
            case.decayed,
            3.0 if not steep < ROOM else min(try_.tenfold(-math.log10(2.0 * steep)), 10.0),
        ),
    )


@lru_cache(maxsize=16)
def _get_on(experiment: Experiment, decayed: bool, faster: float) -> tuple[Remedy, ...]:
    constant = None
    if decayed and experiment.training.schedule != "constant":
        constant = try_.set_one(
            experiment,
            "training.schedule",
            "constant",
            "Keep the learning rate constant",
            "The schedule has brought it so far down that nothing moves any more.",
        )
    reduce_ = {"training.schedule": "reduce-on-plateau"}
    reduced = try_.remedy(
        experiment, "Lower the learning rate on plateaus", "It is cut wherever the loss stands still.", reduce_
    )
    return try_.offer(
        constant, try_.adam(experiment), reduced, try_.other_rate(experiment, faster), try_.other_rate(experiment, 0.3)
    )


@rule("chance", "The loss stays at chance")
def chance(case: Case) -> Finding | None:
    """The network does as well as if it did not look at its inputs.

    Threshold: in the last three quarters of the run the median losses are from 97 % to 150 % of the best constant
    answer's (ln C for C balanced classes; Glorot & Bengio 2010, section 3, "at chance"), and do not fall.
    """
    if len(case.loss) < ROWS:
        return None
    late, before, early = (case.ratio_to_chance(loss) for loss in case.quarters)
    if not (all(0.97 < ratio < 1.5 for ratio in (late, before, early)) and late > 0.985 * before):
        return None
    return Finding(
        "chance",
        Severity.WARNING,
        "The loss stays at chance",
        f"The loss is {100 * late:.4g} % of that of the best answer that does not look at the inputs "
        f"({spell(case.topology.chance_loss)}).",
        None,
        "See the other findings first; then check the labels.",
        "The outputs do not depend on the inputs: the signal does not get through, or the labels have nothing to do "
        "with them.",
        "L = −Σ p·ln p (classes of share p), Var y (numbers)",
        _get_off_chance(case.experiment, try_.fair_factor(case.experiment, case.rates)),
    )


def clean_labels(experiment: Experiment) -> Remedy | None:
    """Take the label noise away."""
    reason = "Labels that are dealt at random cannot be told from the inputs."
    return try_.set_one(experiment, "data.label_noise", 0.0, "Use the true labels", reason)


@lru_cache(maxsize=16)
def _get_off_chance(experiment: Experiment, factor: float) -> tuple[Remedy, ...]:
    rate = try_.other_rate(experiment, min(factor, 10.0)) if math.isfinite(factor) else None
    labels = clean_labels(experiment)
    head = (labels,) if experiment.data.label_noise >= 0.25 else ()
    return try_.offer(
        *head, try_.sound_init(experiment), rate, try_.skips(experiment), try_.use_relu(experiment), labels
    )


@rule("overfitting", "The network overfits")
def overfitting(case: Case) -> Finding | None:
    """The validation loss rises while the training loss keeps falling.

    Threshold: in all of the last quarter a validation loss that is above 1.1 times its minimum (early stopping,
    Prechelt 1998) and has lost again a tenth of what it had won, and a training loss that is at least 15 % lower than
    it was at that minimum. Where the experiment has a patience, the run watches by itself.
    """
    if len(case.loss) < ROWS or case.experiment.training.patience:
        return None
    if not case.quarters[0] < 0.85 * case.started:
        return None
    turns = case.history.column("validation_loss")
    # Rows a power of two apart: the validated ones are among them.
    rows = case.history.every(1024)
    rows = rows[~np.isnan(turns[rows])]
    if len(rows) < 8:
        return None
    best = int(rows[turns[rows].argmin()])
    # The best of the last quarter: one bad turn is not a trend.
    now, least = float(turns[rows[-(len(rows) // 4) :]].min()), float(turns[best])
    then = float(np.median(case.loss[max(0, best - 8) : best + 9]))
    risen = now > 1.1 * least and now - least > 0.1 * (float(turns[rows[0]]) - least)
    if not risen or not case.quarters[0] < 0.85 * then:
        return None
    return Finding(
        "overfitting",
        Severity.WARNING,
        "The network overfits",
        f"The validation loss is {spell(now / least)} times its minimum of step "
        f"{case.history.column('step')[best]:.0f}, while the training loss fell to {spell(case.quarters[0] / then)} "
        "times what it was then.",
        None,
        "Stop early, regularise, or use more data.",
        "The network has begun to learn the training samples by heart, with their noise.",
        "L_validation ↑ while L_train ↓",
        _generalise(case.experiment, case.snapshot.step),
    )


@lru_cache(maxsize=4)
def _generalise(experiment: Experiment, step: int) -> tuple[Remedy, ...]:
    training = experiment.training
    patience = int(try_.round_number(max(20, training.steps // 10)))
    stop = try_.set_one(
        experiment,
        "training.patience",
        patience,
        "Stop early",
        "The run ends when the validation loss has not fallen for a while, and the best weights are put back.",
    )
    decay = max(10.0 * training.weight_decay, 1e-2 if training.optimizer == "adamw" else 1e-3)
    smaller = try_.set_one(
        experiment,
        "training.weight_decay",
        decay,
        f"Use weight decay {decay:g}",
        "Small weights make smooth functions.",
    )
    dropout = try_.set_one(
        experiment, "network.dropout", 0.3, "Use dropout 0.3", "No unit can rely on another one's presence."
    )
    more = try_.set_one(
        experiment, "data.samples", ALL, "Use all samples", "More samples are harder to learn by heart."
    )
    return try_.offer(stop, more, smaller, dropout if experiment.network.dropout < 0.3 else None)
