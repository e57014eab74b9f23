"""What earlier calls of backward() have left in the .grad of the leaves: a second one adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_program import Opened

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Grads:
    """The .grad of each leaf by its name, before the walk that is looked at."""

    stored: Mapping[str, Array] = field(default_factory=dict)

    def after(self, opened: Opened) -> Grads:
        """Return what is there after the whole walk of an opened program."""
        found = dict(self.stored)
        for leaf, gradient in opened.gradients().items():
            label = opened.sandbox.label(leaf)
            before = self.of(opened.sandbox, leaf)
            with np.errstate(all="ignore"):
                found[label] = gradient if before is None else before + gradient
        return Grads(found)

    def of(self, sandbox: Sandbox, leaf: int) -> Array | None:
        """Return what is in a leaf, None if there is nothing of its shape."""
        found = self.stored.get(sandbox.label(leaf))
        return found if found is not None and np.shape(found) == np.shape(sandbox.value(leaf)) else None

    def by_node(self, sandbox: Sandbox) -> dict[int, Array]:
        """Return what is in each leaf that has something."""
        return {leaf: found for leaf in sandbox.leaves if (found := self.of(sandbox, leaf)) is not None}

    def now(self, opened: Opened, leaf: int, visits: int) -> Array | None:
        """Return a leaf's .grad after so many visits of the walk."""
        before, received = self.of(opened.sandbox, leaf), opened.walk.gradient(leaf, visits)
        if before is None or received is None:
            return before if received is None else received
        with np.errstate(all="ignore"):
            added: Array = before + received
        return added

    def state(self) -> dict[str, Any]:
        """Return it as it can stand in JSON."""
        return {name: np.asarray(value).tolist() for name, value in self.stored.items()}

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Grads:
        """Return what `state` gave; raises TypeError or ValueError for anything else."""
        return cls({str(name): np.array(value, float)[()] for name, value in state.items()})
