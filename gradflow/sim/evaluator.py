"""Running a network without learning, on its own buffers: the training's values and gradients stay as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Network

Array = NDArray[np.float64]


class Evaluator:
    """Runs samples through the parameters of a network, in pieces of bounded size."""

    PIECE = 256

    def __init__(self, network: Network, classifies: bool = True) -> None:
        self._of, self._classifies = network, classifies
        self._twin: Network | None = None

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
        out = np.empty((len(x), network.layers[-1].dense.units))
        for start in range(0, len(x), self.PIECE):
            samples = self._fill(x[start : start + self.PIECE])
            network.loss.targets.fill(0.0)
            network.forward()
            out[start : start + samples] = network.layers[-1].dense.value
        return out

    def _network(self) -> Network:
        # Made when first asked for: a profile at initialisation does without.
        if self._twin is None:
            self._twin = self._of.twin()
            self._twin.allocate(self.PIECE, backward=False)
        return self._twin

    def _fill(self, x: Array) -> int:
        network = self._network()
        network.resize(len(x))
        network.input.value[:] = x
        return len(x)
