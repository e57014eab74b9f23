"""What the training hands out: frozen results with read-only arrays, safe to read on any thread.

Layers are indexed from 0 here (layer 1 is index 0). A quantity that does not exist is nan. Two results are equal only
if they are one: arrays have no single truth value, and nobody compares whole results.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.losses import Task
from gradflow.sim.frozen import Frozen
from gradflow.sim.graph_shape import GraphShape
from gradflow.sim.words import spell

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


class Stat(StrEnum):
    """What is measured for every layer at every step, in the order of a snapshot's rows.

    Each has its name in files, its symbol on screen, and what it means.
    """

    symbol: str
    meaning: str

    def __new__(cls, name: str, symbol: str, meaning: str) -> Stat:
        member = str.__new__(cls, name)
        member._value_, member.symbol, member.meaning = name, symbol, meaning
        return member

    WEIGHT = "weight_norm", "‖W‖", "The norm of the weights."
    WEIGHT_GRAD = "weight_grad_norm", "‖∂L/∂W‖", "The norm of the weights' gradient."
    BIAS_GRAD = "bias_grad_norm", "‖∂L/∂b‖", "The norm of the biases' gradient."
    DELTA = "delta_norm", "‖δ‖", "The norm of δ = ∂L/∂z over batch and units."
    ACTIVATION = "activation_norm", "‖a‖", "The norm of the activations over batch and units."
    UPDATE = "update_norm", "‖ΔW‖", "The norm of the next update."
    ACTIVATION_MEAN = "activation_mean", "mean of a", "The mean of the activations."
    ACTIVATION_STD = "activation_std", "std of a", "The standard deviation of the activations."
    DEAD = "dead_fraction", "dead", "The share of units whose φ′ is 0 on every sample of the batch."
    SATURATED = "saturated_fraction", "saturated", "The share of activations on φ's plateau."
    UNDERFLOW = (
        "underflow_fraction",
        "underflow",
        "The share of δ that a half precision rounded to 0 here or on its way from the next layer.",
    )

    @property
    def row(self) -> int:
        """The row of this statistic in a snapshot's array."""
        return _ROWS[self]


NORMS = (Stat.WEIGHT, Stat.WEIGHT_GRAD, Stat.BIAS_GRAD, Stat.DELTA, Stat.ACTIVATION, Stat.UPDATE)
"""The rows that are norms: finite as long as the network is, never negative."""

_ROWS = {stat: row for row, stat in enumerate(Stat)}


@dataclass(frozen=True)
class Plateaus:
    """Where φ is flat: the intervals of z (an end may be infinite), those of the values a = φ(z) there, and in words.

    A plateau of a single value has no interval of a.
    """

    z: tuple[tuple[float, float], ...] = ()
    a: tuple[tuple[float, float], ...] = ()
    words: str = ""


NO_PLATEAUS = Plateaus()


@dataclass(frozen=True, eq=False, repr=False)
class LayerInfo:
    """What is fixed about one parameter layer: its number (from 1), name, size, and how it was drawn."""

    number: int
    name: str
    inputs: int
    units: int
    activation: str | None
    saturation: str | None
    init_n: float | None
    init_gain: float
    init_std: float
    kind: str = "dense"
    trainable: bool = True
    plateaus: Plateaus = NO_PLATEAUS


@dataclass(frozen=True, eq=False, repr=False)
class Topology:
    """What is fixed about a run: its layers and its data. Views build their items from it.

    `chance_loss` is the loss of the best answer that does not look at the inputs, `idle_inputs` how many inputs have
    the same value in all training samples.
    """

    layers: tuple[LayerInfo, ...]
    task: Task
    loss: str
    inputs: int
    outputs: int
    classes: tuple[str, ...]
    training_samples: int
    validation_samples: int
    parameters: int
    graph: GraphShape
    chance_loss: float = math.nan
    idle_inputs: int = 0


@dataclass(frozen=True)
class Divergence:
    """Where numbers stopped being finite: the layer (from 1; None is the loss), the direction, and the quantity.

    `loss_scale` is what every gradient was multiplied by. `largest_before` is the largest magnitude in the same array
    one step before, nan where that is not known.
    """

    step: int
    layer: int | None
    direction: str
    quantity: str
    loss_scale: float = 1.0
    largest_before: float = math.nan

    def __str__(self) -> str:
        place = f" in layer {self.layer}" if self.layer else ""
        words = f"on the {self.direction} pass of step {self.step}, {self.quantity}{place} is no longer finite"
        if math.isnan(self.largest_before):
            return words
        return f"{words} (one step before, its largest magnitude was {spell(self.largest_before)})"


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(Frozen):
    """The state after `step` updates, measured on the batch that the next update uses.

    `stats` has shape (len(Stat), layers): norms, mean and standard deviation of a, the share of units whose φ′ is 0 on
    every sample (`dead_fraction`), of activations on φ's plateau, and of entries of δ that a half precision rounded to
    0. Losses are batch means; validation is nan between its turns. `grad_norm` is that of all trainable parameters,
    `grad_norm_clipped` the same after clipping, nan where nothing is clipped.
    """

    step: int
    epoch: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    grad_norm: float
    grad_norm_clipped: float
    stats: Array
    divergence: Divergence | None = None

    @property
    def finite(self) -> bool:
        """Whether every number of this step is finite."""
        return self.divergence is None

    def stat(self, which: Stat) -> Array:
        """Return one statistic for all layers."""
        row: Array = self.stats[which.row]
        return row

    @property
    def update_ratio(self) -> Array:
        """‖ΔW‖/‖W‖ of the next update, per layer; nan where the weights are zero."""
        weight = self.stat(Stat.WEIGHT)
        ratio: Array = np.divide(self.stat(Stat.UPDATE), weight, out=np.full_like(weight, np.nan), where=weight > 0)
        return ratio
