"""A network: an ordered list of layers, turned once into a static graph with two flat vectors.

All parameters live in one vector and all gradients in another; the nodes hold views of them. Layers are counted
from 1 at the input. The last layer is linear, and the loss follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Graph, Input, Node, ParameterNode, Phase, Shape
from gradflow.engine.initializers import Fans, Scheme, sample, sample_bias, xavier_normal
from gradflow.engine.layers import Init, Layer, LayerSpec, chain
from gradflow.engine.losses import Loss
from gradflow.engine.lsuv import rescale
from gradflow.engine.nodes import LearnableActivate, Linear, Norm
from gradflow.engine.precision import Float64, Precision, Rounding

Array = NDArray[Any]

__all__ = ["Init", "Layer", "LayerSpec", "Network"]


class Network:
    """The static graph of a list of layers and its parameters.

    `parameters` are what it computes with and `master` what an optimiser moves: the same vector, except in a half
    precision, where `parameters` is the rounded copy that `publish` makes.
    """

    def __init__(
        self,
        inputs: int | Shape,
        layers: Sequence[LayerSpec],
        loss: Callable[[Node], Loss],
        init: Init,
        rng: np.random.Generator | None,
        precision: Precision | None = None,
        noise: np.random.Generator | None = None,
        shared: Network | None = None,
    ) -> None:
        """Build the graph, and draw the parameters with `rng`, or work on those of the `shared` network.

        `noise` draws the dropout masks. Raises ValueError if a layer does not fit the one before it.
        """
        self._recipe = inputs, layers, loss, init
        self.precision = precision or Float64()
        self.input = Input(inputs)
        self.noise = noise or np.random.default_rng(0)
        chained, last = chain(self.input, layers, init, self.noise)
        self.layers = tuple(chained)
        self.loss = loss(last)
        self.rounding = Rounding(self.precision) if self.precision.rounds else None
        self.graph = Graph(self.loss, self.precision.dtype, self.rounding)
        self.graph.tap({self.loss: self.loss.scale_up})
        self._own_vectors(shared)
        if rng is not None:
            self.initialize(rng)

    @property
    def loss_scale(self) -> float:
        """By what the loss is multiplied for the backward pass."""
        return self.loss.scale

    @loss_scale.setter
    def loss_scale(self, scale: float) -> None:
        self.loss.scale = scale

    @property
    def learning(self) -> Iterator[tuple[Layer, ParameterNode]]:
        """All nodes with parameters, each with its layer, in the order of the flat vector."""
        for layer in self.layers:
            for node in layer.learning:
                yield layer, node

    def initialize(
        self, rng: np.random.Generator, instead: Scheme = xavier_normal, give_way: Callable[[], None] = lambda: None
    ) -> None:
        """Draw all parameters, layer by layer from the input, so that a deeper network begins like a shallower one.

        What a saved run is to give is drawn by the scheme `instead` until it does. `give_way` is called before each
        layer, and may raise.
        """
        for layer, node in self.learning:
            give_way()
            if node is layer.linear:
                # What is fitted to data gets its scale afterwards.
                scale = 1.0 if layer.spread.data_driven else layer.init.scale
                spread = instead(layer.fans) if layer.spread.distribution == "saved" else layer.spread
                layer.linear.W[:] = sample(spread, layer.fans, rng) * scale
                b, drawn = layer.linear.b, layer.init
                b[:] = sample_bias(b.size, rng=rng, std=drawn.bias_scale, constant=drawn.bias)
            elif isinstance(node, Linear):
                fans = Fans(node.channels_in, node.channels, layer.init.mode, kernel=node.kernel)
                spread = instead(fans) if layer.spread.distribution == "saved" else layer.init.scheme(fans)
                node.W[:] = sample(spread, fans, rng) * layer.init.scale
            elif isinstance(node, LearnableActivate):
                node.a.fill(node.function.negative_slope)
            elif isinstance(node, Norm):
                node.start()
        self.take_over(self.parameters)

    @property
    def data_driven(self) -> bool:
        """Whether an initialiser wants to see data before training (LSUV): then call `fit_to_data`."""
        return any(layer.spread.data_driven for layer in self.layers)

    def fit_to_data(self) -> None:
        """Rescale, on the batch that is loaded, the layers whose initialiser asks for it."""
        wanting = [layer for layer in self.layers if layer.spread.data_driven]
        self.graph.set_phase(Phase.HOLD)
        rescale([layer.linear for layer in wanting], self.graph.forward)
        self.graph.set_phase(Phase.TRAIN)
        for layer in wanting:
            layer.linear.W *= layer.init.scale
        self.take_over(self.parameters)

    def twin(self) -> Network:
        """Return a second network on the same parameters, with values and gradients of its own."""
        return Network(*self._recipe, rng=None, precision=self.precision, shared=self)

    def copy(self) -> Network:
        """Return a network in float64 with parameters of its own, whose gradients reach its input.

        It has no memory yet; `follow` lets it compute with what this network computes with now.
        """
        made = Network(*self._recipe, rng=None)
        made.input.wants_grad = True
        return made

    def follow(self, other: Network) -> None:
        """Take over what another network of the same layers computes with, rounded as it is."""
        self.parameters[:], self.state[:] = other.parameters, other.state

    def allocate(self, batch: int, backward: bool = True) -> None:
        """Own memory for batches of up to `batch` samples; without `backward`, for the forward pass only."""
        self.graph.allocate(batch, backward)

    def resize(self, samples: int) -> None:
        """Work on the first `samples` rows; the caller then fills `input.value` and `loss.targets`."""
        self.graph.resize(samples)

    def forward(self) -> float:
        """Run the batch forwards and return its loss."""
        self.graph.forward()
        return self.loss.loss

    def backward(self) -> None:
        """Fill `gradients` and every node's `grad`, both times `loss_scale`, for the batch that `forward` ran."""
        self.graph.backward()

    def take_over(self, parameters: Array) -> None:
        """Put a flat vector in place of the parameters."""
        self.master[:] = parameters
        self.publish()

    def publish(self) -> None:
        """Let the network compute with what the optimiser has made of `master`."""
        if self.master is not self.parameters:
            np.copyto(self.parameters, self.master)
            # What is too large for the precision becomes infinite; whoever measures the next step says so.
            with np.errstate(over="ignore"):
                self.precision.round(self.parameters)

    def trainable_spans(self) -> list[slice]:
        """Return the ranges of the flat vectors that belong to layers that are not frozen."""
        return [node.span for layer, node in self.learning if layer.trainable]

    def _own_vectors(self, shared: Network | None) -> None:
        nodes = [node for _, node in self.learning]
        size = sum(node.parameter_count for node in nodes)
        states = [sum(int(np.prod(shape)) for shape in node.state_shapes.values()) for node in nodes]
        dtype = self.precision.dtype
        self.parameters: Array = shared.parameters if shared else np.zeros(size, dtype)
        self.state: Array = shared.state if shared else np.zeros(sum(states), dtype)
        own_master = np.zeros(size, dtype) if self.precision.rounds else self.parameters
        self.master: Array = shared.master if shared else own_master
        # A twin that only looks never needs its gradients: memory that is not touched costs nothing.
        self.gradients = np.zeros(size, dtype)
        start = state_start = 0
        for node, state in zip(nodes, states, strict=True):
            node.span = slice(start, start + node.parameter_count)
            node.bind(self.parameters[node.span], self.gradients[node.span])
            node.bind_state(self.state[state_start : state_start + state])
            start, state_start = node.span.stop, state_start + state
