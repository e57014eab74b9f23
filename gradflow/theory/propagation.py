"""How signal and gradient of a batch travel through a wide random network, for any order of layers that theory covers.

A graph of steps mirrors the network's. Forwards each step turns the covariance over samples of its input's units into
that of its output's; backwards it turns the Gram matrix of ∂L/∂output into that of ∂L/∂input. In the limit of wide
layers both average themselves out: Q_αβ = E v_α·v_β over units, G_αβ = Σ_i δ_iα·δ_iβ (Poole et al. 2016, Schoenholz et
al. 2017, for a batch Jacot et al. 2018). Samples of a batch are correlated, hence matrices: ‖∂L/∂W‖ of a batch does not
follow from its samples' own norms. Without the pairs, vectors of the diagonals do for signal and δ, and cost next to
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.theory.steps import Linear, Signal, Step, root

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Graph:
    """Steps in topological order, each with the places of its inputs; the first is the data, the last the output."""

    steps: tuple[Step, ...]
    inputs: tuple[tuple[int, ...], ...]

    @property
    def units(self) -> int:
        """The units of all dense layers together."""
        return sum(step.units for step in self.steps if isinstance(step, Linear))

    def forward(self, watch: Callable[[], Any] = lambda: None) -> list[Signal]:
        """Return the signal of every step; raises NotCovered. `watch` is called before each and may raise."""
        signals: list[Signal] = []
        with np.errstate(all="ignore"):
            for step, sources in zip(self.steps, self.inputs, strict=True):
                watch()
                signals.append(step.forward([signals[i] for i in sources]))
        return signals

    def backward(self, signals: Sequence[Signal], gram: Array, watch: Callable[[], Any] = lambda: None) -> list[Array]:
        """Return the Gram matrix of ∂L/∂output of every step, from that of the last one."""
        nothing = np.zeros_like(gram)
        grams = [nothing] * len(self.steps)
        grams[-1] = gram
        with np.errstate(all="ignore"):
            for place in range(len(self.steps) - 1, -1, -1):
                watch()
                sources = self.inputs[place]
                shares = self.steps[place].backward(grams[place], [signals[i] for i in sources], signals[place])
                for source, share in zip(sources, shares, strict=True):
                    # Paths through different random weights do not interfere.
                    grams[source] = share if grams[source] is nothing else grams[source] + share
        return grams


def pair_weights(followed: int, batch: int) -> Array:
    """Return how many pairs of samples of a batch each pair of those followed stands for, (followed, followed)."""
    others = batch * (batch - 1) / max(followed * (followed - 1), 1)
    weights = np.full((followed, followed), others)
    np.fill_diagonal(weights, batch / followed)
    return weights


def logs_of_squares(squares: Array) -> Array:
    """Return ln of squares of norms; these end at 10⁻³⁰⁸, and nothing is known of what is below."""
    return np.asarray(np.log(np.where(squares > 1e-290, squares, np.nan)))


@dataclass(frozen=True, eq=False)
class OutputGradient:
    """∂L/∂z at the output of random networks: draws (draws, samples, units) from its distribution."""

    draws: Array
    paired: bool

    @property
    def gram(self) -> Array:
        """E G_αβ, or its diagonal where the pairs are not followed."""
        draws = self.draws
        if not self.paired:
            squares: Array = np.square(draws).sum(axis=2).mean(axis=0)
            return squares
        gram: Array = np.einsum("dau,dbu->ab", draws, draws, optimize=True) / len(draws)
        return gram

    def log_sums(self, weights: Array) -> tuple[Array, Array]:
        """Return the median and the spread over draws of ln Σ_αβ G_αβ·weights_αβ, for each of the weights in a row.

        The spread is half of what lies between the 16th and the 84th percentile: a standard deviation where the
        distribution is normal, and not led astray where a loss is now and then exactly content.
        """
        if self.paired:
            grams = np.einsum("dau,dbu->dab", self.draws, self.draws, optimize=True)
        else:
            grams = np.square(self.draws).sum(axis=2)
        sums = weights.reshape(len(weights), -1) @ grams.reshape(len(grams), -1).T
        percentiles = np.percentile(sums, (16.0, 50.0, 84.0), axis=1)
        low, median, high = logs_of_squares(percentiles)
        return median, 0.5 * (high - low)


def output_gradient(
    signal: Signal, delta: Callable[[Array], Array], draws: int, rng: np.random.Generator
) -> OutputGradient:
    """Draw outputs from their distribution and send them back through the loss.

    `delta` maps outputs (draws, samples, units) to ∂L/∂z of the same shape.
    """
    noise = rng.standard_normal((draws, len(signal.lengths), signal.units))
    if signal.paired:
        noise = np.einsum("ab,dbu->dau", root(signal.covariance), noise)
    else:
        noise *= np.sqrt(signal.covariance)[:, None]
    return OutputGradient(delta(noise), signal.paired)
