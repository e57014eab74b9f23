"""The theory's picture of a network: the same graph, with random maps in place of its layers."""

from __future__ import annotations

from functools import cached_property, singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Input, Node
from gradflow.engine.initializers import Fans
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
from gradflow.theory.finite_width import RandomLayer
from gradflow.theory.image_steps import Convolve, Images, Unroll
from gradflow.theory.moments import moments_of
from gradflow.theory.propagation import Graph
from gradflow.theory.steps import (
    BatchRescale,
    Bend,
    Beside,
    Data,
    Drop,
    Linear,
    NotCovered,
    Rescale,
    Step,
    Sum,
)

Array = NDArray[Any]

LEAST_WIDTH = 16
"""Below this many units a hidden layer is no crowd, and no average of it means much."""


def convolves(network: Network) -> bool:
    """Return whether a network convolves images, whose positions theory follows one sample at a time."""
    return any(isinstance(node, Conv) for node in network.graph.order)


class Picture:
    """A network's graph as theory sees it. `linear` and `output` are the places of every layer's z and a."""

    def __init__(self, network: Network, samples: Array, paired: bool) -> None:
        """Translate node by node; raises NotCovered with the reason where theory has no formula."""
        widths = [layer.linear.channels for layer in network.layers[:-1]]
        if widths and min(widths) < LEAST_WIDTH:
            raise NotCovered(f"it is about wide layers, and {min(widths)} units are too few")
        self._owner = {node: layer for layer, node in network.learning}
        # A few weights per unit are no crowd: sparse layers differ more from network to network than their width says.
        self.sparse = any(layer.spread.distribution == "sparse" for layer in network.layers)
        place: dict[Node, int] = {}
        steps: list[Step] = []
        sources: list[tuple[int, ...]] = []
        self.images = convolves(network)
        for node in network.graph.order[:-1]:
            if isinstance(node, Flatten) and not self.images:
                place[node] = place[node.inputs[0]]
                continue
            if isinstance(node, Input) and self.images:
                steps.append(Images(np.asarray(samples.reshape(len(samples), *node.shape), float)))
            elif isinstance(node, Input):
                steps.append(Data(np.asarray(samples.reshape(len(samples), -1), float), paired))
            elif isinstance(node, Dense | Conv):
                steps.append(self._linear(node))
            else:
                steps.append(_step(node))
            sources.append(tuple(place[source] for source in node.inputs))
            place[node] = len(steps) - 1
        self.graph = Graph(tuple(steps), tuple(sources))
        self.linear = [place[layer.linear] for layer in network.layers]
        self.output = [place[layer.output] for layer in network.layers]

    @cached_property
    def chain(self) -> list[RandomLayer]:
        """The layers, if they are one plain chain of dense linear maps and activations; else nothing."""
        layers: list[RandomLayer] = []
        if self.sparse:
            return layers
        steps = list(self.graph.steps[1:])
        while steps:
            linear = steps.pop(0)
            if not isinstance(linear, Linear):
                return []
            function = None
            if steps and isinstance(steps[0], Bend):
                function = steps.pop(0).function  # type: ignore[attr-defined]
            moments = moments_of(function)
            layers.append(RandomLayer(linear.units, linear.weight_variance, linear.bias_variance, moments))
        return layers

    def _linear(self, node: Dense | Conv) -> Step:
        layer = self._owner[node]
        spread, init = layer.spread, layer.init
        projection = node is not layer.linear
        if projection:
            spread = init.scheme(Fans(node.channels_in, node.channels, init.mode, kernel=node.kernel))
        if spread.data_driven:
            variance = float(np.square(node.W, dtype=float).sum()) / node.channels
        elif spread.distribution == "saved":
            raise NotCovered("it is about random weights, and these were trained")
        elif spread.distribution in ("constant", "identity") and spread.gain * init.scale != 0.0:
            raise NotCovered("it is about random weights, and these are not")
        else:
            variance = (spread.std * init.scale) ** 2 * len(node.W)
        if init.bias and not projection:
            raise NotCovered("it is about biases around 0")
        bias_variance = 0.0 if projection else init.bias_scale**2
        if isinstance(node, Conv):
            return Convolve(node.channels, variance, bias_variance, node.kernel, node.stride, node.padding)
        return Linear(node.units, variance, bias_variance)


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


@_step.register
def _(node: Flatten) -> Step:
    return Unroll()


@_step.register(MaxPool)
@_step.register(AveragePool)
@_step.register(GlobalAverage)
def _(node: Node) -> Step:
    kinds = {MaxPool: "max pooling", AveragePool: "average pooling", GlobalAverage: "averages"}
    raise NotCovered(f"it has no formula for {kinds[type(node)]}")
