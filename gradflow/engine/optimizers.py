"""Optimisers: from the gradient to the direction of the step, a few lines on two flat vectors.

The step itself is always parameters −= learning_rate · direction, so the size of a layer's update can be read
off the direction before it is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradflow.registry import Registry

Array = NDArray[np.float64]


class Optimizer:
    """The contract of an optimiser: `direction` may return the gradient itself or a vector it owns."""

    def __init__(self, size: int) -> None:
        self.size = size

    def direction(self, gradient: Array, momentum: float) -> Array:
        """Return the vector to walk against; called once per step."""
        raise NotImplementedError


OPTIMIZERS: Registry[type[Optimizer]] = Registry("optimizer")
optimizer = OPTIMIZERS.register


@optimizer("sgd", "SGD")
class SGD(Optimizer):
    """Stochastic gradient descent: W ← W − η·v with v ← μ·v + ∂L/∂W (μ = momentum; 0 is plain SGD).

    The form of PyTorch's torch.optim.SGD.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._velocity: Array | None = None

    def direction(self, gradient: Array, momentum: float) -> Array:
        if momentum == 0.0:
            self._velocity = None
            return gradient
        if self._velocity is None:
            self._velocity = gradient.copy()
        else:
            np.multiply(self._velocity, momentum, out=self._velocity)
            np.add(self._velocity, gradient, out=self._velocity)
        return self._velocity


class Step:
    """Takes the step parameters −= learning_rate · direction in pieces that stay in the processor's cache."""

    PIECE = 32_768

    def __init__(self, parameters: Array) -> None:
        self._parameters = parameters
        self._scratch = np.empty(min(self.PIECE, parameters.size))

    def take(self, direction: Array, learning_rate: float) -> None:
        """Move the parameters."""
        for start in range(0, direction.size, self.PIECE):
            piece = self._parameters[start : start + self.PIECE]
            scratch = self._scratch[: piece.size]
            np.multiply(direction[start : start + self.PIECE], learning_rate, out=scratch)
            np.subtract(piece, scratch, out=piece)
