"""Small networks for the engine's tests, made from names so that every registered part can stand in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import Activation, make_activation
from gradflow.engine.initializers import INITIALIZERS, Mode
from gradflow.engine.losses import LOSSES, Loss
from gradflow.engine.network import Init, LayerSpec, Network

Array = NDArray[np.float64]

BRANCHED = (None, None, 1, 1)
"""Skips of a four-layer stack in which the output of layer 1 feeds three consumers: layer 2 and two sums."""


def outputs_of(loss: type[Loss]) -> int:
    """Return a number of outputs on which the loss is defined."""
    return 2 if "regression" in loss.tasks else 3 if "multiclass" in loss.tasks else 1


def targets_for(loss: type[Loss], batch: int, outputs: int, rng: np.random.Generator) -> Array:
    """Return random targets as the loss wants them: numbers, one-hot rows, or 0/1."""
    if "regression" in loss.tasks:
        return rng.standard_normal((batch, outputs))
    if "multiclass" in loss.tasks:
        return np.eye(outputs)[rng.integers(outputs, size=batch)]
    return rng.integers(2, size=(batch, outputs)).astype(float)


def small_network(
    activation: str | Activation = "tanh",
    scheme: str = "xavier-normal",
    loss: str = "mean-squared-error",
    *,
    inputs: int = 3,
    width: int = 5,
    skips: Sequence[int | None] = BRANCHED,
    scale: float = 1.0,
    bias_scale: float = 0.3,
    mode: Mode = "fan_in",
    negative_slope: float = 0.2,
    batch: int = 4,
    seed: int = 0,
) -> Network:
    """Return a network of len(skips) hidden layers and a linear output, with a random batch loaded."""
    rng = np.random.default_rng(seed)
    part = LOSSES[loss].part
    function = make_activation(activation, negative_slope) if isinstance(activation, str) else activation
    specs = [LayerSpec(width, function, skip) for skip in skips]
    init = Init(INITIALIZERS[scheme].part, scale, mode, bias_scale)
    network = Network(inputs, [*specs, LayerSpec(outputs_of(part), None)], part, init, rng)
    network.allocate(batch)
    load_random_batch(network, rng)
    return network


def load_random_batch(network: Network, rng: np.random.Generator) -> None:
    """Fill the rows in use with normal inputs and fitting targets."""
    x, y = network.input.value, network.loss.targets
    x[:] = rng.standard_normal(x.shape)
    y[:] = targets_for(type(network.loss), *y.shape, rng)


def turn(network: Network) -> float:
    """Run the batch forwards and backwards; return its loss."""
    loss = network.forward()
    network.backward()
    return loss
