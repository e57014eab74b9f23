"""What would happen if: a second experiment run in the background up to the step that is on screen.

It has a thread of its own, which gives way to the training and drops what it does as soon as something else is asked.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from gradflow.errors import ConfigError, GradflowError
from gradflow.sim.config import Experiment
from gradflow.sim.details import Want
from gradflow.sim.frame import Frame, State
from gradflow.sim.interruption import Interrupted
from gradflow.sim.rerun import Rerun
from gradflow.sim.run import Run

MOST_SECONDS = 5.0
"""A preview stands still after so long, wherever it is."""

PUBLISH_SECONDS = 0.1

LOOK_SECONDS = 0.2
"""What takes longer to measure and can be left is left."""

REST = 2.0
"""How long the preview rests after each step beside a training, in lengths of that step: the training comes first.

A lower priority of the thread would do the opposite: the system would set it aside while it holds the interpreter.
"""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is to be previewed: the experiment, what it is called, how far it goes and what is measured there.

    `gives_way` says that a training runs at the same time.
    """

    experiment: Experiment
    label: str
    step: int
    wants: Set[Want] = frozenset()
    gives_way: bool = False


class Preview:
    """Runs what was asked for last. All public methods may be called from any thread and return at once."""

    def __init__(self) -> None:
        self._asked: Asked | None = None
        self._done: Asked | None = None
        self._frame: Frame | None = None
        self._failure = ""
        self._stopping = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def frame(self) -> Frame | None:
        """The latest frame of what is previewed, labelled; None if there is nothing yet."""
        return self._frame

    def show(self, asked: Asked) -> None:
        """Preview this from now on."""
        self._take(asked)
        if self._thread is None:
            # Most sessions never need it.
            self._thread = threading.Thread(target=self._main, name="gradflow-preview", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Preview nothing."""
        self._take(None)

    def failure(self) -> str:
        """Return and forget why the last preview could not be run; "" if it could."""
        said, self._failure = self._failure, ""
        return said

    def stop(self, timeout: float = 10.0) -> bool:
        """End the thread within one step; return whether it has ended."""
        with self._changed:
            self._stopping = True
        self.end()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _take(self, asked: Asked | None) -> None:
        with self._changed:
            self._asked, self._frame, self._failure = asked, None, ""
            self._changed.notify_all()

    def _main(self) -> None:
        with threadpool_limits(1):
            while asked := self._next():
                self._preview(asked)

    def _next(self) -> Asked | None:
        """Wait for something else to preview, and return it; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._asked not in (None, self._done))
            self._done = self._asked
            return None if self._stopping else self._asked

    def _preview(self, asked: Asked) -> None:
        try:
            run = Run(asked.experiment, build=-1)
            self._publish(asked, run)
            self._drive(asked, run)
            run.measure(asked.wants, lambda: self._asked is not asked, LOOK_SECONDS)
            self._publish(asked, run)
        except Interrupted:
            return
        except Exception as error:  # noqa: BLE001 - a preview that fails is a sentence, never a thread that is gone
            reason = error.reason if isinstance(error, ConfigError) else str(error)
            kind = "" if isinstance(error, GradflowError) else f"{type(error).__name__}: "
            with self._changed:
                if self._asked is asked:
                    self._failure = f"“{asked.label}” cannot be previewed: {kind}{reason}"

    def _drive(self, asked: Asked, run: Run) -> None:
        end = time.perf_counter() + MOST_SECONDS
        due, begun = 0.0, time.perf_counter()
        rerun = Rerun(run)

        def interrupted() -> bool:
            nonlocal due, begun
            now = time.perf_counter()
            if now >= due and self._asked is asked:
                self._publish(asked, run)
                due = now + PUBLISH_SECONDS
            if asked.gives_way:
                with self._changed:
                    # Something else that is asked for ends the rest.
                    self._changed.wait_for(lambda: self._asked is not asked, REST * (now - begun))
            begun = time.perf_counter()
            return self._asked is not asked or begun >= end

        with suppress(Interrupted):
            if asked.step > 0:
                rerun.drive(asked.step, interrupted)
        if self._asked is not asked:
            raise Interrupted

    def _publish(self, asked: Asked, run: Run) -> None:
        frame = dataclasses.replace(run.frame(State.PAUSED), label=asked.label)
        with self._changed:
            if self._asked is asked:
                self._frame = frame
