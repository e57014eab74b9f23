"""Normalisations at initialisation, and what normalises itself: batch norm, layer norm, LSUV and SELU.

Yang et al. 2019: batch norm keeps the signal and makes the gradient explode. Klambauer et al. 2017: SELU. Mishkin &
Matas 2016: LSUV. Balduzzi et al. 2017: gradients that know nothing of each other.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from literature_kit import (
    WEIGHTS,
    Array,
    Z,
    correlate,
    decades,
    drawn,
    draws,
    hidden,
    init,
    measured,
    phi,
    squares,
    theory,
)

from gradflow.engine.activations import SELU, make_activation
from gradflow.engine.network import LayerSpec
from gradflow.sim.snapshot import Stat

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


def isotropic_factor(activation: str) -> float:
    """Return √(E φ′²/E φ²) for q = 1: what a layer does to ‖δ‖ where something sets Var z to 1."""
    V, D = squares(make_activation(activation), 1.0)
    return math.sqrt(D / V)


# Batch norm


@slow
def test_batch_norm_with_relu_multiplies_the_gradient_by_1_211_per_layer() -> None:
    """√(π/(π−1)): the batch's variance is σ_w²·(½ − 1/2π), the mean of φ′² is ½."""
    assert math.sqrt(math.pi / (math.pi - 1)) == pytest.approx(1.211174, abs=1e-6)
    assert normed("relu", "batch-norm", 1000, 25, 512) == pytest.approx(1.211, abs=0.01)


@pytest.mark.parametrize("square", [0.01, 2.0, 100.0])
def test_batch_norm_explodes_whatever_the_weights(square: float) -> None:
    found = normed("relu", "batch-norm", 300, 15, 256, count=2, square=square)
    assert found == pytest.approx(1.211, abs=0.015)


def test_batch_norm_with_tanh_multiplies_the_gradient_by_1_085() -> None:
    found = normed("tanh", "batch-norm", 300, 20, 256, count=3)
    assert found == pytest.approx(isotropic_factor("tanh"), abs=0.01)


@pytest.mark.parametrize("batch", [8, 32])
def test_batch_norm_explodes_in_a_linear_network_by_the_smallness_of_the_batch(batch: int) -> None:
    """Without any φ: the squares grow by (B−2)/(B−3) per layer, to the first order that is left at great width."""
    found = normed("identity", "batch-norm", 500, 25, batch, count=4)
    assert found == pytest.approx(math.sqrt((batch - 2) / (batch - 3)), abs=0.01)


def test_batch_norm_shatters_gradients_by_one_half_per_layer() -> None:
    """Two inputs share half of their active rectifiers; after l layers their gradients correlate by 2^−l.

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
    expected, c = 1.0, 0.9
    for _ in range(depth):
        angle = math.acos(c)
        expected *= 1 - angle / math.pi
        c = (math.sin(angle) + (math.pi - angle) * c) / math.pi
    assert expected == pytest.approx(0.0896, abs=1e-4)
    assert np.mean(found) == pytest.approx(expected, abs=0.03)


# Layer norm


@pytest.mark.parametrize(
    ("activation", "factor"),
    [
        ("relu", 1.0),
        ("tanh", 1.0853),
        ("sigmoid", 0.3909),
        ("gelu", 1.0354),
        ("silu", 1.0328),
        ("selu", 1.0352),
        ("elu", 1.0178),
    ],
)
def test_layer_norm_makes_the_factor_that_of_q_one(activation: str, factor: float) -> None:
    assert isotropic_factor(activation) == pytest.approx(factor, abs=1e-4)
    found = normed(activation, "layer-norm", 500, 25, 4, count=4)
    assert found == pytest.approx(factor, abs=0.01)


# LSUV


@pytest.mark.parametrize(
    ("activation", "n_var_w", "factor"), [("tanh", 2.5362, 1.0853), ("relu", 2.0, 1.0)], ids=["tanh", "relu"]
)
def test_lsuv_finds_the_weights_that_keep_the_variance(activation: str, n_var_w: float, factor: float) -> None:
    """n·Var W → 1/E φ², found from the data alone, and ‖δ‖ then grows as it does wherever Var z is 1."""
    assert 1 / squares(make_activation(activation), 1.0)[0] == pytest.approx(n_var_w, abs=1e-4)
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
    a, _ = phi(SELU(), Z)
    assert WEIGHTS @ a == pytest.approx(0.0, abs=1e-12)
    assert WEIGHTS @ a**2 == pytest.approx(1.0, abs=1e-12)


def test_jacobian_of_the_selu_map_is_the_published_contraction() -> None:
    """Klambauer et al. 2017, eq. 6: for weights that sum to 0 and whose squares sum to 1, by mean and variance."""
    a, slope = phi(SELU(), Z)
    # z ~ N(0, ν): ∂E f(z)/∂ν = ½·E[f′(z)·z]/ν, and the mean of the layer below does not reach z at all.
    mean, second = (float(WEIGHTS @ (f * Z)) / 2 for f in (slope, 2 * a * slope))
    jacobian = np.array([[0.0, mean], [0.0, second - 2 * float(WEIGHTS @ a) * mean]])
    np.testing.assert_allclose(jacobian, [[0.0, 0.088834], [0.0, 0.782648]], rtol=0, atol=1e-5)
    assert np.linalg.norm(jacobian, 2) == pytest.approx(0.7877, abs=5e-5)


@pytest.mark.parametrize(("x_square", "expected"), [(0.1, 0.980), (0.25, 0.989), (1.0, 1.0), (4.0, 1.011)])
def test_selu_layers_bring_mean_and_variance_back(x_square: float, expected: float) -> None:
    """Whatever the size of the inputs, after twenty layers of LeCun weights a has mean 0 and variance 1."""
    assert theory(SELU(), 21, 1.0, x_square=x_square).q[-1] == pytest.approx(expected, abs=6e-4)
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
