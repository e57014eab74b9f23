"""Losses for classes: the cross-entropies, which want logits, and the hinge, which wants a margin."""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Array
from gradflow.engine.losses.base import Loss, loss


@loss("binary-cross-entropy", "Binary cross-entropy")
class BinaryCrossEntropy(Loss):
    """L = mean(log(1+eᶻ) − y·z), on logits; ∂L/∂z = (σ(z) − y)/count.

    For yes or no. At the start of training L ≈ ln 2.
    """

    tasks = ("binary",)

    def forward(self) -> None:
        # max(z, 0) − y·z + log(1 + e^−|z|): no term overflows, and none swallows another where L is tiny.
        z, out, scratch = self.inputs[0].value, self.value, self.scratch
        np.multiply(z, self.targets, out=scratch)
        np.maximum(z, 0.0, out=out)
        np.subtract(out, scratch, out=out)
        np.abs(z, out=scratch)
        np.negative(scratch, out=scratch)
        np.exp(scratch, out=scratch)
        np.log1p(scratch, out=scratch)
        np.add(out, scratch, out=out)
        self.loss = float(np.add.reduce(out, axis=None)) / out.size

    def backward(self) -> None:
        # σ(z)(1−y) − σ(−z)y: unlike σ(z) − y it stays exact where the sigmoid rounds to 1.
        z, gradient, scratch, unlikely = self.inputs[0].value, self.inputs[0].grad, self.scratch, self.value
        np.exp(z, out=scratch)
        np.add(scratch, 1.0, out=scratch)
        np.divide(self.targets, scratch, out=scratch)
        np.negative(z, out=gradient)
        np.exp(gradient, out=gradient)
        np.add(gradient, 1.0, out=gradient)
        np.subtract(1.0, self.targets, out=unlikely)
        np.divide(unlikely, gradient, out=gradient)
        np.subtract(gradient, scratch, out=gradient)
        np.divide(gradient, gradient.size, out=gradient)


@loss("softmax-cross-entropy", "Softmax cross-entropy")
class SoftmaxCrossEntropy(Loss):
    """L = −mean log softmax(z)[class]; ∂L/∂z = (softmax(z) − one-hot)/batch.

    For one class out of several. At the start of training L ≈ ln C for C classes.
    """

    tasks = ("multiclass", "binary")

    def forward(self) -> None:
        z, shifted, exponentials = self.inputs[0].value, self.scratch, self.value
        np.maximum.reduce(z, axis=1, keepdims=True, out=self.row)
        np.subtract(z, self.row, out=shifted)
        np.exp(shifted, out=exponentials)
        np.add.reduce(exponentials, axis=1, keepdims=True, out=self.row)
        np.divide(exponentials, self.row, out=self.value)
        np.log(self.row, out=self.row)
        np.subtract(shifted, self.row, out=shifted)
        self.loss = -float(np.vdot(shifted, self.targets)) / len(z)

    def backward(self) -> None:
        gradient = self.inputs[0].grad
        np.subtract(self.value, self.targets, out=gradient)
        np.divide(gradient, len(gradient), out=gradient)


@loss("hinge", "Hinge (margin)")
class Hinge(Loss):
    """L = mean max(0, 1 − t·z) with t = ±1 for yes or no; for C classes Σ_{i≠y} max(0, 1 − z_y + z_i)/C per sample.

    The support vector machine's loss (Cortes & Vapnik 1995; several classes: Weston & Watkins 1999, PyTorch's
    MultiMarginLoss). Right answers with a margin of 1 give no gradient at all: late in training it is exactly 0.
    """

    tasks = ("binary", "multiclass")
    takes_soft_targets = False
    name_of_kink = "a margin of exactly 1"

    def forward(self) -> None:
        if self.units == 1:
            self._shortfall_of_one_output()
        else:
            self._shortfalls_of_the_other_classes()
        np.maximum(self.value, 0.0, out=self.value)
        self.loss = float(np.add.reduce(self.value, axis=None)) / self.value.size

    def backward(self) -> None:
        gradient, scratch = self.inputs[0].grad, self.scratch
        np.sign(self.value, out=gradient)
        if self.units == 1:
            np.multiply(self.targets, -2.0, out=scratch)
            np.add(scratch, 1.0, out=scratch)
            np.multiply(gradient, scratch, out=gradient)
        else:
            # Every class that comes too close pushes itself down and the right one up.
            np.add.reduce(gradient, axis=1, keepdims=True, out=self.row)
            np.multiply(self.targets, self.row, out=scratch)
            np.subtract(gradient, scratch, out=gradient)
        np.divide(gradient, gradient.size, out=gradient)

    def kink_sides(self) -> list[Array]:
        return [np.sign(self.value)]

    def _shortfall_of_one_output(self) -> None:
        """Write 1 − t·z into `value`."""
        np.multiply(self.targets, 2.0, out=self.scratch)
        np.subtract(self.scratch, 1.0, out=self.scratch)
        np.multiply(self.inputs[0].value, self.scratch, out=self.value)
        np.subtract(1.0, self.value, out=self.value)

    def _shortfalls_of_the_other_classes(self) -> None:
        """Write 1 − z_y + z_i into `value`, and 0 for the right class itself."""
        z = self.inputs[0].value
        np.multiply(z, self.targets, out=self.scratch)
        np.add.reduce(self.scratch, axis=1, keepdims=True, out=self.row)
        np.subtract(z, self.row, out=self.value)
        np.add(self.value, 1.0, out=self.value)
        np.subtract(self.value, self.targets, out=self.value)
