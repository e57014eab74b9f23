"""Dealing the training samples into batches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Batches:
    """Deals the training samples: every epoch in a new order, the short last batch included."""

    def __init__(self, samples: int, rng: np.random.Generator) -> None:
        self._samples = samples
        self._rng = rng
        self._order = rng.permutation(samples)
        self._epochs_done = 0
        self._next = 0

    @property
    def epoch(self) -> float:
        """Epochs worth of samples dealt so far."""
        return self._epochs_done + self._next / self._samples

    def deal(self, size: int) -> NDArray[np.intp]:
        """Return the indices of the next batch: `size` of them, or what the epoch has left."""
        rows = self._order[self._next : self._next + size]
        self._next += len(rows)
        if self._next >= self._samples:
            self._epochs_done += 1
            self._next = 0
            self._order = self._rng.permutation(self._samples)
        return rows
