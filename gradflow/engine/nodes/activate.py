"""The activation as a node: a = φ(z), entry by entry; its negative slope can be a parameter."""

from __future__ import annotations

import numpy as np

from gradflow.engine.activations import Activation
from gradflow.engine.graph import Array, Node, ParameterNode, Shape


class Activate(Node):
    """a = φ(z); backwards ∂L/∂z = ∂L/∂a · φ′(z)."""

    in_place = 0

    def __init__(self, source: Node, function: Activation) -> None:
        super().__init__((source,), source.shape)
        self.function = function
        self.name_of_kink = "a kink of φ" if function.kinks else ""

    def resize(self, samples: int) -> None:
        super().resize(samples)
        self._z, self._z_grad = self.inputs[0].value, self.inputs[0].grad
        self._one, self._two = (self.workspace.room(i, samples, self.units) for i in (0, 1))

    def forward(self) -> None:
        self.function.value(self._z, self.value, self._one)

    def backward(self) -> None:
        self.write_slope(self._one)
        self._chain(self._one)

    def write_slope(self, out: Array) -> None:
        """Write φ′(z) of the batch that was run into `out`, which must not be the workspace's second room."""
        self.function.slope(self._z, self.value, out, self._two)

    def _chain(self, slope: Array) -> None:
        """Turn ∂L/∂a into ∂L/∂z."""
        if not self.inputs[0].needs_grad:
            return
        if self.writes_first[0]:
            np.multiply(self.grad, slope, self._z_grad)
        else:
            np.multiply(self.grad, slope, slope)
            np.add(self._z_grad, slope, self._z_grad)

    def kink_sides(self) -> list[Array]:
        return [np.sign(self._z - kink) for kink in self.function.kinks]


class LearnableActivate(Activate, ParameterNode):
    """PReLU: φ(z) = z for z > 0 and α·z elsewhere, with one α for the layer or one for each unit (or channel).

    ∂L/∂α = Σ ∂L/∂φ · min(z, 0), over the samples and, where α is shared, the units (He et al. 2015, eq. 11).
    """

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """The slope a."""
        return {"a": (self.shape[-1] if self.function.learnable == "unit" else 1,)}

    def bind(self, parameters: Array, gradients: Array) -> None:
        super().bind(parameters, gradients)
        self.a, self.a_grad = self.parameter_views["a"], self.gradient_views["a"]

    def resize(self, samples: int) -> None:
        super().resize(samples)
        # One row for each place of each sample, so that a (per channel) broadcasts.
        rows = self._z.size // self.shape[-1], self.shape[-1]
        self._z_rows, self._value_rows = self._z.reshape(rows), self.value.reshape(rows)
        self._one_rows, self._two_rows = self._one.reshape(rows), self._two.reshape(rows)
        self._grad_rows = self.grad.reshape(rows) if self.needs_grad else self.grad
        self._ones = np.ones(rows[0], self.dtype)
        self._mask = self.workspace.mask(*rows)
        self._sums = np.zeros(self.shape[-1], self.dtype)

    def forward(self) -> None:
        np.minimum(self._z_rows, 0.0, out=self._one_rows)
        np.multiply(self._one_rows, self.a, self._one_rows)
        np.maximum(self._z_rows, 0.0, out=self._value_rows)
        np.add(self._value_rows, self._one_rows, self._value_rows)

    def backward(self) -> None:
        below = self._two_rows
        np.minimum(self._z_rows, 0.0, out=below)
        np.multiply(below, self._grad_rows, below)
        self._ones.dot(below, self._sums)
        if self.a.size == 1:
            self.a_grad[0] = np.add.reduce(self._sums)
        else:
            self.a_grad[:] = self._sums
        self.write_slope(self._one)
        self._chain(self._one)

    def write_slope(self, out: Array) -> None:
        """Write a where z ≤ 0, 1 elsewhere."""
        np.greater(self._z_rows, 0.0, self._mask)
        slope = out.reshape(self._z_rows.shape)
        slope[:] = self.a
        np.copyto(slope, 1.0, where=self._mask)
