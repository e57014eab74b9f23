"""One sample through many layers: the published slopes and sizes, any widths, and the band of finite width."""

from __future__ import annotations

import math

import numpy as np
import pytest
from theory_kit import NAMES, Array, of

from gradflow.theory.maps import phase
from gradflow.theory.moments import moments_of
from gradflow.theory.recursion import RandomLayer, Recursion, follow


def equal(
    name: str,
    depth: int,
    square: float,
    bias_square: float = 0.0,
    width: int = 1000,
    negative_slope: float | None = None,
    input_square: float = 1.0,
) -> Recursion:
    """Return `depth` layers as wide as the input, the last one linear."""
    layers = [RandomLayer(width, square, bias_square, of(name, negative_slope))] * (depth - 1)
    return follow(input_square, width, [*layers, RandomLayer(width, square, bias_square, moments_of(None))])


def slope(norms: Array, first: int = 11) -> float:
    """Return decades per layer towards the output, fitted over the layers from `first` on."""
    curve = np.log10(norms)[first - 1 :]
    return float(np.polyfit(np.arange(len(curve)), curve, 1)[0])


# 40 layers: σ_w², σ_b², the slopes of ‖δ‖ and ‖∂W‖, and log₁₀ ‖δ_1‖/‖δ_40‖
SLOPES = {
    "tanh Xavier": ("tanh", None, 1.0, 0.0, 0.0097, -0.0001, -0.87),
    "tanh ordered": ("tanh", None, 1.0, 0.05, 0.0599, 0.0599, -2.54),
    "tanh critical": ("tanh", None, 1.760955, 0.05, 0.0, 0.0, -0.17),
    "tanh chaotic 2.5": ("tanh", None, 2.5, 0.05, -0.0272, -0.0272, 0.94),
    "tanh chaotic 4": ("tanh", None, 4.0, 0.05, -0.0639, -0.0639, 2.41),
    "tanh torch gain": ("tanh", None, 25 / 9, 0.0, -0.0414, -0.0414, 1.49),
    "tanh standard": ("tanh", None, 1 / 3, 0.0, 0.2386, 0.0, -9.43),
    "relu He": ("relu", None, 2.0, 0.0, 0.0, 0.0, 0.0),
    "relu Xavier": ("relu", None, 1.0, 0.0, 0.1505, 0.0, -5.87),
    "relu torch": ("relu", None, 1 / 3, 0.0, 0.3891, 0.0, -15.17),
    "relu 3": ("relu", None, 3.0, 0.0, -0.0881, 0.0, 3.43),
    "leaky He": ("leaky-relu", 0.2, 2 / 1.04, 0.0, 0.0, 0.0, 0.0),
    "leaky wrong": ("leaky-relu", 0.2, 2 / 1.44, 0.0, 0.0707, 0.0, -2.76),
    "sigmoid Xavier": ("sigmoid", None, 1.0, 0.0, 0.6270, 0.6270, -24.50),
    "sigmoid 16": ("sigmoid", None, 16.0, 0.0, 0.1996, 0.1996, -7.89),
    "sigmoid critical": ("sigmoid", None, 103.008, 0.0, 0.0, 0.0, -0.09),
    "erf critical": ("erf", None, 1.172962**2, 0.05, 0.0, 0.0, -0.14),
    "selu LeCun": ("selu", None, 1.0, 0.0, -0.0150, -0.0150, 0.59),
    "gelu He": ("gelu", None, 2.0, 0.0, 0.1419, -0.0017, -4.06),
    "silu He": ("silu", None, 2.0, 0.0, 0.1504, 0.0, -5.23),
}


@pytest.mark.parametrize("case", SLOPES)
def test_slopes_and_sizes_are_those_of_the_table(case: str) -> None:
    """A8, the theory's side: 40 layers, slopes over the layers from 11 on."""
    name, negative_slope, square, bias_square, delta, weight_grad, ratio = SLOPES[case]
    found = equal(name, 40, square, bias_square, negative_slope=negative_slope)
    assert slope(found.delta_norm) == pytest.approx(delta, abs=1.1e-4)
    assert slope(found.weight_grad_norm) == pytest.approx(weight_grad, abs=1.6e-4)
    assert math.log10(found.delta_norm[0]) == pytest.approx(ratio, abs=5.1e-3)


@pytest.mark.parametrize(("depth", "decades"), [(5, 2.56), (10, 5.69), (20, 11.96)])
def test_a_sigmoid_classifier_loses_decades(depth: int, decades: float) -> None:
    """784–512…–10 with N(0, 1)/√n: ‖δ_1‖/‖δ_L‖ of `depth` weight layers. True Xavier's wide output is 10^.14 milder."""
    hidden = [RandomLayer(512, 1.0, 0.0, of("sigmoid"))] * (depth - 1)
    found = follow(1.0, 784, [*hidden, RandomLayer(10, 1.0, 0.0, moments_of(None))])
    assert math.log10(found.delta_norm[0]) == pytest.approx(-decades, abs=5e-3)


def test_widths_do_not_matter_to_the_norm_of_delta_but_to_that_of_the_weight_gradient() -> None:
    """With fan-in scaling the norm recursion has no widths in it; ‖∂W‖² = ‖δ‖²·n·k has those below."""
    widths = (30, 500, 7, 200)
    wide = equal("tanh", 5, 1.5, 0.1)
    layers = [RandomLayer(width, 1.5, 0.1, of("tanh")) for width in widths]
    found = follow(1.0, 64, [*layers, RandomLayer(10, 1.5, 0.1, moments_of(None))])
    np.testing.assert_allclose(found.delta_norm, wide.delta_norm, rtol=1e-14)
    below = np.sqrt(np.array([64, *widths]) / 1000.0)
    np.testing.assert_allclose(found.weight_grad_norm, wide.weight_grad_norm * below, rtol=1e-14)


def test_weight_gradients_of_rectifiers_are_level_whatever_the_gain() -> None:
    """Glorot & Bengio 2010, eq. 14: what δ loses on the way back, a has lost on the way there."""
    for square in (0.1, 1.0, 2.0, 5.0):
        found = equal("relu", 30, square)
        np.testing.assert_allclose(found.weight_grad_norm, found.weight_grad_norm[0], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_deep_networks_multiply_by_the_factor_of_their_phase(name: str) -> None:
    square, bias_square = 1.3, 0.1
    found, settled = equal(name, 200, square, bias_square), phase(of(name), square, bias_square)
    if settled.length < math.inf:
        assert found.q[150] == pytest.approx(settled.length, rel=1e-6)
    assert found.factor[150] == pytest.approx(settled.chi, rel=1e-6)


# Glorot & Bengio's network: 784–5 × 1000–10, tanh, unit inputs
GLOROT = {
    "standard": ([1 / 3] * 6, [0.4598, 0.2492, 0.1411, 0.0809, 0.0466], 0.101, 0.083),
    "normalised": (
        [2 * 784 / 1784, *[1.0] * 4, 2 * 1000 / 1010],
        [0.6085, 0.4765, 0.4022, 0.3535, 0.3185],
        0.523,
        0.427,
    ),
}


@pytest.mark.parametrize("case", GLOROT)
def test_the_five_layers_of_glorot_and_bengio(case: str) -> None:
    """A1, A2 and A4, the theory's side: std of a and δ by layer, and the mean singular value 8/3π·√χ of a layer."""
    squares, a, a_ratio, delta_ratio = GLOROT[case]
    widths = [1000] * 5 + [10]
    layers = [
        RandomLayer(width, square, 0.0, moments_of(None) if width == 10 else of("tanh"))
        for width, square in zip(widths, squares, strict=True)
    ]
    found = follow(1.0, 784, layers)
    std = np.sqrt(found.k[:5])
    # The table's inputs are drawn, and some are longer than others.
    np.testing.assert_allclose(std, a, rtol=2e-3)
    assert std[4] / std[0] == pytest.approx(a_ratio, abs=6e-4)
    assert found.delta_norm[0] / found.delta_norm[4] == pytest.approx(delta_ratio, rel=6e-3)
    chi = np.array(squares[1:5]) * np.asarray(of("tanh").slope(found.q[1:5]))
    published = {"standard": [0.460, 0.480, 0.487, 0.489], "normalised": [0.666, 0.722, 0.745, 0.759]}[case]
    np.testing.assert_allclose(8 / (3 * math.pi) * np.sqrt(chi), published, rtol=0.04)


# The band

# N = 200, L = 20: the standard deviation of ln ‖δ_1‖²
BAND = {
    "linear": ("identity", 1.0, 0.0, 0.436),
    "relu He": ("relu", 2.0, 0.0, 0.689),
    "tanh Xavier": ("tanh", 1.0, 0.0, 0.513),
    "tanh critical": ("tanh", 1.760955, 0.05, 0.620),
    "tanh chaotic": ("tanh", 4.0, 0.05, 0.780),
    "sigmoid 16": ("sigmoid", 16.0, 0.0, 0.687),
    "selu LeCun": ("selu", 1.0, 0.0, 0.613),
    "gelu He": ("gelu", 2.0, 0.0, 2.93),
    "silu doubly critical": ("silu", 1.98800468, 0.55514317, 0.97),
}


@pytest.mark.parametrize("case", BAND)
def test_bands_are_those_of_the_table(case: str) -> None:
    name, square, bias_square, deviation = BAND[case]
    found = equal(name, 20, square, bias_square, width=200)
    assert math.sqrt(found.delta_variance[0]) == pytest.approx(deviation, abs=6e-4 if deviation < 0.9 else 6e-3)


def test_band_of_rectifiers_is_five_times_the_sum_of_one_over_n() -> None:
    """A14, the theory's side; Hanin & Nica 2018: the order of the widths does not matter to ∂W of the first layer."""
    for widths in ((64,) * 16, (32,) * 8, (16, 32, 64, 128) * 2, (128, 16, 64, 32, 16, 32, 64, 128)):
        layers = [RandomLayer(width, 2.0, 0.0, of("relu")) for width in widths]
        found = follow(1.0, 50, [*layers, RandomLayer(10, 2.0, 0.0, moments_of(None))])
        remaining = np.cumsum(1.0 / np.array(widths[::-1]))[::-1]
        np.testing.assert_allclose(found.delta_variance[:-1], 5.0 * remaining, rtol=1e-12)
        np.testing.assert_allclose(found.weight_grad_variance, 5.0 * remaining[0], rtol=1e-12)
        assert found.delta_variance[-1] == 0.0


def test_band_agrees_with_the_sum_it_is_the_recursion_of() -> None:
    """Var ln‖δ_l‖² = Σ_i [c_i²·V_η + 2·c_i·C + V_ζ]/n_i, with c_i summed over all the layers above."""
    rng = np.random.default_rng(0)
    widths = rng.integers(20, 200, 9)
    layers = [
        RandomLayer(int(n), float(rng.uniform(0.5, 4.0)), float(rng.uniform(0.0, 0.3)), of(name))
        for n, name in zip(
            widths, ["tanh", "gelu", "selu", "sigmoid", "relu", "silu", "erf", "elu", "mish"], strict=True
        )
    ]
    found = follow(0.7, 50, [*layers, RandomLayer(10, 1.0, 0.1, moments_of(None))])
    m = [layer.moments for layer in layers]
    q, k = found.q, found.k
    s = [q[j] * m[j].value_growth(q[j]) / k[j] for j in range(9)]
    g = [m[j].slope_growth(q[j]) for j in range(9)]
    f = [layer.square * (k[j - 1] if j else 0.7) / q[j] for j, layer in enumerate(layers)]
    for target in range(9):
        variance = 0.0
        for i in range(9):
            c = sum(
                g[j] * f[i + 1] * math.prod(s[n] * f[n + 1] for n in range(i + 1, j))
                for j in range(max(target, i + 1), 9)
            )
            eta = m[i].value4(q[i]) / k[i] ** 2 - 1
            zeta = 3 * m[i].slope4(q[i]) / m[i].slope(q[i]) ** 2 - 1
            both = m[i].mixed(q[i]) / k[i] / m[i].slope(q[i]) - 1
            variance += (c**2 * eta + (i >= target) * (2 * c * both + zeta)) / layers[i].width
        assert found.delta_variance[target] == pytest.approx(variance, rel=1e-12)


# Robustness and speed


@pytest.mark.parametrize(
    ("name", "square", "bias_square", "depth", "input_square"),
    [
        ("tanh", 1 / 3, 0.0, 600, 1.0),
        ("relu", 3.0, 0.0, 1500, 1.0),
        ("relu", 0.1, 0.0, 600, 1.0),
        ("gelu", 2.0, 0.0, 500, 1.0),
        ("identity", 0.0, 0.0, 5, 1.0),
        ("step", 1.0, 0.1, 5, 1.0),
        ("tanh", 1e6, 0.0, 5, 1e12),
        ("selu", 1.0, 0.0, 5, 0.0),
        ("relu", 2.0, 0.0, 1, 1.0),
    ],
)
def test_extremes_give_numbers(name: str, square: float, bias_square: float, depth: int, input_square: float) -> None:
    """Signals of 10⁻³⁰⁰ and gradients of 10⁻²⁰⁰ are results; what overflows is ∞, and the band has no nan."""
    found = equal(name, depth, square, bias_square, width=50, input_square=input_square)
    assert not np.isnan(found.delta_norm).any()
    assert np.isfinite(found.delta_variance).all() and (found.delta_variance >= 0).all()
    assert np.isfinite(found.weight_grad_variance).all()


def test_gradients_far_below_what_a_square_could_hold_are_kept() -> None:
    found = equal("sigmoid", 400, 1.0)
    assert math.log10(found.delta_norm[0]) == pytest.approx(-0.627 * 399, rel=1e-2)


def test_what_has_blown_up_gives_nan_and_no_warning() -> None:
    found = equal("tanh", 4, 1.0, input_square=math.nan)
    assert np.isnan(found.q).all() and np.isnan(found.delta_norm[:-1]).all()
