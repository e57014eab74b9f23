"""Running a network without learning, on its own buffers: the training's values and gradients stay as they are.

Dropout is off and batch norm uses its running statistics, as when a network is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Phase
from gradflow.engine.network import Network
from gradflow.engine.nodes.norm import BatchNorm
from gradflow.sim.noise import FullGradient
from gradflow.sim.probe import norm

Array = NDArray[Any]

AT_ONCE = 1_000_000_000
"""Samples × parameters of a piece whose gradient is worked out at once: about a second, for which somebody may wait."""


class Evaluator:
    """Runs samples through the parameters of a network, in pieces of bounded size."""

    PIECE = 256
    LEAST_PIECE = 16
    """Smaller pieces would take longer than they tell."""

    def __init__(self, network: Network, classifies: bool = True) -> None:
        self._of, self._classifies = network, classifies
        self._twin: Network | None = None
        self._learner: Network | None = None

    def abandon(self) -> None:
        """Give up, from another thread, what is being run."""
        for network in (self._twin, self._learner):
            if network:
                network.graph.abandon()

    def score(self, x: Array, targets: Array) -> tuple[float, float]:
        """Return mean loss and accuracy over all samples; nan where there are none or accuracy has no meaning."""
        if not len(x):
            return np.nan, np.nan
        total, correct = 0.0, 0
        network = self._network()
        for start in range(0, len(x), self.PIECE):
            piece = slice(start, start + self.PIECE)
            samples = self._fill(x[piece])
            network.loss.targets[:] = targets[piece]
            total += network.forward() * samples
            correct += network.loss.correct()
        return total / len(x), correct / len(x) if self._classifies else np.nan

    def outputs(self, x: Array) -> Array:
        """Return the network's linear outputs (logits), shape (samples, outputs)."""
        network = self._network()
        out = np.empty((len(x), network.loss.units))
        for start in range(0, len(x), self.PIECE):
            samples = self._fill(x[start : start + self.PIECE])
            network.loss.targets.fill(0.0)
            network.forward()
            out[start : start + samples] = network.loss.inputs[0].value
        return out

    def gradient(self, x: Array, targets: Array, give_way: Callable[[], None] = lambda: None) -> FullGradient:
        """Return the gradient of the mean loss over all samples and the size of its parts; no step is taken.

        `give_way` is called before every piece, and may raise.
        Without dropout; batch norm takes its statistics from pieces as large as the training's batches, which are then
        the parts.
        """
        if self._learner is None:
            self._learner = self._of.twin()
            self._learner.graph.set_phase(Phase.HOLD)
        network, total = self._learner, np.zeros(self._of.gradients.size)
        normed = any(isinstance(layer.norm, BatchNorm) for layer in network.layers)
        most = min(max(AT_ONCE // self._of.gradients.size, self.LEAST_PIECE), self.PIECE)
        size = max(self._of.graph.capacity, self.LEAST_PIECE) if normed else most
        if network.graph.capacity != size:
            network.allocate(size)
        network.loss_scale = self._of.loss_scale
        rms = np.zeros((2, len(network.layers)))
        for start in range(0, len(x), size):
            give_way()
            piece = slice(start, start + size)
            samples = len(x[piece])
            network.resize(samples)
            network.input.value[:], network.loss.targets[:] = x[piece], targets[piece]
            network.forward()
            network.backward()
            share = samples / len(x)
            total += network.gradients * (share / network.loss_scale)
            # A sample's own gradient is not divided by the size of the piece.
            weight = math.sqrt(share) if normed else math.sqrt(share * samples)
            rms = np.hypot(rms, _part_norms(network, single=not normed) * (weight / network.loss_scale))
        return FullGradient(total, rms, parts=-(-len(x) // size) if normed else len(x), samples=len(x))

    def _network(self) -> Network:
        # Made when first asked for: a profile at initialisation does without.
        if self._twin is None:
            self._twin = self._of.twin()
            self._twin.allocate(self.PIECE, backward=False)
            self._twin.graph.set_phase(Phase.EVALUATE)
        return self._twin

    def _fill(self, x: Array) -> int:
        network = self._network()
        network.resize(len(x))
        network.input.value[:] = x
        return len(x)


def _part_norms(network: Network, single: bool) -> Array:
    """Return for ∂L/∂W and ∂L/∂b of every layer (2, layers) the norm over all `single` samples' parts, or over all."""
    if single:
        of_samples = (layer.linear.sample_norms() for layer in network.layers)
        return np.array([(norm(of_W), norm(of_b)) for of_W, of_b in of_samples]).T
    return np.array([(norm(layer.linear.W_grad.ravel()), norm(layer.linear.b_grad)) for layer in network.layers]).T
