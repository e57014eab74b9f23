"""From an ordered list of layer descriptions to chained nodes: what a person edits, turned into boxes.

A hidden layer is linear → norm → φ → dropout, or norm → φ → linear where it is pre-activated. A residual layer adds
what an earlier one put out; where the shapes differ, a projection without bias is put on the way (He et al. 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gradflow.engine.activations import Activation
from gradflow.engine.graph import Node, ParameterNode
from gradflow.engine.initializers import Fans, Mode, Scheme, Spread
from gradflow.engine.nodes import (
    NORMS,
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAverage,
    LearnableActivate,
    Linear,
    MaxPool,
    Norm,
)

Kind = Literal["dense", "conv", "max-pool", "average-pool", "global-average", "flatten"]
KINDS: tuple[Kind, ...] = ("dense", "conv", "max-pool", "average-pool", "global-average", "flatten")
Join = Literal["add", "concat"]
Order = Literal["post", "pre"]


@dataclass(frozen=True)
class Init:
    """How first weights are drawn: W = scale · scheme, b ~ N(bias, bias_scale²)."""

    scheme: Scheme
    scale: float = 1.0
    mode: Mode = "fan_in"
    bias_scale: float = 0.0
    bias: float = 0.0


@dataclass(frozen=True)
class LayerSpec:
    """One layer as the user edits it.

    `units` are the outputs of a dense layer or the channels of a convolution; `kernel`, `stride` and `padding` are of
    convolutions and pooling. `activation` None makes it linear. `skip_from` is the place in the list (from 1; 0 is the
    data) whose output joins this one's: before φ if `join_before_activation`, else after it. `order` "pre" puts norm
    and φ in front of the linear part. `init` None means the network's; a layer that is not `trainable` keeps its first
    weights.
    """

    units: int = 0
    activation: Activation | None = None
    skip_from: int | None = None
    kind: Kind = "dense"
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    norm: str | None = None
    dropout: float = 0.0
    order: Order = "post"
    join: Join = "add"
    join_before_activation: bool = False
    branch_scale: float = 1.0
    init: Init | None = None
    trainable: bool = True


@dataclass(frozen=True)
class Layer:
    """A parameter layer of the built network, counted from 1 at the input, with its nodes.

    `linear` holds z and δ = ∂L/∂z, `activate` a = φ(z) (None where the layer is linear). In a pre-activated layer φ and
    the norm stand in front of z. `learning` are all its nodes with parameters.
    """

    number: int
    linear: Linear
    activate: Activate | None
    norm: Norm | None
    fans: Fans
    spread: Spread
    init: Init
    trainable: bool
    pre_activated: bool
    learning: tuple[ParameterNode, ...] = ()

    @property
    def output(self) -> Node:
        """The node that carries a: φ(z), or z itself for a linear layer."""
        return self.activate or self.linear


def chain(source: Node, specs: Sequence[LayerSpec], init: Init, noise: np.random.Generator) -> tuple[list[Layer], Node]:
    """Build the nodes of all layers; return the parameter layers and the last node.

    Raises ValueError with the place in the list if a layer does not fit what comes before it.
    """
    layers: list[Layer] = []
    outputs = [source]
    for place, spec in enumerate(specs, start=1):
        try:
            if spec.kind in PLAIN:
                outputs.append(PLAIN[spec.kind](outputs[-1], spec))
            else:
                layer, output = _learning_layer(len(layers) + 1, outputs, spec, spec.init or init, noise)
                layers.append(layer)
                outputs.append(output)
        except ValueError as error:
            raise ValueError(f"layer {place}: {error}") from error
    return layers, outputs[-1]


PLAIN: dict[str, Callable[[Node, LayerSpec], Node]] = {
    "max-pool": lambda source, spec: MaxPool(_image(source), spec.kernel, spec.stride),
    "average-pool": lambda source, spec: AveragePool(_image(source), spec.kernel, spec.stride),
    "global-average": lambda source, spec: GlobalAverage(_image(source)),
    "flatten": lambda source, spec: Flatten(source),
}
"""The layers without parameters."""


def _learning_layer(
    number: int, outputs: Sequence[Node], spec: LayerSpec, init: Init, noise: np.random.Generator
) -> tuple[Layer, Node]:
    """Build one dense layer or convolution with what belongs to it; return it and the node that the next one reads."""
    source = outputs[-1]
    shortcut = outputs[spec.skip_from] if spec.skip_from is not None else None
    norm = activate = None
    if spec.order == "pre":
        norm, activate, source = _bend(source, spec)
    linear = _linear(source, spec)
    learning: list[ParameterNode] = [linear]
    output: Node = linear
    if spec.order == "post" and not spec.join_before_activation:
        norm, activate, output = _bend(linear, spec)
    elif spec.order == "post" and spec.norm:
        norm = output = NORMS[spec.norm].part(linear)
    if spec.dropout:
        output = Dropout(output, spec.dropout, noise)
    if shortcut is not None:
        output, projection = _joined(shortcut, output, spec)
        learning.extend(projection)
    if spec.order == "post" and spec.join_before_activation and spec.activation:
        activate = _activate(output, spec.activation)
        output = activate
    learning.extend(node for node in (norm, activate) if isinstance(node, ParameterNode))
    function = spec.activation
    fans = Fans(
        linear.channels_in,
        linear.channels,
        init.mode,
        negative_slope=function.negative_slope if function else 0.0,
        gain=function.gain if function else 1.0,
        kernel=linear.kernel,
    )
    pre_activated = spec.order == "pre"
    layer = Layer(
        number, linear, activate, norm, fans, init.scheme(fans), init, spec.trainable, pre_activated, tuple(learning)
    )
    return layer, output


def _linear(source: Node, spec: LayerSpec) -> Linear:
    if spec.kind == "conv":
        return Conv(_image(source), spec.units, (spec.kernel, spec.kernel), spec.stride, spec.padding)
    return Dense(source if len(source.shape) == 1 else Flatten(source), spec.units)


def _bend(node: Node, spec: LayerSpec) -> tuple[Norm | None, Activate | None, Node]:
    """Put the norm and φ behind a node, where the layer has them; return them and the last node."""
    norm = NORMS[spec.norm].part(node) if spec.norm else None
    before: Node = norm or node
    activate = _activate(before, spec.activation) if spec.activation else None
    return norm, activate, activate or before


def _activate(source: Node, function: Activation) -> Activate:
    return LearnableActivate(source, function) if function.learnable else Activate(source, function)


def _joined(shortcut: Node, branch: Node, spec: LayerSpec) -> tuple[Node, list[ParameterNode]]:
    """Join a branch to its shortcut; return the joint and the projection that this took, if any."""
    if spec.join == "concat":
        row_beside_image = len(shortcut.shape) > len(branch.shape)
        return Concatenate(Flatten(shortcut) if row_beside_image else shortcut, branch), []
    if shortcut.shape == branch.shape:
        return Add(shortcut, branch, spec.branch_scale), []
    projection = _projection(shortcut, branch)
    return Add(projection, branch, spec.branch_scale), [projection]


def _projection(shortcut: Node, branch: Node) -> Linear:
    """Return the layer without bias that gives a shortcut the shape of its branch."""
    if len(branch.shape) == 1:
        return Dense(shortcut if len(shortcut.shape) == 1 else Flatten(shortcut), branch.units, bias=False)
    if len(shortcut.shape) == 1:
        raise ValueError("a skip cannot turn a row of units back into an image")
    stride = -(-shortcut.shape[0] // branch.shape[0])
    conv = Conv(shortcut, branch.shape[-1], (1, 1), stride, bias=False)
    if conv.shape != branch.shape:
        raise ValueError(f"a skip cannot bring an image of {_size(shortcut)} to {_size(branch)}")
    return conv


def _image(source: Node) -> Node:
    if len(source.shape) != 3:
        raise ValueError(f"needs an image (height, width, channels), but gets a row of {source.units} units")
    return source


def _size(node: Node) -> str:
    return " x ".join(map(str, node.shape))
