"""Activations: value and slope agree, extremes stay finite, and nothing is written where it should not be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.engine.activations import ACTIVATIONS, make_activation

every = pytest.mark.parametrize("name", ACTIVATIONS)
SLOPE = 0.2
GRID = np.linspace(-8.0, 8.0, 401)[:, None]


def apply(name: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return φ(z) and φ′(z)."""
    function = make_activation(name, SLOPE)
    a, slope = np.full_like(z, np.nan), np.full_like(z, np.nan)
    with np.errstate(over="ignore"):
        function.value(z, a)
        function.slope(z, a, slope)
    return a, slope


@every
def test_slope_is_the_derivative_of_the_value(name: str) -> None:
    z = GRID[np.abs(GRID) > 1e-3][:, None]
    h = 1e-5
    difference = (apply(name, z + h)[0] - apply(name, z - h)[0]) / (2 * h)
    np.testing.assert_allclose(apply(name, z)[1], difference, atol=2e-10)


@every
def test_value_rises_with_z_and_slope_says_how_fast(name: str) -> None:
    a, slope = apply(name, GRID)
    assert (np.diff(a[:, 0]) >= 0).all()
    assert (slope >= 0).all()
    assert (slope <= 1).all()


@every
def test_extremes_give_finite_values_and_slopes(name: str) -> None:
    z = np.array([[-1e300, -1e4, -1000.0, -0.0, 0.0, 1000.0, 1e4, 1e300]])
    a, slope = apply(name, z)
    assert np.isfinite(a).all()
    assert np.isfinite(slope).all()


@every
def test_infinity_and_nan_are_passed_on_not_hidden(name: str) -> None:
    """A number that has blown up must arrive at the loss, or nobody would notice."""
    a, _ = apply(name, np.array([[np.nan]]))
    assert np.isnan(a).all()


@every
def test_inputs_are_left_alone(name: str) -> None:
    z = GRID.copy()
    a, _ = apply(name, z)
    np.testing.assert_array_equal(z, GRID)
    np.testing.assert_array_equal(a, apply(name, GRID)[0])


@every
def test_value_may_be_written_in_place_of_nothing_but_its_own_array(name: str) -> None:
    """Slices of larger buffers, as the short last batch uses them, give the same numbers."""
    buffer = np.full((len(GRID) + 3, 1), 7.0)
    make_activation(name, SLOPE).value(GRID, buffer[: len(GRID)])
    np.testing.assert_array_equal(buffer[: len(GRID)], apply(name, GRID)[0])
    assert (buffer[len(GRID) :] == 7.0).all()


@every
def test_saturation_is_said_in_words_exactly_where_there_is_a_plateau(name: str) -> None:
    function = make_activation(name, SLOPE)
    a, slope = apply(name, GRID)
    if function.saturation is None:
        with pytest.raises(NotImplementedError):
            function.saturated(a)
        return
    saturated = function.saturated(a)
    assert saturated.dtype == bool
    assert slope[saturated].max() < slope[~saturated].min(), "the plateau is where φ is flattest"
    assert saturated[0, 0]
    assert saturated[-1, 0]


@every
def test_kinked_says_whether_the_slope_jumps_at_zero(name: str) -> None:
    _, slope = apply(name, np.array([[-1e-9, 1e-9]]))
    assert make_activation(name, SLOPE).kinked == (abs(slope[0, 1] - slope[0, 0]) > 1e-6)


@given(st.floats(-700, 700))
@settings(max_examples=200, deadline=None)
def test_sigmoid_is_right_in_both_tails(z: float) -> None:
    value = apply("sigmoid", np.array([[z]]))[0][0, 0]
    exact = 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))
    assert math.isclose(value, exact, rel_tol=1e-14)


def test_sigmoid_keeps_tiny_values_instead_of_rounding_them_to_zero() -> None:
    """10⁻²¹⁷ is a result, not an underflow."""
    assert math.isclose(apply("sigmoid", np.array([[-500.0]]))[0][0, 0], math.exp(-500.0), rel_tol=1e-13)


def test_slopes_are_steepest_at_zero_where_the_lecture_says_a_quarter_and_one() -> None:
    assert apply("sigmoid", np.zeros((1, 1)))[1][0, 0] == 0.25
    assert apply("tanh", np.zeros((1, 1)))[1][0, 0] == 1.0


def test_relu_passes_nothing_at_exactly_zero() -> None:
    """The convention of PyTorch and of the paper on dead units: φ′(0) = 0."""
    a, slope = apply("relu", np.array([[-1.0, -0.0, 0.0, 1e-300, 3.0]]))
    np.testing.assert_array_equal(a, [[0.0, 0.0, 0.0, 1e-300, 3.0]])
    np.testing.assert_array_equal(slope, [[0.0, 0.0, 0.0, 1.0, 1.0]])


@pytest.mark.parametrize("negative_slope", [0.0, 0.01, 0.25, 1.0])
def test_leaky_relu_has_the_slope_it_was_given(negative_slope: float) -> None:
    function = make_activation("leaky-relu", negative_slope)
    z, a, slope = np.array([[-2.0, 0.0, 2.0]]), np.empty((1, 3)), np.empty((1, 3))
    function.value(z, a)
    function.slope(z, a, slope)
    np.testing.assert_array_equal(a, [[-2.0 * negative_slope, 0.0, 2.0]])
    np.testing.assert_allclose(slope, [[negative_slope, negative_slope, 1.0]], rtol=1e-15)
    assert function.negative_slope == negative_slope


def test_only_rectifiers_widen_he_initialisation() -> None:
    assert [name for name in ACTIVATIONS if make_activation(name, SLOPE).negative_slope] == ["leaky-relu"]
