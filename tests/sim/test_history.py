"""The record: it grows, it thins, it stays bounded, and what was published never changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim_kit import snapshot, take, validating

from gradflow.sim.history import SCALARS, History
from gradflow.sim.snapshot import Stat

TINY = 1
"""A budget that leaves the smallest record: History.FIRST_ROWS rows."""


def filled(steps: int, budget: int = TINY) -> History:
    history = History(3, budget)
    for step in range(steps):
        history.append(snapshot(step))
    return history


def test_new_record_is_empty() -> None:
    view = History(3).view()
    assert len(view) == 0
    assert view.stats.shape == (0, len(Stat), 3)


def test_rows_hold_the_snapshots_by_name() -> None:
    history, snapshots = History(4), take(validating(), 5)
    for one in snapshots:
        assert history.append(one)
    view = history.view()
    for name in SCALARS:
        np.testing.assert_array_equal(view.column(name), [getattr(one, name) for one in snapshots])
    for norm in Stat:
        np.testing.assert_array_equal(view.stat(norm), [one.stat(norm) for one in snapshots])


def test_record_grows_without_losing_a_step_while_the_budget_lasts() -> None:
    view = filled(3000, budget=64_000_000).view()
    np.testing.assert_array_equal(view.column("step"), np.arange(3000))
    np.testing.assert_array_equal(view.stat(Stat.DELTA)[:, 1], np.arange(3000))


@given(st.integers(0, 5000))
@settings(max_examples=25, deadline=None)
def test_thinned_record_keeps_evenly_spaced_steps_from_the_first_to_the_last(steps: int) -> None:
    history = filled(steps)
    column = history.view().column("step")
    np.testing.assert_array_equal(column, np.arange(0, steps, history.stride))
    assert len(column) <= history.most
    assert history.stride & (history.stride - 1) == 0
    if history.stride > 1:
        assert len(column) >= history.most // 2, "no more is thinned than need be"
    np.testing.assert_array_equal(history.view().stat(Stat.WEIGHT)[:, 0], column)


def test_published_rows_never_change() -> None:
    """Views taken while the record grows, doubles and thins keep their numbers."""
    history, views = History(3, 30_000), []
    for step in range(3000):
        history.append(snapshot(step))
        if step % 97 == 0:
            view = history.view()
            views.append((view, view.scalars.copy(), view.stats.copy()))
    assert history.stride > 1
    for view, scalars, norms in views:
        np.testing.assert_array_equal(view.scalars, scalars)
        np.testing.assert_array_equal(view.stats, norms)


def test_views_are_read_only() -> None:
    view = filled(3).view()
    for array in (view.scalars, view.stats, view.column("step"), view.stat(Stat.DELTA)):
        assert not array.flags.writeable


def test_record_goes_on_after_a_view_was_taken() -> None:
    history = filled(3)
    history.view()
    assert history.append(snapshot(3))
    assert history.view().column("step")[-1] == 3


@pytest.mark.parametrize("layers", [1, 50, 5000])
def test_memory_stays_within_the_budget_or_the_smallest_record(layers: int) -> None:
    history = History(layers, 1_000_000)
    row = 8 * (len(SCALARS) + len(Stat) * layers)
    assert history.most * row <= max(1_000_000, History.FIRST_ROWS * row)
    assert history.most % 2 == 0


def test_append_tells_whether_the_step_was_kept() -> None:
    history = filled(History.FIRST_ROWS + 1)
    assert history.stride == 2
    assert not history.append(snapshot(257))
    assert history.append(snapshot(258))


def test_last_step_of_a_run_is_kept_whatever_its_number() -> None:
    history = filled(1000)
    assert 1001 % history.stride
    assert history.append(snapshot(1001), always=True)
    assert history.view().column("step")[-1] == 1001


def test_a_run_that_goes_on_after_its_last_step_stays_in_order() -> None:
    history = filled(1000)
    history.append(snapshot(1001), always=True)
    for step in range(1002, 4000):
        history.append(snapshot(step))
    column = history.view().column("step")
    assert (np.diff(column) > 0).all()
    assert len(column) <= history.most


def test_a_full_record_makes_room_for_the_last_step() -> None:
    history = filled(History.FIRST_ROWS)
    assert history.append(snapshot(History.FIRST_ROWS + 1), always=True)
    assert history.view().column("step")[-1] == History.FIRST_ROWS + 1
    assert len(history.view()) <= history.most
