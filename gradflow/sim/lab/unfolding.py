"""One entry of a matrix, unfolded into the sum or the formula that it comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.numerals import factor, short

Array = NDArray[Any]
Uses = Mapping[str, tuple[int | None, int | None]]

WRITTEN = 3
"""So many terms are written out in a line; the rest is …"""


@dataclass(frozen=True, eq=False, repr=False)
class Unfolding(Frozen):
    """Where the number `value`, called `symbol`, comes from: the `formula`, and the `terms` that add up to it.

    Every term is the product of its `factors` (terms, factors), whose columns are called `heads`; `names` says which
    term is which. Where the formula is no sum there is one term or none, and `put_in` is the formula with the numbers
    in the place of the symbols. `remarks` are further lines. `uses` says what of which matrix it takes: an entry, or a
    whole row or column where the other index is None, as it stands in the engine.
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

    @property
    def in_numbers(self) -> str:
        """The formula with the numbers of this entry put in, the first terms of a long sum."""
        if self.put_in or self.terms is None or self.factors is None:
            return self.put_in
        # What is zero tells nothing, unless all of it is.
        telling = np.flatnonzero(self.terms)[:WRITTEN] if self.terms.any() else np.arange(min(WRITTEN, len(self.terms)))
        written = "".join(_signed(row, i == 0) for i, row in enumerate(self.factors[telling].tolist()))
        return f"{written} + … ({len(self.terms)} terms)" if len(self.terms) > len(telling) else written

    @property
    def words(self) -> str:
        """The entry, its numbers and its value in one line."""
        told = self.in_numbers
        middle = f"{told} = " if told and told != short(self.value, 4) else ""
        return f"{self.symbol} = {middle}{short(self.value, 4)}"


def _signed(factors: Sequence[float], first: bool) -> str:
    """Return a product as a term of a sum, with the sign of its first factor before it."""
    head, *others = factors
    minus = short(head).startswith("−")
    sign = ("−" if minus else "") if first else (" − " if minus else " + ")
    return sign + "·".join([short(abs(head)), *map(factor, others)])


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
