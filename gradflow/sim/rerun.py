"""Taking the steps of a run once more, which gives the same numbers bit for bit; it can be interrupted and go on.

To keep the last state would be to copy it at every step, just in case; a step taken again costs nothing until somebody
asks for it, and a checkpoint every few hundred steps bounds how many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gradflow.sim.checkpoint import Checkpoint
from gradflow.sim.config import Training
from gradflow.sim.interruption import Interrupted

if TYPE_CHECKING:
    from gradflow.sim.run import Run


class Rerun:
    """Drives a new run along the way that another one went, with the same live edits at the same steps."""

    def __init__(
        self, run: Run, retunes: Iterable[tuple[int, Training]] = (), checkpoint: Checkpoint | None = None
    ) -> None:
        """Begin at step 0, or at a checkpoint of the other run."""
        self._run = run
        if checkpoint:
            run.trainer.resume(checkpoint)
        start = checkpoint.step if checkpoint else 0
        self._retunes = deque(edit for edit in retunes if edit[0] >= start)

    def drive(self, step: int, interrupted: Callable[[], bool]) -> Run:
        """Return the run at a step, or where it ends before; raises Interrupted once `interrupted` says so."""
        run = self._run
        while not run.begun or run.snapshot.step < step:
            if interrupted():
                raise Interrupted
            if run.begun and (run.finished or not run.snapshot.finite):
                break
            run.advance()
            while self._retunes and self._retunes[0][0] == run.snapshot.step:
                run.retune(self._retunes.popleft()[1])
        return run
