"""The loss along a line θ + t·h through the network's parameters, beside what its derivatives expect there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine import gradcheck
from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.objective import Objective
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.settled import settled
from gradflow.sim.lab.slope import small_step
from gradflow.sim.lab.table import Table

Array = NDArray[Any]

POINTS = 129
"""So many are computed in the end: a power of two and one, so that each finer grid has the points of the coarser."""


@dataclass(frozen=True, eq=False, repr=False)
class Line(Frozen):
    """L(θ + t·h) of the batch at every `t`, nan where it is not computed yet, and of the whole training part.

    `value`, `slope` = ∇L·h and `curvature` = hᵀHh are those at t = 0; the last is nan where `kinks` names what lies too
    near. `whole` is empty where it was not asked for. The next step leads to `step_t`, with the loss `step_loss` on
    the same batch, and the last step came from `back_t`, with the loss `back_loss` on this batch too; nan where the
    line does not lead there. `done` says what is computed.
    """

    t: Array
    losses: Array
    whole: Array
    value: float
    slope: float
    curvature: float
    kinks: str
    step_t: float
    step_loss: float
    back_t: float
    back_loss: float
    done: NDArray[np.bool_]

    @np.errstate(all="ignore")
    def span(self) -> tuple[float, float]:
        """Return the range of the finite losses, with a little room."""
        ends = [loss for t, loss in self.marked if abs(t) <= self.t[-1]]
        seen = np.concatenate([self.losses, self.whole, [self.value, *ends]])
        seen = seen[np.isfinite(seen)]
        if not seen.size:
            return 0.0, 1.0
        low, high = float(seen.min()), float(seen.max())
        room = 0.06 * (high - low) or 0.1 * (abs(high) or 1.0)
        return low - room, high + room

    @property
    def marked(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The next step and where the last one came from, each as its t and its loss."""
        return (self.step_t, self.step_loss), (self.back_t, self.back_loss)

    @np.errstate(all="ignore")
    def first_order(self, t: Array | float) -> Any:
        """Return L + t·∇L·h: the tangent."""
        return self.value + self.slope * t

    @np.errstate(all="ignore")
    def second_order(self, t: Array | float) -> Any:
        """Return L + t·∇L·h + ½t²·hᵀHh: the parabola."""
        return self.first_order(t) + 0.5 * self.curvature * t * t

    @np.errstate(all="ignore")
    def table(self) -> Table:
        """Return the curve, a row for each point."""
        done = np.flatnonzero(self.done)
        t = self.t[done]
        columns = {
            "t": t,
            "loss of the batch": self.losses[done],
            "first order": self.first_order(t),
            "second order": self.second_order(t),
        }
        if self.whole.size:
            columns["loss of the training part"] = self.whole[done]
        rows = [f"{value:.6g}" for value in t]
        return Table("The loss along h", rows, list(columns), np.stack(list(columns.values()), axis=1))


def walk(
    objective: Objective,
    h: Array,
    zoom: float,
    update: Array,
    back: Array | None = None,
    everything: Objective | None = None,
) -> Iterator[Line]:
    """Yield the loss along h to both sides, from few points to all.

    `update` is the next step, `back` leads to where the last one came from, and `everything` is the objective of the
    whole training part.
    """
    theta = objective.start
    bend, kinks = curvature(objective, h)
    places = [leads_to(h, update), leads_to(h, back) if back is not None else np.nan]
    marked = [(t, objective(theta + t * h) if np.isfinite(t) else np.nan) for t in places]
    t = _reach(h, places, theta) / zoom * np.linspace(-1.0, 1.0, POINTS)
    losses, whole = np.full(POINTS, np.nan), np.full(POINTS if everything else 0, np.nan)
    done = np.zeros(POINTS, bool)
    slope = float(objective.gradient @ h)

    def so_far() -> Line:
        copies = losses.copy(), whole.copy()
        return Line(t, *copies, objective.batch_loss, slope, bend, kinks, *marked[0], *marked[1], done.copy())

    pause = Pause()
    for every in (16, 8, 4, 2, 1):
        for i in range(0, POINTS, every):
            if not done[i]:
                losses[i] = objective(theta + t[i] * h)
                if everything:
                    whole[i] = everything(theta + t[i] * h)
                done[i] = True
                if pause.due():
                    yield so_far()
        yield so_far()


@np.errstate(all="ignore")
def curvature(objective: Objective, h: Array) -> tuple[float, str]:
    """Return hᵀHh of the batch's loss by a central difference of its gradient, or nan and the kinks that lie too near.

    The gradient jumps at a kink, and the difference would be that jump over the step: it shrinks until none is crossed.
    """
    theta = objective.start

    def quotient(tau: float) -> tuple[float, str]:
        above = objective.gradient_at(theta + tau * h)
        sides = gradcheck.kink_sides(objective.network)
        below = objective.gradient_at(theta - tau * h)
        kinks = gradcheck.crossed(sides, gradcheck.kink_sides(objective.network))
        return float((above - below) @ h) / (2.0 * tau), ", ".join(kinks)

    found = settled(quotient, small_step(theta, h), agree=1e-4)
    return (float("nan") if found.kinks else found.value), found.kinks


def _reach(h: Array, places: list[float], theta: Array) -> float:
    """Return how far to look: three times as far as the steps of the run along this line, else half the size of θ."""
    steps = [abs(t) for t in places if np.isfinite(t)]
    if steps:
        return 3.0 * max(steps)
    size = 0.5 * float(np.linalg.norm(theta)) or 1.0
    return size / float(np.linalg.norm(h))


def leads_to(h: Array, update: Array) -> float:
    """Return the t at which t·h is this update, nan if the line leads elsewhere."""
    size = float(np.linalg.norm(h)) * float(np.linalg.norm(update))
    along = float(h @ update)
    if not size > 0.0 or abs(along) < (1.0 - 1e-12) * size:
        return float("nan")
    return 1.0 if np.array_equal(h, update) else along / float(h @ h)
