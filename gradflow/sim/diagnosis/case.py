"""A case: everything a rule may look at, and the ratios that several rules ask for.

Every ratio is one between layers, between steps, or between two quantities that carry the loss alike: multiplying the
loss by a constant changes none of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.blueprint import written_rows
from gradflow.sim.config import Experiment
from gradflow.sim.diagnosis.checkup import Checkup
from gradflow.sim.history import HistoryView
from gradflow.sim.layer_rows import NO_SKIP
from gradflow.sim.prediction import Prediction
from gradflow.sim.snapshot import Snapshot, Stat, Topology

Array = NDArray[np.float64]

MOST_POINTS = 64
"""No rule looks at more rows of a window than these: a long history costs no more than a short one."""

STEEP = 2.0
"""Decades between the first and the last hidden layer from which a gradient counts as vanishing or exploding."""


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """One state of one run: what is fixed about it, what was measured now, and what before.

    `statistics` (of sim.statistics), `checkup` and `prediction` may be missing or of an earlier step.
    """

    experiment: Experiment
    topology: Topology
    snapshot: Snapshot
    history: HistoryView
    statistics: Mapping[str, Array] = field(default_factory=dict)
    checkup: Checkup | None = None
    prediction: Prediction | None = None

    @cached_property
    def delta(self) -> Array:
        """‖δ‖ of the hidden layers."""
        return self.snapshot.stat(Stat.DELTA)[:-1]

    @cached_property
    def waiting(self) -> NDArray[np.bool_]:
        """Which hidden layers lie in a branch that is switched off: its last weights start at 0, or its factor is 0.

        They receive no gradient by design (Fixup, Zhang et al. 2019), and nothing has vanished on the way to them.
        """
        waiting = np.zeros(len(self.delta), bool)
        if not (self.delta == 0.0).any():
            return waiting
        weights, shape = self.snapshot.stat(Stat.WEIGHT), self.experiment.network
        layer = 0
        numbers = [0]
        for row in written_rows(self.experiment):
            layer += row.kind in ("dense", "conv")
            numbers.append(layer)
            if row.skip_from == NO_SKIP:
                continue
            start = numbers[int(row.skip_from)]
            factor = row.branch_scale if isinstance(row.branch_scale, float | int) else shape.branch_scale
            if factor == 0.0:
                waiting[start:layer] = True
            elif weights[layer - 1] == 0.0:
                waiting[start : layer - 1] = True
        return waiting

    @cached_property
    def silent(self) -> NDArray[np.intp]:
        """The hidden layers (from 0) that receive exactly nothing and should receive something."""
        return np.flatnonzero((self.delta == 0.0) & ~self.waiting)

    @cached_property
    def lost(self) -> float:
        """D = log₁₀ ‖δ_last hidden‖/‖δ_1‖, nan where there is nothing to compare."""
        return decades(self.delta[~self.waiting])

    @cached_property
    def lost_first(self) -> float:
        """D of the first recorded step."""
        if not len(self.history):
            return self.lost
        return decades(self.history.stat(Stat.DELTA)[0][:-1])

    @cached_property
    def trainable(self) -> NDArray[np.bool_]:
        """Which hidden layers learn."""
        return np.array([layer.trainable for layer in self.topology.layers[:-1]], bool)

    @cached_property
    def rates(self) -> Array:
        """u = log₁₀ ‖ΔW‖/‖W‖ of the hidden layers that learn, where both are positive."""
        return self._rates(self.snapshot.stat(Stat.UPDATE), self.snapshot.stat(Stat.WEIGHT))

    @cached_property
    def first_rates(self) -> Array:
        """The same at the first recorded step."""
        if not len(self.history):
            return self.rates
        return self._rates(self.history.stat(Stat.UPDATE)[0], self.history.stat(Stat.WEIGHT)[0])

    def _rates(self, update: Array, weight: Array) -> Array:
        chosen = self.trainable
        if not len(chosen):
            return np.empty(0)
        update, weight = update[:-1][chosen], weight[:-1][chosen]
        moved = (update > 0.0) & (weight > 0.0) & np.isfinite(update)
        return np.log10(update[moved]) - np.log10(weight[moved])

    @property
    def half_precision(self) -> bool:
        """Whether numbers are rounded to 16 bits."""
        return self.experiment.training.precision in ("float16", "bfloat16")

    @cached_property
    def loss(self) -> Array:
        """The training loss of every recorded step."""
        return self.history.column("train_loss")

    @cached_property
    def quarters(self) -> tuple[float, float]:
        """The median loss of the last quarter of the run so far, and of the quarter before it."""
        rows = len(self.loss)
        quarter = rows // 4
        return _median(self.loss[rows - quarter :]), _median(self.loss[rows - 2 * quarter : rows - quarter])

    @cached_property
    def started(self) -> float:
        """The loss of the first recorded step."""
        return float(self.loss[0]) if len(self.loss) else self.snapshot.train_loss

    def ratio_to_chance(self, loss: float) -> float:
        """Return a loss over that of the best constant answer."""
        chance = self.topology.chance_loss
        return loss / chance if chance > 0.0 else math.nan

    def last_moves(self, rows: int) -> tuple[Array, Array]:
        """Return ‖ΔW‖ and ‖W‖ of the last rows."""
        return self.recent(Stat.UPDATE, rows), self.recent(Stat.WEIGHT, rows)

    def recent(self, which: Stat, rows: int) -> Array:
        """Return the last rows of a statistic, the present one included, shape (rows, layers)."""
        if not len(self.history):
            return self.snapshot.stat(which)[None, :]
        return self.history.stat(which)[-rows:]


def decades_lost(snapshot: Snapshot) -> float:
    """Return D = log₁₀ ‖δ_last hidden‖/‖δ_1‖: positive if it vanishes towards the input, nan for one layer."""
    return decades(snapshot.stat(Stat.DELTA)[:-1])


def decades(delta: Array) -> float:
    """Return log₁₀ of the last norm over the first, nan where there are not two positive ones."""
    if len(delta) < 2 or not (0.0 < delta[0] < math.inf and 0.0 < delta[-1] < math.inf):
        return math.nan
    return math.log10(delta[-1]) - math.log10(delta[0])


def _median(values: Array) -> float:
    if not len(values):
        return math.nan
    stride = -(-len(values) // MOST_POINTS)
    return float(np.median(values[::-stride]))
