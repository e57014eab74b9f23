"""What theory expects of a run, layer by layer, in the units of what is measured."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Frozen):
    """The theory's curves for one step; each array has one number per layer, nan where there is no prediction.

    `delta_norm`, `weight_grad_norm` and `activation_norm` are what a snapshot calls so, in a typical random network
    (the median; where the spread is unknown, the root mean square). `delta_spread` and `weight_grad_spread` are the
    standard deviations of the natural logarithm of these norms from one random network to the next. `z_length` q and
    `a_length` k are mean squares per unit, `correlation` the mean cosine between z of two different samples, `factor`
    the expected ‖δ_l‖/‖δ_{l+1}‖. `note` says in words where and why there is none, or how far to trust it; `step` is
    that of the parameters it is about.
    """

    step: int
    delta_norm: Array
    weight_grad_norm: Array
    activation_norm: Array
    delta_spread: Array
    weight_grad_spread: Array
    z_length: Array
    a_length: Array
    correlation: Array
    factor: Array
    note: str = ""

    @property
    def exists(self) -> bool:
        """Whether there is a prediction of δ at all; if not, the note says why."""
        return bool(np.isfinite(self.delta_norm).any())


def predicting(step: int, layers: int, note: str = "", **known: Array) -> Prediction:
    """Return the prediction of what is known by name; everything else is nan."""
    arrays = {name: np.full(layers, np.nan) for name in CURVES} | known
    return Prediction(step=step, note=note, **arrays)


CURVES = tuple(item.name for item in fields(Prediction) if item.name not in ("step", "note"))
"""The names of the curves."""
