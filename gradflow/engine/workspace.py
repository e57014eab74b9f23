"""Scratch memory, allocated once and lent to whoever runs."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]


class Workspace:
    """Scratch memory that all nodes of a graph share, because only one of them runs at a time."""

    ROOMS = 2

    def __init__(self) -> None:
        self._rooms: list[Array] = []
        self._mask: NDArray[np.bool_] = np.empty(0, bool)

    def allocate(self, entries: int, dtype: DTypeLike) -> None:
        """Own rooms of `entries` numbers."""
        self._rooms = [np.empty(entries, dtype) for _ in range(self.ROOMS)]
        self._mask = np.empty(entries, bool)

    def room(self, which: int, *shape: int) -> Array:
        """Return one of the rooms in a shape; whatever stands in it may be overwritten by any other node."""
        return self._rooms[which][: prod(shape)].reshape(shape)

    def mask(self, *shape: int) -> NDArray[np.bool_]:
        """Return the room for truth values in a shape."""
        return self._mask[: prod(shape)].reshape(shape)
