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
    theory,
    train,
)

from gradflow.engine.activations import Tanh, make_activation
from gradflow.engine.losses import SoftmaxCrossEntropy
from gradflow.engine.network import LayerSpec
from gradflow.sim.snapshot import Stat
from gradflow.theory.maps import phase
from gradflow.theory.moments import moments_of

slow = pytest.mark.slow

# Slopes over forty layers


class Setting(NamedTuple):
    """An activation with σ_w² and σ_b²; the theory's slopes are tested against the published ones on their own."""

    activation: str
    square: float
    bias_square: float = 0.0
    negative_slope: float | None = None


SETTINGS = {
    "tanh-xavier": Setting("tanh", 1.0),
    "tanh-ordered": Setting("tanh", 1.0, 0.05),
    "tanh-critical": Setting("tanh", 1.760955, 0.05),
    "tanh-chaotic-2.5": Setting("tanh", 2.5, 0.05),
    "tanh-chaotic-4": Setting("tanh", 4.0, 0.05),
    "tanh-gain": Setting("tanh", 25 / 9),
    "tanh-standard": Setting("tanh", 1 / 3),
    "relu-he": Setting("relu", 2.0),
    "relu-xavier": Setting("relu", 1.0),
    "relu-standard": Setting("relu", 1 / 3),
    "relu-3": Setting("relu", 3.0),
    "leaky-he": Setting("leaky-relu", 2 / 1.04, 0.0, 0.2),
    "leaky-wrong": Setting("leaky-relu", 2 / 1.44, 0.0, 0.2),
    "sigmoid-xavier": Setting("sigmoid", 1.0),
    "sigmoid-16": Setting("sigmoid", 16.0),
    "sigmoid-critical": Setting("sigmoid", 103.008),
    "erf-critical": Setting("erf", 1.172962**2, 0.05),
    "selu-lecun": Setting("selu", 1.0),
    "gelu-he": Setting("gelu", 2.0),
    "silu-he": Setting("silu", 2.0),
    "softsign-critical": Setting("softsign", 1.772356**2, 0.05),
    "elu-critical": Setting("elu", 1.238434**2, 0.05),
    "mish-1": Setting("mish", 1.0, 0.1),
    "hard-sigmoid-9": Setting("hard-sigmoid", 9.0),
}
DEPTH, FIRST = 40, 11
"""Weight layers, and the one from which the slope is fitted."""

QUICK = ("tanh-ordered", "tanh-chaotic-4")


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=slow) for name in SETTINGS])
def test_networks_have_the_slopes_of_the_recursion(name: str) -> None:
    """A8. A vanishing δ need not show in ∂L/∂W: for rectifiers, its slope is 0 whatever the gain."""
    s, width = SETTINGS[name], 500
    function = make_activation(s.activation, s.negative_slope)
    networks = draws(
        3, width, [*hidden(DEPTH - 1, width, function), LayerSpec(width)], init("lecun-normal", s.square, s.bias_square)
    )
    reads = [measured(network) for network in networks]
    predicted = theory(function, DEPTH, s.square, s.bias_square)
    pairs = (Stat.DELTA, predicted.delta_norm), (Stat.WEIGHT_GRAD, predicted.weight_grad_norm)
    for stat, curve in pairs:
        found = np.mean([decades(read(stat), FIRST) for read in reads])
        assert found == pytest.approx(decades(curve, FIRST), abs=0.012)


@pytest.mark.parametrize(("activation", "square"), [("tanh", 1.0), ("relu", 1.0), ("sigmoid", 1.0), ("selu", 1.0)])
def test_weight_gradient_of_one_sample_is_delta_times_the_activations_below(activation: str, square: float) -> None:
    """∂L/∂W = δ·aᵀ has rank one, so that ‖∂L/∂W_l‖ = ‖δ_l‖·‖a_{l−1}‖ to the last digit."""
    read = measured(drawn(100, hidden(8, 100, activation), init(square=square), 0))
    below = np.append(10.0, read(Stat.ACTIVATION)[:-1])
    np.testing.assert_allclose(read(Stat.WEIGHT_GRAD), read(Stat.DELTA) * below, rtol=1e-12)
    np.testing.assert_allclose(read(Stat.BIAS_GRAD), read(Stat.DELTA), rtol=1e-12)


# Sigmoid


def test_ten_layers_of_sigmoid_lose_0_627_decades_each() -> None:
    """A22. Ten hidden layers of 800 units with Xavier: q* = 0.2647, √E φ′² = 0.2361; not ¼, the largest slope."""
    specs = [*hidden(10, 800, "sigmoid"), LayerSpec(10)]
    networks = draws(3, 784, specs, init("xavier-normal"))
    slopes = [decades(measured(network)(Stat.DELTA)[:-1]) for network in networks]
    assert np.mean(slopes) == pytest.approx(0.627, abs=0.01)


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
    """A10. tanh with σ_b² = .05: from a correlation of 0.6, what 24 layers make of it in the three phases."""
    width, found = 1000, []
    x_square = (phase(moments_of(Tanh()), square, 0.05).length - 0.05) / square
    for network in draws(5, width, hidden(24, width, "tanh"), init(square=square, bias_square=0.05), batch=2):
        correlate(network.input.value, 0.6)
        network.input.value[:] *= math.sqrt(x_square)
        network.forward()
        u, v = network.layers[-1].linear.value
        found.append(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))
    assert np.mean(found) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("square", [1.0, 1.3, 1.760955, 2.5, 4.0])
def test_network_settles_at_the_length_of_the_theory(square: float) -> None:
    """tanh with σ_b² = .05: the mean square of z stops changing, at q*."""
    network = drawn(600, hidden(12, 600, "tanh"), init(square=square, bias_square=0.05), 0, batch=4)
    network.forward()
    settled = [float(np.mean(layer.linear.value**2)) for layer in network.layers[6:]]
    assert np.mean(settled) == pytest.approx(phase(moments_of(Tanh()), square, 0.05).length, rel=0.08)


# How deep one can train

ORDERED, LESS_ORDERED, CRITICAL, CHAOTIC, MORE_CHAOTIC = 1.0, 1.3, 1.760955, 2.5, 4.0
"""σ_w² of tanh with σ_b² = .05."""


def test_signals_reach_further_near_criticality() -> None:
    """A9. Six times the depth ξ_c over which correlations fade: 22, 47, ∞, 71 and 42 layers."""
    settings = ORDERED, LESS_ORDERED, CRITICAL, CHAOTIC, MORE_CHAOTIC
    reach = [6 * phase(moments_of(Tanh()), square, 0.05).correlation_depth for square in settings]
    assert reach[2] > 1e6
    assert [reach[i] for i in (0, 1, 3, 4)] == pytest.approx([21.8, 47.0, 70.8, 41.9], rel=2e-3)


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
    """A9."""
    far = [trained(square, 32) for square in (LESS_ORDERED, CRITICAL, MORE_CHAOTIC)]
    assert min(accuracy for _, accuracy in far) > 0.98
    loss, _ = trained(ORDERED, 32)
    assert loss > 2.0 * max(loss for loss, _ in far)


@slow
def test_sixty_four_layers_learn_the_better_the_nearer_to_criticality_in_the_ordered_phase() -> None:
    """A9."""
    frozen, nearer, critical = (trained(square, 64)[1] for square in (ORDERED, LESS_ORDERED, CRITICAL))
    assert critical > 0.8
    assert frozen <= nearer < critical - 0.3


@slow
def test_sixty_four_layers_learn_the_better_the_nearer_to_criticality_in_the_chaotic_phase() -> None:
    """A9."""
    critical, nearer, wild = (trained(square, 64)[1] for square in (CRITICAL, CHAOTIC, MORE_CHAOTIC))
    assert critical > 0.8
    assert wild < nearer < critical - 0.3
