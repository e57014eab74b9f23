"""Dropout: in training every unit is left out with a probability, so that no unit can rely on another."""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Array, Node, Phase


class Dropout(Node):
    """value = x·mask/(1−p) in training, x in evaluation (Srivastava et al. 2014, in the inverted form of today).

    The mask is drawn anew at every forward pass, except while the graph holds still for finite differences.
    """

    in_place = 0

    def __init__(self, source: Node, rate: float, rng: np.random.Generator) -> None:
        super().__init__((source,), source.shape)
        self.rate, self._rng = rate, rng

    def allocate(self, batch: int, value: Array | None = None) -> None:
        super().allocate(batch, value)
        # All in, until a training pass draws.
        self._all_masks = np.ones((batch, self.units), self.dtype)

    def resize(self, samples: int) -> None:
        super().resize(samples)
        self._mask = self._all_masks[:samples]
        self._keep = self.workspace.mask(samples, self.units)

    @property
    def mask(self) -> Array:
        """What every entry was multiplied by in the last pass: 0 or 1/(1−p)."""
        return self._mask

    def hold(self, mask: Array) -> None:
        """Multiply by this mask as long as the graph holds still."""
        self._mask[:] = mask

    def forward(self) -> None:
        if self.phase is Phase.EVALUATE:
            np.copyto(self.value, self.inputs[0].value)
            return
        if self.phase is Phase.TRAIN:
            self._rng.random(dtype=self.dtype, out=self._mask)
            np.greater_equal(self._mask, self.rate, self._keep)
            np.multiply(self._keep, 1.0 / (1.0 - self.rate), self._mask)
        np.multiply(self.inputs[0].value, self._mask, self.value)

    def backward(self) -> None:
        if self.phase is not Phase.EVALUATE:
            np.multiply(self.grad, self._mask, self.grad)
        if self.shares_grad_of is None and self.inputs[0].needs_grad:
            self._give(0, self.grad)
