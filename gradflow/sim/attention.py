"""What is measured when: who looks at what, and when each dear measurement has its turn beside the training."""

from __future__ import annotations

import time

from gradflow.sim.budget import Budget
from gradflow.sim.details import Want
from gradflow.sim.run import Run

DETAILS_SECONDS = 0.1
DETAILS_SHARE = 0.1
"""Dear measurements run at most ten times a second and take at most about this share of the time."""

LOOK_SECONDS, PAUSED_SECONDS = 0.04, 0.15
"""What can be gone on with later holds the training up for about so long, and beside a run that waits the others."""

REST_SECONDS = 0.15
"""After a rebuild the dear measurements wait so long: while a slider is dragged they would only be in the way."""


class Attention:
    """Knows what somebody looks at, and decides what of it is due. `running` says that a training waits meanwhile."""

    def __init__(self) -> None:
        # None until somebody has said what they look at: nothing must hold up the first picture.
        self.asked: frozenset[Want] | None = None
        self.wants: frozenset[Want] = frozenset()
        self._rest_until = 0.0
        self._budget: Budget[Want] = Budget(DETAILS_SHARE, DETAILS_SECONDS)

    def ask(self, wants: frozenset[Want]) -> None:
        """Look at these from now on."""
        self.asked = self.wants = wants

    def begin(self, now: float) -> None:
        """Look at a new run, after a rest."""
        self.wants = self.asked or frozenset()
        self._rest_until = now + REST_SECONDS

    def turn_away(self) -> None:
        """Measure nothing more of this run."""
        self.wants = frozenset()

    def due(self, run: Run, running: bool) -> frozenset[Want]:
        """Return the measurements that have their turn now."""
        now = time.perf_counter()
        return frozenset(want for want in run.unmeasured(self.wants) if self._due(want, running) <= now)

    def next_due(self, run: Run, running: bool) -> float | None:
        """Return when a measurement is due, None if the last ones are of this step and of all that is wanted."""
        return min((self._due(want, running) for want in run.unmeasured(self.wants)), default=None)

    def patience(self, running: bool) -> float:
        """Return how many seconds a measurement that can be gone on with may take at once."""
        return LOOK_SECONDS if running else PAUSED_SECONDS

    def spent(self, run: Run, wants: frozenset[Want]) -> None:
        """Take note of measurements that have just ended."""
        self._budget.spent({want: run.cost(want) for want in wants}, time.perf_counter())

    def _due(self, want: Want, running: bool) -> float:
        due = self._budget.due(want, len(self.wants)) if running else 0.0
        return max(self._rest_until, due)
