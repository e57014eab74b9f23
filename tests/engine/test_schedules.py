"""Schedules: the factors by hand, beside torch's schedulers, and sound for every plan."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from gradflow.engine.schedules import SCHEDULES, Plan, Schedule, warmup

every = pytest.mark.parametrize("name", SCHEDULES)

PLAN = Plan(steps=100, every=30, factor=0.5, final_fraction=0.1, patience=2)

fractions = st.floats(0.0, 1.0)
counts = st.integers(0, 10**7)
plans = st.builds(
    Plan,
    steps=counts,
    warmup_steps=counts,
    every=st.integers(1, 10**7),
    factor=fractions,
    final_fraction=fractions,
    patience=st.integers(0, 100),
)


def make(name: str, plan: Plan = PLAN) -> Schedule:
    """Return a schedule at its start."""
    return SCHEDULES[name].part(plan)


def factors(name: str, steps: Sequence[int], plan: Plan = PLAN) -> list[float]:
    """Return the factors of these steps."""
    made = make(name, plan)
    return [made.factor(step) for step in steps]


# By hand


BY_HAND: dict[str, tuple[list[int], list[float]]] = {
    "constant": ([0, 99, 1000], [1.0, 1.0, 1.0]),
    "step": ([0, 29, 30, 59, 60, 99, 100, 1000], [1.0, 1.0, 0.5, 0.5, 0.25, 0.125, 0.125, 0.125]),
    "exponential": ([0, 15, 30, 60, 90], [1.0, 0.5**0.5, 0.5, 0.25, 0.125]),
    # 0.1 + 0.9·(1 + cos)/2 at cos = 1, ½, 0, −1
    "cosine": ([0, 50, 100, 150, 1000], [1.0, 0.55, 0.1, 0.1, 0.1]),
    "reduce-on-plateau": ([0, 100, 1000], [1.0, 1.0, 1.0]),
    # The summit of 100 steps is number 29, the end number 99.
    "one-cycle": ([0, 29, 64, 99, 100, 1000], [0.04, 1.0, 0.55, 0.1, 0.1, 0.1]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_factors_by_hand(name: str) -> None:
    steps, expected = BY_HAND[name]
    np.testing.assert_allclose(factors(name, steps), expected, rtol=1e-14)


def test_every_registered_schedule_has_its_numbers_here() -> None:
    assert set(SCHEDULES) == set(BY_HAND)


def test_plateau_reduces_after_more_than_patience_losses_without_improvement() -> None:
    """Patience 2 bears two; an improvement of less than 10⁻⁴ of the best is none."""
    schedule = make("reduce-on-plateau")
    seen = []
    for loss in (1.0, 0.9, 0.95, 0.89995, 0.9, 0.5, 0.6, 0.6, 0.6, 0.6, 0.6, math.nan):
        schedule.observe(loss)
        seen.append(schedule.factor(7))
    assert seen == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_warm_up_rises_by_equal_steps_and_multiplies_the_schedule() -> None:
    assert [warmup(step, 4) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert warmup(0, 0) == warmup(0, 1) == 1.0


def test_one_cycle_without_a_final_fraction_ends_where_torchs_does() -> None:
    assert factors("one-cycle", [99], Plan(100)) == pytest.approx([1 / 250_000])


# Beside torch


def torch_factors(make_scheduler: Callable[[Any, Any], Any], steps: int, losses: Sequence[float] = ()) -> list[float]:
    """Return the learning rates that torch takes from a base rate of 1."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make_scheduler(torch.optim.lr_scheduler, optimizer)
    taken = []
    for step in range(steps):
        taken.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step(*losses[step : step + 1])
    return taken


def one_cycle(plan: Plan) -> Callable[[Any, Any], Any]:
    """Return a maker of torch's OneCycleLR that ends at the plan's final fraction."""
    final = 1e4 if not plan.final_fraction else 1 / (25 * plan.final_fraction)
    return lambda s, o: s.OneCycleLR(o, 1.0, plan.steps, cycle_momentum=False, final_div_factor=final)


TWINS: dict[str, Callable[[Plan], Callable[[Any, Any], Any]]] = {
    "constant": lambda plan: lambda s, o: s.ConstantLR(o, factor=1.0),
    "step": lambda plan: lambda s, o: s.StepLR(o, plan.every, plan.factor),
    "exponential": lambda plan: lambda s, o: s.ExponentialLR(o, plan.factor ** (1 / plan.every)),
    "cosine": lambda plan: lambda s, o: s.CosineAnnealingLR(o, plan.steps, plan.final_fraction),
    "one-cycle": one_cycle,
}
PLANS = {
    "usual": PLAN,
    "to nothing": Plan(steps=60, every=7, factor=0.3),
    "of one step": Plan(steps=1, every=1),
    "of two steps": Plan(steps=2, every=2, factor=0.9, final_fraction=0.5),
    "of ten steps": Plan(steps=10, every=3),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("name", TWINS)
def test_every_step_of_the_run_has_torchs_learning_rate(name: str, plan: Plan) -> None:
    expected = torch_factors(TWINS[name](plan), plan.steps)
    np.testing.assert_allclose(factors(name, range(plan.steps), plan), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("steps", [1, 2, 5, 40])
@pytest.mark.parametrize("name", ["constant", "step", "exponential"])
def test_warm_up_composed_with_a_schedule_is_torchs_chain_of_both(name: str, steps: int) -> None:
    def chain(s: Any, optimizer: Any) -> Any:
        rising = s.LinearLR(optimizer, start_factor=1 / steps, total_iters=steps - 1)
        return s.ChainedScheduler([rising, TWINS[name](PLAN)(s, optimizer)], optimizer)

    warm = dataclasses.replace(PLAN, warmup_steps=steps)
    np.testing.assert_allclose(factors(name, range(100), warm), torch_factors(chain, 100), rtol=1e-12)


@pytest.mark.parametrize("patience", [0, 1, 4])
def test_plateau_reduces_when_torch_does(patience: int) -> None:
    """On a loss that falls, stalls and jumps about; torch ignores changes below 1e-8, so not too many reductions."""
    rng = np.random.default_rng(patience)
    losses = [*np.exp(-np.arange(30) / 10), *(0.05 + 0.01 * rng.standard_normal(40)), math.nan, -1.0, -1.0, -2.0]
    plan = Plan(steps=len(losses), factor=0.8, patience=patience)
    expected = torch_factors(
        lambda s, o: s.ReduceLROnPlateau(o, factor=0.8, patience=patience), len(losses), [float(x) for x in losses]
    )
    schedule, found = make("reduce-on-plateau", plan), []
    for step, loss in enumerate(losses):
        found.append(schedule.factor(step))
        schedule.observe(float(loss))
    assert found == pytest.approx(expected, rel=1e-12)
    assert found[-1] < 1.0


# Every schedule and every plan


@every
@given(plan=plans, steps=st.lists(counts, max_size=8), losses=st.lists(st.floats(), max_size=40))
def test_factor_is_a_number_between_nothing_and_the_base_rate(
    name: str, plan: Plan, steps: list[int], losses: list[float]
) -> None:
    schedule = make(name, plan)
    for loss in losses:
        schedule.observe(loss)
    for step in (0, plan.steps, *steps):
        assert 0.0 <= schedule.factor(step) <= 1.0


@every
@given(plan=plans, beyond=counts)
def test_factor_stays_where_the_run_ended(name: str, plan: Plan, beyond: int) -> None:
    schedule = make(name, plan)
    assert schedule.factor(plan.steps + beyond) == schedule.factor(plan.steps)


@every
@given(plan=plans, step=counts)
def test_warm_up_multiplies_every_schedule(name: str, plan: Plan, step: int) -> None:
    cold = dataclasses.replace(plan, warmup_steps=0)
    expected = make(name, cold).factor(step) * warmup(min(step, plan.steps), plan.warmup_steps)
    assert make(name, plan).factor(step) == expected


@every
def test_asking_for_a_factor_changes_nothing(name: str) -> None:
    """A view may draw the schedule ahead of the run."""
    schedule = make(name)
    asked = [schedule.factor(step) for step in (5, 99, 5, 0, 50, 5)]
    assert asked[0] == asked[2] == asked[5]


@every
def test_plan_may_be_replaced_while_training(name: str) -> None:
    schedule = make(name)
    schedule.plan = Plan(steps=1000, every=10, factor=0.9)
    assert [schedule.factor(k) for k in (0, 500, 1000)] == factors(name, [0, 500, 1000], schedule.plan)
