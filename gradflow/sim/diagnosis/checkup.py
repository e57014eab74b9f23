"""What the diagnosis measures itself, now and then: who is whose twin, and how much of the gradient is noise.

Both read the buffers of a network after its backward pass, and cost a few passes over them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Network
from gradflow.sim.frozen import Frozen

Array = NDArray[Any]

ALIKE = {8: 1e-9, 4: 1e-5}
"""How near two units' numbers must be to count as the same, relative to the largest of the layer, by bytes."""

NEW = 0.2
"""How much a check-up counts beside those before it."""

GROWTH = 1.05
"""The next check-up is due when the run is this much longer."""


@dataclass(frozen=True, eq=False, repr=False)
class Checkup(Frozen):
    """The check-up of one step: the share of units with a twin for each layer, and the gradient's share of noise.

    Twins compute the same and receive the same gradient. `noise_square` is the expected square of a batch gradient's
    noise, tr Σ/B, and `batch_square` that of the batch gradient itself, both averaged with the check-ups before; their
    ratio is 0 without noise and 1 where there is nothing else (McCandlish et al. 2018: B_simple = tr Σ/|G|²). nan where
    a batch has one sample or all.
    """

    step: int
    twins: Array
    noise_square: float
    batch_square: float

    @property
    def noise(self) -> float:
        """The share of noise in the square of a batch's gradient."""
        return self.noise_square / self.batch_square if self.batch_square > 0.0 else math.nan

    def due(self, step: int) -> bool:
        """Return whether it is time for the next one."""
        return step < self.step or step >= max(self.step + 1, GROWTH * self.step)


def check_up(network: Network, step: int, samples: int, before: Checkup | None = None) -> Checkup:
    """Return the check-up of a network with this many training samples; the one before steadies the noise."""
    with np.errstate(all="ignore"):
        noise, square = _noise(network, samples) if step else (math.nan, math.nan)
        if before is not None and not math.isnan(before.noise):
            noise = before.noise_square + NEW * (noise - before.noise_square)
            square = before.batch_square + NEW * (square - before.batch_square)
        # Units that once differ stay different.
        twins = _twins(network) if before is None or before.twins.any() else before.twins
        return Checkup(step, twins, noise, square)


def _twins(network: Network) -> Array:
    """Return the share of units of each layer that have a twin: equal sums of a, and equal norms of ∂L/∂w not 0.

    Units with parallel weights (`sim.twins`) may still part, if different gradients reach them; these cannot. And this
    takes a tenth of the time, of which every build has some.
    """
    shares = np.zeros(len(network.layers))
    by_size: dict[int, list[int]] = defaultdict(list)
    # The outputs may be alike: nothing is hidden behind them.
    for i, layer in enumerate(network.layers[:-1]):
        units = layer.output.shape[-1]
        if layer.linear.W_grad.shape[-1] == units > 1:
            by_size[units].append(i)
    tolerance = max(ALIKE[network.precision.dtype.itemsize], network.precision.epsilon)
    for units, places in by_size.items():
        layers = [network.layers[i] for i in places]
        sums = np.array([layer.output.value.reshape(-1, units).sum(axis=0) for layer in layers], float)
        grads = np.array([np.einsum("ij,ij->j", layer.linear.W_grad, layer.linear.W_grad) for layer in layers], float)
        shares[places] = _repeated(sums, grads, tolerance)
    return shares


def _repeated(first: Array, second: Array, tolerance: float) -> Array:
    """Return the share of columns of each row whose pair (first, second) occurs again in that row."""
    order = np.argsort(first, axis=1)
    pairs = [np.take_along_axis(values, order, axis=1) for values in (first, second)]
    near = np.abs(np.diff(pairs[0], axis=1)) <= tolerance * np.abs(first).max(axis=1, keepdims=True)
    # Gradients of one layer may lie decades apart: each is compared with its own size.
    near &= np.abs(np.diff(pairs[1], axis=1)) <= 2.0 * tolerance * np.abs(pairs[1][:, 1:])
    near &= pairs[1][:, 1:] != 0.0
    twin = np.zeros(first.shape, bool)
    twin[:, 1:] |= near
    twin[:, :-1] |= near
    return np.asarray(twin.mean(axis=1))


def _noise(network: Network, samples: int) -> tuple[float, float]:
    """Return tr Σ/B and |g|² over the trainable layers, from the norms of every sample's own gradient."""
    batch = network.graph.samples
    if batch < 2 or batch >= samples:
        return math.nan, math.nan
    of_samples, of_batch = 0.0, 0.0
    for layer in network.layers:
        if not layer.trainable:
            continue
        for norms in layer.linear.sample_norms():
            of_samples += batch * float(norms.dot(norms))
        of_batch += float(np.vdot(layer.linear.W_grad, layer.linear.W_grad))
        of_batch += float(np.vdot(layer.linear.b_grad, layer.linear.b_grad))
    # Of a finite training set, a batch has seen its own share: what is left of its noise is 1 − B/N.
    scale = network.loss_scale**2
    return (of_samples - of_batch) / ((batch - 1) * scale) * (1.0 - batch / samples), of_batch / scale
