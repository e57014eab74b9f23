"""What becomes of the gradient on its way: cut where it is too long, rounded to zero where it is too small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from gradflow.sim.clipping import recent, underflow_words
from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.snapshot import Stat, Topology
from gradflow.sim.words import spell
from gradflow.ui.axes import DecadeAxis
from gradflow.ui.items import Polyline, cosmetic
from gradflow.ui.layer_plot import Guide, LayerPlot, StepAxis
from gradflow.ui.layer_view import LayerView
from gradflow.ui.marks import Marks
from gradflow.ui.plot import log10_marks
from gradflow.ui.step_plot import StepPlot
from gradflow.ui.theme import Theme
from gradflow.ui.view import SLOW_MS, view

Array = NDArray[np.float64]
MOST_POINTS = 600

ZEROS = "The share of the entries of δ, one per unit and sample, that are exactly zero: discs. Diamonds: by rounding."


@view("clipping", "Is the gradient cut or rounded away?")
class Clipping(LayerView):
    """Left, the norm of the gradient of all trainable parameters over the steps, before clipping (thin) and after it
    (bold), with the limit dashed (Pascanu et al. 2013). Steps above the limit are shortened to it and keep their
    direction; where every step is, the limit sets the step length and not the gradient.

    Right above, how many of the entries of δ = ∂L/∂z, of which every unit has one for each sample, are exactly 0
    (discs), and how many a half precision has rounded to 0 (diamonds). Zeros are no fault of the precision where φ′ is
    0, as in half of a ReLU layer. Right below, the root mean square of δ with the smallest number that the precision
    has, and the smallest that keeps all digits, both divided by the loss scale: what falls below the lower line is gone
    (Micikevicius et al. 2018).
    """

    wants = frozenset({Want.SIGNAL})
    interval_ms = SLOW_MS
    formula = "‖∇L‖  — before  ━ after     ●  zeros in δ     ◆  rounded to 0"

    def __init__(self) -> None:
        super().__init__()
        self.norms = NormPlot()
        self.shares = LayerPlot(StepAxis(25.0, " %"), "zeros in δ\nzeros", "layer")
        self.deltas = LayerPlot(DecadeAxis("left"), "RMS of δ\nRMS δ", "layer")
        self.shares.setToolTip(ZEROS)
        self.zeros, self.lost = Marks(radius=4.5), Marks(diamond=True, radius=2.5)
        self.sizes, self.ghost = Marks(radius=3.5), Marks(radius=4.5)
        self.ghost_zeros = Marks(radius=5.5)
        self.normal, self.least = Guide(Qt.PenStyle.DotLine), Guide()
        self.shares.add(self.ghost_zeros, self.zeros, self.lost)
        self.deltas.add(self.ghost, self.sizes)
        for guide in (self.normal, self.least):
            self.deltas.add(guide)
        self.arrange(self.norms, self.shares, self.deltas)

    def reset(self, topology: Topology) -> None:
        """Begin without curves; ranges hold as long as they fit."""
        super().reset(topology)
        self.norms.forget()

    def made_of(self, frame: Frame) -> tuple[object, ...]:
        """Return the measurements; where numbers are rounded, every step says how many of them to 0."""
        details, other = frame.details, frame.other.details.signal if frame.other else None
        rounds = details.number_range is not None and details.number_range.rounds
        return details.signal, details.number_range, other, frame.snapshot if rounds else None

    def show_frame(self, frame: Frame) -> None:
        """Draw what is left of δ in every layer."""
        signal = frame.details.signal
        if signal and frame.details.number_range:
            self._show_shares(frame, signal["zero_share"], frame.snapshot.stat(Stat.UNDERFLOW))
            self._show_sizes(frame, signal["delta_rms"])

    def show_step(self, frame: Frame) -> None:
        """Draw the norms over the steps."""
        self.norms.show_history(frame, frame.experiment.training.clip_norm)

    def tell(self, frame: Frame) -> str:
        """Say how often the gradient is clipped, and what the precision takes from it."""
        words, numbers = str(recent(frame.history, frame.snapshot, frame.experiment)), frame.details.number_range
        if frame.details.signal and numbers:
            words += " " + underflow_words(numbers, frame.snapshot.stat(Stat.UNDERFLOW))
        return words

    def describe(self, frame: Frame, index: int) -> list[str]:
        """Return what is left of a layer's δ."""
        signal, underflow = frame.details.signal, frame.snapshot.stat(Stat.UNDERFLOW)[index]
        if not signal:
            return ["not measured yet"]
        lost = "" if np.isnan(underflow) else f", rounded to 0: {100 * underflow:.3g} %"
        return [
            f"{100 * signal['zero_share'][index]:.3g} % of the entries of δ are exactly 0{lost}",
            f"RMS of δ = {spell(signal['delta_rms'][index])}",
        ]

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.norms.retheme(theme)
        self.normal.retheme(theme.muted)
        self.least.retheme(theme.error)

    def _show_shares(self, frame: Frame, zeros: Array, underflow: Array) -> None:
        other = frame.other.details.signal.get("zero_share", np.empty(0)) if frame.other else np.empty(0)
        self.shares.fix(y=(-5.0, 105.0))
        self.shares.levels.set_levels(self.shares.ticks("left"))
        self.zeros.set_data(self.layers, 100.0 * zeros, self.colors)
        self.lost.set_data(self.layers, 100.0 * underflow, [QColor(self.theme.error)] * len(underflow))
        self._show_ghost(self.ghost_zeros, 100.0 * other)

    def _show_sizes(self, frame: Frame, sizes: Array) -> None:
        numbers = frame.details.number_range
        assert numbers is not None
        other = frame.other.details.signal.get("delta_rms", np.empty(0)) if frame.other else np.empty(0)
        floors = np.array([numbers.floor, numbers.normal_floor])
        # A half precision shows its floor in any case; the processor's own numbers where δ comes near it.
        ((heights, zero),) = self.deltas.fit(
            [sizes], [other, floors if numbers.rounds else np.empty(0)], broken=~np.isfinite(sizes)
        )
        self.sizes.set_data(self.layers, heights, self.colors, zero)
        self._show_ghost(self.ghost, log10_marks(other)[0])
        least, normal = np.log10(floors)
        self.least.put(float(least), f"smallest {numbers.title}")
        self.normal.put(float(normal), "all digits above")

    def _show_ghost(self, marks: Marks, heights: Array) -> None:
        x = np.arange(1.0, len(heights) + 1.0)
        marks.set_data(x, heights, [QColor(self.theme.muted)] * len(x), np.ones(len(x), bool))


class NormPlot(StepPlot):
    """The norm of the gradient over the steps, before and after clipping, with the limit."""

    def __init__(self) -> None:
        super().__init__("‖∇L‖ of all parameters\n‖∇L‖")
        self.limit = Guide()
        self.before, self.after, self.ghost = (Polyline() for _ in range(3))
        self.now = Marks(radius=3.5)
        self.pens = QPen(), QPen()
        self.add(self.ghost, self.limit, self.before, self.after, self.now)

    def forget(self) -> None:
        """Show no curve."""
        for curve in (self.before, self.after, self.ghost):
            curve.set_data([], [])

    def show_history(self, frame: Frame, limit: float) -> None:
        """Draw what is recorded, with discs where it stands now; what is zero or not finite leaves no mark."""
        heights = [np.log10(np.array([limit] if limit else []))]
        curves = [(self.before, frame, "grad_norm"), (self.after, frame, "grad_norm_clipped")]
        if frame.other:
            curves.append((self.ghost, frame.other, "grad_norm"))
        self.ghost.setVisible(frame.other is not None)
        for curve, source, name in curves:
            steps, values = source.history.envelope(name, MOST_POINTS)
            if not len(source.history):
                steps, values = np.array([float(source.snapshot.step)]), np.array([getattr(source.snapshot, name)])
            logs = log10_marks(values)[0]
            seen = np.isfinite(logs)
            curve.set_data(steps[seen], logs[seen])
            heights.append(logs)
        snapshot = frame.snapshot
        self.span(snapshot, np.concatenate(heights), float(frame.other.snapshot.step) if frame.other else 0.0)
        now = log10_marks(np.array([snapshot.grad_norm, snapshot.grad_norm_clipped]))[0]
        self.now.set_data(np.full(2, float(snapshot.step)), now, [pen.color() for pen in self.pens])
        self.limit.put(float(np.log10(limit)) if limit else np.nan, f"limit {spell(limit)}")

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.limit.retheme(theme.error)
        self.pens = cosmetic(QColor(theme.curve)), cosmetic(QColor(theme.curve_second), 2.0)
        for curve, pen in zip((self.before, self.after), self.pens, strict=True):
            curve.set_pen(pen)
        self.ghost.set_pen(cosmetic(QColor(theme.muted)))
