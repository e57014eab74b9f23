"""How many multiplications a product of matrices costs, by the order in which it is worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradflow.sim.lab.pause import breathe
from gradflow.sim.lab.table import Table
from gradflow.sim.words import counted, spell

ORDERS = {
    "forward": "forward order",
    "reverse": "reverse order",
    "optimal": "best order",
    "entrywise": "reverse, φ′ entry by entry",
}
"""The orders, as fields and in words."""

COUNTED = (
    "Counted for one sample, all matrices dense: (a, b) · (b, c) takes a·b·c multiplications. To work "
    "out the factors, and ∂L/\u2060∂W, comes on top. Paths counts one for each edge between neurons, w·φ′ being one "
    "number."
)
"""What is counted, in words."""

MOST_FACTORS = 300
"""Up to here the best order is looked for: the work grows with the third power."""


@dataclass(frozen=True)
class ProductCost:
    """What a chain of dense matrices from n₀ inputs through n₁, n₂, … to n_k outputs costs.

    `forward` begins at the input (Jacobian times Jacobian), `reverse` at the output, `optimal` is the least of all
    orders (None: too many factors to look), `entrywise` is reverse with diagonal factors multiplied entry by entry, as
    backprop does it.
    """

    forward: int
    reverse: int
    optimal: int | None
    entrywise: int


def count(sizes: Sequence[int], diagonal: Sequence[bool]) -> ProductCost:
    """Count for factors between points of these sizes, of which some are diagonal."""
    return ProductCost(forward(sizes), reverse(sizes), optimal(sizes), reverse(sizes, diagonal))


def forward(sizes: Sequence[int]) -> int:
    """Return the number of multiplications from the input on: n₀·n_l·n_{l+1} for every further factor."""
    return sum(sizes[0] * sizes[i] * sizes[i + 1] for i in range(1, len(sizes) - 1))


def reverse(sizes: Sequence[int], diagonal: Sequence[bool] = ()) -> int:
    """Return the number from the output back: n_k·n_l·n_{l−1} for each further factor, n_k·n_l for a diagonal one."""
    total = 0
    for i in range(len(sizes) - 2):
        cheap = bool(diagonal) and diagonal[i]
        total += sizes[-1] * sizes[i] * (1 if cheap else sizes[i + 1])
    return total


def optimal(sizes: Sequence[int]) -> int | None:
    """Return the least number over all ways to set brackets (matrix-chain dynamic programming), None for too many."""
    factors = len(sizes) - 1
    if factors > MOST_FACTORS:
        return None
    n = [int(size) for size in sizes]
    dtype = np.int64 if max(n, default=0) ** 3 * factors < 2**62 else object
    ends = np.array(n, dtype)
    # best[length][i]: factors i to i + length, both included.
    best = [np.zeros(factors, dtype)]
    for length in range(1, factors):
        breathe()
        starts = np.arange(factors - length)
        outer = ends[starts] * ends[starts + length + 1]
        found = best[0][starts] + best[length - 1][starts + 1] + outer * ends[starts + 1]
        for cut in range(1, length):
            cost = best[cut][starts] + best[length - cut - 1][starts + cut + 1] + outer * ends[starts + cut + 1]
            found = np.minimum(found, cost)
        best.append(found)
    return int(best[-1][0]) if factors else 0


def table(sizes: Sequence[int], diagonal: Sequence[bool]) -> Table:
    """Return the counts of this chain, and of the same chain from a single input and to a single output."""
    variants = {
        f"{sizes[0]} → {sizes[-1]}": sizes,
        f"1 → {sizes[-1]}": [1, *sizes[1:]],
        f"{sizes[0]} → 1": [*sizes[:-1], 1],
    }
    counts = [count(variant, diagonal) for variant in variants.values()]
    values = [[getattr(one, name) for one in counts] for name in ORDERS]
    # What is not known is no number.
    numbers = np.array([[np.nan if value is None else float(value) for value in row] for row in values])
    return Table("Multiplications", list(ORDERS.values()), list(variants), numbers[:, : len(variants)])


def in_words(sizes: Sequence[int], counts: ProductCost) -> str:
    """Say which order wins here, and why."""
    first, last = sizes[0], sizes[-1]
    if len(sizes) < 3:
        return "One factor: there is nothing to multiply."
    if counts.forward == counts.reverse:
        return f"{_ends(first, last)}: both orders cost the same."
    wins, loses = ("Reverse", "Forward") if counts.reverse < counts.forward else ("Forward", "Reverse")
    few, many = (last, first) if wins == "Reverse" else (first, last)
    less, more = sorted((counts.forward, counts.reverse))
    ratio = more / less if less else float("inf")
    what, other = ("output", "input") if wins == "Reverse" else ("input", "output")
    return (
        f"{wins} wins {spell(ratio)} to 1: the product it carries has one vector for each {what}, and there "
        f"{'is' if few == 1 else 'are'} {few}; {loses.lower()} carries one for each {other}, and there "
        f"{'is' if many == 1 else 'are'} {many}."
    )


def from_one_or_to_one(sizes: Sequence[int]) -> str:
    """Say what the same chain costs from a single input and to a single output."""
    one_input, one_output = [1, *sizes[1:]], [*sizes[:-1], 1]
    return (
        f"From one input alone: forward {counted(forward(one_input))}, reverse {counted(reverse(one_input))}. "
        f"To one output alone: forward {counted(forward(one_output))}, reverse {counted(reverse(one_output))}."
    )


def _ends(first: int, last: int) -> str:
    return f"{first} input{'s' if first != 1 else ''} and {last} output{'s' if last != 1 else ''}"
