"""The losses on the walk: what every prediction costs, their mean L, and ∂L/∂z, where the way back begins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.engine.losses import Huber, Loss, MeanAbsoluteError
from gradflow.sim.lab.numerals import factor, operand, short, told
from gradflow.sim.lab.station import AND, Shown
from gradflow.sim.lab.stations.explainer import Array, Explainer
from gradflow.sim.lab.unfolding import Unfolding, products, signed

_Y, _Z = (re.compile(f"(?<![A-Za-z]){letter}(?![A-Za-z])") for letter in "yz")


class LossExplainer(Explainer):
    """The mean squared error, and what all losses share."""

    node: Loss
    forward_words = "The loss compares predictions and targets: one number for the whole batch."
    backward_words = "Here the way back begins: how the loss changes with each prediction."
    entry_formula: str = "(z − y)²"
    gift_formula: str = "2·(z − y)/n"
    away: str = "−"
    """What stands before the targets on the way back."""

    back_sign = "·2/n ="

    def __init__(self, page: Any, node: Any) -> None:
        super().__init__(page, node)
        self.z = page.symbols.value(node.inputs[0])

    # What every loss has: targets, entries, their mean.

    @property
    def count(self) -> int:
        """What the sum of all entries is divided by."""
        return int(self.node.targets.size)

    @property
    def entries(self) -> Array:
        """What each prediction costs."""
        squares: Array = self.node.scratch**2
        return squares

    def forward_formulas(self) -> Sequence[str]:
        """The mean over all entries, and what an entry is."""
        return [f"L = 1/n·Σ ℓ,  n = {self.count}", f"ℓ = {self._written(self.entry_formula)}"]

    def backward_formulas(self) -> Sequence[str]:
        """∂L/∂z."""
        return [f"{self.gift_symbol()} = ∂L/∂{self.z} = {self._written(self.gift_formula)},  n = {self.count}"]

    def forward_parts(self) -> Sequence[Shown]:
        """Targets and what each prediction costs."""
        source = self.source()
        return (
            self.page.of_samples("y", "targets", self.node.targets, source, self._target).with_sign(AND),
            self.page.of_samples("ℓ", "what each prediction costs", self.entries, source, self.entry).with_sign("→"),
        )

    @property
    def prediction(self) -> Shown:
        """What the targets are taken from on the way back."""
        source = self.source()
        return self.page.of_samples(self.z, "predictions", source.value, source, self._prediction)

    def backward_parts(self) -> Sequence[Shown]:
        """Predictions and targets."""
        targets = self.page.of_samples("y", "targets", self.node.targets, self.source(), self._target)
        return (self.prediction, targets.with_sign(self.away))

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold L into its entries."""
        names = [f"{sample}, {unit}" for sample in self.recording.names for unit in self.channel_names()]
        entries = self.entries.reshape(-1)
        columns = [("ℓ", entries), ("1/n", np.full(entries.size, 1.0 / self.count))]
        return products("L", self.node.loss, "1/n·Σ ℓ", names, columns)

    def entry(self, s: int, j: int) -> Unfolding:
        """Unfold what one prediction costs."""
        head = self.page.at("ℓ", s, j, self.source())
        put_in = self._put_in(self.entry_formula, s, j)
        remarks, uses = self._are(s, j), dict.fromkeys((self.z, self.prediction.symbol, "y"), (s, j))
        value = float(self.entries[s, j])
        return Unfolding(head, value, self.entry_formula, put_in=put_in, remarks=remarks, uses=uses)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold ∂L/∂z."""
        names, numbers, scale = self.gift_terms(s, j)
        scaled = f"{short(scale * self.count)}/n" if scale * self.count != 1.0 else "1/n"
        columns = [("value", np.array(numbers)), (scaled, np.full(len(numbers), scale))]
        at, value = self.gift_at(s, j), self.gift_value(i, s, j)
        uses = dict.fromkeys((self.prediction.symbol, "y"), (s, j))
        found = products(at, value, self.gift_formula, names, columns, self._are(s, j), uses)
        return replace(found, put_in=self._difference(numbers, scale * self.count))

    def _difference(self, numbers: Sequence[float], scale: float) -> str:
        """Write 2·(0.731 − 1)/n with its numbers."""
        inner = "".join(signed((number,), i == 0) for i, number in enumerate(numbers))
        bracketed = f"({inner})" if len(numbers) > 1 or (scale != 1.0 and inner.startswith("−")) else inner
        return f"{short(scale)}·{bracketed}/{self.count}" if scale != 1.0 else f"{bracketed}/{self.count}"

    def gift_terms(self, s: int, j: int) -> tuple[list[str], list[float], float]:
        """Return the terms of ∂L/∂z, named, and what each is multiplied by."""
        return ["z", "−y"], [self._z(s, j), -self._y(s, j)], 2.0 / self.count

    def _z(self, s: int, j: int) -> float:
        return float(self.source().value[s, j])

    def _y(self, s: int, j: int) -> float:
        return float(self.node.targets[s, j])

    def _put_in(self, formula: str, s: int, j: int) -> str:
        return _Y.sub(factor(self._y(s, j)), _Z.sub(operand(self._z(s, j)), formula))

    def _written(self, formula: str) -> str:
        return _Z.sub(self.z, formula)

    def _are(self, s: int, j: int) -> tuple[str, ...]:
        z, y = self.source_at(s, j), self.page.at("y", s, j, self.source())
        return (f"{z} {told(self._z(s, j), 6)}, {y} {told(self._y(s, j), 6)}",)

    def _target(self, s: int, j: int) -> Unfolding:
        y = self._y(s, j)
        return Unfolding(self.page.at("y", s, j, self.source()), y, "a target of the data")

    def _prediction(self, s: int, j: int) -> Unfolding:
        z = self._z(s, j)
        return Unfolding(self.source_at(s, j), z, "what the network says")


class AbsoluteExplainer(LossExplainer):
    """The mean absolute error."""

    node: MeanAbsoluteError
    entry_formula = "|z − y|"
    gift_formula = "sign(z − y)/n"
    away, back_sign = AND, "→"

    @property
    def entries(self) -> Array:
        """|z − y|."""
        return self.node.value

    def gift_terms(self, s: int, j: int) -> tuple[list[str], list[float], float]:
        """The sign."""
        return ["sign(z − y)"], [float(np.sign(self.node.scratch[s, j]))], 1.0 / self.count


class HuberExplainer(LossExplainer):
    """Huber's loss."""

    node: Huber
    entry_formula = "½(z − y)², beyond δ: δ·(|z − y| − ½δ)"
    gift_formula = "(z − y cut off at ±δ)/n"
    away, back_sign = AND, "→"

    @property
    def entries(self) -> Array:
        """c·|r| − ½c² with c = min(|r|, δ)."""
        size, cut = self.node.value, self.node.scratch
        found: Array = cut * size - 0.5 * cut * cut
        return found

    def gift_terms(self, s: int, j: int) -> tuple[list[str], list[float], float]:
        """The residual, cut off."""
        cut = min(max(self._z(s, j) - self._y(s, j), -self.node.delta), self.node.delta)
        return [f"z − y cut off at ±{short(self.node.delta)}"], [cut], 1.0 / self.count
