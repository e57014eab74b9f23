"""Theory's lines on a map: where they lie, and where they keep silent."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradflow.engine.activations import Tanh, make_activation
from gradflow.sim.config import Experiment, edit
from gradflow.sim.sweep import Axis, Curve, Sweep
from gradflow.sim.sweep.curves import theory_curves
from gradflow.theory.depth_scales import depth_scale
from gradflow.theory.maps import phase
from gradflow.theory.moments import moments_of

SCALE, DEPTH = "init.scale=0.1:20:41:log", "network.depth=2:50:25"


def curves(changes: dict[str, object], x: str = SCALE, y: str = DEPTH) -> tuple[Curve, ...]:
    return theory_curves(Sweep(edit(Experiment(), changes), Axis.parse(x), Axis.parse(y)))


def scale_of(curve: Curve) -> float:
    """Return the one scale at which a critical line stands."""
    places = curve.x[np.isfinite(curve.x)]
    assert np.ptp(places) == 0.0
    return float(0.1 * (20.0 / 0.1) ** (places[0] / 40.0))


@pytest.mark.parametrize(
    ("activation", "scheme", "bias", "scale"),
    [
        ("identity", "lecun-normal", 0.0, 1.0),
        ("relu", "he-normal", 0.0, 1.0),
        ("relu", "xavier-uniform", 0.0, math.sqrt(2.0)),
        ("relu", "standard-uniform", 0.0, math.sqrt(6.0)),
        ("tanh", "xavier-normal", 0.0, 1.0),
        ("tanh", "orthogonal", 0.0, 1.0),
        ("tanh", "xavier-normal", math.sqrt(0.05), 1.327010),
        ("tanh", "gain-normal", 0.0, 0.6),
        ("sigmoid", "xavier-normal", 0.0, 10.1493),
        ("selu", "lecun-normal", 0.0, 0.690487),
    ],
)
def test_the_critical_line_stands_where_the_papers_say(activation, scheme, bias, scale):
    found = curves({"network.activation": activation, "init.scheme": scheme, "init.bias_scale": bias})
    assert found[0].label == "χ₁ = 1" and scale_of(found[0]) == pytest.approx(scale, rel=1e-5)


@pytest.mark.parametrize(("activation", "critical"), [("relu", 1.0), ("identity", 1.0), ("leaky-relu", 1.0)])
def test_on_the_depth_curve_the_depth_is_six_depth_scales(activation, critical):
    scheme = "lecun-normal" if activation == "identity" else "he-normal"
    curve = curves({"network.activation": activation, "init.scheme": scheme})[1]
    seen = np.isfinite(curve.x) & np.isfinite(curve.y)
    assert curve.label == "depth = 6 ξ" and seen.sum() > 40
    scales = 0.1 * (20.0 / 0.1) ** (curve.x[seen] / 40.0)
    depths = 2.0 + 2.0 * curve.y[seen]
    inside = (curve.x[seen] >= 0) & (curve.x[seen] <= 40) & (curve.y[seen] >= 0) & (curve.y[seen] <= 24)
    chi = (scales / critical) ** 2
    assert np.allclose((depths * np.abs(np.log(chi)))[inside], 6.0, rtol=1e-6)
    assert (scales < 1.0).any() and (scales > 1.0).any()


@pytest.mark.parametrize(("square", "reach"), [(1.0, 22), (1.3, 47), (2.5, 71), (4.0, 42)])
def test_six_depth_scales_of_tanh_are_those_of_the_published_trainable_depth(square, reach):
    """Schoenholz et al. 2017, tanh with σ_b² = 0.05."""
    assert 6.0 * depth_scale(moments_of(Tanh()), square, 0.05) == pytest.approx(reach, abs=0.6)


@pytest.mark.parametrize("name", ["tanh", "erf", "softsign", "sine"])
@pytest.mark.parametrize("square", [0.5, 2.0, 6.0])
def test_the_depth_scale_is_that_of_the_exact_phase(name, square):
    moments = moments_of(make_activation(name))
    exact = phase(moments, square, 0.1)
    assert depth_scale(moments, square, 0.1) == pytest.approx(exact.correlation_depth, rel=5e-3)


def test_the_depth_curve_leaves_both_sides_of_the_critical_line_for_any_activation():
    line, depths = curves({"network.activation": "tanh", "init.bias_scale": 0.2})
    seen = np.isfinite(depths.y)
    below, above = depths.x[seen] < line.x[1], depths.x[seen] > line.x[1]
    assert below.sum() > 10 and above.sum() > 10
    # It rises towards the line from the left, and falls behind it.
    assert (np.diff(depths.y[seen][below]) > 0).all()
    assert (np.diff(depths.y[seen][above]) < 0).all()


def test_axes_that_are_exchanged_exchange_the_curves():
    changes = {"network.activation": "relu"}
    for one, other in zip(curves(changes), curves(changes, DEPTH, SCALE), strict=True):
        assert np.array_equal(one.x, other.y, equal_nan=True) and np.array_equal(one.y, other.x, equal_nan=True)


def test_the_line_has_a_piece_for_every_name():
    (line,) = curves({}, y="network.activation=identity,relu,sigmoid,softplus")
    x, y = line.x.reshape(4, 3), line.y.reshape(4, 3)
    assert np.isfinite(x[:3]).all() and np.isnan(x[3]).all() and x[0, 0] < x[1, 0] < x[2, 0]
    assert np.array_equal(y[:, :2], [[-0.5, 0.5], [0.5, 1.5], [1.5, 2.5], [2.5, 3.5]]) and np.isnan(y[:, 2]).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"network.norm": "batch-norm"},
        {"network.skip_every": 2},
        {"network.dropout": 0.5},
        {"init.bias": 1.0},
        {"network.activation": "relu", "init.bias_scale": 0.1},
        {"init.scheme": "lsuv"},
        {"init.scheme": "constant"},
        {"network.activation": "softplus"},
    ],
)
def test_where_theory_has_nothing_to_say_there_is_no_line(changes):
    assert curves(changes) == ()


def test_without_a_scale_axis_there_is_no_line():
    assert curves({}, x="seed=1,2") == ()
