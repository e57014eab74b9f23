"""The budget of dear measurements, on a clock that the test moves."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.sim.budget import Budget

INTERVAL = 0.1


class Bench:
    """Measurements of fixed costs, each taken as soon as it may be, and a clock that only they and idling move."""

    def __init__(self, costs: dict[str, float], share: float) -> None:
        self.costs, self.now = costs, 0.0
        self.budget: Budget[str] = Budget(share, INTERVAL)
        self.taken: list[tuple[str, float]] = []

    def run(self, seconds: float, tick: float = 0.01) -> None:
        """Let time pass in ticks, in each of which whatever is ready runs."""
        end = self.now + seconds
        while self.now < end:
            ready = [name for name in self.costs if self.budget.due(name, len(self.costs)) <= self.now]
            for name in sorted(ready):
                self.taken.append((name, self.now))
                self.now += self.costs[name]
            self.budget.spent({name: self.costs[name] for name in ready}, self.now)
            self.now += tick

    def spent(self, name: str) -> float:
        """Return the seconds a measurement has taken altogether."""
        return sum(self.costs[taken] for taken, _ in self.taken if taken == name)


costs = st.dictionaries(st.sampled_from("abcd"), st.floats(1e-4, 3.0), min_size=1)


@given(costs, st.sampled_from([0.05, 0.1, 0.3]))
@settings(max_examples=40, deadline=None)
def test_all_measurements_together_take_at_most_their_share_of_the_time(costs: dict[str, float], share: float) -> None:
    bench = Bench(costs, share)
    bench.run(100.0, tick=0.05)
    # What a measurement costs is known only once it has run.
    later = sum(bench.spent(name) - cost for name, cost in costs.items())
    assert later <= share * bench.now


@given(costs)
@settings(max_examples=40, deadline=None)
def test_every_measurement_has_its_turn_and_a_dear_one_keeps_no_cheap_one_waiting(costs: dict[str, float]) -> None:
    bench = Bench(costs, share=0.1)
    bench.run(200.0, tick=0.05)
    counts = {name: sum(taken == name for taken, _ in bench.taken) for name in costs}
    for cheap in costs:
        for dear in costs:
            # Equal but for the grid of ticks and for running behind one another.
            assert counts[cheap] >= 0.9 * counts[dear] - 2 or costs[cheap] > costs[dear]
    assert min(counts.values()) >= 2


def test_cheap_measurement_runs_as_often_as_the_interval_lets_it() -> None:
    bench = Bench({"cheap": 1e-4}, share=0.5)
    bench.run(10.0, tick=0.01)
    times = [time for _, time in bench.taken]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(INTERVAL <= gap < INTERVAL + 0.03 for gap in gaps)


def test_dear_measurement_waits_for_its_part_of_the_share() -> None:
    """Two share a tenth: a measurement of half a second may run again ten seconds after it ended."""
    budget: Budget[str] = Budget(0.1, INTERVAL)
    budget.spent({"dear": 0.5}, now=20.0)
    assert budget.due("dear", among=2) == pytest.approx(30.0)
    assert budget.due("dear", among=1) == pytest.approx(25.0)


def test_what_never_ran_may_run_at_once() -> None:
    budget: Budget[str] = Budget(0.1, INTERVAL)
    assert budget.due("new", among=2) == 0.0


def test_the_last_cost_decides() -> None:
    """A measurement that has become cheap, after a rebuild with a smaller network, is taken more often again."""
    budget: Budget[str] = Budget(0.1, INTERVAL)
    budget.spent({"a": 5.0}, now=10.0)
    budget.spent({"a": 0.001}, now=60.0)
    assert budget.due("a", among=1) == pytest.approx(60.0 + INTERVAL)
