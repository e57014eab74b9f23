"""Where ways meet or numbers only move on the walk: sums with a skip, both side by side, and a change of shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradflow.engine.graph import Input
from gradflow.engine.nodes import Add, Concatenate, Flatten
from gradflow.sim.lab.station import AND, Line, Shown
from gradflow.sim.lab.stations.explainer import Explainer
from gradflow.sim.lab.unfolding import Unfolding, products


class InputExplainer(Explainer):
    """The data."""

    node: Input
    forward_words = "The samples come in: one number for each unit."
    backward_words = "The gradient has reached the data: how the loss would change with the input."

    def forward_formulas(self) -> Sequence[str]:
        """Nothing comes before it."""
        return ["x = the data"]

    def backward_formulas(self) -> Sequence[str]:
        """Nothing comes before it."""
        return [f"{self.gradient_symbol}: nothing comes before x"]

    def value(self, s: int, j: int) -> Unfolding:
        """Say that it is given."""
        value = float(self.node.value[s, j])
        return Unfolding(self.at(s, j), value, "a number of the data")


class AddExplainer(Explainer):
    """s = left + scale·right."""

    node: Add
    forward_words = "What the skip carries and what the branch has made of it are added."
    backward_words = "A sum hands its gradient to both ways: to the skip as it is, to the branch times its scale."

    def _branch(self) -> str:
        right = self.page.symbols.value(self.source(1))
        return right if self.node.scale == 1.0 else f"{self.node.scale:g}·{right}"

    def forward_lines(self, inputs: Sequence[Shown], value: Shown) -> Sequence[Line]:
        """left + scale · right = s."""
        # A block without anything in it adds its input to itself.
        left, right = inputs[0], inputs[-1]
        plus = "+" if self.node.scale == 1.0 else f"+ {self.node.scale:g} ·"
        return [[left, right.with_sign(plus), value.with_sign("=")]]

    def backward_lines(self, gradient: Line, given: Sequence[Shown], came: Sequence[Shown]) -> Sequence[Line]:
        """The same gradient for both ways, times the scale for the branch."""
        scaled = "=" if self.node.scale == 1.0 else f"· {self.node.scale:g} ="
        return [[*gradient, given[0].with_sign("=")], *([[*gradient, one.with_sign(scaled)] for one in given[1:]])]

    def forward_formulas(self) -> Sequence[str]:
        """The sum."""
        return [f"{self.symbol} = {self.page.symbols.value(self.source())} + {self._branch()}"]

    def backward_formulas(self) -> Sequence[str]:
        """What both get."""
        scaled = self.gradient_symbol if self.node.scale == 1.0 else f"{self.node.scale:g}·{self.gradient_symbol}"
        return [f"{self.gift_symbol(0)} = {self.gradient_symbol},  {self.gift_symbol(1)} = {scaled}"]

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold left + scale·right."""
        numbers = np.array([source.value[s, j] for source in self.node.inputs])
        names = [self.source_at(s, j, i) for i in (0, 1)]
        scales = np.array([1.0, self.node.scale])
        formula = f"{names[0]} + {self.node.scale:g}·{names[1]}" if self.node.scale != 1.0 else " + ".join(names)
        columns = [("value", numbers), ("scale", scales)] if self.node.scale != 1.0 else [("value", numbers)]
        uses = {self.page.symbols.value(source): (s, j) for source in self.node.inputs}
        return products(self.at(s, j), self.node.value[s, j], formula, names, columns, uses=uses)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold the gradient, times the scale for the branch."""
        head, scale = self.grad_at(s, j), self.node.scale if i else 1.0
        columns = [(head, self.grad[s, j])] + ([("scale", np.array(scale))] if scale != 1.0 else [])
        formula, uses = head if scale == 1.0 else f"{scale:g}·{head}", {self.gradient_symbol: (s, j)}
        return products(self.gift_at(s, j, i), self.gift_value(i, s, j), formula, [""], columns, uses=uses)


class ConcatenateExplainer(Explainer):
    """c = left beside right."""

    node: Concatenate
    forward_words = "What the skip carries and what the branch has made of it stand side by side."
    backward_words = "Each way gets back the part of the gradient that belongs to it."

    def forward_formulas(self) -> Sequence[str]:
        """Both inputs."""
        between = self.page.product(", ", "; ")
        names = between.join(self.page.symbols.value(source) for source in self.node.inputs)
        return [f"{self.symbol} = [{names}]"]

    def forward_lines(self, inputs: Sequence[Shown], value: Shown) -> Sequence[Line]:
        """left, right → c."""
        return [[inputs[0], *(one.with_sign(AND) for one in inputs[1:]), value.with_sign("→")]]

    def backward_lines(self, gradient: Line, given: Sequence[Shown], came: Sequence[Shown]) -> Sequence[Line]:
        """∂L/∂c → left, right."""
        return [[*gradient, given[0].with_sign("→"), *(one.with_sign(AND) for one in given[1:])]]

    def backward_formulas(self) -> Sequence[str]:
        """Both parts."""
        cut = self.source().shape[-1]
        left, right = (self.gift_symbol(i) for i in (0, 1))
        return [f"{left} = the first {cut} channels of {self.gradient_symbol},  {right} = the others"]

    def value(self, s: int, j: int) -> Unfolding:
        """Say where the number comes from."""
        place = list(np.unravel_index(j, self.node.shape))
        cut = self.source().shape[-1]
        i = int(place[-1] >= cut)
        place[-1] -= cut * i
        k = int(np.ravel_multi_index(place, self.source(i).shape))
        head = self.source_at(s, k, i)
        return products(self.at(s, j), self.node.value[s, j], head, [""], [(head, self.source(i).value[s, k])])

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Say of which number this is the part."""
        place = list(np.unravel_index(j, self.source(i).shape))
        place[-1] += self.source().shape[-1] * i
        k = int(np.ravel_multi_index(place, self.node.shape))
        head = self.grad_at(s, k)
        return products(self.gift_at(s, j, i), self.gift_value(i, s, j), head, [""], [(head, self.grad[s, k])])


class FlattenExplainer(Explainer):
    """f = the same numbers as one row."""

    node: Flatten
    forward_words = "The image becomes one row of units; no number changes."
    backward_words = "The row becomes an image again; no number changes."

    def forward_formulas(self) -> Sequence[str]:
        """The same numbers."""
        shape = "×".join(map(str, self.source().shape))
        return [f"{self.symbol} = {self.page.symbols.value(self.source())}, {shape} numbers as {self.node.units}"]

    def backward_formulas(self) -> Sequence[str]:
        """The same numbers."""
        return [f"{self.gift_symbol()} = {self.gradient_symbol}"]

    def value(self, s: int, j: int) -> Unfolding:
        """Say where the number stood before."""
        head = self.source_at(s, j)
        return products(self.at(s, j), self.node.value[s, j], head, [""], [(head, self.source().value[s, j])])

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Say where the gradient stands."""
        head = self.grad_at(s, j)
        return products(self.gift_at(s, j), self.gift_value(i, s, j), head, [""], [(head, self.grad[s, j])])
