"""What every loss promises, the registry of losses, and the softening of one-hot targets."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from gradflow.engine.graph import Array, Node
from gradflow.registry import Registry

Task = Literal["regression", "binary", "multiclass"]


class Loss(Node):
    """The contract of a loss: `forward` sets `loss`, `backward` writes ∂L/∂predictions into the input's gradient."""

    wants_grad = False
    threshold = 0.0
    """Above which a single output says yes."""

    takes_soft_targets = True
    """Whether a target may lie between two classes, as label smoothing makes it."""

    tasks: tuple[Task, ...] = ()
    """The kinds of data it is defined on; the first loss registered for a kind is that kind's default."""

    def __init__(self, source: Node) -> None:
        super().__init__((source,), source.units)
        self.loss = float("nan")
        self.scale = 1.0
        """By what it is multiplied for the backward pass, which lifts small gradients above underflow."""

    def allocate(self, batch: int, value: Array | None = None) -> None:
        super().allocate(batch, value)
        self._targets = np.zeros((batch, self.units), self.dtype)
        self._scratch = np.empty((batch, self.units), self.dtype)
        self._row = np.empty((batch, 1), self.dtype)

    def resize(self, samples: int) -> None:
        super().resize(samples)
        self.targets = self._targets[:samples]
        self.scratch, self.row = self._scratch[:samples], self._row[:samples]

    def scale_up(self) -> None:
        """Multiply the gradient that `backward` has written by the scale."""
        if self.scale != 1.0:
            gradient = self.inputs[0].grad
            np.multiply(gradient, self.scale, out=gradient)

    def correct(self) -> int:
        """Return how many samples of the batch are classified right; has no meaning for regression."""
        z, targets = self.inputs[0].value, self.targets
        if self.units == 1:
            return int(np.count_nonzero((z > self.threshold) == (targets > 0.5)))
        return int(np.count_nonzero(z.argmax(axis=1) == targets.argmax(axis=1)))


LOSSES: Registry[type[Loss]] = Registry("loss")
loss = LOSSES.register


def default_loss(task: Task) -> str:
    """Return the name of the loss that goes with a kind of data."""
    return next(name for name, entry in LOSSES.items() if task in entry.part.tasks)


def make_loss(name: str, delta: float = 1.0) -> Callable[[Node], Loss]:
    """Return what builds the loss called `name` on a node; `delta` reaches those that have one."""
    part = LOSSES[name].part
    takes_delta = "delta" in inspect.signature(part).parameters
    return partial(part, delta=delta) if takes_delta else part  # type: ignore[call-arg]


def smooth(targets: Array, share: float) -> Array:
    """Return y(1−s) + s/C: a share s of each target goes to all C classes alike (Szegedy et al. 2016).

    A single 0/1 output stands for two classes.
    """
    softened: Array = targets * (1.0 - share) + share / max(targets.shape[1], 2)
    return softened
