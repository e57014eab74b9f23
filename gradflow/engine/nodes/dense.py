"""The dense layer z = x·W + b, and the plain projection z = x·W of a skip connection."""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Array, Node, ParameterNode, Shape

SAFE_SQUARES = 1e-280, 1e290
"""Outside this range a sum of squares may have lost digits to underflow or overflow."""


class Linear(ParameterNode):
    """A layer with a weight matrix W and, if `bias`, biases b: what has a fan-in, and a δ = ∂L/∂z to look at.

    `delta_rows` and `input_rows` are ∂L/∂z and x as matrices whose product gives ∂L/∂W.
    """

    W: Array
    W_grad: Array
    b: Array
    b_grad: Array
    kernel: tuple[int, int] = (1, 1)
    """Height and width of the kernel: the positions over which one weight is used."""

    def __init__(self, source: Node, shape: Shape | int, rows: int, bias: bool = True) -> None:
        super().__init__((source,), shape)
        self.channels = self.shape[-1]
        self.channels_in = rows // (self.kernel[0] * self.kernel[1])
        self._rows, self._has_bias = rows, bias

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """W (fan-in, units) and b (units)."""
        shapes: dict[str, Shape] = {"W": (self._rows, self.channels)}
        return {**shapes, "b": (self.channels,)} if self._has_bias else shapes

    def bind(self, parameters: Array, gradients: Array) -> None:
        super().bind(parameters, gradients)
        self.W, self.W_grad = self.parameter_views["W"], self.gradient_views["W"]
        empty = np.empty(0, parameters.dtype)
        self.b = self.parameter_views.get("b", empty)
        self.b_grad = self.gradient_views.get("b", empty)
        self._W_transposed = self.W.T

    def resize(self, samples: int) -> None:
        super().resize(samples)
        self.value_rows = self.value.reshape(-1, self.channels)
        self._ones = np.ones(len(self.value_rows), self.dtype)
        self.delta_rows = self.grad.reshape(-1, self.channels) if self.needs_grad else self.grad

    def sample_norms(self) -> tuple[Array, Array]:
        """Return for each sample the norms of its own part of ∂L/∂W and of ∂L/∂b, after a backward pass.

        The parts of all samples add up to the gradients. Without biases their norms are 0.
        """
        raise NotImplementedError


def row_norms(rows: Array) -> Array:
    """Return ‖row‖ of every row of a matrix in float64; no square leaves the range."""
    squares = np.einsum("ij,ij->i", rows, rows, dtype=float)
    unsafe = ~((squares > SAFE_SQUARES[0]) & (squares < SAFE_SQUARES[1]))
    norms: Array = np.sqrt(squares)
    if unsafe.any():
        odd = rows[unsafe].astype(float)
        largest = np.abs(odd).max(axis=1, initial=0.0)
        scaled = np.divide(odd, largest[:, None], out=np.zeros_like(odd), where=largest[:, None] > 0.0)
        norms[unsafe] = largest * np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    return norms


class Dense(Linear):
    """z = x·W + b with W of shape (inputs, units).

    With δ = ∂L/∂z (this node's `grad`): ∂L/∂W = xᵀ·δ, ∂L/∂b = Σ_samples δ, ∂L/∂x = δ·Wᵀ.
    """

    def __init__(self, source: Node, units: int, bias: bool = True) -> None:
        super().__init__(source, units, source.units, bias)

    @property
    def scratch_entries(self) -> int:
        return max(self.units, self.inputs[0].units)

    def resize(self, samples: int) -> None:
        super().resize(samples)
        source = self.inputs[0]
        self._x, self._x_grad = source.value, source.grad
        self._x_transposed = self._x.T
        self._share = self.workspace.room(0, samples, source.units)

    def forward(self) -> None:
        self._x.dot(self.W, self.value)
        if self._has_bias:
            np.add(self.value, self.b, self.value)

    def sample_norms(self) -> tuple[Array, Array]:
        # δᵢ⊗xᵢ has rank one, so that its norm is the product of theirs.
        deltas = row_norms(self.grad)
        return deltas * row_norms(self._x), deltas if self._has_bias else np.zeros_like(deltas)

    def backward(self) -> None:
        delta = self.grad
        self._x_transposed.dot(delta, self.W_grad)
        if self._has_bias:
            self._ones.dot(delta, self.b_grad)
        if not self.inputs[0].needs_grad:
            return
        if self.writes_first[0]:
            delta.dot(self._W_transposed, self._x_grad)
        else:
            delta.dot(self._W_transposed, self._share)
            np.add(self._x_grad, self._share, self._x_grad)
