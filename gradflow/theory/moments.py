"""The Gaussian averages that all of mean-field theory is made of: by formula where one is known, else by panels."""

from __future__ import annotations

from gradflow.engine.activations import Activation, Erf, HardSigmoid, Identity, LeakyReLU, ReLU, Sine, Step
from gradflow.theory.averages import Moments
from gradflow.theory.closed_forms import ErfMoments, RectifierMoments, SineMoments
from gradflow.theory.thresholds import HardSigmoidMoments, StepMoments

__all__ = ["Moments", "moments_of"]

_found: dict[tuple[type[Activation], float], Moments] = {}


def moments_of(function: Activation | None) -> Moments:
    """Return the averages of an activation; None is linear. The same φ gets the same object back."""
    function = Identity() if function is None else function
    key = type(function), function.negative_slope
    if key not in _found:
        _found[key] = _moments(function)
    return _found[key]


def _moments(function: Activation) -> Moments:
    match function:
        case Identity():
            return RectifierMoments(function, 1.0)
        case ReLU() | LeakyReLU():
            return RectifierMoments(function, function.negative_slope)
        case Erf():
            return ErfMoments(function)
        case Sine():
            return SineMoments(function)
        case Step():
            return StepMoments(function)
        case HardSigmoid():
            return HardSigmoidMoments(function)
    return Moments(function)
