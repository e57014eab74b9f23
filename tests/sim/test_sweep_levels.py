"""The colours of a map: their range follows the cells, and its ticks are round numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradflow.sim.sweep import Axis, Scale, Sweep, levels


def ends(values: list[float], scale: Scale) -> tuple[float, float]:
    """Return the numbers at both ends of the colours, found from two ticks."""
    found = levels(np.array(values), scale)
    (a, b), (p, q) = found.ticks[[0, -1]], found.places[[0, -1]]
    low = a - p * (b - a) / (q - p)
    high = b + (1.0 - q) * (b - a) / (q - p)
    return (10.0**low, 10.0**high) if found.decades else (low, high)


@pytest.mark.parametrize(
    ("scale", "values", "expected"),
    [
        # A ratio: symmetric in decades, at least a factor of two, at most ten decades.
        (Scale.RATIO, [-2.9, 1.0], (1e-3, 1e3)),
        (Scale.RATIO, [0.1, -0.45], (1 / 3, 3.0)),
        (Scale.RATIO, [0.001], (0.5, 2.0)),
        (Scale.RATIO, [-300.0, 2.0, -math.inf], (1e-10, 1e10)),
        (Scale.RATIO, [math.nan], (0.5, 2.0)),
        # Many decades: powers of ten; few: round numbers.
        (Scale.DECADES, [0.003, 2.3], (1e-3, 10.0)),
        (Scale.DECADES, [0.31, 0.58], (0.3, 0.6)),
        (Scale.DECADES, [0.693, 0.6931], (0.6, 0.7)),
        (Scale.DECADES, [0.5, 0.6, 0.7, 1e200], (0.1, 1e10)),
        (Scale.SHARE, [0.62, 0.96], (0.6, 1.0)),
        (Scale.SHARE, [0.15, 0.61], (0.1, 0.7)),
        (Scale.SHARE, [1.0, 1.0], (0.98, 1.0)),
        (Scale.STEPS, [12.0, 148.0], (0.0, 150.0)),
        (Scale.EITHER, [0.0], (0.0, 1.0)),
    ],
)
def test_the_range_follows_the_cells(scale, values, expected):
    assert ends(values, scale) == pytest.approx(expected)


@pytest.mark.parametrize("scale", Scale)
def test_every_number_is_between_the_ends_and_keeps_its_place_in_the_order(scale):
    rng = np.random.default_rng(0)
    for width in rng.uniform(1e-3, 1.0, size=50):
        values = {
            Scale.RATIO: 9.0 * width * rng.normal(size=9).clip(-1, 1),
            Scale.DECADES: 10.0 ** (9.0 * width * rng.uniform(size=9)),
            Scale.SHARE: 0.5 + 0.5 * width * rng.uniform(-1, 1, size=9),
            Scale.STEPS: np.round(100 * width * rng.uniform(size=9)),
            Scale.EITHER: np.array([0.0, 1.0] * 4),
        }[scale]
        found = levels(values, scale)
        assert found.shares.min() >= -1e-9 and found.shares.max() <= 1.0 + 1e-9
        assert not found.below and not found.above
        assert np.array_equal(np.argsort(found.shares, kind="stable"), np.argsort(values, kind="stable"))
        assert 2 <= len(found.ticks) <= 21 and np.all(np.diff(found.places) > 0)
        assert found.places.min() >= -1e-9 and found.places.max() <= 1.0 + 1e-9


def test_what_is_beyond_the_ends_is_known():
    found = levels(np.array([-40.0, -math.inf, 1.0, math.nan]), Scale.RATIO)
    assert found.below and not found.above
    assert (found.shares[:2] < 0.0).all() and math.isnan(found.shares[3])
    # A loss of zero is less than every other one.
    found = levels(np.array([0.0, 0.5, math.inf]), Scale.DECADES)
    assert found.below and found.above and found.shares[0] == -math.inf and found.shares[2] == math.inf
    # Ends that are passed have ticks of their own.
    found = levels(np.array([0.0, 0.41, 1.3, math.inf]), Scale.DECADES)
    assert list(10.0**found.ticks) == pytest.approx([0.4, 0.5, 1.0, 2.0]) and found.places[[0, -1]].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("x", "measure", "words"),
    [
        ("init.scale=0.1:10:21:log", "gradient-ratio", "init scale 0.1 to 10 (21 values, logarithmic) × depth 2, 4 · "),
        ("init.scale=0.1:10:21:log", "gradient-ratio", "· gradient, first / last layer at initialisation"),
        ("init.scale=1:2:5", "train-loss", "init scale 1 to 2 (5 values) × "),
        ("network.activation=tanh,relu", "train-loss", "activation tanh, relu × "),
        ("init.scale=1,2", "train-loss", "final training loss, 150 steps per cell"),
        ("init.scale=1,2", "steps-to-loss", "steps to reach the loss goal of 0.25, 150 steps per cell"),
        ("training.steps=10,20", "train-loss", "steps 10, 20 × depth 2, 4 · final training loss"),
    ],
)
def test_a_sweep_in_words(fast, x, measure, words):
    sweep = Sweep(fast({"training.steps": 150}), Axis.parse(x), Axis.parse("network.depth=2,4"), measure, 0.25)
    found = sweep.words(measure)
    assert words in found and ("per cell" in found) == (measure != "gradient-ratio" and not x.startswith("training"))
