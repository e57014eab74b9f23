"""Where numbers stopped being finite: which layer, on which way, and what."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Layer, Network
from gradflow.sim.snapshot import NORMS, Divergence

Array = NDArray[Any]


def locate(network: Network, step: int, stats: Array) -> Divergence:
    """Find the first number of a turn that is not finite, in the order in which they were computed."""
    for layer in network.layers:
        for quantity, array in _forward_quantities(layer):
            if not np.isfinite(array).all():
                return Divergence(step, layer.number, "forward", quantity)
    if not np.isfinite(network.loss.loss):
        return Divergence(step, None, "forward", "the loss")
    for layer in reversed(network.layers):
        for quantity, array in _backward_quantities(layer):
            if not np.isfinite(array).all():
                return Divergence(step, layer.number, "backward", quantity, network.loss_scale)
    # Every entry is finite but a norm is not: the update, or a norm beyond the largest number.
    row, column = np.argwhere(~np.isfinite(stats[: len(NORMS)]))[0]
    return Divergence(step, int(column) + 1, "backward", f"the {NORMS[row].replace('_', ' ')}")


def largest_before(network: Network, divergence: Divergence) -> float:
    """Return the largest magnitude of what broke, on a network that stands one step before; nan where it has none."""
    if divergence.layer is None:
        return abs(network.loss.loss)
    layer = network.layers[divergence.layer - 1]
    quantities = _forward_quantities if divergence.direction == "forward" else _backward_quantities
    arrays = dict(quantities(layer))
    if divergence.quantity not in arrays:
        return math.nan
    with np.errstate(all="ignore"):
        return float(np.abs(arrays[divergence.quantity]).max())


def _forward_quantities(layer: Layer) -> Iterator[tuple[str, Array]]:
    yield "W", layer.linear.W
    yield "z", layer.linear.value
    yield "a = φ(z)", layer.output.value


def _backward_quantities(layer: Layer) -> Iterator[tuple[str, Array]]:
    yield "δ = ∂L/∂z", layer.linear.grad
    yield "∂L/∂W", layer.linear.W_grad
