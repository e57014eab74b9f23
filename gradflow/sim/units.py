"""The units of every layer, one by one: which are dead, saturated, alike or healthy, and what they receive.

A unit is one entry of what φ gives out; in a convolution it is a channel, and every place of every image counts as one
of its samples. In a pre-activated layer these are the units in front of the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.engine.network import Layer, Network
from gradflow.engine.nodes import LearnableActivate
from gradflow.sim.frozen import Frozen
from gradflow.sim.twins import twins
from gradflow.sim.unit_curve import Curve, sample_curves
from gradflow.theory.dead_units import dead_by_chance

Array = NDArray[Any]

MOST_SAMPLES = 64
MOST_NUMBERS = 400_000
"""How many pre-activations are kept at most: rather fewer samples of every unit than no sample of some."""


class UnitState(IntEnum):
    """What is the matter with a unit, the least first; one that has several troubles shows the greatest."""

    HEALTHY = 0
    SATURATED = 1
    ALIKE = 2
    DEAD = 3


@dataclass(frozen=True, eq=False, repr=False)
class Units(Frozen):
    """Every unit of the network, the layers one after the other: layer l (from 0) has starts[l] … starts[l+1].

    `state` holds UnitState codes; `activity` is mean |φ′| over the largest |φ′| there is (1 is linear, nan where there
    is no φ); `zero` and `saturated` are the shares of samples with φ′ = 0 and on φ's plateau; `mean` and `std` are of
    z. `twin` is the unit of the same layer (from 0) whose incoming weights are parallel, −1 for none; where units and
    weights do not belong together `compared` is false for the layer. `chance` is the share of dead ReLU units that the
    measured correlation of the samples predicts. `z` and `a` (rows, units) are `rows` of the batch's `samples` values,
    evenly thinned. `curves` and `curve_of` say which φ a layer has (−1 for none).
    """

    starts: NDArray[np.int64]
    state: NDArray[np.uint8]
    activity: Array
    zero: Array
    saturated: Array
    mean: Array
    std: Array
    twin: NDArray[np.int64]
    compared: NDArray[np.bool_]
    chance: Array
    samples: NDArray[np.int64]
    z: tuple[Array, ...]
    a: tuple[Array, ...]
    curves: tuple[Curve, ...]
    curve_of: NDArray[np.int64]

    def span(self, layer: int) -> slice:
        """Return where a layer's units stand (layers from 0)."""
        return slice(int(self.starts[layer]), int(self.starts[layer + 1]))

    def share(self, layer: int, state: UnitState) -> float:
        """Return the share of a layer's units that are in a state."""
        return float(np.mean(self.state[self.span(layer)] == state))

    @property
    def total_chance(self) -> float:
        """The share of all units that are dead by chance, where there is a prediction for every φ; else nan."""
        bent = self.curve_of >= 0
        sizes = np.diff(self.starts)[bent]
        return float(self.chance[bent] @ sizes / sizes.sum()) if bent.any() else np.nan

    @property
    def total_dead(self) -> float:
        """The share of dead units among those that have a φ, nan where none has."""
        bent = ~np.isnan(self.activity)
        return float(np.mean(self.state[bent] == UnitState.DEAD)) if bent.any() else np.nan

    def gravest(self) -> tuple[int, int]:
        """Return the layer and unit (from 0) to look at first: the first of those in the gravest state."""
        place = int(self.state.argmax())
        layer = int(np.searchsorted(self.starts, place, side="right")) - 1
        return layer, place - int(self.starts[layer])

    def counts(self) -> dict[UnitState, int]:
        """Return how many units are in each state."""
        found = np.bincount(self.state, minlength=len(UnitState))
        return {state: int(found[state]) for state in UnitState}


def measure(network: Network, pause: Callable[[], None] = lambda: None) -> Units:
    """Look at every unit of a network whose batch has run forwards; `pause` is called between layers and may raise.

    Cost: φ′ and a few passes over z and over the weights.
    """
    layers = network.layers
    curves, curve_of = sample_curves(layers)
    steepest = [curves[place].steepest if place >= 0 else np.nan for place in curve_of]
    found = []
    for layer, following, most_steep in zip(layers, (*layers[1:], None), steepest, strict=True):
        pause()
        found.append(_look(layer, following, most_steep))
    starts = np.concatenate([[0], np.cumsum([len(one.mean) for one in found])])
    most = int(np.clip(MOST_NUMBERS // starts[-1], 1, MOST_SAMPLES))
    samples = np.array([len(_rows(layer, layer.output)) for layer in layers])
    return Units(
        starts=starts,
        state=np.concatenate([_judge(one) for one in found]),
        activity=np.concatenate([one.activity for one in found]),
        zero=np.concatenate([one.zero for one in found]),
        saturated=np.concatenate([one.saturated for one in found]),
        mean=np.concatenate([one.mean for one in found]),
        std=np.concatenate([one.std for one in found]),
        twin=np.concatenate([one.twin for one in found]),
        compared=np.array([one.compared for one in found]),
        chance=_chance(layers, samples),
        samples=samples,
        z=tuple(_thinned(_rows(layer, _before(layer)), most) for layer in layers),
        a=tuple(_thinned(_rows(layer, layer.output), most) for layer in layers),
        curves=curves,
        curve_of=curve_of,
    )


@dataclass(frozen=True)
class _Seen:
    """One layer's units."""

    activity: Array
    zero: Array
    saturated: Array
    mean: Array
    std: Array
    twin: NDArray[np.int64]
    compared: bool


def _look(layer: Layer, following: Layer | None, steepest: Array | float) -> _Seen:
    z = _rows(layer, _before(layer))
    units = z.shape[1]
    nothing = np.full(units, np.nan)
    fits = not layer.pre_activated and layer.linear.channels == units
    twin = twins(layer, following) if fits else np.full(units, -1)
    seen = _Seen(nothing, nothing, nothing, z.mean(axis=0, dtype=float), z.std(axis=0, dtype=float), twin, fits)
    activate = layer.activate
    if activate is None:
        return seen
    slope = np.empty_like(activate.value)
    activate.write_slope(slope)
    steepness = np.abs(slope).reshape(z.shape)
    if isinstance(activate, LearnableActivate):
        steepest = np.maximum(1.0, np.abs(activate.a.astype(float)))
    saturated = nothing
    if activate.function.saturation:
        mask, scratch = np.empty(activate.value.shape, bool), np.empty_like(activate.value)
        activate.function.saturated(activate.inputs[0].value, activate.value, mask, scratch)
        saturated = mask.reshape(z.shape).mean(axis=0)
    return replace(
        seen,
        activity=steepness.mean(axis=0, dtype=float) / steepest,
        zero=(steepness == 0.0).mean(axis=0),
        saturated=saturated,
    )


def _judge(seen: _Seen) -> NDArray[np.uint8]:
    state = np.full(len(seen.mean), UnitState.HEALTHY, np.uint8)
    state[seen.saturated > 0.5] = UnitState.SATURATED
    state[seen.twin >= 0] = UnitState.ALIKE
    state[seen.zero == 1.0] = UnitState.DEAD
    return state


def _before(layer: Layer) -> Node:
    """Return the node with what φ receives; z itself where there is no φ."""
    return layer.activate.inputs[0] if layer.activate else layer.linear


def _rows(layer: Layer, node: Node) -> Array:
    """Return values as (samples, units): the places of an image are samples too."""
    return node.value.reshape(-1, layer.output.shape[-1])


def _thinned(rows: Array, most: int) -> Array:
    kept = np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(np.intp)
    thin = rows[kept]
    thin.setflags(write=False)
    return thin


def _chance(layers: Sequence[Layer], samples: NDArray[np.int64]) -> Array:
    """Return the share of units that are dead by chance, nan where φ is no ReLU."""
    chance = np.full(len(layers), np.nan)
    for i, layer in enumerate(layers):
        if layer.activate and layer.activate.function.silent_when_zero:
            chance[i] = _mean_cosine(_rows(layer, _before(layer)))
    for count in np.unique(samples):
        of = (samples == count) & ~np.isnan(chance)
        chance[of] = dead_by_chance(chance[of], int(count))
    return chance


def _mean_cosine(z: Array) -> float:
    """Return the mean cosine between the z of two different samples."""
    largest = np.abs(z).max(axis=1).astype(float)
    known = z[(largest > 0.0) & (largest < np.inf)]
    count = len(known)
    if count < 2:
        return np.nan
    # By the largest entry first: no square leaves the range.
    known = known / np.abs(known).max(axis=1, keepdims=True)
    known = known / np.sqrt(np.einsum("ij,ij->i", known, known))[:, None]
    total = known.sum(axis=0, dtype=float)
    return float((total @ total - count) / (count * (count - 1)))
