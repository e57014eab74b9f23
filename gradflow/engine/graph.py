"""The static graph: boxes with their own memory, run forwards and backwards in topological order.

A node owns its `value` and its gradient `grad` = ∂L/∂value, both of shape (batch, units), sized once. `forward` and
`backward` only write into such arrays. Where a node feeds several consumers its gradient is the sum over them, the
sum over paths of the chain rule: whoever comes first in the backward walk writes, the others add.

A node that turns its own gradient into that of its only input (an activation, a norm) does so in place: the two share
one array, which holds ∂L/∂value of the later node until its `backward` has run and that of the earlier one afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from graphlib import TopologicalSorter
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gradflow.engine.passing import passing_values
from gradflow.engine.precision import Rounding
from gradflow.engine.workspace import Workspace

Array = NDArray[Any]
Shape = tuple[int, ...]


class Phase(Enum):
    """What noise and running statistics do: live in training, held still for finite differences, out for evaluation."""

    TRAIN = "train"
    HOLD = "hold"
    EVALUATE = "evaluate"


class Node:
    """One box of the graph. `shape` is that of one sample, (units,) or (height, width, channels)."""

    wants_grad = True
    """Whether anybody asks for this node's gradient; nobody does for the data and the loss."""

    in_place: int | None = None
    """The input into whose gradient this node's own may be turned in place."""

    shows_input = False
    """Whether the value is the input's own memory in another shape."""

    name_of_kink = ""
    """What makes the derivative jump, in words; empty for a smooth node."""

    def __init__(self, inputs: Sequence[Node], shape: Shape | int) -> None:
        self.inputs = tuple(inputs)
        self.shape: Shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.units = prod(self.shape)
        # Whether this node is the first to write the gradient of its i-th input (else it adds). Set by Graph.
        self.writes_first = [True] * len(self.inputs)
        self.shares_grad_of: Node | None = None
        self.needs_grad = self.wants_grad
        self.dtype: np.dtype[Any] = np.dtype(float)
        self.workspace = Workspace()
        self.phase = Phase.TRAIN
        self._value = self._grad = np.empty((0, self.units))
        self.value = self.grad = self._value

    @property
    def scratch_entries(self) -> int:
        """How many numbers of scratch memory one sample needs."""
        return self.units

    def allocate(self, batch: int, value: Array | None = None) -> None:
        """Own memory for up to `batch` samples, or put the values into what is given."""
        self._value = np.zeros((batch, self.units), self.dtype) if value is None else value
        if not self.needs_grad:
            self._grad = np.empty((0, self.units), self.dtype)
        elif self.shares_grad_of is not None:
            self._grad = self.shares_grad_of._grad.reshape(batch, self.units)
        else:
            self._grad = np.zeros((batch, self.units), self.dtype)

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

    def kink_sides(self) -> list[Array]:
        """Return on which side of its kinks every entry lies; a change between two points means a kink in between."""
        return []

    def _give(self, i: int, share: Array) -> None:
        """Write a share into the gradient of the i-th input, or add it there."""
        source = self.inputs[i]
        if self.writes_first[i]:
            np.copyto(source.grad, share)
        else:
            np.add(source.grad, share, out=source.grad)


class ParameterNode(Node):
    """A node that learns: it works on slices of two flat vectors that it is given once."""

    span = slice(0, 0)
    """Where its parameters lie in the flat vectors. Set by the network."""

    @property
    def parameter_count(self) -> int:
        """How many numbers it learns."""
        return sum(prod(shape) for shape in self.parameter_shapes.values())

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """The names and shapes of what it learns, in the order of the flat vector."""
        raise NotImplementedError

    def bind(self, parameters: Array, gradients: Array) -> None:
        """Take this node's slices of the two flat vectors."""
        self.gradients = gradients
        self.parameter_views = split(parameters, self.parameter_shapes)
        self.gradient_views = split(gradients, self.parameter_shapes)

    @property
    def state_shapes(self) -> dict[str, Shape]:
        """The names and shapes of what it remembers without learning it by gradient: running statistics."""
        return {}

    def bind_state(self, state: Array) -> None:
        """Take this node's slice of the flat vector of running statistics."""
        self.state_views = split(state, self.state_shapes)


def split(flat: Array, shapes: dict[str, Shape]) -> dict[str, Array]:
    """Return views of these shapes on a flat vector, one after the other."""
    views, start = {}, 0
    for name, shape in shapes.items():
        stop = start + prod(shape)
        views[name] = flat[start:stop].reshape(shape)
        start = stop
    return views


class Input(Node):
    """The data."""

    wants_grad = False

    def __init__(self, shape: Shape | int) -> None:
        super().__init__((), shape)

    def forward(self) -> None:
        """Do nothing: the value is set from outside."""

    def backward(self) -> None:
        """Do nothing: the walk ends here."""


class Abandoned(Exception):
    """A pass was given up at the turn of some node."""


def _give_up() -> None:
    raise Abandoned


class Graph:
    """All nodes that `output` depends on, in topological order.

    `order` is deterministic: inputs before consumers, ties in the order of construction. With a `rounding`, every
    value and every gradient is rounded to its precision as soon as it is complete.
    """

    def __init__(self, output: Node, dtype: DTypeLike = float, rounding: Rounding | None = None) -> None:
        self.output = output
        self.order = _topological_order(output)
        self.workspace = Workspace()
        self.dtype, self.rounding = np.dtype(dtype), rounding
        self._taps: dict[Node, Callable[[], None]] = {}
        self._abandoned = False
        self._settle_who_writes_first()
        self._settle_who_shares()
        for node in self.order:
            node.dtype, node.workspace = self.dtype, self.workspace
        self.capacity = self.samples = 0
        self._list_calls()

    def allocate(self, batch: int, backward: bool = True) -> None:
        """Own memory for batches of up to `batch` samples and work on full batches.

        Without `backward` there is no memory for gradients, only `forward` may be called, and a node's value is
        overwritten once its consumers have run.
        """
        self.workspace.allocate(batch * max(node.scratch_entries for node in self.order), self.dtype)
        values = {} if backward else passing_values(self.order, batch, self.dtype)
        for node in self.order:
            node.needs_grad = node.wants_grad and backward
            node.allocate(batch, values.get(id(node)))
        self.capacity, self.samples = batch, -1
        self.resize(batch)

    def resize(self, samples: int) -> None:
        """Work on `samples` ≤ capacity rows; does nothing when that is already so."""
        if samples != self.samples:
            for node in self.order:
                node.resize(samples)
            self.samples = samples

    def set_phase(self, phase: Phase) -> None:
        """Tell all nodes whether noise and running statistics are live."""
        for node in self.order:
            node.phase = phase

    def tap(self, calls: Mapping[Node, Callable[[], None]]) -> None:
        """Run each call right after its node's backward, while its numbers are still in the processor's cache."""
        self._taps.update(calls)
        self._list_calls()

    def forward(self) -> None:
        """Compute every value."""
        for run in self._forward:
            run()

    def backward(self) -> None:
        """Compute every gradient, from the output back."""
        for run in self._backward:
            run()

    def abandon(self) -> None:
        """Let the pass that another thread is at, and every later one, end at its next node by raising Abandoned.

        Whoever walks a list asks nobody: what is still to come is replaced under their feet.
        """
        self._abandoned = True
        for calls in (self._forward, self._backward):
            calls[:] = [_give_up] * len(calls)

    def _list_calls(self) -> None:
        forward: list[Callable[[], None]] = []
        for node in self.order:
            forward.append(node.forward)
            if self.rounding and node is not self.output:
                forward.append(partial(self.rounding.values, node))
        self._forward = forward
        self._backward = [call for node in reversed(self.order) for call in self.turn(node)]
        if self._abandoned:
            self.abandon()

    def turn(self, node: Node) -> list[Callable[[], None]]:
        """Return what runs at a node's turn in the backward pass, for whoever walks it and looks in between."""
        calls = [node.backward]
        if self.rounding and node.wants_grad:
            calls.insert(0, partial(self.rounding.gradients, node))
        if self.rounding and isinstance(node, ParameterNode):
            calls.append(partial(self.rounding.learning, node))
        return [*calls, self._taps[node]] if node in self._taps else calls

    def _settle_who_writes_first(self) -> None:
        written: set[int] = set()
        for node in reversed(self.order):
            for i, source in enumerate(node.inputs):
                node.writes_first[i] = id(source) not in written
                written.add(id(source))

    def _settle_who_shares(self) -> None:
        readers = Counter(id(source) for node in self.order for source in node.inputs)
        for node in self.order:
            if node.in_place is not None:
                source = node.inputs[node.in_place]
                if readers[id(source)] == 1 and source.wants_grad and source.units == node.units:
                    node.shares_grad_of = source


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
