"""A run: a trainer, its history, and the measurements taken when somebody looks.

It is what the worker drives on its thread and the command line without one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Set
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gradflow.sim import config, surface
from gradflow.sim.config import Experiment, Training, with_live
from gradflow.sim.diagnosis import diagnose
from gradflow.sim.frame import Frame, LiveEdit, State
from gradflow.sim.history import History
from gradflow.sim.snapshot import Details, Snapshot, Surface
from gradflow.sim.trainer import Trainer

Array = NDArray[np.float64]


class Want(StrEnum):
    """The dear measurements a view can ask for."""

    UNITS = "units"
    MAGNITUDES = "magnitudes"
    SURFACE = "surface"


class Interrupted(Exception):
    """A measurement was given up because something more urgent came."""


EVERYTHING: frozenset[Want] = frozenset(Want)


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
        self._details = Details(step=-1)
        self.begun = False
        self.measured_wants: frozenset[Want] = frozenset()
        self.measuring_seconds = 0.0

    @property
    def experiment(self) -> Experiment:
        """The experiment with its live edits."""
        return self.trainer.experiment

    @property
    def measured_step(self) -> int:
        """The step of the latest measurements, −1 before the first."""
        return self._details.step

    @property
    def finished(self) -> bool:
        """Whether all steps are taken."""
        return self.snapshot.step >= self.experiment.training.steps

    def advance(self) -> Snapshot:
        """Take one step (the first call validates step 0) and record it."""
        self.snapshot = next(self._steps)
        self.history.append(self.snapshot, always=self.finished or not self.snapshot.finite)
        self.begun = True
        return self.snapshot

    def retune(self, training: Training) -> None:
        """Apply a live edit and remember it."""
        if not self.begun:
            # Step 0 was measured with the old values; a run that has not begun simply begins with the new ones.
            self._begin(with_live(self.experiment, training))
            return
        before = self.experiment
        self.trainer.retune(training)
        changed = config.differing(before, self.experiment)
        new = (LiveEdit(self.snapshot.step, path, config.get(self.experiment, path)) for path in changed)
        self.edits = (*self.edits, *(edit for edit in new if edit.path != "training.steps"))

    def measure(self, wants: Set[Want], interrupted: Callable[[], bool] = lambda: False) -> Details:
        """Take the wanted measurements of the current step, and keep them for the frames to come.

        `interrupted` is asked now and then; when it says yes, what was kept before stays and Interrupted is raised.
        """
        start = time.perf_counter()
        probe = self.trainer.probe
        with np.errstate(all="ignore"):
            self._details = Details(
                step=self.snapshot.step,
                units=probe.units() if Want.UNITS in wants else None,
                activations=probe.activation_magnitudes() if Want.MAGNITUDES in wants else None,
                deltas=probe.delta_magnitudes() if Want.MAGNITUDES in wants else None,
                surface=self._surface(interrupted) if Want.SURFACE in wants else None,
            )
        self.measured_wants = frozenset(wants)
        self.measuring_seconds = time.perf_counter() - start
        return self._details

    def frame(self, state: State, steps_per_second: float = 0.0) -> Frame:
        """Return what there is to see now."""
        return Frame(
            build=self.build,
            experiment=self.experiment,
            topology=self.trainer.topology,
            snapshot=self.snapshot,
            history=self.history.view(),
            details=self._details,
            finding=diagnose(self.trainer.topology, self.snapshot),
            state=state,
            steps_per_second=steps_per_second,
            edits=self.edits,
        )

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
