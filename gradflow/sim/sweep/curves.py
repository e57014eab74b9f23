"""What theory says about a map: where the gradient neither vanishes nor explodes, and how deep it reaches elsewhere.

With Var W = σ_w²/n each layer multiplies the squared gradient by χ₁. The critical line is χ₁ = 1; beside it the
gradient's depth scale is ξ = 1/|ln χ₁|, and networks deeper than about 6·ξ do not train (Schoenholz et al. 2017).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import make_activation
from gradflow.engine.activations.mean_field import CriticalPoint
from gradflow.engine.initializers import INITIALIZERS, Fans
from gradflow.sim.blueprint import default_init
from gradflow.sim.config import NONE, Experiment, edit
from gradflow.sim.sweep.axis import Axis
from gradflow.sim.sweep.chart import Curve
from gradflow.sim.sweep.grid import Sweep

Array = NDArray[np.float64]

SCALE, DEPTH = "init.scale", "network.depth"
TRAINABLE_DEPTHS = 6.0
"""How many depth scales deep a network can be and still train."""

MESH = 400
RANDOM = ("normal", "uniform", "truncated-normal", "orthogonal")


def theory_curves(sweep: Sweep) -> tuple[Curve, ...]:
    """Return the critical line of a sweep over init.scale, and the depth-scale curve if the other axis is depth.

    Empty where the theory has nothing to say: with norms, skips, dropout or a layer list, and for activations or
    biases whose critical point is not known.
    """
    if sweep.x.path == SCALE:
        return _curves(sweep, sweep.x, sweep.y)
    if sweep.y.path == SCALE:
        return tuple(Curve(curve.label, curve.y, curve.x) for curve in _curves(sweep, sweep.y, sweep.x))
    return ()


def _curves(sweep: Sweep, scales: Axis, other: Axis) -> tuple[Curve, ...]:
    """Return the curves with the scale as x."""
    experiments = [edit(sweep.experiment, {other.path: value}) for value in other.values]
    critical = scales.place([_critical_scale(experiment) for experiment in experiments])
    # A line ends at the edges of the outer cells, not at their middles.
    places = np.array([-0.5, *range(len(experiments)), len(experiments) - 0.5])
    line = Curve("χ₁ = 1", np.array([critical[0], *critical, critical[-1]]), places)
    found = [line] if np.isfinite(critical).any() else []
    if other.path == DEPTH:
        found += _depth_curve(sweep.experiment, scales, other)
    return tuple(found)


def _depth_curve(experiment: Experiment, scales: Axis, depths: Axis) -> list[Curve]:
    """Return the depth that can be trained at each scale, where χ₁ does not depend on the length of the signal."""
    point, critical = _critical_point(experiment), _critical_scale(experiment)
    if point is None or point.length is not None or math.isnan(critical) or len(depths.values) < 2:
        return []
    # The outer cells reach beyond the outer values.
    low, high = float(depths.values[0]), float(depths.values[-1])
    mesh = np.linspace(
        max(low - 0.5 * depths.values[1] + 0.5 * low, 0.5), high + 0.5 * (high - depths.values[-2]), MESH
    )
    # depth = 6·ξ = 6/|ln χ₁| with χ₁ = (scale/critical)², solved for the scale on either side.
    ratio = np.exp(0.5 * TRAINABLE_DEPTHS / mesh)
    x = np.concatenate([critical / ratio, [np.nan], (critical * ratio)[::-1]])
    y = np.concatenate([mesh, [np.nan], mesh[::-1]])
    return [Curve("depth = 6 ξ", scales.place(x), depths.place(y))]


def _critical_scale(experiment: Experiment) -> float:
    """Return the init scale at which χ₁ = 1; nan where it is not known."""
    point, weight_std = _critical_point(experiment), _weight_std(experiment)
    return point.weight_std / weight_std if point and weight_std > 0.0 else math.nan


def _critical_point(experiment: Experiment) -> CriticalPoint | None:
    """Return the activation's critical point at these biases, if it is known and the network is a plain one."""
    shape, init = experiment.network, experiment.init
    if shape.layers or shape.norm != NONE or shape.skip_every or shape.dropout or init.bias:
        return None
    field = make_activation(shape.activation, shape.negative_slope).mean_field
    for point in field.critical if field else ():
        if math.isclose(point.bias_variance, init.bias_scale**2, rel_tol=1e-6, abs_tol=1e-12):
            return point
    return None


def _weight_std(experiment: Experiment) -> float:
    """Return σ_w = std W·√n of a hidden layer at scale 1; nan where the scheme draws no independent weights."""
    width, init = experiment.network.width, default_init(experiment)
    function = make_activation(experiment.network.activation, experiment.network.negative_slope)
    fans = Fans(width, width, init.mode, negative_slope=function.negative_slope, gain=function.gain)
    spread = INITIALIZERS[experiment.init.scheme].part(fans)
    known = spread.distribution in RANDOM and not spread.data_driven
    return float(spread.std * math.sqrt(width)) if known else math.nan
