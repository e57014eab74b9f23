"""Networks at initialisation for published results: any δ at the output, the probe's norms, and the theory's curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recursion_kit import Recursion, follow

from gradflow.engine.activations import Activation, make_activation
from gradflow.engine.graph import Node
from gradflow.engine.initializers import INITIALIZERS, Mode
from gradflow.engine.losses import Loss
from gradflow.engine.network import Init, LayerSpec, Network
from gradflow.engine.optimizers import SGD, Hyper
from gradflow.engine.precision import PRECISIONS
from gradflow.engine.update import Update
from gradflow.sim.probe import Probe
from gradflow.sim.snapshot import Stat
from gradflow.theory.finite_width import RandomLayer
from gradflow.theory.moments import moments_of

Array = NDArray[np.float64]


class GivenDelta(Loss):
    """L = Σ z·t: the targets are δ of the output, so that backprop carries back whatever is put there."""

    def forward(self) -> None:
        self.loss = float(np.vdot(self.inputs[0].value, self.targets))

    def backward(self) -> None:
        np.copyto(self.inputs[0].grad, self.targets)


def init(scheme: str = "lecun-normal", square: float = 1.0, bias_square: float = 0.0, mode: Mode = "fan_in") -> Init:
    """Return the scheme with Var W times `square`: with LeCun's scheme that is σ_w² = n·Var W; biases have σ_b²."""
    return Init(INITIALIZERS[scheme].part, math.sqrt(square), mode, math.sqrt(bias_square))


def hidden(depth: int, width: int, activation: str | Activation, **options: Any) -> list[LayerSpec]:
    """Return equal layers with an activation."""
    function = make_activation(activation) if isinstance(activation, str) else activation
    return [LayerSpec(width, function, **options)] * depth


def drawn(
    inputs: int,
    specs: Sequence[LayerSpec],
    start: Init,
    rng: np.random.Generator | int,
    batch: int = 1,
    loss: Callable[[Node], Loss] = GivenDelta,
    precision: str = "float64",
) -> Network:
    """Return a network with its first weights, normal inputs with mean x² = 1 and, without another loss, a normal δ."""
    network = Network(inputs, specs, loss, start, None, precision=PRECISIONS[precision].part())
    network.allocate(batch)
    _draw(network, np.random.default_rng(rng))
    return network


def draws(count: int, inputs: int, specs: Sequence[LayerSpec], start: Init, batch: int = 1) -> Iterator[Network]:
    """Yield the same network drawn with the seeds 0, 1, …: look at each before the next one takes its memory."""
    network = drawn(inputs, specs, start, 0, batch)
    yield network
    for seed in range(1, count):
        _draw(network, np.random.default_rng(seed))
        yield network


def _draw(network: Network, rng: np.random.Generator) -> None:
    network.initialize(rng)
    network.input.value[:] = unit_rows(rng, *network.input.value.shape)
    if isinstance(network.loss, GivenDelta):
        network.loss.targets[:] = rng.standard_normal(network.loss.targets.shape)


def unit_rows(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Return normal rows of length √columns, so that the mean square of every row is exactly 1."""
    x = rng.standard_normal((rows, columns))
    return np.asarray(x * math.sqrt(columns) / np.linalg.norm(x, axis=1, keepdims=True))


def correlate(pair: Array, c: float) -> None:
    """Turn the second of two rows, both of length √columns, until its correlation with the first is c."""
    one, other = pair
    other -= one * (one @ other) / len(one)
    other *= math.sqrt(len(one)) / np.linalg.norm(other)
    other[:] = c * one + math.sqrt(1 - c * c) * other


def measured(network: Network) -> Callable[[Stat], Array]:
    """Run the loaded batch forwards and backwards; return what the probe says about the layers."""
    probe = Probe(network)
    probe.follow()
    network.forward()
    network.backward()
    stats = probe.complete(probe.norms(), network.gradients, 0.0)
    return lambda stat: np.asarray(stats[stat.row])


def decades(norms: Array, first: int = 1) -> float:
    """Return the slope of log₁₀ of a norm towards the output from layer `first` on; positive means vanishing."""
    curve = np.log10(norms)[first - 1 :]
    return float(np.polyfit(np.arange(len(curve)), curve, 1)[0])


def train(network: Network, inputs: Array, targets: Array, rate: float, steps: int, batch: int, seed: int = 0) -> None:
    """Take steps of plain SGD on random batches."""
    rng = np.random.default_rng(seed)
    update = Update(network.master, network.gradients, SGD(network.master.size, network.precision.dtype))
    network.allocate(batch)
    for _ in range(steps):
        rows = rng.integers(len(inputs), size=batch)
        network.input.value[:], network.loss.targets[:] = inputs[rows], targets[rows]
        network.forward()
        network.backward()
        update.prepare(Hyper(), math.nan)
        update.take(rate)


def score(network: Network, inputs: Array, targets: Array) -> tuple[float, float]:
    """Return the loss and the share of samples classified right."""
    network.allocate(len(inputs))
    network.input.value[:], network.loss.targets[:] = inputs, targets
    return network.forward(), network.loss.correct() / len(inputs)


def clusters(rng: np.random.Generator, samples: int, inputs: int = 64, classes: int = 10) -> tuple[Array, Array]:
    """Return standardised samples of Gaussian clusters as wide as their centres are apart, and one-hot classes."""
    labels = np.arange(samples) % classes
    x = rng.standard_normal((classes, inputs))[labels] + rng.standard_normal((samples, inputs))
    return (x - x.mean(axis=0)) / x.std(axis=0), np.eye(classes)[labels]


# Mean-field theory


def phi(function: Activation, z: Array) -> tuple[Array, Array]:
    """Return φ(z) and φ′(z)."""
    a, slope, scratch = np.empty((3, *z.shape))
    function.value(z, a, scratch)
    function.slope(z, a, slope, scratch)
    return a, slope


def theory(function: Activation, depth: int, square: float, bias_square: float = 0.0, width: int = 500) -> Recursion:
    """Return what theory says of `depth` equal layers, the last one linear, as wide as their input of mean square 1."""
    layer, last = (RandomLayer(width, square, bias_square, moments_of(f)) for f in (function, None))
    return follow(1.0, width, [*[layer] * (depth - 1), last])
