"""What is measured now and then: the dear measurements, each with the step it is of, and who asks for which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.prediction import Prediction

if TYPE_CHECKING:
    from gradflow.sim.clipping import NumberRange
    from gradflow.sim.lab.specimen import Specimen
    from gradflow.sim.noise import GradientNoise
    from gradflow.sim.paths import Paths
    from gradflow.sim.sharpness import Sharpness
    from gradflow.sim.spectrum import Spectrum
    from gradflow.sim.units import Units

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Magnitudes(Frozen):
    """How many numbers of each layer lie in each octave: a histogram of |v| on a logarithmic axis.

    `counts` (layers, octaves) counts 2^(first+i) ≤ |v| < 2^(first+i+1), over all of float64; `zero` counts what is
    exactly 0 (or has underflowed to it) and `non_finite` what has overflowed. The three add up to `size`.
    """

    first: int
    counts: Counts
    zero: Counts
    non_finite: Counts

    @property
    def size(self) -> Counts:
        """How many numbers each layer has."""
        total: Counts = self.counts.sum(axis=1) + self.zero + self.non_finite
        return total


@dataclass(frozen=True, eq=False, repr=False)
class Histogram(Frozen):
    """How the numbers of each layer are spread, sign included: a histogram on a linear axis.

    `counts` (layers, bins) counts in equal bins from −`reach` to +`reach`, a power of two of each layer's own, so that
    it holds still; `beyond` (layers, 2) counts the few outliers below and above that, `zero` what is exactly 0 (and in
    no bin) and `non_finite` what has overflowed. The four add up to `size`. `mean` and `deviation` are those of the
    finite numbers themselves, not of the bins.
    """

    reach: Array
    counts: Counts
    beyond: Counts
    zero: Counts
    non_finite: Counts
    mean: Array
    deviation: Array

    @property
    def size(self) -> Counts:
        """How many numbers each layer has."""
        total: Counts = self.counts.sum(axis=1) + self.beyond.sum(axis=1) + self.zero + self.non_finite
        return total


@dataclass(frozen=True, eq=False, repr=False)
class Surface(Frozen):
    """What the network computes over a plane (or a line) of its inputs, with the data on it.

    `x` and `y` are the coordinates of the grid's columns and rows (`y` is empty for a line). `outputs` is (rows,
    columns) for a plane: the predicted value or, for classes, the winning class; `margin` says how sure (0…1).
    `points` (n, 2) are training samples, `labels` their class or value. `axes` names the two axes. Where the inputs
    have more than two dimensions the plane is that of the first two principal components through the mean, and
    `explained` the share of variance it shows; the points are projected onto it.
    """

    x: Array
    y: Array
    outputs: Array
    margin: Array
    points: Array
    labels: Array
    axes: tuple[str, str]
    explained: float


class Want(StrEnum):
    """The dear measurements a view can ask for."""

    MAGNITUDES = "magnitudes"
    SURFACE = "surface"
    STATISTICS = "statistics"
    SIZES = "sizes"
    PREDICTION = "prediction"
    HISTOGRAMS = "histograms"
    UNITS = "units"
    PATHS = "paths"
    SPECTRUM = "spectrum"
    SHARPNESS = "sharpness"
    SIGNAL = "signal"
    SPECIMEN = "specimen"


PARTS = {
    Want.MAGNITUDES: ("activations", "deltas", "weights", "weight_grads", "pre_activations", "updates"),
    Want.SURFACE: ("surface",),
    Want.SIZES: ("sizes",),
    Want.PREDICTION: ("prediction",),
    Want.HISTOGRAMS: ("histograms",),
    Want.UNITS: ("units",),
    Want.PATHS: ("paths",),
    Want.SPECTRUM: ("spectrum",),
    Want.SHARPNESS: ("sharpness",),
    Want.STATISTICS: ("statistics", "noise"),
    Want.SIGNAL: ("signal", "number_range"),
    Want.SPECIMEN: ("specimen",),
}
"""Which parts of Details each measurement fills."""

EVERYTHING: frozenset[Want] = frozenset(Want)


@dataclass(frozen=True, eq=False, repr=False)
class Details:
    """The dear measurements: taken when a view asks and the budget allows, therefore each with a step of its own.

    `steps` and `seconds` say, by the name of the measurement, of which step it is and what it cost; `statistics` has,
    by the name in sim.statistics, one number for each layer, `sizes` only those of the gradients' entries. `prediction`
    is that for a network in training; that for its initialisation takes its own time and comes with the frame.
    `histograms` has, under the same names, what the magnitudes count by octaves, and `signal` some statistics that cost
    little and are taken often. `specimen` is the network itself, for the lab.
    """

    steps: Mapping[Want, int] = field(default_factory=dict)
    seconds: Mapping[Want, float] = field(default_factory=dict)
    activations: Magnitudes | None = None
    deltas: Magnitudes | None = None
    weights: Magnitudes | None = None
    weight_grads: Magnitudes | None = None
    surface: Surface | None = None
    statistics: Mapping[str, Array] = field(default_factory=dict)
    sizes: Mapping[str, Array] = field(default_factory=dict)
    prediction: Prediction | None = None
    pre_activations: Magnitudes | None = None
    updates: Magnitudes | None = None
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    units: Units | None = None
    paths: Paths | None = None
    spectrum: Spectrum | None = None
    sharpness: Sharpness | None = None
    noise: GradientNoise | None = None
    signal: Mapping[str, Array] = field(default_factory=dict)
    number_range: NumberRange | None = None
    specimen: Specimen | None = None

    @property
    def step(self) -> int:
        """The step of the oldest measurement there is, −1 if there is none."""
        return min(self.steps.values(), default=-1)
