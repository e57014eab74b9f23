"""A difference quotient finds a step of its own where the given one is too large."""

from __future__ import annotations

import math

import pytest

from gradflow.sim.lab.settled import settled


def slope_of_sine(frequency: float, step: float) -> tuple[float, str]:
    """Return the central difference of sin(ω·x)/ω at 0, whose slope is 1."""
    return math.sin(frequency * step) / (frequency * step), ""


def test_a_step_that_is_small_enough_is_kept() -> None:
    assert settled(lambda step: slope_of_sine(1.0, step), 1e-5, agree=1e-6).step == 1e-5


def test_where_the_function_bends_strongly_the_step_shrinks() -> None:
    assert abs(slope_of_sine(1e6, 1e-5)[0] - 1.0) > 0.5
    found = settled(lambda step: slope_of_sine(1e6, step), 1e-5, agree=1e-6)
    assert found.value == pytest.approx(1.0, rel=1e-4) and found.step < 1e-7


def test_round_off_does_not_drive_it_on() -> None:
    """Noise of 10⁻¹⁶/ε never agrees to the share that is asked: the first two steps are nearest to each other."""
    noise = iter((1.0, -1.0, 1.0, -1.0, 1.0))
    found = settled(lambda step: (1.0 + next(noise) * 1e-16 / step, ""), 1e-8, agree=1e-12)
    assert found.step == 1e-8


def test_kinks_are_stepped_back_from_and_named_where_that_does_not_help() -> None:
    found = settled(lambda step: (7.0, "a kink of φ") if step > 1e-6 else (1.0, ""), 1e-5, agree=1e-6)
    assert (found.value, found.kinks) == (1.0, "")
    found = settled(lambda step: (7.0, "a kink of φ"), 1e-5, agree=1e-6)
    assert (found.step, found.kinks) == (1e-5, "a kink of φ")


def test_what_is_not_finite_ends_the_search() -> None:
    found = settled(lambda step: (math.nan, "a kink of φ"), 1e-5, agree=1e-6)
    assert math.isnan(found.value) and found.kinks == ""
