"""Gaussian averages of every activation against adaptive quadrature, mpmath and each other, and at the ends of q."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from theory_kit import NAMES, average, of

from gradflow.engine.activations import LeakyReLU, PReLU, make_activation
from gradflow.theory.moments import Moments, moments_of

every = pytest.mark.parametrize("name", NAMES)
SINGLE = (
    "mean",
    "value",
    "slope",
    "value4",
    "slope4",
    "mixed",
    "mean_slope",
    "value_growth",
)


def witnessed(name: str, q: float) -> dict[str, float]:
    """Return all averages by adaptive quadrature."""
    # All are integrated together, to the same precision: activations are taken in units of √q where they grow.
    unit = max(1.0, math.sqrt(q))
    powers = np.array([1, 2, 0, 4, 0, 2, 0, 1])
    mean, value, slope, value4, slope4, mixed, mean_slope, growth = unit**powers * average(
        name,
        q,
        lambda a, s, z: [
            (a := a / unit),
            a**2,
            s**2,
            a**4,
            s**4,
            (a * s) ** 2,
            s,
            a * s * z,
        ],
    )
    averages = mean, value, slope, value4, slope4, mixed, mean_slope, growth / math.sqrt(q)
    return dict(zip(SINGLE, averages, strict=True))


@every
@pytest.mark.parametrize("q", [1e-8, 1e-3, 0.4, 1.0, 30.0, 1e3, 1e6])
def test_averages_agree_with_adaptive_quadrature(name: str, q: float) -> None:
    """To 10⁻¹² of the scale of each, for numbers and arrays alike."""
    if name == "sine" and q > 1e3:
        return  # adaptive quadrature does not see a million waves; see the limits below
    moments, expected = of(name), witnessed(name, q)
    scale = dict(expected) | {
        "mean": math.sqrt(expected["value"]),
        "mean_slope": math.sqrt(expected["slope"]),
        "value_growth": math.sqrt(expected["value"] * expected["slope"] / q),
    }
    if name == "step":
        expected["value_growth"] = 0.0  # its slope is not its derivative
    for kind in SINGLE:
        found = float(getattr(moments, kind)(q))
        assert found == pytest.approx(expected[kind], rel=0, abs=1e-12 * scale[kind]), kind
        assert getattr(moments, kind)(np.array([[q, 1.0]]))[0, 0] == pytest.approx(
            found, rel=0, abs=1e-12 * scale[kind]
        )


def test_tanh_agrees_with_mpmath_to_thirteen_digits() -> None:
    """Gauss–Hermite with 200 nodes is off by 58 % at q = 100."""
    mpmath = pytest.importorskip("mpmath")
    for q in (1e-8, 0.57, 100.0, 1e6):
        root, edges = mpmath.sqrt(q), [0, 0.01, 0.1, 0.5, 1, 2, 3, 5, 9, 14]
        edges = sorted({min(edge, 14.0) for edge in (*edges, *(edge / float(root) for edge in (1, 2, 4, 8, 16, 30)))})
        slope = 2 * mpmath.quad(lambda z, r=root: mpmath.sech(r * z) ** 4 * mpmath.npdf(z), edges)
        assert float(of("tanh").slope(q)) == pytest.approx(float(slope), rel=1e-13)


@every
def test_ends_of_the_range_are_limits_and_raise_no_warning(name: str) -> None:
    """At q = 0, 10⁻³⁰⁰, 10¹², ∞ and nan; warnings are errors."""
    moments = of(name)
    zero, one = np.zeros((1, 1)), np.zeros((1, 1))
    make_activation(name).value(zero, one, np.empty((1, 1)))
    extremes = np.array([0.0, 5e-324, 1e-300, 1e6, 1e12, 1e300, np.inf, np.nan, -1.0])
    for kind in SINGLE:
        found = getattr(moments, kind)(extremes)
        assert np.isnan(found[-2:]).all(), kind
        assert np.isfinite(found[:5]).all(), kind
        assert found[0] == pytest.approx(found[2], rel=1e-9, abs=1e-15), kind
        assert not np.isnan(found[5]) or kind == "value_growth", kind
        for q, value in zip(extremes, found, strict=True):
            assert float(getattr(moments, kind)(q)) == pytest.approx(value, rel=1e-9, abs=1e-15, nan_ok=True)
    if name != "step":
        assert moments.value(0.0) == one[0, 0] ** 2
    # Long signals see φ as a rectifier or a threshold.
    ratio = moments.slope(np.array([1e12, 4e12]))
    assert ratio[0] == pytest.approx(0.5 * (1 if name == "sine" else ratio[0] * 2), rel=1e-3)


@pytest.mark.parametrize("q", [50.0, 1e3, 1e6, 1e12])
def test_long_signals_make_sines_forget_their_phase(q: float) -> None:
    """E sin² = E cos² = ½ and E sin⁴ = ⅜."""
    sine = of("sine")
    assert [float(sine.value(q)), float(sine.slope(q)), float(sine.value4(q))] == pytest.approx([0.5, 0.5, 0.375])


@pytest.mark.parametrize("a", [0.0, 0.01, 0.25, 1.0, -0.5])
@pytest.mark.parametrize("q", [1e-6, 1.0, 1e5])
def test_formulas_of_rectifiers_agree_with_the_panels(a: float, q: float) -> None:
    exact, panels = moments_of(LeakyReLU(a)), Moments(LeakyReLU(a))
    for kind in SINGLE:
        assert float(getattr(exact, kind)(q)) == pytest.approx(float(getattr(panels, kind)(q)), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("name", ["erf", "sine"])
@given(logarithm=st.floats(-8.0, 2.0))
@settings(max_examples=30, deadline=None)
def test_formulas_of_erf_and_sine_agree_with_the_panels(name: str, logarithm: float) -> None:
    exact, panels, q = of(name), Moments(make_activation(name)), 10.0**logarithm
    for kind in SINGLE:
        if name == "sine" and q > 30.0:
            continue
        near = pytest.approx(float(getattr(panels, kind)(q)), rel=1e-11, abs=1e-11)
        assert float(getattr(exact, kind)(q)) == near, kind


@every
@given(logarithm=st.floats(-6.0, 5.0))
@settings(max_examples=20, deadline=None)
def test_averages_obey_cauchy_and_schwarz(name: str, logarithm: float) -> None:
    """(E f)² ≤ E f², (E f²)² ≤ E f⁴ and (E φ²φ′²)² ≤ E φ⁴·E φ′⁴."""
    m, q, over = of(name), 10.0**logarithm, 1 + 1e-12
    assert m.mean(q) ** 2 <= m.value(q) * over
    assert m.mean_slope(q) ** 2 <= m.slope(q) * over
    assert m.value(q) ** 2 <= m.value4(q) * over
    assert m.slope(q) ** 2 <= m.slope4(q) * over
    assert m.mixed(q) ** 2 <= m.value4(q) * m.slope4(q) * over


@pytest.mark.parametrize("name", [name for name in NAMES if name != "step"])
@given(logarithm=st.floats(-4.0, 4.0))
@settings(max_examples=20, deadline=None)
def test_the_growth_of_the_value_is_its_derivative(name: str, logarithm: float) -> None:
    """Against central differences; it uses no φ″."""
    m, x, h = of(name), logarithm * math.log(10.0), 1e-4
    low, high = (math.exp(x + side * h) for side in (-1.0, 1.0))
    q, value = math.exp(x), m.value(math.exp(x))
    assert m.value_growth(q) * q / value == pytest.approx((m.value(high) - m.value(low)) / value / 2 / h, abs=1e-7)


@every
@given(low=st.floats(-5.0, 5.0), more=st.floats(0.01, 3.0))
@settings(max_examples=20, deadline=None)
def test_longer_signals_have_longer_activations(name: str, low: float, more: float) -> None:
    m = of(name)
    assert m.value(10.0 ** (low + more)) >= m.value(10.0**low) * (1 - 1e-12)


def test_the_same_activation_has_the_same_averages_object() -> None:
    assert moments_of(make_activation("tanh")) is moments_of(make_activation("tanh"))
    assert moments_of(LeakyReLU(0.1)) is not moments_of(LeakyReLU(0.2))
    assert moments_of(None).value(3.0) == 3.0


def test_learnable_slopes_are_taken_as_they_start() -> None:
    assert float(moments_of(PReLU(0.25)).slope(1.0)) == (1 + 0.0625) / 2
