"""Losses for numbers: functions of the residual r = z − y, from the parabola to the absolute value."""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Array, Node
from gradflow.engine.losses.base import Loss, loss


@loss("mean-squared-error", "Mean squared error")
class MeanSquaredError(Loss):
    """L = mean (z − y)² over samples and outputs; ∂L/∂z = 2(z − y)/count.

    For regression; on classes it fits the 0/1 targets.
    """

    tasks = ("regression", "binary", "multiclass")
    threshold = 0.5

    def forward(self) -> None:
        np.subtract(self.inputs[0].value, self.targets, out=self.scratch)
        self.loss = float(np.vdot(self.scratch, self.scratch)) / self.scratch.size

    def backward(self) -> None:
        np.multiply(self.scratch, 2.0 / self.scratch.size, out=self.inputs[0].grad)


@loss("mean-absolute-error", "Mean absolute error")
class MeanAbsoluteError(Loss):
    """L = mean |z − y| over samples and outputs; ∂L/∂z = sign(z − y)/count, 0 where z = y (PyTorch's L1Loss).

    For regression with outliers: it fits the median, not the mean. The gradient does not shrink as the fit gets
    better, so a constant learning rate ends in a jitter around the optimum.
    """

    tasks = ("regression",)
    name_of_kink = "the kink of |z − y| at z = y"

    def forward(self) -> None:
        np.subtract(self.inputs[0].value, self.targets, out=self.scratch)
        np.abs(self.scratch, out=self.value)
        self.loss = float(np.add.reduce(self.value, axis=None)) / self.value.size

    def backward(self) -> None:
        gradient = self.inputs[0].grad
        np.sign(self.scratch, out=gradient)
        np.divide(gradient, gradient.size, out=gradient)

    def kink_sides(self) -> list[Array]:
        return [np.sign(self.scratch)]


@loss("huber", "Huber")
class Huber(Loss):
    """L = mean of ½r² for |r| ≤ δ and δ(|r| − ½δ) beyond, r = z − y; ∂L/∂z = r cut off at ±δ, over count.

    Huber 1964 (PyTorch's HuberLoss). For regression with outliers: none of them pulls with more than δ, and near
    the optimum it is half the squared error.
    """

    tasks = ("regression",)
    name_of_kink = "the joint of the Huber loss at |z − y| = δ"

    def __init__(self, source: Node, delta: float = 1.0) -> None:
        if not delta > 0.0:
            raise ValueError(f"delta must be above 0, not {delta}")
        super().__init__(source)
        self.delta = delta

    def forward(self) -> None:
        # With c = min(|r|, δ) both pieces are c·|r| − ½c²; the difference keeps at least half of the first term.
        size, cut = self.value, self.scratch
        np.subtract(self.inputs[0].value, self.targets, out=size)
        np.abs(size, out=size)
        np.minimum(size, self.delta, out=cut)
        self.loss = (float(np.vdot(cut, size)) - 0.5 * float(np.vdot(cut, cut))) / size.size

    def backward(self) -> None:
        gradient = self.inputs[0].grad
        np.subtract(self.inputs[0].value, self.targets, out=gradient)
        np.minimum(gradient, self.delta, out=gradient)
        np.maximum(gradient, -self.delta, out=gradient)
        np.divide(gradient, gradient.size, out=gradient)

    def kink_sides(self) -> list[Array]:
        return [np.sign(self.inputs[0].value - self.targets) * (self.value > self.delta)]
