"""Orthogonal weights and dynamical isometry: singular values of the whole network, and what depth does to learning.

Saxe, McClelland & Ganguli 2013 for deep linear networks; Pennington, Schoenholz & Ganguli 2017 for the spectrum of the
input–output Jacobian, by free probability. The Jacobian is the engine's own: backprop of one unit vector per sample.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from literature_kit import Array, drawn, draws, hidden, init, measured
from scipy.linalg import svdvals

from gradflow.engine.activations import Tanh
from gradflow.engine.losses import MeanSquaredError
from gradflow.engine.network import LayerSpec
from gradflow.engine.optimizers import SGD, Hyper
from gradflow.engine.update import Update
from gradflow.sim.snapshot import Stat
from gradflow.theory.maps import phase
from gradflow.theory.moments import moments_of

slow = pytest.mark.slow
WIDTH = 400

# Spectra


class Start(NamedTuple):
    """σ_w², σ_b² and the mean square of the inputs, under which q stays where it is."""

    square: float
    bias_square: float = 0.0
    x_square: float = 1.0


def near_the_origin() -> Start:
    """Return the critical point of tanh with σ_w² = 1.05, near enough to 0 that the network is almost linear."""
    square, bias_square = 1.05, 2.0105e-5
    q = phase(moments_of(Tanh()), square, bias_square).length
    return Start(square, bias_square, (q - bias_square) / square)


def singular_values(activation: str, scheme: str, depth: int, start: Start, count: int = 1) -> list[Array]:
    """Return those of ∂a_L/∂x at one input: `depth` layers of linear part and φ, behind one that is the identity."""
    stem = LayerSpec(WIDTH, init=init("identity"))
    specs = [stem, *hidden(depth, WIDTH, activation)]
    found = []
    for network in draws(count, WIDTH, specs, init(scheme, start.square, start.bias_square), batch=WIDTH):
        network.input.value[:] = math.sqrt(start.x_square) * network.input.value[0]
        network.loss.targets[:] = np.eye(WIDTH)
        network.forward()
        network.backward()
        found.append(np.asarray(svdvals(network.layers[0].linear.grad)))
    return found


def spread(singular: Array) -> float:
    """Return Var s²/(mean s²)²."""
    return float((singular**2).var() / (singular**2).mean() ** 2)


@pytest.mark.parametrize(
    ("depth", "largest", "variance", "count"),
    [
        (4, 1.081, 0.017, 3),
        pytest.param(16, 1.214, 0.068, 3, marks=slow),
        pytest.param(64, 1.517, 0.273, 3, marks=slow),
        pytest.param(128, 1.791, 0.546, 6, marks=slow),
    ],
)
def test_orthogonal_tanh_networks_are_nearly_isometric(depth: int, largest: float, variance: float, count: int) -> None:
    """A11: at σ_w² = 1.05 even 128 layers stretch no direction by more than 1.8; Gaussian weights reach 3.5 in four."""
    found = singular_values("tanh", "orthogonal", depth, near_the_origin(), count)
    assert np.mean([singular.max() for singular in found]) == pytest.approx(largest, rel=0.02)
    assert np.mean([spread(singular) for singular in found]) == pytest.approx(variance, rel=0.07)


@pytest.mark.parametrize(
    ("activation", "scheme", "start", "largest", "variance"),
    [
        ("identity", "lecun-normal", Start(1.0), 3.49, 4.0),
        ("relu", "lecun-normal", Start(2.0), 4.68, 8.0),
        ("relu", "orthogonal", Start(2.0), 3.08, 4.0),
        ("tanh", "lecun-normal", near_the_origin(), 3.50, 4.02),
    ],
    ids=["linear-gaussian", "relu-gaussian", "relu-orthogonal", "tanh-gaussian"],
)
def test_four_other_layers_are_far_from_isometric(
    activation: str, scheme: str, start: Start, largest: float, variance: float
) -> None:
    """Var s²/mean² grows by 1 per Gaussian layer and by 1 per rectifier."""
    found = singular_values(activation, scheme, 4, start, count=4)
    assert np.mean([singular.max() for singular in found]) == pytest.approx(largest, rel=0.07)
    assert np.mean([spread(singular) for singular in found]) == pytest.approx(variance, rel=0.07)


@slow
def test_sixteen_rectifiers_are_not_isometric_even_with_orthogonal_weights() -> None:
    """A12: Var s²/mean² = L, and the largest s² is L^L/(L−1)^(L−1) = 42."""
    found = singular_values("relu", "orthogonal", 16, Start(2.0), count=6)
    assert np.mean([spread(singular) for singular in found]) == pytest.approx(16.0, rel=0.15)
    assert math.sqrt(16.0**16 / 15.0**15) == pytest.approx(6.49, abs=0.005)
    assert np.mean([singular.max() for singular in found]) == pytest.approx(6.49, rel=0.15)


@pytest.mark.parametrize("depth", [4, 16])
def test_orthogonal_linear_networks_are_isometric_to_the_last_digits(depth: int) -> None:
    (singular,) = singular_values("identity", "orthogonal", depth, Start(1.0))
    np.testing.assert_allclose(singular, 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("depth", [1, 10, 500])
def test_orthogonal_linear_layers_keep_the_norms_of_signal_and_gradient_exactly(depth: int) -> None:
    network = drawn(48, hidden(depth + 1, 48, "identity"), init("orthogonal"), 0, batch=5)
    read = measured(network)
    for stat in (Stat.DELTA, Stat.ACTIVATION):
        norms = read(stat)
        np.testing.assert_allclose(norms[1:] / norms[:-1], 1.0, rtol=0, atol=1e-12)
        assert norms[-1] / norms[0] == pytest.approx(1.0, abs=depth * 1e-14 + 1e-13)
    # Every sample by itself, too.
    first, last = (np.linalg.norm(network.layers[i].linear.grad, axis=1) for i in (0, -1))
    np.testing.assert_allclose(first, last, rtol=1e-12)


def test_gaussian_linear_layers_keep_norms_only_on_average() -> None:
    """Var ln‖δ‖² grows by 2/n per layer: fifty layers of 48 units scatter by a factor of two."""
    networks = draws(30, 48, hidden(51, 48, "identity"), init("lecun-normal"))
    norms = [measured(network)(Stat.DELTA) for network in networks]
    gains = [2 * math.log(norm[0] / norm[-1]) for norm in norms]
    assert np.var(gains) == pytest.approx(50 * 2 / 48, rel=0.5)


# Learning


@cache
def steps_to_one_percent(depth: int, scheme: str, most: int = 300) -> int:
    """Return how many steps a deep linear network takes to 1 % of its first loss, at the best of many rates.

    The inputs are white and the target is a linear map. `most` + 1 stands for more than `most`.
    """
    width, outputs = 64, 10
    best = most + 1
    for halvings in range(8):
        rng = np.random.default_rng(0)
        specs = [*hidden(depth, width, "identity"), LayerSpec(outputs)]
        network = drawn(width, specs, init(scheme), rng, width, MeanSquaredError)
        network.input.value[:] = math.sqrt(width) * np.eye(width)
        network.loss.targets[:] = math.sqrt(width) * rng.standard_normal((width, outputs)) / math.sqrt(width)
        update = Update(network.master, network.gradients, SGD(network.master.size))
        # The curvature of the loss, a mean over the outputs, is about 2·layers/outputs; stability ends at 2 over it.
        rate = 2.0**-halvings * outputs / (depth + 1)
        loss = first = network.forward()
        for step in range(1, best):
            with np.errstate(all="ignore"):
                network.backward()
                update.prepare(Hyper(), math.nan)
                update.take(rate)
                loss = network.forward()
            if loss < 0.01 * first:
                best = step
                break
            if not loss < 100.0 * first:
                break
    return best


@slow
def test_orthogonal_networks_learn_in_the_same_time_at_any_depth() -> None:
    """A13. Saxe et al. 2013: 48 layers take no more than 2.5 times as many steps as 4."""
    assert steps_to_one_percent(48, "orthogonal") < 2.5 * steps_to_one_percent(4, "orthogonal")


@slow
def test_gaussian_networks_need_ten_times_as_long_at_twelve_times_the_depth() -> None:
    """A13."""
    shallow = steps_to_one_percent(4, "lecun-normal")
    assert shallow <= 30
    assert steps_to_one_percent(48, "lecun-normal", most=10 * shallow) > 10 * shallow
