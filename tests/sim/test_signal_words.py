"""What the forward signal and the update ratio say in words, and the curves behind them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_kit import small, snapshot

from gradflow.sim import forward, update_ratio
from gradflow.sim.condense import largest, mean_cosine, most_alike, offset, rms
from gradflow.sim.forward import settled
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Stat


def run_for(steps: int, changes: dict[str, Any]) -> Run:
    """Return a run that has recorded so many steps."""
    run = Run(small(changes))
    for _ in range(steps):
        run.advance()
    return run


# The fixed point.


@pytest.mark.parametrize(
    ("curve", "level"),
    [
        ([1.0, 0.6, 0.5, 0.5, 0.5, 0.5, 9.0], 0.5),
        ([1.0, 1.0, 1.0, 7.0], 1.0),
        (0.9 ** np.arange(30.0), math.nan),
        ([0.5, 0.5, 0.5], math.nan),
        ([0.5], math.nan),
        ([], math.nan),
        ([1.0, math.nan, 0.5, 0.5, math.nan, 0.5], math.nan),
        ([0.0] * 8, 0.0),
    ],
)
def test_a_fixed_point_is_where_the_hidden_layers_have_come_to_rest(curve: Any, level: float) -> None:
    assert settled(np.array(curve, float)) == pytest.approx(level, nan_ok=True)


# In words.


@pytest.mark.parametrize(
    ("lengths", "correlation", "words"),
    [
        ([1.0, 0.5, 0.9, 5.0], [0.1, 0.2, 0.3, 0.0], ("From layer 1 to 3", "within a factor of 10", "0.30 in layer 3")),
        ([1.0, 1e-3, 1e-6, 1.0], [0.1, 0.5, 0.995, 0.0], ("shrinks ×1.00·10⁻⁶", "takes all inputs", "0.9950")),
        ([1.0, 1e3, 1e6, 1.0], [0.0, 0.0, -1e-9, 0.0], ("grows ×1.00·10⁶", "correlation 0.00")),
        ([1.0, 1.0, 0.0, 0.0], [0.0, 0.0, math.nan, 0.0], ("falls to zero", "fewer than two")),
        ([1.0, 1e-300, 5e-324, 1.0], [0.0, 0.0, -0.25, 0.0], ("shrinks", "−0.25")),
        ([5e-324, 1.0, 1e300, 1.0], [0.0, 0.0, 1.0, 0.0], ("beyond all measure", "above 0.9999")),
        ([0.0, 0.0, 0.0], [math.nan] * 3, ("zero in layer 1",)),
        ([1.0, math.inf, math.nan, 1.0], [0.0] * 4, ("no longer finite",)),
        ([2.0], [0.5], ("In layer 1 mean z² is 2", "0.50 in layer 1")),
        ([2.0, 3.0], [0.5, 0.1], ("In layer 1",)),
    ],
)
def test_the_signal_in_words(lengths: list[float], correlation: list[float], words: tuple[str, ...]) -> None:
    with np.errstate(all="raise", under="ignore"):
        said = forward.in_words({"z_length": np.array(lengths), "correlation": np.array(correlation)})
    assert all(part in said for part in words), said


def moving(update: list[float], weight: list[float]) -> str:
    """Return the words for steps and weights of these norms."""
    made = snapshot(layers=len(update))
    stats = made.stats.copy()
    stats[Stat.UPDATE.row], stats[Stat.WEIGHT.row] = update, weight
    object.__setattr__(made, "stats", stats)
    return update_ratio.in_words(made)


@pytest.mark.parametrize(
    ("update", "weight", "words"),
    [
        ([1e-3, 1e-3, 1e-3], [1.0, 1.0, 1.0], ("median layer moves by 0.001 ",)),
        ([0.2, 0.1, 0.3], [1.0, 1.0, 1.0], ("forget",)),
        ([1e-7, 1e-5, 1e-8], [1.0, 1.0, 1.0], ("learning is slow", "3.0 decades")),
        ([0.0, 1e-3], [1.0, 1.0], ("The layer moves", "1 of 2 layers stand still")),
        ([0.0, 0.0], [1.0, 1.0], ("No layer moves",)),
        ([1.0, 1.0], [0.0, 0.0], ("No layer moves",)),
        ([math.inf, 1.0], [1.0, 1.0], ("no longer finite",)),
        ([math.nan, 1.0], [1.0, 1.0], ("no longer finite",)),
    ],
)
def test_the_update_ratio_in_words(update: list[float], weight: list[float], words: tuple[str, ...]) -> None:
    said = moving(update, weight)
    assert all(part in said for part in words), said


# The update ratio over the steps.


def test_ratios_of_recorded_steps_are_those_of_their_snapshots() -> None:
    run, snapshots = Run(small({"training.optimizer": "adam"})), []
    for _ in range(60):
        snapshots.append(run.advance())
    history = run.history.view()
    expected = np.array([snapshot.update_ratio for snapshot in snapshots])
    np.testing.assert_array_equal(history.update_ratio(slice(None)), expected)
    low, high = update_ratio.recent_range(history)
    np.testing.assert_array_equal(low, expected[-update_ratio.RECENT :].min(axis=0))
    np.testing.assert_array_equal(high, expected[-update_ratio.RECENT :].max(axis=0))


def test_layers_without_weights_and_runs_without_steps_have_no_range() -> None:
    empty = update_ratio.recent_range(Run(small()).history.view())
    assert np.isnan(empty).all() and empty[0].shape == (4,)
    assert np.isnan(update_ratio.recent_range(run_for(2, {"init.scheme": "zeros"}).history.view())[0]).all()


def test_a_run_that_blows_up_has_the_range_of_what_is_finite() -> None:
    run = Run(small({"network.activation": "identity", "training.learning_rate": 1e6, "init.scale": 10.0}))
    while run.snapshot.finite:
        run.advance()
    low, high = update_ratio.recent_range(run.history.view())
    assert np.isfinite(low).all() and (low <= high).all()


def test_the_course_ends_with_the_last_step_and_leaves_out_what_stands_still() -> None:
    run = run_for(300, {"training.freeze": 1})
    steps, logs = update_ratio.course(run.history.view(), 100, np.array([0, 3]))
    assert len(steps) <= 101 and steps[-1] == 299 and (np.diff(steps) > 0).all()
    assert np.isnan(logs[:, 0]).all()
    assert logs[-1, 1] == pytest.approx(math.log10(run.snapshot.update_ratio[3]))
    nothing, _ = update_ratio.course(Run(small()).history.view(), 100, np.array([0]))
    assert not nothing.size


@given(count=st.integers(1, 3000), most=st.integers(2, 20), picked=st.none() | st.integers(0, 4000))
def test_layers_are_spread_from_the_first_to_the_last_with_the_picked_one(
    count: int, most: int, picked: int | None
) -> None:
    chosen = update_ratio.spread_layers(count, most, picked)
    assert len(chosen) == min(count, most) == len(set(chosen.tolist())) and (np.diff(chosen) > 0).all()
    assert picked is None or picked >= count or picked in chosen
    assert picked is not None or (chosen[0] == 0 and chosen[-1] == count - 1)


# Condensing.


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_condensed_numbers_survive_squares_that_leave_the_range(size: float) -> None:
    values = np.array([[3.0, -4.0], [0.0, 5.0]]) * size
    assert rms(values) == pytest.approx(math.sqrt(12.5) * size, rel=1e-14)
    assert offset(values) == pytest.approx(1.0 / math.sqrt(12.5), rel=1e-14)
    assert mean_cosine(values) == pytest.approx(-0.8, rel=1e-14)
    assert most_alike(values) == pytest.approx(4.0 / math.sqrt(41.0), rel=1e-12)
    assert largest(values) == 5.0 * size


@pytest.mark.parametrize("count", [255, 256, 257, 600])
def test_columns_are_compared_block_by_block_with_all_others(count: int) -> None:
    values = np.random.default_rng(count).normal(size=(40, count))
    directions = values / np.linalg.norm(values, axis=0)
    cosines = np.abs(directions.T @ directions) - np.eye(count)
    assert most_alike(values) == pytest.approx(cosines.max(), rel=1e-12)
    # The first and the last column are never in one block, unless all are.
    values[:, -1] = -2.0 * values[:, 0]
    asked: list[None] = []
    assert most_alike(values, lambda: asked.append(None)) == pytest.approx(1.0, rel=1e-12)
    assert len(asked) == -(-count // 256)


def test_what_has_no_direction_is_left_out() -> None:
    assert math.isnan(offset(np.zeros(3))) and math.isnan(mean_cosine(np.zeros((3, 2))))
    assert math.isnan(mean_cosine(np.ones((1, 2)))) and math.isnan(most_alike(np.ones((3, 1))))
    assert mean_cosine(np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])) == 1.0
    assert mean_cosine(np.full((64, 7), 0.1, np.float32)) == 1.0
