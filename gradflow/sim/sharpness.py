"""The sharpness: the largest eigenvalue λ of the Hessian of the loss over the training samples, as the run goes on.

The loss is that of all training samples (of large sets or networks the first ones), without dropout, in float64; batch
norm takes its statistics from pieces as large as the training's batches. Hessian times vector is a central difference
of backprop's gradients, whose step is so short that no kink lies within it: the curvature is that of the smooth pieces.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine import gradcheck
from gradflow.engine.graph import Phase
from gradflow.engine.network import Network
from gradflow.engine.nodes.norm import BatchNorm
from gradflow.sim.eigen import Eigen, Work, largest
from gradflow.sim.frozen import Frozen
from gradflow.sim.snapshot import Snapshot
from gradflow.sim.stability import Bound, bound_of
from gradflow.sim.training import ALL
from gradflow.sim.words import counted, spell

if TYPE_CHECKING:
    from gradflow.sim.trainer import Trainer

Array = NDArray[Any]

MOST_SAMPLES, LEAST_SAMPLES = 2048, 128
MOST_WORK, MOST_WORK_OF_ALL = 50_000_000, 400_000_000
"""Samples × parameters of one gradient: about a tenth of a second, and a second where all samples make a batch.

Then the sharpness is that of the very loss whose gradient is descended.
"""

MOST_PARAMETERS = 1_000_000
"""The search holds about fifteen vectors of this length."""

PIECE = 256

STEP, TENTHS = 1e-6, 3
"""The step of the difference in units of the weights, and how often it is divided by 10 where a kink lies within it."""

BESIDE = 1e-5
"""So far beside the weights, in their own unit, a network with kinks is looked at: some of its z may lie on one."""

FRESH = 0.1
"""The share of chance in the vector that the next search begins with: another direction may be the steepest by then."""


EDGE = 0.9, 1.1
"""Between these shares of its bound the curvature counts as standing at the edge."""


@dataclass(frozen=True, eq=False, repr=False)
class Sharpness(Frozen):
    """What was measured of a run so far: at `steps`, the `values` of λ and the `bounds` that the rate of that step set.

    A value is nan where nothing was found, a bound where the optimiser has none: `bound` says why. `samples` of `of`
    training samples were looked at; `note` says what is peculiar.
    """

    steps: Array
    values: Array
    bounds: Array
    bound: Bound
    samples: int
    of: int
    note: str

    @property
    def step(self) -> int:
        """The step of the last value, −1 without any."""
        return int(self.steps[-1]) if len(self.steps) else -1

    @property
    def value(self) -> float:
        """The last value."""
        return float(self.values[-1]) if len(self.values) else math.nan

    @property
    def ratio(self) -> float:
        """The last value over its bound, ηλ/2 for plain gradient descent; nan where there is none."""
        return float(self.values[-1] / self.bounds[-1]) if len(self.values) else math.nan

    @property
    def first_ratio(self) -> float:
        """The same at step 0, nan where that was not measured."""
        return float(self.values[0] / self.bounds[0]) if len(self.values) and self.steps[0] == 0 else math.nan

    def __str__(self) -> str:
        """Say how sharp the loss is, and what that means at this learning rate."""
        if not math.isfinite(self.value):
            return f"{self.note[:1].upper()}{self.note[1:]}." if self.note else "No sharpness was found here."
        of = f"all {self.of}" if self.samples == self.of else f"the first {self.samples} of {self.of}"
        found = f"λ = {spell(self.value)} at step {self.step}, over {of} training samples"
        if self.bound.why_not:
            return f"{found}. {self.bound.why_not}."
        if not 0.0 < self.ratio < math.inf:
            return (
                f"{found}: flat or bent downwards everywhere, any step is stable." if self.value <= 0.0 else f"{found}."
            )
        if self.ratio < EDGE[0]:
            fate = "steps across the steepest valley shrink"
        elif self.ratio <= EDGE[1]:
            fate = "the edge of stability, where descent settles by itself"
        else:
            fate = "steps across the steepest valley grow, until the ground is flatter"
        return f"{found}: {_times(self.ratio)} times {self.bound.formula} = {spell(float(self.bounds[-1]))}, {fate}."

    def until(self, step: int) -> Sharpness:
        """Return what was known at a step."""
        rows = int(np.searchsorted(self.steps, step, side="right"))
        return replace(self, steps=self.steps[:rows], values=self.values[:rows], bounds=self.bounds[:rows])


def _times(ratio: float) -> str:
    """Return a ratio with two digits behind the point where it is near 1."""
    return f"{ratio:.2f}" if 0.5 < ratio < 2.0 else spell(ratio)


class Sharpener:
    """Measures the sharpness of one run again and again, each time from the direction that was the steepest before.

    A search works on a copy of the weights it began with, so that it can be gone on with after the next steps.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._rows: list[tuple[int, float, float]] = []
        self._bound = bound_of(trainer.experiment.training)
        self._slope: _Slope | None = None
        self._direction: Array | None = None
        self._search: Generator[None, None, Eigen] | None = None
        self._begun: tuple[int, float] = (0, 0.0)

    def follow(self, trainer: Trainer) -> Sharpener:
        """Measure another trainer of the same run from now on."""
        self._trainer = trainer
        self.rest()
        return self

    def rest(self) -> None:
        """Let go of all memory but what was measured."""
        self._slope = self._direction = self._search = None

    def measure(self, snapshot: Snapshot, give_way: Callable[[], None], seconds: float = math.inf) -> Sharpness:
        """Return what is known after having searched for some seconds; unbounded, that of the snapshot itself is.

        `give_way` is called often, and may raise: the next call goes on from there.
        """
        until = perf_counter() + seconds
        samples, everything = self._samples, len(self._trainer.training_set[0])
        note = self._why_not
        if not note and not (self._rows and self._rows[-1][0] == snapshot.step):
            if seconds == math.inf and self._begun[0] != snapshot.step:
                self._search = None
            self._begin(snapshot)
            self._go_on(until, give_way)
        if note and not (self._rows and self._rows[-1][0] == snapshot.step):
            self._rows.append((snapshot.step, math.nan, math.nan))
        steps, values, bounds = np.array(self._rows, float).reshape(-1, 3).T
        return Sharpness(steps, values, bounds, self._bound, samples, everything, note)

    @property
    def _samples(self) -> int:
        whole = self._trainer.experiment.training.batch_size == ALL
        affordable = (MOST_WORK_OF_ALL if whole else MOST_WORK) // max(self._trainer.network.parameters.size, 1)
        return min(len(self._trainer.training_set[0]), MOST_SAMPLES, max(affordable, LEAST_SAMPLES))

    @property
    def _why_not(self) -> str:
        network = self._trainer.network
        if network.parameters.size > MOST_PARAMETERS:
            return f"not measured: more than {counted(MOST_PARAMETERS)} parameters"
        if gradcheck.below_stand_ins(network):
            return "no curvature: the slope of the activation “step” only stands in for one"
        return ""

    def _begin(self, snapshot: Snapshot) -> None:
        if self._search is not None:
            return
        training = self._trainer.experiment.training
        if self._slope is None:
            self._slope = _Slope(self._trainer, self._samples)
        self._slope.settle(self._trainer.network)
        self._bound = bound_of(training)
        self._begun = snapshot.step, self._bound.curvature(snapshot.learning_rate)
        chance = self._slope.chance(snapshot.step)
        start = chance if self._direction is None else self._direction + FRESH * chance
        self._search = largest(self._slope.product, start)

    def _go_on(self, until: float, give_way: Callable[[], None]) -> None:
        assert self._search is not None
        with np.errstate(all="ignore"):
            try:
                while perf_counter() < until:
                    give_way()
                    next(self._search)
            except StopIteration as end:
                found: Eigen = end.value
                self._search = None
                self._direction = found.vector if found.found else None
                self._rows.append((self._begun[0], found.value if found.found else math.nan, self._begun[1]))


class _Slope:
    """The gradient of the loss near one point of the parameters, and how it changes along a direction."""

    def __init__(self, trainer: Trainer, samples: int) -> None:
        self._network = network = trainer.network.copy()
        network.input.wants_grad = False
        network.graph.set_phase(Phase.HOLD)
        self._x, self._y = (np.array(part[:samples], float) for part in trainer.training_set)
        normed = any(isinstance(layer.norm, BatchNorm) for layer in network.layers)
        network.allocate(min(samples, trainer.network.graph.capacity if normed else PIECE))
        self._kinked = any(node.name_of_kink for node in network.graph.order)
        self._learns = np.zeros(network.parameters.size)
        for span in network.trainable_spans():
            self._learns[span] = 1.0
        self._place, self._unit = network.parameters.copy(), 1.0

    def settle(self, network: Network) -> None:
        """Look at the point where a network stands."""
        self._network.follow(network)
        self._place = self._network.parameters.copy()
        self._unit = float(np.linalg.norm(self._place) / math.sqrt(max(self._place.size, 1))) or 1.0
        if self._kinked:
            rng = np.random.default_rng(43)
            self._place += BESIDE * self._unit * rng.standard_normal(self._place.size)

    def chance(self, seed: int) -> Array:
        """Return a vector of length 1 that is drawn by chance."""
        rng = np.random.default_rng([seed, 47])
        drawn = self._learns * rng.standard_normal(self._learns.size)
        return np.asarray(drawn / np.linalg.norm(drawn))

    def product(self, v: Array) -> Work:
        """Work out H·v, piece by piece of the samples."""
        changes = np.zeros_like(v)
        size = self._network.graph.capacity
        for start in range(0, len(self._x), size):
            piece = slice(start, start + size)
            changes += self._change(v, piece) * (len(self._x[piece]) / len(self._x))
            yield
        return changes * self._learns

    def _change(self, v: Array, piece: slice) -> Array:
        """Return H·v of the samples of one piece, nan where a kink is too near."""
        network, step = self._network, STEP * max(self._unit, 1e-3)
        network.resize(len(self._x[piece]))
        network.input.value[:], network.loss.targets[:] = self._x[piece], self._y[piece]
        for _ in range(1 + TENTHS):
            above, sides_above = self._gradient(step * v)
            below, sides_below = self._gradient(-step * v)
            if not (self._kinked and gradcheck.crossed(sides_above, sides_below)):
                return (above - below) / (2.0 * step)
            step /= 10.0
        return np.full_like(v, np.nan)

    def _gradient(self, shift: Array) -> tuple[Array, dict[str, list[Array]]]:
        network = self._network
        np.add(self._place, shift, out=network.parameters)
        network.forward()
        network.backward()
        return network.gradients.copy(), gradcheck.kink_sides(network) if self._kinked else {}
