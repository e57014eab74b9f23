"""Units that are off for every sample: of rectifiers, that is for ever."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import ReLU
from gradflow.sim.config import ALL, Experiment
from gradflow.sim.diagnosis import remedies as try_
from gradflow.sim.diagnosis.case import Case, rectified
from gradflow.sim.diagnosis.registry import rule
from gradflow.sim.finding import Finding, Remedy
from gradflow.sim.snapshot import Stat

Array = NDArray[np.float64]

DEAD = 0.3
"""The share of a layer's units, beyond what is expected, from which it counts."""


@rule("dead-units", "Units are dead")
def dead_units(case: Case) -> Finding | None:
    """Many units of a layer are switched off by every sample: no gradient reaches their weights.

    Threshold: 30 percentage points more of a layer's units than theory expects of a healthy ReLU network of this depth
    on a batch of this size (its inputs become collinear with depth), in each of the last 8 batches. The quantity is
    that of cs231n ("as much as 40 %"). A network that has halved its loss all the same gets a note.
    """
    layers = case.topology.layers[:-1]
    flat = rectified(case.topology)
    share = case.recent(Stat.DEAD, 8).min(axis=0)[:-1]
    if not flat.any() or not np.fmax.reduce(share[flat]) >= DEAD:
        return None
    batch = case.experiment.training.batch_size
    size = case.topology.training_samples if batch == ALL else min(int(batch), case.topology.training_samples)
    # Inputs of d dimensions point into 2^d orthants: of few dimensions, many samples say the same.
    size = min(size, 2 ** min(case.topology.inputs, 30))
    asleep = case.snapshot.stat(Stat.WEIGHT)[:-1] == 0.0
    surplus = np.where(flat & ~asleep, share - dead_on_batch(len(layers), size), -1.0)
    worst = int(np.nanargmax(surplus))
    if not surplus[worst] >= DEAD:
        return None
    before = case.history.stat(Stat.DEAD)[0][worst] if len(case.history) else share[worst]
    return Finding(
        "dead-units",
        case.ill,
        "Units are dead",
        f"In layer {worst + 1}, {100 * share[worst]:.3g} % of the units are 0 for every sample of the batch; of a "
        f"healthy network one expects {100 * (share[worst] - surplus[worst]):.3g} %.",
        worst + 1,
        "Use leaky ReLU, a smaller learning rate, or biases of 0.",
        "A unit that is off for every sample has slope 0 everywhere, so nothing can ever switch it on again.",
        "z < 0 for all samples  ⇒  φ′(z) = 0  ⇒  ∂L/∂w = 0",
        _revive(
            case.experiment, bool(before >= 0.5 * share[worst]), try_.fair_factor(case.experiment, case.first_rates)
        ),
    )


@lru_cache(maxsize=8)
def dead_on_batch(depth: int, batch: int) -> Array:
    """Return the share of units that no sample of a batch switches on in a healthy ReLU network, for each layer.

    By chance alone, at the correlations that orthogonal inputs have after each of He's layers.
    """
    # Few networks need it: most have no dead units.
    from gradflow.theory.dead_units import dead_by_chance
    from gradflow.theory.maps import CorrelationMap
    from gradflow.theory.moments import moments_of

    correlations = CorrelationMap(moments_of(ReLU()), square=2.0, bias_square=0.0, q=1.0).path(0.0, depth)
    share = dead_by_chance(correlations, batch)
    share.setflags(write=False)
    return share


@lru_cache(maxsize=16)
def _revive(experiment: Experiment, from_the_start: bool, factor: float) -> tuple[Remedy, ...]:
    leaky = try_.other_activation(
        experiment, "leaky-relu", "Use leaky ReLU", "Its slope below 0 is small but not 0, so every unit can come back."
    )
    slower, init = try_.other_rate(experiment, min(factor, 0.2)), try_.sound_init(experiment)
    head = (leaky, init) if from_the_start else (slower, leaky)
    return try_.offer(*head, init, slower, try_.layer_norm(experiment))
