"""Steps of images: every position of a convolution has a length of its own, for one sample at a time.

Over many channels the z of one position are normal, like the units of a dense layer; E z² is σ_w² times the mean of
E a² over the window, zeros around the image included, plus σ_b² (Xiao et al. 2018, who close the image to a ring
instead, so that there are no edges and all positions are alike). Covariances and Gram matrices are (samples, height,
width) here. What depends on pairs of positions, as ‖∂L/∂W‖ and means over an image do, is not followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gradflow.theory.quadrature import Array
from gradflow.theory.steps import Signal, Step


@dataclass(frozen=True, eq=False)
class Images(Step):
    """The samples themselves, (samples, height, width, channels)."""

    samples: Array

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        x = self.samples
        return Signal(x.shape[-1], np.square(x).mean(axis=-1), lambda: x.mean(axis=-1), gaussian=False)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        return ()


@dataclass(frozen=True)
class Convolve(Step):
    """z = W ∗ a + b: a dense layer on every window, with Var W = σ_w²/fan-in, fan-in = kernel size · channels."""

    channels: int
    weight_variance: float
    bias_variance: float
    kernel: tuple[int, int]
    stride: int
    padding: int

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        (source,) = inputs
        padded = self._padded(source.covariance)
        share = self.weight_variance / (self.kernel[0] * self.kernel[1])
        z = share * np.sum([padded[window] for window in self._windows(padded)], axis=0) + self.bias_variance
        return Signal(self.channels, z, lambda: np.zeros_like(z), gaussian=True)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        # Var W·channels: what one δ sends to every position of its window.
        share = self.weight_variance / (self.kernel[0] * self.kernel[1])
        padded = np.zeros_like(self._padded(inputs[0].covariance))
        for window in self._windows(padded):
            padded[window] += share * gram
        edge = self.padding
        _, height, width = padded.shape
        return (padded[:, edge : height - edge, edge : width - edge],)

    def _padded(self, image: Array) -> Array:
        return np.pad(image, ((0, 0), (self.padding, self.padding), (self.padding, self.padding)))

    def _windows(self, padded: Array) -> Iterator[tuple[slice, slice, slice]]:
        """Yield, for each entry of the kernel, the positions that it meets."""
        height, width = ((padded.shape[1 + i] - self.kernel[i]) // self.stride * self.stride + 1 for i in (0, 1))
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                across, down = slice(column, column + width, self.stride), slice(row, row + height, self.stride)
                yield slice(None), down, across


@dataclass(frozen=True)
class Unroll(Step):
    """All positions and channels of an image in one row, for a dense layer."""

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        (source,) = inputs
        lengths = source.covariance.mean(axis=(1, 2))
        return Signal(source.size, lengths, lambda: source.mean.mean(axis=(1, 2)), source.gaussian)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        image = inputs[0].covariance
        # Every unit of the row gets the same from many random weights.
        return (np.broadcast_to(gram[:, None, None] / (image.shape[1] * image.shape[2]), image.shape),)
