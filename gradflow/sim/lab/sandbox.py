"""The autograd sandbox: a typed program's graph, with an output to differentiate and cuts made by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from gradflow.autograd.program import Trace, TraceNode
from gradflow.sim.words import subscript

Array = NDArray[np.float64]

READ = -1
"""In place of an operand's number: the value is only compared."""

LONGEST_CONSTANT = 12
"""Of how many letters a constant is its own name."""


@dataclass(frozen=True)
class Edge:
    """A value (`source`) that an operation (`target`) reads as its operand number `place`.

    A gradient passes if it is `open`; it is `cut` where one would have come further but for `no_grad` or `detach`.
    """

    source: int
    target: int
    place: int
    open: bool
    cut: bool


@dataclass(frozen=True)
class Saving:
    """What the cuts save, of `operations` with results of so many `bytes` that would be kept without them.

    Behind a cut nothing is recorded; what lies before one was recorded, but is let go if no output needs it.
    """

    operations: int
    bytes: int
    unrecorded: int
    unrecorded_bytes: int
    let_go: int
    let_go_bytes: int


@dataclass(frozen=True, eq=False)
class Sandbox:
    """A graph in the order in which it was computed, `output` the node to differentiate, `detached` those cut by hand.

    Cutting a node by hand is what `detach()` at each place where it is read would do. `plain` are leaves that are told
    not to ask for a gradient.
    """

    trace: Trace
    output: int | None
    detached: frozenset[int] = frozenset()
    plain: frozenset[int] = frozenset()

    @property
    def nodes(self) -> tuple[TraceNode, ...]:
        """The nodes."""
        return self.trace.nodes

    @cached_property
    def wanted(self) -> tuple[bool, ...]:
        """Whether a gradient can reach each node: it asks for one, or was recorded from one that does."""
        wanted: list[bool] = []
        for node in self.nodes:
            if node.inputs:
                recorded = node.variable.grad_fn is not None
                wanted.append(recorded and any(wanted[i] and i not in self.detached for i in node.inputs))
            else:
                wanted.append(node.index in self.leaves)
        return tuple(wanted)

    @cached_property
    def asks(self) -> tuple[bool, ...]:
        """Whether each node depends on a leaf that asks for a gradient, whatever is cut on the way."""
        asks: list[bool] = []
        for node in self.nodes:
            asks.append(any(asks[i] for i in node.inputs) if node.inputs else node.index in self.leaves)
        return tuple(asks)

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, operation by operation."""
        found = []
        for node in self.nodes:
            for place, source in enumerate(node.inputs):
                passes = self.wanted[source] and source not in self.detached and node.variable.grad_fn is not None
                found.append(Edge(source, node.index, place, passes, self.wanted[source] and not passes))
            found += [Edge(source, node.index, READ, open=False, cut=False) for source in node.reads]
        return tuple(found)

    @cached_property
    def into(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the edges into each node, operand by operand."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, edge in enumerate(self.edges):
            found[edge.target].append(number)
        return tuple(map(tuple, found))

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The nodes that are computed, in order: all but inputs and constants."""
        return tuple(node.index for node in self.nodes if node.inputs)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """The leaves that ask for a gradient."""
        asking = (node.index for node in self.nodes if not node.inputs and node.variable.requires_grad)
        return tuple(node for node in asking if node not in self.plain)

    @property
    def differentiable(self) -> bool:
        """Whether there is an output that a gradient can start from."""
        return self.output is not None and self.wanted[self.output] and self.output not in self.detached

    def value(self, node: int) -> Array:
        """Return a node's numbers."""
        return self.nodes[node].variable.data

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each node is called; only constants may be called alike.

        That is its name, with a number where the program gives one name to several values (f₁, f₂); a constant's own
        text; or else v with its number, as in a Wengert list, or another letter where v is a name of the program.
        """
        names = [node.name for node in self.nodes]
        letter = next((one for one in "vutsrq" if one not in names), "v")
        times, labels = Counter(names), []
        counts: Counter[str] = Counter()
        for node in self.nodes:
            counts[node.name] += 1
            if node.name:
                labels.append(node.name + (subscript(counts[node.name]) if times[node.name] > 1 else ""))
            elif not node.inputs and len(node.expression) <= LONGEST_CONSTANT:
                labels.append(node.expression.replace("-", "−"))
            else:
                labels.append(f"{letter}{subscript(node.index)}")
        return tuple(labels)

    def label(self, node: int) -> str:
        """Return what a node is called."""
        return self.labels[node]

    def key(self, node: int) -> str:
        """Return by what `find` finds a node: its label, and of constants that are alike also its number."""
        label = self.labels[node]
        return label if self.labels.count(label) == 1 else f"{label} #{node}"

    def find(self, key: str) -> int | None:
        """Return the node of this label or key, or None."""
        return next((i for i, label in enumerate(self.labels) if key in (label, f"{label} #{i}")), None)

    def is_free(self, node: int) -> bool:
        """Tell whether a node is a name that the program reads and does not define: its value comes from outside."""
        entry = self.nodes[node]
        return (
            not entry.inputs and entry.name in self.trace.inputs and normalize("NFKC", entry.expression) == entry.name
        )

    def find_leaf(self, label: str) -> int | None:
        """Return the input or named number that is called so, or None."""
        return next((node.index for node in self.nodes if not node.inputs and self.labels[node.index] == label), None)

    def local(self, edge: Edge) -> Array:
        """Return an open edge's Jacobian ∂target/∂source, (entries of the target, entries of the source)."""
        operation = self.nodes[edge.target].variable.grad_fn
        assert operation is not None
        return operation.local(edge.place)

    @cached_property
    def above(self) -> frozenset[int]:
        """The nodes from which an open way leads to the output, the output included."""
        if not self.differentiable:
            return frozenset()
        assert self.output is not None
        return _reachable(self, [self.output])

    def saving(self) -> Saving:
        """Count what `no_grad`, `detach` and the cuts by hand save, beside the same program without them."""
        could = [i for i in self.steps if self.asks[i] and self.nodes[i].operation != "detach"]
        unrecorded = [i for i in could if not self.wanted[i]]
        needed = _reachable(self, [i for i in self.trace.outputs if self.wanted[i] and i not in self.detached])
        let_go = [i for i in could if self.wanted[i] and i not in needed]
        return Saving(
            len(could),
            self._bytes(could),
            len(unrecorded),
            self._bytes(unrecorded),
            len(let_go),
            self._bytes(let_go),
        )

    def _bytes(self, operations: Iterable[int]) -> int:
        """Return the bytes of what these operations have computed."""
        return sum(int(self.value(i).nbytes) for i in operations)


def _reachable(sandbox: Sandbox, ends: Iterable[int]) -> frozenset[int]:
    found, waiting = set(ends), list(ends)
    while waiting:
        for number in sandbox.into[waiting.pop()]:
            edge = sandbox.edges[number]
            if edge.open and edge.source not in found:
                found.add(edge.source)
                waiting.append(edge.source)
    return frozenset(found)
