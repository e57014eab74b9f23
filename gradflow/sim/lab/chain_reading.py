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
from gradflow.sim.lab.matrix_facts import MatrixFacts, facts_of
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

    `formula` is an equation in symbols, `shapes` the same in shapes, `words` say what it is. `heads` are what the
    entries of its rows and of its columns are called.
    """

    symbol: str
    formula: str
    shapes: str
    words: str
    values: Array
    heads: tuple[Sequence[str], Sequence[str]]

    @property
    def shown(self) -> Array:
        """The part that is shown: the first 512 rows and columns."""
        return self.values[:MOST_SHOWN, :MOST_SHOWN]

    @property
    def rows(self) -> Sequence[str]:
        """What the rows that are shown are called."""
        return self.heads[0][:MOST_SHOWN]

    @property
    def columns(self) -> Sequence[str]:
        """What the columns that are shown are called."""
        return self.heads[1][:MOST_SHOWN]

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
        return Table(f"{self.symbol} {self.shape}", self.rows, self.columns, self.shown)


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found out about a matrix."""

    reading: Reading
    facts: MatrixFacts


def measure(reading: Reading) -> Measured:
    """Work out the numbers of a matrix, whether all of it is shown or not."""
    return Measured(reading, facts_of(reading.values))


def read_product(chain: Chain, position: int, direction: Direction, convention: Convention) -> Reading:
    """Return the product so far, or at position 0 the whole as backprop gives it."""
    count = len(chain.factors)
    span = chain.span(position, direction)
    values = convention.jacobian(chain.product(position, direction) if position else chain.whole)
    first, last = chain.points[span.start], chain.points[span.stop]
    symbol, lead = derivative(first, last), _lead(first, last)
    step = chain.multiplication(position, direction, convention)
    if position == 0 or step is None:
        factors = chain.factors[span]
        formula = f"{lead} = {product_text([factor.as_factor(convention) for factor in factors], convention)}"
        shapes = _shapes([_shape(f.derivative, convention) for f in factors], values, convention)
    else:
        formula = f"{lead} = {step.names[0]} · {step.names[1]}"
        parts = [f"({matrix.shape[0]}, {matrix.shape[1]})" for matrix in (step.left, step.right)]
        shapes = f"({values.shape[0]}, {values.shape[1]}) = {' · '.join(parts)}"
    shapes, heads = shapes if count > 1 else "", _heads(first, last, convention)
    return Reading(symbol, formula, shapes, _words(chain, position), values, heads)


def _words(chain: Chain, position: int) -> str:
    count = len(chain.factors)
    if count == 1:
        return chain.factors[0].words
    agrees = f"to {spell(chain.difference)} of the largest entry" if chain.difference else "exactly"
    if position == 0:
        return f"by backprop in one pass; equal to the product of its {count} factors, {agrees}"
    if position == count:
        return f"all {count} factors; equal to backprop's, {agrees}"
    return f"{position} of {count} factors"


def read_factor(chain: Chain, place: int, convention: Convention) -> Reading:
    """Return one factor (from 0 at the input)."""
    factor = chain.factors[place]
    values = convention.jacobian(factor.derivative)
    where = f"evaluated at {factor.source.formula(convention)}"
    words = f"{factor.words}; {where}" if factor.words else where
    name = factor.name(convention)
    lead = _lead(factor.source, factor.target)
    formula = f"{lead} = {name}" if name != factor.symbol else lead
    return Reading(factor.symbol, formula, "", words, values, _heads(factor.source, factor.target, convention))


def read_point(point: Point, value: Array, convention: Convention) -> Reading:
    """Return the numbers at a point; the same vector is a column or a row."""
    values = convention.gradient(value)
    heads = (point.places, ("",)) if convention is Convention.COLUMNS else (("",), point.places)
    return Reading(point.symbol, point.formula(convention), "", point.words, values, heads)


def _heads(first: Point, last: Point, convention: Convention) -> tuple[Sequence[str], Sequence[str]]:
    rows, columns = convention.ends(first, last)
    return rows.places, columns.places


def _lead(source: Point, target: Point) -> str:
    """Return what stands before the first equals sign: the derivative, and where it has one its short name."""
    symbol = derivative(source, target)
    return f"{source.delta} = {symbol}" if source.delta and target.kind == "loss" else symbol


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
