"""A run: a trainer, its history, and the measurements taken when somebody looks.

It is what the worker drives on its thread and the command line without one.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Set
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from gradflow.sim import config
from gradflow.sim.config import Experiment, Training, with_live
from gradflow.sim.course import Course
from gradflow.sim.details import EVERYTHING, PARTS, Details, Want
from gradflow.sim.diagnosis import Case, Checkup, check_up, diagnose
from gradflow.sim.divergence import largest_before
from gradflow.sim.finding import Finding
from gradflow.sim.forecast import Forecast
from gradflow.sim.frame import Frame, LiveEdit, State
from gradflow.sim.history import History
from gradflow.sim.interruption import Interrupted
from gradflow.sim.leash import Leash
from gradflow.sim.prediction import Prediction
from gradflow.sim.rerun import Rerun
from gradflow.sim.snapshot import Snapshot
from gradflow.sim.trainer import Trainer

if TYPE_CHECKING:
    from gradflow.sim.sharpness import Sharpener
    from gradflow.sim.spectrum import Spectra

KEEP_EVERY = 256
"""How many steps lie between two checkpoints: copying the state then costs far below a hundredth of the time."""


READ_SECONDS = 0.2
"""While a run goes on its findings are renewed so often."""


class Run:
    """One experiment in execution. Not thread-safe: it belongs to whoever drives it."""

    def __init__(
        self,
        experiment: Experiment,
        build: int = 0,
        checkpoints: bool = False,
        replaced: Run | None = None,
        leash: Leash | None = None,
    ) -> None:
        """Build the run at step 0; raises ConfigError or DataError.

        With `checkpoints` its last finite state can be brought back quickly, for a copy of the parameters' memory.
        Nobody waits any more for what `replaced` still had to predict. Another thread may pull the `leash` to end it.
        """
        self.build, self._leash = build, leash or Leash()
        self._keep_every = KEEP_EVERY if checkpoints else 0
        with replaced.forecast.resting() if replaced else nullcontext():
            self._begin(experiment, replaced.forecast if replaced else None)

    def _begin(self, experiment: Experiment, replaced: Forecast | None) -> None:
        self.trainer = Trainer(experiment, self._leash.give_way)
        self._leash.hold(self.trainer)
        self.trainer.keep_every = self._keep_every
        self.history = History(len(self.trainer.topology.layers))
        self.snapshot = self.trainer.preview()
        self.edits: tuple[LiveEdit, ...] = ()
        self._steps = self.trainer.steps()
        self._details = Details()
        self.forecast: Forecast = Forecast(self.trainer, replaced)
        self._spectra: Spectra | None = None
        self._sharpener: Sharpener | None = None
        self._checkup: Checkup | None = None
        self._diagnosed: tuple[Any, tuple[Finding, ...]] = (None, ())
        self._diagnosed_at = 0.0
        self.begun = False
        self._first = experiment
        self._retunes: list[tuple[int, Training]] = []
        self._rerun: Rerun | None = None
        self._before: Run | None = None
        self._given_up = False

    @property
    def experiment(self) -> Experiment:
        """The experiment with its live edits."""
        return self.trainer.experiment

    def unmeasured(self, wants: Set[Want]) -> frozenset[Want]:
        """Return those of the wanted measurements that are not of the step that `look` measures."""
        steps, step = self._details.steps, (self._before or self).snapshot.step
        return frozenset(want for want in wants if steps.get(want) != step)

    def cost(self, want: Want) -> float:
        """Return the seconds that a measurement took the last time, 0 if it never ran."""
        return self._details.seconds.get(want, 0.0)

    @property
    def finished(self) -> bool:
        """Whether all steps are taken, or the run was stopped early."""
        return self.snapshot.step >= self.experiment.training.steps or self.trainer.stopped_early

    @property
    def ending(self) -> str:
        """Say how a finished run has ended; "" before that."""
        if not self.finished:
            return ""
        trainer, step = self.trainer, self.snapshot.step
        ending = f"Stopped early at step {step}." if trainer.stopped_early else f"All {step} steps are taken."
        best = trainer.best_step
        return ending if best is None else f"{ending} The weights of step {best}, the best, are put back."

    def advance(self) -> Snapshot:
        """Take one step (the first call validates step 0) and record it."""
        self.snapshot = next(self._steps)
        self.history.append(self.snapshot, always=self.finished or not self.snapshot.finite)
        self.begun = True
        self._restore_best()
        return self.snapshot

    def retune(self, training: Training) -> None:
        """Apply a live edit and remember it."""
        if not self.begun:
            # Step 0 was measured with the old values; a run that has not begun simply begins with the new ones.
            self._begin(with_live(self.experiment, training), self.forecast)
            return
        before = self.experiment
        self._retunes.append((self.snapshot.step, training))
        self.trainer.retune(training)
        self._restore_best()
        changed = config.differing(before, self.experiment)
        new = (LiveEdit(self.snapshot.step, path, config.get(self.experiment, path)) for path in changed)
        self.edits = (*self.edits, *(edit for edit in new if edit.path != "training.steps"))

    def _restore_best(self) -> None:
        # Where patience keeps them, also when the steps run out before it does.
        if self.finished:
            self.trainer.restore_best()

    def measure(
        self, wants: Set[Want], interrupted: Callable[[], bool] = lambda: False, seconds: float = math.inf
    ) -> Details:
        """Take the wanted measurements of the current step, and keep them for the frames to come.

        `interrupted` is asked now and then; when it says yes, what was kept before stays and Interrupted is raised.
        What can be gone on with after the next steps takes at most some `seconds`.
        """
        # Nothing dear is measured in a sweep, nor before the window's first picture.
        from gradflow.sim import measurements
        from gradflow.sim.sharpness import Sharpener
        from gradflow.sim.spectrum import Spectra

        found: dict[str, Any] = {}
        steps, costs = dict(self._details.steps), dict(self._details.seconds)
        course = Course(self._first, tuple(self._retunes))
        self._spectra = self._spectra or Spectra(self.trainer)
        self._sharpener = sharpener = self._sharpener or Sharpener(self.trainer)
        tools = self._spectra, sharpener, interrupted, course, seconds
        look = measurements.Look(self.trainer, self.snapshot, *tools)
        for want in sorted(wants):
            start = time.perf_counter()
            parts = measurements.take(want, look)
            found.update(parts)
            steps[want] = measurements.step_of(parts, self.snapshot.step)
            costs[want] = time.perf_counter() - start
        self._details = dataclasses.replace(self._details, steps=steps, seconds=costs, **found)
        return self._details

    def complete(self) -> Details:
        """Take every measurement of the current step, and wait for the whole prediction."""
        if not self.snapshot.step:
            self.forecast.finish()
        return self.look(self.unmeasured(EVERYTHING))

    @property
    def exploded(self) -> bool:
        """Whether the run has diverged and its last finite state is not yet brought back."""
        lost = not self.snapshot.finite and self.snapshot.step > 0
        return lost and self._before is None and not self._given_up

    def look(
        self, wants: Set[Want], interrupted: Callable[[], bool] = lambda: False, seconds: float = math.inf
    ) -> Details:
        """Measure as `measure` does, but a run that has diverged at its last finite step.

        The steps up to there are taken once more, from the last checkpoint or the same seed, and with the same live
        edits. Where it was interrupted it goes on the next time.
        """
        if self.exploded:
            self._bring_back(interrupted)
        if self._before is None:
            return self.measure(wants, interrupted, seconds)
        self._details = self._before.measure(wants, interrupted, seconds)
        return self._details

    def _bring_back(self, interrupted: Callable[[], bool]) -> None:
        divergence = self.snapshot.divergence
        assert divergence is not None
        # Whatever goes wrong on the way would go wrong again.
        self._given_up = True
        try:
            last = self.snapshot.step - 1
            if self._rerun is None:
                checkpoint = self.trainer.checkpoint
                useful = checkpoint if checkpoint and checkpoint.step <= last else None
                self._rerun = Rerun(Run(self._first, self.build, leash=self._leash), self._retunes, useful)
            self._before = self._rerun.drive(last, interrupted)
        except Interrupted:
            self._given_up = False
            raise
        if self._sharpener:
            self._before._sharpener = self._sharpener.follow(self._before.trainer)
        largest = largest_before(self._before.trainer.network, divergence)
        known = dataclasses.replace(divergence, largest_before=largest)
        self.snapshot = dataclasses.replace(self.snapshot, divergence=known)

    def forget(self, kept: Set[Want]) -> None:
        """Drop the measurements that nobody wants any more."""
        if self._before:
            self._before.forget(kept)
        details, empty = self._details, Details()
        gone: dict[str, Any] = {name: getattr(empty, name) for want in set(Want) - set(kept) for name in PARTS[want]}
        steps = {want: step for want, step in details.steps.items() if want in kept}
        seconds = {want: cost for want, cost in details.seconds.items() if want in kept}
        self._details = dataclasses.replace(details, steps=steps, seconds=seconds, **gone)
        if Want.SPECTRUM not in kept:
            # Its copy of the network may be larger than the network.
            self._spectra = None
        if self._sharpener and Want.SHARPNESS not in kept:
            self._sharpener.rest()

    @property
    def prediction(self) -> Prediction | None:
        """What theory expects of the current step, as far as it is known yet."""
        return self._details.prediction if self.snapshot.step else self.forecast.latest

    def case(self) -> Case:
        """Return what a diagnosis looks at, with a check-up where one is due."""
        trainer, step = self.trainer, self.snapshot.step
        before = self._checkup
        if (before is None or before.due(step)) and self.snapshot.finite:
            with trainer.at_last_step():
                self._checkup = check_up(trainer.network, step, trainer.topology.training_samples, before)
        return Case(
            self.experiment,
            trainer.topology,
            self.snapshot,
            self.history.view(),
            self._details.statistics,
            self._checkup,
            self.prediction,
            self._details.sharpness,
        )

    def findings(self, at_leisure: bool = False) -> tuple[Finding, ...]:
        """Return the verdicts on the current step, the most urgent first; the rules run once for each step.

        `at_leisure` keeps those of a step shortly before: nobody can read faster, and the rules take their time.
        """
        state = self.snapshot, self.experiment, self._details
        before, findings = self._diagnosed
        same = before is not None and all(a is b for a, b in zip(state, before, strict=True))
        if same or (at_leisure and findings and time.perf_counter() - self._diagnosed_at < READ_SECONDS):
            return findings
        self._diagnosed = state, diagnose(self.case())
        self._diagnosed_at = time.perf_counter()
        return self._diagnosed[1]

    def frame(self, state: State, steps_per_second: float = 0.0) -> Frame:
        """Return what there is to see now."""
        return Frame(
            build=self.build,
            experiment=self.experiment,
            topology=self.trainer.topology,
            snapshot=self.snapshot,
            history=self.history.view(),
            details=self._details,
            findings=self.findings(at_leisure=state is State.RUNNING and self.snapshot.finite),
            state=state,
            steps_per_second=steps_per_second,
            edits=self.edits,
            ending=self.ending,
            prediction=self.prediction,
        )
