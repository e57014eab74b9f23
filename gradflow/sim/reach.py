"""How deep signals reach in the hidden layers of an experiment: its σ_w, its critical point, and its depth scale.

With Var W = σ_w²/n each layer multiplies the squared gradient by χ₁. Where χ₁ = 1 a network of any depth passes it on;
elsewhere signals reach a depth scale ξ, and networks deeper than about 6·ξ do not train (Schoenholz et al. 2017).
"""

from __future__ import annotations

import math

from gradflow.engine.activations import Activation, make_activation
from gradflow.engine.initializers import INITIALIZERS, Fans
from gradflow.sim.blueprint import default_init
from gradflow.sim.config import NONE, Experiment
from gradflow.theory.critical import Critical, critical_points
from gradflow.theory.depth_scales import SHORT, depth_scale
from gradflow.theory.lengths import LONG, LengthMap, Stability
from gradflow.theory.moments import moments_of

TRAINABLE_DEPTHS = 6.0
"""How many depth scales deep a network can be and still train."""

RANDOM = ("normal", "uniform", "truncated-normal", "orthogonal")


LIKE = 0.1
"""By how much, as a share, ln χ₁ halfway through a network may differ from what a deeper one would settle at."""


def reach(experiment: Experiment) -> float:
    """Return ξ, in layers: ∞ on the critical line, nan where this theory has nothing to say.

    ξ is that of signals whose length has settled; nan too where that takes more than half of the layers.
    """
    weight_std = standard_std(experiment) * experiment.init.scale
    if not plain(experiment) or not weight_std > 0.0:
        return math.nan
    moments, square = moments_of(activation_of(experiment)), weight_std**2
    lengths = LengthMap(moments, square, experiment.init.bias_scale**2)
    halfway = float(lengths.path(1.0, experiment.network.depth // 2 + 1)[-1])
    settled = min(max(lengths.settled(1.0).length, SHORT), LONG)
    slopes = [float(moments.slope(q)) for q in (halfway, settled)]
    if not min(slopes) > 0.0:
        return math.nan
    here, there = (math.log(square * slope) for slope in slopes)
    if not abs(here - there) <= LIKE * max(abs(there), LIKE):
        return math.nan
    return depth_scale(moments, square, experiment.init.bias_scale**2)


def plain(experiment: Experiment) -> bool:
    """Return whether all hidden layers are alike, with nothing in them but weights, biases of mean 0 and φ."""
    shape = experiment.network
    return not (shape.layers or shape.norm != NONE or shape.skip_every or shape.dropout or experiment.init.bias)


def critical_scale(experiment: Experiment) -> float:
    """Return the init scale at which χ₁ = 1; nan where it is not known."""
    point, weight_std = _critical_point(experiment), standard_std(experiment)
    return point.weight_std / weight_std if point and weight_std > 0.0 else math.nan


def activation_of(experiment: Experiment) -> Activation:
    """Return φ."""
    return make_activation(experiment.network.activation, experiment.network.negative_slope)


def standard_std(experiment: Experiment) -> float:
    """Return σ_w = std W·√n of a hidden layer at scale 1; nan where the scheme draws no independent weights."""
    width, init = experiment.network.width, default_init(experiment)
    function = activation_of(experiment)
    fans = Fans(width, width, init.mode, negative_slope=function.negative_slope, gain=function.gain)
    spread = INITIALIZERS[experiment.init.scheme].part(fans)
    known = spread.distribution in RANDOM and not spread.data_driven
    return float(spread.std * math.sqrt(width)) if known else math.nan


def _critical_point(experiment: Experiment) -> Critical | None:
    """Return the activation's critical point at these biases, if there is one and the network is a plain one.

    Of several, the one that a network does not run away from.
    """
    if not plain(experiment):
        return None
    points = critical_points(moments_of(activation_of(experiment)), experiment.init.bias_scale**2)
    return min(points, key=lambda point: point.stability is Stability.UNSTABLE, default=None)
