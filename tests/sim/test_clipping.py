"""What is cut and what is rounded away: counts over recorded steps, the range of a precision, and the words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sim_kit import small

from gradflow.engine.precision import PRECISIONS
from gradflow.sim import clipping
from gradflow.sim.clipping import Clipping, NumberRange
from gradflow.sim.details import Want
from gradflow.sim.run import Run


def run_for(steps: int, changes: dict[str, Any]) -> Run:
    """Return a run that has recorded so many steps."""
    run = Run(small(changes))
    for _ in range(steps):
        run.advance()
    return run


def recent(run: Run) -> Clipping:
    return clipping.recent(run.history.view(), run.snapshot, run.experiment)


@pytest.mark.parametrize("limit", ["training.clip_norm", "training.clip_value"])
@pytest.mark.parametrize("precision", ["float64", "float32", "float16"])
def test_a_low_limit_clips_every_step_and_a_high_one_none(limit: str, precision: str) -> None:
    low = recent(run_for(8, {limit: 1e-4, "training.precision": precision}))
    high = recent(run_for(8, {limit: 1e6, "training.precision": precision}))
    assert (low.clipped, low.steps) == (8, 8) and "8 of the last 8 steps" in str(low)
    assert (high.clipped, high.steps) == (0, 8) and "lower limit would cut" in str(high)


def test_only_steps_with_a_limit_are_counted_and_no_more_than_are_recent() -> None:
    run = run_for(5, {})
    run.retune(small({"training.clip_norm": 1e-4}).training)
    assert not recent(run_for(3, {})).active and "clip norm" in str(recent(run_for(3, {})))
    for _ in range(3):
        run.advance()
    assert recent(run).steps == recent(run).clipped == 3
    for _ in range(2 * clipping.RECENT):
        run.advance()
    assert recent(run).steps == recent(run).clipped == clipping.RECENT


def test_before_the_first_recorded_step_the_next_one_is_judged() -> None:
    assert (recent(Run(small({"training.clip_norm": 1e-4}))).clipped) == 1


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_floor_is_the_smallest_number_that_survives_rounding(precision: str) -> None:
    run = Run(small({"training.precision": precision, "training.loss_scale": 8.0}))
    found = run.measure({Want.SIGNAL}).number_range
    assert found is not None and found.title == precision
    tiny = np.array([found.smallest, found.smallest / 4], PRECISIONS[precision].part.dtype)
    PRECISIONS[precision].part().round(tiny)
    assert tiny[0] == found.smallest and (tiny[1] == 0.0)
    assert found.floor == found.smallest / 8.0 and found.normal_floor == found.smallest_normal / 8.0


HALF = NumberRange("float16", 2.0**-14, 2.0**-24, True, 1.0)
DOUBLE = NumberRange("float64", 2.0**-1022, 2.0**-1074, False, 1.0)


@pytest.mark.parametrize(
    ("numbers", "underflow", "words"),
    [
        (DOUBLE, [math.nan, math.nan], ("In float64 nothing above 4.94·10⁻³²⁴ underflows", "float16")),
        (HALF, [0.0, 0.125, 0.1], ("float16 rounds 12 % of δ in layer 2 to 0", "raise the loss scale")),
        (HALF, [0.0, 0.0], ("rounds nothing to 0 here",)),
        (NumberRange("float16", 2.0**-14, 2.0**-24, True, 1024.0), [0.125], ("loss scale 1024",)),
    ],
)
def test_words_name_the_precision_and_what_to_change(
    numbers: NumberRange, underflow: list[float], words: tuple[str, ...]
) -> None:
    said = clipping.underflow_words(numbers, np.array(underflow))
    assert all(part in said for part in words), said
