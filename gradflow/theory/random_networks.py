"""How much one random network differs from the next, for a batch: what differs between samples averages itself out.

Of one sample in a plain chain, `scatter` follows the lengths. Over a batch its deviations are those of the others too
only as far as these are correlated, and the sums over pairs that make up ‖∂L/∂W‖² have deviations of their own; norms
and skips pass them on in ways of their own. So samples that stand for the batch go through random layers of the real
widths, step by step as in `random_steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradflow.theory.propagation import Graph
from gradflow.theory.quadrature import Array
from gradflow.theory.random_steps import Pull, gram, scale, through

NETWORKS, FEWEST = 128, 16
"""How many random networks are followed at most, and at least."""

NUMBERS, AT_ONCE = 10_000_000, 500_000
"""So many values are drawn altogether, about (then fewer networks have to do), and so many kept for the way back."""


def how_many(samples: int, units: int) -> int:
    """Return how many random networks with so many units in all layers together are followed for so many samples."""
    return min(max(NUMBERS // (samples * units), FEWEST), NETWORKS)


def random_networks(
    graph: Graph,
    places: Sequence[int],
    samples: Array,
    delta: Callable[[Array], Array],
    pairs: Array,
    rng: np.random.Generator,
    watch: Callable[[], Any],
    look: Callable[[int, Array], None] | None = None,
) -> tuple[Array, Array]:
    """Return ln Σ_α G_αα·w_αα and ln Σ_αβ G_αβ·K_αβ·w_αβ in random networks, each as (weights, layers, networks).

    G is the Gram matrix of δ and K that of the layer's input, for every layer, and `pairs` (weights,
    samples, samples) are the weights w. `places` are those of the layers' z in the graph, `samples` (samples, features)
    the data, and `delta` maps outputs (networks, samples, units) to their δ. `watch` is called now and then, and `look`
    with every place and what comes out there in some networks (networks, units, samples). Raises LinAlgError where
    numbers leave floating point.
    """
    networks = how_many(len(samples), graph.units)
    together = min(max(AT_ONCE // (len(samples) * graph.units), 1), networks)
    with np.errstate(all="ignore"):
        walks = []
        for start in range(0, networks, together):
            data = np.broadcast_to(samples.T, (min(together, networks - start), *samples.T.shape))
            walks.append(_walk(graph, places, data, delta, pairs, rng, watch, look))
    deltas, gradients = (np.concatenate(parts, axis=2) for parts in zip(*walks, strict=True))
    return deltas, gradients


def _walk(
    graph: Graph,
    places: Sequence[int],
    data: Array,
    delta: Callable[[Array], Array],
    pairs: Array,
    rng: np.random.Generator,
    watch: Callable[[], Any],
    look: Callable[[int, Array], None] | None,
) -> tuple[Array, Array]:
    """Go forwards and back through as many networks at once as there are copies of the data."""
    values, pulls = [data], list[Pull]()
    for step, sources in zip(graph.steps[1:], graph.inputs[1:], strict=True):
        watch()
        value, pull = through(step, [values[i] for i in sources], rng)
        if look:
            look(len(values), value)
        values.append(value)
        pulls.append(pull)
    grads = {len(graph.steps) - 1: np.swapaxes(delta(np.swapaxes(values[-1], 1, 2)), 1, 2)}
    logs = {}
    for place in range(len(graph.steps) - 1, 0, -1):
        watch()
        g, pull = grads.pop(place), pulls.pop()
        if place in places:
            logs[place] = _logs(g, values[graph.inputs[place][0]], pairs)
        # Nobody asks for the gradient of the data.
        if any(graph.inputs[place]):
            for source, share in zip(graph.inputs[place], pull(g), strict=True):
                grads[source] = grads[source] + share if source in grads else share
        values.pop()
    deltas, gradients = (np.stack(found, axis=1) for found in zip(*(logs[place] for place in places), strict=True))
    return deltas, gradients


def _logs(g: Array, a: Array, pairs: Array) -> tuple[Array, Array]:
    """Return the logarithms of one layer, each (weights, networks)."""
    size = scale(g)
    G, K = gram(g / size), gram(a)
    own = np.einsum("waa->wa", pairs) @ np.einsum("raa->ar", G)
    both = pairs.reshape(len(pairs), -1) @ (G * K).reshape(len(G), -1).T
    beyond = 2.0 * np.log(size[:, 0, 0])
    return np.log(own) + beyond, np.log(both) + beyond
