"""What works entry by entry on the walk: φ, with its slope, and dropout, with its mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from gradflow.engine.nodes import Activate, Dense, Dropout, LearnableActivate
from gradflow.sim.lab import entries
from gradflow.sim.lab.numerals import short
from gradflow.sim.lab.phi import formulas, put_in
from gradflow.sim.lab.station import AND, Line, Shown
from gradflow.sim.lab.stations.explainer import Array, Explainer
from gradflow.sim.lab.unfolding import Unfolding, products


class ActivateExplainer(Explainer):
    """a = φ(z)."""

    node: Activate
    back_sign = "="
    forward_words = "φ bends every number by itself."
    backward_words = "Multiplied by φ′(z), the slope where each unit stands."

    @cached_property
    def slope(self) -> Array:
        """φ′(z), as the engine computes it."""
        found = np.empty_like(self.node.value)
        with np.errstate(all="ignore"):
            self.node.write_slope(found)
        return found

    @cached_property
    def slope_symbol(self) -> str:
        """What the slopes are called."""
        return f"φ′({self.page.symbols.value(self.source())})"

    def forward_formulas(self) -> Sequence[str]:
        """φ in this layer's symbols, and what it is."""
        z = self.page.symbols.value(self.source())
        return [f"{self.symbol} = φ({z})", f"φ(z) = {formulas(self.node.function)[0]}"]

    def backward_formulas(self) -> Sequence[str]:
        """The chain rule for φ, and its slope."""
        slope, product = formulas(self.node.function)[1], f"{self.gradient_symbol} ⊙ {self.slope_symbol}"
        readers = self.recording.readers[id(self.node)]
        if len(readers) == 1 and isinstance(readers[0], Dense):
            # The recursion of the lecture, over one layer.
            delta, W = self.page.symbols.gradient(readers[0]), self.page.symbols.parameter(readers[0], "W")
            product += f" = ({self.page.product(f'{delta}·{W}ᵀ', f'{W}·{delta}')}) ⊙ {self.slope_symbol}"
        return [f"{self.gift_symbol()} = {product}", f"φ′(z) = {slope}"]

    def backward_parts(self) -> Sequence[Shown]:
        """φ′(z)."""
        shown = self.page.of_samples(self.slope_symbol, "slopes", self.slope, self.node, self.unfold_slope)
        return (replace(shown, sign="⊙"),)

    def unfold_slope(self, s: int, j: int) -> Unfolding:
        """Unfold an entry of φ′(z)."""
        z, slope = float(self.source().value[s, j]), formulas(self.node.function)[1]
        symbol = self.page.at(self.slope_symbol, s, j, self.node)
        told = put_in(slope, z, float(self.node.value[s, j]))
        return self._of_z(Unfolding(symbol, float(self.slope[s, j]), slope, put_in=told), s, j)

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold φ(z[s, j])."""
        z, formula = float(self.source().value[s, j]), formulas(self.node.function)[0]
        value = float(self.node.value[s, j])
        return self._of_z(Unfolding(self.at(s, j), value, formula, put_in=put_in(formula, z, value)), s, j)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold ∂L/∂a·φ′(z)."""
        columns = [
            (self.grad_at(s, j), self.grad[s, j]),
            (self.page.at(self.slope_symbol, s, j, self.node), self.slope[s, j]),
        ]
        formula = f"{columns[0][0]}·{columns[1][0]}"
        uses = dict.fromkeys((self.gradient_symbol, self.slope_symbol), (s, j))
        at, value = self.gift_at(s, j), self.gift_value(i, s, j)
        return products(at, value, formula, [""], columns, self._z_is(s, j), uses)

    def _of_z(self, found: Unfolding, s: int, j: int) -> Unfolding:
        return replace(found, remarks=self._z_is(s, j), uses={self.page.symbols.value(self.source()): (s, j)})

    def _z_is(self, s: int, j: int) -> tuple[str, ...]:
        function = self.node.function
        a = f", α = {short(function.negative_slope)}" if function.negative_slope and not function.learnable else ""
        return (f"{self.source_at(s, j)} = {short(float(self.source().value[s, j]), 6)}{a}",)


class LearnableExplainer(ActivateExplainer):
    """PReLU, whose slope below zero is learnt."""

    node: LearnableActivate

    @cached_property
    def slope_name(self) -> str:
        """What the learnt slope is called."""
        return self.page.symbols.parameter(self.node, "a")

    def forward_parts(self) -> Sequence[Shown]:
        """The learnt slope."""
        return (self._of_slopes(self.slope_name, "learnt slope", self.node.a, self._given).with_sign(AND),)

    def backward_lines(self, gradient: Line, given: Sequence[Shown], came: Sequence[Shown]) -> Sequence[Line]:
        """What φ does, and ∂L/∂α."""
        below = self.page.of_samples(self.below, "z below 0", np.minimum(came[0].engine, 0.0), self.node, self._cut)
        learnt = self._of_slopes(f"∂L/∂{self.slope_name}", "its gradient", self.node.a_grad, self.slope_gradient)
        back = super().backward_lines(gradient, given, came)
        return [*back, [*gradient, below.with_sign("⊙"), learnt.with_sign("Σ →")]]

    @property
    def below(self) -> str:
        """What z is called where it is cut off above 0."""
        return f"min({self.page.symbols.value(self.source())}, 0)"

    def _cut(self, s: int, j: int) -> Unfolding:
        z = float(self.source().value[s, j])
        return Unfolding(
            self.page.at(self.below, s, j, self.node), min(z, 0.0), "min(z, 0)", put_in=f"min({short(z)}, 0)"
        )

    def backward_formulas(self) -> Sequence[str]:
        """The chain rule for φ and for its slope."""
        return [*super().backward_formulas(), f"∂L/∂{self.slope_name} = Σ {self.gradient_symbol} ⊙ {self.below}"]

    def slope_gradient(self, j: int) -> Unfolding:
        """Unfold ∂L/∂α = Σ ∂L/∂a·min(z, 0)."""
        channels = self.node.shape[-1]
        g, z = (array.reshape(-1, channels) for array in (self.grad, self.source().value))
        names = [entries.index(s, place) for s in self.recording.names for place in entries.places(self.node.shape)]
        if self.node.a.size > 1:
            g, z, names = g[:, j], z[:, j], names[j::channels]
        symbol = f"∂L/∂{self.slope_name}[{j}]"
        heads = self.gradient_symbol, "min(z, 0)"
        columns = list(zip(heads, (g, np.minimum(z, 0.0)), strict=True))
        return products(symbol, self.node.a_grad[j], f"Σ {heads[0]}·{heads[1]}", names, columns)

    def _given(self, j: int) -> Unfolding:
        return Unfolding(f"{self.slope_name}[{j}]", float(self.node.a[j]), "a parameter")

    def _of_slopes(self, symbol: str, title: str, values: Array, way: object) -> Shown:
        return self.page.of_units(symbol, title, values, entries.places(values.shape), way)  # type: ignore[arg-type]

    def _z_is(self, s: int, j: int) -> tuple[str, ...]:
        a = self.node.a
        number = a[j % self.node.shape[-1]] if a.size > 1 else a[0]
        return (f"{super()._z_is(s, j)[0]}, α = {short(float(number), 6)}",)


class DropoutExplainer(Explainer):
    """d = a ⊙ m."""

    node: Dropout
    sign = back_sign = "="
    forward_words = "Dropout sets some units to zero and scales up the others; the mask is that of this step."
    backward_words = "What was left out gets no gradient; the others get theirs scaled like their value."

    @cached_property
    def mask(self) -> str:
        """What the mask is called."""
        return f"m{self.symbol[1:]}"

    def forward_formulas(self) -> Sequence[str]:
        """The product with the mask."""
        kept = f"{self.mask} = 0 with probability {self.node.rate:g}, else 1/(1 − {self.node.rate:g})"
        return [f"{self.symbol} = {self.page.symbols.value(self.source())} ⊙ {self.mask}", kept]

    def backward_formulas(self) -> Sequence[str]:
        """The same product."""
        return [f"{self.gift_symbol()} = {self.gradient_symbol} ⊙ {self.mask}"]

    def forward_parts(self) -> Sequence[Shown]:
        """The mask."""
        return (replace(self.page.of_samples(self.mask, "mask", self.node.mask, self.node, self._drawn), sign="⊙"),)

    def backward_parts(self) -> Sequence[Shown]:
        """The mask."""
        return self.forward_parts()

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold a·m."""
        columns = [(self.source_at(s, j), self.source().value[s, j]), self._mask_at(s, j)]
        formula = f"{columns[0][0]}·{columns[1][0]}"
        uses = dict.fromkeys((self.page.symbols.value(self.source()), self.mask), (s, j))
        return products(self.at(s, j), self.node.value[s, j], formula, [""], columns, uses=uses)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold ∂L/∂d·m."""
        columns = [(self.grad_at(s, j), self.grad[s, j]), self._mask_at(s, j)]
        formula = f"{columns[0][0]}·{columns[1][0]}"
        uses = dict.fromkeys((self.gradient_symbol, self.mask), (s, j))
        return products(self.gift_at(s, j), self.gift_value(i, s, j), formula, [""], columns, uses=uses)

    def _mask_at(self, s: int, j: int) -> tuple[str, Array]:
        return self.page.at(self.mask, s, j, self.node), self.node.mask[s, j]

    def _drawn(self, s: int, j: int) -> Unfolding:
        head, value = self._mask_at(s, j)
        return Unfolding(head, float(value), "drawn at random for this step")
