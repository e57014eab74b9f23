"""Pooling: a window of an image becomes its largest or its mean value, channel by channel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradflow.engine.graph import Array, Node
from gradflow.engine.nodes.conv import windows


class Pool(Node):
    """What max and average pooling share: windows of `size` x `size`, `stride` apart, without padding."""

    def __init__(self, source: Node, size: int = 2, stride: int | None = None) -> None:
        height, width, channels = source.shape
        self.size, self.stride = size, stride or size
        super().__init__((source,), (*windows(height, width, (size, size), self.stride), channels))

    @property
    def scratch_entries(self) -> int:
        return max(self.units, self.inputs[0].units)

    def resize(self, samples: int) -> None:
        super().resize(samples)
        source = self.inputs[0]
        shape = samples, *self.shape
        self._out = self.value.reshape(shape)
        self._x = source.value.reshape(samples, *source.shape)
        self._scratch = self.workspace.room(0, *shape)
        if source.needs_grad:
            self._delta = self.grad.reshape(shape)
            self._x_grad = source.grad.reshape(samples, *source.shape)

    def offsets(self, image: Array) -> Iterator[Array]:
        """Yield, for each place in the window, what all windows have there: views of shape (samples, *self.shape)."""
        rows, columns, _ = self.shape
        s = self.stride
        for i in range(self.size):
            for j in range(self.size):
                yield image[:, i : i + s * rows : s, j : j + s * columns : s][:, :rows, :columns]


class MaxPool(Pool):
    """The largest value of each window; the gradient goes to the place it came from (the first one, if several tie)."""

    name_of_kink = "a change of the largest in a pooling window"

    def resize(self, samples: int) -> None:
        super().resize(samples)
        shape = samples, *self.shape
        self._hit = self.workspace.mask(*shape)
        self._taken = np.empty(shape, bool)

    def forward(self) -> None:
        offsets = self.offsets(self._x)
        self._out[:] = next(offsets)
        for values in offsets:
            np.maximum(self._out, values, out=self._out)

    def backward(self) -> None:
        if not self.inputs[0].needs_grad:
            return
        if self.writes_first[0]:
            self._x_grad.fill(0.0)
        self._taken.fill(False)
        for values, into in zip(self.offsets(self._x), self.offsets(self._x_grad), strict=True):
            np.equal(values, self._out, self._hit)
            np.greater(self._hit, self._taken, self._hit)
            np.logical_or(self._taken, self._hit, self._taken)
            np.multiply(self._delta, self._hit, self._scratch)
            np.add(into, self._scratch, into)

    def kink_sides(self) -> list[Array]:
        return [np.stack([values == self._out for values in self.offsets(self._x)]).argmax(axis=0)]


class AveragePool(Pool):
    """The mean of each window; the gradient is shared out evenly."""

    def forward(self) -> None:
        offsets = self.offsets(self._x)
        self._out[:] = next(offsets)
        for values in offsets:
            np.add(self._out, values, self._out)
        np.multiply(self.value, 1.0 / self.size**2, self.value)

    def backward(self) -> None:
        if not self.inputs[0].needs_grad:
            return
        if self.writes_first[0]:
            self._x_grad.fill(0.0)
        np.multiply(self._delta, 1.0 / self.size**2, self._scratch)
        for into in self.offsets(self._x_grad):
            np.add(into, self._scratch, into)


class GlobalAverage(Node):
    """The mean of each channel over the whole image (Lin et al. 2014)."""

    def __init__(self, source: Node) -> None:
        super().__init__((source,), source.shape[-1])

    def resize(self, samples: int) -> None:
        super().resize(samples)
        source = self.inputs[0]
        shape = samples, -1, self.units
        self._x = source.value.reshape(shape) if samples else source.value
        self._x_grad = source.grad.reshape(shape) if source.needs_grad else source.grad

    def forward(self) -> None:
        np.add.reduce(self._x, axis=1, out=self.value)
        np.multiply(self.value, 1.0 / self._x.shape[1], self.value)

    def backward(self) -> None:
        if not self.inputs[0].needs_grad:
            return
        np.multiply(self.grad, 1.0 / self._x.shape[1], self.grad)
        share = self.grad[:, None, :]
        if self.writes_first[0]:
            np.copyto(self._x_grad, share)
        else:
            np.add(self._x_grad, share, self._x_grad)
