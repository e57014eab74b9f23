"""Mean-field theory of signal propagation: slopes of ‖δ‖ and ‖∂L/∂W‖, correlations, and how deep one can train.

Poole et al. 2016; Schoenholz et al. 2017: the ordered phase is where gradients vanish, the chaotic one where they
explode, and a network can be trained as deep as its signals reach.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from literature_kit import (
    clusters,
    correlate,
    decades,
    drawn,
    draws,
    hidden,
    init,
    measured,
    score,
    squares,
    theory,
    train,
)

from gradflow.engine.activations import Tanh, make_activation
from gradflow.engine.losses import SoftmaxCrossEntropy
from gradflow.engine.network import LayerSpec
from gradflow.sim.snapshot import Stat

slow = pytest.mark.slow

# Slopes over forty layers


class Setting(NamedTuple):
    """σ_w² and σ_b² for an activation, and the published slopes of ‖δ‖ and ‖∂L/∂W‖ in decades per layer."""

    activation: str
    square: float
    bias_square: float
    delta: float
    weight_grad: float
    negative_slope: float | None = None


SETTINGS = {
    "tanh-xavier": Setting("tanh", 1.0, 0.0, 0.0097, -0.0001),
    "tanh-ordered": Setting("tanh", 1.0, 0.05, 0.0599, 0.0599),
    "tanh-critical": Setting("tanh", 1.760955, 0.05, 0.0, 0.0),
    "tanh-chaotic-2.5": Setting("tanh", 2.5, 0.05, -0.0272, -0.0272),
    "tanh-chaotic-4": Setting("tanh", 4.0, 0.05, -0.0639, -0.0639),
    "tanh-gain": Setting("tanh", 25 / 9, 0.0, -0.0414, -0.0414),
    "tanh-standard": Setting("tanh", 1 / 3, 0.0, 0.2386, 0.0),
    "relu-he": Setting("relu", 2.0, 0.0, 0.0, 0.0),
    "relu-xavier": Setting("relu", 1.0, 0.0, 0.1505, 0.0),
    "relu-standard": Setting("relu", 1 / 3, 0.0, 0.3891, 0.0),
    "relu-3": Setting("relu", 3.0, 0.0, -0.0881, 0.0),
    "leaky-he": Setting("leaky-relu", 2 / 1.04, 0.0, 0.0, 0.0, 0.2),
    "leaky-wrong": Setting("leaky-relu", 2 / 1.44, 0.0, 0.0707, 0.0, 0.2),
    "sigmoid-xavier": Setting("sigmoid", 1.0, 0.0, 0.6270, 0.6270),
    "sigmoid-16": Setting("sigmoid", 16.0, 0.0, 0.1996, 0.1996),
    "sigmoid-critical": Setting("sigmoid", 103.008, 0.0, 0.0, 0.0),
    "erf-critical": Setting("erf", 1.172962**2, 0.05, 0.0, 0.0),
    "selu-lecun": Setting("selu", 1.0, 0.0, -0.0150, -0.0150),
    "gelu-he": Setting("gelu", 2.0, 0.0, 0.1419, -0.0017),
    "silu-he": Setting("silu", 2.0, 0.0, 0.1504, 0.0),
}
DEPTH, FIRST = 40, 11
"""Weight layers, and the one from which the slope is fitted."""

QUICK = ("tanh-ordered", "tanh-chaotic-4")


@pytest.mark.parametrize("name", SETTINGS)
def test_recursion_gives_the_published_slopes(name: str) -> None:
    s = SETTINGS[name]
    curves = theory(make_activation(s.activation, s.negative_slope), DEPTH, s.square, s.bias_square)
    assert decades(curves.delta, FIRST) == pytest.approx(s.delta, abs=2e-4)
    assert decades(curves.weight_grad, FIRST) == pytest.approx(s.weight_grad, abs=2e-4)


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=slow) for name in SETTINGS])
def test_networks_have_the_slopes_of_the_recursion(name: str) -> None:
    """A vanishing δ need not show in ∂L/∂W: for rectifiers, its slope is 0 whatever the gain."""
    s, width = SETTINGS[name], 500
    specs = [*hidden(DEPTH - 1, width, make_activation(s.activation, s.negative_slope)), LayerSpec(width)]
    networks = draws(3, width, specs, init(square=s.square, bias_square=s.bias_square))
    reads = [measured(network) for network in networks]
    delta, weight_grad = (
        np.mean([decades(read(stat), FIRST) for read in reads]) for stat in (Stat.DELTA, Stat.WEIGHT_GRAD)
    )
    assert delta == pytest.approx(s.delta, abs=0.012)
    assert weight_grad == pytest.approx(s.weight_grad, abs=0.012)


@pytest.mark.parametrize(("activation", "square"), [("tanh", 1.0), ("relu", 1.0), ("sigmoid", 1.0), ("selu", 1.0)])
def test_weight_gradient_of_one_sample_is_delta_times_the_activations_below(activation: str, square: float) -> None:
    """∂L/∂W = δ·aᵀ has rank one, so that ‖∂L/∂W_l‖ = ‖δ_l‖·‖a_{l−1}‖ to the last digit."""
    read = measured(drawn(100, hidden(8, 100, activation), init(square=square), 0))
    below = np.append(10.0, read(Stat.ACTIVATION)[:-1])
    np.testing.assert_allclose(read(Stat.WEIGHT_GRAD), read(Stat.DELTA) * below, rtol=1e-12)
    np.testing.assert_allclose(read(Stat.BIAS_GRAD), read(Stat.DELTA), rtol=1e-12)


# Sigmoid


def test_ten_layers_of_sigmoid_lose_0_627_decades_each() -> None:
    """Ten hidden layers of 800 units with Xavier: q* = 0.2647, √E φ′² = 0.2361. Not the ¼ of the slope's maximum."""
    specs = [*hidden(10, 800, "sigmoid"), LayerSpec(10)]
    networks = draws(3, 784, specs, init("xavier-normal"))
    slopes = [decades(measured(network)(Stat.DELTA)[:-1]) for network in networks]
    assert np.mean(slopes) == pytest.approx(0.627, abs=0.01)


@pytest.mark.parametrize(
    ("square", "factor"),
    [(1 / 3, 0.1414), (1.0, 0.2361), (2.0, 0.3178), (16.0, 0.6316), (100.0, 0.9929), (1000.0, 1.739)],
)
def test_factor_of_a_sigmoid_layer_follows_from_the_weights_alone(square: float, factor: float) -> None:
    """Beyond σ_w² = 103 a sigmoid network does not vanish: it saturates, and its gradient explodes."""
    curves = theory(make_activation("sigmoid"), 200, square)
    assert curves.delta[100] / curves.delta[101] == pytest.approx(factor, rel=1e-3)


def test_raw_normal_weights_of_wide_sigmoid_layers_explode() -> None:
    """N(0, 1) without 1/√n: at n = 800 the theory gains 0.216 decades per layer where the ¼ of folklore loses 0.6."""
    specs = [*hidden(10, 800, "sigmoid"), LayerSpec(10)]
    networks = draws(3, 784, specs, init("normal"))
    slopes = [decades(measured(network)(Stat.DELTA)[:-1]) for network in networks]
    assert np.mean(slopes) < -0.15


# Correlations


@slow
@pytest.mark.parametrize(
    ("square", "expected", "tolerance"), [(1.3, 0.985, 0.01), (1.760955, 0.833, 0.08), (2.5, 0.477, 0.12)]
)
def test_two_inputs_come_together_or_move_apart(square: float, expected: float, tolerance: float) -> None:
    """tanh with σ_b² = .05: from a correlation of 0.6, what 24 layers make of it in the three phases."""
    assert correlation_map(square, 24) == pytest.approx(expected, abs=5e-4)
    width, found = 1000, []
    x_square = (fixed_point(square) - 0.05) / square
    for network in draws(5, width, hidden(24, width, "tanh"), init(square=square, bias_square=0.05), batch=2):
        correlate(network.input.value, 0.6)
        network.input.value[:] *= math.sqrt(x_square)
        network.forward()
        u, v = network.layers[-1].linear.value
        found.append(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))
    assert np.mean(found) == pytest.approx(expected, abs=tolerance)


def fixed_point(square: float, bias_square: float = 0.05) -> float:
    """Return q* of tanh."""
    return float(theory(Tanh(), 400, square, bias_square).q[-1])


def correlation_map(square: float, layers: int, bias_square: float = 0.05, c: float = 0.6) -> float:
    """Return the correlation of z after some layers of tanh, for inputs of correlation c that give q* everywhere."""
    x, w = np.polynomial.hermite_e.hermegauss(100)
    u, v = x[:, None], x[None, :]
    weights = np.outer(w, w) / (2 * math.pi)
    q = fixed_point(square, bias_square)
    k = c * (q - bias_square) / square
    for layer in range(layers):
        if layer:
            k = np.sum(weights * np.tanh(math.sqrt(q) * u) * np.tanh(math.sqrt(q) * (c * u + math.sqrt(1 - c * c) * v)))
        c = (square * k + bias_square) / q
    return float(c)


@pytest.mark.parametrize(
    ("square", "chi", "q"),
    [(1.0, 0.7590, None), (1.3, 0.8802, None), (1.760955, 1.0, 0.570048), (2.5, 1.1335, None), (4.0, 1.3424, None)],
)
def test_network_settles_at_the_length_and_the_chi_of_the_theory(square: float, chi: float, q: float | None) -> None:
    """tanh with σ_b² = .05: χ₁ = σ_w²·E φ′² at q*; at the critical point, σ_w² = 1.760955, it is 1."""
    length = fixed_point(square)
    assert q is None or length == pytest.approx(q, abs=1e-5)
    assert square * squares(Tanh(), length)[1] == pytest.approx(chi, abs=1e-4)
    network = drawn(600, hidden(12, 600, "tanh"), init(square=square, bias_square=0.05), 0, batch=4)
    network.forward()
    settled = [float(np.mean(layer.linear.value**2)) for layer in network.layers[6:]]
    assert np.mean(settled) == pytest.approx(length, rel=0.08)


# How deep one can train

ORDERED, LESS_ORDERED, CRITICAL, CHAOTIC, MORE_CHAOTIC = 1.0, 1.3, 1.760955, 2.5, 4.0
"""σ_w² of tanh with σ_b² = .05; six times the depth ξ_c over which correlations fade is 22, 47, ∞, 71 and 42 layers."""


@cache
def trained(square: float, depth: int) -> tuple[float, float]:
    """Return loss and accuracy of a tanh network of width 150 after 500 steps of SGD."""
    rng = np.random.default_rng(0)
    x, y = clusters(rng, 1000)
    specs = [*hidden(depth, 150, "tanh"), LayerSpec(10)]
    network = drawn(64, specs, init(square=square, bias_square=0.05), rng, 64, SoftmaxCrossEntropy, "float32")
    train(network, x, y, rate=0.02, steps=500, batch=64)
    return score(network, x, y)


@slow
def test_thirty_two_layers_learn_wherever_signals_reach_that_far() -> None:
    far = [trained(square, 32) for square in (LESS_ORDERED, CRITICAL, MORE_CHAOTIC)]
    assert min(accuracy for _, accuracy in far) > 0.98
    loss, _ = trained(ORDERED, 32)
    assert loss > 2.0 * max(loss for loss, _ in far)


@slow
def test_sixty_four_layers_learn_the_better_the_nearer_to_criticality_in_the_ordered_phase() -> None:
    frozen, nearer, critical = (trained(square, 64)[1] for square in (ORDERED, LESS_ORDERED, CRITICAL))
    assert critical > 0.8
    assert frozen <= nearer < critical - 0.3


@slow
def test_sixty_four_layers_learn_the_better_the_nearer_to_criticality_in_the_chaotic_phase() -> None:
    critical, nearer, wild = (trained(square, 64)[1] for square in (CRITICAL, CHAOTIC, MORE_CHAOTIC))
    assert critical > 0.8
    assert wild < nearer < critical - 0.3
