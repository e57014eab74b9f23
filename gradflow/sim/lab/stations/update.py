"""The end of the walk: what the step adds to the parameters of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import ParameterNode, split
from gradflow.engine.layers import Layer
from gradflow.engine.nodes import Linear
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.sim.lab.numerals import short
from gradflow.sim.lab.recording import Page, unit_names, window_names
from gradflow.sim.lab.station import Line, Shown
from gradflow.sim.lab.stations.explainer import plain
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
        """What is added to each parameter."""
        names = [symbol for symbol, *_ in self._parameters()]
        rule = "−η·∂L/∂θ" if self.exact else "−η·direction"
        return [",  ".join(f"{name} ← {name} + Δ{name}" for name in names), f"Δθ = {rule}"]

    @property
    def exact(self) -> bool:
        """Whether the step is the learning rate times the gradient that is shown, and nothing else."""
        t, recording = self.training, self.page.recording
        plain_sgd = t.optimizer == "sgd" and not t.momentum and not t.weight_decay and not t.l1
        unclipped = not t.clip_norm and not t.clip_value and t.precision == "float64"
        return plain_sgd and unclipped and recording.samples == self.specimen.samples and self.layer.trainable

    def lines(self) -> tuple[Line, ...]:
        """For each parameter what it was, its gradient, what is added, and what it becomes."""
        return tuple(self._four(*one) for one in self._parameters())

    def _four(self, symbol: str, values: Array, gradient: Array, step: Array) -> Line:
        g = f"∂L/∂{symbol}"

        def stepped(i: int, j: int) -> Unfolding:
            value, head = float(np.atleast_2d(step)[i, j]), f"Δ{symbol}[{i}, {j}]"
            slope, rate = float(np.atleast_2d(gradient)[i, j]), self.specimen.learning_rate
            if self.exact:
                columns = [("−η", np.array(-rate)), (f"{g}[{i}, {j}]", np.array(slope))]
                return products(head, value, f"−η·{g}[{i}, {j}]", [""], columns)
            remarks = [f"{g}[{i}, {j}] = {short(slope, 6)}"]
            if rate:
                remarks.append(f"as if the gradient were −Δ/η = {short(-value / rate, 6)}")
            return Unfolding(
                head, value, f"what {OPTIMIZERS[self.training.optimizer].title} makes of {g}", remarks=tuple(remarks)
            )

        def becomes(i: int, j: int) -> Unfolding:
            old, more = (float(np.atleast_2d(array)[i, j]) for array in (values, step))
            head = f"{symbol} + Δ{symbol}"
            names = [f"{symbol}[{i}, {j}]", f"Δ{symbol}[{i}, {j}]"]
            return products(f"({head})[{i}, {j}]", old + more, head, names, [("", np.array([old, more]))])

        return [
            self._shown(symbol, "before the step", values, plain(symbol, "a parameter", values)),
            self._shown(g, "its gradient", gradient, plain(g, "from the way back", gradient)),
            self._shown(f"Δ{symbol}", "what is added", step, stepped).with_sign("+"),
            self._shown(f"{symbol} + Δ{symbol}", "after the step", values + step, becomes).with_sign("="),
        ]

    def _shown(self, symbol: str, title: str, values: Array, way: Any) -> Shown:
        if values.ndim == 1:
            return self.page.of_units(symbol, title, values, unit_names(values.shape), lambda j: way(0, j))
        linear = next(node for node in self.layer.learning if isinstance(node, Linear) and node.W.shape == values.shape)
        rows = window_names(linear.kernel, linear.channels_in)
        return self.page.weights(symbol, title, values, rows, unit_names((values.shape[1],)), way)

    def _parameters(self) -> list[tuple[str, Array, Array, Array]]:
        """Return symbol, value, gradient and step of every parameter of the layer."""
        found = []
        for node in self.layer.learning:
            steps = self._steps(node)
            for name, values in node.parameter_views.items():
                symbol = self.page.symbols.parameter(node, name)
                found.append((symbol, values, node.gradient_views[name], steps[name]))
        return found

    def _steps(self, node: ParameterNode) -> dict[str, Array]:
        return split(self.specimen.update[node.span], node.parameter_shapes)
