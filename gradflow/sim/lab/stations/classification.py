"""The losses for classes on the walk: the cross-entropies with their probabilities, and the hinge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.engine.losses import BinaryCrossEntropy, Hinge, SoftmaxCrossEntropy
from gradflow.sim.lab.numerals import factor, operand, told
from gradflow.sim.lab.station import AND, Shown
from gradflow.sim.lab.stations.explainer import Array
from gradflow.sim.lab.stations.loss import LossExplainer
from gradflow.sim.lab.unfolding import Unfolding


class ProbabilityExplainer(LossExplainer):
    """What the cross-entropies share: probabilities."""

    backward_words = "Here the way back begins: probability minus target."
    back_sign = "/n ="

    @property
    def probabilities(self) -> Array:
        """What the predictions mean."""
        raise NotImplementedError

    def probability(self, s: int, j: int) -> Unfolding:
        """Unfold a probability."""
        raise NotImplementedError

    def forward_parts(self) -> Sequence[Shown]:
        """Probabilities before targets and costs."""
        return (self.prediction.with_sign("→"), *super().forward_parts())

    @property
    def prediction(self) -> Shown:
        """p."""
        return self.page.of_samples("p", "probabilities", self.probabilities, self.source(), self.probability)

    def gift_terms(self, s: int, j: int) -> tuple[list[str], list[float], float]:
        """p − y."""
        return ["p", "−y"], [float(self.probabilities[s, j]), -self._y(s, j)], 1.0 / self.count

    def _are(self, s: int, j: int) -> tuple[str, ...]:
        p, at = float(self.probabilities[s, j]), self.page.at("p", s, j, self.source())
        return (*super()._are(s, j), f"{at} {told(p, 6)}")


class BinaryExplainer(ProbabilityExplainer):
    """The cross-entropy of yes or no."""

    node: BinaryCrossEntropy
    entry_formula = "ln(1 + e^z) − y·z"
    gift_formula = "(p − y)/n"

    @property
    def probabilities(self) -> Array:
        """σ(z)."""
        with np.errstate(over="ignore"):
            found: Array = 1.0 / (1.0 + np.exp(-self.source().value))
        return found

    @property
    def entries(self) -> Array:
        """What each prediction costs."""
        return self.node.value

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold ∂L/∂z, and say so where p − y has lost its digits."""
        found, y = super().gift(i, s, j), self._y(s, j)
        if abs(found.total - found.value) <= 1e-9 * abs(found.value):
            return found
        with np.errstate(over="ignore"):
            p, q = (float(1.0 / (1.0 + np.exp(-z))) for z in (self._z(s, j), -self._z(s, j)))
        kept = f"({factor(p)}·{factor(1.0 - y)} − {factor(q)}·{factor(y)})/{self.count}"
        exact = f"p rounds to y; (p·(1 − y) − (1 − p)·y)/n keeps its digits: {kept}"
        return replace(found, remarks=(*found.remarks, exact))

    def forward_formulas(self) -> Sequence[str]:
        """With the probability."""
        return [*super().forward_formulas(), f"p = σ({self.z}) = 1/(1 + e^−{self.z})"]

    def probability(self, s: int, j: int) -> Unfolding:
        """Unfold σ(z)."""
        put_in = f"1/(1 + e^−{operand(self._z(s, j))})"
        head = self.page.at("p", s, j, self.source())
        return Unfolding(head, float(self.probabilities[s, j]), "σ(z)", put_in=put_in, remarks=self._are(s, j))


class SoftmaxExplainer(ProbabilityExplainer):
    """The cross-entropy of one class out of several."""

    node: SoftmaxCrossEntropy
    entry_formula = "−y·ln p"
    gift_formula = "(p − y)/n"

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.node.targets)

    @property
    def probabilities(self) -> Array:
        """softmax(z)."""
        return self.node.value

    @property
    def entries(self) -> Array:
        """What each class costs: only the right one does."""
        with np.errstate(invalid="ignore"):
            found: Array = -self.node.targets * self.node.scratch
        return found + 0.0

    def forward_formulas(self) -> Sequence[str]:
        """With the probability."""
        return [*super().forward_formulas(), f"p = softmax({self.z}) = e^z/Σ e^z"]

    def probability(self, s: int, j: int) -> Unfolding:
        """Unfold softmax(z)."""
        z = self.source().value[s]
        with np.errstate(over="ignore", invalid="ignore"):
            total = float(np.exp(z - z.max()).sum())
        put_in = f"e^({factor(self._z(s, j))} − {factor(float(z.max()))})/{operand(total)}"
        remarks = (
            *self._are(s, j),
            f"largest z of the sample {told(float(z.max()), 6)}, Σ e^(z − largest) {told(total, 6)}",
        )
        head = self.page.at("p", s, j, self.source())
        return Unfolding(head, float(self.node.value[s, j]), "e^z/Σ e^z", put_in=put_in, remarks=remarks)

    def _put_in(self, formula: str, s: int, j: int) -> str:
        return f"−{factor(self._y(s, j))}·ln {operand(float(self.node.value[s, j]))}"


class HingeExplainer(LossExplainer):
    """The hinge."""

    node: Hinge
    entry_formula = "max(0, 1 − t·z), t = 2y − 1"
    gift_formula = "−t/n where ℓ > 0, else 0"
    away, back_sign = AND, "→"

    def __init__(self, page: Any, node: Any) -> None:
        super().__init__(page, node)
        self.several = node.units > 1
        if self.several:
            self.entry_formula = "max(0, 1 − z(right class) + z)"
            self.gift_formula = "([ℓ > 0] − y·(how many ℓ > 0))/n"

    @property
    def entries(self) -> Array:
        """What each prediction falls short of the margin."""
        return self.node.value

    @property
    def prediction(self) -> Shown:
        """What each prediction falls short: whoever does is pushed."""
        return self.page.of_samples("ℓ", "short of the margin", self.entries, self.source(), self.entry)

    def gift_terms(self, s: int, j: int) -> tuple[list[str], list[float], float]:
        """Who comes too close is pushed down, the right one up."""
        close = np.sign(self.node.value[s])
        if not self.several:
            return ["−t·[ℓ > 0]"], [float(close[j]) * (1.0 - 2.0 * self._y(s, j))], 1.0 / self.count
        terms = [float(close[j]), -self._y(s, j) * float(close.sum())]
        return ["[ℓ > 0]", "−y·(how many ℓ > 0)"], terms, 1.0 / self.count
