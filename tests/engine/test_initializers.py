"""Initialisers: the spread is the formula's, the draw has that spread, and seeds decide everything."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from engine_kit import small_network

from gradflow.engine.activations import make_activation
from gradflow.engine.initializers import INITIALIZERS, Fans, rectifier_gain, sample
from gradflow.engine.losses import LOSSES
from gradflow.engine.network import Init, LayerSpec, Network

every = pytest.mark.parametrize("scheme", INITIALIZERS)
RANDOM = [name for name, entry in INITIALIZERS.items() if entry.part(Fans(5, 7)).std > 0]
random_ones = pytest.mark.parametrize("scheme", RANDOM)

IN, OUT = 300, 200

# The published formulas, written out once more and independently: σ for n_in inputs, n_out outputs, the fan n that
# the mode selects, and a negative slope a.
SIGMA: dict[str, Callable[[int, int, int, float], float]] = {
    "zeros": lambda n_in, n_out, n, a: 0.0,
    "constant": lambda n_in, n_out, n, a: 0.0,
    "normal": lambda n_in, n_out, n, a: 1.0,
    "uniform": lambda n_in, n_out, n, a: math.sqrt(1 / 3),
    "standard-uniform": lambda n_in, n_out, n, a: math.sqrt(1 / (3 * n_in)),
    "lecun-normal": lambda n_in, n_out, n, a: math.sqrt(1 / n),
    "lecun-uniform": lambda n_in, n_out, n, a: math.sqrt(1 / n),
    "xavier-normal": lambda n_in, n_out, n, a: math.sqrt(2 / (n_in + n_out)),
    "xavier-uniform": lambda n_in, n_out, n, a: math.sqrt(2 / (n_in + n_out)),
    "he-normal": lambda n_in, n_out, n, a: math.sqrt(2 / ((1 + a**2) * n)),
    "he-uniform": lambda n_in, n_out, n, a: math.sqrt(2 / ((1 + a**2) * n)),
}
BOUND = {
    "uniform": 1.0,
    "standard-uniform": 1 / math.sqrt(IN),
    "lecun-uniform": math.sqrt(3 / IN),
    "xavier-uniform": math.sqrt(6 / (IN + OUT)),
    "he-uniform": math.sqrt(6 / IN),
}


@pytest.mark.parametrize("scheme", SIGMA)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_sigma_is_the_published_formula(scheme: str, mode: str, slope: float) -> None:
    n = IN if mode == "fan_in" else OUT
    spread = INITIALIZERS[scheme].part(Fans(IN, OUT, mode, slope))
    assert math.isclose(spread.std, SIGMA[scheme](IN, OUT, n, slope), rel_tol=1e-14)
    if spread.n is not None:
        assert math.isclose(spread.std, spread.gain / math.sqrt(spread.n), rel_tol=1e-14)


@every
def test_drawn_weights_have_the_spread_that_was_announced(scheme: str) -> None:
    """Mean 0 and deviation σ, within five standard errors of n draws."""
    fans = Fans(IN, OUT)
    spread = INITIALIZERS[scheme].part(fans)
    W = sample(spread, fans, np.random.default_rng(0))
    assert W.shape == (IN, OUT)
    if spread.std == 0.0:
        assert (spread.gain == W).all()
        return
    # Var of a sample deviation is σ²(κ−1)/4n, with κ = E x⁴/σ⁴: 3 for the normal, 9/5 for the uniform distribution.
    kurtosis = {"normal": 3.0, "uniform": 1.8}[spread.distribution]
    assert abs(W.mean()) <= 5 * spread.std / math.sqrt(W.size)
    assert abs(W.std() - spread.std) <= 5 * spread.std * math.sqrt((kurtosis - 1) / (4 * W.size))
    assert abs((W**4).mean() / W.std() ** 4 - kurtosis) < 0.15, "the shape is the one announced, too"


@pytest.mark.parametrize("scheme", BOUND)
def test_uniform_schemes_fill_their_interval_and_stay_inside(scheme: str) -> None:
    fans = Fans(IN, OUT)
    largest = np.abs(sample(INITIALIZERS[scheme].part(fans), fans, np.random.default_rng(0))).max()
    # P(none of 60 000 above 0.9995·bound) = 0.9995^60000 ≈ 1e-13.
    assert 0.9995 * BOUND[scheme] < largest <= BOUND[scheme] * (1 + 1e-15)


@random_ones
def test_same_seed_same_weights_and_another_seed_others(scheme: str) -> None:
    fans = Fans(6, 4)
    one, again, other = (
        sample(INITIALIZERS[scheme].part(fans), fans, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@random_ones
def test_no_two_units_start_alike(scheme: str) -> None:
    """Equal units would receive equal gradients and stay equal for ever: symmetry must be broken."""
    for layer in small_network(scheme=scheme, inputs=4, width=9).layers:
        assert len(np.unique(layer.dense.W, axis=1).T) == layer.dense.units
        assert len(np.unique(layer.dense.W)) == layer.dense.W.size


@pytest.mark.parametrize("scheme", sorted(set(INITIALIZERS) - set(RANDOM)))
def test_constant_schemes_say_in_their_tooltip_that_units_stay_equal(scheme: str) -> None:
    assert "All units of a layer" in INITIALIZERS[scheme].doc


@every
@pytest.mark.parametrize("scale", [1e-6, 0.72, 3.0, 1e6])
def test_scale_multiplies_every_weight_exactly_and_no_bias(scheme: str, scale: float) -> None:
    plain, scaled = small_network(scheme=scheme), small_network(scheme=scheme, scale=scale)
    for one, other in zip(plain.layers, scaled.layers, strict=True):
        np.testing.assert_array_equal(other.dense.W, one.dense.W * scale)
        np.testing.assert_array_equal(other.dense.b, one.dense.b)


def test_bias_scale_is_the_deviation_of_the_biases_and_zero_means_exactly_zero() -> None:
    wide = small_network(width=4000, skips=[None], bias_scale=0.3)
    assert wide.layers[0].dense.b.std() == pytest.approx(0.3, rel=5 / math.sqrt(8000))
    assert not small_network(bias_scale=0.0).layers[0].dense.b.any()


@pytest.mark.parametrize("a", [0.01, 0.25, 0.5])
def test_he_gain_has_one_plus_a_squared_not_one_plus_a_all_squared(a: float) -> None:
    """He et al. 2015, eq. 15: ½(1+a²)·n·Var W = 1. At a = 0.01 the wrong formula is only 1 % off and easily missed."""
    assert math.isclose(rectifier_gain(a) ** 2 * (1 + a**2), 2.0, rel_tol=1e-14)
    assert not math.isclose(rectifier_gain(a) ** 2 * (1 + a) ** 2, 2.0, rel_tol=1e-3)


def test_negative_slope_reaches_the_scheme_only_through_a_leaky_rectifier() -> None:
    for name, slope in (("relu", 0.0), ("tanh", 0.0), ("leaky-relu", 0.5)):
        network = small_network(name, "he-normal", negative_slope=0.5)
        assert network.layers[1].spread.gain == rectifier_gain(slope)
        assert network.layers[-1].spread.gain == rectifier_gain(0.0), "the output layer is linear"


@random_ones
def test_deeper_network_starts_with_the_layers_of_a_shallower_one(scheme: str) -> None:
    """Dragging the depth adds layers at the end and redraws none before."""
    shallow, deep = small_network(scheme=scheme, skips=[None] * 3), small_network(scheme=scheme, skips=[None] * 8)
    for one, other in zip(shallow.layers[:-1], deep.layers, strict=False):
        np.testing.assert_array_equal(one.dense.W, other.dense.W)
        np.testing.assert_array_equal(one.dense.b, other.dense.b)


def test_fan_out_counts_the_outputs_of_each_layer() -> None:
    specs = [LayerSpec(8, make_activation("relu")), LayerSpec(2, None)]
    init = Init(INITIALIZERS["he-normal"].part, mode="fan_out")
    network = Network(3, specs, LOSSES["mean-squared-error"].part, init, np.random.default_rng(0))
    assert [layer.spread.n for layer in network.layers] == [8, 2]
