"""The convolution of images: every output is a dense layer on one window of the input, with shared weights.

Windows are laid out as the rows of a matrix by copying a strided view, so that one matrix product does the work; a few
samples at a time, so that this matrix stays in the processor's cache instead of taking kernel-size times the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from gradflow.engine.graph import Array, Node
from gradflow.engine.nodes.dense import Linear, row_norms

CACHED_BYTES = 256 * 1024
"""How large the matrix of windows may get before the samples are split."""


class Conv(Linear):
    """z[h, w] = Σ_ij x[s·h + i − p, s·w + j − p]·W[i, j] + b, with stride s and p zeros around the image.

    W has shape (kernel height · kernel width · channels in, channels out), rows in that order. Its fan-in is
    kernel height · kernel width · channels in. Images are (height, width, channels).
    """

    def __init__(
        self,
        source: Node,
        channels: int,
        kernel: tuple[int, int] = (3, 3),
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        height, width, channels_in = source.shape
        if padding >= min(kernel):
            raise ValueError(f"padding {padding} must be smaller than the kernel {kernel[0]} x {kernel[1]}")
        shape = windows(height + 2 * padding, width + 2 * padding, kernel, stride)
        self.kernel, self.stride, self.padding = kernel, stride, padding
        super().__init__(source, (*shape, channels), kernel[0] * kernel[1] * channels_in, bias)

    @property
    def scratch_entries(self) -> int:
        return max(self.units, self.inputs[0].units)

    def allocate(self, batch: int, value: Array | None = None) -> None:
        super().allocate(batch, value)
        (height, width, channels_in), (rows, columns, channels) = self.inputs[0].shape, self.shape
        kernel_height, kernel_width = self.kernel
        entries = max(rows * columns * channels_in, height * width * channels) * kernel_height * kernel_width
        self._block = block = max(1, min(batch, CACHED_BYTES // (entries * self.dtype.itemsize)))
        self._windows = np.empty(block * entries, self.dtype)
        padded = height + 2 * self.padding, width + 2 * self.padding, channels_in
        self._padded = np.zeros((block, *padded), self.dtype)
        self._partial = np.empty_like(self.W)
        if self.inputs[0].needs_grad:
            # Where ∂L/∂z is spread out, stride apart, so that ∂L/∂x is a convolution of it with the turned kernel.
            self._spread = np.zeros((block, height + kernel_height - 1, width + kernel_width - 1, channels), self.dtype)
            self._turned = np.empty((kernel_height * kernel_width * channels, channels_in), self.dtype)

    def resize(self, samples: int) -> None:
        super().resize(samples)
        source = self.inputs[0]
        self._x = source.value.reshape(samples, *source.shape)
        self._z, self._delta = self.value.reshape(samples, *self.shape), self.delta_rows.reshape(-1, *self.shape)
        if source.needs_grad:
            out = source.grad if self.writes_first[0] else self.workspace.room(0, samples, source.units)
            self._x_grad = out.reshape(samples, *source.shape)

    def forward(self) -> None:
        for piece in self._pieces():
            z = self._z[piece].reshape(-1, self.channels)
            self._input_windows(piece).dot(self.W, z)
        if self.b.size:
            np.add(self.value_rows, self.b, self.value_rows)

    def backward(self) -> None:
        wants_share = self.inputs[0].needs_grad
        self.W_grad.fill(0.0)
        if wants_share:
            self._turn_kernel()
        for piece in self._pieces():
            delta = self._delta[piece].reshape(-1, self.channels)
            self._input_windows(piece).T.dot(delta, self._partial)
            np.add(self.W_grad, self._partial, self.W_grad)
            if wants_share:
                x_grad = self._x_grad[piece]
                self._delta_windows(piece).dot(self._turned, x_grad.reshape(-1, x_grad.shape[-1]))
        if self.b.size:
            self._ones.dot(self.delta_rows, self.b_grad)
        if wants_share and not self.writes_first[0]:
            self._give(0, self._x_grad.reshape(self.inputs[0].grad.shape))

    def sample_norms(self) -> tuple[Array, Array]:
        of_W, of_b = np.zeros((2, len(self._delta)))
        for piece in self._pieces():
            delta = self._delta[piece].reshape(-1, prod(self.shape[:2]), self.channels)
            windows_of_each = self._input_windows(piece).reshape(*delta.shape[:2], -1)
            parts = np.matmul(windows_of_each.transpose(0, 2, 1), delta)
            of_W[piece] = row_norms(parts.reshape(len(delta), -1))
            if self.b.size:
                of_b[piece] = row_norms(delta.sum(axis=1))
        return of_W, of_b

    def _pieces(self) -> Iterator[slice]:
        for start in range(0, len(self._z), self._block):
            yield slice(start, min(start + self._block, len(self._z)))

    def _input_windows(self, piece: slice) -> Array:
        """Return the input's windows as rows of kernel height · kernel width · channels numbers."""
        x, p = self._x[piece], self.padding
        if p:
            padded = self._padded[: len(x)]
            padded[:, p:-p, p:-p] = x
            x = padded
        return self._laid_out(x, self.shape[0], self.shape[1], self.stride)

    def _delta_windows(self, piece: slice) -> Array:
        """Return the windows of the spread-out ∂L/∂z, one for each place of the input."""
        delta, s = self._delta[piece], self.stride
        top, left = (length - 1 - self.padding for length in self.kernel)
        spread = self._spread[: len(delta)]
        rows, columns, _ = self.shape
        spread[:, top : top + s * rows : s, left : left + s * columns : s][:, :rows, :columns] = delta
        height, width, _ = self.inputs[0].shape
        return self._laid_out(spread, height, width, 1)

    def _laid_out(self, image: Array, rows: int, columns: int, stride: int) -> Array:
        (kernel_height, kernel_width), channels = self.kernel, image.shape[-1]
        samples, (batch, down, across, along) = len(image), image.strides
        shape = samples, rows, columns, kernel_height, kernel_width, channels
        strides = batch, stride * down, stride * across, down, across, along
        view = as_strided(image, shape, strides, writeable=False)
        matrix = self._windows[: prod(shape)]
        copy = matrix.reshape(shape)
        if channels == 1:
            # What is contiguous in both is then only kernel_width numbers long: rows of the image are longer.
            for i in range(kernel_height):
                for j in range(kernel_width):
                    copy[..., i, j, 0] = view[..., i, j, 0]
        else:
            np.copyto(copy, view)
        return matrix.reshape(samples * rows * columns, -1)

    def _turn_kernel(self) -> None:
        """Turn the kernel by 180° and exchange its channels."""
        channels_in, channels = self.channels_in, self.channels
        kernel = self.W.reshape(*self.kernel, channels_in, channels)
        self._turned.reshape(*self.kernel, channels, channels_in)[:] = kernel[::-1, ::-1].transpose(0, 1, 3, 2)


def windows(height: int, width: int, kernel: tuple[int, int], stride: int) -> tuple[int, int]:
    """Return how many windows fit below and beside each other; raises ValueError if none does."""
    if height < kernel[0] or width < kernel[1]:
        raise ValueError(f"a kernel of {kernel[0]} x {kernel[1]} does not fit an image of {height} x {width}")
    return (height - kernel[0]) // stride + 1, (width - kernel[1]) // stride + 1
