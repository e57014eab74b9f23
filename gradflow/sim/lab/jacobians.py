"""Jacobians between any two points of a network at one sample, and the chain of factors that they are the product of.

The identity's rows go back through the network, as if each were a sample of its own. A chain has one factor between
each two points that all ways lead through: where a skip goes around, what is around it is one factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node, Phase
from gradflow.engine.losses import Loss
from gradflow.engine.network import Network
from gradflow.engine.nodes import Dropout, Flatten, Linear
from gradflow.sim.jacobian import hold_statistics, positions, pull
from gradflow.sim.lab.chain import Chain
from gradflow.sim.lab.chain_parts import Factor
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.factor_names import TOGETHER, local_words, name_between
from gradflow.sim.lab.pause import breathe
from gradflow.sim.lab.points import Point, name_points
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.words import counted

Array = NDArray[Any]

MOST_NUMBERS = 2**24
"""So many numbers the factors of a chain may have together (128 MiB)."""

OWN_LOSS = "ℓ"
"""The loss of one sample where samples are coupled; L is the mean of all."""

_BLOCK_BYTES = 1e8
_BLOCK, _BLOCK_PRODUCTS = 64, 3e8
"""So many rows go back together at most; so many multiplications of one node take 40 ms."""


class Stops(StrEnum):
    """Where a chain is cut into factors; a sum of ways is a stop for z and for a, too."""

    NODES = "every node"
    PRE_ACTIVATIONS = "z to z"
    ACTIVATIONS = "a to a"
    ENDS = "nowhere"


class TooLarge(ValueError):
    """A Jacobian has too many numbers to be shown; the message says how many."""


@dataclass(frozen=True)
class _Alone:
    """The sample by itself: its loss, the value of every node, and ∂L of every node when its turn has come."""

    loss: float
    values: Sequence[Array]
    gradients: Sequence[Array]


class SampleJacobians:
    """The Jacobians of a specimen at one of its samples (from 0), whose loss alone is at the end: L, or OWN_LOSS.

    Dropout masks are the run's. Batch norm's mean and variance are those of the batch, held: a sample then has numbers
    of its own, without its influence on the others.
    """

    def __init__(self, specimen: Specimen, sample: int) -> None:
        self._specimen, self.sample = specimen, sample
        # The others matter only to the statistics of batch norm.
        self._place_in_whole = sample if specimen.coupled else 0
        self._whole = specimen.network(None if specimen.coupled else [sample])
        self.points = name_points(self._whole)
        if specimen.coupled:
            # L is the loss of the batch: no gradient of it is found with the batch's statistics held.
            self.points[self._whole.loss] = replace(self.points[self._whole.loss], symbol=OWN_LOSS)
        self._order = list(self.points)
        self._place = {node: place for place, node in enumerate(self._order)}
        self._node = {point.symbol: node for node, point in self.points.items()}

    @property
    def symbols(self) -> list[str]:
        """The symbols of all points, from the input to the loss."""
        return [point.symbol for point in self.points.values()]

    def point(self, symbol: str) -> Point:
        """Return a point by its symbol; raises KeyError."""
        return self.points[self._node[symbol]]

    def value(self, symbol: str) -> Array:
        """Return the numbers at a point, where the Jacobian behind it is evaluated."""
        node = self._node[symbol]
        return np.array([self._alone.loss]) if isinstance(node, Loss) else self._alone.values[self._place[node]].copy()

    def later(self, symbol: str) -> list[str]:
        """Return the points that depend on this one, in order."""
        window = self._order[self._place[self._node[symbol]] :]
        reached = _reached(window)
        return [self.points[node].symbol for node in window[1:] if node in reached]

    def whole(self, source: str, target: str) -> Array:
        """Return ∂target/∂source (target's units, source's) in one walk back; raises TooLarge."""
        return self._jacobian(self._node[source], self._node[target])

    def gradient(self, symbol: str) -> Array:
        """Return ∂L/∂point of this sample as the engine's own backward pass leaves it."""
        return self._alone.gradients[self._place[self._node[symbol]]].copy()

    def stops(self, source: str, target: str, stops: Stops = Stops.NODES) -> list[str]:
        """Return the points that all ways from source to target lead through, of the kind that is asked for."""
        first, last = self._node[source], self._node[target]
        # Flattening changes nothing but the shape.
        passed = [n for n in self._passed(first, last) if n in (first, last) or not isinstance(n, Flatten)]
        letters = {Stops.PRE_ACTIVATIONS: "zsc", Stops.ACTIVATIONS: "asc", Stops.ENDS: ""}
        if stops is not Stops.NODES:
            wanted = letters[stops]
            passed = [n for n in passed if n in (first, last) or self.points[n].symbol[0] in wanted]
        return [self.points[node].symbol for node in passed]

    def chain(self, source: str, target: str, stops: Stops = Stops.NODES) -> Chain:
        """Return the factors from source to target; raises TooLarge."""
        symbols = self.stops(source, target, stops)
        sizes = [self.point(symbol).units for symbol in symbols]
        numbers = sum(a * b for a, b in pairwise(sizes))
        if numbers > MOST_NUMBERS:
            raise TooLarge(
                f"The {len(sizes) - 1} factors from {source} to {target} have {counted(numbers)} numbers; no more "
                f"than {counted(MOST_NUMBERS)} are taken. Choose points closer to each other."
            )
        factors = tuple(self._factors(symbols))
        return Chain(factors, self.whole(source, target))

    def _factors(self, symbols: Sequence[str]) -> Iterator[Factor]:
        for before, after in pairwise(symbols):
            source, target = self._node[before], self._node[after]
            window = self._window(source, target)
            reached = _reached(window)
            yield Factor(
                source=self.points[source],
                target=self.points[target],
                names=tuple(name_between(window, self.points, way) for way in Convention),
                words=local_words(target) if [n for n in target.inputs if n in reached] == [source] else TOGETHER,
                derivative=self._jacobian(source, target),
            )

    def _window(self, source: Node, target: Node) -> Sequence[Node]:
        return self._order[self._place[source] : self._place[target] + 1]

    def _jacobian(self, source: Node, target: Node) -> Array:
        if isinstance(target, Loss):
            if target.inputs[0] is source:
                return self._alone.gradients[self._place[source]][None, :].copy()
            return self._pull(target.inputs[0], source, self._alone.gradients[self._place[target.inputs[0]]][None, :])
        if target.units * source.units > MOST_NUMBERS:
            raise TooLarge(
                f"∂{self.points[target].symbol}/∂{self.points[source].symbol} is a matrix of {counted(target.units)} × "
                f"{counted(source.units)} numbers: too many to be taken."
            )
        return self._pull(target, source, np.eye(target.units))

    def _pull(self, target: Node, source: Node, rows: Array) -> Array:
        """Return rows·∂target/∂source, so many rows at a time as there are copies of the sample."""
        copies, order = self._many
        if source is target:
            return rows
        window = order[self._place[source] : self._place[target] + 1]
        found = np.empty((len(rows), source.units))
        with np.errstate(all="ignore"):
            for start in range(0, len(rows), copies):
                part = pull(window, {window[0]}, rows[start : start + copies], breathe)
                found[start : start + copies] = part[window[0]]
        return found

    def _passed(self, source: Node, target: Node) -> list[Node]:
        """Return the nodes that all ways from source to target lead through."""
        window = self._window(source, target)
        reached = _reached(window)
        if not window or target not in reached:
            raise ValueError(f"{self.points[target].symbol} does not depend on {self.points[source].symbol}")
        # The last node that reads each one, of those on the way.
        last: dict[Node, int] = {target: self._place[target]}
        for node in reversed(window):
            if node in last:
                for before in node.inputs:
                    if before in reached:
                        last[before] = max(last.get(before, 0), self._place[node])
        passed, farthest = [], 0
        for node in window:
            if node in last:
                if farthest <= self._place[node]:
                    passed.append(node)
                farthest = max(farthest, last[node])
        return passed

    @cached_property
    def _many(self) -> tuple[int, Sequence[Node]]:
        """A network with many copies of the sample, one for each row that goes back at the same time."""
        units = sum(node.units for node in self._order)
        most = max(node.units for node in self._order)
        widest = max((node.W.size * positions(node) for node in self._order if isinstance(node, Linear)), default=1)
        copies = int(max(1, min(_BLOCK, most, _BLOCK_BYTES / (24 * units), _BLOCK_PRODUCTS / widest)))
        network = self._run(copies)
        with np.errstate(all="ignore"):
            for node, value in zip(network.graph.order, self._alone.values, strict=True):
                breathe()
                node.forward()
                # A product of matrices may round otherwise for many rows than for one: the sample has one number.
                node.value[:] = value
        return copies, network.graph.order

    @cached_property
    def _alone(self) -> _Alone:
        network = self._run(1)
        values = [node.value[0].copy() for node in network.graph.order]
        gradients = []
        with np.errstate(all="ignore"):
            for node in reversed(network.graph.order):
                breathe()
                gradients.append(node.grad[0].copy() if node.needs_grad else np.ones(1))
                node.backward()
        return _Alone(network.loss.loss, values, gradients[::-1])

    def _run(self, copies: int) -> Network:
        made = self._whole.copy()
        breathe()
        made.follow(self._whole)
        made.allocate(copies)
        breathe()
        made.graph.set_phase(Phase.HOLD)
        hold_statistics(made, self._whole)
        for node, same in zip(made.graph.order, self._whole.graph.order, strict=True):
            if isinstance(node, Dropout) and isinstance(same, Dropout):
                node.hold(np.repeat(same.mask[[self._place_in_whole]], copies, axis=0))
        made.input.value[:] = self._specimen.inputs[self.sample]
        made.loss.targets[:] = self._specimen.targets[self.sample]
        with np.errstate(all="ignore"):
            for node in made.graph.order:
                breathe()
                node.forward()
        return made


def _reached(window: Sequence[Node]) -> set[Node]:
    """Return what depends on the first node of a window of the order."""
    reached = set(window[:1])
    for node in window[1:]:
        if any(before in reached for before in node.inputs):
            reached.add(node)
    return reached
