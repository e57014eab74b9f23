"""How a network stretches and shrinks what goes through it: the singular values of its Jacobians, layer by layer.

All of it is log₁₀ s: of a product of many layers even the exponent may leave float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.expected_spectrum import Expectation, Expected, why_not
from gradflow.sim.frozen import Frozen
from gradflow.sim.jacobian import MOST_UNITS, Jacobians

if TYPE_CHECKING:
    from gradflow.sim.trainer import Trainer

Array = NDArray[np.float64]

MOST_LAYERS = 100
MOST_WORK = 6e8
"""How many layers are decomposed, and Σ n³ over them: about half a second."""

MOST_LARGE = 10
CURVES = 4
"""To how many layers the predicted density is computed, evenly spread; to the last two in any case."""

BANDS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The quantiles of the singular values that are kept of each layer: the smallest, the quartiles, the largest."""

ROUGH = "rough here: the prediction is for layers far wider than the network is deep"
COUPLED = "batch norm held at the statistics of the training batch"
TRAINED = "the prediction is for first weights; these are trained"


@dataclass(frozen=True, eq=False, repr=False)
class Histogram(Frozen):
    """The singular values of one Jacobian, per decade: `heights` between `edges` of log₁₀ s add up to 1 − zero.

    `curve_x` and `curve_y` are the predicted density (empty where there is none), `expected_edge` log₁₀ of the
    predicted largest and `expected_zero` the predicted share of zeros, nan where there is no prediction.
    """

    count: int
    edges: Array
    heights: Array
    zero: float
    curve_x: Array
    curve_y: Array
    expected_edge: float
    expected_zero: float


@dataclass(frozen=True, eq=False, repr=False)
class Strip(Frozen):
    """The singular values of one Jacobian for each layer, as log₁₀ s; nan where it was not measured.

    `bands` (5, layers) has the smallest, the quartiles and the largest of those that are not numerically zero, `zero`
    the share that is, `largest` the largest (−∞ where all are zero, ∞ where they are not finite). `expected_largest`
    and `expected_rms` are predicted. `histograms` are there for the layers that were decomposed, counted from 0.
    """

    bands: Array
    zero: Array
    largest: Array
    expected_largest: Array
    expected_rms: Array
    histograms: Mapping[int, Histogram] = field(default_factory=dict)

    def log_condition(self, layer: int) -> float:
        """Return log₁₀ of the condition number s_max/s_min: ∞ where a singular value is zero, nan if not measured."""
        if self.zero[layer] > 0.0:
            return math.inf
        return float(self.bands[-1, layer] - self.bands[0, layer])


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(Frozen):
    """The singular values of each layer's own Jacobian ∂z_l/∂z_{l−1}, and of ∂z_l/∂x from the input to it.

    At the first sample of the training part. `shown` is the layer (from 0) that has the most singular values, the last
    of them. `note` says what is left out and why, `expected_note` why there is no prediction or how far
    to trust it; "" otherwise.
    """

    own: Strip
    path: Strip
    shown: int
    note: str
    expected_note: str


class Spectra:
    """Measures the spectrum of a training's network, on a copy that it makes when it is first asked."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._jacobians: Jacobians | None = None

    def measure(self, step: int, pause: Callable[[], None] = lambda: None) -> Spectrum:
        """Return the spectrum at the weights of this step; `pause` is called now and then, and may raise."""
        network = self._trainer.network
        if self._jacobians is None:
            self._jacobians = Jacobians(network)
        x = self._trainer.training_set[0][0].astype(float)
        expected_note = why_not(network) or (TRAINED if step else "")
        expectation = None if expected_note else Expectation(network, x)
        if expectation and expectation.rough:
            expected_note = ROUGH
        layers = len(network.layers)
        own, path = _Strip(layers), _Strip(layers)
        if self._jacobians.whole:
            note = _take_whole(self._jacobians, x, own, path, expectation, pause)
        else:
            note = _take_large(self._jacobians, x, own, path, expectation, pause)
        if self._jacobians.coupled:
            note = f"{note} · {COUPLED}" if note else COUPLED
        counts = [min(network.input.units, layer.linear.units) for layer in network.layers]
        shown = max(path.histograms, key=lambda i: (counts[i], i), default=layers - 1)
        return Spectrum(own.done(), path.done(), shown, note, expected_note)


class _Strip:
    """A strip that is being filled."""

    def __init__(self, layers: int) -> None:
        self.bands = np.full((len(BANDS), layers), np.nan)
        self.zero, self.largest, self.expected_largest, self.expected_rms = np.full((4, layers), np.nan)
        self.histograms: dict[int, Histogram] = {}

    def fill(self, layer: int, matrix: NDArray[Any], decades: float, expected: Expected | None) -> None:
        """Decompose the Jacobian matrix · 10^decades of one layer."""
        if expected:
            self.expected_largest[layer], self.expected_rms[layer] = expected.largest, expected.rms
        if not np.isfinite(matrix).all():
            self.largest[layer] = np.inf
            return
        s = np.linalg.svd(matrix, compute_uv=False)
        # What is smaller than rounding makes it is not known to be anything but zero.
        logs = np.log10(s[s > s[0] * max(matrix.shape) * np.finfo(float).eps]) + decades
        self.zero[layer] = 1.0 - len(logs) / len(s)
        self.largest[layer] = logs[0] if len(logs) else -np.inf
        if len(logs):
            self.bands[:, layer] = np.quantile(logs, BANDS)
        self.histograms[layer] = _histogram(logs, len(s), expected)

    def done(self) -> Strip:
        """Return what was filled in."""
        parts = self.bands, self.zero, self.largest, self.expected_largest, self.expected_rms
        return Strip(*parts, self.histograms)


def _take_whole(
    jacobians: Jacobians,
    x: Array,
    own: _Strip,
    path: _Strip,
    expectation: Expectation | None,
    pause: Callable[[], None],
) -> str:
    layers = own.bands.shape[1]
    affordable = int(min(MOST_LAYERS, max(2.0, MOST_WORK / jacobians.largest_units**3)))
    chosen, ends = _spread(layers, affordable), {max(layers - 2, 0), layers - 1}
    for pair in jacobians.pairs(x, pause):
        layer = pair.layer
        if layer not in chosen:
            continue
        pause()
        # The hidden layers between are alike.
        alone = expectation.own(layer, layer in ends) if expectation else None
        whole = expectation.path(layer, layer in ends | _spread(layers, CURVES)) if expectation else None
        own.fill(layer, pair.own, 0.0, alone)
        path.fill(layer, pair.path, pair.decades, whole)
    return "" if len(chosen) == layers else f"{len(chosen)} of {layers} layers, evenly spread"


def _take_large(
    jacobians: Jacobians,
    x: Array,
    own: _Strip,
    path: _Strip,
    expectation: Expectation | None,
    pause: Callable[[], None],
) -> str:
    layers = own.bands.shape[1]
    for layer in sorted(_spread(layers, MOST_LARGE)):
        pause()
        largest = jacobians.largest(x, layer)
        own.largest[layer] = math.log10(largest) if largest > 0.0 else -math.inf
        if expectation:
            own.expected_largest[layer] = expectation.own(layer, False).largest
    pause()
    whole = jacobians.to_output(x)
    if whole is not None:
        path.fill(layers - 1, whole, 0.0, expectation.path(layers - 1, True) if expectation else None)
    return (
        f"too large to decompose (more than {MOST_UNITS} units in a layer, or too many layers): only the largest "
        "singular value of each layer" + ("" if whole is None else ", and input → output")
    )


def _spread(layers: int, count: int) -> set[int]:
    """Return `count` layers, evenly spread, the first and the last among them; all if there are no more."""
    return {round(i) for i in np.linspace(0, layers - 1, min(count, layers))}


def _histogram(logs: Array, count: int, expected: Expected | None) -> Histogram:
    """Count log₁₀ s in bins that are narrower the more there are, in the share of all `count` per decade."""
    bins = int(np.clip(1.5 * math.sqrt(len(logs)), 4, 40))
    low, high = (float(logs[-1]), float(logs[0])) if len(logs) else (0.0, 0.0)
    if high - low < 1e-3:
        # An isometry: all in one place, which must have a width to be seen.
        low, high = low - 5e-3, high + 5e-3
    counts, edges = np.histogram(logs, bins, (low, high))
    empty = np.empty(0)
    return Histogram(
        count,
        edges,
        counts / count / (edges[1] - edges[0]),
        1.0 - len(logs) / count,
        expected.x if expected else empty,
        expected.density if expected else empty,
        expected.largest if expected else math.nan,
        expected.zero if expected else math.nan,
    )
