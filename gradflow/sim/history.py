"""The record of a run: bounded, columnar, written by one thread and read by any.

Rows once published are never written again: a reader holds slices of the arrays as they were. When the record is
full, every second row is dropped into new arrays and from then on every second step is kept. The last steps are kept
beside it as whole snapshots, however thin the record is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.snapshot import Snapshot, Stat

Array = NDArray[np.float64]

SCALARS = (
    "step",
    "epoch",
    "train_loss",
    "validation_loss",
    "train_accuracy",
    "validation_accuracy",
    "learning_rate",
    "grad_norm",
    "grad_norm_clipped",
)


@dataclass(frozen=True, eq=False, repr=False)
class HistoryView:
    """The rows recorded so far: `scalars` (rows, len(SCALARS)) and `stats` (rows, len(Stat), layers), read-only.

    `tail` has the snapshots of the last steps, one after the other, whatever the record has dropped.
    """

    scalars: Array
    stats: Array
    tail: tuple[Snapshot, ...] = ()

    def __len__(self) -> int:
        return len(self.scalars)

    def column(self, name: str) -> Array:
        """Return one scalar column by its name in SCALARS."""
        column: Array = self.scalars[:, SCALARS.index(name)]
        return column

    def stat(self, which: Stat) -> Array:
        """Return one statistic, shape (rows, layers)."""
        values: Array = self.stats[:, which.row, :]
        return values

    def update_ratio(self, rows: slice | NDArray[np.intp]) -> Array:
        """Return ‖ΔW‖/‖W‖ of these rows (rows, layers); nan where the weights are zero."""
        weight = self.stat(Stat.WEIGHT)[rows]
        ratio = np.full_like(weight, np.nan)
        with np.errstate(invalid="ignore", over="ignore"):
            np.divide(self.stat(Stat.UPDATE)[rows], weight, out=ratio, where=weight > 0)
        return ratio

    def every(self, most: int) -> NDArray[np.intp]:
        """Return the indices of at most `most` rows, evenly spread; a power of two apart, so that they hold still."""
        stride = 1
        while len(self) > most * stride:
            stride *= 2
        return np.arange(0, len(self), stride)

    def envelope(self, name: str, most: int) -> tuple[Array, Array]:
        """Return steps and values of a scalar where it exists, as at most `most` points that keep its extremes.

        Where there are more, neighbouring rows are replaced by their least and greatest value, so that no spike is
        lost.
        """
        y = self.column(name)
        exists = ~np.isnan(y)
        x, y = self.column("step")[exists], y[exists]
        bucket = 1
        while len(y) > most // 2 * bucket:
            bucket *= 2
        if bucket == 1:
            return x, y
        whole = len(y) // bucket * bucket
        boxes = y[:whole].reshape(-1, bucket)
        pairs = np.sort(np.stack([boxes.argmin(axis=1), boxes.argmax(axis=1)], axis=1), axis=1)
        chosen = np.concatenate([(pairs + np.arange(0, whole, bucket)[:, None]).ravel(), np.arange(whole, len(y))])
        return x[chosen], y[chosen]


TAIL = 21
"""How many of the last steps are never thinned: after an explosion the one that broke, and twenty before it."""


class History:
    """Grows by doubling up to `most` rows, then thins."""

    FIRST_ROWS = 256

    def __init__(self, layers: int, budget_bytes: int = 40_000_000) -> None:
        bytes_per_row = 8 * (len(SCALARS) + len(Stat) * layers)
        self.most = max(self.FIRST_ROWS, budget_bytes // bytes_per_row // 2 * 2)
        self.stride = 1
        self._rows = 0
        self._tail: deque[Snapshot] = deque(maxlen=TAIL)
        self._scalars = np.empty((self.FIRST_ROWS, len(SCALARS)))
        self._stats = np.empty((self.FIRST_ROWS, len(Stat), layers))

    def append(self, snapshot: Snapshot, always: bool = False) -> bool:
        """Record a snapshot if its step is one of those kept (or `always`), and tell whether it was recorded."""
        self._tail.append(snapshot)
        if snapshot.step % self.stride and not always:
            return False
        if self._rows == len(self._scalars):
            self._make_room()
            if snapshot.step % self.stride and not always:
                return False
        self._scalars[self._rows] = (
            snapshot.step,
            snapshot.epoch,
            snapshot.train_loss,
            snapshot.validation_loss,
            snapshot.train_accuracy,
            snapshot.validation_accuracy,
            snapshot.learning_rate,
            snapshot.grad_norm,
            snapshot.grad_norm_clipped,
        )
        self._stats[self._rows] = snapshot.stats
        self._rows += 1
        return True

    def view(self) -> HistoryView:
        """Return the rows recorded so far."""
        scalars, stats = self._scalars[: self._rows], self._stats[: self._rows]
        scalars.setflags(write=False)
        stats.setflags(write=False)
        return HistoryView(scalars, stats, tuple(self._tail))

    def _make_room(self) -> None:
        if len(self._scalars) < self.most:
            rows = min(2 * len(self._scalars), self.most)
            keep = np.arange(self._rows)
        else:
            rows = self.most
            self.stride *= 2
            keep = np.flatnonzero(self._scalars[: self._rows, 0] % self.stride == 0)
        for name in ("_scalars", "_stats"):
            old = getattr(self, name)
            new = np.empty((rows, *old.shape[1:]))
            new[: len(keep)] = old[keep]
            setattr(self, name, new)
        self._rows = len(keep)
