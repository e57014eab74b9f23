"""Normalisations: the signal gets mean 0 and variance 1 (or length √n), then a learnt gain γ and shift β.

With x̂ = (x − μ)/√(σ² + ε) and y = γ·x̂ + β over n numbers, the gradient is
∂L/∂x = γ/√(σ² + ε)·(g − mean(g) − x̂·mean(g·x̂)), g being ∂L/∂y (times γ inside the means where γ differs between them).
"""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Array, Node, ParameterNode, Phase, Shape
from gradflow.registry import Registry

EPSILON = 1e-5
"""ε under the root, as in PyTorch."""

RUNNING_SHARE = 0.1
"""How much of a batch's statistics enters the running ones: PyTorch's momentum."""


class Norm(ParameterNode):
    """What the normalisations share: gain γ, shift β, and x̂ kept for the way back."""

    in_place = 0

    def __init__(self, source: Node) -> None:
        super().__init__((source,), source.shape)

    def allocate(self, batch: int, value: Array | None = None) -> None:
        super().allocate(batch, value)
        # Without gradients x̂ is not needed again and may stand in the value itself.
        self._all_normed = np.zeros((batch, self.units), self.dtype) if self.needs_grad else self._value

    def bind(self, parameters: Array, gradients: Array) -> None:
        super().bind(parameters, gradients)
        self.gamma, self.gamma_grad = self.parameter_views["gamma"], self.gradient_views["gamma"]

    @property
    def normed(self) -> Array:
        """x̂ of the batch that was run (samples, units)."""
        return self._all_normed[: len(self.value)]

    def start(self) -> None:
        """Begin as the plain normalisation: γ = 1, β = 0, running mean 0 and variance 1."""
        for name, view in {**self.parameter_views, **self.state_views}.items():
            view.fill(1.0 if name in ("gamma", "running_variance") else 0.0)


NORMS: Registry[type[Norm]] = Registry("norm")
norm = NORMS.register


@norm("batch-norm", "Batch norm")
class BatchNorm(Norm):
    """x̂ = (x − μ)/√(σ² + ε) for each unit over the batch (each channel over batch and image); y = γ·x̂ + β.

    In training μ and σ² are the batch's, in evaluation running averages. It keeps the forward signal at any depth, but
    with ReLU the gradient's norm grows by √(π/(π−1)) ≈ 1.21 per layer at initialisation (Ioffe & Szegedy 2015; Yang et
    al. 2019).
    """

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """γ and β, one for each unit or channel."""
        return {"gamma": (self.shape[-1],), "beta": (self.shape[-1],)}

    @property
    def state_shapes(self) -> dict[str, Shape]:
        """The running mean and variance."""
        return {"running_mean": (self.shape[-1],), "running_variance": (self.shape[-1],)}

    def resize(self, samples: int) -> None:
        super().resize(samples)
        rows = samples * self.units // self.shape[-1], self.shape[-1]
        self._x, self._y = self.inputs[0].value.reshape(rows), self.value.reshape(rows)
        self._normed = self._all_normed[:samples].reshape(rows)
        self._scratch = self.workspace.room(0, *rows)
        self._ones = np.ones(rows[0], self.dtype)
        self._mean, self._inverse, self._row = np.zeros((3, rows[1]), self.dtype)

    def forward(self) -> None:
        running_mean, running_variance = self.state_views["running_mean"], self.state_views["running_variance"]
        count = len(self._x)
        if self.phase is Phase.EVALUATE:
            self._mean[:], self._inverse[:] = running_mean, running_variance
            np.subtract(self._x, self._mean, self._normed)
        else:
            self._ones.dot(self._x, self._mean)
            np.multiply(self._mean, 1.0 / count, self._mean)
            np.subtract(self._x, self._mean, self._normed)
            np.multiply(self._normed, self._normed, self._scratch)
            self._ones.dot(self._scratch, self._inverse)
            np.multiply(self._inverse, 1.0 / count, self._inverse)
            if self.phase is Phase.TRAIN:
                _approach(running_mean, self._mean, 1.0, self._row)
                # The running variance is the unbiased estimate, as in PyTorch.
                _approach(running_variance, self._inverse, count / max(count - 1, 1), self._row)
        np.add(self._inverse, EPSILON, self._inverse)
        np.sqrt(self._inverse, self._inverse)
        np.divide(1.0, self._inverse, self._inverse)
        np.multiply(self._normed, self._inverse, self._normed)
        np.multiply(self._normed, self.gamma, self._y)
        np.add(self._y, self.parameter_views["beta"], self._y)

    def backward(self) -> None:
        g, x_hat, count = self.grad.reshape(self._x.shape), self._normed, len(self._x)
        beta_grad = self.gradient_views["beta"]
        self._ones.dot(g, beta_grad)
        np.multiply(g, x_hat, self._scratch)
        self._ones.dot(self._scratch, self.gamma_grad)
        if not self.inputs[0].needs_grad:
            return
        # Running statistics do not depend on the batch: then there is nothing of μ and σ² to go back through.
        if self.phase is not Phase.EVALUATE:
            np.multiply(beta_grad, 1.0 / count, self._row)
            np.subtract(g, self._row, g)
            np.multiply(self.gamma_grad, 1.0 / count, self._row)
            np.multiply(x_hat, self._row, self._scratch)
            np.subtract(g, self._scratch, g)
        np.multiply(self._inverse, self.gamma, self._row)
        np.multiply(g, self._row, g)
        if self.shares_grad_of is None:
            self._give(0, self.grad)


def _approach(running: Array, value: Array, factor: float, scratch: Array) -> None:
    """running += share·(factor·value − running)."""
    np.multiply(value, factor * RUNNING_SHARE, scratch)
    np.multiply(running, 1.0 - RUNNING_SHARE, running)
    np.add(running, scratch, running)


class SampleNorm(Norm):
    """What the normalisations over the units of one sample share: reductions along the row."""

    def resize(self, samples: int) -> None:
        super().resize(samples)
        self._x = self.inputs[0].value
        self._normed = self._all_normed[:samples]
        self._scratch = self.workspace.room(0, samples, self.units)
        self._ones, self._unit_ones = np.ones(samples, self.dtype), np.ones(self.units, self.dtype)
        columns = np.zeros((3, samples), self.dtype)
        self._mean, self._inverse, self._column = columns
        self._as_columns = tuple(column[:, None] for column in columns)

    def _mean_of(self, rows: Array, out: Array) -> None:
        rows.dot(self._unit_ones, out)
        np.multiply(out, 1.0 / self.units, out)

    def _invert_root(self) -> None:
        np.add(self._inverse, EPSILON, self._inverse)
        np.sqrt(self._inverse, self._inverse)
        np.divide(1.0, self._inverse, self._inverse)

    def _give_back(self, centred: bool) -> None:
        """From g = ∂L/∂y (in `grad`) to ∂L/∂x, in place."""
        g, (mean, inverse, column) = self.grad, self._as_columns
        np.multiply(g, self._normed, self._scratch)
        self._ones.dot(self._scratch, self.gamma_grad)
        if not self.inputs[0].needs_grad:
            return
        np.multiply(g, self.gamma, g)
        np.multiply(g, self._normed, self._scratch)
        self._mean_of(self._scratch, self._column)
        if centred:
            self._mean_of(g, self._mean)
            np.subtract(g, mean, g)
        np.multiply(self._normed, column, self._scratch)
        np.subtract(g, self._scratch, g)
        np.multiply(g, inverse, g)
        if self.shares_grad_of is None:
            self._give(0, g)


@norm("layer-norm", "Layer norm")
class LayerNorm(SampleNorm):
    """x̂ = (x − μ)/√(σ² + ε) for each sample over its units; y = γ·x̂ + β, γ and β per unit (Ba et al. 2016).

    The same in training and evaluation, and at any batch size.
    """

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """γ and β, one for each unit."""
        return {"gamma": (self.units,), "beta": (self.units,)}

    def forward(self) -> None:
        mean, inverse, _ = self._as_columns
        self._mean_of(self._x, self._mean)
        np.subtract(self._x, mean, self._normed)
        np.multiply(self._normed, self._normed, self._scratch)
        self._mean_of(self._scratch, self._inverse)
        self._invert_root()
        np.multiply(self._normed, inverse, self._normed)
        np.multiply(self._normed, self.gamma, self.value)
        np.add(self.value, self.parameter_views["beta"], self.value)

    def backward(self) -> None:
        self._ones.dot(self.grad, self.gradient_views["beta"])
        self._give_back(centred=True)


@norm("rms-norm", "RMS norm")
class RMSNorm(SampleNorm):
    """x̂ = x/√(mean x² + ε) for each sample over its units; y = γ·x̂ (Zhang & Sennrich 2019).

    Layer norm without the mean: what most language models use today.
    """

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """γ, one for each unit."""
        return {"gamma": (self.units,)}

    def forward(self) -> None:
        _, inverse, _ = self._as_columns
        np.multiply(self._x, self._x, self._scratch)
        self._mean_of(self._scratch, self._inverse)
        self._invert_root()
        np.multiply(self._x, inverse, self._normed)
        np.multiply(self._normed, self.gamma, self.value)

    def backward(self) -> None:
        self._give_back(centred=False)
