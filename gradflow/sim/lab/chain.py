"""A chain of Jacobians: its factors, their product step by step, and one entry of it as a sum of products."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab import product_cost
from gradflow.sim.lab.chain_parts import Factor, Multiplication, Sum, derivative
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.entries import entry
from gradflow.sim.lab.pause import breathe
from gradflow.sim.lab.points import Point

Array = NDArray[Any]

WHOLE = 0
"""In place of a number of factors: all of them at once, as backprop gives it in one pass."""

_AT_ONCE = 2**25
"""So many multiplications take a few milliseconds."""

MOST_KEPT = 2**24
"""So many numbers of products are kept (128 MiB)."""


class Direction(StrEnum):
    """From which end a product is worked out."""

    REVERSE = "reverse order"
    FORWARD = "forward order"


class Chain:
    """The factors from a source to a target, in the order of the way forward, and `whole`, the same in one walk back.

    Its states are told by how many factors are `taken` into the product, from 1 to all of them; WHOLE comes last.
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

    @property
    def states(self) -> int:
        """How many states can be stepped through: one for each factor that is taken, then the whole."""
        return len(self.factors) + 1 if len(self.factors) > 1 else 1

    def taken_at(self, place: int) -> int:
        """Return how many factors are taken in a state (from 0)."""
        return place + 1 if 0 <= place < self.states - 1 else WHOLE

    def place_of(self, taken: int) -> int:
        """Return in which state (from 0) so many factors are taken."""
        return taken - 1 if WHOLE < taken < self.states else self.states - 1

    def span(self, taken: int, direction: Direction) -> slice:
        """Return which factors are taken."""
        count = len(self.factors)
        if not 0 < taken < count:
            return slice(0, count)
        return slice(0, taken) if direction is Direction.FORWARD else slice(count - taken, count)

    def multiplications(self, taken: int, direction: Direction) -> int:
        """Return how many multiplications the product of so many factors takes in an order, all of them dense."""
        span = self.span(taken, direction)
        count = product_cost.forward if direction is Direction.FORWARD else product_cost.reverse
        return count(self.sizes[span.start : span.stop + 1])

    def product(self, taken: int, direction: Direction) -> Array:
        """Return the product of the factors so far as (units of its end, units of its beginning)."""
        place, forward = taken or len(self.factors), direction is Direction.FORWARD
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

    def work(self, taken: int, direction: Direction) -> int:
        """Return how many multiplications are lacking until a product is at hand."""
        place, forward = taken or len(self.factors), direction is Direction.FORWARD
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

    def multiplication(self, taken: int, direction: Direction, convention: Convention) -> Multiplication | None:
        """Return the latest step of the product so far; None where nothing has been multiplied yet."""
        place = taken or len(self.factors)
        if place < 2:
            return None
        span, forward = self.span(taken, direction), direction is Direction.FORWARD
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

    def unfold(self, taken: int, direction: Direction, convention: Convention, row: int, column: int) -> Sum | None:
        """Return the sum behind an entry, as the convention counts rows and columns, of the latest multiplication.

        None where nothing has been multiplied yet.
        """
        step = self.multiplication(taken, direction, convention)
        if step is None:
            return None
        columns = convention is Convention.COLUMNS
        k, i = (row, column) if columns else (column, row)
        into, out, r = _index(step.first, k), _index(step.last, i), "[r]" if step.between.units > 1 else ""
        names = [derivative(step.first, step.between, r, into), derivative(step.between, step.last, out, r)]
        left_name, right_name = names if columns else names[::-1]
        value = float((self.product(taken, direction) if taken else self.whole)[i, k])
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
