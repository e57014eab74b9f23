"""The loss along a line as a plot: the curve, what its derivatives expect, where the run is and where it goes next."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor

from gradflow.sim.lab.line import Line
from gradflow.sim.words import spell
from gradflow.ui.items import cosmetic, within
from gradflow.ui.lab.chip import Chip
from gradflow.ui.marks import Marks
from gradflow.ui.plot import Plot
from gradflow.ui.theme import Theme

Array = NDArray[np.float64]
Signs = list[tuple[str, str, str]]


class LinePlot(Plot):
    """Solid: the loss. Thin: tangent and parabola. Dot: now. Diamond: the next step. Hollow: before the last."""

    def __init__(self) -> None:
        super().__init__(None, None, "t", "loss at θ + t·h")
        self.now = pg.InfiniteLine(angle=90)
        self.broken = pg.PlotCurveItem(connect="pairs")
        self.tangent, self.parabola = pg.PlotCurveItem(connect="finite"), pg.PlotCurveItem(connect="finite")
        self.whole, self.curve = pg.PlotCurveItem(connect="finite"), pg.PlotCurveItem(connect="finite")
        self.present, self.step, self.back = Marks(radius=5.0), Marks(diamond=True, radius=6.0), Marks(radius=5.0)
        self.add(self.now, self.broken, self.whole, self.tangent, self.parabola, self.curve)
        self.add(self.back, self.step, self.present)
        self.line: Line | None = None
        self.chip = Chip(self)
        self.chip.say = self._say
        self.ink, self.accent = QColor("black"), QColor("blue")

    def show_line(self, line: Line | None) -> None:
        """Draw a line, or nothing."""
        self.line = line
        nothing = np.empty(0)
        if line is None:
            for item in (self.curve, self.whole, self.tangent, self.parabola, self.broken):
                item.setData(nothing, nothing)
            for marks in (self.present, self.step, self.back):
                marks.set_data(nothing, nothing, ())
            return
        low, high = line.span()
        self.fix(x=(float(line.t[0]), float(line.t[-1])), y=(low, high))
        done = line.done
        t, losses = line.t[done], np.where(np.isfinite(line.losses[done]), line.losses[done], np.nan)
        self.curve.setData(t, losses)
        self.whole.setData(t, line.whole[done] if line.whole.size else np.full(len(t), np.nan))
        ends = line.t[[0, -1]]
        self.tangent.setData(*within(ends, line.first_order(ends), low, high))
        self.parabola.setData(*within(line.t, line.second_order(line.t), low, high))
        lost = np.repeat(t[~np.isfinite(losses)], 2)
        self.broken.setData(lost, np.tile([low, high], len(lost) // 2))
        self.now.setValue(0.0)
        self.present.set_data(np.zeros(1), np.array([line.value]), [self.ink])
        t, losses = np.array(line.marked).T[:, :, None]
        t = np.where(np.abs(t) <= line.t[-1], t, np.nan)
        self.step.set_data(t[0], losses[0], [self.accent])
        self.back.set_data(t[1], losses[1], [self.ink], np.ones(1, bool))

    def signs(self, theme: Theme) -> Signs:
        """Return what stands on the plot: a sign, its colour and its name."""
        line = self.line
        if line is None:
            return []
        finite = np.isfinite(line.losses)
        next_step, back = (bool(np.isfinite(loss)) and abs(t) <= line.t[-1] for t, loss in line.marked)
        every = (
            (finite.any(), "━", theme.curve, "loss of the batch"),
            (np.isfinite(line.whole).any(), "━", theme.muted, "all samples"),
            (np.isfinite(line.first_order(1.0)), "─", theme.curve_second, "first order"),
            (np.isfinite(line.second_order(1.0)), "┄", theme.curve_second, "second order"),
            (np.isfinite(line.value), "●", theme.text, "now"),
            (back, "○", theme.text, "before the last step"),
            (next_step, "◆", theme.accent, "next step"),
            ((line.done & ~finite).any(), "▮", theme.error, "not finite"),
        )
        return [(sign, color, name) for drawn, sign, color, name in every if drawn]

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.ink, self.accent = QColor(theme.text), QColor(theme.accent)
        self.curve.setPen(cosmetic(QColor(theme.curve), 2.0))
        self.whole.setPen(cosmetic(QColor(theme.muted), 2.0))
        self.tangent.setPen(cosmetic(QColor(theme.curve_second)))
        dashed = cosmetic(QColor(theme.curve_second))
        dashed.setStyle(Qt.PenStyle.DashLine)
        self.parabola.setPen(dashed)
        self.now.setPen(cosmetic(QColor(theme.grid)))
        self.broken.setPen(cosmetic(QColor(theme.error), 3.0))
        self.show_line(self.line)

    def _say(self, spot: QPointF) -> str:
        line = self.line
        if line is None or not line.done.any():
            return ""
        place = np.flatnonzero(line.done)
        i = int(place[np.abs(line.t[place] - spot.x()).argmin()])
        t = float(line.t[i])
        words = [f"<b>t = {spell(t)}</b>: L = {spell(float(line.losses[i]))}"]
        second = "" if line.kinks else f", second {spell(line.second_order(t))}"
        words.append(f"first order {spell(line.first_order(t))}{second}")
        if line.whole.size:
            words.append(f"all training samples {spell(float(line.whole[i]))}")
        return "<br>".join(words)
