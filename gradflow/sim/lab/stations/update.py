"""The end of the walk: what the step adds to the parameters of a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import ParameterNode, split
from gradflow.engine.layers import Layer
from gradflow.engine.nodes import Linear
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.engine.update import CLIP_EPSILON
from gradflow.sim.lab import entries
from gradflow.sim.lab.numerals import setting, short, told
from gradflow.sim.lab.recording import Page
from gradflow.sim.lab.station import Line, Shown
from gradflow.sim.lab.stations.explainer import plain
from gradflow.sim.lab.stations.rules import PLAIN, RULES, Found, Numbers, Rule
from gradflow.sim.lab.unfolding import Unfolding, products

Array = NDArray[Any]


class UpdateExplainer:
    """Explains the step of one layer: θ ← θ + Δθ with the Δθ that the training takes."""

    def __init__(self, page: Page, layer: Layer) -> None:
        self.page, self.layer = page, layer
        self.specimen = page.recording.specimen
        self.training = self.specimen.experiment.training

    @property
    def words(self) -> str:
        """What happens, with all that the optimiser does to a gradient before it walks."""
        specimen, training = self.specimen, self.training
        if not self.layer.trainable:
            return "The layer is frozen: its parameters stay as they are."
        title = OPTIMIZERS[training.optimizer].title
        words = f"{title} takes its step against the gradient, learning rate η = {short(specimen.learning_rate)}."
        if self.page.recording.samples != specimen.samples:
            words += f" The step is that of the whole batch of {specimen.samples}, the gradient beside it is not."
        limits = [("norm", training.clip_norm), ("value", training.clip_value)]
        clips = [f"{name} {short(limit)}" for name, limit in limits if limit]
        if clips:
            words += f" Before that the gradient was clipped at {' and '.join(clips)}."
        if training.weight_decay:
            words += f" Weight decay {short(training.weight_decay)} pulls towards 0."
        if training.l1:
            words += f" L1 {short(training.l1)} pulls towards 0."
        return words

    def formulas(self) -> Sequence[str]:
        """What is added to each parameter, and what the optimiser makes it of."""
        names = [symbol for symbol, *_ in self._parameters()]
        found = [",  ".join(f"{name} ← {name} + Δ{name}" for name in names)]
        if not self.layer.trainable:
            return found
        found.append(f"Δθ = {self.rule.step},  g = {self._gradient_words()}")
        if self.rule.memory:
            found.append(self.rule.memory)
        return [*found, ",  ".join(f"{name} = {setting(value)}" for name, value in self._numbers())]

    @property
    def rule(self) -> Rule:
        """How the optimiser makes a step of a gradient."""
        return RULES[self.training.optimizer] if len(self.specimen.memory.rows) else PLAIN

    def _gradient_words(self) -> str:
        """Write what the optimiser is given as the gradient."""
        t, words = self.training, "∂L/∂θ"
        if t.clip_value:
            words = f"{words} cut at ±{short(t.clip_value)}"
        if t.clip_norm:
            words = f"{words}, times {short(self._clipping)} for the norm {short(t.clip_norm)}"
        if t.weight_decay and not self._decoupled:
            words += " + λ·θ"
        return words + (" + l₁·sign θ" if t.l1 else "")

    def _numbers(self) -> Sequence[tuple[str, float]]:
        t, memory, step = self.training, self.specimen.memory, self.rule.step + self.rule.memory
        numbers = [("η", self.specimen.learning_rate), ("μ", memory.momentum), ("β₁", memory.beta1)]
        numbers += [("β₂", memory.beta2), ("ε", memory.epsilon), ("k", float(memory.count))]
        found = [(name, value) for name, value in numbers if (name if name != "k" else "ᵏ") in step]
        found += [("λ", t.weight_decay)] if t.weight_decay or "λ" in step else []
        return [*found, ("l₁", t.l1)] if t.l1 else found

    @property
    def _decoupled(self) -> bool:
        return OPTIMIZERS[self.training.optimizer].part.decoupled

    @property
    def whole(self) -> bool:
        """Whether the gradient that is shown is the one that the step is made of."""
        return self.page.recording.samples == self.specimen.samples and self.layer.trainable

    @cached_property
    def _clipping(self) -> float:
        """What the whole gradient is multiplied by, so that its norm is within the limit."""
        network, t = self.page.recording.network, self.training
        if not t.clip_norm:
            return 1.0
        limit = t.clip_value or math.inf
        parts = [np.clip(network.gradients[span], -limit, limit) for span in network.trainable_spans()]
        norm = math.sqrt(sum(float(part @ part) for part in parts))
        return min(1.0, t.clip_norm / (norm + CLIP_EPSILON))

    def _given(self, slope: float, w: float) -> float:
        """Return what the optimiser is given for the gradient of a parameter."""
        t, limit = self.training, self.training.clip_value or math.inf
        decay = 0.0 if self._decoupled else t.weight_decay
        return self._clipping * min(max(slope, -limit), limit) + decay * w + t.l1 * float(np.sign(w))

    def lines(self) -> tuple[Line, ...]:
        """For each parameter what it was, its gradient, what is added, and what it becomes."""
        return tuple(self._four(*one) for one in self._parameters())

    def _four(self, symbol: str, values: Array, gradient: Array, step: Array, memory: Sequence[Array]) -> Line:
        g, (rows, columns) = f"∂L/∂{symbol}", self._names(values)

        def stepped(i: int, j: int) -> Unfolding:
            w, slope, value = (float(np.atleast_2d(array)[i, j]) for array in (values, gradient, step))
            at = f"{entries.entry(g, rows[i], columns[j])} {told(slope, 6)}"
            found = self._found(w, slope, [float(np.atleast_2d(row)[i, j]) for row in memory])
            if found is None or not math.isclose(found.value, value, rel_tol=1e-3, abs_tol=1e-300):
                return Unfolding("", value, self._otherwise(g), remarks=(at,), uses={g: (i, j)})
            given = self._given(slope, w)
            remarks = [at, *([f"g {told(given, 6)}"] if given != slope else []), *found.remarks]
            return Unfolding("", value, self.rule.step, put_in=found.put_in, remarks=tuple(remarks), uses={g: (i, j)})

        def becomes(i: int, j: int) -> Unfolding:
            old, more = (float(np.atleast_2d(array)[i, j]) for array in (values, step))
            head = f"{symbol} + Δ{symbol}"
            names = [entries.entry(name, rows[i], columns[j]) for name in (symbol, f"Δ{symbol}")]
            uses = dict.fromkeys((symbol, f"Δ{symbol}"), (i, j))
            found = products("", old + more, head, names, [("", np.array([old, more]))], uses=uses)
            # A small step must not vanish in three digits.
            return replace(found, digits=6)

        return [
            self._shown(symbol, "before", values, plain("a parameter", values)),
            self._shown(g, "gradient", gradient, plain("from the way back", gradient)),
            self._shown(f"Δ{symbol}", "step", step, stepped).with_sign("+"),
            self._shown(f"{symbol} + Δ{symbol}", "after", values + step, becomes).with_sign("="),
        ]

    def _shown(self, symbol: str, title: str, values: Array, way: Any) -> Shown:
        rows, columns = self._names(values)
        if values.ndim == 1:
            return self.page.of_units(symbol, title, values, columns, lambda j: way(0, j))
        return self.page.weights(symbol, title, values, rows, columns, way)

    def _names(self, values: Array) -> tuple[Sequence[str], Sequence[str]]:
        """Return what the rows and the columns of a parameter are called."""
        columns = entries.places(values.shape[-1:])
        if values.ndim == 1:
            return ("",), columns
        linear = next(node for node in self.layer.learning if isinstance(node, Linear) and node.W.shape == values.shape)
        return entries.places(entries.fan(linear.kernel, linear.channels_in)), columns

    def _found(self, w: float, slope: float, remembered: Sequence[float]) -> Found | None:
        """Reckon a step as the optimiser does; None where it is not made of this gradient alone."""
        if not self.whole:
            return None
        m = self.specimen.memory
        betas, decay = (m.momentum, m.beta1, m.beta2, m.epsilon), self.training.weight_decay
        given = self._given(slope, w)
        with suppress(ArithmeticError, ValueError):
            return self.rule.find(
                Numbers(w, given, tuple(remembered), m.count, self.specimen.learning_rate, *betas, decay)
            )
        return None

    def _otherwise(self, g: str) -> str:
        """Say what a step is that cannot be reckoned here."""
        if not self.layer.trainable:
            return "the layer is frozen"
        of = g if self.whole else "the whole batch's gradient"
        precision = self.training.precision
        rounded = f" in {precision}" if precision != "float64" else ""
        return f"what {OPTIMIZERS[self.training.optimizer].title} makes of {of}{rounded}"

    def _parameters(self) -> list[tuple[str, Array, Array, Array, list[Array]]]:
        """Return symbol, value, gradient, step and the optimiser's memory of every parameter of the layer."""
        found = []
        for node in self.layer.learning:
            steps = self._split(node, self.specimen.update)
            memory = [self._split(node, row) for row in self.specimen.memory.rows]
            for name, values in node.parameter_views.items():
                symbol = self.page.symbols.parameter(node, name)
                remembered = [row[name] for row in memory]
                found.append((symbol, values, node.gradient_views[name], steps[name], remembered))
        return found

    def _split(self, node: ParameterNode, flat: Array) -> dict[str, Array]:
        return split(flat[node.span], node.parameter_shapes)
