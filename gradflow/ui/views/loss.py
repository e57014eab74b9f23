"""Is it learning: loss and accuracy, training and validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout

from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Topology
from gradflow.ui.axes import WholeAxis
from gradflow.ui.items import Polyline, Rule, cosmetic
from gradflow.ui.marks import Marks
from gradflow.ui.plot import Plot, nice_ceiling
from gradflow.ui.theme import Theme
from gradflow.ui.value_plot import ValuePlot
from gradflow.ui.view import SLOW_MS, View, view

Array = NDArray[np.float64]
MOST_POINTS = 1_500


@view("loss", "Is it learning?")
class Loss(View):
    """Loss (left) and accuracy (right) against the step.

    Solid: the mini-batch before its update, so it is noisy. Dashed: the whole validation part. Dotted: what guessing
    gives (ln C for C classes). A training loss that stays on the dotted line learns nothing; a validation loss that
    rises while the training loss falls is overfitting. Once losses span more than two decades, as in a run that
    explodes, their axis is logarithmic; a red bar is a loss that is not finite. An upright line marks the step that is
    looked back at. Grey: another run, beside this one.
    """

    on_dashboard = True
    interval_ms = SLOW_MS
    formula = "— training   - - validation   ··· chance"

    def __init__(self) -> None:
        super().__init__()
        self.loss_plot = ValuePlot("loss")
        self.accuracy_plot = Plot(WholeAxis("bottom"), None, "step", "accuracy")
        row = QHBoxLayout()
        row.setSpacing(0)
        self.curves: dict[str, Polyline] = {}
        self.ghosts: dict[str, Polyline] = {}
        self.chance: dict[str, Rule] = {}
        self.step_lines = [Rule(upright=True) for _ in range(2)]
        self.now = {"loss": Marks(radius=3.5), "accuracy": Marks(radius=3.5)}
        self.broken = Rule(upright=True)
        self.loss_plot.add(self.broken)
        for plot, what in ((self.loss_plot, "loss"), (self.accuracy_plot, "accuracy")):
            row.addWidget(plot, 1)
            self.chance[what] = Rule()
            plot.add(self.chance[what])
            for part in ("train", "validation"):
                ghost = Polyline()
                plot.add(ghost)
                self.ghosts[f"{part}_{what}"] = ghost
            for part in ("train", "validation"):
                curve = Polyline()
                plot.add(curve)
                self.curves[f"{part}_{what}"] = curve
        for plot, line, now in zip(
            (self.loss_plot, self.accuracy_plot), self.step_lines, self.now.values(), strict=True
        ):
            plot.add(line, now)
        self.box.addLayout(row)
        self.chance_loss = math.nan

    def reset(self, topology: Topology) -> None:
        """Show the accuracy only where there are classes."""
        classes = len(topology.classes)
        self.accuracy_plot.setVisible(classes > 0)
        guessed = classes > 1 and topology.loss.endswith("cross-entropy")
        self.chance_loss = math.log(classes) if guessed else math.nan
        self.chance["loss"].setVisible(guessed)
        self.chance["accuracy"].setVisible(classes > 1)
        self.chance["accuracy"].set_value(1 / max(classes, 1))
        self.loss_plot.forget()
        self.accuracy_plot.fix(y=(0.0, 1.02))
        for curve in (*self.curves.values(), *self.ghosts.values()):
            curve.set_data([], [])

    def draw(self, frame: Frame) -> None:
        """Draw what is recorded, with discs where it stands now."""
        snapshot = frame.snapshot
        losses = np.concatenate([_losses(frame), _losses(frame.other) if frame.other else np.empty(0)])
        self.loss_plot.fit(np.append(losses[np.isfinite(losses)], self.chance_loss))
        heights = self.loss_plot.heights
        _show(self.curves, frame, heights)
        _show(self.ghosts, frame.other, heights)
        if self.chance["loss"].isVisible():
            self.chance["loss"].set_value(float(heights(np.array([self.chance_loss]))[0]))
        for what, value in (("loss", snapshot.train_loss), ("accuracy", snapshot.train_accuracy)):
            there = heights(np.array([value])) if what == "loss" else np.array([value])
            self.now[what].set_data(np.array([float(snapshot.step)]), there, [QColor(self.theme.curve)])
        self.broken.set_value(snapshot.step)
        self.broken.setVisible(not snapshot.finite)
        for line in self.step_lines:
            line.set_value(snapshot.step)
            line.setVisible(frame.past)
        now = float(frame.history.column("step")[-1]) if frame.past else snapshot.step
        last = max(now, frame.other.snapshot.step if frame.other else 0)
        right = nice_ceiling(last + 1.0, 20.0)
        # A little room at the left, for the mark of step 0.
        for plot in (self.loss_plot, self.accuracy_plot):
            plot.fix(x=(-0.02 * right, right))

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        self.theme = theme
        training, validation = QColor(theme.curve), QColor(theme.curve_second)
        dashed = cosmetic(validation)
        dashed.setStyle(Qt.PenStyle.DashLine)
        dotted = cosmetic(QColor(theme.muted))
        dotted.setStyle(Qt.PenStyle.DotLine)
        for name, curve in self.curves.items():
            curve.set_pen(cosmetic(training) if name.startswith("train") else dashed)
        for line in self.step_lines:
            line.set_pen(cosmetic(QColor(theme.accent), 2.0))
        outline = QColor(theme.muted)
        outline_dashed = cosmetic(outline)
        outline_dashed.setStyle(Qt.PenStyle.DashLine)
        for name, ghost in self.ghosts.items():
            ghost.set_pen(cosmetic(outline) if name.startswith("train") else outline_dashed)
        for line in self.chance.values():
            line.set_pen(dotted)
        self.broken.set_pen(cosmetic(QColor(theme.error), 3.0))
        self.loss_plot.retheme(theme)
        self.accuracy_plot.retheme(theme)


def _losses(frame: Frame) -> Array:
    """Return all losses that are recorded or shown."""
    recorded = [frame.history.column(name) for name in ("train_loss", "validation_loss")]
    return np.concatenate([*recorded, [frame.snapshot.train_loss, frame.snapshot.validation_loss]])


def _show(curves: Mapping[str, Polyline], frame: Frame | None, heights: Callable[[Array], Array]) -> None:
    """Draw a run's curves, nothing where there is no run."""
    for name, curve in curves.items():
        if frame is None:
            curve.set_data([], [])
            continue
        x, y = frame.history.envelope(name, MOST_POINTS)
        if name.endswith("loss"):
            y = heights(y)
        finite = np.isfinite(y)
        curve.set_data(x[finite], y[finite])
