"""The trajectory of the parameters: the same run once more, bit for bit, with a look at θ now and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.memory import remembered
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.rerun import Rerun
from gradflow.sim.run import Run

Array = NDArray[Any]

MOST_POINTS, LEAST_POINTS = 160, 4
MOST_NUMBERS = 8_000_000
"""How many numbers are kept: 64 MB."""


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory(Frozen):
    """The parameters θ (points, n) at some `steps` from 0 on; `last` is the step that it leads to.

    `true` says whether it has come to exactly the parameters of the specimen, once it is there.
    """

    steps: tuple[int, ...]
    points: Array
    step: int
    last: int
    true: bool

    @property
    def complete(self) -> bool:
        """Whether the trajectory is at its end."""
        return bool(self.steps) and self.step >= self.last

    @property
    def dimensions(self) -> int:
        """In how many directions the run has moved."""
        return len(self._variances[0])

    def last_update(self) -> Array:
        """Return what the last step has added; raises ValueError where there was none."""
        if len(self.steps) < 2:
            raise ValueError("No step has been taken yet.")
        update: Array = self.points[-1] - self.points[-2]
        return update

    def principal(self, number: int) -> Array:
        """Return a principal direction of the trajectory, of length 1: 0 has the largest variance, −1 the least.

        Raises ValueError where the trajectory has too few dimensions.
        """
        there, vectors = self._variances
        if not -len(there) <= number < len(there):
            raise ValueError("The run has not moved in that many directions yet.")
        found: Array = (self.points - self.points.mean(axis=0)).T @ vectors[:, number]
        # The sign of an eigenvector is arbitrary: make its largest entry positive, so that machines agree.
        found = found * np.sign(found[np.abs(found).argmax()])
        unit: Array = found / np.linalg.norm(found)
        return unit

    @cached_property
    def _variances(self) -> tuple[Array, Array]:
        """Return the variances that are not 0, the largest first, and what they are of in terms of the points."""
        centred = self.points - self.points.mean(axis=0)
        # Of the few points' own matrix: the parameters' would be huge.
        variances, vectors = np.linalg.eigh(centred @ centred.T)
        there = np.flatnonzero(variances > 1e-12 * max(float(variances[-1]), np.finfo(float).tiny))[::-1]
        return variances[there], vectors[:, there]

    def explained(self, axes: Array) -> float:
        """Return the share of the trajectory's variance within a plane, given by its orthonormal axes (2, n)."""
        centred = self.points - self.points.mean(axis=0)
        total = float(np.sum(centred * centred))
        return float(np.sum((centred @ axes.T) ** 2)) / total if total > 0.0 else float("nan")


def retrace(specimen: Specimen) -> Iterator[Trajectory]:
    """Yield how far the run is retraced, again and again, and at last the whole trajectory to the specimen's step.

    As long as there is the specimen it is done only once.
    """
    return remembered(specimen, "trajectory", lambda: _retrace(specimen))


def _retrace(specimen: Specimen) -> Iterator[Trajectory]:
    last, course = specimen.step, specimen.course
    end: Array = specimen.network().parameters
    count = int(np.clip(MOST_NUMBERS // max(end.size, 1), LEAST_POINTS, MOST_POINTS))
    spread = np.linspace(0, last, min(count, last + 1)).round().astype(int)
    # And the last step but one, for the last update.
    wanted = np.unique([*spread, max(last - 1, 0)]).tolist()
    rerun = Rerun(Run(course.first), course.retunes)
    steps: list[int] = []
    points: list[Array] = []
    pause, nothing = Pause(), np.empty((0, end.size))
    for step in range(last + 1):
        run = rerun.drive(step, lambda: False)
        if step in wanted[len(steps) : len(steps) + 1]:
            with run.trainer.at_last_step():
                points.append(np.array(run.trainer.network.parameters, float))
            steps.append(run.snapshot.step)
        if step < last and pause.due():
            yield Trajectory((), nothing, step, last, False)
    true = steps[-1:] == [last] and np.array_equal(points[-1], end)
    yield Trajectory(tuple(steps), np.array(points), last, last, true)
