"""What a sweep measures of each cell: one number of one run, from its first and last step and what lay between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from gradflow.registry import Registry
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Snapshot, Stat


class Scale(StrEnum):
    """How a measure's numbers become colours."""

    RATIO = "ratio"
    """A logarithm already, above and below 0."""

    DECADES = "decades"
    """Positive numbers over many decades."""

    SHARE = "share"
    """A part of the whole, from 0 to 1."""

    STEPS = "steps"
    """Whole numbers."""

    EITHER = "either"
    """0 or 1."""


@dataclass(frozen=True, eq=False)
class Course:
    """What there is to know of a cell's run: its first and last step, and what happened on the way.

    `train_loss` and `train_accuracy` are those of all training samples at the end; `goal_step` is the first step whose
    loss was no more than the goal, nan if there was none; `update_ratio` the largest of any layer at any step.
    """

    first: Snapshot
    last: Snapshot
    train_loss: float
    train_accuracy: float
    goal_step: float
    update_ratio: float


class Measure:
    """The contract of a measure; nan is for what does not exist."""

    scale: ClassVar[Scale] = Scale.DECADES
    trains: ClassVar[bool] = True
    """Whether the cell must be trained; False if step 0 says it all."""

    def of(self, course: Course) -> float:
        """Return the number."""
        raise NotImplementedError


MEASURES: Registry[type[Measure]] = Registry("measure")
measure = MEASURES.register


@measure("gradient-ratio", "Gradient, first / last layer")
class GradientRatio(Measure):
    """log₁₀ of ‖δ‖ in layer 1 over ‖δ‖ in the last hidden layer, at initialisation.

    0: the gradient reaches the input undiminished. −6: it has vanished by six decades. Above 0 it explodes. Costs no
    training: one pass forwards and backwards per cell.
    """

    scale = Scale.RATIO
    trains = False

    def of(self, course: Course) -> float:
        """Compare the first and the last hidden layer of step 0."""
        return _ratio(course.first)


@measure("gradient-ratio-trained", "Gradient, first / last layer, after training")
class GradientRatioTrained(Measure):
    """log₁₀ of ‖δ‖ in layer 1 over ‖δ‖ in the last hidden layer, after the last step; empty if there was none."""

    scale = Scale.RATIO

    def of(self, course: Course) -> float:
        """Compare the first and the last hidden layer of the last step."""
        return _ratio(course.last) if course.last.finite and course.last.step else math.nan


@measure("train-loss", "Final training loss")
class TrainLoss(Measure):
    """The mean loss over all training samples after the last step (with best weights kept, at those)."""

    def of(self, course: Course) -> float:
        """Take the loss of the whole training part."""
        return course.train_loss


@measure("validation-loss", "Final validation loss")
class ValidationLoss(Measure):
    """The mean loss over the validation part after the last step."""

    def of(self, course: Course) -> float:
        """Take the last validation."""
        return course.last.validation_loss if course.last.finite else math.nan


@measure("train-accuracy", "Final training accuracy")
class TrainAccuracy(Measure):
    """The share of all training samples that is classified right after the last step."""

    scale = Scale.SHARE

    def of(self, course: Course) -> float:
        """Take the accuracy on the whole training part."""
        return course.train_accuracy


@measure("validation-accuracy", "Final validation accuracy")
class ValidationAccuracy(Measure):
    """The share of the validation part that is classified right after the last step."""

    scale = Scale.SHARE

    def of(self, course: Course) -> float:
        """Take the last validation."""
        return course.last.validation_accuracy if course.last.finite else math.nan


@measure("steps-to-loss", "Steps to reach the loss goal")
class StepsToLoss(Measure):
    """The first step whose batch loss is no more than the goal; empty if the run never got there."""

    scale = Scale.STEPS

    def of(self, course: Course) -> float:
        """Take the step."""
        return course.goal_step


@measure("update-ratio", "Largest update ratio")
class UpdateRatio(Measure):
    """The largest ‖ΔW‖/‖W‖ of any layer at any step. About 10⁻³ is usual; near 1 a step replaces the weights."""

    def of(self, course: Course) -> float:
        """Take the largest."""
        return course.update_ratio


@measure("diverged", "Diverged or not")
class Diverged(Measure):
    """1 where some number of the run stopped being finite, 0 where the run came to its end."""

    scale = Scale.EITHER

    def of(self, course: Course) -> float:
        """Look at the last step."""
        return float(not course.last.finite)


def follow(run: Run, goal: float, trains: bool = True) -> Course:
    """Take all steps of a run that stands at step 0 and return its course; without training, of step 0 alone."""
    if not trains:
        return Course(run.snapshot, run.snapshot, math.nan, math.nan, math.nan, math.nan)
    first = last = run.advance()
    goal_step, largest = math.nan, math.nan
    while True:
        if math.isnan(goal_step) and last.train_loss <= goal:
            goal_step = float(last.step)
        if not last.finite:
            break
        largest = float(np.fmax(largest, np.fmax.reduce(last.update_ratio)))
        if run.finished:
            break
        last = run.advance()
    loss, accuracy = run.trainer.evaluator.score(*run.trainer.training_set) if last.finite else (math.nan, math.nan)
    return Course(first, last, loss, accuracy, goal_step, largest)


def _ratio(snapshot: Snapshot) -> float:
    """Return log₁₀ of the first over the last hidden layer's ‖δ‖: −∞ where nothing arrives, nan where nothing left."""
    deltas = snapshot.stat(Stat.DELTA)
    first, last = float(deltas[0]), float(deltas[max(len(deltas) - 2, 0)])
    if not (math.isfinite(first) and math.isfinite(last)) or last == 0.0:
        return math.nan
    # As a difference: the quotient itself may be no float64.
    return math.log10(first) - math.log10(last) if first > 0.0 else -math.inf
