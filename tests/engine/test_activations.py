"""Activations: value and slope agree and are right to the last digits, extremes stay sane, nothing is written where it
should not be, and what initialisation and theory are told about each is integrated again."""

from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.engine.activations import ACTIVATIONS, CriticalPoint, PReLU, PReLUPerUnit, make_activation

SLOPE = 0.2
GRID = np.linspace(-8.0, 8.0, 401)[:, None]
SURROGATES = [name for name in ACTIVATIONS if make_activation(name).surrogate]
DIFFERENTIABLE = [name for name in ACTIVATIONS if name not in SURROGATES]

every = pytest.mark.parametrize("name", ACTIVATIONS)
every_derivative = pytest.mark.parametrize("name", DIFFERENTIABLE)
both_types = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def apply(name: str, z: np.ndarray, negative_slope: float | None = SLOPE) -> tuple[np.ndarray, np.ndarray]:
    """Return φ(z) and φ′(z); only overflow and underflow may happen on the way."""
    function = make_activation(name, negative_slope)
    a, slope, scratch = (np.full_like(z, np.nan) for _ in range(3))
    with np.errstate(over="ignore", under="ignore"):
        function.value(z, a, scratch)
        scratch.fill(np.nan)
        function.slope(z, a, slope, scratch)
    return a, slope


def saturated(name: str, z: np.ndarray) -> np.ndarray:
    """Return the mask of saturated entries."""
    out = np.zeros(z.shape, dtype=bool)
    make_activation(name, SLOPE).saturated(z, apply(name, z)[0], out, np.full_like(z, np.nan))
    return out


def difference(name: str, z: np.ndarray, h: float) -> np.ndarray:
    """Return the five-point difference quotient of φ, whose error is of order h⁴."""
    outer, inner = ((apply(name, z + k * h)[0] - apply(name, z - k * h)[0]) for k in (2, 1))
    return (8 * inner - outer) / (12 * h)


# The registry


def test_combo_box_begins_with_what_the_lecture_teaches() -> None:
    assert list(ACTIVATIONS)[:5] == ["identity", "sigmoid", "tanh", "relu", "leaky-relu"]


@every
def test_tooltip_gives_the_formula_and_the_slope(name: str) -> None:
    first = ACTIVATIONS[name].doc.split("\n\n")[0]
    assert first.startswith("φ(z) = ")
    assert "slope" in first


def test_tooltip_ends_with_the_critical_points_where_they_are_known() -> None:
    assert "Critical (χ₁ = 1): σ_w = 1 at σ_b = 0, 1.193 at σ_b = 0.1" in " ".join(ACTIVATIONS["tanh"].doc.split())
    for name, entry in ACTIVATIONS.items():
        assert ("Critical" in entry.doc) == (make_activation(name).mean_field is not None)


@every
def test_negative_slope_is_the_line_below_zero_that_he_initialisation_counts_on(name: str) -> None:
    function = make_activation(name, SLOPE)
    assert function.negative_slope in (0.0, SLOPE)
    if function.negative_slope:
        np.testing.assert_array_equal(apply(name, -np.abs(GRID))[0], -np.abs(GRID) * SLOPE)


def test_learnt_slopes_start_at_a_quarter_unless_told_otherwise() -> None:
    assert make_activation("prelu") == PReLU() == PReLU(0.25)
    assert make_activation("prelu-per-unit") == PReLUPerUnit() == PReLUPerUnit(0.25)
    assert make_activation("leaky-relu").negative_slope == 0.01
    assert make_activation("prelu", SLOPE).negative_slope == SLOPE
    assert {name: make_activation(name).learnable for name in ACTIVATIONS if make_activation(name).learnable} == {
        "prelu": "layer",
        "prelu-per-unit": "unit",
    }


def test_scipy_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, gradflow.engine.activations; print([m for m in sys.modules if m.startswith('scipy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


# Value and slope agree


@every_derivative
@pytest.mark.parametrize(("dtype", "h", "atol"), [(np.float64, 1e-3, 1e-11), (np.float32, 2.0**-4, 1e-4)])
def test_slope_is_the_derivative_of_the_value(name: str, dtype: type, h: float, atol: float) -> None:
    corners = np.array([0.0, *make_activation(name, SLOPE).kinks])  # without a kink at 0, φ″ may still jump there
    z = GRID[(np.abs(GRID - corners) > 3 * h).all(axis=1)].astype(dtype)
    np.testing.assert_allclose(apply(name, z)[1], difference(name, z, h), atol=atol, rtol=0)


@every_derivative
def test_slope_is_the_derivative_also_around_zero(name: str) -> None:
    if 0.0 not in make_activation(name, SLOPE).kinks:
        z = np.linspace(-1e-5, 1e-5, 21)[:, None]
        np.testing.assert_allclose(apply(name, z)[1], difference(name, z, 1e-6), atol=1e-6, rtol=0)


@every
def test_value_rises_where_the_slope_is_positive_and_falls_where_it_is_negative(name: str) -> None:
    a, slope = (x[:, 0] for x in apply(name, GRID))
    rise = np.diff(a)
    assert (rise[(slope[1:] > 0) & (slope[:-1] > 0)] >= 0).all()
    assert (rise[(slope[1:] < 0) & (slope[:-1] < 0)] <= 0).all()


@every
def test_kinks_are_exactly_where_the_slope_jumps(name: str) -> None:
    """For a stand-in, where the value jumps."""
    step = 1e-4
    z = np.arange(-8.0 - step / 3, 8.0, step)[:, None]  # no point falls on a round number
    curve = apply(name, z)[0 if name in SURROGATES else 1][:, 0]
    jumps = np.flatnonzero(np.abs(np.diff(curve)) > 0.05)
    np.testing.assert_allclose(z[jumps, 0], make_activation(name, SLOPE).kinks, atol=step)


def test_only_the_step_has_a_stand_in_for_its_slope() -> None:
    assert SURROGATES == ["step"]
    z = np.array([[-math.inf, -1.5, -1.0, -0.5, -0.0, 0.0, 1e-300, 0.5, 1.0, 1.0 + 1e-15, math.inf]])
    a, slope = apply("step", z)
    np.testing.assert_array_equal(a, z > 0)
    np.testing.assert_array_equal(slope, np.abs(z) <= 1)
    assert not difference("step", GRID[np.abs(GRID) > 0.1], 1e-3).any(), "the true slope is 0"


# Extremes


@every
@both_types
def test_extremes_give_finite_values_and_slopes(name: str, dtype: type) -> None:
    huge, tiny = (1e308, 1e-300) if dtype is np.float64 else (3e38, 1e-37)
    ends = np.array([[huge, huge**0.5, 1e4, 1000.0, 87.0, 40.0, tiny, 0.0]], dtype=dtype)
    a, slope = apply(name, np.concatenate([-ends, ends]))
    assert np.isfinite(a).all()
    assert (np.abs(slope) < 1.8).all()
    level = np.abs(a[:, 0]) < 2
    assert (np.abs(slope[level, 0]) < 1e-30).all() or name == "sine", "where φ has levelled off it is flat"


@every
@both_types
def test_infinity_gives_the_limit(name: str, dtype: type) -> None:
    far = np.array([[-1e38, 1e38], [-1e30, 1e30]], dtype=dtype)
    farthest, before = apply(name, far)[0]
    function, limit = make_activation(name, SLOPE), np.empty_like(far[:1])
    with np.errstate(all="ignore"):
        function.value(np.array([[-math.inf, math.inf]], dtype=dtype), limit, np.empty_like(limit))
    for end, earlier, at_infinity in zip(farthest, before, limit[0], strict=True):
        if abs(end) > 2:
            assert at_infinity == math.copysign(math.inf, end)
        elif math.isclose(end, earlier, abs_tol=1e-6):
            assert at_infinity == end
        else:
            assert np.isnan(at_infinity), "a wave has no limit"


@every
@both_types
def test_nan_is_passed_on_not_hidden(name: str, dtype: type) -> None:
    """A number that has blown up must arrive at the loss, or nobody would notice."""
    assert np.isnan(apply(name, np.array([[np.nan]], dtype=dtype))[0]).all()


@every_derivative
def test_smallest_numbers_keep_their_digits(name: str) -> None:
    """Near 0, φ is the line φ(0) + φ′·z, down to numbers that have only a few digits left."""
    z = np.array([[1e-20, 1e-150, 1e-300, 1e-310, 5e-324]])
    z = np.concatenate([-z, z])
    a, slope = apply(name, z)
    zero = apply(name, np.zeros((1, 1)))[0]
    np.testing.assert_allclose(a, zero + slope * z, rtol=5e-16, atol=5e-324)


# Memory


@every
@both_types
def test_single_precision_is_double_precision_rounded(name: str, dtype: type) -> None:
    z = GRID.astype(dtype)
    for single, double in zip(apply(name, z), apply(name, z.astype(np.float64)), strict=True):
        assert single.dtype == dtype
        np.testing.assert_allclose(single, double, rtol=2e-6, atol=5e-7)


@every
@both_types
def test_only_out_is_written_and_all_of_it(name: str, dtype: type) -> None:
    """Slices of larger buffers, as the short last batch uses them, give the same numbers, and inputs stay."""
    function, n = make_activation(name, SLOPE), len(GRID)
    z = GRID.astype(dtype)
    a, slope = apply(name, z)
    for array in (z, a):
        array.flags.writeable = False
    out, scratch = np.full((n + 3, 1), 7.0, dtype=dtype), np.full((n + 3, 1), 7.0, dtype=dtype)
    function.value(z, out[:n], scratch[:n])
    np.testing.assert_array_equal(out[:n], a)
    function.slope(z, a, out[:n], scratch[:n])
    np.testing.assert_array_equal(out[:n], slope)
    assert (out[n:] == 7.0).all()
    assert (scratch[n:] == 7.0).all()
    if function.saturation:
        mask = np.ones((n + 3, 1), dtype=bool)
        function.saturated(z, a, mask[:n], scratch[:n])
        assert mask[n:].all()
        assert (scratch[n:] == 7.0).all()


@every
@both_types
def test_nothing_is_allocated(name: str, dtype: type) -> None:
    """NumPy may convert a comparison in pieces, but no array of the batch's size appears."""
    function = make_activation(name, SLOPE)
    z = np.random.default_rng(0).standard_normal((300, 64)).astype(dtype)
    a, out, scratch, mask = np.empty_like(z), np.empty_like(z), np.empty_like(z), np.empty(z.shape, dtype=bool)

    def step() -> None:
        function.value(z, a, scratch)
        function.slope(z, a, out, scratch)
        if function.saturation:
            function.saturated(z, a, mask, scratch)

    step()  # the first call may import
    tracemalloc.start()
    try:
        step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16_000


# What the probe asks


@every
def test_saturation_is_said_in_words_exactly_where_there_is_a_plateau(name: str) -> None:
    wide = np.linspace(-60.0, 60.0, 2401)[:, None]
    if make_activation(name).saturation is None:
        with pytest.raises(NotImplementedError):
            saturated(name, wide)
        return
    mask, slope = saturated(name, wide), apply(name, wide)[1]
    assert mask.dtype == bool
    assert slope[mask].max() < slope[~mask].min(), "the plateau is where φ is flattest"
    assert slope[mask].max() < 0.1 * slope.max()
    assert mask[0, 0]
    assert not mask[np.abs(wide) < 1].any()


@every
def test_a_unit_that_is_silent_is_dead_where_that_is_promised_and_only_there(name: str) -> None:
    """Such a unit is found by one sum over its activations."""
    a, slope = apply(name, np.linspace(-40.0, 40.0, 801)[:, None])
    silent = a == 0
    promise = silent.any() and (a >= 0).all() and (silent == (slope == 0)).all()
    assert make_activation(name).silent_when_zero == promise


# Digits


def tail(z: Decimal, name: str) -> tuple[Decimal, Decimal]:
    """Return φ(z) and φ′(z) in many digits, for what can be written with eᶻ alone."""
    root = (Decimal(2) / Decimal(math.pi)).sqrt()  # as many digits as the code has
    e = (2 * root * (z + Decimal("0.044715") * z**3)).exp() if name == "gelu-tanh" else z.exp()
    sigma, square = e / (1 + e), e * e
    n = square + 2 * e
    formulas: dict[str, Callable[[], tuple[Decimal, Decimal]]] = {
        "sigmoid": lambda: (sigma, sigma / (1 + e)),
        "tanh": lambda: ((square - 1) / (square + 1), 4 * square / (square + 1) ** 2),
        "silu": lambda: (z * sigma, sigma * (1 + z / (1 + e))),
        "mish": lambda: (z * n / (n + 2), n / (n + 2) + 4 * z * e * (1 + e) / (n + 2) ** 2),
        "softplus": lambda: ((1 + e).ln(), sigma),
        "elu": lambda: (z, Decimal(1)) if z > 0 else (e - 1, e),
        "gelu-tanh": lambda: (
            z * sigma,
            sigma * (1 + z / (1 + e) * 2 * root * (1 + 3 * Decimal("0.044715") * z * z)),
        ),
    }
    return formulas[name]()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "mish", "softplus", "elu", "gelu-tanh"])
def test_values_are_right_to_the_last_digits_in_both_tails(name: str) -> None:
    end = 21.0 if name == "gelu-tanh" else 700.0
    sizes = np.concatenate([np.geomspace(1e-12, end, 120), np.linspace(0.01, 10.0, 150)])
    z = np.concatenate([-sizes, sizes])
    a, slope = (x[:, 0] for x in apply(name, z[:, None]))
    with localcontext() as context:
        context.prec = 340  # so that 1 + e⁻⁷⁰⁰ is not 1
        exact = np.array([[float(x) for x in tail(Decimal(float(x)), name)] for x in z])
    # A rounded exponent costs as many units in the last place as it is large; only this one is not z itself.
    precision = 1e-15 * (1 + (z**2 if name == "gelu-tanh" else 0))
    assert (np.abs(a - exact[:, 0]) <= precision * np.abs(exact[:, 0])).all()
    np.testing.assert_allclose(slope, exact[:, 1], rtol=1e-15, atol=1e-15)
    if name in ("silu", "mish", "softplus", "gelu-tanh"):
        left = z < -4
        assert (np.abs(slope - exact[:, 1]) <= 4 * precision * np.abs(exact[:, 1]))[left].all()


def test_tanh_is_right_to_three_units_in_the_last_place() -> None:
    sizes = np.geomspace(1e-12, 25.0, 1500)
    z = np.concatenate([-sizes, sizes])
    with localcontext() as context:
        context.prec = 60
        exact = [tail(Decimal(float(x)), "tanh")[0] for x in z]
        error = [abs(Decimal(float(y)) - x) for y, x in zip(apply("tanh", z[:, None])[0][:, 0], exact, strict=True)]
    assert max(float(e) / np.spacing(abs(float(x))) for e, x in zip(error, exact, strict=True)) < 3


@pytest.mark.parametrize("z", [-37.0, -30.0, -20.0, -10.0, -5.0, -1.0, -1e-9, 0.3, 7.0, 30.0])
def test_gelu_and_erf_keep_their_digits_where_they_are_tiny(z: float) -> None:
    """Φ(−30) is 10⁻¹⁹⁸, far below what 1 + erf can show."""
    half = math.erfc(-z / math.sqrt(2)) / 2
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    a, slope = apply("gelu", np.array([[z]]))
    assert math.isclose(a[0, 0], z * half, rel_tol=1e-12)
    assert math.isclose(slope[0, 0], half + z * density, rel_tol=1e-11)
    a, slope = apply("erf", np.array([[z]]))
    assert math.isclose(a[0, 0], math.erf(z), rel_tol=1e-14)
    assert math.isclose(slope[0, 0], 2 / math.sqrt(math.pi) * math.exp(-z * z), rel_tol=1e-12)


@given(st.floats(-700, 700))
@settings(max_examples=200, deadline=None)
def test_sigmoid_is_right_in_both_tails(z: float) -> None:
    value = apply("sigmoid", np.array([[z]]))[0][0, 0]
    exact = 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))
    assert math.isclose(value, exact, rel_tol=1e-14)


def test_sigmoid_keeps_tiny_values_instead_of_rounding_them_to_zero() -> None:
    """10⁻²¹⁷ is a result, not an underflow."""
    assert math.isclose(apply("sigmoid", np.array([[-500.0]]))[0][0, 0], math.exp(-500.0), rel_tol=1e-13)


def test_slopes_at_zero_are_those_of_the_lecture() -> None:
    steepest = {"sigmoid": 0.25, "tanh": 1.0, "hard-sigmoid": 1 / 6, "gelu": 0.5, "silu": 0.5, "softplus": 0.5}
    for name, slope in steepest.items():
        assert math.isclose(apply(name, np.zeros((1, 1)))[1][0, 0], slope, rel_tol=1e-15)
    smallest = np.array([[-5e-324, -0.0, 0.0, 1e-320]])
    np.testing.assert_allclose(apply("gelu", smallest)[1], 0.5, rtol=1e-15)


def test_relu_passes_nothing_at_exactly_zero() -> None:
    """The convention of PyTorch and of the paper on dead units: φ′(0) = 0."""
    a, slope = apply("relu", np.array([[-1.0, -0.0, 0.0, 1e-300, 3.0]]))
    np.testing.assert_array_equal(a, [[0.0, 0.0, 0.0, 1e-300, 3.0]])
    np.testing.assert_array_equal(slope, [[0.0, 0.0, 0.0, 1.0, 1.0]])


@pytest.mark.parametrize("name", ["leaky-relu", "prelu", "prelu-per-unit"])
@pytest.mark.parametrize("negative_slope", [-0.5, 0.0, 0.01, 0.25, 1.0, 1.5])
def test_leaky_relu_has_the_slope_it_was_given(name: str, negative_slope: float) -> None:
    a, slope = apply(name, np.array([[-2.0, 0.0, 2.0]]), negative_slope)
    np.testing.assert_array_equal(a, [[-2.0 * negative_slope, 0.0, 2.0]])
    np.testing.assert_allclose(slope, [[negative_slope, negative_slope, 1.0]], rtol=1e-15)
    assert make_activation(name, negative_slope).negative_slope == negative_slope


# PyTorch as a witness


PYTORCH: dict[str, Callable[..., Any]] = {
    "identity": lambda torch, f, z: z * 1.0,
    "sigmoid": lambda torch, f, z: torch.sigmoid(z),
    "tanh": lambda torch, f, z: torch.tanh(z),
    "relu": lambda torch, f, z: f.relu(z),
    "leaky-relu": lambda torch, f, z: f.leaky_relu(z, SLOPE),
    "prelu": lambda torch, f, z: f.prelu(z, torch.tensor(SLOPE, dtype=z.dtype)),
    "prelu-per-unit": lambda torch, f, z: f.prelu(z, torch.full(z.shape[1:], SLOPE, dtype=z.dtype)),
    "elu": lambda torch, f, z: f.elu(z),
    "selu": lambda torch, f, z: f.selu(z),
    "gelu": lambda torch, f, z: f.gelu(z),
    "gelu-tanh": lambda torch, f, z: f.gelu(z, approximate="tanh"),
    "silu": lambda torch, f, z: f.silu(z),
    "mish": lambda torch, f, z: f.mish(z),
    # From its own threshold of 20 on, PyTorch returns z.
    "softplus": lambda torch, f, z: f.softplus(z, threshold=500.0),
    "softsign": lambda torch, f, z: f.softsign(z),
    "hard-sigmoid": lambda torch, f, z: f.hardsigmoid(z),
    "erf": lambda torch, f, z: torch.erf(z),
    "sine": lambda torch, f, z: torch.sin(z),
}
"""The same function in PyTorch, which has no step."""


@pytest.mark.parametrize("name", PYTORCH)
def test_pytorch_has_the_same_value_and_gradient(name: str) -> None:
    """Also at the kinks; in the tails to the digits that PyTorch keeps, which computes Φ as 1 + erf.

    Its hard sigmoid has the slope ⅙ in single precision.
    """
    torch = pytest.importorskip("torch")
    far = np.array([-1e4, -700.0, -400.0, -100.0, 100.0, 400.0, 1e4, -1e-300, 1e-300, 1e-9])
    z = np.concatenate([np.linspace(-40.0, 40.0, 1601), far])[:, None]
    a, slope = apply(name, z)
    theirs = torch.tensor(z, requires_grad=True)
    value = PYTORCH[name](torch, torch.nn.functional, theirs)
    (gradient,) = torch.autograd.grad(value.sum(), theirs)
    np.testing.assert_allclose(a, value.detach().numpy(), rtol=1e-12, atol=5e-15 if "gelu" in name else 0)
    np.testing.assert_allclose(slope, gradient.numpy(), rtol=1e-12, atol=1e-8 if name == "hard-sigmoid" else 5e-15)


# What initialisation and theory are told


def moments(name: str, q: float) -> tuple[float, float, float]:
    """Return E φ(√q·z)², E φ′(√q·z)² and E[φ(√q·z)·φ′(√q·z)·z]/√q for z ~ N(0, 1).

    Composite Gauss–Legendre: 32 nodes in each of many panels that shrink towards 0 and end at the kinks.
    """
    nodes, weights = np.polynomial.legendre.leggauss(32)
    edges = np.concatenate([[0.0], np.geomspace(1e-6, 14.0, 60)])
    kinks = np.array(make_activation(name).kinks) / math.sqrt(q)
    edges = np.unique(np.concatenate([-edges, edges, kinks[np.abs(kinks) < 14]]))
    panels = [((b - a) / 2 * nodes + (a + b) / 2, (b - a) / 2 * weights) for a, b in pairwise(edges)]
    z, weight = (np.concatenate(part) for part in zip(*panels, strict=True))
    weight = weight * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    a, slope = (x[:, 0] for x in apply(name, math.sqrt(q) * z[:, None], None))
    return float(weight @ a**2), float(weight @ slope**2), float(weight @ (a * slope * z)) / math.sqrt(q)


PYTORCH_GAINS = {
    "identity": ("linear", 1.0),
    "sigmoid": ("sigmoid", 1.0),
    "tanh": ("tanh", 5 / 3),
    "relu": ("relu", math.sqrt(2)),
    "leaky-relu": ("leaky_relu", math.sqrt(2 / (1 + 0.01**2))),
    "selu": ("selu", 0.75),
}


@every
def test_gain_is_pytorchs_or_keeps_the_second_moment_at_one(name: str) -> None:
    gain = PYTORCH_GAINS[name][1] if name in PYTORCH_GAINS else moments(name, 1.0)[0] ** -0.5
    assert math.isclose(make_activation(name).gain, gain, rel_tol=1e-12)


@pytest.mark.parametrize("name", PYTORCH_GAINS)
def test_pytorch_has_the_same_gains(name: str) -> None:
    torch = pytest.importorskip("torch")
    theirs, gain = PYTORCH_GAINS[name]
    assert math.isclose(torch.nn.init.calculate_gain(theirs), gain, rel_tol=1e-15)


def test_gain_of_a_leaky_rectifier_counts_its_slope() -> None:
    assert make_activation("prelu").gain == math.sqrt(2 / 1.0625)
    assert make_activation("leaky-relu", 1.0).gain == 1.0


CRITICAL = [
    pytest.param(name, point, id=f"{name} {point.bias_variance}")
    for name in ACTIVATIONS
    if (theory := make_activation(name).mean_field)
    for point in theory.critical
]


@pytest.mark.parametrize(("name", "point"), CRITICAL)
def test_critical_points_keep_signal_and_gradient(name: str, point: CriticalPoint) -> None:
    """A19. χ₁ = 1 and q is a fixed point, to the digits of the table; stable is what χ∥ says."""
    variance = point.weight_std**2
    precision = 3e-5 if name == "sigmoid" else 5e-6  # 10.1493 has six digits, the others seven
    lengths = [0.1, 1.0, 10.0] if point.length is None else [point.length or 1e-14]
    for q in lengths:
        value, slope, growth = moments(name, q)
        assert math.isclose(variance * slope, 1.0, rel_tol=precision)
        assert math.isclose(variance * value + point.bias_variance, q, rel_tol=precision)
        if point.length:
            assert point.stable == (variance * growth < 1 - 1e-6)
        elif point.length == 0.0:
            before, after = 1e-3, variance * moments(name, 1e-3)[0]
            assert point.stable == (after < before), "a small q falls back to 0"


@every
def test_mean_field_says_something_about_every_table(name: str) -> None:
    theory = make_activation(name).mean_field
    if theory:
        assert theory.note.endswith(".")
        assert list(theory.critical) == sorted(theory.critical, key=lambda point: point.bias_variance)


def test_mean_field_of_a_leaky_rectifier_counts_its_slope() -> None:
    theory = make_activation("prelu", 0.25).mean_field
    assert theory is not None
    assert math.isclose(theory.critical[0].weight_std ** 2, 1.882353, rel_tol=1e-6)
