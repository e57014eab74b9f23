"""Averages over pairs: panels within panels, the Hermite expansion of a whole batch, and the published closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from theory_kit import NAMES, Array, average, corners, integral, of, phi

from gradflow.engine.activations import LeakyReLU
from gradflow.theory.moments import Moments, moments_of

slow = pytest.mark.slow
every = pytest.mark.parametrize("name", NAMES)
EXACT = ("identity", "relu", "leaky-relu", "prelu", "prelu-per-unit", "erf", "sine")


def witnessed(name: str, q_a: float, q_b: float, c: float) -> Array:
    """Return E φφ and E φ′φ′ by adaptive quadrature within adaptive quadrature."""
    root_a, root_b, rest, both = math.sqrt(q_a), math.sqrt(q_b), math.sqrt(1 - c * c), phi(name)

    def outer(u: float) -> Array:
        x = u / root_a
        mean, deviation = root_b * c * x, root_b * rest

        def inner(t: float) -> Array:
            y = t / deviation
            return np.ravel(both(mean + t)) * math.exp(-y * y / 2) / math.sqrt(2 * math.pi) / deviation

        bends = tuple(corner - mean for corner in (0.0, *corners(name)))
        return (
            np.ravel(both(u)) * integral(inner, deviation, bends, 1e-9) * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        )

    images = tuple(corner * root_a / root_b / c for corner in corners(name))
    return integral(outer, root_a, (*corners(name), *images), 1e-8) / root_a


@slow
@pytest.mark.parametrize("name", ["tanh", "selu", "elu", "gelu", "hard-sigmoid", "step"])
def test_pairs_agree_with_nested_adaptive_quadrature(name: str) -> None:
    """Smooth, kinked at 0, kinked elsewhere, and with jumps."""
    m, q_a, q_b, c = of(name), 0.3, 5.0, -0.8
    values, slopes = witnessed(name, q_a, q_b, c)
    assert m.pair(q_a, q_b, c) == pytest.approx(values, abs=1e-8)
    assert m.slope_pair(q_a, q_b, c) == pytest.approx(slopes, abs=1e-8)


@every
@pytest.mark.parametrize("q", [0.01, 1.0, 50.0])
def test_pairs_end_where_averages_of_one_begin(name: str, q: float) -> None:
    """c = 1 is E φ², c = 0 (E φ)², c = −1 the average of φ(u)·φ(−u)."""
    m, opposite = of(name), of(name)
    assert m.pair(q, q, 1.0) == pytest.approx(m.value(q), rel=1e-12)
    assert m.slope_pair(q, q, 1.0) == pytest.approx(m.slope(q), rel=1e-12)
    assert m.pair(q, 3.0, 0.0) == pytest.approx(m.mean(q) * m.mean(3.0), rel=1e-12, abs=1e-14)
    assert m.slope_pair(q, 3.0, 0.0) == pytest.approx(m.mean_slope(q) * m.mean_slope(3.0), rel=1e-12)
    mirrored, root = phi(name), math.sqrt(q)
    value, slope = average(name, q, lambda a, s, z: [a * mirrored(-root * z)[0], s * mirrored(-root * z)[1]])
    assert opposite.pair(q, q, -1.0) == pytest.approx(value, rel=1e-9, abs=1e-12 * max(q, 1.0))
    assert opposite.slope_pair(q, q, -1.0) == pytest.approx(slope, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "step"])
@pytest.mark.parametrize(("q_a", "q_b", "c"), [(1.0, 1.0, 0.3), (0.2, 9.0, -0.7), (4.0, 4.0, 0.95)])
def test_slopes_of_the_pair_are_its_derivative_by_the_covariance(name: str, q_a: float, q_b: float, c: float) -> None:
    """∂E φφ/∂q_ab = E φ′φ′ (Price 1958): the two are computed apart."""
    m, h = of(name), 2e-4
    # Richardson: what is left of a central difference is of order h⁴.
    steps = [(m.pair(q_a, q_b, c + s) - m.pair(q_a, q_b, c - s)) / 2 / s for s in (h, 2 * h)]
    derivative = (4 * steps[0] - steps[1]) / 3 / math.sqrt(q_a * q_b)
    assert m.slope_pair(q_a, q_b, c) == pytest.approx(derivative, rel=1e-7, abs=1e-9)


@every
@given(a=st.floats(-3.0, 2.0), b=st.floats(-3.0, 2.0), c=st.floats(-1.0, 1.0))
@settings(max_examples=4, deadline=None)
def test_pairs_are_symmetric_and_obey_cauchy_and_schwarz(name: str, a: float, b: float, c: float) -> None:
    m, q_a, q_b = of(name), 10.0**a, 10.0**b
    pair, slopes = m.pair(q_a, q_b, c), m.slope_pair(q_a, q_b, c)
    size, steep = math.sqrt(m.value(q_a) * m.value(q_b)), math.sqrt(m.slope(q_a) * m.slope(q_b))
    assert abs(pair) <= size * (1 + 1e-9)
    assert abs(slopes) <= steep * (1 + 1e-9)
    assert m.pair(q_b, q_a, c) == pytest.approx(pair, abs=1e-9 * size)
    assert m.slope_pair(q_b, q_a, c) == pytest.approx(slopes, abs=1e-8 * steep)


# A batch at once


def batch(q: Array, seed: int = 0, near: float = 0.0) -> Array:
    """Return a covariance with the diagonal q; the more `near` is to 1, the more alike the samples are."""
    rng = np.random.default_rng(seed)
    x = math.sqrt(1 - near) * rng.standard_normal((len(q), 40)) + math.sqrt(near) * rng.standard_normal(40)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(np.sqrt(np.outer(q, q)) * (x @ x.T))


@every
@pytest.mark.parametrize(
    ("near", "q", "values", "slopes"),
    [
        (0.9, 1.0, 2e-6, 1e-4),
        pytest.param(0.0, 1.0, 1e-8, 1e-7, marks=slow),
        pytest.param(0.999, 1.0, 1e-4, 2e-2, marks=slow),
        pytest.param(0.5, 20.0, 1e-5, 2e-3, marks=slow),
    ],
)
def test_the_expansion_of_a_batch_agrees_with_pairs(
    name: str, near: float, q: float, values: float, slopes: float
) -> None:
    """Far from c = 1 to many digits; near it, a kinked slope to what 160 terms and a guess at the rest can do."""
    m = of(name)
    Q = batch(q * np.array([1.0, 1.0, 3.0]), near=near)
    length, c = np.diagonal(Q), Q / np.sqrt(np.outer(np.diagonal(Q), np.diagonal(Q)))
    c = np.clip(c, -1.0, 1.0)
    K, G = m.kernel(Q)
    expected = m.pair(length[:, None], length, c), m.slope_pair(length[:, None], length, c)
    scales = m.value(length), m.slope(length)
    exact = name in EXACT
    for found, pairs, scale, tolerance in zip((K, G), expected, scales, (values, slopes), strict=True):
        apart = np.abs(found - pairs) / np.sqrt(np.outer(scale, scale))
        # The arc-cosine of a correlation near 1 keeps half of its digits.
        assert apart.max() < (1e-7 if exact else tolerance)
        np.testing.assert_allclose(np.diagonal(found), scale, rtol=1e-12)


@every
def test_kernel_copes_with_copies_opposites_silence_and_damage(name: str) -> None:
    """Twice the same sample, its negative, an input of zeros, and one that has blown up."""
    m = of(name)
    x = np.array([[1.0, 2.0], [1.0, 2.0], [-1.0, -2.0], [0.0, 0.0], [3.0, -1.0]])
    K, G = m.kernel(x @ x.T)
    np.testing.assert_array_equal(K, K.T)
    assert np.isfinite(K).all() and np.isfinite(G).all()
    assert K[0, 1] == pytest.approx(K[0, 0], rel=1e-10)
    assert G[0, 1] == pytest.approx(G[0, 0], rel=1e-7)
    assert K[0, 2] == pytest.approx(m.pair(5.0, 5.0, -1.0), abs=1e-5 * K[0, 0])
    assert K[3, 3] == m.value(0.0)
    assert K[3, 4] == pytest.approx(float(m.mean(0.0) * m.mean(10.0)), abs=1e-12)
    broken = x @ x.T
    broken[2] = broken[:, 2] = np.nan
    K, G = m.kernel(broken)
    rest = [0, 1, 3, 4]
    assert np.isnan(K[2]).all() and np.isfinite(K[np.ix_(rest, rest)]).all()
    assert np.isfinite(G[np.ix_(rest, rest)]).all()
    for odd in (np.zeros((3, 3)), np.full((2, 2), np.inf), np.full((1, 1), 1e300)):
        m.kernel(odd)


@pytest.mark.parametrize("name", ["relu", "tanh", "selu", "gelu", "step"])
@given(seed=st.integers(0, 50), near=st.floats(0.0, 1.0), logarithm=st.floats(-3.0, 2.0))
@settings(max_examples=6, deadline=None)
def test_kernels_are_covariances(name: str, seed: int, near: float, logarithm: float) -> None:
    """Symmetric, and with no negative eigenvalue beyond what the expansion leaves out."""
    K, G = of(name).kernel(batch(10.0**logarithm * np.linspace(0.5, 2.0, 6), seed, near))
    for matrix, tolerance in ((K, 1e-4), (G, 2e-2)):
        np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12)
        assert np.linalg.eigvalsh(matrix)[0] > -tolerance * np.trace(matrix)


@given(scale=st.floats(-6.0, 6.0), a=st.floats(-0.9, 1.5), seed=st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_rectifiers_scale_with_their_signal(scale: float, a: float, seed: int) -> None:
    """φ(t·z) = t·φ(z): K scales with Q, and the slopes do not notice."""
    m, Q, t = moments_of(LeakyReLU(a)), batch(np.ones(4), seed), 10.0**scale
    (K, G), (scaled, same) = m.kernel(Q), m.kernel(t * Q)
    np.testing.assert_allclose(scaled, t * K, rtol=1e-9, atol=1e-12 * t)
    np.testing.assert_allclose(same, G, rtol=1e-6, atol=1e-9)


# Published closed forms


def test_rectifier_kernels_are_those_of_cho_and_saul() -> None:
    """A21. Cho & Saul 2009: arc-cosine kernels of degree 1 and 0, here against panels within panels."""
    panels, exact = Moments(of("relu").function), of("relu")
    for c in (-0.99, -0.5, 0.0, 0.4, 0.9, 0.999):
        angle = math.acos(c)
        assert exact.pair(2.0, 0.5, c) == pytest.approx((math.sin(angle) + (math.pi - angle) * c) / 2 / math.pi)
        assert exact.slope_pair(2.0, 0.5, c) == pytest.approx((math.pi - angle) / 2 / math.pi)
        assert panels.pair(2.0, 0.5, c) == pytest.approx(exact.pair(2.0, 0.5, c), rel=1e-11, abs=1e-13)
        assert panels.slope_pair(2.0, 0.5, c) == pytest.approx(exact.slope_pair(2.0, 0.5, c), rel=1e-10)


def test_erf_kernels_are_those_of_williams() -> None:
    """A21. Williams 1997: arcsines, here against the Hermite expansion and the panels."""
    panels, exact = Moments(of("erf").function), of("erf")
    for q_a, q_b, c in ((1.0, 1.0, 0.5), (0.2, 7.0, -0.9), (30.0, 30.0, 0.99)):
        product, size = 2 * c * math.sqrt(q_a * q_b), (1 + 2 * q_a) * (1 + 2 * q_b)
        assert exact.pair(q_a, q_b, c) == pytest.approx(2 / math.pi * math.asin(product / math.sqrt(size)))
        assert exact.slope_pair(q_a, q_b, c) == pytest.approx(4 / math.pi / math.sqrt(size - product**2))
        assert panels.pair(q_a, q_b, c) == pytest.approx(exact.pair(q_a, q_b, c), rel=1e-11)
        assert panels.slope_pair(q_a, q_b, c) == pytest.approx(exact.slope_pair(q_a, q_b, c), rel=1e-10)
