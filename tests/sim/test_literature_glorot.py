"""Glorot & Bengio 2010: what the standard and the normalised initialisation do to a tanh network of five layers.

Both are run as in the paper: 784 inputs, five hidden layers of 1000 units, ten classes. The paper shows histograms; the
numbers are those of its own variance recursion with the true slope of tanh, averaged over N(0, q) instead of set to 1.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from literature_kit import Array, decades, drawn, hidden, init, measured, phi
from scipy.linalg import svdvals

from gradflow.engine.activations import Tanh
from gradflow.engine.losses import SoftmaxCrossEntropy
from gradflow.engine.network import LayerSpec, Network
from gradflow.sim.snapshot import Stat
from gradflow.sim.statistics import STATISTICS
from gradflow.sim.subject import Subject

STANDARD, NORMALISED = "standard-uniform", "xavier-uniform"
BATCH, HIDDEN = 128, 5


def five_layers(scheme: str, seed: int) -> Network:
    """Return the paper's network with 128 samples of unit variance and random classes."""
    rng = np.random.default_rng(seed)
    network = drawn(784, [*hidden(HIDDEN, 1000, "tanh"), LayerSpec(10)], init(scheme), rng, BATCH, SoftmaxCrossEntropy)
    network.input.value[:] = rng.standard_normal(network.input.value.shape)
    network.loss.targets[:] = np.eye(10)[rng.integers(10, size=BATCH)]
    return network


@cache
def spreads(scheme: str) -> tuple[Array, Array, Array]:
    """Return the deviations of a, δ (per sample) and ∂L/∂W in the hidden layers, averaged over seeds."""
    runs = []
    for seed in range(2):
        network = five_layers(scheme, seed)
        read = measured(network)
        subject = Subject(network, lambda: np.empty(0))
        delta, weight_grad = (STATISTICS[name].part(subject)[:HIDDEN] for name in ("delta_rms", "gradient_rms"))
        runs.append((read(Stat.ACTIVATION_STD)[:HIDDEN], delta * BATCH, weight_grad))
    a, delta, weight_grad = np.mean(runs, axis=0)
    return a, delta, weight_grad


@pytest.mark.parametrize(
    ("scheme", "a"),
    [(STANDARD, [0.4598, 0.2492, 0.1411, 0.0809, 0.0466]), (NORMALISED, [0.6085, 0.4765, 0.4022, 0.3535, 0.3185])],
)
def test_activations_shrink_with_depth_less_so_when_normalised(scheme: str, a: list[float]) -> None:
    """A1. Fig. 6: a falls to a tenth over five layers with the standard initialisation, and to half when normalised."""
    found = spreads(scheme)[0]
    np.testing.assert_allclose(found, a, rtol=0.05)
    assert found[4] / found[0] == pytest.approx({STANDARD: 0.101, NORMALISED: 0.523}[scheme], rel=0.05)


@pytest.mark.parametrize(
    ("scheme", "delta"),
    [(STANDARD, [1.438, 3.049, 5.611, 9.912, 17.28]), (NORMALISED, [16.46, 23.55, 29.25, 34.16, 38.52])],
)
def test_back_propagated_gradients_shrink_towards_the_input(scheme: str, delta: list[float]) -> None:
    """A2. Fig. 7: the standard initialisation loses a factor of twelve from layer 5 to layer 1, the normalised two."""
    found = spreads(scheme)[1]
    np.testing.assert_allclose(found * 1e3, delta, rtol=0.08)
    assert found[0] / found[4] == pytest.approx({STANDARD: 0.083, NORMALISED: 0.427}[scheme], rel=0.08)


@pytest.mark.parametrize(("scheme", "most"), [(STANDARD, 1.1), (NORMALISED, 1.3)])
def test_weight_gradients_are_level_all_the_same(scheme: str, most: float) -> None:
    """A3. Fig. 8 and eq. 14: ∂L/∂W = δ·aᵀ, and what δ loses towards the input, a still has there."""
    _, delta, weight_grad = spreads(scheme)
    assert weight_grad.max() / weight_grad.min() < most
    assert delta.max() / delta.min() > 2.0


def test_weight_gradients_are_ten_times_smaller_with_the_standard_initialisation() -> None:
    """Eq. 14: the product of all n·Var W scales the gradient of every layer, and hides itself by doing so evenly."""
    expected = np.divide([14.59, 12.73, 12.39, 12.22, 12.11], [1.277, 1.247, 1.244, 1.243, 1.243])
    np.testing.assert_allclose(spreads(NORMALISED)[2] / spreads(STANDARD)[2], expected, rtol=0.08)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [(STANDARD, [0.460, 0.480, 0.487, 0.489]), (NORMALISED, [0.666, 0.722, 0.745, 0.759])],
)
def test_mean_singular_value_of_a_layer_is_a_half_or_near_0_8(scheme: str, expected: list[float]) -> None:
    """§4.2.2: "around 0.8" when normalised, 0.5 before. The quarter-circle law makes it 8/3π·√χ, χ = n·Var W·E φ′²."""
    network = five_layers(scheme, seed=0)
    network.resize(1)
    network.forward()
    slope_square = STATISTICS["slope_square"].part(Subject(network, lambda: np.empty(0)))
    for layer, published in zip(network.layers[1:HIDDEN], expected, strict=True):
        _, slope = phi(Tanh(), layer.linear.value)
        mean = svdvals(layer.linear.W * slope).mean()
        chi = 1000 * layer.linear.W.var() * slope_square[layer.number - 1]
        assert mean == pytest.approx(8 / (3 * math.pi) * math.sqrt(chi), rel=0.04)
        assert mean == pytest.approx(published, rel=0.04)


def test_mean_singular_value_of_a_normalised_layer_is_0_85_where_tanh_is_linear() -> None:
    """§4.2.2 in the linear regime, where φ′ = 1: 8/3π = 0.849."""
    network = five_layers(NORMALISED, seed=1)
    singular = svdvals(network.layers[1].linear.W)
    assert singular.mean() == pytest.approx(8 / (3 * math.pi), rel=0.01)
    assert singular.max() == pytest.approx(2.0, rel=0.02)


def test_linear_regime_multiplies_the_variance_by_n_var_w_both_ways() -> None:
    """Eqs. 5, 6 and 15: with inputs so small that tanh is linear, n·Var W = 1/3 takes √3 from the norms of a and δ."""
    network = drawn(600, hidden(10, 600, "tanh"), init(STANDARD), 0, batch=4)
    network.input.value[:] *= 1e-3
    read = measured(network)
    assert decades(read(Stat.ACTIVATION)) == pytest.approx(-math.log10(3) / 2, abs=0.01)
    assert decades(read(Stat.DELTA)) == pytest.approx(math.log10(3) / 2, abs=0.01)
