"""A case: everything a rule may look at, and the ratios that several rules ask for.

Every ratio is one between layers, between steps, or between two quantities that carry the loss alike: multiplying the
loss by a constant changes none of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.blueprint import written_rows
from gradflow.sim.config import Experiment
from gradflow.sim.diagnosis.checkup import Checkup
from gradflow.sim.finding import Severity
from gradflow.sim.history import HistoryView
from gradflow.sim.layer_rows import NO_SKIP
from gradflow.sim.prediction import Prediction
from gradflow.sim.snapshot import Snapshot, Stat, Topology

if TYPE_CHECKING:
    from gradflow.sim.sharpness import Sharpness

Array = NDArray[np.float64]

MOST_POINTS = 64
"""No rule looks at more rows of a window than these: a long history costs no more than a short one."""

LAST_ROWS = 8
"""What jumps from batch to batch is taken over this many of the last rows."""

ENOUGH = 20
"""Of fewer rows nothing can be said about progress."""

SAMPLES = 16
"""The loss of fewer samples says little."""

STEEP = 2.0
"""Decades between the first and the last hidden layer from which a gradient counts as vanishing or exploding."""


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """One state of one run: what is fixed about it, what was measured now, and what before.

    `statistics` (of sim.statistics), `checkup`, `prediction` and `sharpness` may be missing or of an earlier step.
    """

    experiment: Experiment
    topology: Topology
    snapshot: Snapshot
    history: HistoryView
    statistics: Mapping[str, Array] = field(default_factory=dict)
    checkup: Checkup | None = None
    prediction: Prediction | None = None
    sharpness: Sharpness | None = None

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
        return learning(self.topology)[:-1]

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

    @cached_property
    def decayed(self) -> bool:
        """Whether the schedule has brought the learning rate below a tenth of what it was told to be."""
        return self.snapshot.learning_rate < 0.1 * self.experiment.training.learning_rate

    @cached_property
    def steady_rates(self) -> Array:
        """The median of log₁₀ ‖ΔW‖/‖W‖ over the last rows for each hidden layer that learns; nan where one is 0."""
        chosen = self.trainable
        update, weight = (self.recent(which, LAST_ROWS)[:, :-1][:, chosen] for which in (Stat.UPDATE, Stat.WEIGHT))
        ratio = np.divide(update, weight, out=np.zeros_like(update), where=weight > 0.0)
        typical = middle(ratio)
        return np.log10(typical, out=np.full_like(typical, np.nan), where=(typical > 0.0) & np.isfinite(typical))

    @property
    def half_precision(self) -> bool:
        """Whether numbers are rounded to 16 bits."""
        return self.experiment.training.precision in ("float16", "bfloat16")

    @cached_property
    def loss(self) -> Array:
        """The training loss of every recorded step."""
        return self.history.column("train_loss")

    @cached_property
    def quarters(self) -> tuple[float, float, float]:
        """The median loss of the last quarter of the run so far, of the one before it, and of that before."""
        late, before, early = (_median(self._quarter(back)) for back in (1, 2, 3))
        return late, before, early

    @cached_property
    def progress(self) -> float:
        """How far the mean loss has fallen from the last quarter but one to the last, in standard errors."""
        late, before = self._quarter(1), self._quarter(2)
        if len(late) < 2:
            return math.nan
        error = math.sqrt(float(late.var(ddof=1)) / len(late) + float(before.var(ddof=1)) / len(before))
        return float(before.mean() - late.mean()) / error if error > 0.0 else math.inf

    @cached_property
    def learnt(self) -> bool:
        """Whether the loss has halved: what looks ill and does that is worth a note, not a warning."""
        return len(self.loss) >= ENOUGH and self.quarters[0] < 0.5 * self.started

    @property
    def ill(self) -> Severity:
        """How bad a fault of the layers is: a warning, a note where the network learns all the same."""
        return Severity.NOTE if self.learnt else Severity.WARNING

    @cached_property
    def slope(self) -> float:
        """The median norm of the gradient in the last quarter over that of the first steps."""
        norms = self.history.column("grad_norm")
        first = _median(norms[:LAST_ROWS])
        late = norms[len(norms) - len(norms) // 4 :]
        return _median(late[:: max(1, len(late) // MOST_POINTS)]) / first if first > 0.0 else math.nan

    def _quarter(self, back: int) -> Array:
        """Return the losses of a quarter of the run so far, counted from its end, a bounded number of them."""
        end = len(self.loss) - (back - 1) * (len(self.loss) // 4)
        values = self.loss[end - len(self.loss) // 4 : end]
        return values[:: max(1, len(values) // MOST_POINTS)]

    @cached_property
    def started(self) -> float:
        """The loss of the first recorded step, of small batches the mean of the first few that have 16 samples."""
        size = self.experiment.training.batch_size
        rows = 1 if isinstance(size, str) else -(-SAMPLES // size)
        return float(self.loss[:rows].mean()) if len(self.loss) else self.snapshot.train_loss

    def ratio_to_chance(self, loss: float) -> float:
        """Return a loss over that of the best constant answer."""
        chance = self.topology.chance_loss
        return loss / chance if chance > 0.0 else math.nan

    def recent(self, which: Stat, rows: int) -> Array:
        """Return the last rows of a statistic, the present one included, shape (rows, layers)."""
        if not len(self.history):
            return self.snapshot.stat(which)[None, :]
        return self.history.stat(which)[-rows:]


def decades(delta: Array) -> float:
    """Return log₁₀ of the last norm over the first, nan where there are not two positive ones."""
    if len(delta) < 2 or not (0.0 < delta[0] < math.inf and 0.0 < delta[-1] < math.inf):
        return math.nan
    return math.log10(delta[-1]) - math.log10(delta[0])


def middle(rows: Array) -> Array:
    """Return the median of each column."""
    ordered, count = np.sort(rows, axis=0), len(rows)
    return np.asarray(0.5 * (ordered[(count - 1) // 2] + ordered[count // 2]))


@lru_cache(maxsize=4)
def learning(topology: Topology) -> NDArray[np.bool_]:
    """Return which layers learn."""
    return np.array([layer.trainable for layer in topology.layers], bool)


@lru_cache(maxsize=4)
def dense(topology: Topology) -> NDArray[np.bool_]:
    """Return which layers are dense ones."""
    return np.array([layer.kind == "dense" for layer in topology.layers], bool)


@lru_cache(maxsize=4)
def rectified(topology: Topology) -> NDArray[np.bool_]:
    """Return which hidden layers have an activation without a plateau but, perhaps, that of 0."""
    return np.array([layer.activation is not None and layer.saturation is None for layer in topology.layers[:-1]], bool)


def _median(values: Array) -> float:
    """Return the median; numpy's takes several times as long for few numbers."""
    count = len(values)
    if not count:
        return math.nan
    ordered = np.sort(values)
    return float(0.5 * (ordered[(count - 1) // 2] + ordered[count // 2]))
