"""The loss over the plane of two directions through the network's parameters, with the run's trajectory on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.contours import contours
from gradflow.sim.lab.digits import told_apart
from gradflow.sim.lab.objective import Objective
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.table import Table
from gradflow.sim.lab.trajectory import Trajectory

Array = NDArray[Any]

CELLS = 64
"""Squares along a side; the losses stand at their corners."""

STRIDES = (16, 8, 4, 2, 1)
LEVELS = 12


@dataclass(frozen=True, eq=False, repr=False)
class Axes(Frozen):
    """Two orthonormal directions (2, n), what is on their plane, and how much of it is looked at.

    The present point, that of `step`, is (0, 0), a corner of the grid `a` × `b`; `next_step` (2,) is where the next
    step leads, projected. `path` (points, 2) is the trajectory, projected, and `explained` the share of its variance on
    the plane; with `lost` it does not lead here. With `instead` other directions stand in for the trajectory's own, as
    it has none yet. The losses are those of the batch, or of the `whole` training part.
    """

    step: int
    directions: Array
    path: Array
    explained: float
    next_step: Array
    a: Array
    b: Array
    lost: bool = False
    titles: tuple[str, str] = ("", "")
    instead: bool = False
    whole: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Plane(Frozen):
    """The loss at every corner (b, a) of the grid, nan where it is not computed yet (`done`) or is not a number.

    `stride` is that of the grid which is complete.
    """

    axes: Axes
    losses: Array
    done: NDArray[np.bool_]
    stride: int

    @property
    def broken(self) -> NDArray[np.bool_]:
        """Where the loss is not finite."""
        return self.done & ~np.isfinite(self.losses)

    @property
    def present(self) -> float:
        """The loss at the present point."""
        return float(self.losses[np.abs(self.axes.b).argmin(), np.abs(self.axes.a).argmin()])

    def filled(self) -> Array:
        """Return the losses, those of the nearest coarse corner where the fine ones are not computed yet."""
        nearest = np.minimum((np.arange(CELLS + 1) / self.stride + 0.5).astype(int) * self.stride, CELLS)
        return np.where(self.done, self.losses, self.losses[np.ix_(nearest, nearest)])

    @np.errstate(all="ignore")
    def shown(self, log: bool) -> tuple[Array, float, float]:
        """Return what the colours stand for, log₁₀ L or L, and its range; nan where there is no such number.

        A linear range leaves out the highest tenth: far from the minimum the loss may be of another order.
        """
        values = self.filled()
        if log:
            values = np.log10(values, out=np.full(values.shape, np.nan), where=values > 0.0)
        finite = values[np.isfinite(values)]
        if not finite.size:
            return values, 0.0, 1.0
        low, high = float(finite.min()), float(finite.max() if log else np.quantile(finite, 0.9))
        return values, low, high if high > low else low + 1.0

    @np.errstate(all="ignore")
    def scale(self, log: bool, count: int = 5) -> list[tuple[float, str]]:
        """Return so many shares of the colours' range, each with its loss in words."""
        _, low, high = self.shown(log)
        shares = np.linspace(0.0, 1.0, count)
        places = low + shares * (high - low)
        words = told_apart(*(10.0**places if log else places).tolist())
        return list(zip(shares.tolist(), words, strict=True))

    @np.errstate(all="ignore")
    def contours(self, log: bool) -> Array:
        """Return the contour lines (segments, 2 ends, 2) in the plane's coordinates."""
        values, low, high = self.shown(log)
        coarse = values[:: self.stride, :: self.stride]
        places = self.stride * contours(coarse, np.linspace(low, high, LEVELS + 2)[1:-1].tolist())
        start, size = np.array([self.axes.a[0], self.axes.b[0]]), np.array([np.ptp(self.axes.a), np.ptp(self.axes.b)])
        placed: Array = start + places * size / CELLS
        return placed

    def table(self) -> Table:
        """Return the losses, b downwards and a across."""
        rows, columns = ([f"{value:.6g}" for value in axis] for axis in (self.axes.b, self.axes.a))
        return Table("The loss over the plane (rows: second direction, columns: first)", rows, columns, self.losses)


def axes(
    objective: Objective, h: Array, other: Array, update: Array, trajectory: Trajectory | None, zoom: float = 1.0
) -> Axes:
    """Return the plane of two directions; the second is taken at right angles to the first.

    It shows the trajectory and the next step, or about as far as the parameters are from 0. Raises ValueError in words
    where the two are one direction.
    """
    first = h / np.linalg.norm(h)
    rest = other - (first @ other) * first
    if np.linalg.norm(rest) < 1e-9 * np.linalg.norm(other):
        raise ValueError("The two directions are one and the same: choose another.")
    second = rest / np.linalg.norm(rest)
    # Once more: what is left of the first in it would tilt the plane.
    second = second - (first @ second) * first
    directions = np.stack([first, second / np.linalg.norm(second)])
    next_step = directions @ update
    path = (trajectory.points - objective.start) @ directions.T if trajectory else np.empty((0, 2))
    seen = np.vstack([np.zeros(2), path[np.isfinite(path).all(axis=1)], next_step[None]])
    a, b = _ranges(seen, float(np.linalg.norm(objective.start)), zoom)
    explained, lost = (trajectory.explained(directions), not trajectory.true) if trajectory else (float("nan"), False)
    return Axes(objective.step, directions, path, explained, next_step, a, b, lost, whole=objective.whole)


def paint(objective: Objective, plane: Axes) -> Iterator[Plane]:
    """Yield the plane again and again, from coarse to fine; the present point first."""
    losses = np.full((CELLS + 1, CELLS + 1), np.nan)
    done = np.zeros(losses.shape, bool)
    first, second = plane.directions
    stride, pause = CELLS, Pause()

    def put(row: int, column: int) -> None:
        theta = objective.start + plane.a[column] * first + plane.b[row] * second
        losses[row, column], done[row, column] = objective(theta), True

    put(int(np.abs(plane.b).argmin()), int(np.abs(plane.a).argmin()))
    for stride_now in (CELLS, *STRIDES):
        for row in range(0, CELLS + 1, stride_now):
            for column in range(0, CELLS + 1, stride_now):
                if not done[row, column]:
                    put(row, column)
                # Before the four corners are there is nothing to fill the plane with.
                if stride_now < CELLS and pause.due():
                    yield Plane(plane, losses.copy(), done.copy(), stride)
        stride = stride_now
        yield Plane(plane, losses.copy(), done.copy(), stride)


def _ranges(seen: Array, size: float, zoom: float) -> tuple[Array, Array]:
    """Return the two axes of a square that shows these points; 0 is a corner of the grid on both."""
    low, high = seen.min(axis=0), seen.max(axis=0)
    side = float((high - low).max()) * 1.4
    if not side > 0.0:
        side = size or 1.0
    side /= zoom
    # Zoomed in it closes in on the present point.
    middle = 0.5 * (low + high) / max(zoom, 1.0)
    cell = side / CELLS
    starts = np.round((middle - 0.5 * side) / cell).astype(int)
    starts = np.clip(starts, -CELLS, 0)
    first, second = (cell * (start + np.arange(CELLS + 1)) for start in starts.tolist())
    return first, second
