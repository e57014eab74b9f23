"""A run: a trainer, its history, and the measurements taken when somebody looks.

It is what the worker drives on its thread and the command line without one.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Set
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim import config, statistics, surface
from gradflow.sim.config import Experiment, Training, with_live
from gradflow.sim.diagnosis import Case, Checkup, check_up, diagnose
from gradflow.sim.finding import Finding
from gradflow.sim.frame import Frame, LiveEdit, State
from gradflow.sim.history import History
from gradflow.sim.probe import magnitudes
from gradflow.sim.snapshot import PARTS, Details, Snapshot, Surface, Want
from gradflow.sim.statistics import Subject
from gradflow.sim.trainer import Trainer

Array = NDArray[Any]


class Interrupted(Exception):
    """A measurement was given up because something more urgent came."""


class Run:
    """One experiment in execution. Not thread-safe: it belongs to whoever drives it."""

    def __init__(self, experiment: Experiment, build: int = 0) -> None:
        """Build the run at step 0; raises ConfigError or DataError."""
        self.build = build
        self._begin(experiment)

    def _begin(self, experiment: Experiment) -> None:
        self.trainer = Trainer(experiment)
        self.history = History(len(self.trainer.topology.layers))
        self.snapshot = self.trainer.preview()
        self.edits: tuple[LiveEdit, ...] = ()
        self._steps = self.trainer.steps()
        self._details = Details()
        self._checkup: Checkup | None = None
        self._diagnosed: tuple[Any, tuple[Finding, ...]] = (None, ())
        self.begun = False

    @property
    def experiment(self) -> Experiment:
        """The experiment with its live edits."""
        return self.trainer.experiment

    def unmeasured(self, wants: Set[Want]) -> frozenset[Want]:
        """Return those of the wanted measurements that are not of the current step."""
        steps = self._details.steps
        return frozenset(want for want in wants if steps.get(want) != self.snapshot.step)

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
            self._begin(with_live(self.experiment, training))
            return
        before = self.experiment
        self.trainer.retune(training)
        self._restore_best()
        changed = config.differing(before, self.experiment)
        new = (LiveEdit(self.snapshot.step, path, config.get(self.experiment, path)) for path in changed)
        self.edits = (*self.edits, *(edit for edit in new if edit.path != "training.steps"))

    def _restore_best(self) -> None:
        # Where patience keeps them, also when the steps run out before it does.
        if self.finished:
            self.trainer.restore_best()

    def measure(self, wants: Set[Want], interrupted: Callable[[], bool] = lambda: False) -> Details:
        """Take the wanted measurements of the current step, and keep them for the frames to come.

        `interrupted` is asked now and then; when it says yes, what was kept before stays and Interrupted is raised.
        """
        found: dict[str, Any] = {}
        steps, seconds = dict(self._details.steps), dict(self._details.seconds)
        for want in sorted(wants):
            start = time.perf_counter()
            with np.errstate(all="ignore"):
                found.update(self._take(want, interrupted))
            steps[want], seconds[want] = self.snapshot.step, time.perf_counter() - start
        self._details = dataclasses.replace(self._details, steps=steps, seconds=seconds, **found)
        return self._details

    def forget(self, kept: Set[Want]) -> None:
        """Drop the measurements that nobody wants any more."""
        details, empty = self._details, Details()
        gone: dict[str, Any] = {name: getattr(empty, name) for want in set(Want) - set(kept) for name in PARTS[want]}
        steps = {want: step for want, step in details.steps.items() if want in kept}
        seconds = {want: cost for want, cost in details.seconds.items() if want in kept}
        self._details = dataclasses.replace(details, steps=steps, seconds=seconds, **gone)

    def _take(self, want: Want, interrupted: Callable[[], bool]) -> dict[str, Any]:
        if want is Want.SURFACE:
            return {"surface": self._surface(interrupted)}
        network = self.trainer.network
        with self.trainer.at_last_step():
            if want is Want.STATISTICS:
                full_gradient = cache(lambda: self._full_gradient(interrupted))
                return {"statistics": statistics.take(Subject(network, full_gradient))}
            layers, scale = network.layers, network.loss_scale
            return {
                "activations": magnitudes([layer.output.value for layer in layers]),
                "deltas": magnitudes([layer.linear.grad for layer in layers], scale),
                "weights": magnitudes([layer.linear.W for layer in layers]),
                "weight_grads": magnitudes([layer.linear.W_grad for layer in layers], scale),
            }

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
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return the verdicts on the current step, the most urgent first; the rules run once for each step."""
        state = self.snapshot, self.experiment, self._details
        before, findings = self._diagnosed
        if before is None or any(a is not b for a, b in zip(state, before, strict=True)):
            findings = diagnose(self.case())
            self._diagnosed = state, findings
        return findings

    def frame(self, state: State, steps_per_second: float = 0.0) -> Frame:
        """Return what there is to see now."""
        return Frame(
            build=self.build,
            experiment=self.experiment,
            topology=self.trainer.topology,
            snapshot=self.snapshot,
            history=self.history.view(),
            details=self._details,
            findings=self.findings(),
            state=state,
            steps_per_second=steps_per_second,
            edits=self.edits,
            ending=self.ending,
        )

    def _full_gradient(self, interrupted: Callable[[], bool]) -> Array:
        if interrupted():
            raise Interrupted
        trainer = self.trainer
        return trainer.evaluator.gradient(*trainer.training_set)

    def _surface(self, interrupted: Callable[[], bool]) -> Surface:
        evaluator = self.trainer.evaluator

        def outputs(x: Array) -> Array:
            pieces = []
            for start in range(0, len(x), evaluator.PIECE):
                if interrupted():
                    raise Interrupted
                pieces.append(evaluator.outputs(x[start : start + evaluator.PIECE]))
            return np.concatenate(pieces)

        return surface.measure(outputs, self.experiment.data, self.experiment.seed, self.trainer.loss_name)
