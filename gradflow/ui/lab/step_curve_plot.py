"""The step-size curve as a plot: the error of each difference over ε, both logarithmic."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor

from gradflow.sim.lab.step_curve import Errors, StepCurve
from gradflow.ui.axes import DecadeAxis
from gradflow.ui.items import Levels, cosmetic, within
from gradflow.ui.marks import Marks
from gradflow.ui.plot import DecadeRange, Plot, log10_marks
from gradflow.ui.theme import SMALL_SIZE, Theme, font

Array = NDArray[np.float64]
Logs = tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]

LEFT, RIGHT = -16.3, 0.3
WHICH = ("forward", "central", "printed")
SHOWN_WHERE = {"truncation": np.array([1e-5, 1.0]), "round_off": np.array([1e-16, 1e-5])}
"""Over which steps the two guide lines of a difference are drawn; they end where the other takes over."""


BESIDE = {"ε": (1.0, 1.0), "ε²": (0.0, 0.0), "1/ε": (0.0, 1.0)}
"""Which corner of the words lies on the guide line: none of them covers another line."""

ABOVE = {"ε": 0.0, "ε²": 0.0, "1/ε": 0.7}
"""By how many decades the words stand higher: round-off scatters around its line."""


class StepCurvePlot(Plot):
    """Marks for the errors, hollow diamonds where a kink lies between, thin lines for what theory fits to them."""

    step_picked = Signal(int)
    """The number of the step nearest to a click."""

    def __init__(self) -> None:
        super().__init__(DecadeAxis("bottom"), DecadeAxis("left"), "step ε", "error |difference − ∂L/∂w|")
        self.levels, self.decades = Levels(), DecadeRange(4.0)
        self.here = pg.InfiniteLine(angle=90)
        self.broken = pg.PlotCurveItem(connect="pairs")
        self.guides = {(which, kind): pg.PlotCurveItem(connect="finite") for which in WHICH[:2] for kind in SHOWN_WHERE}
        self.best = {which: pg.InfiniteLine(angle=90) for which in WHICH[:2]}
        # Where two lie on each other both are seen.
        self.marks = {which: Marks(radius=radius) for which, radius in zip(WHICH, (4.0, 2.5, 3.0), strict=True)}
        self.kinks = {which: Marks(diamond=True, radius=4.0) for which in WHICH}
        self.words = {name: pg.TextItem(anchor=corner) for name, corner in BESIDE.items()}
        self.add(self.levels, self.here, self.broken, *self.guides.values(), *self.best.values())
        self.add(*self.marks.values(), *self.kinks.values(), *self.words.values())
        for text in self.words.values():
            text.setFont(font(SMALL_SIZE))
            text.hide()
        self.theme_colors: dict[str, QColor] = {}
        self._steps: Array = np.empty(0)
        self.clicked.connect(self._pick)

    def show_curve(self, curve: StepCurve | None, chosen: int, printed: bool) -> None:
        """Draw a curve with the chosen step marked; with `printed` also the slide's slip."""
        if curve is None:
            for item in (*self.marks.values(), *self.kinks.values()):
                item.set_data(np.empty(0), np.empty(0), ())
            for item in (*self.guides.values(), self.broken):
                item.setData([], [])
            for item in (*self.best.values(), *self.words.values(), self.here):
                item.setVisible(False)
            return
        self._steps = np.log10(curve.steps)
        shown = [which for which in WHICH if printed or which != "printed"]
        logs = {which: log10_marks(np.where(curve.done, curve.errors(which), np.nan)) for which in WHICH}
        heights = np.concatenate([logs[which][0] for which in shown])
        low, high = self.decades.include(heights)
        self.fix(x=(LEFT, RIGHT), y=(low, high))
        self.levels.set_levels(self.ticks("left"))
        for which in WHICH:
            self._draw(which, curve, logs[which], low, which in shown)
        self._draw_broken(curve, shown, low, high)
        self.here.setVisible(True)
        self.here.setValue(float(self._steps[chosen]))
        fits = {which: curve.fit(which) for which in WHICH[:2]}
        for which, fit in fits.items():
            self._guide(which, fit, curve.complete, low, high)
        self._name_slopes(fits, curve.complete)

    def retheme(self, theme: Theme) -> None:
        """Take new colours; the curve is drawn anew by whoever shows it."""
        super().retheme(theme)
        self.levels.retheme(theme)
        self.theme_colors = {name: QColor(color) for name, color in colors(theme).items()}
        self.here.setPen(cosmetic(QColor(theme.accent), 1.5))
        self.broken.setPen(cosmetic(QColor(theme.error), 3.0))
        for (which, _), guide in self.guides.items():
            guide.setPen(cosmetic(self.theme_colors[which]))
        for which, line in self.best.items():
            pen = cosmetic(self.theme_colors[which])
            pen.setStyle(Qt.PenStyle.DotLine)
            line.setPen(pen)
        for text in self.words.values():
            text.setColor(QColor(theme.muted))

    def _draw(self, which: str, curve: StepCurve, errors: Logs, low: float, visible: bool) -> None:
        """Draw the marks of one difference: what is exactly right lies hollow on the floor."""
        logs, zero, broken = errors
        kink = np.array([bool(name) for name in (curve.kinks_above if which == "forward" else curve.kinks)])
        color = self.theme_colors.get(which, QColor("black"))
        there = curve.done & ~(broken & ~zero) & visible
        height = np.where(zero, low + 0.15, logs)
        for item, rows, hollow in (
            (self.marks[which], there & ~kink, zero),
            (self.kinks[which], there & kink, np.ones(len(zero), bool)),
        ):
            count = int(np.count_nonzero(rows))
            item.set_data(self._steps[rows], height[rows], [color] * count, hollow[rows])

    def _draw_broken(self, curve: StepCurve, shown: list[str], low: float, high: float) -> None:
        """Put a red bar where a difference is not finite, though there is something to compare it with."""
        lost = (
            np.isfinite(curve.exact)
            & curve.done
            & ~np.all([np.isfinite(curve.errors(which)) for which in shown], axis=0)
        )
        places = np.repeat(self._steps[lost], 2)
        self.broken.setData(places, np.tile([low, high], len(places) // 2))

    def _guide(self, which: str, fit: Errors, complete: bool, low: float, high: float) -> None:
        best = fit.best_step
        known = complete and np.isfinite(best)
        self.best[which].setVisible(bool(known))
        if known:
            self.best[which].setValue(float(np.log10(best)))
        for kind, between in SHOWN_WHERE.items():
            steps = between.copy()
            if known:
                steps[0 if kind == "truncation" else 1] = best / 10.0 if kind == "truncation" else best * 10.0
            heights = getattr(fit, kind)(steps)
            drawn = complete and bool(np.isfinite(heights).all())
            ends = within(np.log10(steps), np.log10(heights), low, high) if drawn else ([], [])
            self.guides[which, kind].setData(*ends)

    def _name_slopes(self, fits: dict[str, Errors], complete: bool) -> None:
        """Write beside the guide lines what they are proportional to."""
        forward, central = fits["forward"], fits["central"]
        # A little beyond the best steps the guide lines are far from each other.
        places = {
            "ε": (forward.best_step * 100.0, forward.truncation),
            "ε²": (central.best_step * 20.0, central.truncation),
            "1/ε": (10.0**-10.5, forward.round_off),
        }
        for name, (step, of) in places.items():
            text, height = self.words[name], float(of(np.array(step)))
            known = complete and height > 0.0 and bool(np.isfinite(height))
            text.setVisible(known)
            if known:
                text.setText(f"∝ {name}")
                text.setPos(float(np.log10(step)), float(np.log10(height)) + ABOVE[name])

    def _pick(self, x: float, _: float) -> None:
        if len(self._steps):
            self.step_picked.emit(int(np.abs(self._steps - x).argmin()))


def colors(theme: Theme) -> dict[str, str]:
    """Return the colour of each difference; the slide's slip has that of an error."""
    return {"forward": theme.curve, "central": theme.curve_second, "printed": theme.error}
