"""What free probability expects of the singular values of a run's Jacobians, at its first weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.layers import Layer
from gradflow.engine.network import Network
from gradflow.engine.nodes import AveragePool, Conv, GlobalAverage, MaxPool
from gradflow.engine.nodes.merge import Add, Concatenate
from gradflow.engine.nodes.norm import Norm
from gradflow.theory.moments import moments_of
from gradflow.theory.slopes import LINEAR, Slopes, normal_slopes
from gradflow.theory.spectra import Bend, Product, Weights

Array = NDArray[np.float64]

INDEPENDENT = ("normal", "uniform", "truncated-normal")
MOST_LAYERS_PER_UNIT = 0.16
"""Beyond, the largest of a broad spectrum's singular values is scattered, and 20–45 % smaller than predicted."""

MOST_LAYERS = 300
POINTS = 100
DECADES = 0.5 / math.log(10.0)
"""From ln λ = ln s² to log₁₀ s."""

REASONS: dict[type[Any], str] = {
    Conv: "convolutions",
    Norm: "normalised layers",
    Add: "skip connections",
    Concatenate: "layers put side by side",
    MaxPool: "pooling",
    AveragePool: "pooling",
    GlobalAverage: "pooling",
}


@dataclass(frozen=True, eq=False, repr=False)
class Expected:
    """One Jacobian's predicted spectrum: log₁₀ of its largest and of its root mean square singular value over all
    min(inputs, outputs) of them, the share that is exactly 0, and the density per decade of s (empty where there is
    none, or where it was not asked for).
    """

    largest: float
    rms: float
    zero: float
    x: Array
    density: Array


def why_not(network: Network) -> str:
    """Say why there is no prediction for a network's first weights; "" if there is one."""
    for node in network.graph.order:
        for kind, words in REASONS.items():
            if isinstance(node, kind):
                return f"no prediction for {words}"
    if len(network.layers) > MOST_LAYERS:
        return f"no prediction for more than {MOST_LAYERS} layers"
    for layer in network.layers:
        drawn = layer.spread.distribution
        if drawn == "saved" or layer.spread.data_driven:
            return "no prediction for weights that come from a saved run or from the data"
        if drawn not in INDEPENDENT and drawn != "orthogonal":
            return f"no prediction for {drawn} weights"
        if layer.init.bias:
            return "no prediction for biases whose mean is not 0"
    return ""


class Expectation:
    """The predicted Jacobians of a chain of dense layers at one sample, from how its weights are drawn."""

    def __init__(self, network: Network, x: Array) -> None:
        self._layers = network.layers
        self._inputs = network.input.units
        self._weights = [_weights(layer) for layer in self._layers]
        self._bends: list[Bend] = []
        k = float(np.mean(np.square(x, dtype=float)))
        for layer in self._layers:
            n = layer.linear.inputs[0].units
            q = n * (layer.spread.std * layer.init.scale) ** 2 * k + layer.init.bias_scale**2
            k, slopes = _through(layer, q)
            self._bends.append(Bend(layer.linear.units, slopes))

    @property
    def rough(self) -> bool:
        """Whether the network is too deep for its width, Σ 1/n over the layers: a broad spectrum then scatters."""
        hidden = self._layers[:-1]
        if sum(1.0 / layer.linear.units for layer in hidden) <= MOST_LAYERS_PER_UNIT:
            return False
        last = self._layers[-1]
        chain = Product(self._weights[:-1], self._bends[:-1], last.linear.inputs[0].units, self._inputs)
        return chain.relative_variance > 1.0

    def own(self, layer: int, curve: bool) -> Expected:
        """Return what is expected of ∂z_l/∂z_{l−1}; layers are counted from 0."""
        before = self._bends[layer - 1 : layer] if layer else []
        return self._of([self._weights[layer]], before, curve)

    def path(self, layer: int, curve: bool) -> Expected:
        """Return what is expected of ∂z_l/∂x."""
        return self._of(self._weights[: layer + 1], self._bends[:layer], curve)

    def _of(self, weights: list[Weights], bends: list[Bend], curve: bool) -> Expected:
        product = Product(weights, bends, weights[-1].outputs, weights[0].inputs)
        few = min(product.inputs, product.outputs)
        # The mean of s² is over the outputs there, and over the singular values here.
        rms = DECADES * (product.log_mean + math.log(product.outputs / few))
        if not math.isfinite(rms):
            return Expected(-math.inf, -math.inf, 1.0, np.empty(0), np.empty(0))
        largest, zero = DECADES * product.log_largest(), max(0.0, 1.0 - product.shown)
        if not curve or product.isometric or not product.smooth or not math.isfinite(largest):
            return Expected(largest, rms, zero, np.empty(0), np.empty(0))
        low, high = product.extent()
        x = np.linspace(low, high, POINTS)
        density = product.density(x, 0.5 * (high - low) / POINTS) * (product.outputs / few) / DECADES
        seen = density > 0.01 * np.nan_to_num(density).max()
        return Expected(largest, rms, zero, DECADES * x[seen], density[seen])


def _weights(layer: Layer) -> Weights:
    inputs, outputs = layer.linear.inputs[0].units, layer.linear.units
    if layer.spread.distribution == "orthogonal":
        return Weights(inputs, outputs, (layer.spread.gain * layer.init.scale) ** 2, orthogonal=True)
    return Weights(inputs, outputs, inputs * (layer.spread.std * layer.init.scale) ** 2)


def _through(layer: Layer, q: float) -> tuple[float, Slopes]:
    """Return E φ(z)² and the distribution of φ′(z)² for z ~ N(0, q)."""
    if layer.activate is None:
        return q, LINEAR
    if not math.isfinite(q):
        return q, Slopes(np.full(1, np.nan), np.ones(1))
    function = layer.activate.function
    return float(moments_of(function).value(q)), normal_slopes(function, q)
