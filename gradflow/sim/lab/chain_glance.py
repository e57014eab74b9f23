"""Where somebody looks in a chain: how far it is multiplied, in which order, how it is written, and at which entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gradflow.sim.lab import product_cost
from gradflow.sim.lab.chain import WHOLE, Chain, Direction
from gradflow.sim.lab.chain_parts import Multiplication, Sum
from gradflow.sim.lab.chain_reading import Reading, read_factor, read_point, read_product
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.jacobian_answers import Answer, whole
from gradflow.sim.lab.table import Table

PRODUCT, FACTOR, POINT = "product", "factor", "point"


@dataclass(frozen=True)
class Glance:
    """What of a chain is looked at.

    So many factors are `taken` in `direction`, or the WHOLE at once. `what` is shown: that product, the factor at
    `place` (from 0 at the input) or the point where it is evaluated. `entry` of the product is unfolded.
    """

    taken: int = WHOLE
    direction: Direction = Direction.REVERSE
    convention: Convention = Convention.ROWS
    what: str = PRODUCT
    place: int = 0
    entry: tuple[int, int] | None = None

    def fitted(self, chain: Chain) -> Glance:
        """Return the nearest glance that this chain has."""
        count = len(chain.factors)
        fitted = replace(
            self,
            taken=min(max(self.taken, WHOLE), count) if count > 1 else WHOLE,
            place=min(max(self.place, 0), count - 1),
            what=self.what if self.what in (FACTOR, POINT) else PRODUCT,
        )
        if self.entry is not None:
            span = chain.span(fitted.taken, fitted.direction)
            last, first = chain.sizes[span.stop], chain.sizes[span.start]
            rows, columns = (last, first) if fitted.convention is Convention.ROWS else (first, last)
            inside = 0 <= self.entry[0] < rows and 0 <= self.entry[1] < columns and fitted.what == PRODUCT
            return fitted if inside else replace(fitted, entry=None)
        return fitted

    def read(self, answer: Answer) -> Reading | None:
        """Return the matrix that is looked at."""
        chain = answer.chain
        if chain is None:
            return None
        if self.what == FACTOR:
            return read_factor(chain, self.place, self.convention)
        if self.what == POINT:
            point = chain.points[self.place]
            return read_point(point, answer.values[point.symbol], self.convention)
        return self.read_product(chain)

    def read_product(self, chain: Chain) -> Reading:
        """Return the product as far as it is multiplied."""
        return read_product(chain, self.taken, self.direction, self.convention)

    def step(self, chain: Chain) -> Multiplication | None:
        """Return the multiplication that led to the product, if it is looked at."""
        return chain.multiplication(self.taken, self.direction, self.convention) if self.what == PRODUCT else None

    def sum(self, chain: Chain) -> Sum | None:
        """Return the sum behind the entry, if there is one."""
        if self.entry is None or self.what != PRODUCT:
            return None
        return chain.unfold(self.taken, self.direction, self.convention, *self.entry)

    def tables(self, answer: Answer) -> dict[str, Table]:
        """Return the matrix, the sum behind the entry, and the counts, each by a name that can be part of a file's."""
        chain, reading = answer.chain, self.read(answer)
        if chain is None or reading is None:
            return {}
        found = {"matrix": reading.table()}
        if unfolded := self.sum(chain):
            found["sum"] = unfolded.table()
        if len(chain.factors) > 1:
            found["multiplications"] = product_cost.table(chain.sizes, [factor.diagonal for factor in chain.factors])
        return found

    def rewritten(self, convention: Convention) -> Glance:
        """Return the same glance in another convention: its entry is the same number."""
        turned = self.entry if self.entry is None or convention is self.convention else self.entry[::-1]
        return replace(self, convention=convention, entry=turned)

    def state(self) -> dict[str, Any]:
        """Return it as it can stand in JSON; the entry as it is counted where gradients are rows."""
        entry = self.rewritten(Convention.ROWS).entry
        return {
            "taken": self.taken,
            "direction": str(self.direction),
            "convention": str(self.convention),
            "what": self.what,
            "place": self.place,
            "entry": list(entry) if entry else None,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Glance:
        """Take what `state` returned; raises KeyError, TypeError or ValueError."""
        entry = None
        if state["entry"] is not None:
            row, column = state["entry"]
            entry = whole(row), whole(column)
        glance = cls(
            whole(state["taken"]),
            Direction(state["direction"]),
            what=str(state["what"]),
            place=whole(state["place"]),
            entry=entry,
        )
        return glance.rewritten(Convention(state["convention"]))
