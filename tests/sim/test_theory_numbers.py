"""Published theory as acceptance tests: factors per layer at initialisation, measured end to end.

Each number follows from the mean-field recursion ‖δ_l‖² = ‖δ_{l+1}‖²·σ_w²·E φ′(√q·z)², z ~ N(0, 1), with σ_w² = n·Var W
(Poole et al. 2016; Schoenholz et al. 2017), or stands in the paper named. Finite width scatters ln‖δ‖ from seed to
seed, so seeds are averaged; the tolerances are several times the scatter of that mean.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from gradflow.sim.config import Experiment, edit
from gradflow.sim.snapshot import Stat
from gradflow.sim.trainer import Trainer


@cache
def profile(
    norm: Stat,
    activation: str,
    scheme: str,
    depth: int,
    width: int,
    seeds: int,
    slope: float = 0.01,
    scale: float = 1.0,
) -> np.ndarray:
    """Return log₁₀ of a norm in the hidden layers at step 0, averaged over seeds."""
    changes = {
        "data.name": "digits",
        "data.samples": 200,
        "network.activation": activation,
        "network.negative_slope": slope,
        "network.depth": depth,
        "network.width": width,
        "init.scheme": scheme,
        "init.scale": scale,
        "training.batch_size": 32,
    }
    runs = (Trainer(edit(Experiment(), changes | {"seed": seed})) for seed in range(seeds))
    return np.mean([np.log10(run.preview().stat(norm)[:-1]) for run in runs], axis=0)


def decades_per_layer(curve: np.ndarray, first: int = 2) -> float:
    """Return the slope towards the output, fitted over the layers from `first` on; positive means vanishing."""
    return float(np.polyfit(np.arange(len(curve) - first + 1), curve[first - 1 :], 1)[0])


def test_relu_with_he_keeps_the_gradient_at_a_factor_of_one_per_layer() -> None:
    """He et al. 2015: ½·n·Var W = 1. A factor of ½ on the norm instead of its square would read 0.707 here."""
    slope = decades_per_layer(profile(Stat.DELTA, "relu", "he-normal", depth=20, width=256, seeds=6))
    assert 10**-slope == pytest.approx(1.00, abs=0.02)


def test_relu_with_xavier_loses_a_factor_of_root_two_per_layer() -> None:
    """He et al. 2015: without the 2 each rectifier halves the variance: √½ = 0.707 on the norm."""
    slope = decades_per_layer(profile(Stat.DELTA, "relu", "xavier-normal", depth=20, width=256, seeds=6))
    assert 10**-slope == pytest.approx(math.sqrt(0.5), rel=0.02)


@pytest.mark.parametrize("a", [0.25, 0.5])
def test_leaky_relu_with_he_keeps_the_gradient_whatever_the_slope(a: float) -> None:
    """He et al. 2015, eq. 15. The wrong gain 2/(1+a)² would lose a factor of 0.82 (a = ¼) or 0.745 (a = ½)."""
    slope = decades_per_layer(profile(Stat.DELTA, "leaky-relu", "he-normal", depth=20, width=200, seeds=6, slope=a))
    assert 10**-slope == pytest.approx(1.00, abs=0.02)


def test_uniform_weights_do_as_normal_ones_only_the_variance_enters() -> None:
    slope = decades_per_layer(profile(Stat.DELTA, "relu", "he-uniform", depth=20, width=256, seeds=6))
    assert 10**-slope == pytest.approx(1.00, abs=0.02)


def test_sigmoid_with_xavier_loses_0_627_decades_per_layer() -> None:
    """A22. Mean-field theory at σ_w² = 1: q* = .2647, √E φ′² = .2361."""
    slope = decades_per_layer(profile(Stat.DELTA, "sigmoid", "xavier-normal", depth=10, width=300, seeds=6))
    assert slope == pytest.approx(0.627, abs=0.01)


def test_tanh_with_the_standard_initialisation_loses_half_a_factor_three_per_layer() -> None:
    """Glorot & Bengio 2010, eq. 15: n·Var W = 1/3, hence ½·log₁₀ 3 = .2386 decades where tanh is linear."""
    slope = decades_per_layer(profile(Stat.DELTA, "tanh", "standard-uniform", depth=30, width=200, seeds=4), first=8)
    assert slope == pytest.approx(math.log10(3) / 2, abs=0.01)


def test_deep_linear_network_multiplies_by_the_init_scale() -> None:
    """σ_w² = scale² and φ′ = 1: each layer passes on exactly `scale` of the norm, on average."""
    for scale in (0.5, 1.0, 2.0):
        curve = profile(Stat.DELTA, "identity", "lecun-normal", depth=20, width=200, seeds=4, scale=scale)
        assert 10 ** -decades_per_layer(curve) == pytest.approx(scale, rel=0.03)


def test_tanh_beyond_the_critical_point_explodes() -> None:
    """Schoenholz et al. 2017: at σ_w² = 4, σ_b = 0 the map is chaotic, χ₁ > 1."""
    assert (
        decades_per_layer(profile(Stat.DELTA, "tanh", "xavier-normal", depth=30, width=150, seeds=4, scale=2.0)) < -0.05
    )


@pytest.mark.parametrize("scheme", ["xavier-normal", "standard-uniform"])
def test_weight_gradients_of_relu_stay_level_while_delta_vanishes(scheme: str) -> None:
    """Glorot & Bengio 2010, eq. 14: what backward decay takes from δ, forward decay has left in a. δ must be shown."""
    delta = profile(Stat.DELTA, "relu", scheme, depth=20, width=256, seeds=6)
    weights = profile(Stat.WEIGHT_GRAD, "relu", scheme, depth=20, width=256, seeds=6)
    assert decades_per_layer(delta) > 0.14
    assert decades_per_layer(weights) == pytest.approx(0.0, abs=0.012)


def test_bias_gradients_vanish_with_delta() -> None:
    bias = profile(Stat.BIAS_GRAD, "relu", "xavier-normal", depth=20, width=256, seeds=6)
    assert decades_per_layer(bias) > 0.14
