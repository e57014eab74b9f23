"""He et al. 2015: thirty layers of rectifiers train with their initialisation and not with Xavier's, and why."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from literature_kit import clusters, decades, drawn, draws, hidden, init, measured, score, train

from gradflow.engine.activations import LeakyReLU, make_activation
from gradflow.engine.losses import SoftmaxCrossEntropy
from gradflow.engine.network import LayerSpec, Network
from gradflow.sim.snapshot import Stat

# Thirty layers or eight


@cache
def trained(scheme: str, depth: int) -> tuple[float, float]:
    """Return loss and accuracy after 600 steps of SGD on ten clusters."""
    rng = np.random.default_rng(0)
    x, y = clusters(rng, 1000)
    network = drawn(64, [*hidden(depth, 128, "relu"), LayerSpec(10)], init(scheme), rng, 64, SoftmaxCrossEntropy)
    train(network, x, y, rate=0.01, steps=600, batch=64)
    return score(network, x, y)


@pytest.mark.slow
def test_thirty_layers_learn_with_he() -> None:
    """A5. Fig. 3."""
    _, accuracy = trained("he-normal", 30)
    assert accuracy > 0.95


@pytest.mark.slow
def test_thirty_layers_stall_with_xavier() -> None:
    """A5. Every layer takes √½ from the gradient: the loss stays at ln 10 = 2.303, that of knowing nothing."""
    loss, accuracy = trained("xavier-normal", 30)
    assert 2.29 < loss < math.log(10) + 0.01
    assert accuracy < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["he-normal", "xavier-normal"])
def test_eight_layers_learn_with_either(scheme: str) -> None:
    """A6. Fig. 2."""
    _, accuracy = trained(scheme, 8)
    assert accuracy > 0.95


# The convolutions of VGG-B

VGG_B = (64, 64, 128, 128, 256, 256, 512, 512, 512, 512)
"""Channels of the ten convolutions; two follow each other before every pooling."""


@cache
def vgg_b(mode: str) -> Network:
    """Return the ten convolutions as our layers, with kernels of 3 x 3."""
    specs = []
    for place, channels in enumerate(VGG_B):
        specs.append(LayerSpec(channels, make_activation("relu"), kind="conv", padding=1))
        if place % 2:
            specs.append(LayerSpec(kind="max-pool", kernel=2, stride=2))
    return Network((32, 32, 3), specs, SoftmaxCrossEntropy, init("he-normal", mode=mode), rng=None)


def test_deviations_of_vgg_b_are_the_published_ones() -> None:
    """0.059, 0.042, 0.029 and 0.021 for 64, 128, 256 and 512 channels."""
    found = {round(layer.spread.std, 3) for layer in vgg_b("fan_out").layers}
    assert found == {0.059, 0.042, 0.029, 0.021}


def test_forward_and_backward_deviations_differ_only_where_channels_do() -> None:
    """Either suffices: all layers together, the two differ by the ratio of the first fan-in to the last fan-out."""
    ratio = [
        forward.spread.std / backward.spread.std
        for forward, backward in zip(vgg_b("fan_in").layers, vgg_b("fan_out").layers, strict=True)
    ]
    assert math.prod(ratio) == pytest.approx(math.sqrt(512 / 3), rel=1e-12)


def test_deviation_of_0_01_shrinks_the_gradient_of_vgg_b_17_000_times() -> None:
    """A7. From convolution 10 to 2, against the deviations that keep it: 1/(5.9·4.2²·2.9²·2.1⁴)."""
    shrinkage = math.prod(0.01 / layer.spread.std for layer in vgg_b("fan_out").layers[1:])
    assert 1 / shrinkage == pytest.approx(16729, rel=1e-3)


def test_convolutions_draw_their_weights_with_that_deviation() -> None:
    specs = [LayerSpec(128, make_activation("relu"), kind="conv", padding=1)]
    network = Network((8, 8, 64), specs, SoftmaxCrossEntropy, init("he-normal"), np.random.default_rng(0))
    W = network.layers[0].linear.W
    assert W.std() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=5 / math.sqrt(2 * W.size))


# Leaky rectifiers


def loss_per_layer(a: float, square: float, width: int = 600, depth: int = 30, seeds: int = 3) -> float:
    """Return the decades that ‖δ‖ loses per layer of leaky ReLU with slope a and n·Var W = `square`."""
    networks = draws(seeds, width, [*hidden(depth, width, LeakyReLU(a)), LayerSpec(width)], init(square=square))
    return float(np.mean([decades(measured(network)(Stat.DELTA)) for network in networks]))


@pytest.mark.slow
@pytest.mark.parametrize("a", [0.0, 0.25, 0.5])
def test_two_over_one_plus_a_squared_keeps_the_gradient(a: float) -> None:
    """½(1+a²)·n·Var W = 1, because E φ′² = ½ + ½a²."""
    assert loss_per_layer(a, 2 / (1 + a**2)) == pytest.approx(0.0, abs=0.012)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "lost"), [(0.25, 0.0837), (0.5, 0.1276)])
def test_two_over_one_plus_a_all_squared_loses_it(a: float, lost: float) -> None:
    """The square in the wrong place: each layer takes √((1+a²)/(1+a)²) from the norm."""
    assert lost == pytest.approx(-math.log10((1 + a**2) / (1 + a) ** 2) / 2, abs=1e-4)
    assert loss_per_layer(a, 2 / (1 + a) ** 2) == pytest.approx(lost, abs=0.012)


def test_scheme_takes_the_slope_from_the_activation() -> None:
    """The layers of a leaky ReLU are drawn with 2/((1+a²)·n), the linear output with 2/n."""
    network = drawn(50, [*hidden(2, 40, LeakyReLU(0.5)), LayerSpec(3)], init("he-normal"), 0)
    squares = [layer.fans.fan_in * layer.spread.std**2 for layer in network.layers]
    np.testing.assert_allclose(squares, [1.6, 1.6, 2.0], rtol=1e-14)


# PyTorch's default


def test_pytorchs_own_linear_layers_lose_0_389_decades_per_rectifier() -> None:
    """nn.Linear draws from U(±1/√n), so n·Var W = 1/3 and χ = 1/6. Its own weights and biases, in our network."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = drawn(500, [*hidden(20, 500, "relu"), LayerSpec(500)], init("standard-uniform"), 0)
    for layer in network.layers:
        ours = layer.linear.W.copy()
        theirs = torch.nn.Linear(500, 500, dtype=torch.float64)
        layer.linear.W[:], layer.linear.b[:] = theirs.weight.detach().numpy().T, theirs.bias.detach().numpy()
        assert layer.linear.W.std() == pytest.approx(ours.std(), rel=0.01)
        assert 500 * layer.linear.W.var() == pytest.approx(1 / 3, rel=0.01)
    assert decades(measured(network)(Stat.DELTA)) == pytest.approx(0.3891, abs=0.012)
