"""The networks that are timed, and gradflow's own step on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import make_activation
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.losses import make_loss
from gradflow.engine.network import Init, Layer, LayerSpec, Network
from gradflow.engine.nodes import Activate, Dense
from gradflow.engine.optimizers import OPTIMIZERS, Hyper
from gradflow.engine.precision import PRECISIONS
from gradflow.engine.update import Update
from gradflow.sim.probe import Probe

Array = NDArray[Any]
Step = Callable[[], object]

CLASSES = 10
LEARNING_RATE = 1e-6


@dataclass(frozen=True)
class Case:
    """One network: hidden layers of equal width, or two convolutions on an image of `image` x `image` pixels."""

    depth: int
    width: int
    batch: int
    activation: str = "relu"
    precision: str = "float64"
    norm: str | None = None
    image: int = 0
    channels_in: int = 8

    @property
    def name(self) -> str:
        """Say which it is."""
        if self.image:
            size = f"conv {self.image} x {self.image} x {self.channels_in}, {self.width} and {2 * self.width} channels"
        else:
            size = f"{self.depth} x {self.width}"
        extras = [self.norm, self.activation if self.activation != "relu" else None, _short(self.precision)]
        return " ".join(filter(None, [size, *extras]))


def _short(precision: str) -> str | None:
    return None if precision == "float64" else precision


DENSE = (
    Case(5, 32, 64),
    Case(20, 32, 64),
    Case(50, 64, 64),
    Case(200, 32, 64),
    Case(100, 100, 128),
    Case(20, 256, 256),
    Case(10, 512, 64),
)
CASES = (
    *DENSE,
    Case(20, 32, 64, norm="batch-norm"),
    Case(20, 32, 64, norm="layer-norm"),
    Case(50, 64, 64, norm="batch-norm"),
    Case(2, 8, 32, image=8),
    Case(2, 16, 32, image=28),
    Case(20, 32, 64, activation="tanh"),
    Case(50, 64, 64, activation="tanh"),
    Case(20, 256, 256, activation="tanh"),
    Case(20, 32, 64, precision="float32"),
    Case(50, 64, 64, precision="float32"),
    Case(20, 256, 256, precision="float32"),
    Case(2, 8, 32, image=8, precision="float32"),
    Case(2, 16, 32, image=28, precision="float32"),
)


def network_of(case: Case) -> Network:
    """Return the network of a case with a random batch loaded."""
    rng = np.random.default_rng(0)
    activation = make_activation(case.activation)
    if case.image:
        inputs: int | tuple[int, ...] = (case.image, case.image, case.channels_in)
        hidden = [
            LayerSpec(channels, activation, kind="conv", padding=1, norm=case.norm)
            for channels in (case.width, 2 * case.width)
        ]
    else:
        inputs = case.width
        hidden = [LayerSpec(case.width, activation, norm=case.norm)] * case.depth
    init = Init(INITIALIZERS["he-normal"].part)
    precision = PRECISIONS[case.precision].part()
    layers = [*hidden, LayerSpec(CLASSES)]
    network = Network(inputs, layers, make_loss("softmax-cross-entropy"), init, rng, precision)
    network.allocate(case.batch)
    network.input.value[:] = rng.standard_normal(network.input.value.shape)
    network.loss.targets[np.arange(case.batch), rng.integers(0, CLASSES, case.batch)] = 1.0
    return network


def plain_step(network: Network) -> Step:
    """Return the training step: forward, backward, accuracy and update."""
    update, hyper = _sgd(network), Hyper()

    def step() -> None:
        network.forward()
        network.backward()
        update.prepare(hyper, 1.0)
        network.loss.correct()
        update.take(LEARNING_RATE)

    return step


def step_with_norms(network: Network) -> Step:
    """Return the step that also reads out what the peers do: ‖∂L/∂W‖, ‖∂L/∂z‖, ‖a‖ and ‖W‖ of each layer."""
    plain = plain_step(network)
    squares = np.zeros((4, len(network.layers)))

    def reading(layer: Layer, cell: Array) -> Callable[[], None]:
        node = layer.linear
        W, W_grad, delta, a = (x.reshape(-1) for x in (node.W, node.W_grad, node.grad, layer.output.value))

        def read() -> None:
            cell[0] = W_grad.dot(W_grad)
            cell[1] = delta.dot(delta)
            cell[2] = a.dot(a)
            cell[3] = W.dot(W)

        return read

    network.graph.tap({layer.linear: reading(layer, squares[:, i]) for i, layer in enumerate(network.layers)})

    def step() -> list[list[float]]:
        plain()
        return [list(row) for row in np.sqrt(squares)]

    return step


def step_with_columns(network: Network) -> Step:
    """Return the step that also fills every column of the table of layers."""
    update, hyper, probe = _sgd(network), Hyper(), Probe(network)
    probe.follow()

    def step() -> None:
        network.forward()
        network.backward()
        stats = probe.norms()
        update.prepare(hyper, probe.gradient_norm(stats))
        probe.complete(stats, update.direction, LEARNING_RATE)
        network.loss.correct()
        update.take(LEARNING_RATE)

    return step


def _sgd(network: Network) -> Update:
    return Update(network.master, network.gradients, OPTIMIZERS["sgd"].part(network.master.size))


def bare_products(network: Network) -> Step:
    """Return the matrix products that a step of a dense network cannot do without, and nothing else."""
    dense = [layer.linear for layer in network.layers if isinstance(layer.linear, Dense)]

    def products() -> None:
        for node in dense:
            node.inputs[0].value.dot(node.W, node.value)
        for node in reversed(dense):
            node.inputs[0].value.T.dot(node.grad, node.W_grad)
            if node.inputs[0].needs_grad:
                node.grad.dot(node.W.T, node.inputs[0].grad)

    return products


def activations_alone(network: Network) -> Step:
    """Return the activations' part of a step."""
    nodes = [node for node in network.graph.order if isinstance(node, Activate)]

    def run() -> None:
        for node in nodes:
            node.forward()
            node.backward()

    return run


def first_profile(case: Case) -> Step:
    """Return what a change of the depth costs: build, allocate, and one measured turn."""

    def build() -> None:
        network = network_of(case)
        probe = Probe(network)
        probe.follow()
        network.forward()
        network.backward()
        probe.complete(probe.norms(), network.gradients, LEARNING_RATE)

    return build
