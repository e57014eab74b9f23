"""Learning-rate schedules: the factor on the base learning rate at every step of a run.

Update k (counted from 0) is taken with η·factor(k). The numbers are those of torch.optim.lr_scheduler, stepped once
per update; after the last step of the plan the factor stays at its end value (torch's cosine would rise again). A
linear warm-up multiplies any of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gradflow.registry import Registry


@dataclass(frozen=True)
class Plan:
    """The numbers of a schedule; each schedule reads those that concern it.

    `steps` is the length of the run, `every` the length of a stair in steps and `factor` what it multiplies by,
    `final_fraction` where a cosine ends, `patience` how many observations a plateau may last.
    """

    steps: int
    warmup_steps: int = 0
    every: int = 1000
    factor: float = 0.1
    final_fraction: float = 0.0
    patience: int = 10

    @property
    def length(self) -> int:
        """The steps that an annealing stretches over: at least one, so that an empty run has a learning rate too."""
        return max(self.steps, 1)


class Schedule:
    """The contract of a schedule; a subclass gives `shape`. `plan` may be replaced while training."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def factor(self, step: int) -> float:
        """Return the factor on the learning rate of update `step`, warm-up included."""
        step = min(step, self.plan.steps)
        return self.shape(step) * warmup(step, self.plan.warmup_steps)

    def shape(self, step: int) -> float:
        """Return the factor of update `step` without warm-up, for 0 ≤ step ≤ plan.steps."""
        raise NotImplementedError

    def observe(self, loss: float) -> None:
        """Hear of a loss; most schedules know their way without."""


SCHEDULES: Registry[type[Schedule]] = Registry("schedule")
schedule = SCHEDULES.register


def warmup(step: int, steps: int) -> float:
    """Return the factor of a linear warm-up, (step+1)/steps up to 1 (Goyal et al. 2017, section 2.2)."""
    return min(1.0, (step + 1) / steps) if steps else 1.0


def anneal(start: float, end: float, progress: float) -> float:
    """Return the way from `start` to `end` along half a cosine: end + (start − end)·(1 + cos π·progress)/2."""
    return end + (start - end) * (1.0 + math.cos(math.pi * progress)) / 2.0


@schedule("constant", "Constant")
class Constant(Schedule):
    """ηₖ = η: the same learning rate throughout.

    With noise from small batches the loss stops falling at a floor that is set by η.
    """

    def shape(self, step: int) -> float:
        return 1.0


@schedule("step", "Step")
class StepDecay(Schedule):
    """ηₖ = η·f^⌊k/n⌋: multiplied by the factor f after every n steps.

    The classic staircase of image networks (He et al. 2016: f = 0.1). torch's StepLR.
    """

    def shape(self, step: int) -> float:
        return float(self.plan.factor ** (step // self.plan.every))


@schedule("exponential", "Exponential")
class Exponential(Schedule):
    """ηₖ = η·f^(k/n): the staircase made smooth, a factor f in every n steps.

    torch's ExponentialLR with gamma = f^(1/n).
    """

    def shape(self, step: int) -> float:
        return float(self.plan.factor ** (step / self.plan.every))


@schedule("cosine", "Cosine")
class Cosine(Schedule):
    """ηₖ = r·η + (1−r)·η·(1 + cos πk/K)/2: half a cosine over the K steps of the run, down to the fraction r.

    No stairs to choose, only the end (Loshchilov & Hutter 2017, eq. 5). torch's CosineAnnealingLR.
    """

    def shape(self, step: int) -> float:
        return anneal(1.0, self.plan.final_fraction, step / self.plan.length)


@schedule("reduce-on-plateau", "Reduce on plateau")
class ReduceOnPlateau(Schedule):
    """η ← f·η once more than `patience` observed losses in a row were not 10⁻⁴ (relative) below the best so far.

    Needs no plan of the run's length. torch's ReduceLROnPlateau, without a smallest change.
    """

    THRESHOLD = 1e-4

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._reduced = 1.0
        self._best = math.inf
        self._bad = 0

    def shape(self, step: int) -> float:
        return self._reduced

    def observe(self, loss: float) -> None:
        """Count the losses without improvement, and reduce when patience is at an end."""
        if loss < self._best * (1.0 - self.THRESHOLD):
            self._best = loss
            self._bad = 0
        else:
            self._bad += 1
        if self._bad > self.plan.patience:
            self._reduced *= self.plan.factor
            self._bad = 0


@schedule("one-cycle", "One cycle")
class OneCycle(Schedule):
    """From η/25 up to η in the first 30 % of the run, then down to η/250 000, both along half a cosine.

    Large rates in the middle of a short run (Smith & Topin 2018, "Super-convergence"). The rates of torch's
    OneCycleLR, whose momentum stays as it is here; it ends at the final fraction where that is larger.
    """

    RISE = 0.3
    START = 1.0 / 25.0
    END = START / 1e4

    def shape(self, step: int) -> float:
        # The last update of K is number K−1, and torch lets the summit come one step before 0.3·K.
        last, summit = self.plan.length - 1, self.RISE * self.plan.length - 1.0
        step = min(step, last)
        if step <= summit:
            return anneal(self.START, 1.0, step / summit)
        end = max(self.END, self.plan.final_fraction)
        return anneal(1.0, end, (step - summit) / (last - summit))
