"""The forward statistics against closed forms of mean-field theory, at initialisation of wide networks."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from sim_kit import trainer

from gradflow.sim import statistics
from gradflow.sim.subject import Subject

WIDTH, SEEDS = 600, 6


def arc_cosine(correlation: float) -> float:
    """Return the correlation of two inputs behind a ReLU layer of the same length (Cho & Saul 2009)."""
    angle = math.acos(min(correlation, 1.0))
    return (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi


def unchanged(correlation: float) -> float:
    """Return the correlation behind a linear layer."""
    return correlation


@pytest.mark.parametrize(
    ("activation", "scheme", "through"),
    [("relu", "he-normal", arc_cosine), ("identity", "lecun-normal", unchanged)],
)
def test_length_is_kept_and_correlation_follows_its_map(
    activation: str, scheme: str, through: Callable[[float], float]
) -> None:
    """With q kept at every layer, c goes from layer to layer by the arc-cosine kernel, or not at all."""
    lengths, correlations = [], []
    for seed in range(SEEDS):
        run = trainer(
            {
                "data.name": "digits",
                "data.samples": 2,
                "data.validation_fraction": 0.0,
                "network.activation": activation,
                "network.depth": 8,
                "network.width": WIDTH,
                "init.scheme": scheme,
                "seed": seed,
            }
        )
        run.preview()
        subject = Subject(run.network, lambda run=run: run.evaluator.gradient(*run.training_set))
        found = statistics.take(subject, ("z_length", "correlation"))
        lengths.append(found["z_length"][:-1])
        correlations.append(found["correlation"][:-1])
    # ln q of one network scatters by √(5/N) per ReLU layer, that of the mean over the seeds by less.
    growth = np.log(np.array(lengths) / np.array(lengths)[:, :1]).mean(axis=0)
    assert np.abs(growth).max() < 3.0 * math.sqrt(5.0 * 8 / WIDTH / SEEDS)
    # From each network's own first layer on: two samples have one correlation.
    expected = [[start[0]] for start in correlations]
    for curve in expected:
        for _ in range(7):
            curve.append(through(curve[-1]))
    np.testing.assert_allclose(np.mean(correlations, axis=0), np.mean(expected, axis=0), atol=0.04)
