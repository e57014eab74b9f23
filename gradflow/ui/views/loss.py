"""Is it learning: loss and accuracy, training and validation."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout

from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.ui.items import cosmetic
from gradflow.ui.plot import Plot, WholeAxis, nice_ceiling
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, View, view

MOST_POINTS = 1_500


@view("loss", "Is it learning?")
class Loss(View):
    """Loss (left) and accuracy (right) against the step.

    Solid: the mini-batch before its update, so it is noisy. Dashed: the whole validation part. Dotted: what guessing
    gives (ln C for C classes). A training loss that stays on the dotted line learns nothing; a validation loss that
    rises while the training loss falls is overfitting. An upright line marks the step that is looked back at. Grey:
    another run, beside this one.
    """

    on_dashboard = True
    interval_ms = SLOW_MS
    formula = "— training   - - validation   ··· chance"

    def __init__(self) -> None:
        super().__init__()
        self.loss_plot = Plot(WholeAxis("bottom"), None, "step", "loss")
        self.accuracy_plot = Plot(WholeAxis("bottom"), None, "step", "accuracy")
        row = QHBoxLayout()
        row.setSpacing(0)
        self.curves: dict[str, pg.PlotCurveItem] = {}
        self.ghosts: dict[str, pg.PlotCurveItem] = {}
        self.chance: dict[str, pg.InfiniteLine] = {}
        self.step_lines = [pg.InfiniteLine(angle=90) for _ in range(2)]
        for plot, what in ((self.loss_plot, "loss"), (self.accuracy_plot, "accuracy")):
            row.addWidget(plot, 1)
            self.chance[what] = pg.InfiniteLine(angle=0)
            plot.add(self.chance[what])
            for part in ("train", "validation"):
                ghost = pg.PlotCurveItem()
                plot.add(ghost)
                self.ghosts[f"{part}_{what}"] = ghost
            for part in ("train", "validation"):
                curve = pg.PlotCurveItem()
                plot.add(curve)
                self.curves[f"{part}_{what}"] = curve
        for plot, line in zip((self.loss_plot, self.accuracy_plot), self.step_lines, strict=True):
            plot.add(line)
        self.box.addLayout(row)
        self.top = 1.0

    def reset(self, topology: Topology) -> None:
        """Show the accuracy only where there are classes."""
        classes = len(topology.classes)
        self.accuracy_plot.setVisible(classes > 0)
        cross_entropy = topology.loss.endswith("cross-entropy")
        for what, level in (("loss", math.log(max(classes, 2))), ("accuracy", 1 / max(classes, 2))):
            self.chance[what].setValue(level)
            self.chance[what].setVisible(classes > 1 and (cross_entropy or what == "accuracy"))
        self.top = 0.0
        self.accuracy_plot.fix(y=(0.0, 1.02))
        for curve in (*self.curves.values(), *self.ghosts.values()):
            curve.setData([], [])

    def draw(self, frame: Frame) -> None:
        """Draw what is recorded."""
        highest = max(_show(self.curves, frame), _show(self.ghosts, frame.other))
        wanted = nice_ceiling(1.05 * highest, 1e-6) if highest > 0 else 1.0
        if not self.top or wanted > self.top or wanted < 0.3 * self.top:
            self.top = wanted
        for line in self.step_lines:
            line.setValue(frame.snapshot.step)
            line.setVisible(frame.past)
        now = float(frame.history.column("step")[-1]) if frame.past else frame.snapshot.step
        last = max(now, frame.other.snapshot.step if frame.other else 0)
        right = nice_ceiling(last + 1.0, 20.0)
        self.loss_plot.fix(x=(0.0, right), y=(0.0, self.top))
        self.accuracy_plot.fix(x=(0.0, right))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        training, validation = QColor(theme.curve), QColor(theme.curve_second)
        dashed = cosmetic(validation)
        dashed.setStyle(Qt.PenStyle.DashLine)
        dotted = cosmetic(QColor(theme.muted))
        dotted.setStyle(Qt.PenStyle.DotLine)
        for name, curve in self.curves.items():
            curve.setPen(cosmetic(training) if name.startswith("train") else dashed)
        for line in self.step_lines:
            line.setPen(cosmetic(QColor(theme.accent), 2.0))
        outline = QColor(theme.muted)
        outline_dashed = cosmetic(outline)
        outline_dashed.setStyle(Qt.PenStyle.DashLine)
        for name, ghost in self.ghosts.items():
            ghost.setPen(cosmetic(outline) if name.startswith("train") else outline_dashed)
        for line in self.chance.values():
            line.setPen(dotted)
        self.loss_plot.retheme(theme)
        self.accuracy_plot.retheme(theme)


def _show(curves: Mapping[str, pg.PlotCurveItem], frame: Frame | None) -> float:
    """Draw a run's curves, nothing where there is no run; return the highest finite loss."""
    highest = 0.0
    for name, curve in curves.items():
        if frame is None:
            if curve.xData is not None and len(curve.xData):
                curve.setData([], [])
            continue
        x, y = frame.history.envelope(name, MOST_POINTS)
        finite = np.isfinite(y)
        curve.setData(x[finite], y[finite])
        if name.endswith("loss") and finite.any():
            highest = max(highest, float(y[finite].max()))
    return highest
