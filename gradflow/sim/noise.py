"""How much of a mini-batch's gradient is noise: against the gradient of all training samples, and as a noise scale.

The simple noise scale ℬ = tr Σ/|G|² (McCandlish et al. 2018, "An Empirical Model of Large-Batch Training") is the batch
size at which noise and gradient are equally large: G is the gradient of all samples and Σ the covariance of the
gradients of single ones. A step with a batch of B gains about 1/(1 + ℬ/B) of what one along G would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Layer, Network
from gradflow.sim.condense import largest
from gradflow.sim.frozen import Frozen
from gradflow.sim.probe import norm
from gradflow.sim.words import counted, spell

Array = NDArray[Any]

ENOUGH, PLENTY = 0.5, 0.9
"""The shares of the noiseless gain from which on a batch is called large enough, and larger than it pays."""


@dataclass(frozen=True, eq=False, repr=False)
class FullGradient(Frozen):
    """The gradient of the mean loss over all training samples, and how long the gradients of its parts are.

    Parts are the single samples, or where batch norm ties samples together pieces as large as the training's batches.
    `part_rms` (2, layers) is the root mean square of the norms of ∂L/∂W and of ∂L/∂b over the `parts`.
    """

    flat: Array
    part_rms: Array
    parts: int
    samples: int


@dataclass(frozen=True, eq=False, repr=False)
class GradientNoise(Frozen):
    """The noise of the mini-batch of one step: of the whole network, and what its noise scale makes one expect.

    `scale`, `ratio` and `angle` (degrees) are of all trainable weights and biases together. `expected_ratio` and
    `expected_angle` (layers,) are those of ∂L/∂W that a batch of this size has on average, drawn without replacement.
    Where numbers have no meaning they are nan: a gradient of zero, a single sample.
    """

    batch: int
    samples: int
    scale: float
    ratio: float
    angle: float
    expected_ratio: Array
    expected_angle: Array

    @property
    def gain(self) -> float:
        """The share of a noiseless step's gain that a step with this batch has: 1/(1 + ℬ/B)."""
        return 1.0 if self.batch >= self.samples else 1.0 / (1.0 + self.scale / self.batch)

    def __str__(self) -> str:
        """Say what batch size would be enough."""
        if math.isnan(self.scale):
            return "No noise scale: the gradient of all samples is zero, or there is only one."
        scale = rounded(self.scale)
        if self.batch >= self.samples:
            return f"Noise scale {scale}. The batch is all {self.samples} samples: no noise."
        if self.scale > self.samples:
            advice = f"noise outweighs even batches of all {self.samples} samples"
        elif self.gain >= PLENTY:
            advice = "a smaller batch would do as well"
        elif self.gain >= ENOUGH:
            advice = f"batches far beyond {scale} gain little"
        else:
            advice = f"a batch of about {scale} would be enough"
        percent = "less than 1 %" if self.gain < 0.01 else f"about {100 * self.gain:.0f} %"
        return f"Noise scale {scale}: a step with batch {self.batch} gains {percent} of one without noise; {advice}."


def scales(network: Network, full: FullGradient) -> Array:
    """Return ℬ of every layer's weights."""
    signal = np.array([norm(_weights(full.flat, layer)) for layer in network.layers])
    return _scale(full, full.part_rms[0], signal)


def of_batch(network: Network, full: FullGradient, give_way: Callable[[], None] = lambda: None) -> GradientNoise:
    """Return the noise of the mini-batch that the network has run; `give_way` is called layer by layer."""
    learning = [layer for layer in network.layers if layer.trainable]
    spans = [layer.linear.span for layer in learning]
    chosen = [i for i, layer in enumerate(network.layers) if layer.trainable]
    rms = norm(full.part_rms[:, chosen].reshape(-1))
    signal = norm(np.array([norm(full.flat[span]) for span in spans]))
    parts = [(network.gradients[span], full.flat[span]) for span in spans]
    ratio, angle = _against(parts, network.loss_scale, give_way)
    samples = network.graph.samples
    # A share of all samples has less noise than as many drawn from an endless supply.
    share = 1.0 - samples / full.samples
    expected = np.sqrt(1.0 + scales(network, full) * share / samples) if share else np.ones(len(network.layers))
    return GradientNoise(
        batch=samples,
        samples=full.samples,
        scale=float(_scale(full, np.array(rms), np.array(signal))),
        ratio=ratio,
        angle=angle,
        expected_ratio=expected,
        # cos θ = |G|/‖g‖ on average, since g·G is |G|² on average.
        expected_angle=np.degrees(np.arccos(1.0 / expected)),
    )


def of_layer(network: Network, full: FullGradient, layer: Layer) -> tuple[float, float]:
    """Return ‖g‖/‖G‖ and the angle in degrees between the ∂L/∂W of the batch (g) and of all samples (G)."""
    return _against([(layer.linear.W_grad.reshape(-1), _weights(full.flat, layer))], network.loss_scale)


def _against(
    parts: Sequence[tuple[Array, Array]], loss_scale: float, give_way: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Return ‖g‖/‖G‖ and the angle in degrees between two gradients, given part by part; nan where one has no size.

    Those of all layers together may be larger than is good to copy.
    """
    of_batch, of_full = (max(map(largest, side), default=0.0) for side in zip(*parts, strict=True)) if parts else (0, 0)
    if not (0.0 < of_full < np.inf and 0.0 < of_batch < np.inf):
        return np.nan, np.nan
    squares = np.zeros(3)
    for batch, full in parts:
        give_way()
        g, G = batch / of_batch, full / of_full
        squares += g.dot(g), G.dot(G), g.dot(G)
    g_norm, G_norm = np.sqrt(squares[:2])
    along, across = squares[2] / (g_norm * G_norm), 0.0
    for batch, full in parts:
        give_way()
        apart = batch / of_batch / g_norm - full / of_full * (along / G_norm)
        across += apart.dot(apart)
    # atan2 of the parts across and along: the arc cosine loses half the digits near 0°.
    return (of_batch / loss_scale / of_full) * (g_norm / G_norm), float(np.degrees(np.arctan2(np.sqrt(across), along)))


def rounded(scale: float) -> str:
    """Return a number of samples to two or three digits, grouped by thousands."""
    if not 10.0 <= scale < 1e9:
        return spell(scale)
    digits = max(0, math.floor(math.log10(scale)) - 1) if scale >= 1000.0 else 0
    return counted(int(round(scale, -digits)))


def _scale(full: FullGradient, rms: Array, signal: Array) -> Array:
    """Return tr Σ/|G|² from the parts' root mean square norm and |G|.

    For parts of equal size m out of n samples, tr Σ = n/(n/m − 1)·(mean |g|² − |G|²) without bias.
    """
    if full.parts < 2:
        return np.full(rms.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = np.square(rms / signal) - 1.0
    # Where all parts agree, rounding may leave a little less than nothing.
    scale: Array = np.where(np.isnan(excess), np.nan, np.maximum(excess, 0.0)) * full.samples / (full.parts - 1)
    return scale


def _weights(flat: Array, layer: Layer) -> Array:
    start = layer.linear.span.start
    part: Array = flat[start : start + layer.linear.W.size]
    return part
