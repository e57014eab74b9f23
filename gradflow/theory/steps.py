"""The steps of a random network as theory sees them: what each does to signal and gradient of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import Activation
from gradflow.theory.moments import moments_of
from gradflow.theory.tables import table_of

Array = NDArray[np.float64]

NORM_EPSILON = 1e-5
"""ε under the root of a norm."""


class NotCovered(Exception):
    """Theory has nothing to say about this network; the message is the reason, as the end of a sentence."""


class NoFormula(NotCovered):
    """There is no formula for the mean over networks; random networks can still be followed one by one."""


@dataclass(frozen=True, eq=False)
class Signal:
    """What is known of the units' values: E v_α·v_β (or its diagonal) and E v_α over units, for each sample.

    `average` gives the latter. `gaussian` says whether a unit's values over samples are jointly normal with mean 0, as
    φ needs its input to be.
    """

    units: int
    covariance: Array
    average: Callable[[], Array]
    gaussian: bool

    @cached_property
    def mean(self) -> Array:
        """E v for each sample; few steps ask for it."""
        return self.average()

    @property
    def paired(self) -> bool:
        """Whether the pairs of samples are followed too."""
        return self.covariance.ndim == 2

    @property
    def size(self) -> int:
        """The units, of an image at all positions."""
        return self.units * (self.covariance[0].size if self.covariance.ndim == 3 else 1)

    @property
    def lengths(self) -> Array:
        """E v² for each sample, of an image at each position."""
        return np.diagonal(self.covariance) if self.paired else self.covariance

    def pairs(self, left: Array, right: Array) -> Array:
        """Return left_α·right_β in the form of the covariance."""
        return np.multiply.outer(left, right) if self.paired else left * right


class Step:
    """One step of the graph, the theory's picture of a node."""

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        """Return the output's signal; raises NotCovered."""
        raise NotImplementedError

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        """Return the Gram matrix (or its diagonal) of ∂L/∂input for every input, from that of ∂L/∂output.

        Each of its entries is the same entry of the output's times a factor.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Data(Step):
    """The samples themselves, (samples, features); with `paired`, every pair of them is followed."""

    samples: Array
    paired: bool = True

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        x = self.samples
        covariance = x @ x.T / x.shape[1] if self.paired else np.square(x).mean(axis=1)
        return Signal(x.shape[1], covariance, lambda: x.mean(axis=1), gaussian=False)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        return ()


@dataclass(frozen=True)
class Linear(Step):
    """z = W·a + b with independent entries of mean 0: Var W = σ_w²/inputs, Var b = σ_b²."""

    units: int
    weight_variance: float
    bias_variance: float = 0.0

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        (source,) = inputs
        covariance = self.weight_variance * source.covariance + self.bias_variance
        return Signal(self.units, covariance, lambda: np.zeros(len(covariance)), gaussian=True)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        # Var W·inputs = σ_w²: the widths cancel in the norm.
        return (self.weight_variance * gram,)


class Bend(Step):
    """a = φ(z), unit by unit."""

    def __init__(self, function: Activation) -> None:
        self.function, self._moments = function, moments_of(function)
        self._slopes: Array | None = None

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        (source,) = inputs
        if not source.gaussian:
            raise NoFormula("φ acts on something that is not a sum of many random weights")
        moments, lengths = self._moments, source.lengths
        table = table_of(moments)
        squares, slopes = table(lengths, "value", "slope")
        values, self._slopes = moments.kernel(source.covariance) if source.paired else (squares, slopes)
        return Signal(source.units, values, lambda: table.mean(lengths, squares), gaussian=False)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        assert self._slopes is not None
        return (gram * self._slopes,)


@dataclass(frozen=True)
class Sum(Step):
    """left + scale·right, as in a residual connection; the two are independent up to their means."""

    scale: float = 1.0

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        left, right = inputs
        cross = left.pairs(left.mean, right.mean)
        mixed = cross + cross.T if left.paired else 2.0 * cross
        covariance = left.covariance + self.scale**2 * right.covariance + self.scale * mixed
        gaussian = left.gaussian and right.gaussian
        return Signal(left.units, covariance, lambda: left.mean + self.scale * right.mean, gaussian)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        return gram, self.scale**2 * gram


class Beside(Step):
    """Two groups of units side by side."""

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        left, right = inputs
        units = left.units + right.units
        share = left.units / units
        covariance = share * left.covariance + (1.0 - share) * right.covariance
        return Signal(units, covariance, lambda: share * left.mean + (1.0 - share) * right.mean, gaussian=False)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        left, right = inputs
        return gram * (left.units / output.units), gram * (right.units / output.units)


@dataclass(frozen=True)
class Drop(Step):
    """Dropout: each entry is 0 with probability `rate`, else divided by 1 − rate."""

    rate: float

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        (source,) = inputs
        return Signal(source.units, self._spread(source.covariance), source.average, gaussian=False)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        return (self._spread(gram),)

    def _spread(self, matrix: Array) -> Array:
        """Enlarge what a sample has with itself: two samples have masks of their own."""
        if matrix.ndim == 1:
            return matrix / (1.0 - self.rate)
        return matrix + np.diag(np.diagonal(matrix) * (self.rate / (1.0 - self.rate)))


class Rescale(Step):
    """Layer norm, or RMS norm where not `centred`: each sample divided by its own standard deviation (or RMS)."""

    def __init__(self, centred: bool) -> None:
        self.centred = centred
        self._factors = np.empty(0)

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        (source,) = inputs
        if source.covariance.ndim == 3:
            raise NotCovered("it has no formula for norms over images")
        squares, covariance = source.lengths, source.covariance
        if self.centred:
            squares = np.maximum(squares - source.mean**2, 0.0)
            covariance = covariance - source.pairs(source.mean, source.mean)
        factor = 1.0 / np.sqrt(squares + NORM_EPSILON)
        self._factors = source.pairs(factor, factor)

        def mean() -> Array:
            return np.zeros(len(factor)) if self.centred else source.mean * factor

        return Signal(source.units, covariance * self._factors, mean, source.gaussian)

    def backward(self, gram: Array, inputs: Sequence[Signal], output: Signal) -> tuple[Array, ...]:
        # The projection away from the mean and from x̂ takes two of many directions.
        return (gram * self._factors,)


class BatchRescale(Step):
    """Batch norm: each unit minus its mean over the batch, divided by its standard deviation there.

    Every unit is divided by a deviation of its own, so that its values over the batch are no longer normal.
    """

    def forward(self, inputs: Sequence[Signal]) -> Signal:
        raise NoFormula("batch norm couples the samples")


def root(covariance: Array) -> Array:
    """Return R with R·Rᵀ = covariance, also where that is singular."""
    values, vectors = np.linalg.eigh(covariance)
    root: Array = vectors * np.sqrt(np.maximum(values, 0.0))
    return root
