"""A chain of Jacobians: its factors, their product step by step, and one entry of it as a sum of products."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab import numerals, product_cost
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.entries import entry
from gradflow.sim.lab.matrix_facts import is_diagonal, thumbnail
from gradflow.sim.lab.pause import breathe
from gradflow.sim.lab.points import Point
from gradflow.sim.lab.table import Table

Array = NDArray[Any]

_TERMS = 4

_AT_ONCE = 2**25
"""So many multiplications take a few milliseconds."""

MOST_KEPT = 2**24
"""So many numbers of products are kept (128 MiB)."""


class Direction(StrEnum):
    """From which end a product is worked out."""

    REVERSE = "reverse order"
    FORWARD = "forward order"


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


class Chain:
    """The factors from a source to a target, in the order of the way forward, and `whole`, the same in one walk back.

    A position counts how many factors are multiplied, from 1; at position 0 the whole is looked at.
    """

    def __init__(self, factors: tuple[Factor, ...], whole: Array) -> None:
        self.factors, self.whole = factors, whole
        whole.setflags(write=False)
        self._products: dict[tuple[Direction, int], Array] = {}

    @property
    def source(self) -> Point:
        """Where the chain begins."""
        return self.factors[0].source

    @property
    def target(self) -> Point:
        """Where it ends."""
        return self.factors[-1].target

    @property
    def points(self) -> list[Point]:
        """All points, from the source to the target."""
        return [self.source, *(factor.target for factor in self.factors)]

    @property
    def sizes(self) -> list[int]:
        """How many units each point has."""
        return [point.units for point in self.points]

    def span(self, position: int, direction: Direction) -> slice:
        """Return which factors are multiplied at a position; all of them at position 0."""
        count = len(self.factors)
        if not 0 < position < count:
            return slice(0, count)
        return slice(0, position) if direction is Direction.FORWARD else slice(count - position, count)

    def product(self, position: int, direction: Direction) -> Array:
        """Return the product of the factors so far as (units of its end, units of its beginning)."""
        place, forward = position or len(self.factors), direction is Direction.FORWARD
        # Asked for and taken at once: another thread may drop one at any time.
        kept = ((i, self._products.get((direction, i))) for i in range(place, 0, -1))
        first = 1, self.factors[0 if forward else -1].derivative
        begun, found = next(((i, product) for i, product in kept if product is not None), first)
        self._keep((direction, begun), found)
        for i in range(begun + 1, place + 1):
            factor = self.factors[i - 1 if forward else -i].derivative
            found = multiply(factor, found) if forward else multiply(found, factor)
            found.setflags(write=False)
            self._keep((direction, i), found)
        return found

    def work(self, position: int, direction: Direction) -> int:
        """Return how many multiplications are lacking until a product is at hand."""
        place, forward = position or len(self.factors), direction is Direction.FORWARD
        begun, sizes = self._begun(place, direction), self.sizes if forward else self.sizes[::-1]
        return sum(sizes[0] * sizes[i - 1] * sizes[i] for i in range(begun + 1, place + 1) if i > 1)

    def _begun(self, place: int, direction: Direction) -> int:
        return next((i for i in range(place, 0, -1) if (direction, i) in self._products), 0)

    def _keep(self, key: tuple[Direction, int], product: Array) -> None:
        """Keep a product for the next step, and older ones as long as there is room."""
        self._products[key] = product
        while len(self._products) > 2 and sum(kept.size for kept in list(self._products.values())) > MOST_KEPT:
            self._products.pop(next(iter(self._products.copy())), None)

    @cached_property
    def difference(self) -> float:
        """The largest difference between the product and the whole, relative to the whole's largest entry."""
        product = self.product(len(self.factors), Direction.REVERSE)
        both = np.isfinite(product) & np.isfinite(self.whole)
        if not both.all():
            return 0.0 if np.array_equal(product, self.whole, equal_nan=True) else float("nan")
        scale = float(np.abs(self.whole).max(initial=0.0))
        return float(np.abs(product - self.whole).max(initial=0.0)) / scale if scale > 0.0 else 0.0

    def multiplication(self, position: int, direction: Direction, convention: Convention) -> Multiplication | None:
        """Return the latest step of the product at a position; None where nothing has been multiplied yet."""
        place = position or len(self.factors)
        if place < 2:
            return None
        span, forward = self.span(position, direction), direction is Direction.FORWARD
        cut = span.stop - 1 if forward else span.start + 1
        first, between, last = self.points[span.start], self.points[cut], self.points[span.stop]
        before, fresh = self.product(place - 1, direction), self.factors[cut if forward else span.start]
        name = fresh.as_factor(convention)
        parts = [(name, fresh.derivative), (derivative(between, last), before)]
        if forward:
            parts = [(derivative(first, between), before), (name, fresh.derivative)]
        # Columns: the inner Jacobian stands on the left.
        (left_name, left), (right_name, right) = parts if convention is Convention.COLUMNS else parts[::-1]
        matrices = convention.jacobian(left), convention.jacobian(right)
        return Multiplication((left_name, right_name), *matrices, first, between, last, convention.ends(first, last))

    def unfold(self, position: int, direction: Direction, convention: Convention, row: int, column: int) -> Sum | None:
        """Return the sum behind an entry, as the convention counts rows and columns, of the latest multiplication.

        None where nothing has been multiplied yet.
        """
        step = self.multiplication(position, direction, convention)
        if step is None:
            return None
        columns = convention is Convention.COLUMNS
        k, i = (row, column) if columns else (column, row)
        into, out, r = _index(step.first, k), _index(step.last, i), "[r]" if step.between.units > 1 else ""
        names = [derivative(step.first, step.between, r, into), derivative(step.between, step.last, out, r)]
        left_name, right_name = names if columns else names[::-1]
        value = float((self.product(position, direction) if position else self.whole)[i, k])
        entry = derivative(step.first, step.last, out, into)
        return Sum(
            entry, value, left_name, right_name, step.left[row].copy(), step.right[:, column].copy(), step.between
        )

    @cached_property
    def cost(self) -> product_cost.ProductCost:
        """The counts of this chain in the orders that there are."""
        return product_cost.count(self.sizes, [factor.diagonal for factor in self.factors])


def multiply(left: Array, right: Array) -> Array:
    """Return a product of matrices, so many rows at a time as take a few milliseconds."""
    rows = max(1, _AT_ONCE // max(right.size, 1))
    found = np.empty((left.shape[0], right.shape[1]))
    with np.errstate(all="ignore"):
        for start in range(0, len(left), rows):
            breathe()
            np.matmul(left[start : start + rows], right, out=found[start : start + rows])
    return found


def _index(point: Point, place: int) -> str:
    return entry("", point.places[place])
