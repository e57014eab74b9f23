"""The Jacobians of a network at one sample: of each layer, and of every depth with respect to the input.

Backprop turns ∂L/∂z into ∂L/∂z of an earlier layer; given the rows of an identity matrix instead, as if every unit were
one sample of a batch, it returns the whole Jacobian at once. It is exact for whatever the network is made of. What
batch norm does to a sample depends on the others: here its mean and variance are those of the training's batch, held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node, Phase
from gradflow.engine.network import Network
from gradflow.engine.nodes.norm import BatchNorm

Array = NDArray[Any]

MOST_UNITS = 512
MOST_PRODUCTS = 3e9
MOST_BYTES = 4e8
"""Up to here whole Jacobians are taken: beyond, a measurement would take more than about a second."""


@dataclass(frozen=True, eq=False, repr=False)
class Pair:
    """The Jacobians of one layer (counted from 0): ∂z_l/∂z_{l−1}, and ∂z_l/∂x divided by 10^`decades`."""

    layer: int
    own: Array
    path: Array
    decades: float


class Jacobians:
    """Takes the Jacobians of one network, on a copy of it: the training's values and gradients stay as they are."""

    def __init__(self, network: Network) -> None:
        self._of = network
        self._copy = network.copy()
        graph = self._copy.graph
        # Without the loss.
        self._order = graph.order[:-1]
        self._place = {node: place for place, node in enumerate(self._order)}
        self._z: list[Node] = [layer.linear for layer in self._copy.layers]
        # All ways from the input to a station lead through the station before it in `_before`.
        stations = {*self._z, *(node for node in self._order if len(node.inputs) > 1)}
        self._stations = [node for node in self._order if node in stations]
        self._before = _last_passed(self._order, {self._copy.input, *stations})
        self._size = max(node.units for node in self._stations)
        self.largest_units = max(node.units for node in self._z)

    @property
    def whole(self) -> bool:
        """Whether the network is small enough for whole Jacobians."""
        products = self._size * sum(layer.linear.W.size * positions(layer.linear) for layer in self._copy.layers)
        held = 24 * self._size * sum(node.units for node in self._order)
        return self._size <= MOST_UNITS and products <= MOST_PRODUCTS and held <= MOST_BYTES

    @property
    def coupled(self) -> bool:
        """Whether batch norm lets the samples of a batch depend on each other."""
        return any(isinstance(node, BatchNorm) for node in self._order)

    def pairs(self, x: Array, pause: Callable[[], None] = lambda: None) -> Iterator[Pair]:
        """Yield the Jacobians of every layer at the sample `x`; `pause` is called now and then, and may raise."""
        self._prepare(self._size)
        taken: dict[Node, dict[Node, Array]] = {}
        for size in sorted({node.units for node in self._stations}):
            self._load(x, size)
            for node in self._stations:
                if node.units == size:
                    pause()
                    taken[node] = self._pull(node, {self._before[node], self._previous(node)})
        known: dict[Node, tuple[Array, float]] = {self._copy.input: (np.eye(self._copy.input.units), 0.0)}
        for node in self._stations:
            pause()
            path, decades = known[self._before[node]]
            path, more = _scaled(taken[node][self._before[node]] @ path)
            known[node] = path, decades + more
            if node in self._z:
                yield Pair(self._z.index(node), taken[node][self._previous(node)], *known[node])

    def to_output(self, x: Array) -> Array | None:
        """Return ∂z_L/∂x of a network of any size; None if it has too many outputs."""
        output = self._z[-1]
        if output.units > MOST_UNITS:
            return None
        self._prepare(output.units)
        self._load(x, output.units)
        return self._pull(output, {self._copy.input})[self._copy.input]

    def largest(self, x: Array, layer: int) -> float:
        """Return the largest singular value of one layer's own Jacobian, without ever having the whole of it.

        By Lanczos' iteration: Jᵀu is backprop, and J·v a central difference.
        """
        # The sample itself, and one on either side of it.
        self._prepare(3)
        self._load(x, 3)
        node = self._z[layer]
        source = self._previous(node)
        window = self._order[self._place[source] + 1 : self._place[node] + 1]
        here = source.value[0].copy()
        step = 1e-6 * max(1.0, float(np.abs(here).max()))

        def forward(v: Array) -> Array:
            v = v.reshape(-1)
            source.value[1], source.value[2] = here + step * v, here - step * v
            for other in window:
                other.forward()
            return np.asarray((node.value[1] - node.value[2]) / (2.0 * step))

        def backward(u: Array) -> Array:
            return np.asarray(self._pull(node, {source}, u.reshape(1, -1))[source][0])

        if min(node.units, source.units) < 3:
            rows = [backward(row) for row in np.eye(node.units)] if node.units < 3 else None
            columns = rows or [forward(column) for column in np.eye(source.units)]
            return float(np.linalg.norm(np.stack(columns), 2))
        # Only here: it takes longer to import than all the rest.
        from scipy.sparse.linalg import ArpackError, LinearOperator, svds  # type: ignore[import-untyped]

        operator = LinearOperator((node.units, source.units), matvec=forward, rmatvec=backward, dtype=float)
        # Any direction that is not at right angles to the one that is looked for, and the same one every time.
        start = np.sin(np.arange(1.0, min(operator.shape) + 1.0) ** 2)
        try:
            return float(svds(operator, k=1, tol=1e-2, v0=start, maxiter=20, return_singular_vectors=False)[0])
        except (ArpackError, np.linalg.LinAlgError, ValueError):
            return float("nan")

    def _previous(self, node: Node) -> Node:
        """Return z of the layer before; where two ways meet there is none, and the station before stands for it."""
        if node not in self._z:
            return self._before[node]
        layer = self._z.index(node)
        return self._z[layer - 1] if layer else self._copy.input

    def _prepare(self, samples: int) -> None:
        """Have the parameters of this step, memory for so many samples, and batch norm as the batch sees it."""
        copy = self._copy
        copy.follow(self._of)
        if copy.graph.capacity != samples:
            copy.allocate(samples)
            copy.graph.set_phase(Phase.EVALUATE)
        hold_statistics(copy, self._of)

    def _load(self, x: Array, samples: int) -> None:
        self._copy.resize(samples)
        self._copy.input.value[:] = x
        for node in self._order:
            node.forward()

    def _pull(self, node: Node, targets: set[Node], rows: Array | None = None) -> dict[Node, Array]:
        """Return ∂node/∂target for each target, times `rows` if there are any."""
        rows = np.eye(node.units) if rows is None else rows
        return pull(self._order[min(self._place[target] for target in targets) : self._place[node] + 1], targets, rows)


def pull(
    window: Sequence[Node], targets: Iterable[Node], rows: Array, pause: Callable[[], None] = lambda: None
) -> dict[Node, Array]:
    """Return `rows` · ∂node/∂target for each target, by backprop through a window of the order that ends with the node.

    The first rows of the batch must have been run forwards, each with the same sample. `pause` is called at every node,
    and may raise.
    """
    # What comes after the node has no part in it, also where it would have been the first to write.
    for other in window:
        other.grad.fill(0.0)
    window[-1].grad[: len(rows)] = rows
    wanted = set(targets)
    found: dict[Node, Array] = {}
    for other in reversed(window):
        pause()
        if other in wanted:
            found[other] = other.grad[: len(rows)].copy()
        if len(found) < len(wanted):
            other.backward()
    return found


def hold_statistics(mine: Network, other: Network) -> None:
    """Let batch norm use the mean and variance of the batch that another network has run."""
    for node, same in zip(mine.graph.order, other.graph.order, strict=True):
        if isinstance(node, BatchNorm):
            rows = same.inputs[0].value.reshape(-1, same.shape[-1])
            node.state_views["running_mean"][:] = rows.mean(axis=0, dtype=float)
            node.state_views["running_variance"][:] = rows.var(axis=0, dtype=float)
            node.phase = Phase.EVALUATE


def positions(node: Node) -> int:
    """Return how often a layer's weights are used for one sample: once, or at every place of an image."""
    return node.units // node.shape[-1]


def _last_passed(order: Sequence[Node], stations: set[Node]) -> dict[Node, Node]:
    """Return for every node the last of the stations that all ways from the input lead through.

    The immediate dominators of a graph without cycles: where ways meet, the last node that they have in common.
    """
    above, depth = {order[0]: order[0]}, {order[0]: 0}
    for node in order[1:]:
        common, *others = node.inputs
        for other in others:
            while common is not other:
                if depth[common] >= depth[other]:
                    common = above[common]
                else:
                    other = above[other]
        above[node], depth[node] = common, depth[common] + 1
    last = {}
    for node in order[1:]:
        passed = above[node]
        while passed not in stations:
            passed = above[passed]
        last[node] = passed
    return last


def _scaled(matrix: Array) -> tuple[Array, float]:
    """Return the matrix divided by a power of ten near its largest entry, and that power: products of many vanish."""
    largest = float(np.abs(matrix).max())
    if not 0.0 < largest < np.inf:
        return matrix, 0.0
    decades = float(np.floor(np.log10(largest)))
    return matrix / 10.0**decades, decades
