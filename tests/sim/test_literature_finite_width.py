"""Finite width: how much the gradient differs from one draw of the weights to the next.

Hanin & Nica 2018; Hanin 2018: in a rectifier network at He's initialisation ln‖∂L/∂W‖² is nearly normal, and its
variance grows with Σ 1/n over the hidden layers, whatever their order.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from literature_kit import Array, drawn, init
from scipy.special import digamma, polygamma
from scipy.stats import binom

from gradflow.engine.activations import make_activation
from gradflow.engine.network import LayerSpec

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
    assert sum(1 / width for width in WIDTHS[name]) == pytest.approx(beta, rel=1e-12)
    assert sum(exact(width) for width in WIDTHS[name]) == pytest.approx(variance, abs=6e-4)
    assert 5 * beta < variance < 6.2 * beta


@pytest.mark.slow
@of_widths
def test_networks_scatter_as_much(name: str, beta: float, variance: float) -> None:
    """The mean of ln‖·‖² lies ½·Var below the ln of the mean: the typical gradient is smaller than the mean one."""
    found = logarithms(WIDTHS[name], 3000)
    assert found.var(ddof=1) == pytest.approx(variance, rel=0.12)
    # A normal distribution has no third cumulant.
    assert abs(np.mean((found - found.mean()) ** 3)) < 0.6 * found.std() ** 3
