"""The dense layer z = x·W + b."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node

Array = NDArray[np.float64]


class Dense(Node):
    """z = x·W + b with W of shape (inputs, units).

    With δ = ∂L/∂z (this node's `grad`): ∂L/∂W = xᵀ·δ, ∂L/∂b = Σ_samples δ, ∂L/∂x = δ·Wᵀ.
    """

    def __init__(self, source: Node, units: int) -> None:
        super().__init__((source,), units)

    @property
    def parameter_count(self) -> int:
        """Weights and biases together."""
        return (self.inputs[0].units + 1) * self.units

    def bind(self, parameters: Array, gradients: Array) -> None:
        """Take this layer's slices of the two flat vectors as W, b and their gradients."""
        weights = self.inputs[0].units * self.units
        shape = self.inputs[0].units, self.units
        self.W, self.b = parameters[:weights].reshape(shape), parameters[weights:]
        self.W_grad, self.b_grad = gradients[:weights].reshape(shape), gradients[weights:]
        self._W_transposed = self.W.T

    def allocate(self, batch: int) -> None:
        super().allocate(batch)
        self._ones = np.ones(batch)
        source = self.inputs[0]
        shared = source.needs_grad and not self.writes_first[0]
        self._share = np.empty((batch, source.units)) if shared else np.empty((0, source.units))

    def resize(self, samples: int) -> None:
        super().resize(samples)
        source = self.inputs[0]
        self._x, self._x_grad = source.value, source.grad
        self._x_transposed = self._x.T
        self._one_per_sample = self._ones[:samples]

    def forward(self) -> None:
        np.dot(self._x, self.W, out=self.value)
        np.add(self.value, self.b, out=self.value)

    def backward(self) -> None:
        delta = self.grad
        np.dot(self._x_transposed, delta, out=self.W_grad)
        np.dot(self._one_per_sample, delta, out=self.b_grad)
        if not self.inputs[0].needs_grad:
            return
        if self.writes_first[0]:
            np.dot(delta, self._W_transposed, out=self._x_grad)
        else:
            share = self._share[: len(delta)]
            np.dot(delta, self._W_transposed, out=share)
            np.add(self._x_grad, share, out=self._x_grad)
