"""The edges of a graph of neurons as arrays: for what is asked of all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gradflow.sim.lab.neuron_graph import Edge, Neuron

Array = NDArray[Any]


class EdgeArrays:
    """Sources, targets and derivatives of all edges, and what follows from them; neurons come column by column."""

    def __init__(self, neurons: Sequence[Neuron], edges: Sequence[Edge]) -> None:
        self.column = np.array([neuron.column for neuron in neurons], np.intp)
        self.sources = np.array([edge.source for edge in edges], np.intp)
        self.targets = np.array([edge.target for edge in edges], np.intp)
        self.derivatives = np.array([edge.derivative for edge in edges], float)
        self.beyond = np.array([edge.beyond for edge in edges], bool)

    @cached_property
    def sizes(self) -> Array:
        """Magnitudes that can be compared; 0 for what is not finite."""
        return np.where(np.isfinite(self.derivatives), np.abs(self.derivatives), 0.0)

    @cached_property
    def ranks(self) -> Array:
        """The place of every edge among those between the same two columns, the largest first."""
        pair = self.column[self.sources] * (1 + self.column.max(initial=0)) + self.column[self.targets]
        order = np.lexsort((-self.sizes, pair))
        begins = np.flatnonzero(np.diff(pair[order], prepend=-1))
        within = np.arange(len(order)) - np.repeat(begins, np.diff(begins, append=len(order)))
        ranks = np.empty(len(order), np.intp)
        ranks[order] = within
        return ranks

    def reached(self, start: int, end: int) -> Array:
        """Return which neurons lie on paths from one to another."""
        found = np.zeros(len(self.column), bool)
        found[start] = True
        for edges in self._by_column:
            found[self.targets[edges[found[self.sources[edges]]]]] = True
        leads: Array = found & self._leading(end)
        leads[start] = True
        return leads

    def _leading(self, end: int) -> Array:
        """Return from which neurons there is a path to one."""
        found = np.zeros(len(self.column), bool)
        found[end] = True
        for edges in reversed(self._by_column):
            found[self.sources[edges[found[self.targets[edges]]]]] = True
        return found

    @cached_property
    def _by_column(self) -> list[Array]:
        """The edges that leave each column: none enters its own or an earlier one."""
        columns = self.column[self.sources]
        return [np.flatnonzero(columns == column) for column in range(int(self.column.max(initial=0)) + 1)]
