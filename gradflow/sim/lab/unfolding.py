"""One entry of a matrix, unfolded into the sum or the formula that it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.numerals import factor, short, told

Array = NDArray[Any]
Uses = Mapping[str, tuple[int | None, int | None]]

WRITTEN, MOST_WRITTEN = 3, 24
"""So many terms are written out in a line at least, and at most; the rest is …"""


@dataclass(frozen=True, eq=False, repr=False)
class Unfolding(Frozen):
    """Where the number `value`, called `symbol`, comes from: the `formula`, and the `terms` that add up to it.

    Every term is the product of its `factors` (terms, factors), whose columns are called `heads`; `names` says which
    term is which. Where the formula is no sum there is one term or none, and `put_in` is the formula with the numbers
    in the place of the symbols. `remarks` are further lines. `uses` says what of which matrix it takes: an entry, or a
    whole row or column where the other index is None, as it stands in the engine. Numbers are written with `digits`.
    """

    symbol: str
    value: float
    formula: str
    heads: Sequence[str] = ()
    names: Sequence[str] = ()
    factors: Array | None = None
    terms: Array | None = None
    put_in: str = ""
    remarks: Sequence[str] = ()
    uses: Uses = field(default_factory=dict)
    digits: int = 3

    @property
    def numbers(self) -> Array:
        """The factors of every term and the term itself, term by term; none where there are no terms."""
        if self.terms is None or self.factors is None:
            return np.empty((0, 0))
        return np.column_stack([self.factors, self.terms])

    @property
    def total(self) -> float:
        """The sum of the terms, rounded once; the value itself where there are none."""
        if self.terms is None:
            return self.value
        try:
            return math.fsum(self.terms.tolist())
        except (OverflowError, ValueError):
            with np.errstate(all="ignore"):
                return float(self.terms.sum())

    def in_numbers(self, most: int = WRITTEN) -> str:
        """Return the formula with the numbers of this entry put in, of a long sum so many terms at most."""
        if self.put_in or self.terms is None or self.factors is None:
            return self.put_in
        # What is zero tells nothing, unless all of it is.
        telling = np.flatnonzero(self.terms) if self.terms.any() else np.arange(len(self.terms))
        shown = telling[:most]
        written = "".join(signed(row, i == 0, self.digits) for i, row in enumerate(self.factors[shown].tolist()))
        zeros = len(self.terms) - len(telling)
        if len(telling) > len(shown):
            return f"{written} + … ({len(self.terms)} terms)"
        return f"{written} + {zeros} zeros" if zeros > 1 else f"{written} + 0" if zeros else written

    def line(self, most: int = WRITTEN) -> str:
        """Return the entry, its numbers and its value in one line; numbers in it are rounded alike."""
        numbers, value = self.in_numbers(most), short(self.value, self.digits)
        if numbers in ("", value):
            return f"{self.symbol} {told(self.value, max(self.digits, 4))}"
        return f"{self.symbol} = {numbers} {told(self.value, self.digits)}"

    def fitting(self, fits: Callable[[str], bool], write: Callable[[int], str] | None = None) -> str:
        """Return the line with as many terms as fit, at least a few."""
        write = write or self.line
        most = len(self.terms) if self.terms is not None else 0
        low, high = WRITTEN, min(most, MOST_WRITTEN)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(write(middle)) else (low, middle - 1)
        return write(low)


def signed(factors: Sequence[float], first: bool, digits: int = 3) -> str:
    """Return a product as a term of a sum, with the sign of its first factor before it."""
    head, *others = factors
    minus = short(head, digits).startswith("−")
    sign = ("−" if minus else "") if first else (" − " if minus else " + ")
    numbers = [short(abs(head), digits), *(factor(one, digits) for one in others)]
    # The dots of powers of ten are closer than those between the factors.
    return sign + (" · " if any("·" in number for number in numbers) else "·").join(numbers)


def products(
    symbol: str,
    value: float,
    formula: str,
    names: Sequence[str],
    columns: Sequence[tuple[str, Array]],
    remarks: Sequence[str] = (),
    uses: Uses | None = None,
) -> Unfolding:
    """Return the unfolding of a sum of products: `columns` are the heads and numbers of the factors."""
    factors = np.stack([np.asarray(numbers, float).reshape(-1) for _, numbers in columns], axis=1)
    with np.errstate(all="ignore"):
        terms = np.prod(factors, axis=1)
    heads = tuple(head for head, _ in columns)
    return Unfolding(symbol, float(value), formula, heads, tuple(names), factors, terms, "", tuple(remarks), uses or {})
