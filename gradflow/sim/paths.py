"""Which way the gradient comes back: at every box, how much of ∂L/∂value arrives over which edge.

Where a value feeds several boxes its gradient is the sum of what these give back, and the shares of their norms say
whether skips or branches carry it. For y = x + α·branch(x) the skip gives ∂L/∂y, and the branch the rest of ∂L/∂x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.engine.network import Network
from gradflow.sim.frozen import Frozen
from gradflow.sim.graph_shape import crossings
from gradflow.sim.probe import norm

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Paths(Frozen):
    """For each edge of the topology's graph, what comes back over it; nan towards the data, which need no gradient.

    `norm` is the norm of what its target gives to the gradient of its source, `share` that norm's part of the sum of
    the norms of all that arrives there (nan where nothing arrives), `total` the norm of the whole gradient there: less
    than the sum, unless all of it points the same way.
    """

    norm: Array
    share: Array
    total: Array


def measure(network: Network) -> Paths:
    """Return what flows over every edge, from one more backward pass over the batch that was run.

    Every gradient is the same afterwards. Cost: a backward pass and a pass over the gradient at each edge.
    """
    edges = [(id(source), id(target)) for source, target in crossings(network)]
    wanted = set(edges)
    arrived: dict[tuple[int, int], float] = {}
    totals: dict[int, float] = {}
    for source, target, gift, whole in contributions(network):
        if (id(source), id(target)) in wanted:
            arrived[id(source), id(target)] = norm(gift.reshape(-1)) / network.loss_scale
            totals[id(source)] = norm(whole.reshape(-1)) / network.loss_scale
    norms = np.array([arrived.get(edge, np.nan) for edge in edges])
    sums: dict[int, float] = {}
    for (fork, _), one in zip(edges, norms, strict=True):
        sums[fork] = sums.get(fork, 0.0) + float(one)
    whole_norms = np.array([totals.get(fork, np.nan) for fork, _ in edges])
    sum_of = np.array([sums[fork] for fork, _ in edges])
    share = np.divide(norms, sum_of, out=np.full(len(norms), np.nan), where=sum_of > 0.0)
    return Paths(norms, share, whole_norms)


def contributions(network: Network) -> Iterator[tuple[Node, Node, Array, Array]]:
    """Run the backward pass again; yield source, consumer, what it gives to the source's gradient, and the sum so far.

    The two arrays are only good until the next ones are asked for.
    """
    graph = network.graph
    for node in reversed(graph.order):
        kept = {}
        for i, source in enumerate(node.inputs):
            written = any(node.writes_first[j] for j, other in enumerate(node.inputs) if other is source)
            if source.needs_grad and not written:
                # What others gave is put aside, because a small gift would lose its digits in the sum.
                kept[i] = source.grad.copy()
                source.grad.fill(0.0)
        for call in graph.turn(node):
            call()
        for i, source in enumerate(node.inputs):
            if source.needs_grad and source not in node.inputs[:i]:
                gift = source.grad if i not in kept else source.grad.copy()
                if i in kept:
                    np.add(kept[i], gift, out=source.grad)
                yield source, node, gift, source.grad
