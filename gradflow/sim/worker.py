"""The training thread: commands go in, the latest frame and rare events come out.

Commands are obeyed between two steps, so there are no locks and no races. Nothing is sent per step: the window polls
`latest` at its own pace and can never be flooded. A newer build replaces one that has not begun.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from gradflow.engine.graph import Abandoned
from gradflow.errors import GradflowError
from gradflow.sim.attention import Attention
from gradflow.sim.config import Experiment, Training
from gradflow.sim.details import Want
from gradflow.sim.failure import failure
from gradflow.sim.frame import Captured, Diverged, Event, Failed, Finished, Frame, Paused, Resumed, Started, State
from gradflow.sim.interruption import Interrupted
from gradflow.sim.leash import Leash
from gradflow.sim.pace import Pace
from gradflow.sim.run import Run

SWITCH_SECONDS = 0.0005
"""How long Python should let this thread run before the window gets its turn; the default of 5 ms doubles its lag."""

PUBLISH_SECONDS = 1 / 60
"""How often a frame is made while training; the window looks as often."""

SETTLE_SECONDS = 0.7
"""How long a rebuilt run stands at step 0 before it trains on, so that the profile at initialisation can be seen."""


class _Build(NamedTuple):
    experiment: Experiment
    number: int
    settle: bool


class TrainingWorker:
    """Owns one run on one thread. All public methods may be called from any other thread and return at once."""

    def __init__(self) -> None:
        self.latest: Frame | None = None
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._events: deque[Event] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._pending_build: _Build | None = None
        self._build_lock = threading.Lock()
        self._thread = threading.Thread(target=self._main, name="gradflow-training", daemon=True)
        self._leash = Leash()
        # What follows belongs to the worker's thread alone.
        self._run: Run | None = None
        self._state = State.PAUSED
        self._was_running = False
        self._speed = float("inf")
        self._due = 0.0
        self._published = 0.0
        self._attention = Attention()
        self._pace = Pace()

    def start(self) -> None:
        """Start the thread; it waits for a build."""
        self._thread.start()

    def build(self, experiment: Experiment, number: int, settle: bool = True) -> None:
        """Build a new run at step 0, numbered `number`; with `settle`, a running one stands there for a moment."""
        with self._build_lock:
            self._pending_build = _Build(experiment, number, settle)
        self._wake.set()

    def retune(self, training: Training) -> None:
        """Apply a live edit to the run."""
        self._post(lambda: self._retune(training))

    def play(self) -> None:
        """Train on."""
        self._post(self._play)

    def pause(self) -> None:
        """Stand still after the step that is being taken."""
        self._post(self._pause)

    def step(self) -> None:
        """Take one step and stand still."""
        self._post(self._single_step)

    def capture(self) -> None:
        """Take every measurement of the current step, and hand the frame out as a Captured event."""
        self._post(self._capture)

    def set_speed(self, steps_per_second: float) -> None:
        """Take at most so many steps a second; infinity is flat out."""
        self._post(lambda: self._set_speed(steps_per_second))

    def want(self, wants: frozenset[Want]) -> None:
        """Say which dear measurements somebody looks at; until the first time there is no theory either."""
        self._post(lambda: self._set_wants(wants))

    def events(self) -> list[Event]:
        """Return and forget the events since the last call."""
        found = []
        while self._events:
            found.append(self._events.popleft())
        return found

    def stop(self, timeout: float = 10.0) -> bool:
        """End the thread in the middle of a step; return whether it has ended."""
        self._stopping.set()
        self._wake.set()
        self._leash.pull()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _post(self, command: Callable[[], None]) -> None:
        self._commands.put(command)
        self._wake.set()

    def _main(self) -> None:
        # OpenBLAS threads that spin beside a busy window cost far more than a second one brings.
        with threadpool_limits(1):
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    self._obey()
                    idle_until = self._work()
                except Abandoned:
                    # The step that was given up has changed no parameter, and nobody will ask for its numbers.
                    break
                except Exception as error:  # noqa: BLE001 - whatever happens here must reach the window, not end the thread
                    self._fail(error)
                    idle_until = 0.0
                if idle_until is None:
                    self._wake.wait()
                elif (pause := idle_until - time.perf_counter()) > 0:
                    self._wake.wait(pause)
            if self._run:
                self._run.forecast.stop()

    def _obey(self) -> None:
        with self._build_lock:
            build, self._pending_build = self._pending_build, None
        if build:
            self._rebuild(build)
        while not self._commands.empty():
            self._commands.get()()

    def _work(self) -> float | None:
        """Do one thing that is due; return when the next is, or None to sleep until a command comes."""
        if self._run is None:
            return None
        now = time.perf_counter()
        if self._state is State.RUNNING and now >= self._due:
            self._advance(self._run)
            self._due = max(self._due + 1.0 / self._speed, now - 0.1)
            if time.perf_counter() - self._published < PUBLISH_SECONDS and self._state is State.RUNNING:
                return self._due
        self._look(self._run)
        looks = self._attention.next_due(self._run, self._state is State.RUNNING)
        if self._state is not State.RUNNING:
            return looks
        return self._due if looks is None else min(self._due, looks)

    def _advance(self, run: Run) -> None:
        snapshot = run.advance()
        self._pace.tick()
        if not snapshot.finite:
            self._enter(State.DIVERGED, Diverged)
        elif run.finished:
            self._enter(State.FINISHED, Finished)

    def _look(self, run: Run) -> None:
        """Publish what there is, then measure what is wanted and has its turn, and publish again."""
        self._publish(run)
        if self._attention.asked is None:
            return
        # The profile is on its way to the window; the theory follows.
        if run.forecast.begin(self._wake.set):
            self._publish(run)
        running = self._state is State.RUNNING
        due = self._attention.due(run, running)
        if (due or run.exploded) and not self._wake.is_set():
            with suppress(Interrupted):
                run.look(due, self._wake.is_set, self._attention.patience(running))
            # What was brought back stands, also where a measurement was left for later.
            self._publish(run)
            self._attention.spent(run, due)

    def _publish(self, run: Run) -> None:
        self.latest = run.frame(self._state, self._pace.rate if self._state is State.RUNNING else 0.0)
        self._published = time.perf_counter()

    def _enter(self, state: State, event: type[Event]) -> None:
        self._was_running = self._state is State.RUNNING
        self._state = state
        if self._run:
            self._publish(self._run)
        self._events.append(event(self.latest))

    def _rebuild(self, build: _Build) -> None:
        run = Run(build.experiment, build.number, checkpoints=True, replaced=self._run, leash=self._leash)
        self._run, self._pace = run, Pace()
        if self._state in (State.FINISHED, State.DIVERGED):
            # What was running when it ended runs again; a new network deserves the same start.
            self._state = State.RUNNING if self._was_running else State.PAUSED
        now = time.perf_counter()
        self._due = now + (SETTLE_SECONDS if build.settle else 0.0)
        self._attention.begin(now)
        self._publish(run)
        self._events.append(Started(self.latest))

    def _retune(self, training: Training) -> None:
        if self._run:
            self._run.retune(training)
            if self._state is State.FINISHED and not self._run.finished:
                self._state = State.PAUSED
            elif self._state in (State.RUNNING, State.PAUSED) and self._run.begun and self._run.finished:
                self._enter(State.FINISHED, Finished)
            self._publish(self._run)

    def _play(self) -> None:
        if self._refuses():
            return
        self._due = time.perf_counter()
        self._pace = Pace()
        self._enter(State.RUNNING, Resumed)

    def _pause(self) -> None:
        if self._state is State.RUNNING:
            self._enter(State.PAUSED, Paused)

    def _single_step(self) -> None:
        if self._run is None or self._refuses():
            return
        self._state = State.PAUSED
        if not self._run.begun:
            # The first turn only validates step 0, which is on screen already: go on to step 1.
            self._advance(self._run)
        if self._state is State.PAUSED and not self._run.finished:
            self._advance(self._run)
        if self._state is State.PAUSED:
            self._enter(State.PAUSED, Paused)

    def _capture(self) -> None:
        if self._run:
            self._run.complete()
            self._publish(self._run)
            self._events.append(Captured(self.latest))

    def _refuses(self) -> bool:
        if self._state is State.DIVERGED:
            self._tell("The run has diverged; re-initialise it (R), with a smaller learning rate or init scale.")
        elif self._state is State.FINISHED and self._run:
            limit = "Early stopping" if self._run.trainer.stopped_early else "Steps"
            self._tell(f"{self._run.ending} To go on, raise {limit} or re-initialise (R).")
        else:
            return False
        return True

    def _tell(self, message: str) -> None:
        self._events.append(Failed(self.latest, message))

    def _set_speed(self, steps_per_second: float) -> None:
        self._speed, soonest = steps_per_second, time.perf_counter() + 1.0 / steps_per_second
        self._due = min(self._due, soonest)

    def _set_wants(self, wants: frozenset[Want]) -> None:
        self._attention.ask(wants)
        if self._run:
            self._run.forget(wants)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, GradflowError):
            # Stand still and measure nothing, so that what went wrong is said once and not again and again.
            self._state = State.PAUSED
            self._attention.turn_away()
            if self._run:
                self._publish(self._run)
        self._events.append(failure(error, self.latest))
