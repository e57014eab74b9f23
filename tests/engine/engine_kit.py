"""Small networks for the engine's tests, made from names so that every registered part can stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import Activation, make_activation
from gradflow.engine.graph import Graph, Input, Node, ParameterNode, Phase, Shape
from gradflow.engine.initializers import INITIALIZERS, Mode
from gradflow.engine.losses import LOSSES, Loss, MeanSquaredError, make_loss
from gradflow.engine.network import Init, LayerSpec, Network
from gradflow.engine.nodes import Conv, Dense, LearnableActivate, Norm
from gradflow.engine.precision import Precision

Array = NDArray[Any]

BRANCHED = (None, None, 1, 1)
"""Skips of a four-layer stack in which the output of layer 1 feeds three consumers: layer 2 and two sums."""

STEPS = (1e-2, 1e-3, 1e-4, 1e-5)
"""From coarse to fine: where a kink lies close by or the loss bends sharply, a smaller step may still do."""


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
    **spec: Any,
) -> Network:
    """Return a network of len(skips) hidden layers and a linear output, with a random batch loaded.

    What a hidden layer has beyond its activation (a norm, dropout, …) is told by `spec`.
    """
    function = make_activation(activation, negative_slope) if isinstance(activation, str) else activation
    specs = [LayerSpec(width, function, skip, **spec) for skip in skips]
    return network_of(specs, inputs, loss, Init(INITIALIZERS[scheme].part, scale, mode, bias_scale), batch, seed)


def network_of(
    specs: Sequence[LayerSpec],
    inputs: int | Shape,
    loss: str = "mean-squared-error",
    init: Init | None = None,
    batch: int = 4,
    seed: int = 0,
    precision: Precision | None = None,
    last: LayerSpec | None = None,
    noise: int = 1,
) -> Network:
    """Return the network of these layers and an output (`last` says what is special about it), with a random batch."""
    rng = np.random.default_rng(seed)
    outputs = outputs_of(LOSSES[loss].part)
    output = LayerSpec(outputs, last.activation, norm=last.norm, order=last.order) if last else LayerSpec(outputs)
    init = init or Init(INITIALIZERS["xavier-normal"].part, bias_scale=0.3)
    network = Network(inputs, [*specs, output], make_loss(loss), init, rng, precision, np.random.default_rng(noise))
    network.allocate(batch)
    load_random_batch(network, rng)
    return network


def load_random_batch(network: Network, rng: np.random.Generator) -> None:
    """Fill the rows in use with normal inputs and fitting targets."""
    x, y = network.input.value, network.loss.targets
    x[:] = rng.standard_normal(x.shape)
    y[:] = targets_for(type(network.loss), *y.shape, rng)


def stir(network: Network, seed: int = 0) -> Network:
    """Move what begins at a round number (γ = 1, β = 0, one a for all) away from it; return the network."""
    rng = np.random.default_rng([seed, 2])
    for _, node in network.learning:
        if isinstance(node, Norm | LearnableActivate):
            flat = network.parameters[node.span]
            flat += 0.3 * rng.standard_normal(flat.size)
    network.take_over(network.parameters)
    return network


def turn(network: Network) -> float:
    """Run the batch forwards and backwards; return its loss."""
    loss = network.forward()
    network.backward()
    return loss


def hold(network: Network | Rig) -> None:
    """Draw the dropout masks once, and keep them from then on."""
    network.graph.forward()
    network.graph.set_phase(Phase.HOLD)


# A graph without a network around it


class Rig:
    """A graph that ends in a squared error on `output`, with random parameters, data and targets."""

    def __init__(self, output: Node, batch: int = 3, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.output, self.loss = output, MeanSquaredError(output)
        self.graph = Graph(self.loss)
        self.learning = [node for node in self.graph.order if isinstance(node, ParameterNode)]
        size = sum(node.parameter_count for node in self.learning)
        self.parameters, self.gradients = rng.standard_normal(size), np.zeros(size)
        start = 0
        for node in self.learning:
            node.span = slice(start, start + node.parameter_count)
            node.bind(self.parameters[node.span], self.gradients[node.span])
            node.bind_state(np.ones(sum(prod(shape) for shape in node.state_shapes.values())))
            start = node.span.stop
        self.graph.allocate(batch)
        for node in self.graph.order:
            if isinstance(node, Input):
                node.value[:] = rng.standard_normal(node.value.shape)
        self.loss.targets[:] = rng.standard_normal(self.loss.targets.shape)

    def turn(self) -> float:
        """Run forwards and backwards; return the loss."""
        self.graph.forward()
        self.graph.backward()
        return self.loss.loss


def source(shape: Shape | int) -> Node:
    """Return a node of this shape that wants its gradient, as data do not."""
    data = Input(shape)
    return Dense(data, data.units) if len(data.shape) == 1 else Conv(data, data.shape[-1], (1, 1))


# Differences


def directional_errors(graph: Graph, vector: Array, slope: float, direction: Array) -> Iterator[float]:
    """Yield |numeric − slope| of the five-point formula along a direction, for each step that crosses no kink."""
    assert isinstance(graph.output, Loss)
    start = vector.copy()
    for h in STEPS:
        losses, seen = {}, []
        for steps in (-2, -1, 1, 2):
            vector[:] = start + steps * h * direction
            graph.forward()
            losses[steps] = graph.output.loss
            seen.append([side.copy() for side in kink_sides(graph)])
        vector[:] = start
        if all(np.array_equal(p, q) for other in seen[1:] for p, q in zip(seen[0], other, strict=True)):
            difference = (8 * (losses[1] - losses[-1]) - (losses[2] - losses[-2])) / (12 * h)
            yield abs(difference - slope)


def worst_error(of: Network | Rig, rng: np.random.Generator, phase: Phase = Phase.HOLD) -> float | None:
    """Return how far backprop is from differences, in units of what differences allow, for the worst node.

    Each node with parameters is moved along a random direction of its own; 1 is an error of 10⁻⁷ of the node's
    gradient, beside what rounding the loss brings about. None if kinks left nothing to compare.
    """
    hold(of)
    of.graph.set_phase(phase)
    of.graph.forward()
    of.graph.backward()
    gradients = of.gradients.copy()
    largest = max(abs(of.loss.loss), float(np.abs(of.loss.inputs[0].value).max()), 1.0)
    worst = []
    for node in of.graph.order:
        if not isinstance(node, ParameterNode):
            continue
        exact = gradients[node.span]
        direction = rng.standard_normal(exact.size)
        direction /= np.linalg.norm(direction)
        allowed = 1e-7 * float(np.linalg.norm(exact)) + 1e-12 * largest
        least = np.inf
        for error in directional_errors(of.graph, of.parameters[node.span], float(exact @ direction), direction):
            least = min(least, error / allowed) if np.isfinite(error) else np.nan
            if not least > 1.0:
                break
        worst.append(least)
    of.graph.set_phase(Phase.TRAIN)
    compared = [error for error in worst if error != np.inf]
    return float(np.max(compared)) if compared else None


def kink_sides(graph: Graph) -> list[Array]:
    """Return on which side of its kinks every entry of the graph lies."""
    return [side for node in graph.order if node.name_of_kink for side in node.kink_sides()]


def distance(ours: Any, theirs: Any) -> float:
    """Return ‖ours − theirs‖/‖theirs‖: single entries may cancel, so arrays are compared as a whole."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape
    apart, size = float(np.linalg.norm(ours - theirs)), float(np.linalg.norm(theirs))
    return apart / size if size else apart
