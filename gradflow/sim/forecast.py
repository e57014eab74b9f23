"""The theory's predictions for one run: made once at its initialisation, in the background.

The quick one (signal and δ) takes milliseconds and follows a slider; the thorough one (all pairs of samples, ‖∂L/∂W‖)
comes when it is ready.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gradflow.sim import build
from gradflow.sim.interruption import Interrupted
from gradflow.sim.prediction import Prediction, predicting
from gradflow.sim.trainer import Trainer

if TYPE_CHECKING:
    from gradflow.sim.mean_field import Subject


class Forecast:
    """The predictions for a trainer that stands at step 0. `latest` may be read on any thread."""

    def __init__(self, trainer: Trainer, replaced: Forecast | None = None) -> None:
        """`replaced` is given up, and its thread waited for where nobody notices: on the next thread."""
        network = trainer.network
        self.latest: Prediction | None = None
        self._layers = len(network.layers)
        inputs, targets = np.array(network.input.value, float), np.array(network.loss.targets, float)
        loss = build.loss_maker(trainer.experiment, trainer.split)
        self._start = network, inputs, targets, loss, trainer.loss_name
        self._cancelled, self._free = threading.Event(), threading.Event()
        self._free.set()
        self._thread: threading.Thread | None = None
        self._replaced = replaced
        if replaced:
            replaced.cancel()

    @cached_property
    def subject(self) -> Subject:
        """What is predicted, as it stood at step 0."""
        from gradflow.sim.mean_field import Subject

        return Subject(*self._start)

    def begin(self, ready: Callable[[], None]) -> bool:
        """Make the quick prediction now and the thorough one on a thread of its own; `ready` is called after that.

        Returns whether there is something new: at the first call only.
        """
        if self.latest:
            return False
        if not self._make(thorough=False):
            # It may take the pairs of samples, as with batch norm; if not, the reason comes at once.
            self.latest = predicting(0, self._layers, "Theory is at work …")
        self._thread = threading.Thread(target=self._ponder, args=(ready,), name="gradflow-forecast", daemon=True)
        self._thread.start()
        return True

    def glance(self) -> None:
        """Make the quick prediction and no other, if there is one."""
        if self.latest is None:
            self._make(thorough=False)

    def finish(self) -> Prediction:
        """Return the thorough prediction, however long it takes."""
        if self._thread:
            self._thread.join()
        elif self.latest is None:
            self._make(thorough=True)
        assert self.latest is not None
        return self.latest

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Compute nothing meanwhile: something more urgent needs the processor."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def cancel(self) -> None:
        """Give up what is not ready; nobody waits for it."""
        self._cancelled.set()

    def stop(self) -> None:
        """Give up, and wait until the thread and those of all that was replaced have ended."""
        self.cancel()
        if self._thread:
            self._thread.join()
        else:
            self._succeed()

    def _succeed(self) -> None:
        if self._replaced:
            self._replaced.stop()
        self._replaced = None

    def _ponder(self, ready: Callable[[], None]) -> None:
        self._succeed()
        try:
            self._make(thorough=True)
        except Interrupted:
            return
        ready()

    def _watch(self) -> None:
        self._free.wait()
        if self._cancelled.is_set():
            raise Interrupted

    def _make(self, thorough: bool) -> bool:
        # Neither a sweep nor the window's first picture waits for theory: it is imported when it is first asked.
        from gradflow.sim.mean_field import quickly, thoroughly
        from gradflow.theory.steps import NotCovered

        try:
            with np.errstate(all="ignore"):
                self.latest = thoroughly(self.subject, self._watch) if thorough else quickly(self.subject)
        except NotCovered as reason:
            self.latest = predicting(0, self._layers, f"Theory is silent: {reason}.")
            return False
        return True
