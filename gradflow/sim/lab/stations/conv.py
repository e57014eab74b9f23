"""The convolution on the walk: every entry is a sum over one window of the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradflow.engine.nodes import Conv
from gradflow.sim.lab import entries
from gradflow.sim.lab.station import AND, Line, Shown
from gradflow.sim.lab.stations.linear import Array, LinearExplainer
from gradflow.sim.lab.unfolding import Unfolding, products


class ConvExplainer(LinearExplainer):
    """z[h, w] = Σ_ij x[s·h + i − p, s·w + j − p]·W[i, j] + b."""

    node: Conv
    forward_words = "Every place of every channel adds up one window of the image, each number times its weight."
    backward_words = "Every number gets back δ from all windows it was in; a weight adds up over all its places."

    def forward_formulas(self) -> Sequence[str]:
        """The convolution."""
        bias = f" + {self.b}" if self.node.b.size else ""
        return [f"{self.symbol} = {self.a} ∗ {self.W}{bias}", self._geometry()]

    def backward_formulas(self) -> Sequence[str]:
        """The transposed convolution, and the correlation that is the weights' gradient."""
        d, product = self.gradient_symbol, self.page.product
        there, came = f"{d}[(h + p − i)/s, (w + p − j)/s]", f"{self.a}[s·h + i − p, s·w + j − p]"
        lines = [
            f"{self.gift_symbol()}[h, w] = Σ_ij " + product(f"{there}·{self.W}[i,j]ᵀ", f"{self.W}[i,j]·{there}"),
            f"∂L/∂{self.W}[i,j] = Σ_hw " + product(f"{came}ᵀ·{d}[h, w]", f"{came}·{d}[h, w]ᵀ"),
        ]
        return [*lines, f"∂L/∂{self.b} = Σ_hw {d}[h, w]"] if self.node.b.size else lines

    def forward_lines(self, inputs: Sequence[Shown], value: Shown) -> Sequence[Line]:
        """a ∗ W + b = z."""
        return [[*inputs, self.weights.with_sign("∗"), *self.shift, value.with_sign("=")]]

    def backward_lines(self, gradient: Line, given: Sequence[Shown], came: Sequence[Shown]) -> Sequence[Line]:
        """δ over W to ∂L/∂a; a and δ to ∂L/∂W."""
        delta = gradient[0]
        back = [delta, self.weights.with_sign(AND), *(one.with_sign("→") for one in given)]
        return [back, [came[0], delta.with_sign(AND), *self.learnt("→")]]

    def _geometry(self) -> str:
        node = self.node
        return (
            f"window {node.kernel[0]}×{node.kernel[1]}×{node.channels_in}, stride s = {node.stride}, "
            f"zeros around the image p = {node.padding}"
        )

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold z[s; h, w, c]: the sum over the window."""
        node = self.node
        h, w, c = np.unravel_index(j, node.shape)
        window, names = self._window(s, int(h), int(w))
        weights = node.W[:, c]
        heads = f"{self.a}[{self.recording.names[s]}; ·]", f"{self.W}[i,j,c; {c}]"
        formula = f"Σ_ijc {self.a}[{node.stride}·{h} + i − {node.padding}, {node.stride}·{w} + j − {node.padding}, c]"
        formula += f"·{self.W}[i,j,c; {c}]"
        if node.b.size:
            formula += f" + {self.b}[{c}]"
            names = [*names, f"{self.b}[{c}]"]
            window, weights = np.append(window, 1.0), np.append(weights, node.b[c])
        columns = list(zip(heads, (window, weights), strict=True))
        return products(self.at(s, j), node.value[s, j], formula, names, columns)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold ∂L/∂x[s; h, w, c]: the sum over all windows that this place is in, and over their channels."""
        node = self.node
        h, w, c = (int(n) for n in np.unravel_index(j, self.source().shape))
        rows, columns, channels = node.shape
        kernel = node.W.reshape(*node.kernel, node.channels_in, channels)
        delta = self.grad[s].reshape(node.shape)
        names, left, right = list[str](), list[Array](), list[Array]()
        for y in range(node.kernel[0]):
            for x in range(node.kernel[1]):
                (up, off_y), (along, off_x) = (
                    divmod(h + node.padding - y, node.stride),
                    divmod(w + node.padding - x, node.stride),
                )
                if off_y or off_x or not (0 <= up < rows and 0 <= along < columns):
                    continue
                left.append(delta[up, along])
                right.append(kernel[y, x, c])
                names += [f"{up},{along},{r}" for r in range(channels)]
        none = np.zeros(0)
        heads = f"{self.gradient_symbol}[{self.recording.names[s]}; ·]", f"{self.W}[i,j,{c}; r]"
        pairs = zip(heads, (np.concatenate([none, *left]), np.concatenate([none, *right])), strict=True)
        formula = f"Σ over the windows that hold {h},{w} of {self.gradient_symbol}[·, ·, r]·{self.W}[i,j,{c}; r]"
        return products(self.gift_at(s, j), self.gift_value(i, s, j), formula, names, list(pairs))

    def weight_gradient(self, i: int, j: int) -> Unfolding:
        """Unfold ∂L/∂W: what stands at one place of all windows, times δ there."""
        node = self.node
        y, x, c = np.unravel_index(i, (*node.kernel, node.channels_in))
        padded, s = self._padded(), node.stride
        rows, columns, _ = node.shape
        came = padded[:, y : y + s * rows : s, x : x + s * columns : s, c][:, :rows, :columns]
        delta = self.grad.reshape(-1, *node.shape)[..., j]
        names = [entries.index(n, place) for n in self.recording.names for place in entries.places((rows, columns))]
        heads = f"{self.a}[s·h + {y} − p, s·w + {x} − p, {c}]", f"{self.gradient_symbol}[h, w, {j}]"
        formula = f"Σ over samples and places of {heads[0]}·{heads[1]}"
        pairs = list(zip(heads, (came, delta), strict=True))
        symbol = entries.entry(f"∂L/∂{self.W}", self.row_names[i], str(j))
        return products(symbol, node.W_grad[i, j], formula, names, pairs)

    def _padded(self) -> Array:
        source, p = self.source(), self.node.padding
        return np.pad(source.value.reshape(-1, *source.shape), ((0, 0), (p, p), (p, p), (0, 0)))

    def _window(self, s: int, h: int, w: int) -> tuple[Array, list[str]]:
        """Return the numbers of a window in the order of the weights' rows, and where each of them stands."""
        node, source = self.node, self.source()
        height, width, channels = source.shape
        top, left = node.stride * h - node.padding, node.stride * w - node.padding
        image = source.value[s].reshape(source.shape)
        numbers, names = [], []
        for y in range(top, top + node.kernel[0]):
            for x in range(left, left + node.kernel[1]):
                inside = 0 <= y < height and 0 <= x < width
                numbers.append(image[y, x] if inside else np.zeros(channels))
                names += [f"{y},{x},{c}" if inside else "outside" for c in range(channels)]
        return np.concatenate(numbers), names
