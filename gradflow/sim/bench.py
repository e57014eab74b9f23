"""How fast the engine is, as ratios within one run: the training step beside its own bare matrix products.

Milliseconds differ between machines and from one minute to the next; the ratio of two things measured in turn does not.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from gradflow.engine.activations import make_activation
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import Init, LayerSpec, Network
from gradflow.engine.nodes import Activate
from gradflow.engine.optimizers import SGD, Step
from gradflow.sim.probe import Probe

SHAPES = ((20, 8, 8), (20, 32, 64), (100, 100, 128), (20, 256, 256), (10, 512, 64))
"""Depth, width and batch of the networks that are timed; of the first, nearly all is Python's own time."""

REPETITIONS = 9
SECONDS_PER_REPETITION = 0.12


@dataclass(frozen=True)
class StepTiming:
    """Medians in seconds: the bare matrix products, the step with all norms, and the activations' part of it."""

    depth: int
    width: int
    batch: int
    activation: str
    bare: float
    step: float
    activations: float

    @property
    def ratio(self) -> float:
        """Step over bare products."""
        return self.step / self.bare

    @property
    def rest_per_layer(self) -> float:
        """Seconds per layer and step that are neither matrix product nor activation."""
        return (self.step - self.bare - self.activations) / (self.depth + 1)


def engine_lines() -> Iterator[str]:
    """Yield the lines of the engine's table, as they are measured."""
    yield f"Python {platform.python_version()}, numpy {np.__version__}, float64, one BLAS thread, {platform.machine()}"
    yield "training step: forward, backward, six norms per layer, accuracy, SGD update"
    yield "layers x width  batch  activation   bare products   full step   ratio   rest per layer"
    with threadpool_limits(1):
        for activation in ("relu", "tanh"):
            for depth, width, batch in SHAPES:
                t = time_step(depth, width, batch, activation)
                yield (
                    f"{depth:>6} x {width:<5} {batch:>6}  {activation:<10} {1e3 * t.bare:>10.3f} ms "
                    f"{1e3 * t.step:>9.3f} ms {t.ratio:>6.2f}x {1e6 * t.rest_per_layer:>12.1f} us"
                )


def time_step(depth: int, width: int, batch: int, activation: str) -> StepTiming:
    """Time the step of a square network, its bare matrix products and its activations in turn."""
    network = _network(depth, width, batch, activation)
    probe, step, optimizer = Probe(network), Step(network.parameters), SGD(network.parameters.size)

    def full() -> None:
        network.forward()
        network.backward()
        direction = optimizer.direction(network.gradients, 0.0)
        probe.norms(direction, 1e-6)
        network.loss.correct()
        step.take(direction, 1e-6)

    dense = [layer.dense for layer in network.layers]
    activates = [node for node in network.graph.order if isinstance(node, Activate)]

    def bare() -> None:
        for node in dense:
            np.dot(node.inputs[0].value, node.W, out=node.value)
        for node in reversed(dense):
            np.dot(node.inputs[0].value.T, node.grad, out=node.W_grad)
            if node.inputs[0].needs_grad:
                np.dot(node.grad, node.W.T, out=node.inputs[0].grad)

    def activations() -> None:
        for node in activates:
            node.forward()
            node.backward()

    full()
    times = medians(full, bare, activations)
    return StepTiming(depth, width, batch, activation, bare=times[1], step=times[0], activations=times[2])


def medians(*functions: Callable[[], None]) -> list[float]:
    """Return the median seconds of each function, measured in turn so that the machine's moods meet all alike."""
    counts = []
    for function in functions:
        start = time.perf_counter()
        function()
        counts.append(max(1, int(SECONDS_PER_REPETITION / max(time.perf_counter() - start, 1e-7))))
    samples: list[list[float]] = [[] for _ in functions]
    for _ in range(REPETITIONS):
        for function, count, sample in zip(functions, counts, samples, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                function()
            sample.append((time.perf_counter() - start) / count)
    return [statistics.median(sample) for sample in samples]


def _network(depth: int, width: int, batch: int, activation: str) -> Network:
    rng = np.random.default_rng(0)
    hidden = [LayerSpec(width, make_activation(activation))] * depth
    init = Init(INITIALIZERS["he-normal"].part)
    network = Network(width, [*hidden, LayerSpec(width, None)], LOSSES["softmax-cross-entropy"].part, init, rng)
    network.allocate(batch)
    network.input.value[:] = rng.standard_normal((batch, width))
    network.loss.targets[np.arange(batch), rng.integers(0, width, batch)] = 1.0
    return network
