"""Running one experiment of a trial and writing down what the diagnosis says of it on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradflow.sim.config import Experiment
from gradflow.sim.details import Want
from gradflow.sim.finding import Finding, Severity
from gradflow.sim.run import Run
from gradflow.sim.stability import BOUNDED

LOOKS = (0.0, 0.05, 0.25, 0.5, 0.75, 1.0)
"""When the diagnosis is asked, as shares of the run."""

EARLY = 20
"""So many steps are the first ones."""

CHECKUP_EVERY = 4
"""A window that is open looks at least as often."""

FAULTS = (Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True)
class Record:
    """One run: the findings of every look, the losses, and how good the network is at last.

    `peak` is the highest loss of the first steps.
    """

    experiment: Experiment
    looks: tuple[tuple[Finding, ...], ...]
    started: float
    ended: float
    validation: float
    least_validation: float
    chance: float
    diverged: bool
    never_on: float
    peak: float

    @property
    def names(self) -> frozenset[str]:
        """The names of everything that was found."""
        return frozenset(finding.name for look in self.looks for finding in look)

    @property
    def faults(self) -> frozenset[str]:
        """The names of the faults, without notes and good news."""
        return frozenset(finding.name for look in self.looks for finding in look if finding.severity in FAULTS)

    @property
    def first(self) -> str:
        """The name of the most urgent finding of the first look that found a fault, "healthy" without any."""
        return next((look[0].name for look in self.looks if look[0].severity in FAULTS), "healthy")

    def before(self, name: str) -> frozenset[str]:
        """Return what stands before a finding at the first look that has it."""
        for look in self.looks:
            names = [finding.name for finding in look]
            if name in names:
                return frozenset(names[: names.index(name)])
        return frozenset()

    def last_saying(self, name: str) -> Finding | None:
        """Return the finding of this name of the latest look that has it."""
        found = (finding for look in reversed(self.looks) for finding in look if finding.name == name)
        return next(found, None)


def observe(experiment: Experiment) -> Record:
    """Run an experiment to its end and ask the diagnosis now and then."""
    run = Run(experiment)
    run.forecast.glance()
    steps = experiment.training.steps
    when = {round(share * steps) for share in LOOKS}
    looks = []
    while True:
        snapshot = run.advance()
        over = run.finished or not snapshot.finite
        if snapshot.finite and (over or not snapshot.step) and experiment.training.optimizer in BOUNDED:
            run.measure({Want.SHARPNESS})
        if snapshot.step in when or over:
            looks.append(run.findings())
        elif snapshot.step % CHECKUP_EVERY == 0:
            run.case()
        if over:
            break
    losses, validation = (run.history.view().column(name) for name in ("train_loss", "validation_loss"))
    validation = validation[~np.isnan(validation)]
    trainer = run.trainer
    with np.errstate(all="ignore"):
        now = trainer.evaluator.score(trainer.split.x_validation, trainer.validation_targets)[0]
    return Record(
        experiment,
        tuple(looks),
        float(losses[0]),
        float(np.median(losses[-max(len(losses) // 8, 1) :])) if run.snapshot.finite else math.inf,
        now if run.snapshot.finite else math.inf,
        float(validation.min()) if len(validation) else math.nan,
        trainer.topology.chance_loss,
        not run.snapshot.finite,
        _never_on(run),
        float(losses[: EARLY + 1].max()),
    )


def _never_on(run: Run) -> float:
    """Return the largest share of units of a layer that no training sample switches on, nan but for plain ReLU."""
    layers = run.trainer.network.layers[:-1]
    relu = all(layer.activation == "relu" for layer in run.trainer.topology.layers[:-1])
    if not (relu and run.snapshot.finite and all(layer.norm is None for layer in layers)):
        return math.nan
    x, worst = run.trainer.training_set[0], 0.0
    for layer in layers:
        x = np.maximum(x @ layer.linear.W + layer.linear.b, 0.0)
        worst = max(worst, float((x == 0.0).all(axis=0).mean()))
    return worst
