"""The loss along a line θ + t·h through the network's parameters, beside what its derivatives expect there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.objective import Objective
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.slope import small_step
from gradflow.sim.lab.table import Table

Array = NDArray[Any]

POINTS = 129
"""So many are computed in the end: a power of two and one, so that each finer grid has the points of the coarser."""


@dataclass(frozen=True, eq=False, repr=False)
class Line(Frozen):
    """L(θ + t·h) of the batch at every `t`, nan where it is not computed yet, and of the whole training part.

    `value`, `slope` = ∇L·h and `curvature` = hᵀHh are those at t = 0; `whole` is empty where it was not asked for. The
    next step stands at `step_t`, with the loss `step_loss` on the same batch; nan where the line does not lead there.
    `done` says which points are computed.
    """

    t: Array
    losses: Array
    whole: Array
    value: float
    slope: float
    curvature: float
    step_t: float
    step_loss: float
    done: NDArray[np.bool_]

    def span(self) -> tuple[float, float]:
        """Return the range of the finite losses, with a little room."""
        seen = np.concatenate([self.losses, self.whole, [self.value, self.step_loss]])
        seen = seen[np.isfinite(seen)]
        if not seen.size:
            return 0.0, 1.0
        low, high = float(seen.min()), float(seen.max())
        room = 0.06 * (high - low) or 0.1 * (abs(high) or 1.0)
        return low - room, high + room

    def first_order(self, t: Array | float) -> Any:
        """Return L + t·∇L·h: the tangent."""
        return self.value + self.slope * t

    def second_order(self, t: Array | float) -> Any:
        """Return L + t·∇L·h + ½t²·hᵀHh: the parabola."""
        return self.first_order(t) + 0.5 * self.curvature * t * t

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
    objective: Objective, h: Array, update: Array, reach: float, everything: Objective | None = None
) -> Iterator[Line]:
    """Yield the loss from −reach to reach, from few points to all; `everything` is the whole training part's."""
    theta, tau = objective.start, small_step(objective.start, h)
    bent = objective.gradient_at(theta + tau * h) - objective.gradient_at(theta - tau * h)
    curvature = float(bent @ h) / (2.0 * tau)
    step_t = leads_to(h, update)
    step_loss = objective(theta + step_t * h) if np.isfinite(step_t) else np.nan
    t = reach * np.linspace(-1.0, 1.0, POINTS)
    losses, whole = np.full(POINTS, np.nan), np.full(POINTS if everything else 0, np.nan)
    done = np.zeros(POINTS, bool)
    slope = float(objective.gradient @ h)

    def so_far() -> Line:
        copies = losses.copy(), whole.copy()
        return Line(t, *copies, objective.batch_loss, slope, curvature, step_t, step_loss, done.copy())

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


def default_reach(h: Array, update: Array, theta: Array) -> float:
    """Return how far to look: three times as far as the next step along its own line, else half the size of θ."""
    step_t = leads_to(h, update)
    if np.isfinite(step_t):
        return 3.0 * abs(step_t)
    size = 0.5 * float(np.linalg.norm(theta)) or 1.0
    return size / float(np.linalg.norm(h))


def leads_to(h: Array, update: Array) -> float:
    """Return the t at which θ + t·h is the next step, nan if the line leads elsewhere."""
    size = float(np.linalg.norm(h)) * float(np.linalg.norm(update))
    along = float(h @ update)
    if not size > 0.0 or abs(along) < (1.0 - 1e-12) * size:
        return float("nan")
    return 1.0 if np.array_equal(h, update) else along / float(h @ h)
