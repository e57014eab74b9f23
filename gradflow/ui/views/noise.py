"""How much of the mini-batch's gradient is noise, and what batch size would be enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gradflow.sim.details import Want
from gradflow.sim.frame import Frame
from gradflow.sim.noise import GradientNoise, rounded
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
SCALE, RATIO, ANGLE = "noise_scale", "noise_ratio", "noise_angle"
JUST_ABOVE_1 = np.array([1.2])
"""What keeps the 1 on the axis of the ratio, without a decade below it that is empty as a rule."""


@view("noise", "How noisy is the mini-batch's gradient?")
class Noise(LayerView):
    """The gradient of the mini-batch, g, against that of all training samples, G, layer by layer.

    Left, the simple noise scale ℬ = tr Σ/‖G‖² of ∂L/∂W on a logarithmic axis, with Σ the covariance of the gradients of
    single samples: the batch size at which noise and gradient are equally large (McCandlish et al. 2018). A step with a
    batch of B gains about 1/(1 + ℬ/B) of what one without noise would, so that batches far beyond ℬ gain little. The
    lines are the current batch and ℬ of all parameters together. Right, the angle between g and G and ‖g‖/‖G‖: 0° and
    1 without noise, near 90° g is all noise; thin lines are what ℬ makes one expect of a batch of this size.
    Cost: the gradient of the whole training set, taken as often as the budget allows. Dropout's noise counts in g.
    """

    wants = frozenset({Want.STATISTICS})
    interval_ms = SLOW_MS
    formula = "ℬ = tr Σ/‖G‖²     ∠(g, G)     ‖g‖/‖G‖     —  expected"

    def __init__(self) -> None:
        super().__init__()
        self.scale = LayerPlot(DecadeAxis("left"), "noise scale (samples)\nnoise scale")
        self.angle = LayerPlot(StepAxis(30.0, "°"), "angle", "layer")
        self.ratio = LayerPlot(DecadeAxis("left"), "‖g‖ / ‖G‖\n‖g‖/‖G‖", "layer", least_decades=1.0)
        self.places = {SCALE: self.scale, ANGLE: self.angle, RATIO: self.ratio}
        self.marks = {name: Marks(radius=4.5 if name == SCALE else 3.5) for name in self.places}
        self.ghosts = {name: Marks(radius=5.5 if name == SCALE else 4.5) for name in self.places}
        self.expected = {name: Polyline("finite") for name in (ANGLE, RATIO)}
        self.batch, self.whole = Guide(left=True), Guide()
        for name, plot in self.places.items():
            if name in self.expected:
                plot.add(self.expected[name])
            plot.add(self.ghosts[name], self.marks[name])
        for guide in (self.batch, self.whole):
            self.scale.add(guide)
        self.arrange(self.scale, self.angle, self.ratio)

    def made_of(self, frame: Frame) -> tuple[object, ...]:
        """Return the measurements; in a run that has diverged every step says which layers are broken."""
        other = frame.other.details.statistics if frame.other else None
        return frame.details.noise, other, frame.snapshot.finite or frame.snapshot

    def show_frame(self, frame: Frame) -> None:
        """Place what is measured, and draw what is expected."""
        noise = frame.details.noise
        if noise is None:
            return
        mine = frame.details.statistics
        other = frame.other.details.statistics if frame.other else {}
        ghost = {name: other.get(name, np.empty(0)) for name in self.places}
        levels = np.array([float(noise.batch), noise.scale])
        broken = ~np.isfinite(frame.snapshot.stat(Stat.WEIGHT_GRAD))
        ((scale, zero),) = self.scale.fit([mine[SCALE]], [levels, ghost[SCALE]], broken)
        self._place(SCALE, scale, log10_marks(ghost[SCALE])[0], zero)
        ((ratio, zero),) = self.ratio.fit([mine[RATIO]], [JUST_ABOVE_1, noise.expected_ratio, ghost[RATIO]], broken)
        self._place(RATIO, ratio, log10_marks(ghost[RATIO])[0], zero)
        self._show_angles(mine[ANGLE], ghost[ANGLE])
        self._show_expected(noise)

    def tell(self, frame: Frame) -> str:
        """Say how large the noise is."""
        noise = frame.details.noise
        return f"{noise}{self.age(frame, Want.STATISTICS)}" if noise else self.words.text()

    def describe(self, frame: Frame, index: int) -> list[str]:
        """Return a layer's noise."""
        noise, mine = frame.details.noise, frame.details.statistics
        if noise is None:
            return ["not measured yet"]
        if np.isnan(mine[RATIO][index]):
            return ["no direction to compare: a gradient is zero or not finite"]
        return [
            f"noise scale {spell(mine[SCALE][index])} samples",
            f"angle {mine[ANGLE][index]:.1f}° (expected {noise.expected_angle[index]:.1f}°)",
            f"‖g‖/‖G‖ = {spell(mine[RATIO][index])} (expected {spell(noise.expected_ratio[index])})",
        ]

    def retheme(self, theme: Theme) -> None:
        """Take new colours."""
        super().retheme(theme)
        self.batch.retheme(theme.accent)
        self.whole.retheme(theme.text)
        for curve in self.expected.values():
            curve.set_pen(cosmetic(QColor(theme.text)))

    def _place(self, name: str, heights: Array, ghost: Array, zero: NDArray[np.bool_] | None = None) -> None:
        self.marks[name].set_data(self.layers, heights, self.colors, zero)
        x = np.arange(1.0, len(ghost) + 1.0)
        self.ghosts[name].set_data(x, ghost, [QColor(self.theme.muted)] * len(x), np.ones(len(x), bool))

    def _show_angles(self, angles: Array, ghost: Array) -> None:
        self._place(ANGLE, angles, ghost)
        both = np.concatenate([angles, ghost])
        self.angle.fix(y=(-5.0, 185.0 if bool((both > 92.0).any()) else 95.0))
        self.angle.levels.set_levels(self.angle.ticks("left"))

    def _show_expected(self, noise: GradientNoise) -> None:
        self.expected[ANGLE].set_data(self.layers, noise.expected_angle)
        self.expected[RATIO].set_data(self.layers, log10_marks(noise.expected_ratio)[0])
        self.batch.put(float(np.log10(noise.batch)), f"batch {noise.batch}")
        whole = float(np.log10(noise.scale)) if 0.0 < noise.scale < np.inf else np.nan
        self.whole.put(whole, f"all parameters {rounded(noise.scale)}")
