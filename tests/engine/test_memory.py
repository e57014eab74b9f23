"""Memory: nothing is allocated while training, and a network owns no more than its parts need."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from engine_kit import network_of, small_network, turn

from gradflow.engine.activations import ACTIVATIONS, ReLU, Tanh
from gradflow.engine.graph import Graph, Node
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import LayerSpec, Network
from gradflow.engine.nodes import NORMS
from gradflow.engine.optimizers import OPTIMIZERS, Hyper
from gradflow.engine.precision import PRECISIONS
from gradflow.engine.update import Update

MOST = 80_000
"""An array of batch × width is twice as large; the buffer that a NumPy loop takes to convert numbers is 64 kB."""

MOST_OF_WINDOWS = 160_000
"""Adding to every second pixel takes two such buffers, however large the image is."""


def growth(network: Network, optimizer: str = "adam", steps: int = 100) -> int:
    """Return by how many bytes the memory in use rises at most during so many training steps."""
    rule = OPTIMIZERS[optimizer].part(network.master.size, network.precision.dtype.type)
    update = Update(network.master, network.gradients, rule)
    hyper = Hyper(momentum=0.9, weight_decay=1e-3)

    def train(count: int) -> None:
        for _ in range(count):
            turn(network)
            update.prepare(hyper, 1.0, clip_norm=0.5)
            update.take(1e-5)
            network.publish()

    train(3)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        train(steps)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4_000, "what grows step by step"
    return peak - before


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hundred_steps_of_a_dense_network_allocate_no_arrays(activation: str) -> None:
    network = small_network(activation, "he-normal", width=32, batch=600, skips=(None, 1))
    assert growth(network) < MOST


@pytest.mark.parametrize("loss", LOSSES)
def test_hundred_steps_under_any_loss_allocate_no_arrays(loss: str) -> None:
    assert growth(network_of([LayerSpec(4, Tanh())], 4, loss, batch=10_000), steps=30) < MOST


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_hundred_steps_of_any_optimiser_allocate_no_arrays(optimizer: str) -> None:
    assert growth(small_network("relu", width=150, batch=20, skips=[None, None]), optimizer) < MOST


@pytest.mark.parametrize("order", ["post", "pre"])
@pytest.mark.parametrize("norm", NORMS)
def test_hundred_steps_with_norms_and_dropout_allocate_no_arrays(norm: str, order: str) -> None:
    network = small_network("relu", width=32, batch=600, skips=(None, 1), norm=norm, dropout=0.2, order=order)
    assert growth(network) < MOST


@pytest.mark.parametrize("norm", [None, *NORMS])
def test_hundred_steps_of_a_convolutional_network_allocate_no_arrays(norm: str | None) -> None:
    specs = [
        LayerSpec(4, ReLU(), kind="conv", kernel=3, padding=1, norm=norm),
        LayerSpec(4, ReLU(), 1, kind="conv", kernel=3, padding=1, norm=norm, dropout=0.1),
        LayerSpec(kind="max-pool", kernel=2, stride=2),
        LayerSpec(8, ReLU(), 3, "conv", kernel=3, stride=2, padding=1, norm=norm, join_before_activation=True),
        LayerSpec(kind="average-pool", kernel=2, stride=1),
        LayerSpec(kind="global-average"),
        LayerSpec(8, ReLU(), join="concat", skip_from=6),
    ]
    network = network_of(specs, (10, 10, 3), "softmax-cross-entropy", batch=128)
    assert min(node.value.nbytes for node in network.graph.order if node.shape[:2] == (10, 10)) > MOST_OF_WINDOWS
    assert growth(network, steps=30) < MOST_OF_WINDOWS


@pytest.mark.parametrize("precision", PRECISIONS)
def test_hundred_steps_in_any_precision_allocate_no_arrays(precision: str) -> None:
    specs = [LayerSpec(64, ReLU(), norm="layer-norm"), LayerSpec(64, ReLU())]
    network = network_of(specs, 8, batch=600, precision=PRECISIONS[precision].part())
    with np.errstate(over="ignore"):
        assert growth(network) < MOST


# What is owned


def test_deep_dense_network_owns_two_numbers_per_parameter_and_three_per_activation() -> None:
    """W and ∂L/∂W; z, φ(z), and one gradient for both of them. The rest is shared by all layers."""
    batch, width, depth = 64, 48, 60
    network = small_network("relu", inputs=width, width=width, skips=[None] * depth, batch=batch)
    turn(network)
    one_layer = batch * width
    least = 2 * network.parameters.size + 3 * depth * one_layer
    assert least <= owned(network) / 8 <= least + 8 * one_layer


def test_residual_normed_layers_own_five_values_and_still_one_gradient() -> None:
    """z, x̂, the norm's output, φ and the sum; the gradient that comes to the sum is turned into that of z."""
    batch, width, depth = 64, 48, 40
    network = small_network(
        "relu", inputs=width, width=width, skips=range(depth), batch=batch, norm="batch-norm", seed=1
    )
    turn(network)
    one_layer = batch * width
    least = 2 * network.parameters.size + 6 * depth * one_layer
    assert least <= owned(network) / 8 <= least + 12 * one_layer


def test_network_that_only_looks_owns_a_handful_of_layers_however_deep_it_is() -> None:
    batch, width = 64, 48
    network = small_network("relu", inputs=width, width=width, skips=[None] * 60, batch=batch)
    looking = network.twin()
    looking.allocate(batch, backward=False)
    shared = network.parameters.nbytes + looking.gradients.nbytes
    assert (owned(looking) - shared) / 8 <= 12 * batch * width


def test_convolution_keeps_its_matrix_of_windows_below_a_few_samples() -> None:
    """Windows of the whole batch would take kernel-size times the memory of the image: 25 times here."""
    specs = [LayerSpec(8, ReLU(), kind="conv", kernel=5, padding=2)]
    image, batch = (16, 16, 8), 64
    network = network_of(specs, image, batch=batch)
    turn(network)
    one_image = 16 * 16 * 8 * batch
    assert owned(network) / 8 <= 8 * one_image + 4 * network.parameters.size


def owned(network: Network) -> int:
    """Return the bytes of all arrays that can be reached from the network, views counted once."""
    whole = {id(base): base.nbytes for base in map(_base, _arrays(network))}
    return sum(whole.values())


def _base(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _arrays(network: Network) -> Iterator[np.ndarray[Any, Any]]:
    owners: list[Graph | Node | Network | object] = [network, network.graph, network.graph.workspace]
    for owner in [*owners, *network.graph.order]:
        for value in vars(owner).values():
            yield from _within(value)


def _within(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _within(item)
    elif isinstance(value, dict):
        yield from _within(list(value.values()))
