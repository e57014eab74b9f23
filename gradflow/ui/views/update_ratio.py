"""How far each layer moves in a step, in units of its own size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Stat, Topology
from gradflow.sim.update_ratio import HIGH, LOW, course, in_words, recent_range, spread_layers
from gradflow.sim.words import spell
from gradflow.ui.axes import DecadeAxis
from gradflow.ui.items import Polyline, cosmetic
from gradflow.ui.layer_plot import Guide, LayerPlot, Shade
from gradflow.ui.layer_view import LayerView
from gradflow.ui.marks import Marks
from gradflow.ui.plot import log10_marks
from gradflow.ui.step_plot import StepPlot
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, view
from gradflow.ui.widgets import Choice

Array = NDArray[np.float64]

BY_LAYER, OVER_TIME = "by layer", "over time"
MOST_LINES, MOST_GHOSTS, MOST_POINTS = 12, 2, 200
RULE, AROUND = -3.0, (math.log10(LOW), math.log10(HIGH))
"""The rule of thumb and the range around it, as log₁₀."""

LABEL = "‖ΔW‖ / ‖W‖"


@view("update_ratio", "How far does each layer move in a step?")
class UpdateRatio(LayerView):
    """‖ΔW‖/‖W‖ per layer on a logarithmic axis, from the step that the optimiser really takes: learning rate, momentum,
    clipping and weight decay are in it.

    About 10⁻³ is a rough rule of thumb (the line; Karpathy, cs231n, neural-networks-3), 10⁻⁴ to 10⁻² the range around
    it (shaded). Far lower, a layer hardly learns; far higher, it forgets what it knew. What matters more is that layers
    do not differ by orders of magnitude. By layer: thin bars are the range of the last 50 recorded steps, a hollow mark
    on the floor is a layer that stands still. Over time: a line per layer in its colour, at most twelve of them.
    """

    interval_ms = SLOW_MS
    formula = "‖ΔW‖/‖W‖ of the next step"

    def __init__(self) -> None:
        super().__init__()
        self.by_layer, self.over_time = LayerPlot(DecadeAxis("left"), LABEL), TimePlot()
        self.marks, self.ghost = Marks(radius=4.5), Marks(radius=5.5)
        self.bars = Polyline("pairs")
        self.by_layer.add(self.bars, self.ghost, self.marks)
        self.rule = {plot: Guide() for plot in (self.by_layer, self.over_time)}
        self.healthy = {plot: Shade() for plot in self.rule}
        for plot in self.rule:
            plot.add(self.healthy[plot], self.rule[plot])
            self.box.addWidget(plot, 1)
        self.box.addWidget(self.words)
        self.watch(self.by_layer)
        self.how = Choice()
        self.how.addItems([BY_LAYER, OVER_TIME])
        self.how.setAccessibleName("By layer or over time")
        self.how.setToolTip("The ratios of this step layer by layer, or their course over the steps")
        self.how.currentIndexChanged.connect(self._switch)
        self._switch()

    def controls(self) -> QWidget:
        """Return the choice between layers and time."""
        return self.how

    def choice(self) -> str:
        """Return what the horizontal axis is."""
        return self.how.currentText()

    def choose(self, choice: str) -> None:
        """Show ratios by layer or over time."""
        if choice in (BY_LAYER, OVER_TIME):
            self.how.setCurrentText(choice)

    def caption(self) -> str:
        """Return what is drawn."""
        return f"{self.formula}, {self.choice()}"

    def reset(self, topology: Topology) -> None:
        """Begin without lines; the range holds as long as it fits."""
        super().reset(topology)
        for line in (*self.over_time.lines, *self.over_time.ghosts):
            line.set_data([], [])

    def show_frame(self, frame: Frame) -> None:
        """Draw by layer or over time."""
        if self.choice() == BY_LAYER:
            self._show_layers(frame)
        else:
            self.over_time.show_history(frame, self.theme)
        for plot in self.rule:
            self.healthy[plot].show_span(*AROUND)
            self.rule[plot].put(RULE, "rule of thumb")

    def tell(self, frame: Frame) -> str:
        """Say how large the step is."""
        return in_words(frame.snapshot)

    def describe(self, frame: Frame, index: int) -> list[str]:
        """Return a layer's ratio and what it is made of."""
        snapshot = frame.snapshot
        update, weight = snapshot.stat(Stat.UPDATE)[index], snapshot.stat(Stat.WEIGHT)[index]
        ratio = snapshot.update_ratio[index]
        first = f"‖ΔW‖/‖W‖ = {spell(ratio)}" if weight != 0.0 else "the weights are all 0: no ratio"
        return [first, f"‖ΔW‖ = {spell(update)}   ‖W‖ = {spell(weight)}"]

    def select(self, layer: int | None) -> None:
        """Give weight to one layer (from 1), or to none."""
        super().select(layer)
        self.over_time.pick(layer)

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.over_time.retheme(theme)
        faint = QColor(theme.muted)
        faint.setAlpha(150)
        self.bars.set_pen(cosmetic(faint))
        for plot, guide in self.rule.items():
            guide.retheme(theme.good)
            soft = QColor(theme.good)
            soft.setAlpha(28)
            self.healthy[plot].color = soft

    def _switch(self) -> None:
        self.by_layer.setVisible(self.choice() == BY_LAYER)
        self.over_time.setVisible(self.choice() == OVER_TIME)
        self.redraw()

    def _show_layers(self, frame: Frame) -> None:
        snapshot = frame.snapshot
        norms = snapshot.stat(Stat.UPDATE) + snapshot.stat(Stat.WEIGHT)
        low, high = recent_range(frame.history)
        other = frame.other.snapshot.update_ratio if frame.other else np.empty(0)
        ((heights, zero),) = self.by_layer.fit(
            [snapshot.update_ratio], [np.array([LOW, HIGH]), low, high, other], ~np.isfinite(norms)
        )
        self.marks.set_data(self.layers, heights, self.colors, zero)
        ends = np.stack([log10_marks(low)[0], log10_marks(high)[0]], axis=1)
        shown = np.isfinite(ends).all(axis=1)
        self.bars.set_data(np.repeat(self.layers[shown], 2), ends[shown].ravel())
        x = np.arange(1.0, len(other) + 1.0)
        self.ghost.set_data(x, log10_marks(other)[0], [QColor(self.theme.muted)] * len(x), np.ones(len(x), bool))


class TimePlot(StepPlot):
    """The course of the ratio over the steps: a line per layer in its colour, and muted ones of another run's ends."""

    def __init__(self) -> None:
        super().__init__(LABEL)
        self.lines, self.ghosts = ([Polyline("finite") for _ in range(most)] for most in (MOST_LINES, MOST_GHOSTS))
        self.add(*self.ghosts, *self.lines)
        self.picked: int | None = None

    def show_history(self, frame: Frame, theme: Theme) -> None:
        """Draw what is recorded."""
        logs = [np.array(AROUND)]
        logs.append(self._draw(self.lines, frame, theme.layer_colors(len(frame.topology.layers))))
        if frame.other:
            muted = [QColor(theme.muted)] * len(frame.other.topology.layers)
            logs.append(self._draw(self.ghosts, frame.other, muted))
        for ghost in self.ghosts:
            ghost.setVisible(frame.other is not None)
        self.span(frame.snapshot, np.concatenate(logs), float(frame.other.snapshot.step) if frame.other else 0.0)

    def pick(self, layer: int | None) -> None:
        """Draw one layer's line (from 1) thicker from the next frame on, or none."""
        self.picked = layer

    def _draw(self, lines: list[Polyline], frame: Frame, colors: list[QColor]) -> Array:
        """Draw the course of some layers; return all heights."""
        own = lines is self.lines
        picked = self.picked - 1 if own and self.picked else None
        layers = spread_layers(len(colors), MOST_LINES if own else MOST_GHOSTS, picked)
        steps, logs = course(frame.history, MOST_POINTS, layers)
        for i, line in enumerate(lines):
            line.setVisible(i < len(layers))
            if i < len(layers):
                line.set_pen(cosmetic(colors[layers[i]], 2.0 if layers[i] == picked else 1.0))
                line.set_data(steps, logs[:, i])
        return logs.ravel()
