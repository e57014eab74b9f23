"""What becomes of a gradient on its way: cut where it is too long, rounded to zero where it is too small."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Network
from gradflow.engine.precision import PRECISIONS
from gradflow.sim.experiment import Experiment
from gradflow.sim.history import HistoryView
from gradflow.sim.snapshot import Snapshot
from gradflow.sim.words import spell

Array = NDArray[np.float64]

RECENT = 50
"""How many recorded steps are looked back on."""

SHORTENED = 1e-4
"""By which share a norm must have shrunk to count as clipped: less may be rounding."""


@dataclass(frozen=True)
class NumberRange:
    """The small end of the numbers that gradients are stored in, times `loss_scale`.

    Below `smallest_normal` a number loses digits, below half of `smallest` it becomes 0. `rounds` tells a half
    precision, where that happens, from the processor's own.
    """

    title: str
    smallest_normal: float
    smallest: float
    rounds: bool
    loss_scale: float

    @property
    def normal_floor(self) -> float:
        """The smallest gradient that keeps all its digits, the loss scale divided out."""
        return self.smallest_normal / self.loss_scale

    @property
    def floor(self) -> float:
        """The smallest gradient that is not zero, the loss scale divided out."""
        return self.smallest / self.loss_scale


@dataclass(frozen=True)
class Clipping:
    """How often the gradient was clipped in the last `steps` recorded steps; the limits are 0 where there is none."""

    norm_limit: float
    value_limit: float
    steps: int
    clipped: int

    @property
    def active(self) -> bool:
        """Whether there is any limit now."""
        return bool(self.norm_limit or self.value_limit)

    def __str__(self) -> str:
        """Say how often it was clipped, or what to set so that it is."""
        if not self.active:
            return "Nothing is clipped: a clip norm below this curve would."
        limits = (("norm", self.norm_limit), ("value", self.value_limit))
        limit = " and ".join(f"{name} {spell(value)}" for name, value in limits if value)
        if not self.steps:
            return f"Clipped at {limit}."
        if not self.clipped:
            return f"Clipped at {limit}: 0 of the last {self.steps} steps, a lower limit would cut."
        return f"Clipped at {limit}: {self.clipped} of the last {self.steps} steps."


def number_range(network: Network) -> NumberRange:
    """Return the small end of what the network's gradients are stored in."""
    precision = network.precision
    title = next(name for name, entry in PRECISIONS.items() if isinstance(precision, entry.part))
    return NumberRange(
        title, precision.smallest_normal, precision.smallest, precision.rounds, float(network.loss_scale)
    )


def recent(history: HistoryView, snapshot: Snapshot, experiment: Experiment) -> Clipping:
    """Return how often the last recorded steps were clipped; before the first one, whether the next step will be."""
    training = experiment.training
    before, after = (history.column(name)[-RECENT:] for name in ("grad_norm", "grad_norm_clipped"))
    if not len(before):
        before, after = np.array([snapshot.grad_norm]), np.array([snapshot.grad_norm_clipped])
    # What is nan was not subject to a limit, or its step was left out.
    counted = ~np.isnan(after)
    with np.errstate(invalid="ignore"):
        clipped = after[counted] < before[counted] * (1.0 - SHORTENED)
    return Clipping(training.clip_norm, training.clip_value, int(counted.sum()), int(clipped.sum()))


def underflow_words(numbers: NumberRange, underflow: Array) -> str:
    """Say what becomes of δ in this precision, from the share of underflow in every layer."""
    if not numbers.rounds:
        return f"In {numbers.title} nothing above {spell(numbers.floor)} underflows: try float16."
    lost = np.where(np.isfinite(underflow), underflow, 0.0)
    worst = int(lost.argmax())
    if not lost[worst]:
        return f"{numbers.title} rounds nothing to 0 here."
    scaled = "raise the loss scale" if numbers.loss_scale == 1.0 else f"loss scale {spell(numbers.loss_scale)}"
    return f"{numbers.title} rounds {100 * lost[worst]:.2g} % of δ in layer {worst + 1} to 0 ({scaled})."
