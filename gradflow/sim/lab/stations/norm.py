"""The normalisations on the walk: ẑ = (z − μ)/σ, y = γ·ẑ + β, and the three terms of the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradflow.engine.nodes import Norm
from gradflow.engine.nodes.norm import EPSILON, BatchNorm, LayerNorm
from gradflow.sim.lab import entries
from gradflow.sim.lab.numerals import factor, operand, setting, short
from gradflow.sim.lab.station import AND, Line, Shown
from gradflow.sim.lab.stations.explainer import Array, Explainer, plain
from gradflow.sim.lab.unfolding import Unfolding, products


class NormExplainer(Explainer):
    """Batch, layer and RMS norm: they differ in what the means are taken over, and in what is subtracted."""

    node: Norm
    backward_words = (
        "The gradient loses its mean and its part along ẑ, for neither can change what is normalised; "
        "the rest is scaled by 1/σ."
    )

    def __init__(self, page: Any, node: Any) -> None:
        super().__init__(page, node)
        self.of_batch, self.centred = isinstance(node, BatchNorm), isinstance(node, BatchNorm | LayerNorm)
        self.gamma, self.beta = (page.symbols.parameter(node, name) for name in ("gamma", "beta"))
        self.hat = f"ẑ{self.symbol[1:]}"
        self.forward_words = (
            "Every unit is brought to mean 0 and variance 1 over the batch, then to a learnt gain and shift."
            if self.of_batch
            else "Every sample is brought to mean 0 and variance 1 over its units, then to a learnt gain and shift."
            if self.centred
            else "Every sample is brought to mean square 1 over its units, then to a learnt gain."
        )

    def forward_formulas(self) -> Sequence[str]:
        """The two steps of the norm."""
        x = self.page.symbols.value(self.source())
        over = "over the batch" if self.of_batch else "over the units"
        if not self.centred:
            return [f"{self.symbol} = {self.hat} ⊙ {self.gamma}", f"{self.hat} = {x}/√(mean {x}² + ε) {over}"]
        hat = f"{self.hat} = ({x} − μ)/√(σ² + ε),  μ and σ² {over}"
        return [f"{self.symbol} = {self.hat} ⊙ {self.gamma} + {self.beta}", hat]

    def backward_formulas(self) -> Sequence[str]:
        """The three terms, and the gradients of gain and shift."""
        g, over = f"g = {self.gradient_symbol} ⊙ {self.gamma}", "batch" if self.of_batch else "units"
        mean = " − mean(g)" if self.centred else ""
        back = f"1/√(σ² + ε)·(g{mean} − {self.hat} ⊙ mean(g ⊙ {self.hat}))"
        return [
            f"{self.gift_symbol()} = {back},  {g}, mean over the {over}",
            f"∂L/∂{self.gamma} = Σ {self.gradient_symbol} ⊙ {self.hat}"
            + (f",  ∂L/∂{self.beta} = Σ {self.gradient_symbol}" if self.centred else ""),
        ]

    def forward_lines(self, inputs: Sequence[Shown], value: Shown) -> Sequence[Line]:
        """z → ẑ ⊙ γ + β = y."""
        signs = {"gamma": "⊙", "beta": "+"}
        learnt = (self._parameter(name).with_sign(signs[name]) for name in self.node.parameter_views)
        return [[*inputs, self.normed.with_sign("→"), *learnt, value.with_sign("=")]]

    def backward_lines(self, gradient: Line, given: Sequence[Shown], came: Sequence[Shown]) -> Sequence[Line]:
        """∂L/∂y ⊙ γ = g, with ẑ to what is given back; and ∂L/∂y ⊙ ẑ to ∂L/∂γ."""
        scaled = self.page.of_samples("g", "gradient of ẑ", self.grad * self._gains(), self.node, self._scaled)
        back = [*gradient, self._parameter("gamma").with_sign("⊙"), scaled.with_sign("=")]
        back += [self.normed.with_sign(AND), *(one.with_sign("→") for one in given)]
        return [back, [*gradient, self.normed.with_sign("⊙"), *self._learnt()]]

    def _scaled(self, s: int, j: int) -> Unfolding:
        k, value = self._unit(j), self.grad[s, j]
        columns = [(self.grad_at(s, j), value), (f"{self.gamma}[{k}]", self.node.gamma[k])]
        formula, uses = f"{columns[0][0]}·{columns[1][0]}", {self.gradient_symbol: (s, j), self.gamma: (0, k)}
        at = self.page.at("g", s, j, self.node)
        return products(at, value * self.node.gamma[k], formula, [""], columns, uses=uses)

    @property
    def normed(self) -> Shown:
        """ẑ."""
        return self.page.of_samples(self.hat, "normalised", self.node.normed, self.node, self.unfold_normed)

    def _learnt(self) -> Line:
        """∂L/∂γ and ∂L/∂β."""
        found, signs = [], {"gamma": "Σ →", "beta": f"Σ {self.gradient_symbol} ="}
        for name, values in self.node.gradient_views.items():
            symbol = f"∂L/∂{self.page.symbols.parameter(self.node, name)}"
            title = "gradient of the gain" if name == "gamma" else "gradient of the shift"
            found.append(
                self.page.of_units(
                    symbol, title, values, entries.places(values.shape), self._learning(symbol, name)
                ).with_sign(signs[name])
            )
        return found

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold γ·ẑ + β."""
        k, x_hat = self._unit(j), float(self.node.normed[s, j])
        heads = self.page.at(self.hat, s, j, self.node), f"{self.gamma}[{k}]"
        gamma, beta = self.node.gamma[k], self.node.parameter_views.get("beta")
        names, gains, hats, formula = ["ẑ·γ"], [gamma], [x_hat], f"{heads[0]}·{heads[1]}"
        if beta is not None:
            names, gains, hats = [*names, "β"], [*gains, beta[k]], [*hats, 1.0]
            formula += f" + {self.beta}[{k}]"
        columns = list(zip(heads, (np.array(hats), np.array(gains)), strict=True))
        uses = {self.hat: (s, j), self.gamma: (0, k), self.beta: (0, k)}
        return products(self.at(s, j), self.node.value[s, j], formula, names, columns, self._statistics(s, j), uses)

    def unfold_normed(self, s: int, j: int) -> Unfolding:
        """Unfold ẑ."""
        mean, inverse = self._moments(s, j)
        x, head = float(self.source().value[s, j]), self.page.at(self.hat, s, j, self.node)
        top = f"({factor(x)} − {factor(mean)})" if self.centred else short(x)
        formula = "(z − μ)/√(σ² + ε)" if self.centred else "z/√(mean z² + ε)"
        value, put_in = float(self.node.normed[s, j]), f"{top}/{operand(1.0 / inverse)}"
        uses = {self.page.symbols.value(self.source()): (s, j)}
        return Unfolding(head, value, formula, put_in=put_in, remarks=self._statistics(s, j), uses=uses)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold the gradient into its three terms, each times 1/√(σ² + ε)."""
        g, hat = self._group(self.grad * self._gains(), s, j), self._group(self.node.normed, s, j)
        _, inverse = self._moments(s, j)
        x_hat = float(self.node.normed[s, j])
        here = float((self.grad[s] * self._gains())[j])
        along = float(np.mean(g * hat))
        names, terms = ["g"], [[here, 1.0]]
        if self.centred:
            names, terms = [*names, "− mean(g)"], [*terms, [-float(np.mean(g)), 1.0]]
        names, terms = [*names, "− ẑ·mean(g·ẑ)"], [*terms, [-along, x_hat]]
        numbers = np.array(terms)
        columns = [("mean or g", numbers[:, 0]), ("ẑ or 1", numbers[:, 1]), ("1/√(σ²+ε)", np.full(len(terms), inverse))]
        formula = "(" + " ".join(names) + ")/√(σ² + ε)"
        at = self.gift_at(s, j)
        uses = dict.fromkeys(("g", self.hat), (s, j))
        return products(at, self.gift_value(i, s, j), formula, names, columns, self._statistics(s, j), uses)

    def _learning(self, symbol: str, name: str) -> Any:
        def way(k: int) -> Unfolding:
            g, hat = self._rows(self.grad)[:, k], self._rows(self.node.normed)[:, k]
            places = entries.places(self.node.shape)[k :: self._features] if self.of_batch else ("",)
            names = [entries.index(s, place) for s in self.recording.names for place in places]
            heads = [(self.gradient_symbol, g)] + ([(self.hat, hat)] if name == "gamma" else [])
            formula = "Σ " + "·".join(head for head, _ in heads)
            return products(f"{symbol}[{k}]", self.node.gradient_views[name][k], formula, names, heads)

        return way

    def _parameter(self, name: str) -> Shown:
        symbol, values = self.page.symbols.parameter(self.node, name), self.node.parameter_views[name]
        title, way = "gain" if name == "gamma" else "shift", plain("a parameter", values)
        return self.page.of_units(symbol, title, values, entries.places(values.shape), lambda j: way(0, j))

    @property
    def _features(self) -> int:
        """How many gains there are: one for each channel or unit."""
        return int(self.node.gamma.size)

    def _unit(self, j: int) -> int:
        return j % self._features

    def _rows(self, values: Array) -> Array:
        return values.reshape(-1, self._features)

    def _gains(self) -> Array:
        """γ for every unit of a sample."""
        return np.tile(self.node.gamma, self.node.units // self._features)

    def _group(self, values: Array, s: int, j: int) -> Array:
        """Return the numbers that share their statistics with an entry."""
        return self._rows(values)[:, self._unit(j)] if self.of_batch else values[s]

    def _moments(self, s: int, j: int) -> tuple[float, float]:
        """Return μ and 1/√(σ² + ε) of an entry's group."""
        x = self._group(self.source().value, s, j)
        mean = float(x.mean()) if self.centred else 0.0
        return mean, float(1.0 / np.sqrt(np.mean((x - mean) ** 2) + EPSILON))

    def _statistics(self, s: int, j: int) -> tuple[str, ...]:
        mean, inverse = self._moments(s, j)
        told = [f"μ = {short(mean, 6)}"] if self.centred else []
        return (", ".join([*told, f"1/√(σ² + ε) = {short(inverse, 6)}, ε = {setting(EPSILON)}"]),)
