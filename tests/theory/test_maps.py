"""Phases, depth scales and fixed points against published and computed tables, and against the maps themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from theory_kit import NAMES, of

from gradflow.theory.critical import critical_line
from gradflow.theory.lengths import LengthMap, Stability
from gradflow.theory.maps import CorrelationMap, depth, phase

# tanh with σ_b² = .05, the setting of Schoenholz et al. 2017: χ₁, c*, ξ_q, ξ_c and 6ξ_c by σ_w²
SETTING = {
    1.0: (0.7590, 1.0, 1.75, 3.63, 21.8),
    1.3: (0.8802, 1.0, 1.79, 7.83, 47.0),
    1.5: (0.9386, 1.0, 1.68, 15.79, 94.7),
    1.7: (0.9867, 1.0, 1.56, 74.9, 449.0),
    1.8: (1.0082, 0.9504, 1.50, 125.8, 755.0),
    2.0: (1.0477, 0.7441, 1.39, 25.2, 151.0),
    2.5: (1.1335, 0.4468, 1.18, 11.80, 70.8),
    3.0: (1.2089, 0.2993, 1.04, 9.05, 54.3),
    4.0: (1.3424, 0.1651, 0.87, 6.98, 41.9),
}


@pytest.mark.parametrize("square", SETTING)
def test_depth_scales_of_tanh(square: float) -> None:
    chi, correlation, length_depth, correlation_depth, six = SETTING[square]
    found = phase(of("tanh"), square, 0.05)
    assert found.chi == pytest.approx(chi, abs=5.1e-5)
    assert found.correlation == pytest.approx(correlation, abs=5.1e-5)
    assert found.length_depth == pytest.approx(length_depth, abs=5.1e-3)
    assert found.correlation_depth == pytest.approx(correlation_depth, rel=1e-3)
    assert 6 * found.correlation_depth == pytest.approx(six, rel=2e-3)
    assert found.name == ("ordered" if square < 1.76 else "chaotic")
    assert found.gradient_depth == pytest.approx(1 / abs(math.log(found.chi)))
    assert (found.correlation_depth == pytest.approx(found.gradient_depth)) == (square < 1.76)


def test_signals_reach_any_depth_at_the_critical_point() -> None:
    found = phase(of("tanh"), 1.760955, 0.05)
    assert found.name == "critical"
    assert found.chi == pytest.approx(1.0, abs=1e-6)
    assert found.length_depth == pytest.approx(1.52, abs=5e-3)
    assert found.gradient_depth > 1e6
    assert found.correlation_depth > 1e6


# Common initialisations: σ_w², σ_b², q*, χ₁ and the factor on the norm per layer
COMMON = {
    "tanh, torch gain": ("tanh", 25 / 9, 1.17848, 1.20983, 1.0999),
    "sigmoid, Xavier": ("sigmoid", 1.0, 0.264687, 0.055721, 0.2361),
    "selu, LeCun": ("selu", 1.0, 1.0, 1.071575, 1.0352),
    "selu, torch gain": ("selu", 9 / 16, 0.02303, 1.00367, 1.0018),
    "gelu, He": ("gelu", 2.0, 0.0, 0.5, 0.707107),
    "silu, He": ("silu", 2.0, 0.0, 0.5, 0.707107),
    "relu, torch default": ("relu", 1 / 3, 0.0, 1 / 6, 0.408248),
    "tanh, Xavier": ("tanh", 1.0, 0.0, 1.0, 1.0),
}


@pytest.mark.parametrize("case", COMMON)
def test_common_initialisations_are_not_critical(case: str) -> None:
    name, square, length, chi, factor = COMMON[case]
    found = phase(of(name), square)
    assert found.length == pytest.approx(length, rel=5e-5, abs=5e-6)
    assert found.chi == pytest.approx(chi, rel=1e-5)
    assert found.norm_factor == pytest.approx(factor, abs=5.1e-5)
    assert found.stability is Stability.STABLE


# The sigmoid: σ_w², q*, factor on the norm and decades per layer
SIGMOID = {
    1 / 3: (0.0850, 0.1414, 0.849),
    1.0: (0.2647, 0.2361, 0.627),
    2.0: (0.5553, 0.3178, 0.498),
    16.0: (5.855, 0.6316, 0.200),
    100.0: (44.21, 0.9929, 0.003),
    103.01: (45.62, 1.0, 0.0),
    784.0: (375.9, 1.638, -0.214),
    1000.0: (481.9, 1.739, -0.240),
}


@pytest.mark.parametrize("square", SIGMOID)
def test_sigmoid_vanishes_below_103_and_explodes_above(square: float) -> None:
    """A22: the rate follows from σ_w² alone; Xavier and N(0, 1)/√n both have σ_w² = 1. Not ¼ per layer."""
    length, factor, decades = SIGMOID[square]
    found = phase(of("sigmoid"), square)
    assert found.length == pytest.approx(length, rel=5e-4)
    assert found.norm_factor == pytest.approx(factor, rel=5e-4)
    assert found.decades == pytest.approx(decades, abs=5.1e-4)


def test_quarter_of_the_slope_is_only_an_upper_bound() -> None:
    """max σ′ = ¼, so .25¹⁰ = 9.54·10⁻⁷ in ten layers; what Xavier's networks do is 10⁻⁶·²⁷, and less near 0."""
    assert 0.25**10 == pytest.approx(0.5**20) == pytest.approx(9.5367e-7, rel=1e-5)
    for q in (1e-6, 0.1, 1.0, 100.0):
        assert math.sqrt(float(of("sigmoid").slope(q))) <= 0.25
    assert phase(of("sigmoid"), 1.0).norm_factor ** 10 == pytest.approx(10**-6.27, rel=1e-3)


# Rectifiers


@pytest.mark.parametrize(("name", "he"), [("relu", 2.0), ("leaky-relu", 2 / 1.0001), ("identity", 1.0)])
def test_rectifiers_keep_every_length_shrink_to_nothing_or_grow_for_ever(name: str, he: float) -> None:
    m = of(name)
    (every,) = LengthMap(m, he, 0.0).fixed_points()
    assert math.isnan(every.length) and every.stability is Stability.NEUTRAL
    assert phase(m, he, first=7.0).length == 7.0
    assert phase(m, he).name == "critical"
    assert phase(m, he / 2).length == 0.0
    assert phase(m, he / 2, 0.1).length == pytest.approx(0.2)
    assert phase(m, he, 0.1).length == math.inf
    assert phase(m, 1.5 * he).length == math.inf
    assert phase(m, 1.5 * he).chi == pytest.approx(1.5)
    assert [p.stability for p in LengthMap(m, 1.5 * he, 0.0).fixed_points()] == [
        Stability.UNSTABLE,
        Stability.STABLE,
    ]


def test_correlations_of_rectifiers_collapse_like_one_over_the_square_of_the_depth() -> None:
    """ReLU at He's point is critical and inputs still become alike: 1 − c_l ≈ 9π²/(2l²)."""
    c = CorrelationMap(of("relu"), 2.0, 0.0, 1.0).path(0.0, 1001)
    ratio = (1.0 - c) / (9 * math.pi**2 / 2 / np.maximum(np.arange(1001), 1) ** 2)
    assert ratio[100] == pytest.approx(0.805, abs=2e-3)
    assert ratio[1000] == pytest.approx(0.971, abs=2e-3)
    assert phase(of("relu"), 2.0).correlation == 1.0
    assert phase(of("relu"), 2.0).correlation_depth == math.inf


# Two inputs


@pytest.mark.parametrize(("square", "expected"), [(1.3, 0.9849), (1.760955, 0.8331), (2.5, 0.4768)])
def test_two_inputs_come_together_or_move_apart(square: float, expected: float) -> None:
    """A10: tanh with σ_b² = .05 from a correlation of .6 between inputs, in the 24th layer."""
    m, bias_square = of("tanh"), 0.05
    q = phase(m, square, bias_square).length
    first = 0.6 * (q - bias_square) / q + bias_square / q
    c = CorrelationMap(m, square, bias_square, q).path(first, 24)
    assert c[-1] == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize("square", [1.3, 2.0, 4.0])
def test_correlations_approach_their_fixed_point_by_e_over_each_depth(square: float) -> None:
    found = phase(of("tanh"), square, 0.05)
    map_ = CorrelationMap(of("tanh"), square, 0.05, found.length)
    c = map_.path(found.correlation - 1e-4, 12)
    rate = (found.correlation - c[11]) / (found.correlation - c[1])
    assert rate == pytest.approx(math.exp(-10 / found.correlation_depth), rel=1e-2)
    assert map_(found.correlation) == pytest.approx(found.correlation, abs=1e-9)


# Every activation

squares = st.floats(-1.5, 1.5).map(lambda x: 10.0**x)
biases = st.sampled_from([0.0, 1e-4, 0.05, 1.0])


@pytest.mark.parametrize("name", NAMES)
@given(square=squares, bias_square=biases, first=st.floats(-2.0, 2.0).map(lambda x: 10.0**x))
@settings(max_examples=5, deadline=None)
def test_fixed_points_are_where_networks_end_up(name: str, square: float, bias_square: float, first: float) -> None:
    """Iterating the map arrives at the fixed point that is promised for its start, or is on the way there."""
    map_ = LengthMap(of(name), square, bias_square)
    end = map_.settled(first)
    q = map_.path(first, 200)[[0, 100, 199]]
    target = min(max(end.length, 1e-30), 1e30)
    apart = np.abs(np.log(np.clip(q, 1e-30, 1e30) / target))
    assert apart[2] <= max(apart[0], 1e-6) + 1e-6
    assert apart[2] < 1e-6 or apart[2] < apart[1]
    for point in map_.fixed_points():
        if 0.0 < point.length < math.inf:
            assert map_(point.length) == pytest.approx(point.length, rel=1e-8)
            slope = map_.slope(point.length)
            if point.stability is Stability.STABLE:
                assert slope < 1 + 1e-6
            if point.stability is Stability.UNSTABLE:
                assert slope > 1 - 1e-6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("square", "bias_square"), [(0.0, 0.0), (0.0, 0.1), (1e-12, 0.0), (1e6, 1e3)])
def test_extreme_initialisations_have_a_phase_too(name: str, square: float, bias_square: float) -> None:
    found = phase(of(name), square, bias_square)
    assert not math.isnan(found.length)
    assert found.chi >= 0.0
    assert found.name in str(found)


@pytest.mark.parametrize(("square", "bias_square"), [(math.nan, 0.0), (1.0, math.nan), (math.inf, 0.0)])
def test_what_is_no_initialisation_has_no_phase(square: float, bias_square: float) -> None:
    for name in ("tanh", "relu", "gelu"):
        found = phase(of(name), square, bias_square)
        assert math.isnan(found.length) and math.isnan(found.correlation)


def test_depth_is_infinite_without_change_and_zero_where_nothing_is_left() -> None:
    assert depth(1.0) == math.inf
    assert depth(0.0) == 0.0
    assert depth(math.exp(-0.5)) == pytest.approx(2.0) == depth(math.exp(0.5))
    assert math.isnan(depth(math.nan))


@pytest.mark.parametrize(("name", "stays"), [("gelu", 100.0), ("mish", 0.5)])
def test_doubly_critical_points_hold_networks_from_one_side_only(name: str, stays: float) -> None:
    """From the other side lengths pass on: with GELU to a shorter fixed point, with Mish for ever upwards.

    SiLU's second fixed point is two per cent above the first, nearer than can be told apart.
    """
    m = of(name)
    # χ₁ = χ∥ means that E φ′² and dV₂/dq are the same, and both 1/σ_w².
    length = brentq(lambda q: float(m.value_growth(q)) / float(m.slope(q)) - 1.0, 1.0, 100.0, xtol=1e-12)
    map_ = LengthMap(m, *(float(square) for square in critical_line(m, length)))
    touching = [p for p in map_.fixed_points() if p.stability is Stability.ONE_SIDED]
    assert [p.length for p in touching] == pytest.approx([length], rel=1e-4)
    assert map_.settled(stays).length == pytest.approx(length, rel=1e-4)
    leaves = map_.settled(100.0 if stays < 1.0 else 0.5)
    assert leaves.stability is Stability.STABLE
    assert leaves.length != pytest.approx(length, rel=1e-2)
