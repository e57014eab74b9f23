"""Finite width: how much the gradient differs from one draw of the weights to the next.

Hanin & Nica 2018; Hanin 2018: in a rectifier network at He's initialisation ln‖∂L/∂W‖² is nearly normal, and its
variance grows with Σ 1/n over the hidden layers, whatever their order.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from literature_kit import Array, drawn, draws, hidden, init, measured, theory
from recursion_kit import follow
from scipy.special import digamma, polygamma
from scipy.stats import binom

from gradflow.engine.activations import make_activation
from gradflow.engine.network import LayerSpec
from gradflow.sim.snapshot import Stat
from gradflow.theory.finite_width import RandomLayer
from gradflow.theory.moments import moments_of

WIDTHS = {"16x64": (64,) * 16, "8x32": (32,) * 8, "2x16-32-64-128": (16, 32, 64, 128) * 2}
of_widths = pytest.mark.parametrize(
    ("name", "beta", "variance"),
    [("16x64", 0.25, 1.328), ("8x32", 0.25, 1.420), ("2x16-32-64-128", 0.234375, 1.441)],
)


def exact(units: int) -> float:
    """Return Var ln of what one layer of rectifiers does to ‖δ‖²: a χ² with as many degrees as units are active."""
    active = np.arange(1, units + 1)
    chance = binom.pmf(active, units, 0.5)
    chance /= chance.sum()
    mean = digamma(active / 2)
    return float(chance @ polygamma(1, active / 2) + chance @ mean**2 - (chance @ mean) ** 2)


def logarithms(widths: tuple[int, ...], draws: int) -> Array:
    """Return ln‖∂L/∂W‖² of the first layer for many draws, without the rare ones in which a layer is dead."""
    rng = np.random.default_rng(0)
    specs = [*(LayerSpec(width, make_activation("relu")) for width in widths), LayerSpec(10)]
    network = drawn(widths[0], specs, init("he-normal"), rng)
    found = []
    for _ in range(draws):
        network.initialize(rng)
        network.forward()
        network.backward()
        square = float(np.sum(network.layers[0].linear.W_grad ** 2))
        if square:
            found.append(math.log(square))
    assert len(found) > 0.999 * draws
    return np.array(found)


@of_widths
def test_variance_is_about_five_times_the_sum_of_one_over_n(name: str, beta: float, variance: float) -> None:
    """A14. The band's 5·Σ 1/n is the first order of the exact sum, which narrow layers exceed by some per cent."""
    layers = [RandomLayer(width, 2.0, 0.0, moments_of(make_activation("relu"))) for width in WIDTHS[name]]
    found = follow(1.0, WIDTHS[name][0], [*layers, RandomLayer(10, 2.0, 0.0, moments_of(None))])
    assert found.weight_grad_variance[0] == pytest.approx(5 * beta, rel=1e-12)
    assert sum(1 / width for width in WIDTHS[name]) == pytest.approx(beta, rel=1e-12)
    assert sum(exact(width) for width in WIDTHS[name]) == pytest.approx(variance, abs=6e-4)
    assert 5 * beta < variance < 6.2 * beta


@pytest.mark.slow
@of_widths
def test_networks_scatter_as_much(name: str, beta: float, variance: float) -> None:
    """A14. The mean of ln‖·‖² lies ½·Var below the ln of the mean: the typical gradient is the smaller one."""
    found = logarithms(WIDTHS[name], 3000)
    assert found.var(ddof=1) == pytest.approx(variance, rel=0.12)
    # A normal distribution has no third cumulant.
    assert abs(np.mean((found - found.mean()) ** 3)) < 0.6 * found.std() ** 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "square", "bias_square"),
    [
        ("identity", 1.0, 0.0),
        ("relu", 2.0, 0.0),
        ("tanh", 1.0, 0.0),
        ("tanh", 1.760955, 0.05),
        ("tanh", 4.0, 0.05),
        ("sigmoid", 16.0, 0.0),
        ("selu", 1.0, 0.0),
        ("gelu", 2.0, 0.0),
    ],
)
def test_the_band_is_as_wide_as_networks_scatter(activation: str, square: float, bias_square: float) -> None:
    """Any activation: the deviations of ln‖δ_1‖ and ln‖∂L/∂W_1‖ over twenty layers, within three of their own.

    GELU at He's initialisation differs from draw to draw by a factor of four: its length map amplifies noise.
    """
    width, depth, count = 200, 20, 80
    function = make_activation(activation)
    networks = draws(
        count, width, [*hidden(depth - 1, width, function), LayerSpec(width)], init("lecun-normal", square, bias_square)
    )
    norms = np.array([[read(Stat.DELTA)[0], read(Stat.WEIGHT_GRAD)[0]] for read in map(measured, networks)])
    band = theory(function, depth, square, bias_square, width)
    expected = np.sqrt([band.delta_variance[0], band.weight_grad_variance[0]]) / 2
    np.testing.assert_allclose(np.log(norms).std(axis=0, ddof=1), expected, rtol=3 / math.sqrt(2 * count))
