"""From a network at its initialisation to the theory's prediction of what a probe will measure there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Graph as Nodes
from gradflow.engine.graph import Input, Node
from gradflow.engine.initializers import Fans
from gradflow.engine.losses import Loss
from gradflow.engine.network import Network
from gradflow.engine.nodes import (
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    MaxPool,
)
from gradflow.engine.nodes.norm import BatchNorm, LayerNorm, RMSNorm
from gradflow.sim.prediction import Prediction, predicting
from gradflow.theory.propagation import Graph, OutputGradient, output_gradient, weight_gradient_square
from gradflow.theory.steps import (
    BatchRescale,
    Bend,
    Beside,
    Data,
    Drop,
    Linear,
    NotCovered,
    Rescale,
    Signal,
    Step,
    Sum,
)

Array = NDArray[Any]

LEAST_WIDTH = 16
"""Below this many units a hidden layer is no crowd, and no average of it means much."""

GROUPS = 4
"""By so many typical samples the quick prediction stands for a batch."""

FOLLOWED = 128
"""All pairs of at most so many samples are followed; they stand for the others of a larger batch."""

DRAWS = 400
"""How many outputs are drawn for what the loss sends back."""

ALIGNED = 0.1
"""Outputs · layers / width from which a squared error's δ knows too much of the weights (THEORY: independence)."""


@dataclass(frozen=True, eq=False)
class Subject:
    """What is predicted: a network at its initialisation, the inputs of its batch, and its loss.

    `delta` maps outputs (draws, samples, units) of the samples called `rows` to their ∂L/∂z.
    """

    network: Network
    inputs: Array
    targets: Array
    make_loss: Callable[[Node], Loss]
    loss_name: str

    def delta(self, rows: Array) -> Callable[[Array], Array]:
        """Return the map from outputs (draws, len(rows), units) to ∂L/∂z of the mean loss over the whole batch."""
        targets = self.targets[rows]

        def back(outputs: Array) -> Array:
            flat = outputs.reshape(-1, outputs.shape[-1])
            source = _Outputs(outputs.shape[-1])
            loss = self.make_loss(source)
            graph = Nodes(loss)
            graph.allocate(len(flat))
            source.value[:] = flat
            loss.targets[:] = np.tile(targets, (len(outputs), 1))
            with np.errstate(all="ignore"):
                graph.forward()
                graph.backward()
            scaled: Array = source.grad.reshape(outputs.shape) * (len(flat) / len(self.inputs))
            return scaled

        return back


class _Outputs(Input):
    """Outputs that somebody wants the gradient of."""

    wants_grad = True


def quickly(subject: Subject) -> Prediction:
    """Return the prediction of signal and δ from a few typical samples; ‖∂L/∂W‖ has to wait for the pairs.

    Raises NotCovered with the reason where theory has none.
    """
    lengths = np.square(subject.inputs).sum(axis=1)
    groups = [group for group in np.array_split(np.argsort(lengths, kind="stable"), GROUPS) if len(group)]
    typical = np.array([group[len(group) // 2] for group in groups])
    sizes = np.array([len(group) for group in groups], float)
    return _Propagation(subject, typical, sizes, paired=False).run()


def thoroughly(subject: Subject, watch: Callable[[], Any] = lambda: None) -> Prediction:
    """Return the prediction of everything from all pairs of samples; raises NotCovered, and whatever `watch` raises."""
    batch = len(subject.inputs)
    rows = np.unique(np.linspace(0, batch - 1, min(batch, FOLLOWED)).round().astype(int))
    return _Propagation(subject, rows, np.full(len(rows), batch / len(rows)), paired=True).run(watch)


class _Propagation:
    """One walk forwards and backwards through the theory's picture of the network."""

    def __init__(self, subject: Subject, rows: Array, weights: Array, paired: bool) -> None:
        self._subject, self._rows, self._weights, self._paired = subject, rows, weights, paired
        network = subject.network
        self._layers = {layer.linear: layer for layer in network.layers}
        self._projections = {
            node: layer for layer, node in network.learning if isinstance(node, Dense) and node is not layer.linear
        }
        widths = [layer.linear.units for layer in network.layers[:-1]]
        if widths and min(widths) < LEAST_WIDTH:
            raise NotCovered(f"it is about wide layers, and {min(widths)} units are too few")
        self._place: dict[Node, int] = {}
        steps: list[Step] = []
        sources: list[tuple[int, ...]] = []
        for node in network.graph.order[:-1]:
            if isinstance(node, Flatten):
                self._place[node] = self._place[node.inputs[0]]
                continue
            steps.append(self._step(node))
            sources.append(tuple(self._place[source] for source in node.inputs))
            self._place[node] = len(steps) - 1
        self._graph = Graph(tuple(steps), tuple(sources))
        self._at = [self._place[layer.linear] for layer in network.layers]

    def run(self, watch: Callable[[], Any] = lambda: None) -> Prediction:
        """Walk, and condense."""
        signals = self._graph.forward(watch)
        delta = self._subject.delta(self._rows)
        sent = output_gradient(signals[-1], delta, DRAWS, np.random.default_rng(0))
        grams = self._graph.backward(signals, sent.gram, watch)
        delta_spread, gradient_spread = self._spreads(signals, sent)
        return self._condense(signals, grams, delta_spread, gradient_spread)

    def _spreads(self, signals: list[Signal], sent: OutputGradient) -> tuple[Array, Array]:
        """Return the standard deviations of ln‖δ‖ and ln‖∂L/∂W‖ from network to network, nan where unknown."""
        nothing = np.full(len(self._at), np.nan)
        if not self._graph.entrywise:
            return nothing, nothing.copy()
        factors = self._graph.backward(signals, np.ones_like(sent.gram))
        own = np.eye(len(self._rows)) if self._paired else 1.0
        delta = sent.log_variance([factors[i] * own for i in self._at])
        gradient = nothing.copy()
        if self._paired:
            kernels = (signals[self._graph.inputs[i][0]].covariance for i in self._at)
            gradient = sent.log_variance([factors[i] * K for i, K in zip(self._at, kernels, strict=True)])
        return 0.5 * np.sqrt(delta), 0.5 * np.sqrt(gradient)

    def _step(self, node: Node) -> Step:
        if isinstance(node, Input):
            x = self._subject.inputs[self._rows]
            return Data(np.asarray(x.reshape(len(x), -1), float), self._paired)
        if isinstance(node, Dense):
            return self._linear(node)
        return _step(node)

    def _linear(self, node: Dense) -> Linear:
        layer = self._layers.get(node) or self._projections[node]
        spread, init = layer.spread, layer.init
        if node is not layer.linear:
            spread = init.scheme(Fans(node.channels_in, node.channels, init.mode))
        if spread.data_driven:
            variance = float(np.square(node.W, dtype=float).sum()) / node.units
        elif spread.distribution == "saved":
            raise NotCovered("it is about random weights, and these were trained")
        elif spread.distribution in ("constant", "identity") and spread.gain * init.scale != 0.0:
            raise NotCovered("it is about random weights, and these are not")
        else:
            variance = (spread.std * init.scale) ** 2 * node.channels_in
        biased = node is layer.linear
        if biased and init.bias:
            raise NotCovered("it is about biases around 0")
        return Linear(node.units, variance, init.bias_scale**2 if biased else 0.0)

    def _condense(
        self, signals: list[Signal], grams: list[Array], delta_spread: Array, gradient_spread: Array
    ) -> Prediction:
        network = self._subject.network
        weights, count = self._weights, self._weights.sum()

        def mean(values: Array) -> float:
            return float(weights @ values / count)

        linear = self._at
        output = [self._place[layer.output] for layer in network.layers]
        delta = np.sqrt([weights @ _diagonal(grams[i]) for i in linear])
        gradients = [weight_gradient_square(grams[i], signals[self._graph.inputs[i][0]], round(count)) for i in linear]
        a_length = np.array([mean(signals[i].lengths) for i in output])
        units = np.array([signals[i].units for i in output])
        ratio = np.full(len(linear), np.nan)
        np.divide(delta[:-1], delta[1:], out=ratio[:-1], where=delta[1:] > 0)
        return predicting(
            0,
            len(linear),
            self._note(),
            delta_norm=delta,
            weight_grad_norm=np.sqrt(gradients),
            activation_norm=np.sqrt(a_length * units * count),
            z_length=np.array([mean(signals[i].lengths) for i in linear]),
            a_length=a_length,
            correlation=np.array([_correlation(signals[i]) for i in linear]),
            factor=ratio,
            delta_spread=delta_spread,
            weight_grad_spread=gradient_spread,
        )

    def _note(self) -> str:
        layers = self._subject.network.layers
        widths = [layer.linear.units for layer in layers[:-1]]
        outputs = layers[-1].linear.units
        if widths and self._subject.loss_name == "mean-squared-error" and outputs * len(widths) / min(widths) > ALIGNED:
            return "approximate: the squared error's δ is aligned with the weights"
        return ""


def _diagonal(gram: Array) -> Array:
    return np.diagonal(gram) if gram.ndim == 2 else gram


def _correlation(signal: Signal) -> float:
    if not signal.paired or len(signal.covariance) < 2:
        return float("nan")
    root = np.sqrt(signal.lengths)
    cosines = signal.covariance / np.maximum(np.multiply.outer(root, root), 1e-300)
    count = len(root)
    return float((cosines.sum() - np.trace(cosines)) / (count * (count - 1)))


@singledispatch
def _step(node: Node) -> Step:
    raise NotCovered(f"it has no formula for a {type(node).__name__} layer")


@_step.register
def _(node: Activate) -> Step:
    return Bend(node.function)


@_step.register
def _(node: BatchNorm) -> Step:
    return BatchRescale()


@_step.register
def _(node: LayerNorm) -> Step:
    return Rescale(centred=True)


@_step.register
def _(node: RMSNorm) -> Step:
    return Rescale(centred=False)


@_step.register
def _(node: Dropout) -> Step:
    return Drop(node.rate)


@_step.register
def _(node: Add) -> Step:
    return Sum(node.scale)


@_step.register
def _(node: Concatenate) -> Step:
    return Beside()


@_step.register(Conv)
@_step.register(MaxPool)
@_step.register(AveragePool)
@_step.register(GlobalAverage)
def _(node: Node) -> Step:
    kinds = {Conv: "convolutions", MaxPool: "max pooling", AveragePool: "average pooling", GlobalAverage: "averages"}
    raise NotCovered(f"it has no formula for {kinds[type(node)]}")
