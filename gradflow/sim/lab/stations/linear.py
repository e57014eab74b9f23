"""The dense layer on the walk: z = a·W + b, and back δ·Wᵀ, aᵀ·δ, Σ δ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.nodes import Dense
from gradflow.sim.lab import entries
from gradflow.sim.lab.station import Line, Shown
from gradflow.sim.lab.stations.explainer import Explainer, plain
from gradflow.sim.lab.unfolding import Unfolding, products

Array = NDArray[Any]


class LinearExplainer(Explainer):
    """What the dense layer and the convolution share: W, b and their gradients."""

    def __init__(self, page: Any, node: Any) -> None:
        super().__init__(page, node)
        self.W = page.symbols.parameter(node, "W")
        self.b = page.symbols.parameter(node, "b")
        self.a = page.symbols.value(node.inputs[0])
        self.row_names = entries.places(entries.fan(node.kernel, node.channels_in))

    @property
    def weights(self) -> Shown:
        """W."""
        W = self.node.W
        return self.page.weights(self.W, "weights", W, self.row_names, self.channel_names(), plain("a parameter", W))

    @property
    def shift(self) -> Line:
        """b as a term, where there is one."""
        return [self.biases.with_sign("+")] if self.node.b.size else []

    @property
    def biases(self) -> Shown:
        """b."""
        b = self.node.b
        way = plain("a parameter", b)
        return self.page.of_units(self.b, "biases", b, self.channel_names(), lambda j: way(0, j))

    def learnt(self, sign: str) -> Line:
        """∂L/∂W with a sign before it, and ∂L/∂b."""
        node, names, way = self.node, self.channel_names(), self.weight_gradient
        symbol = f"∂L/∂{self.W}"
        found = [self.page.weights(symbol, "gradient of the weights", node.W_grad, self.row_names, names, way)]
        if node.b.size:
            b_grad = self.page.of_units(
                f"∂L/∂{self.b}", "gradient of the biases", node.b_grad, names, self.bias_gradient
            )
            found.append(b_grad.with_sign(f"Σ {self.gradient_symbol} ="))
        return [found[0].with_sign(sign), *found[1:]]

    def weight_gradient(self, i: int, j: int) -> Unfolding:
        """Unfold an entry of ∂L/∂W."""
        raise NotImplementedError

    def bias_gradient(self, j: int) -> Unfolding:
        """Unfold an entry of ∂L/∂b: the sum of δ over all rows, one for each sample (and each place of an image)."""
        node = self.node
        delta = self.grad.reshape(-1, node.channels)[:, j]
        places = entries.places(node.shape[:-1]) if len(node.shape) > 1 else ("",)
        names = [entries.index(name, place) for name in self.recording.names for place in places]
        head = self.page.at(self.gradient_symbol, "s", j if len(node.shape) == 1 else f"h,w,{j}")
        uses = {self.gradient_symbol: (None, j)} if len(node.shape) == 1 else {}
        formula = f"Σ over the samples of {head}"
        return products(f"∂L/∂{self.b}[{j}]", node.b_grad[j], formula, names, [(head, delta)], uses=uses)


class DenseExplainer(LinearExplainer):
    """z = a·W + b."""

    node: Dense
    forward_words = "Every unit adds up what comes in, each number times its weight, and adds its bias."
    backward_words = "δ goes back over the weights; a weight's gradient is what came in times what comes back."

    def forward_formulas(self) -> Sequence[str]:
        """The layer's formula."""
        bias = f" + {self.b}" if self.node.b.size else ""
        return [self.page.product(f"{self.symbol} = {self.a}·{self.W}", f"{self.symbol} = {self.W}ᵀ·{self.a}") + bias]

    def backward_formulas(self) -> Sequence[str]:
        """The three formulas of a dense layer."""
        d, product = self.gradient_symbol, self.page.product
        lines = [
            f"{self.gift_symbol()} = " + product(f"{d}·{self.W}ᵀ", f"{self.W}·{d}"),
            f"∂L/∂{self.W} = " + product(f"{self.a}ᵀ·{d}", f"{self.a}·{d}ᵀ"),
        ]
        return [*lines, f"∂L/∂{self.b} = Σ over the samples of {d}"] if self.node.b.size else lines

    def forward_lines(self, inputs: Sequence[Shown], value: Shown) -> Sequence[Line]:
        """a · W + b = z, or Wᵀ · a + b = z."""
        (came,), W = inputs, self.weights
        factors = self.page.product([came, W.with_sign("·")], [W.turned(), came.with_sign("·")])
        return [[*factors, *self.shift, value.with_sign("=")]]

    def backward_lines(self, gradient: Line, given: Sequence[Shown], came: Sequence[Shown]) -> Sequence[Line]:
        """δ · Wᵀ = ∂L/∂a, or W · δ; and aᵀ · δ = ∂L/∂W, or a · δᵀ."""
        (delta,), (a,), W = gradient, came, self.weights
        back = self.page.product([delta, W.turned().with_sign("·")], [W, delta.with_sign("·")])
        learnt = self.page.product([a.turned(), delta.with_sign("·")], [a, delta.turned().with_sign("·")])
        return [[*back, *(one.with_sign("=") for one in given)], [*learnt, *self.learnt("=")]]

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold z[s, j] = Σ_i a[s, i]·W[i, j] + b[j]."""
        node, names = self.node, list(self.row_names)
        a, W = self.source().value[s], node.W[:, j]
        heads = self.page.at(self.a, s, "i"), f"{self.W}[i, {j}]"
        formula = f"Σ_i {heads[0]}·{heads[1]}"
        if node.b.size:
            formula += f" + {self.b}[{j}]"
            names.append(f"{self.b}[{j}]")
            a, W = np.append(a, 1.0), np.append(W, node.b[j])
        columns, uses = list(zip(heads, (a, W), strict=True)), {self.a: (s, None), self.W: (None, j), self.b: (0, j)}
        return products(self.at(s, j), node.value[s, j], formula, names, columns, uses=uses)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold ∂L/∂a[s, j] = Σ_r δ[s, r]·W[j, r]."""
        heads = self.page.at(self.gradient_symbol, s, "r"), f"{self.W}[{j}, r]"
        order = heads if not self.page.columns else heads[::-1]
        columns = list(zip(heads, (self.grad[s], self.node.W[j]), strict=True))
        formula = f"Σ_r {order[0]}·{order[1]}"
        ordered = columns if not self.page.columns else columns[::-1]
        uses = {self.gradient_symbol: (s, None), self.W: (j, None)}
        at, value = self.gift_at(s, j), self.gift_value(i, s, j)
        return products(at, value, formula, self.channel_names(), ordered, uses=uses)

    def weight_gradient(self, i: int, j: int) -> Unfolding:
        """Unfold ∂L/∂W[i, j] = Σ_s a[s, i]·δ[s, j]."""
        heads = self.page.at(self.a, "s", i), self.page.at(self.gradient_symbol, "s", j)
        columns = list(zip(heads, (self.source().value[:, i], self.grad[:, j]), strict=True))
        symbol = f"∂L/∂{self.W}[{i}, {j}]"
        names = [f"sample {name}" for name in self.recording.names]
        uses = {self.a: (None, i), self.gradient_symbol: (None, j)}
        return products(symbol, self.node.W_grad[i, j], f"Σ_s {heads[0]}·{heads[1]}", names, columns, uses=uses)
