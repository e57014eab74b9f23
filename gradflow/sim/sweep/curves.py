"""What theory says about a map: where the gradient neither vanishes nor explodes, and how deep it reaches elsewhere.

With Var W = σ_w²/n each layer multiplies the squared gradient by χ₁. The critical line is χ₁ = 1; beside it signals
reach a depth scale ξ, and networks deeper than about 6·ξ do not train (Schoenholz et al. 2017).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.config import Experiment, edit
from gradflow.sim.reach import TRAINABLE_DEPTHS, activation_of, critical_scale, standard_std
from gradflow.sim.sweep.axis import Axis
from gradflow.sim.sweep.chart import Curve
from gradflow.sim.sweep.grid import Sweep
from gradflow.theory.depth_scales import depth_scale
from gradflow.theory.moments import moments_of

Array = NDArray[np.float64]

SCALE, DEPTH = "init.scale", "network.depth"
MESH, NEAREST = 48, 1e-2
"""Scales at which the curve is computed: evenly, and from so near to the critical one on either side."""


def theory_curves(sweep: Sweep) -> tuple[Curve, ...]:
    """Return the critical line of a sweep over init.scale, and the depth-scale curve if the other axis is depth.

    Empty where this theory has nothing to say: with norms, skips, dropout, a layer list or biases of another mean than
    0, and where no initialisation is critical.
    """
    if sweep.x.path == SCALE:
        return _curves(sweep, sweep.x, sweep.y)
    if sweep.y.path == SCALE:
        return tuple(Curve(curve.label, curve.y, curve.x) for curve in _curves(sweep, sweep.y, sweep.x))
    return ()


def _curves(sweep: Sweep, scales: Axis, other: Axis) -> tuple[Curve, ...]:
    """Return the curves with the scale as x."""
    experiments = [edit(sweep.experiment, {other.path: value}) for value in other.values]
    critical = scales.place([critical_scale(experiment) for experiment in experiments])
    middles = np.arange(float(len(experiments)))
    if other.numeric:
        # A line ends at the edges of the outer cells, not at their middles.
        line = Curve("χ₁ = 1", critical[[0, *range(len(critical)), -1]], np.array([-0.5, *middles, middles[-1] + 0.5]))
    else:
        # Between two names there is nothing: each has a piece of its own.
        pieces = middles[:, None] + [-0.5, 0.5, np.nan]
        line = Curve("χ₁ = 1", np.repeat(critical, 3), pieces.ravel())
    found = [line] if np.isfinite(critical).any() else []
    if other.path == DEPTH:
        found += _depth_curve(sweep.experiment, scales, other)
    return tuple(found)


def _depth_curve(experiment: Experiment, scales: Axis, depths: Axis) -> list[Curve]:
    """Return the depth that can be trained at each scale."""
    critical, weight_std = critical_scale(experiment), standard_std(experiment)
    if math.isnan(critical) or not scales.numeric or len(scales.values) < 2:
        return []
    low, high = float(scales.values[0]), float(scales.values[-1])
    even = np.geomspace(low, high, MESH) if scales.log else np.linspace(low, high, MESH)
    # The curve is steep on both sides of the critical line.
    near = np.exp(np.geomspace(NEAREST, 1.0, MESH))
    mesh = np.unique(np.concatenate([even, critical * near, critical / near]))
    mesh = mesh[(mesh >= low) & (mesh <= high)]
    moments, bias_square = moments_of(activation_of(experiment)), experiment.init.bias_scale**2
    reach = [TRAINABLE_DEPTHS * depth_scale(moments, (weight_std * scale) ** 2, bias_square) for scale in mesh.tolist()]
    return [Curve("depth = 6 ξ", scales.place(mesh), depths.place(reach))]
