"""The contract of an activation φ, and the registry of all of them.

Every method writes into the array it is given, because the training step may not allocate. `z` is the pre-activation
and `a` = φ(z) the activation, both of shape (batch, units), in float64 or float32; `scratch` is one more array of that
shape and dtype, for intermediate results. `out` and `scratch` share no memory with each other or with `z` and `a`.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations.mean_field import MeanField
from gradflow.registry import Registry

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


class Activation:
    """The contract of an activation; a subclass gives `value` and `slope` and overrides the rest where it differs.

    Values are right to a few units in the last place (z² of them in the tails of the normal distribution), and at ±∞
    they are φ's limit. Slopes are right to a few units in the last place of the largest slope: on a plateau, φ′ is
    computed from φ as in PyTorch, and ends in an exact 0.
    """

    negative_slope: float = 0.0
    """α in φ(z) = α·z for z < 0; it enters He's gain √(2/(1+α²))."""

    saturation: str | None = None
    """What "saturated" means, in words, or None for a function that has no plateau but the zero of a rectifier."""

    kinks: tuple[float, ...] = ()
    """The z at which the slope jumps, where finite differences disagree with every convention."""

    surrogate: bool = False
    """Whether `slope` is a stand-in for φ′, so that no finite difference can agree with it."""

    silent_when_zero: bool = False
    """Whether φ ≥ 0 and φ′ = 0 exactly where φ = 0: a unit is dead exactly if its activations add up to 0."""

    learnable: Literal["", "layer", "unit"] = ""
    """Whether `negative_slope` is only the start of a parameter that is learnt, one per layer or one per unit."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @property
    def gain(self) -> float:
        """The factor g that makes Var W = g²/n keep the second moment of the activations near 1.

        PyTorch's number where `torch.nn.init.calculate_gain` has one (identity and sigmoid 1, tanh 5/3, ReLU √2, leaky
        ReLU √(2/(1+α²)), SELU ¾), otherwise 1/√E[φ(z)²] for z ~ N(0, 1).
        """
        return 1.0

    @property
    def mean_field(self) -> MeanField | None:
        """What mean-field theory says about initialising a deep network of this φ, or None where it is not known."""
        return None

    def value(self, z: Array, out: Array, scratch: Array) -> None:
        """Write φ(z) into `out`."""
        raise NotImplementedError

    def slope(self, z: Array, a: Array, out: Array, scratch: Array) -> None:
        """Write φ′(z) into `out`; `a` is φ(z)."""
        raise NotImplementedError

    def saturated(self, z: Array, a: Array, out: Mask, scratch: Array) -> None:
        """Write the mask of saturated entries into `out`; only called where `saturation` is not None."""
        raise NotImplementedError


def _in_theory(part: type[Activation]) -> str:
    field = part().mean_field
    return str(field) if field else ""


ACTIVATIONS: Registry[type[Activation]] = Registry("activation", _in_theory)
activation = ACTIVATIONS.register


def make_activation(name: str, negative_slope: float | None = None) -> Activation:
    """Return the activation called `name`; `negative_slope` reaches those that have one, None keeps their own."""
    part = ACTIVATIONS[name].part
    takes_slope = is_dataclass(part) and any(field.name == "negative_slope" for field in fields(part))
    return part(negative_slope) if takes_slope and negative_slope is not None else part()  # type: ignore[call-arg]
