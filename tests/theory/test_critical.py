"""Critical points (χ₁ = 1) of every activation: the computed table, the engine's own, and the published ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from theory_kit import NAMES, of

from gradflow.engine.activations import Activation, make_activation
from gradflow.engine.activations.base import Array
from gradflow.theory.critical import critical_line, critical_points
from gradflow.theory.lengths import LengthMap, Stability
from gradflow.theory.maps import phase
from gradflow.theory.moments import Moments

BIASES = (0.0, 0.01, 0.05, 0.25)
# σ_w and q* for each of these σ_b²
TABLE = {
    "tanh": [(1.0, 0.0), (1.193401, 0.273301), (1.327010, 0.570048), (1.549674, 1.317939)],
    "erf": [(0.886227, 0.0), (1.055595, 0.253210), (1.172962, 0.517177), (1.371330, 1.183272)],
    "softsign": [(1.0, 0.0), (1.512868, 0.153958), (1.772356, 0.412183), (2.166227, 1.176933)],
    "sigmoid": [(10.1493, 45.624), (10.1505, 45.646), (10.1552, 45.734), (10.1789, 46.174)],
    "elu": [(1.0, 0.0), (1.176148, 0.437829), (1.238434, 1.300913), (1.306112, 4.886627)],
    "selu": [(0.690487, 0.0), (0.871913, 0.308942), (0.949614, 0.827302), (1.049637, 2.555510)],
    "gelu": [(2.0, 0.0), (1.727078, 0.183483), (1.517406, 0.722036), (1.399868, 6.434102)],
    "silu": [(2.0, 0.0), (1.820052, 0.259713), (1.651851, 0.826576), (1.456947, 4.428077)],
}


class HardTanh(Activation):
    """φ(z) = z between −1 and 1."""

    kinks = (-1.0, 1.0)

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        np.clip(z, -1.0, 1.0, out=out)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        np.less(np.abs(z), 1.0, out=out, casting="unsafe")


class LeCunTanh(Activation):
    """φ(z) = 1.7159·tanh(2z/3)."""

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        out[:] = 1.7159 * np.tanh(2 / 3 * z)

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        out[:] = 1.7159 * 2 / 3 / np.cosh(np.minimum(np.abs(2 / 3 * z), 300.0)) ** 2


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("place", range(4))
def test_critical_points_are_those_of_the_table(name: str, place: int) -> None:
    """A19."""
    weight_std, length = TABLE[name][place]
    (found,) = critical_points(of(name), BIASES[place])
    precision = 3e-5 if name == "sigmoid" else 2e-6  # 10.1493 has six digits, the others seven
    assert found.weight_std == pytest.approx(weight_std, rel=precision)
    assert found.length == pytest.approx(length, rel=precision, abs=6e-7)
    unstable = (name == "gelu" and place < 3) or name == "silu"
    assert (found.stability is Stability.UNSTABLE) == unstable
    if name == "gelu" and place == 3:
        assert found.chi_parallel == pytest.approx(0.986, abs=5e-4)


@pytest.mark.parametrize(
    ("function", "points"),
    [
        (HardTanh(), [(1.0, 0.0), (1.025700, 0.259146), (1.079604, 0.463864), (1.213148, 1.013380)]),
        (LeCunTanh(), [(0.874, 0.0), (1.003682, 0.436821), (1.093725, 0.876219), (1.244339, 1.914534)]),
    ],
    ids=["hard-tanh", "1.7159 tanh"],
)
def test_an_activation_of_ones_own_has_critical_points_too(
    function: Activation, points: list[tuple[float, float]]
) -> None:
    """A19: kinks away from zero, and LeCun's tanh, which is nearly critical at σ_w = 1."""
    for bias_square, (weight_std, length) in zip(BIASES, points, strict=True):
        (found,) = critical_points(Moments(function), bias_square)
        assert found.weight_std == pytest.approx(weight_std, rel=5e-4 if length == 0 else 1e-6)
        assert found.length == pytest.approx(length, rel=3e-6, abs=1e-9)
    if isinstance(function, LeCunTanh):
        lecun = phase(Moments(function), 1.0)
        assert (lecun.length, lecun.chi) == pytest.approx((0.38244, 1.01925), abs=5.1e-6)


@pytest.mark.parametrize(
    ("name", "slope", "square"),
    [
        ("identity", None, 1.0),
        ("relu", None, 2.0),
        ("leaky-relu", 0.01, 1.9998),
        ("leaky-relu", 0.1, 1.980198),
        ("leaky-relu", 0.2, 1.923077),
        ("prelu", 0.25, 1.882353),
    ],
)
def test_rectifiers_are_critical_only_without_biases(name: str, slope: float | None, square: float) -> None:
    """A19: σ_w² = 2/(1 + a²), any q; He et al. 2015."""
    (found,) = critical_points(of(name, slope), 0.0)
    assert found.square == pytest.approx(square, rel=1e-6)
    assert math.isnan(found.length)
    assert critical_points(of(name, slope), 0.05) == ()


def test_critical_point_near_the_origin_is_the_published_one() -> None:
    """A19. Xiao et al. 2018: σ_w² = 1.05 goes with σ_b² = 2.01·10⁻⁵."""
    q = brentq(lambda x: float(critical_line(of("tanh"), x)[0]) - 1.05, 0.01, 0.1, xtol=1e-14)
    square, bias_square = critical_line(of("tanh"), q)
    assert float(square) == pytest.approx(1.05, abs=1e-9)
    assert float(bias_square) == pytest.approx(2.0105e-5, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "square", "bias_square", "length"),
    [("gelu", 1.98305826, 0.17292239, 3.56155281), ("silu", 1.98800468, 0.55514317, 14.32017362)],
)
def test_gelu_and_silu_have_one_point_where_lengths_last_as_well(
    name: str, square: float, bias_square: float, length: float
) -> None:
    """A19. Roberts, Yaida & Hanin 2022: χ₁ = χ∥ = 1."""
    found = critical_line(of(name), length)
    assert found == pytest.approx((square, bias_square), rel=1e-7)
    assert LengthMap(of(name), square, bias_square).slope(length) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bias_square", BIASES)
def test_critical_points_are_critical(name: str, bias_square: float) -> None:
    """Of every activation: χ₁ is 1, and q a fixed point; softplus has none."""
    m = of(name)
    points = critical_points(m, bias_square)
    assert (points == ()) == (name == "softplus" or (name in RECTIFIERS and bias_square > 0))
    for point in points:
        length = 3.0 if math.isnan(point.length) else point.length
        assert point.square * float(m.slope(length)) == pytest.approx(1.0, rel=1e-9)
        assert LengthMap(m, point.square, bias_square)(length) == pytest.approx(length, rel=1e-7, abs=1e-12)
        assert "σ_w" in str(point)
        if point.stability is Stability.STABLE:
            assert phase(m, point.square, bias_square, length or 1.0).name == "critical"


RECTIFIERS = ("identity", "relu", "leaky-relu", "prelu", "prelu-per-unit")


def test_the_engines_tooltips_say_the_same() -> None:
    """What an activation's tooltip calls critical is what theory finds."""
    for name in NAMES:
        field = make_activation(name).mean_field
        for stated in field.critical if field else ():
            found = critical_points(of(name), stated.bias_variance)
            stds = [point.weight_std for point in found]
            assert any(math.isclose(std, stated.weight_std, rel_tol=1e-4) for std in stds), (name, stated)


def test_the_line_of_tanh_runs_upwards() -> None:
    square, bias_square = critical_line(of("tanh"), np.geomspace(1e-4, 10.0, 50))
    assert (np.diff(square) > 0).all() and (np.diff(bias_square) > 0).all()
