"""How much one random network differs from the next, for a batch: what differs between samples averages itself out.

Of one sample in a plain chain, `scatter` follows the lengths. Over a batch its deviations are those of the others too
only as far as these are correlated, and the sums over pairs that make up ‖∂L/∂W‖² have deviations of their own; norms
and skips pass them on in ways of their own. So samples that stand for the batch go through random layers of the real
widths, step by step as in `random_steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False)
class RandomNetworks:
    """Random networks of one graph, with what is read off them.

    `places` are those of the layers' z in the graph, `delta` maps outputs (networks, samples, units) to their δ, and
    `pairs` (weights, samples, samples) are the weights w of sums over pairs of samples. `watch` is called now and then,
    `look` with every place and what comes out there in some networks (networks, units, samples).
    """

    graph: Graph
    places: Sequence[int]
    delta: Callable[[Array], Array]
    pairs: Array
    rng: np.random.Generator
    watch: Callable[[], Any] = lambda: None
    look: Callable[[int, Array], Any] = lambda place, values: None

    def follow(self, samples: Array) -> tuple[Array, Array]:
        """Return ln Σ_α G_αα·w_αα and ln Σ_αβ G_αβ·K_αβ·w_αβ, each as (weights, layers, networks).

        G is the Gram matrix of δ and K that of the layer's input, for every layer; `samples` are (samples, features).
        Raises LinAlgError where numbers leave floating point.
        """
        networks = how_many(len(samples), self.graph.units)
        together = min(max(AT_ONCE // (len(samples) * self.graph.units), 1), networks)
        with np.errstate(all="ignore"):
            walks = []
            for start in range(0, networks, together):
                data = np.broadcast_to(samples.T, (min(together, networks - start), *samples.T.shape))
                walks.append(self._walk(data))
        deltas, gradients = (np.concatenate(parts, axis=2) for parts in zip(*walks, strict=True))
        return deltas, gradients

    def _walk(self, data: Array) -> tuple[Array, Array]:
        """Go forwards and back through as many networks at once as there are copies of the data."""
        inputs = self.graph.inputs
        values, pulls = [data], list[Pull]()
        for place, step in enumerate(self.graph.steps[1:], 1):
            self.watch()
            value, pull = through(step, [values[i] for i in inputs[place]], self.rng)
            self.look(place, value)
            values.append(value)
            pulls.append(pull)
        last = len(values) - 1
        grads = {last: np.swapaxes(self.delta(np.swapaxes(values[last], 1, 2)), 1, 2)}
        logs = {}
        for place in range(last, 0, -1):
            self.watch()
            g, pull = grads.pop(place), pulls.pop()
            if place in self.places:
                logs[place] = _logs(g, values[inputs[place][0]], self.pairs)
            # Nobody asks for the gradient of the data.
            if any(inputs[place]):
                for source, share in zip(inputs[place], pull(g), strict=True):
                    grads[source] = grads[source] + share if source in grads else share
            values.pop()
        deltas, gradients = (np.stack(found, axis=1) for found in zip(*(logs[i] for i in self.places), strict=True))
        return deltas, gradients


def _logs(g: Array, a: Array, pairs: Array) -> tuple[Array, Array]:
    """Return the logarithms of one layer, each (weights, networks)."""
    size = scale(g)
    G, K = gram(g / size), gram(a)
    own = np.einsum("waa->wa", pairs) @ np.einsum("raa->ar", G)
    both = pairs.reshape(len(pairs), -1) @ (G * K).reshape(len(G), -1).T
    beyond = 2.0 * np.log(size[:, 0, 0])
    return np.log(own) + beyond, np.log(both) + beyond
