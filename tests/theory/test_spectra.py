"""Spectra of random Jacobians: closed forms, published tables, and random matrices."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from gradflow.engine.activations import make_activation
from gradflow.theory import spectra
from gradflow.theory.moments import moments_of
from gradflow.theory.slopes import LINEAR, Slopes, condensed, normal_slopes
from gradflow.theory.spectra import Bend, Product, Weights

Array = NDArray[np.float64]
N = 400
RELU = normal_slopes(make_activation("relu"), 1.0)


def network(depth: int, square: float, orthogonal: bool, slopes: Slopes) -> Product:
    """Return the Jacobian ∂a_L/∂x of equal square layers."""
    return Product([Weights(N, N, square, orthogonal)] * depth, [Bend(N, slopes)] * depth, N, N)


def tanh_at(square: float, bias_square: float) -> Slopes:
    """Return the slopes of tanh at the fixed point of q."""
    tanh, q = make_activation("tanh"), 0.03
    for _ in range(2000):
        q = square * float(moments_of(tanh).value(q)) + bias_square
    return normal_slopes(tanh, q)


def largest(product: Product) -> float:
    return math.exp(product.log_largest() / 2)


def mass(product: Product, points: int = 400) -> tuple[float, float]:
    """Return ∫ρ and ∫λρ/mean over the range worth drawing."""
    x = np.linspace(*product.extent(), points)
    density = product.density(x, 0.4 * (x[1] - x[0]))
    assert np.isfinite(density).all()
    return float(np.trapezoid(density, x)), float(np.trapezoid(density * np.exp(x - product.log_mean), x))


# Slopes


def test_atoms_have_the_moments_of_the_distribution() -> None:
    """E φ′^{2k} of tanh by adaptive integration, for every moment that sixteen atoms fix."""
    slopes = normal_slopes(make_activation("tanh"), 0.7)
    for k in (0, 1, 2, 5, 15, 31):
        exact, _ = quad(
            lambda z, k=k: (
                (1 - math.tanh(math.sqrt(0.7) * z) ** 2) ** (2 * k) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            ),
            -12,
            12,
            epsabs=1e-14,
        )
        assert slopes.moment(k) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("name", "values"), [("relu", [0.0, 1.0]), ("leaky-relu", [1e-4, 1.0]), ("identity", [1.0])])
@pytest.mark.parametrize("q", [1e-6, 1.0, 1e4])
def test_a_rectifier_has_one_atom_per_slope_at_any_length(name: str, values: list[float], q: float) -> None:
    slopes = normal_slopes(make_activation(name), q)
    np.testing.assert_allclose(slopes.values, values, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(slopes.weights, 1 / len(values), rtol=1e-9)
    assert slopes.passing == pytest.approx(0.5 if name == "relu" else 1.0)


def test_a_bounded_ramp_passes_what_lies_between_its_kinks() -> None:
    """The hard sigmoid has slope 1/6 on (−3, 3)."""
    slopes = normal_slopes(make_activation("hard-sigmoid"), 2.0)
    assert slopes.passing == pytest.approx(math.erf(3 / math.sqrt(2 * 2.0)), rel=1e-12)
    assert slopes.moment(1) == pytest.approx(slopes.passing / 36, rel=1e-12)


def test_nothing_but_zeros_is_one_atom() -> None:
    slopes = condensed(np.zeros(5), np.ones(5))
    assert (slopes.values.tolist(), slopes.weights.tolist(), slopes.passing) == ([0.0], [1.0], 0.0)


# The largest singular value, and the spread: closed forms and the published tables


@pytest.mark.parametrize("L", [1, 2, 4, 16, 64, 128])
def test_the_edges_of_linear_and_relu_networks_are_the_closed_forms(L: int) -> None:
    """λ_max of linear Gaussian (L+1)^(L+1)/L^L, linear orthogonal 1, ReLU orthogonal L^L/(L−1)^(L−1), ReLU Gaussian
    ((1+m)/m)(1+2m)^L at m = (√(L²+1) − (L−1))/(2L).
    """
    power = math.pow
    assert network(L, 1.0, False, LINEAR).log_largest() == pytest.approx((L + 1) * math.log(L + 1) - L * math.log(L))
    assert network(L, 1.0, True, LINEAR).log_largest() == pytest.approx(0.0, abs=1e-14)
    if L > 1:
        exact = L * math.log(L) - (L - 1) * math.log(L - 1)
        assert network(L, 2.0, True, RELU).log_largest() == pytest.approx(exact, rel=1e-6)
    m = (math.sqrt(L * L + 1) - (L - 1)) / (2 * L)
    exact = math.log((1 + m) / m * power(1 + 2 * m, L))
    assert network(L, 2.0, False, RELU).log_largest() == pytest.approx(exact, rel=1e-6)


NEAR, EDGE = (1.05, 2.0105e-5), (1.760955, 0.05)


@pytest.mark.parametrize(
    ("start", "orthogonal", "variances", "edges"),
    [
        (NEAR, False, (4.02, 16.1, 64.3, 128.5), (3.50, 6.71, 13.3, 18.7)),
        (NEAR, True, (0.017, 0.068, 0.273, 0.546), (1.081, 1.214, 1.517, 1.791)),
        (EDGE, True, (1.37, 5.48, 21.9, 43.8), (2.15, 3.98, 7.78, 10.96)),
    ],
    ids=["gaussian", "orthogonal near 0", "orthogonal"],
)
def test_tanh_networks_have_the_published_edges(
    start: tuple[float, float], orthogonal: bool, variances: tuple[float, ...], edges: tuple[float, ...]
) -> None:
    """A11: orthogonal tanh networks at σ_w² = 1.05 reach s_max = 1.081, 1.214, 1.517, 1.791 at depth 4, 16, 64, 128."""
    slopes = tanh_at(*start)
    for L, variance, edge in zip((4, 16, 64, 128), variances, edges, strict=True):
        product = network(L, start[0], orthogonal, slopes)
        assert product.relative_variance == pytest.approx(variance, rel=0.031)
        assert largest(product) == pytest.approx(edge, rel=4e-3)


def test_sixteen_rectifiers_are_never_isometric() -> None:
    """A12: ReLU with orthogonal weights has Var s²/mean² = L and s_max = 6.49 at L = 16; half of the values are 0."""
    product = network(16, 2.0, True, RELU)
    assert product.relative_variance == pytest.approx(16.0)
    assert largest(product) == pytest.approx(6.49, abs=5e-3)
    assert product.rank == pytest.approx(0.5)


def test_layers_may_differ() -> None:
    """ln E λ adds ln σ_w²μ₁ of each layer, and Var λ/(E λ)² adds μ₂/μ₁² − 1, plus 1 for independent weights."""
    bends = [normal_slopes(make_activation("tanh"), q) for q in np.geomspace(0.1, 3.0, 12)]
    squares = np.linspace(0.8, 1.6, 12)
    weights = [Weights(N, N, square, orthogonal=i % 3 == 0) for i, square in enumerate(squares)]
    product = Product(weights, [Bend(N, slopes) for slopes in bends], N, N)
    means = [square * slopes.moment(1) for square, slopes in zip(squares, bends, strict=True)]
    spread = sum(slopes.moment(2) / slopes.moment(1) ** 2 - 1 for slopes in bends) + 8
    assert product.log_mean == pytest.approx(sum(map(math.log, means)), rel=1e-12)
    assert product.relative_variance == pytest.approx(spread, rel=1e-9)


# Densities


def test_a_single_matrix_follows_the_quarter_circle() -> None:
    x = np.linspace(-8, 2, 300)
    exact = np.sqrt(np.clip(np.exp(x) * (4 - np.exp(x)), 0, None)) / (2 * math.pi)
    np.testing.assert_allclose(Product([Weights(N, N, 1.0)], [], N, N).density(x, 1e-4), exact, atol=1e-3)
    # The mean singular value, of which Glorot & Bengio saw 0.8 and 0.5.
    s, ds = np.linspace(0, 2, 100_001, retstep=True)
    assert float((s * np.sqrt(4 - s * s)).sum() * ds / math.pi) == pytest.approx(8 / (3 * math.pi), rel=1e-4)


@pytest.mark.parametrize(("inputs", "outputs"), [(400, 100), (100, 400)])
def test_a_rectangular_matrix_follows_marchenko_and_pastur(inputs: int, outputs: int) -> None:
    product = Product([Weights(inputs, outputs, 1.0)], [], outputs, inputs)
    c = outputs / inputs
    low, high = (1 - math.sqrt(c)) ** 2, (1 + math.sqrt(c)) ** 2
    x = np.linspace(math.log(low) - 0.3, math.log(high) + 0.3, 300)
    exact = np.sqrt(np.clip((high - np.exp(x)) * (np.exp(x) - low), 0, None)) / (2 * math.pi * c)
    np.testing.assert_allclose(product.density(x, 1e-4), exact, atol=4e-3)
    assert math.exp(product.log_largest()) == pytest.approx(high, rel=1e-9)
    assert product.rank == pytest.approx(min(1.0, inputs / outputs))
    assert product.shown == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("depth", "square", "orthogonal", "slopes", "rank"),
    [
        (2, 1.0, False, LINEAR, 1.0),
        (2, 2.0, True, RELU, 0.5),
        (16, 1.05, True, tanh_at(*NEAR), 1.0),
        (64, 1.05, True, tanh_at(*NEAR), 1.0),
        (4, 1.760955, True, tanh_at(*EDGE), 1.0),
    ],
)
def test_a_density_adds_up_to_the_rank_and_has_the_mean(
    depth: int, square: float, orthogonal: bool, slopes: Slopes, rank: float
) -> None:
    total, mean = mass(network(depth, square, orthogonal, slopes))
    assert total == pytest.approx(rank, rel=0.03)
    assert mean == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("orthogonal", [False, True], ids=["gaussian", "orthogonal"])
@pytest.mark.parametrize("kind", ["relu", "tanh", "gelu"])
def test_random_networks_of_uneven_layers_have_the_predicted_spectrum(kind: str, orthogonal: bool) -> None:
    """The cumulative distribution of ln s² of real products of matrices, with narrow and wide layers."""
    rng, units = np.random.default_rng(0), (300, 450, 300, 360)
    lengths = (0.5, 1.5, 0.8)
    function = make_activation(kind)
    found: list[float] = []
    for _ in range(3):
        J = np.eye(units[0])
        for i, (inputs, outputs) in enumerate(pairwise(units)):
            J = draw(inputs, outputs, orthogonal, rng) @ J
            if i < 2:
                # Evenly through the normal distribution: the share of dead units is then no matter of chance.
                z = math.sqrt(lengths[i]) * rng.permutation(norm.ppf((np.arange(outputs) + 0.5) / outputs))
                a, slope, scratch = np.empty((3, outputs))
                function.value(z, a, scratch)
                function.slope(z, a, slope, scratch)
                J = slope[:, None] * J
        found.extend(np.linalg.svd(J, compute_uv=False) ** 2)
    weights = [Weights(i, o, 1.3, orthogonal) for i, o in pairwise(units)]
    bends = [Bend(n, normal_slopes(function, q)) for n, q in zip(units[1:], lengths[:2], strict=False)]
    product = Product(weights, bends, units[-1], units[0])
    values = np.array(found)
    np.testing.assert_allclose((values > 1e-20).mean(), product.shown, atol=0.02)
    assert values.sum() / 3 / units[-1] == pytest.approx(math.exp(product.log_mean), rel=0.05)
    assert math.log(values.max()) == pytest.approx(product.log_largest(), abs=0.12)
    x = np.linspace(product.log_largest() - 8.0, product.log_largest() + 0.3, 250)
    density = product.density(x, 0.01) * units[-1] / units[0]
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(x))])
    above = below[-1] - below
    measured = np.array([(np.log(values[values > 0]) > place).sum() for place in x]) / len(values)
    np.testing.assert_allclose(measured, above, atol=0.025)


def draw(inputs: int, outputs: int, orthogonal: bool, rng: np.random.Generator) -> Array:
    """Return W with σ_w² = 1.3, or √1.3 times a semi-orthogonal matrix."""
    W = rng.standard_normal((outputs, inputs))
    if not orthogonal:
        return W * math.sqrt(1.3 / inputs)
    Q, _ = np.linalg.qr(W if outputs >= inputs else W.T)
    return math.sqrt(1.3) * (Q if outputs >= inputs else Q.T)


def test_many_different_layers_are_as_good_as_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred kinds of slopes are mixed into three: the edge and the density stay."""
    tanh = make_activation("tanh")
    lengths = 1.0 / (1.0 + 2.0 * np.arange(30))
    bends = [Bend(N, normal_slopes(tanh, q)) for q in lengths]
    product = Product([Weights(N, N, 1.0)] * 30, bends, N, N)
    assert len(product._k) <= 3
    monkeypatch.setattr(spectra, "MOST_KINDS", 100)
    apart = Product([Weights(N, N, 1.0)] * 30, bends, N, N)
    assert len(apart._k) == 30
    assert product.log_largest() == pytest.approx(apart.log_largest(), abs=2e-3)
    x = np.linspace(-12.0, product.log_largest(), 60)
    np.testing.assert_allclose(product.density(x, 0.05), apart.density(x, 0.05), atol=1e-3)


def test_a_dead_layer_leaves_nothing() -> None:
    product = Product([Weights(4, 4, 1.0)] * 2, [Bend(4, Slopes(np.zeros(1), np.ones(1)))], 4, 4)
    assert product.log_mean == -math.inf
    assert product.rank == 0.0
