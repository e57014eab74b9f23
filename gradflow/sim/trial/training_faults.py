"""Faults of the training: of the learning rate, the batches, the labels, the schedule."""

from __future__ import annotations

import numpy as np

from gradflow.sim.config import edit
from gradflow.sim.trial.disease import Disease, disease
from gradflow.sim.trial.healthy import Changes, between, on_data, pick, plain, whole
from gradflow.sim.trial.observe import Record, observe


def learns_better(record: Record, sound: Record) -> bool:
    """Return whether the sound network falls below half of its start and of what this one ends at."""
    return not record.diverged and sound.ended < 0.5 * min(sound.started, record.ended)


@disease("diverged", "Numbers that blow up")
def diverged() -> Disease:
    """A learning rate hundreds of times too high for numbers as targets: the run ends in ∞ (that is the test)."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        return plain(
            sound,
            data__name=pick(rng, ("sine", "diabetes")),
            network__activation=pick(rng, ("relu", "leaky-relu", "identity", "elu")),
            init__scheme="he-normal",
            training__optimizer="sgd",
            training__learning_rate=between(rng, 3.0, 300.0),
        )

    return Disease(infect, lambda record, sound: record.diverged, ("rate-too-high",))


@disease("rate-too-high", "Learning rate too high")
def rate_too_high() -> Disease:
    """30 to 1000 times the usual rate; the same network with the usual rate ends at less than half of the loss."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        return sound | {"training.learning_rate": sound["training.learning_rate"] * between(rng, 30.0, 1000.0)}

    return Disease(infect, learns_better)


@disease("catapult", "A start beyond the edge of stability")
def catapult() -> Disease:
    """All samples in a batch and 3 to 60 times the usual rate, from which the loss at first rises by half or more."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        return plain(
            sound,
            training__optimizer="sgd",
            training__momentum=0.0,
            training__batch_size="all",
            training__learning_rate=between(rng, 0.2, 4.0),
            training__precision="float64",
        )

    def is_ill(record: Record, sound: Record) -> bool:
        return not record.diverged and record.peak > 1.5 * record.started

    return Disease(infect, is_ill, ("rate-too-high", "dead-units", "saturated"))


@disease("rate-too-low", "Learning rate too low")
def rate_too_low() -> Disease:
    """A thousandth to a hundred-thousandth of the usual rate, with which the same network ends at less than half."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        return sound | {"training.learning_rate": sound["training.learning_rate"] * between(rng, 1e-5, 1e-3)}

    return Disease(infect, learns_better)


@disease("noise", "Batch noise")
def noise() -> Disease:
    """Batches of 2 to 4 and many wrong labels; the same run with batches of 128 ends at 90 % of the loss or less."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        return plain(
            sound,
            data__name=pick(rng, ("two-moons", "circles", "xor", "blobs")),
            data__label_noise=float(rng.uniform(0.2, 0.35)),
            training__batch_size=whole(rng, 2, 4),
        )

    def is_ill(record: Record, sound: Record) -> bool:
        calm = observe(edit(record.experiment, {"training.batch_size": 128}))
        return not record.diverged and calm.ended < 0.9 * record.ended and record.ended > 0.7 * record.started

    return Disease(infect, is_ill)


@disease("plateau", "Plateau")
def plateau() -> Disease:
    """A schedule that brings the rate to almost 0 while the loss is between 50 % and 90 % of its start.

    The same network with a constant rate ends at less than half of that.
    """

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        every = whole(rng, 5, 40)
        return sound | {
            "training.schedule": "step",
            "training.schedule_every": every,
            "training.schedule_factor": between(rng, 1e-4, 1e-3),
        }

    def is_ill(record: Record, sound: Record) -> bool:
        return 0.55 * record.started < record.ended < 0.85 * record.started and learns_better(record, sound)

    return Disease(infect, is_ill, ("noise",))


@disease("chance", "Loss at chance")
def chance() -> Disease:
    """Labels dealt at random: there is nothing to learn."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        data, classes = pick(
            rng, (({"data.name": "two-moons"}, 2), ({"data.name": "circles"}, 2), ({"data.name": "blobs"}, 3))
        )
        random_labels = {"data.label_noise": 1.0 - 1.0 / classes, "network.depth": min(sound["network.depth"], 6)}
        return on_data(sound, data) | random_labels

    return Disease(infect, causes=("noise", "plateau", "rate-too-low"))


@disease("overfitting", "Overfitting")
def overfitting() -> Disease:
    """Few samples with wrong labels, learnt by heart: validation ends 1.3 times above its least."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        return plain(
            sound,
            data__name=pick(rng, ("two-moons", "circles", "xor")),
            data__samples=whole(rng, 60, 160),
            data__noise=0.2,
            data__label_noise=float(rng.uniform(0.1, 0.3)),
            data__validation_fraction=0.4,
            network__depth=whole(rng, 2, 4),
            network__width=64,
            training__optimizer="adam",
            training__learning_rate=between(rng, 3e-3, 1e-2),
            training__precision="float64",
        )

    def is_ill(record: Record, sound: Record) -> bool:
        return record.validation > 1.3 * record.least_validation and record.ended < 0.5 * record.started

    return Disease(infect, is_ill)
