"""A walk back through a graph: what every node receives, from where and when, in the right order or a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.sandbox import Sandbox

Array = NDArray[np.float64]

SEED = -1
"""In place of the edge of a part: it is the seed."""


class Order(StrEnum):
    """In which order a walk visits the operations.

    `REVERSE` is the reverse of the order in which they were computed: all that an operation will receive has arrived
    when its turn comes. `DEPTH_FIRST` goes on to the next operation as soon as something has arrived there, and
    never comes back: what arrives later is not passed on.
    """

    REVERSE = "reverse"
    DEPTH_FIRST = "depth-first"


@dataclass(frozen=True, eq=False)
class Part:
    """A summand of a node's gradient: it arrives at a visit (from 1; 0 is the seed) over an edge."""

    visit: int
    edge: int
    value: Array


@dataclass(frozen=True, eq=False)
class Visit:
    """An operation passes on what it has: `gradient`, over the open edges `over`."""

    node: int
    gradient: Array
    over: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Walk:
    """All visits of a walk, and for each node the parts of its gradient in the order in which they arrive."""

    visits: tuple[Visit, ...]
    parts: Mapping[int, tuple[Part, ...]]

    def received(self, node: int, visits: int) -> tuple[Part, ...]:
        """Return what a node has received after so many visits; nothing before the seed (−1)."""
        return tuple(part for part in self.parts.get(node, ()) if part.visit <= visits)

    def gradient(self, node: int, visits: int) -> Array | None:
        """Return the sum of what a node has received, None for nothing."""
        return total(self.received(node, visits))

    @cached_property
    def turn(self) -> Mapping[int, int]:
        """The number of the visit (from 1) at which each operation passed on what it had."""
        return {visit.node: number for number, visit in enumerate(self.visits, 1)}

    def late(self, node: int, visits: int) -> tuple[Part, ...]:
        """Return what has arrived at an operation after it had passed on what it had: this is missed."""
        turn = self.turn.get(node)
        return tuple(part for part in self.received(node, visits) if turn is not None and part.visit >= turn)


def total(parts: tuple[Part, ...]) -> Array | None:
    """Return the sum of parts in the order of their arrival, as autograd adds them up; None for none."""
    if not parts:
        return None
    value = parts[0].value
    with np.errstate(all="ignore"):
        for part in parts[1:]:
            value = value + part.value
    return value


def walk(sandbox: Sandbox, seed: Array, order: Order = Order.REVERSE) -> Walk:
    """Walk back from the output with this weight for each of its entries."""
    if not sandbox.differentiable:
        return Walk((), {})
    assert sandbox.output is not None
    parts: dict[int, list[Part]] = {sandbox.output: [Part(0, SEED, seed)]}
    visits: list[Visit] = []
    if order is Order.REVERSE:
        for node in range(sandbox.output, -1, -1):
            if node in parts and sandbox.nodes[node].inputs:
                _visit(sandbox, node, parts, visits)
    else:
        seen: set[int] = set()
        waiting = [sandbox.output]
        while waiting:
            node = waiting.pop()
            if node in seen or not sandbox.nodes[node].inputs:
                continue
            seen.add(node)
            _visit(sandbox, node, parts, visits)
            waiting += [sandbox.edges[number].source for number in reversed(visits[-1].over)]
    return Walk(tuple(visits), {node: tuple(found) for node, found in parts.items()})


def _visit(sandbox: Sandbox, node: int, parts: dict[int, list[Part]], visits: list[Visit]) -> None:
    """Let an operation pass on what it has received so far."""
    gradient = total(tuple(parts[node]))
    operation = sandbox.nodes[node].variable.grad_fn
    assert gradient is not None
    assert operation is not None
    over = tuple(number for number in sandbox.into[node] if sandbox.edges[number].open)
    visits.append(Visit(node, gradient, over))
    for number in over:
        edge = sandbox.edges[number]
        sent = operation.vjp(edge.place, gradient)
        parts.setdefault(edge.source, []).append(Part(len(visits), number, sent))
