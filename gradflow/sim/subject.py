"""What a statistic looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradflow.engine.network import Layer, Network
from gradflow.sim.noise import FullGradient


def _unasked() -> FullGradient:
    raise LookupError("the gradient of all samples was not to be needed")


def _patient() -> None:
    """Nobody waits for anything else."""


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """What is looked at: a network after its backward pass, and how to get the gradient of the whole training set.

    `full_gradient` is asked only by those that compare with it; it takes as long as an epoch without updates.
    `give_way` is called now and then and raises if something more urgent came.
    """

    network: Network
    full_gradient: Callable[[], FullGradient] = _unasked
    give_way: Callable[[], None] = _patient

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The parameter layers."""
        return self.network.layers

    @property
    def scale(self) -> float:
        """The loss scale, which every gradient in the network carries."""
        return self.network.loss_scale
