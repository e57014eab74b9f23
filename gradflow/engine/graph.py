"""The static graph: boxes with their own memory, run forwards and backwards in topological order.

A node owns its `value` and its gradient `grad` = ∂L/∂value, both of shape (batch, units), sized once. `forward` and
`backward` only write into such arrays. Where a node feeds several consumers its gradient is the sum over them, the
sum over paths of the chain rule: whoever comes first in the backward walk writes, the others add.
"""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Node:
    """One box of the graph."""

    wants_grad = True
    """Whether anybody asks for this node's gradient; nobody does for the data and the loss."""

    def __init__(self, inputs: Sequence[Node], units: int) -> None:
        self.inputs = tuple(inputs)
        self.units = units
        # Whether this node is the first to write the gradient of its i-th input (else it adds). Set by Graph.
        self.writes_first = [True] * len(self.inputs)
        self.needs_grad = self.wants_grad
        self._value = self._grad = np.empty((0, units))
        self.value = self.grad = self._value

    def allocate(self, batch: int) -> None:
        """Own memory for up to `batch` samples."""
        self._value = np.zeros((batch, self.units))
        self._grad = np.zeros((batch, self.units)) if self.needs_grad else np.empty((0, self.units))

    def resize(self, samples: int) -> None:
        """Work on the first `samples` rows from now on; a short last batch is the reason."""
        self.value = self._value[:samples]
        self.grad = self._grad[:samples]

    def forward(self) -> None:
        """Compute `value` from the inputs' values."""
        raise NotImplementedError

    def backward(self) -> None:
        """Give each input its share of the gradient, from `grad`."""
        raise NotImplementedError


class Input(Node):
    """The data."""

    wants_grad = False

    def __init__(self, units: int) -> None:
        super().__init__((), units)

    def forward(self) -> None:
        """Do nothing: the value is set from outside."""

    def backward(self) -> None:
        """Do nothing: the walk ends here."""


class Graph:
    """All nodes that `output` depends on, in topological order.

    `order` is deterministic: inputs before consumers, ties in the order of construction.
    """

    def __init__(self, output: Node) -> None:
        self.output = output
        self.order = _topological_order(output)
        self._settle_who_writes_first()
        self._forward = [node.forward for node in self.order]
        self._backward = [node.backward for node in reversed(self.order)]
        self.capacity = self.samples = 0

    def allocate(self, batch: int, backward: bool = True) -> None:
        """Own memory for batches of up to `batch` samples and work on full batches.

        Without `backward` there is no memory for gradients, and only `forward` may be called.
        """
        for node in self.order:
            node.needs_grad = node.wants_grad and backward
            node.allocate(batch)
        self.capacity, self.samples = batch, -1
        self.resize(batch)

    def resize(self, samples: int) -> None:
        """Work on `samples` ≤ capacity rows; does nothing when that is already so."""
        if samples != self.samples:
            for node in self.order:
                node.resize(samples)
            self.samples = samples

    def forward(self) -> None:
        """Compute every value."""
        for run in self._forward:
            run()

    def backward(self) -> None:
        """Compute every gradient, from the output back."""
        for run in self._backward:
            run()

    def _settle_who_writes_first(self) -> None:
        written: set[int] = set()
        for node in reversed(self.order):
            for i, source in enumerate(node.inputs):
                node.writes_first[i] = id(source) not in written
                written.add(id(source))


def _topological_order(output: Node) -> tuple[Node, ...]:
    sorter: TopologicalSorter[Node] = TopologicalSorter()
    seen: set[int] = set()
    stack = [output]
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            sorter.add(node, *node.inputs)
            stack.extend(node.inputs)
    return tuple(sorter.static_order())
