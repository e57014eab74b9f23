"""What is read off a chain: a product, a factor or a point as a matrix with its formula, in one of the conventions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.chain import Chain, Direction, derivative
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.points import Point
from gradflow.sim.lab.table import Table
from gradflow.sim.words import spell

Array = NDArray[Any]

MOST_SHOWN = 512
"""So many rows and columns of a matrix are shown."""

_NAMED = 8


@dataclass(frozen=True, eq=False, repr=False)
class Reading(Frozen):
    """A matrix to look at: `values` as the convention writes it, and what stands around it.

    `formula` is an equation in symbols, `shapes` the same in shapes, `words` say what it is.
    """

    symbol: str
    formula: str
    shapes: str
    words: str
    values: Array

    @property
    def shown(self) -> Array:
        """The part that is shown: the first 512 rows and columns."""
        return self.values[:MOST_SHOWN, :MOST_SHOWN]

    @property
    def shape(self) -> str:
        """The shape, and how much of it is shown."""
        rows, columns = self.values.shape
        text = f"({rows}, {columns})"
        if max(rows, columns) > MOST_SHOWN:
            text += f", of which the first {min(rows, MOST_SHOWN)} × {min(columns, MOST_SHOWN)} are shown"
        return text

    def table(self) -> Table:
        """Return the numbers with their places."""
        rows, columns = self.shown.shape
        return Table(f"{self.symbol} {self.shape}", [*map(str, range(rows))], [*map(str, range(columns))], self.shown)


def read_product(chain: Chain, position: int, direction: Direction, convention: Convention) -> Reading:
    """Return the product so far, or at position 0 the whole as backprop gives it."""
    count = len(chain.factors)
    span = chain.span(position, direction)
    first, last = chain.points[span.start], chain.points[span.stop]
    values = convention.jacobian(chain.product(position, direction) if position else chain.whole)
    symbol = derivative(first, last)
    if position in (0, count):
        names = [factor.as_factor(convention) for factor in chain.factors]
        formula = f"{symbol} = {product_text(names, convention)}"
        shapes = _shapes([_shape(f.derivative, convention) for f in chain.factors], values, convention)
        agrees = f"equal to the product of its {count} factors, to {spell(chain.difference)} of the largest entry"
        if count == 1:
            words = chain.factors[0].words
        elif position == 0:
            words = f"in one walk back; {agrees}"
        else:
            words = f"all {count} factors; equal to backprop's, to {spell(chain.difference)} of the largest entry"
        return Reading(symbol, formula, shapes, words, values)
    fresh = chain.factors[span.stop - 1 if direction is Direction.FORWARD else span.start]
    words = f"{position} of {count} factors"
    if position == 1:
        return Reading(symbol, f"{symbol} = {fresh.name(convention)}", "", words, values)
    before = chain.product(position - 1, direction)
    inner_first = [fresh.as_factor(convention), derivative(fresh.target, last)]
    matrices = [fresh.derivative, before]
    if direction is Direction.FORWARD:
        inner_first = [derivative(first, fresh.source), fresh.as_factor(convention)]
        matrices = [before, fresh.derivative]
    shapes = _shapes([_shape(matrix, convention) for matrix in matrices], values, convention)
    return Reading(symbol, f"{symbol} = {convention.product(inner_first)}", shapes, words, values)


def read_factor(chain: Chain, place: int, convention: Convention) -> Reading:
    """Return one factor (from 0 at the input)."""
    factor = chain.factors[place]
    values = convention.jacobian(factor.derivative)
    where = f"evaluated at {factor.source.formula(convention)}"
    words = f"{factor.words}; {where}" if factor.words else where
    name = factor.name(convention)
    formula = f"{factor.symbol} = {name}" if name != factor.symbol else name
    return Reading(factor.symbol, formula, "", words, values)


def read_point(point: Point, value: Array, convention: Convention) -> Reading:
    """Return the numbers at a point; the same vector is a column or a row."""
    values = convention.gradient(value)
    return Reading(point.symbol, point.formula(convention), "", point.words, values)


def product_text(inner_first: Sequence[str], convention: Convention) -> str:
    """Return a product, with its middle left out where there are many factors."""
    names = list(inner_first)
    if len(names) > _NAMED:
        names = [*names[: _NAMED // 2], "…", *names[-_NAMED // 2 :]]
    return convention.product(names)


def _shapes(inner_first: Sequence[str], values: Array, convention: Convention) -> str:
    return f"({values.shape[0]}, {values.shape[1]}) = {product_text(inner_first, convention)}"


def _shape(matrix: Array, convention: Convention) -> str:
    rows, columns = convention.jacobian(np.asarray(matrix)).shape
    return f"({rows}, {columns})"
