"""The whole state of a training between two steps, from which it goes on bit for bit as if nothing had happened."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.training import Training

Array = NDArray[Any]


class Parts(NamedTuple):
    """What a training consists of: long vectors, objects with a state, and what is replaced and never changed."""

    vectors: Sequence[Array]
    objects: Sequence[object]
    numbers: dict[str, Any]


class Checkpoint:
    """A copy of a few long vectors and of many small numbers; kept anew it writes into the arrays it has."""

    def __init__(self) -> None:
        self.step = 0
        self.training: Training | None = None
        self._vectors: list[Array] = []
        self._objects: list[dict[str, Any]] = []
        self._numbers: dict[str, Any] = {}

    def keep(self, step: int, training: Training, parts: Parts) -> None:
        """Copy the vectors and all that the objects hold, and remember the numbers."""
        self.step, self.training = step, training
        vectors, objects, numbers = parts
        if not self._vectors:
            self._vectors = [np.empty_like(vector) for vector in vectors]
        for kept, vector in zip(self._vectors, vectors, strict=True):
            np.copyto(kept, vector)
        self._objects = [_own(one, vectors) for one in objects]
        self._numbers = numbers

    def restore(self, parts: Parts) -> dict[str, Any]:
        """Put everything back into the same parts of another training, and return the numbers."""
        vectors, objects, _ = parts
        for kept, vector in zip(self._vectors, vectors, strict=True):
            np.copyto(vector, kept)
        for state, one in zip(self._objects, objects, strict=True):
            if isinstance(one, np.random.Generator):
                one.bit_generator.state = state
            else:
                # A copy: this may be restored more than once.
                vars(one).update(copy.deepcopy(state))
        return self._numbers


def _own(one: object, vectors: Sequence[Array]) -> dict[str, Any]:
    """Return a copy of what an object holds, without the vectors."""
    if isinstance(one, np.random.Generator):
        return dict(one.bit_generator.state)
    held = {name: value for name, value in vars(one).items() if not any(value is vector for vector in vectors)}
    return copy.deepcopy(held)
