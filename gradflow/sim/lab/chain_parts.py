"""What a chain of Jacobians is made of: factors, multiplications of two matrices, and the sum behind an entry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab import numerals
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.matrix_facts import is_diagonal, thumbnail
from gradflow.sim.lab.points import Point
from gradflow.sim.lab.table import Table

Array = NDArray[Any]

_TERMS = 4


@dataclass(frozen=True, eq=False, repr=False)
class Factor(Frozen):
    """∂target/∂source as `derivative` (target's units, source's units), evaluated at the source.

    `names` are what it is called where gradients are columns and where they are rows ("" where there is no short name),
    `words` say what a single node's Jacobian is made of.
    """

    source: Point
    target: Point
    names: tuple[str, ...]
    words: str
    derivative: Array

    @property
    def symbol(self) -> str:
        """The factor as a derivative."""
        return derivative(self.source, self.target)

    def name(self, convention: Convention) -> str:
        """Return what it is called, at least as a derivative."""
        return self.names[list(Convention).index(convention)] or self.symbol

    def as_factor(self, convention: Convention) -> str:
        """Return its name as it stands in a product: a sum in brackets."""
        name = self.name(convention)
        return f"({name})" if " + " in name else name

    @cached_property
    def thumbnail(self) -> Array:
        """A small picture of the derivative: numbers from −1 to 1, each the largest of what it stands for."""
        return thumbnail(self.derivative)

    @cached_property
    def diagonal(self) -> bool:
        """Whether it is a diagonal matrix, so that multiplying by it needs one product per entry."""
        return is_diagonal(self.derivative)


@dataclass(frozen=True, eq=False, repr=False)
class Multiplication(Frozen):
    """One step of a product: left · right as the convention writes them, with the `names` they have in formulas.

    It leads from the point `first` by way of `between`, over whose units is summed, to `last`. `ends` are the points
    whose entries are the rows and the columns of the product.
    """

    names: tuple[str, str]
    left: Array
    right: Array
    first: Point
    between: Point
    last: Point
    ends: tuple[Point, Point]


@dataclass(frozen=True, eq=False, repr=False)
class Sum(Frozen):
    """One entry of a product of two matrices: Σ_r left_r · right_r, in the order that the convention writes them.

    `left_name` and `right_name` have the letter r where the index runs, over the units of the point `between`.
    """

    entry: str
    value: float
    left_name: str
    right_name: str
    left: Array
    right: Array
    between: Point

    @property
    def formula(self) -> str:
        """The chain rule for this entry."""
        return f"{self.entry} = Σᵣ {self.left_name} · {self.right_name}"

    @property
    def numbers(self) -> str:
        """The formula's right side with the numbers put in, the first few of many."""
        terms, write = [], numerals.short
        for a, b in zip(self.left[:_TERMS], self.right[:_TERMS], strict=True):
            terms.append(f"{write(a)}·{numerals.factor(b)}")
            # A sign stands in brackets, but at the very beginning.
            write = numerals.factor
        more = " + …" if len(self.left) > _TERMS else ""
        return f"= {' + '.join(terms)}{more} = {numerals.short(self.value, 6)}"

    def table(self) -> Table:
        """Return all terms, and the sum up to each."""
        # Adding 0 turns −0 into 0.
        products = self.left * self.right + 0.0
        names = [f"r = {place}" if place else "" for place in self.between.places]
        heads = [self.left_name, self.right_name, "product", "sum so far"]
        values = np.stack([self.left, self.right, products, np.cumsum(products)], axis=1)
        return Table(self.formula, names, heads, values)


def derivative(source: Point, target: Point, row: str = "", column: str = "") -> str:
    """Return ∂target/∂source, of one entry where indices are given."""
    return f"∂{target.symbol}{row}/∂{source.symbol}{column}"
