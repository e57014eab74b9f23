"""Who is examined: patients drawn one by one, each with its disease (or none) and the record of its run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradflow.sim.config import Experiment, edit
from gradflow.sim.trial.disease import DISEASES
from gradflow.sim.trial.healthy import healthy
from gradflow.sim.trial.observe import Record, observe

HEALTHY = "healthy"
HEALTHY_SHARE = 4
"""As many of the experiments are healthy as have any four diseases."""

TRIES = 60
STEPS = 200


@dataclass(frozen=True)
class Patient:
    """One experiment of the trial: the disease it has by construction ("healthy" for none), and its run."""

    disease: str
    record: Record

    @property
    def hit(self) -> bool:
        """Whether the diagnosis said so: the disease at any look, or nothing wrong at all."""
        return not self.record.faults if self.disease == HEALTHY else self.disease in self.record.names


def draw(experiments: int, seed: int, only: str = "") -> Iterator[Patient]:
    """Yield so many patients, the diseases in turn; each follows from the seed and its number alone."""
    turn = [*DISEASES, *[HEALTHY] * HEALTHY_SHARE]
    for number in range(experiments):
        disease = only or turn[number % len(turn)]
        yield examine(disease, np.random.default_rng([seed, number]))


def examine(disease: str, rng: np.random.Generator) -> Patient:
    """Draw experiments until one has the disease (or none), and return it."""
    for _ in range(TRIES):
        changes = healthy(rng, STEPS)
        sound = observe(edit(Experiment(), changes))
        if not _is_well(sound):
            continue
        if disease == HEALTHY:
            return Patient(HEALTHY, sound)
        made = DISEASES[disease].part()
        record = observe(edit(Experiment(), made.infect(rng, changes)))
        if made.is_ill(record, sound):
            return Patient(disease, record)
    raise RuntimeError(f"no experiment with {disease} in {TRIES} tries")


def _is_well(record: Record) -> bool:
    """Return whether a network learns: its loss ends below half of its start and of chance, and does not overfit."""
    learns = record.ended < 0.5 * min(record.started, record.chance)
    return learns and record.validation <= 1.05 * record.least_validation
