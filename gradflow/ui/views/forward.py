"""The signal on its way to the output: how large it is in every layer, and whether inputs stay apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from gradflow.sim.details import Want
from gradflow.sim.forward import in_words, settled
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Stat
from gradflow.sim.words import spell
from gradflow.ui.axes import DecadeAxis
from gradflow.ui.items import Polyline, cosmetic
from gradflow.ui.layer_plot import Guide, LayerPlot, StepAxis
from gradflow.ui.layer_view import LayerView
from gradflow.ui.marks import Marks
from gradflow.ui.plot import log10_marks
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, view

Array = NDArray[np.float64]
Signal = Mapping[str, Array]
ASIDE = 0.24
"""How far the marks of a stand to the right of those of z, in layers."""


@view("forward", "Does the signal survive to the output?")
class Forward(LayerView):
    """Per layer, what goes forwards: the mean square (length) of z (discs) and of a = φ(z) (diamonds) on a logarithmic
    axis. The bar that hangs from a mark ends at the variance: what hangs there is the square of the mean.

    Above right, the mean cosine between z of two different samples: at 1 the layer takes all inputs for the same, and
    nothing behind it can tell them apart (Poole et al. 2016). Below right, the mean in units of the root mean square: 0
    is centred, ±1 means that all numbers are the same. Thin lines are predicted, dotted ones their fixed points; both
    are of mean-field theory (Schoenholz et al. 2017). Outlines are the other run.
    """

    wants = frozenset({Want.SIGNAL})
    interval_ms = SLOW_MS
    formula = "●  z     ◆  a = φ(z)     —  predicted     ···  fixed point"

    def __init__(self) -> None:
        super().__init__()
        self.lengths = LayerPlot(DecadeAxis("left"), "mean square")
        self.alike = LayerPlot(StepAxis(0.5), "correlation\ncorr.", "layer")
        self.offset = LayerPlot(StepAxis(0.5), "mean / RMS\nmean", "layer")
        self.bars = Polyline("pairs")
        self.curves = {name: Polyline("finite") for name in ("z_length", "a_length", "correlation")}
        self.fixed = {name: Guide(Qt.PenStyle.DotLine) for name in self.curves}
        self.marks: dict[str, Marks] = {}
        self.ghosts: dict[str, Marks] = {}
        for plot, names in (
            (self.lengths, ("a_length", "z_length")),
            (self.alike, ("correlation",)),
            (self.offset, ("a_offset", "z_offset")),
        ):
            for name in names:
                diamond = name.startswith("a_")
                radius = 3.5 if diamond or plot is self.offset else 4.5
                self.marks[name], self.ghosts[name] = Marks(diamond, radius), Marks(diamond, radius + 1.0)
                plot.add(self.ghosts[name], self.marks[name])
        self.bars.z = -1.0
        self.lengths.add(self.bars)
        for name, plot in (("z_length", self.lengths), ("a_length", self.lengths), ("correlation", self.alike)):
            plot.add(self.curves[name], self.fixed[name])
        self.arrange(self.lengths, self.alike, self.offset)

    def made_of(self, frame: Frame) -> tuple[object, ...]:
        """Return the measurements and what is predicted."""
        return frame.details.signal, frame.other.details.signal if frame.other else None, frame.prediction

    def show_frame(self, frame: Frame) -> None:
        """Place what is measured, and draw what is predicted."""
        signal = frame.details.signal
        if not signal:
            return
        other = frame.other.details.signal if frame.other else {}
        self._show_sizes(signal, other, frame)
        self._show_bounded(self.alike, ("correlation",), signal, other)
        self._show_bounded(self.offset, ("z_offset", "a_offset"), signal, other)
        self._show_prediction(frame)

    def tell(self, frame: Frame) -> str:
        """Say how far the signal comes."""
        if not frame.details.signal:
            return self.words.text()
        note = frame.prediction.note if frame.prediction else ""
        return f"{in_words(frame.details.signal)}{self.age(frame, Want.SIGNAL)} {note}".strip()

    def describe(self, frame: Frame, index: int) -> list[str]:
        """Return what is measured at a layer."""
        signal = frame.details.signal
        if not signal:
            return ["not measured yet"]
        lines = []
        for letter, mean in (("z", signal["z_mean"][index]), ("a", frame.snapshot.stat(Stat.ACTIVATION_MEAN)[index])):
            length, variance = signal[f"{letter}_length"][index], signal[f"{letter}_variance"][index]
            lines.append(f"{letter}: mean {spell(mean)}, variance {spell(variance)}, mean square {spell(length)}")
        correlation = signal["correlation"][index]
        if np.isfinite(correlation):
            lines.append(f"correlation of two inputs {spell(correlation)}")
        prediction = frame.prediction
        if prediction is not None and np.isfinite(prediction.z_length[index]):
            lines.append(f"predicted: mean z² {spell(prediction.z_length[index])}")
        return lines

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.bars.set_pen(cosmetic(QColor(theme.muted)))
        for name, curve in self.curves.items():
            first = name != "a_length"
            pen: QPen = cosmetic(QColor(theme.text if first else theme.muted))
            curve.set_pen(pen)
            self.fixed[name].retheme(theme.text if first else theme.muted)

    def _show_sizes(self, signal: Signal, other: Signal, frame: Frame) -> None:
        names = ("z_length", "a_length")
        prediction = frame.prediction
        also = [values[name] for values in (signal, other) for name in ("z_variance", *names) if name in values]
        also += [getattr(prediction, name) for name in names] if prediction else []
        found = self.lengths.fit(
            [signal[name] for name in names], also, broken=~np.isfinite(signal["z_length"] + signal["a_length"])
        )
        muted = QColor(self.theme.muted)
        for name, (heights, zero), aside in zip(names, found, (0.0, ASIDE), strict=True):
            colors = self.colors if name == "z_length" else [muted] * len(heights)
            self.marks[name].set_data(self.layers + aside, heights, colors, zero)
            self._show_ghost(name, log10_marks(other[name])[0] if other else np.empty(0), aside)
        ends = []
        for letter, (heights, zero), aside in zip("za", found, (0.0, ASIDE), strict=True):
            variance = signal[f"{letter}_variance"]
            foot = np.maximum(np.where(variance == 0.0, -np.inf, log10_marks(variance)[0]), self.lengths.floor)
            hanging = np.isfinite(heights) & np.isfinite(foot) & ~zero
            for end in (foot, heights):
                ends.append(np.stack([self.layers + aside, end], axis=1)[hanging])
        feet, heads = np.concatenate(ends[::2]), np.concatenate(ends[1::2])
        x, y = np.stack([feet, heads], axis=1).reshape(-1, 2).T
        self.bars.set_data(x, y)

    def _show_bounded(self, plot: LayerPlot, names: tuple[str, ...], signal: Signal, other: Signal) -> None:
        values = np.concatenate([signal[name] for name in names])
        negative = plot is self.offset or bool((values < -0.02).any())
        plot.fix(y=(-1.1 if negative else -0.08, 1.1))
        plot.levels.set_levels(plot.ticks("left"))
        for name in names:
            first = name != "a_offset"
            colors = self.colors if first else [QColor(self.theme.muted)] * len(self.layers)
            aside = 0.0 if first else ASIDE
            self.marks[name].set_data(self.layers + aside, signal[name], colors)
            self._show_ghost(name, other.get(name, np.empty(0)), aside)

    def _show_ghost(self, name: str, heights: Array, aside: float) -> None:
        x = np.arange(1.0, len(heights) + 1.0) + aside
        self.ghosts[name].set_data(x, heights, [QColor(self.theme.muted)] * len(x), np.ones(len(x), bool))

    def _show_prediction(self, frame: Frame) -> None:
        for name, curve in self.curves.items():
            values = getattr(frame.prediction, name) if frame.prediction else np.empty(0)
            level = settled(values)
            if name != "correlation":
                values = log10_marks(values)[0]
                level = float(np.log10(level)) if level > 0.0 else np.nan
            curve.set_data(np.arange(1.0, len(values) + 1.0), values)
            self.fixed[name].put(level)
