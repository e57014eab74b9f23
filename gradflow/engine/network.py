"""A network: an ordered list of layers, turned once into a static graph with two flat vectors.

All parameters live in one vector and all gradients in another; the layers hold views of them. Layers are counted
from 1 at the input. The last layer is linear, and the loss follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import Activation
from gradflow.engine.graph import Graph, Input, Node
from gradflow.engine.initializers import Fans, Mode, Scheme, Spread, sample
from gradflow.engine.losses import Loss
from gradflow.engine.nodes import Activate, Add, Dense

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LayerSpec:
    """One dense layer as the user edits it.

    `activation` None makes it linear; `skip_from` is the layer (counted from 1) whose output is added to this one's.
    """

    units: int
    activation: Activation | None
    skip_from: int | None = None


@dataclass(frozen=True)
class Init:
    """How the first weights are drawn: W = scale · scheme, b ~ N(0, bias_scale²)."""

    scheme: Scheme
    scale: float = 1.0
    mode: Mode = "fan_in"
    bias_scale: float = 0.0


@dataclass(frozen=True)
class Layer:
    """A layer of the built network: its dense node (z and δ), its activation node (a), and what it was drawn from."""

    number: int
    dense: Dense
    activate: Activate | None
    spread: Spread

    @property
    def output(self) -> Node:
        """The node that carries a: φ(z), or z itself for a linear layer."""
        return self.activate or self.dense


class Network:
    """The static graph of a list of layers and its parameters."""

    def __init__(
        self,
        inputs: int,
        layers: Sequence[LayerSpec],
        loss: type[Loss],
        init: Init,
        rng: np.random.Generator | None,
        shared_parameters: Array | None = None,
    ) -> None:
        """Build the graph, and draw the parameters with `rng`, or work on those of another network."""
        self._recipe = inputs, layers, loss, init
        self.input = Input(inputs)
        self.layers = tuple(_stack(self.input, layers, init))
        self.loss = loss(self.layers[-1].output)
        self.graph = Graph(self.loss)
        size = sum(layer.dense.parameter_count for layer in self.layers)
        self.parameters = np.empty(size) if shared_parameters is None else shared_parameters
        self.gradients = np.zeros(size)
        self._bind()
        if rng is not None:
            self.initialize(init, rng)

    def initialize(self, init: Init, rng: np.random.Generator) -> None:
        """Draw all parameters, layer by layer from the input, so that a deeper network begins like a shallower one."""
        for layer in self.layers:
            dense = layer.dense
            fans = Fans(dense.inputs[0].units, dense.units)
            np.multiply(sample(layer.spread, fans, rng), init.scale, out=dense.W)
            dense.b[:] = rng.standard_normal(dense.units) * init.bias_scale if init.bias_scale else 0.0

    def twin(self) -> Network:
        """Return a second network on the same parameters, with values and gradients of its own."""
        return Network(*self._recipe, rng=None, shared_parameters=self.parameters)

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
        """Fill `gradients` and every node's `grad`, for the batch that `forward` ran."""
        self.graph.backward()

    def _bind(self) -> None:
        start = 0
        for layer in self.layers:
            stop = start + layer.dense.parameter_count
            layer.dense.bind(self.parameters[start:stop], self.gradients[start:stop])
            start = stop


def _stack(source: Node, specs: Sequence[LayerSpec], init: Init) -> list[Layer]:
    """Chain the layers; `outputs[l]` is what layer l+1 reads (after any skip)."""
    layers: list[Layer] = []
    outputs = [source]
    for number, spec in enumerate(specs, start=1):
        dense = Dense(outputs[-1], spec.units)
        activate = Activate(dense, spec.activation) if spec.activation else None
        slope = spec.activation.negative_slope if spec.activation else 0.0
        fans = Fans(dense.inputs[0].units, spec.units, init.mode, slope)
        layers.append(Layer(number, dense, activate, init.scheme(fans)))
        output: Node = activate or dense
        outputs.append(Add(outputs[spec.skip_from], output) if spec.skip_from is not None else output)
    return layers
