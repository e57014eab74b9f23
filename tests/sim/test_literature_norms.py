"""Normalisations at initialisation, and what normalises itself: batch norm, layer norm, LSUV and SELU.

Yang et al. 2019: batch norm keeps the signal and makes the gradient explode. Klambauer et al. 2017: SELU. Mishkin &
Matas 2016: LSUV. Balduzzi et al. 2017: gradients that know nothing of each other.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from literature_kit import Array, correlate, decades, drawn, draws, hidden, init, measured

from gradflow.engine.activations import make_activation
from gradflow.engine.network import LayerSpec
from gradflow.sim.snapshot import Stat
from gradflow.theory.lengths import LengthMap
from gradflow.theory.maps import CorrelationMap
from gradflow.theory.moments import Moments, moments_of

slow = pytest.mark.slow


def growth(read_delta: Array, first: int = 3) -> float:
    """Return the factor by which ‖δ‖ grows per layer towards the input, from the layers `first` on."""
    return 10 ** -decades(read_delta, first)


def normed(
    activation: str, norm: str, width: int, depth: int, batch: int, count: int = 1, square: float = 1.0
) -> float:
    """Return the growth of ‖δ‖ in a network with a norm before every φ, averaged over draws."""
    specs = [*hidden(depth, width, activation, norm=norm), LayerSpec(width)]
    networks = draws(count, width, specs, init(square=square), batch)
    return float(np.mean([growth(measured(network)(Stat.DELTA)[:-1]) for network in networks]))


def of(activation: str) -> Moments:
    """Return the Gaussian averages of an activation."""
    return moments_of(make_activation(activation))


# Batch norm


@slow
def test_batch_norm_with_relu_multiplies_the_gradient_by_1_211_per_layer() -> None:
    """A15. √(π/(π−1)): the batch's variance is σ_w²·(½ − 1/2π), the mean of φ′² is ½."""
    assert normed("relu", "batch-norm", 1000, 25, 512) == pytest.approx(1.211, abs=0.01)


@pytest.mark.parametrize("square", [0.01, 2.0, 100.0])
def test_batch_norm_explodes_whatever_the_weights(square: float) -> None:
    found = normed("relu", "batch-norm", 300, 15, 256, count=2, square=square)
    assert found == pytest.approx(1.211, abs=0.015)


def test_batch_norm_with_tanh_multiplies_the_gradient_by_1_085() -> None:
    found = normed("tanh", "batch-norm", 300, 20, 256, count=3)
    assert found == pytest.approx(1.0853, abs=0.01)


@pytest.mark.parametrize("batch", [8, 32])
def test_batch_norm_explodes_in_a_linear_network_by_the_smallness_of_the_batch(batch: int) -> None:
    """Without any φ: the squares grow by (B−2)/(B−3) per layer, to the first order that is left at great width."""
    found = normed("identity", "batch-norm", 500, 25, batch, count=4)
    assert found == pytest.approx(math.sqrt((batch - 2) / (batch - 3)), abs=0.01)


def test_batch_norm_shatters_gradients_by_one_half_per_layer() -> None:
    """A20. Two inputs share half of their active rectifiers; after l layers their gradients correlate by 2^−l.

    Each sample's output is asked for with a sign of its own: the mean of δ over the batch, which batch norm takes
    away, is then 0, and what is left is the gradient of a sample's own output.
    """
    width, batch, depth, found = 500, 256, 5, []
    signs = np.resize([1.0, -1.0], (batch, 1))
    specs = [*hidden(depth, width, "relu", norm="batch-norm"), LayerSpec(1)]
    for network in draws(3, width, specs, init(), batch):
        network.loss.targets[:] = signs
        network.forward()
        network.backward()
        found.append([correlation(layer.linear.grad * signs) for layer in network.layers[depth - 1 :: -1]])
    np.testing.assert_allclose(np.mean(found, axis=0), 0.5 ** np.arange(1, depth + 1), rtol=0.15)


def correlation(rows: Array) -> float:
    """Return the mean cosine between two different rows."""
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    count = len(rows)
    return float((np.sum(directions.sum(axis=0) ** 2) - count) / (count * (count - 1)))


@slow
def test_plain_rectifiers_shatter_slowly() -> None:
    """Without batch norm inputs become alike on the way, and the correlation Π(1 − θ_l/π) falls like L^−3, not 2^−L."""
    width, depth, deltas, found = 500, 24, 32, []
    specs = [*hidden(depth, width, "relu"), LayerSpec(width)]
    for network in draws(6, width, specs, init("he-normal"), batch=2 * deltas):
        x, delta = network.input.value, network.loss.targets
        correlate(x[:2], 0.9)
        x[:] = np.repeat(x[:2], deltas, axis=0)
        delta[deltas:] = delta[:deltas]
        network.forward()
        network.backward()
        one, other = np.split(network.layers[0].linear.grad, 2)
        found += [correlation(np.stack(pair)) for pair in zip(one, other, strict=True)]
    angles = np.arccos(CorrelationMap(of("relu"), 2.0, 0.0, 1.0).path(0.9, depth))
    assert np.mean(found) == pytest.approx(np.prod(1 - angles / math.pi), abs=0.03)


# Layer norm


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu", "silu", "selu", "elu"])
def test_layer_norm_makes_the_factor_that_of_q_one(activation: str) -> None:
    found = normed(activation, "layer-norm", 500, 25, 4, count=4)
    assert found == pytest.approx(at_unit_variance(activation), abs=0.01)


def at_unit_variance(activation: str) -> float:
    """Return √(E φ′²/E φ²) at q = 1: what a layer does to ‖δ‖ where Var z is 1 in all of them, whatever σ_w is."""
    return math.sqrt(float(of(activation).slope(1.0)) / float(of(activation).value(1.0)))


# LSUV


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_lsuv_finds_the_weights_that_keep_the_variance(activation: str) -> None:
    """n·Var W → 1/E φ², found from the data alone, and ‖δ‖ then grows as it does wherever Var z is 1."""
    n_var_w, factor = 1.0 / float(of(activation).value(1.0)), at_unit_variance(activation)
    width = 500
    network = drawn(width, [*hidden(12, width, activation), LayerSpec(width)], init("lsuv"), 0, batch=100)
    network.fit_to_data()
    read = measured(network)
    later = network.layers[2:]
    assert np.mean([width * layer.linear.W.var() for layer in later]) == pytest.approx(n_var_w, rel=0.02)
    assert max(abs(layer.linear.value.var() - 1.0) for layer in network.layers) < 0.1
    assert growth(read(Stat.DELTA)) == pytest.approx(factor, abs=0.01)


# SELU


def test_selu_maps_mean_0_and_variance_1_to_themselves() -> None:
    """A16."""
    assert of("selu").mean(1.0) == pytest.approx(0.0, abs=1e-12)
    assert of("selu").value(1.0) == pytest.approx(1.0, abs=1e-12)


def test_jacobian_of_the_selu_map_is_the_published_contraction() -> None:
    """A16. Klambauer et al. 2017, eq. 6: for weights that sum to 0 and whose squares sum to 1, by mean and variance."""
    selu, h = of("selu"), 1e-5
    # The mean of the layer below does not reach z at all, and its variance is that of z.
    mean = (selu.mean(1.0 + h) - selu.mean(1.0 - h)) / (2 * h)
    jacobian = np.array([[0.0, mean], [0.0, selu.value_growth(1.0) - 2 * selu.mean(1.0) * mean]])
    np.testing.assert_allclose(jacobian, [[0.0, 0.088834], [0.0, 0.782648]], rtol=0, atol=1e-5)
    assert np.linalg.norm(jacobian, 2) == pytest.approx(0.7877, abs=5e-5)


@pytest.mark.parametrize(("x_square", "expected"), [(0.1, 0.980), (0.25, 0.989), (1.0, 1.0), (4.0, 1.011)])
def test_selu_layers_bring_mean_and_variance_back(x_square: float, expected: float) -> None:
    """A16. Whatever the size of the inputs, after twenty layers of LeCun weights a has mean 0 and variance 1."""
    assert LengthMap(of("selu"), 1.0, 0.0).path(x_square, 21)[-1] == pytest.approx(expected, abs=6e-4)
    found = []
    for network in draws(3, 500, [*hidden(20, 500, "selu"), LayerSpec(1)], init("lecun-normal"), batch=8):
        network.input.value[:] *= math.sqrt(x_square)
        network.forward()
        a = network.layers[-2].output.value
        found.append((np.mean(a**2), a.mean(), a.std()))
    square, mean, deviation = np.mean(found, axis=0)
    assert square == pytest.approx(expected, abs=0.06)
    assert mean == pytest.approx(0.0, abs=0.06)
    assert deviation == pytest.approx(1.0, abs=0.06)
