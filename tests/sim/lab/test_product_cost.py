"""How many multiplications a chain costs: against loops that count, and against every way to set brackets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from gradflow.sim.lab.product_cost import MOST_FACTORS, count, from_one_or_to_one, in_words, optimal, table

CHAINS = [(2, 5), (3, 4, 2), (2, 6, 6, 6, 1), (1, 7, 3, 5, 4), (4, 1, 6, 2, 9, 3)]


class Counter:
    """Multiplies matrices as a beginner would, and counts."""

    def __init__(self) -> None:
        self.done = 0

    def product(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        found = np.zeros((left.shape[0], right.shape[1]))
        for i in range(left.shape[0]):
            for j in range(right.shape[1]):
                for r in range(left.shape[1]):
                    found[i, j] += left[i, r] * right[r, j]
                    self.done += 1
        return found


def matrices(sizes: Sequence[int]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(sizes[i + 1], sizes[i])) for i in range(len(sizes) - 1)]


def least(sizes: tuple[int, ...]) -> int:
    """Try every way to set brackets."""

    @cache
    def cost(start: int, stop: int) -> int:
        if stop - start == 1:
            return 0
        return min(
            cost(start, cut) + cost(cut, stop) + sizes[start] * sizes[cut] * sizes[stop]
            for cut in range(start + 1, stop)
        )

    return cost(0, len(sizes) - 1)


@pytest.mark.parametrize("sizes", CHAINS, ids=str)
def test_the_counts_are_those_of_loops_that_count(sizes: tuple[int, ...]) -> None:
    forward, reverse, factors = Counter(), Counter(), matrices(sizes)
    product = factors[0]
    for factor in factors[1:]:
        product = forward.product(factor, product)
    again = factors[-1]
    for factor in factors[-2::-1]:
        again = reverse.product(again, factor)
    np.testing.assert_allclose(product, again)
    counts = count(sizes, [False] * len(factors))
    assert (counts.forward, counts.reverse) == (forward.done, reverse.done)
    assert counts.entrywise == counts.reverse
    assert counts.optimal == least(sizes) <= min(counts.forward, counts.reverse)


def test_a_diagonal_factor_costs_one_product_per_entry() -> None:
    assert count((3, 4, 4, 1), [False, True, False]).entrywise == 4 + 4 * 3
    assert count((3, 4, 4, 1), [False, True, False]).reverse == 16 + 12


def test_long_chains_are_counted_without_the_best_order() -> None:
    sizes = [2] * (MOST_FACTORS + 2)
    assert optimal(sizes) is None and optimal(sizes[:-1]) == 8 * (MOST_FACTORS - 1)
    assert np.isnan(table(sizes, [False] * (len(sizes) - 1)).values[2, 0])


def test_huge_chains_do_not_overflow() -> None:
    size = 2_000_000
    assert optimal([size] * 4) == 2 * size**3


def test_one_output_favours_reverse_and_one_input_forward() -> None:
    sizes, plain = (8, 8, 8, 8), [False] * 3
    numbers = table(sizes, plain).values
    assert numbers[1, 2] < numbers[0, 2] and numbers[0, 1] < numbers[1, 1]
    assert in_words((8, 8, 8, 1), count((8, 8, 8, 1), plain)).startswith("Reverse wins 4.5 to 1")
    assert in_words((1, 8, 8, 8), count((1, 8, 8, 8), plain)).startswith("Forward wins 4.5 to 1")
    assert "same" in in_words(sizes, count(sizes, plain))
    assert "nothing to multiply" in in_words((3, 4), count((3, 4), [False]))
    assert from_one_or_to_one((3, 4, 2)) == (
        "From one input alone: forward 8, reverse 8. To one output alone: forward 12, reverse 12."
    )
