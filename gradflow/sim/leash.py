"""Ending what another thread is at, in the middle of a step or of a build, without asking it at every turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradflow.engine.graph import Abandoned

if TYPE_CHECKING:
    from gradflow.sim.trainer import Trainer


class Leash:
    """Whatever holds it ends with Abandoned once it is pulled: a network that is being drawn, a pass at its next node.

    No parameter is changed by halves: those of a trainer stay those of its last step.
    """

    def __init__(self) -> None:
        self._trainer: Trainer | None = None
        self._pulled = False

    def hold(self, trainer: Trainer) -> None:
        """Be that of this trainer from now on."""
        self._trainer = trainer
        self.give_way()

    def give_way(self) -> None:
        """Raise Abandoned if it was pulled; whoever builds calls it now and then."""
        if self._pulled:
            if self._trainer:
                self._trainer.abandon()
            raise Abandoned

    def pull(self) -> None:
        """End it; called on another thread."""
        self._pulled = True
        if trainer := self._trainer:
            trainer.abandon()
