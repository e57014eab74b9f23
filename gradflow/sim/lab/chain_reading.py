"""What is read off a chain: a product, a factor or a point as a matrix with its formula, in one of the conventions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.chain import WHOLE, Chain, Direction
from gradflow.sim.lab.chain_parts import Factor, derivative
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.matrix_facts import MatrixFacts, facts_of
from gradflow.sim.lab.points import Point
from gradflow.sim.lab.table import Table
from gradflow.sim.words import counted, spell

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
        text = _shape(self.values)
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


def read_product(chain: Chain, taken: int, direction: Direction, convention: Convention) -> Reading:
    """Return the product so far, or the WHOLE as backprop gives it."""
    span = chain.span(taken, direction)
    factors = chain.factors[span]
    first, last = chain.points[span.start], chain.points[span.stop]
    values = convention.jacobian(chain.product(taken, direction) if taken else chain.whole)
    words, heads = _words(chain, taken, direction), _heads(first, last, convention)
    if len(factors) == 1:
        return Reading(derivative(first, last), _equation(factors[0], convention), "", words, values, heads)
    step = chain.multiplication(taken, direction, convention)
    if taken == WHOLE or step is None:
        right = product_text([factor.as_factor(convention) for factor in factors], convention)
        shapes = product_text([_shape(convention.jacobian(f.derivative)) for f in factors], convention)
    else:
        right, shapes = " · ".join(step.names), " · ".join(map(_shape, (step.left, step.right)))
    formula = f"{_lead(first, last)} = {right}"
    return Reading(derivative(first, last), formula, f"{_shape(values)} = {shapes}", words, values, heads)


def _words(chain: Chain, taken: int, direction: Direction) -> str:
    count = len(chain.factors)
    if count == 1:
        return chain.factors[0].words
    differs = f"is off by {spell(chain.difference)} of its largest entry" if chain.difference else "is the same"
    if taken == WHOLE:
        return f"by backprop in one pass; the product of {count} factors {differs}"
    if taken == 1:
        return f"1 of {count} factors, nothing multiplied yet"
    cost = f"{counted(chain.multiplications(taken, direction))} multiplications"
    if taken == count:
        return f"all {count} factors, {cost}; backprop's {differs}"
    return f"{taken} of {count} factors, {cost} so far"


def read_factor(chain: Chain, place: int, convention: Convention) -> Reading:
    """Return one factor (from 0 at the input)."""
    factor = chain.factors[place]
    values = convention.jacobian(factor.derivative)
    where = f"evaluated at {factor.source.formula(convention)}"
    words = f"{factor.words}; {where}" if factor.words else where
    heads = _heads(factor.source, factor.target, convention)
    return Reading(factor.symbol, _equation(factor, convention), "", words, values, heads)


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
    return f"{source.delta} = {symbol}" if source.delta and target.symbol == "L" else symbol


def _equation(factor: Factor, convention: Convention) -> str:
    """Return what a factor is; what has no other name than its derivative is not said twice."""
    lead, name = _lead(factor.source, factor.target), factor.name(convention)
    return lead if name == factor.symbol else f"{lead} = {name}"


def product_text(inner_first: Sequence[str], convention: Convention) -> str:
    """Return a product, with its middle left out where there are many factors."""
    names = list(inner_first)
    if len(names) > _NAMED:
        names = [*names[: _NAMED // 2], "…", *names[-_NAMED // 2 :]]
    return convention.product(names)


def _shape(matrix: Array) -> str:
    rows, columns = matrix.shape
    return f"({rows}, {columns})"
