"""What can be tried: each function returns one edit of an experiment, or None where it would change nothing.

A remedy sets fields by dotted path. In a network that is written row by row the rows' own settings come first, so what
is to be set is taken out of the rows, and what only the sliders know (skips) is not offered.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.config import NONE, Experiment, edit, get
from gradflow.sim.fields import Field
from gradflow.sim.finding import Remedy
from gradflow.sim.layer_rows import DEFAULT, LayerRow

MOST = 5
"""More proposals than these are no help."""

SQUASHING = ("sigmoid", "hard-sigmoid", "softplus", "step")
"""Activations whose gradient fades at depth whatever the weights: no small critical weights (THEORY: χ₁ < 1)."""

RECTIFIERS = ("relu", "leaky-relu", "prelu", "prelu-per-unit")
SELF_NORMING = ("elu", "selu")
ODD = ("tanh", "erf", "softsign", "identity", "sine")

ACCELERATED = ("sgd", "nesterov")
"""Optimisers whose step grows to 1/(1 − μ) of the first one."""

FAIR, BOLD = -2.5, -1.5
"""log₁₀ ‖ΔW‖/‖W‖ of a first step that is neither timid nor rash: in most layers, and where it is largest."""

LOW_STEPS = 20
"""Shorter than this many updates nothing can be judged."""


def remedy(experiment: Experiment, title: str, reason: str, changes: Mapping[str, Any]) -> Remedy | None:
    """Return the remedy with those of its changes that change something, None if there are none."""
    new = {path: value for path, value in changes.items() if get(experiment, path) != value}
    return Remedy(title, reason, new) if new else None


def offer(*proposals: Remedy | None) -> tuple[Remedy, ...]:
    """Return the proposals that there are, each edit once, the first first."""
    kept: list[Remedy] = []
    for proposal in proposals:
        if proposal and all(proposal.changes != other.changes for other in kept):
            kept.append(proposal)
    return tuple(kept[:MOST])


def round_number(value: float, field: Field | None = None) -> float:
    """Return the nearest of 1, 2 and 5 times a power of ten, within a field's bounds."""
    exponent = math.floor(math.log10(value))
    near = min((1.0, 2.0, 5.0, 10.0), key=lambda m: abs(math.log(m) - math.log(value / 10.0**exponent)))
    rounded = float(f"{near * 10.0**exponent:.1g}")
    return min(max(rounded, field.says.low), field.says.high) if field else rounded


def without_own(experiment: Experiment, *keys: str) -> dict[str, Any]:
    """Return the edit that lets the rows of the layer list follow the experiment in these keys; empty without rows."""
    rows = experiment.network.layers
    if not rows:
        return {}
    own: dict[str, Any] = {item.name: item.default for item in dataclasses.fields(LayerRow) if item.name in keys}
    return {"network.layers": tuple(dataclasses.replace(row, **own) for row in rows)}


def has_own(experiment: Experiment, *keys: str) -> bool:
    """Return whether a row of the layer list has its own setting in one of these keys."""
    return any(getattr(row, key) != DEFAULT for row in experiment.network.layers for key in keys)


def sound_init(experiment: Experiment, activation: str = "") -> Remedy | None:
    """Draw the weights so that the signal keeps its size under φ."""
    chosen = activation or experiment.network.activation
    if chosen in RECTIFIERS:
        scheme, title = "he-normal", "Use He initialisation"
        reason = "σ = √(2/n) makes up for the half that a rectifier cuts off, so every layer passes on the whole size."
    elif chosen in SELF_NORMING:
        scheme, title = "lecun-normal", "Use LeCun initialisation"
        reason = f"σ = 1/√n keeps the size of signal and gradient under {chosen.upper()}."
    elif chosen in ODD:
        scheme, title = "xavier-normal", "Use Xavier initialisation"
        reason = f"σ = √(2/(inputs + outputs)) keeps signal and gradient, because {chosen} has slope 1 near 0."
    else:
        scheme, title = "lsuv", "Use LSUV initialisation"
        reason = "It rescales each layer until its z have variance 1 on the data, whatever φ does."
    changes = {
        "init.scheme": scheme,
        "init.scale": 1.0,
        "init.mode": "fan_in",
        "init.bias": 0.0,
        "init.bias_scale": 0.0,
    }
    found = remedy(experiment, title, reason, changes | without_own(experiment, "scheme", "scale"))
    if found and set(found.changes) == {"init.scale"}:
        # The scheme is the right one already.
        return dataclasses.replace(found, title="Set the init scale to 1")
    return found


def other_activation(experiment: Experiment, name: str, title: str, reason: str) -> Remedy | None:
    """Use another activation, drawn as it wants to be."""
    changes = {"network.activation": name, **without_own(experiment, "activation", "scheme", "scale")}
    drawn = sound_init(edit(experiment, changes))
    return remedy(experiment, title, reason, changes | dict(drawn.changes if drawn else {}))


def use_relu(experiment: Experiment) -> Remedy | None:
    """Use ReLU with He initialisation."""
    reason = "Its slope is 1 wherever a unit is on, and He's weights make up for those that are off."
    return other_activation(experiment, "relu", "Use ReLU with He initialisation", reason)


def use_tanh(experiment: Experiment) -> Remedy | None:
    """Use tanh with Xavier initialisation."""
    reason = "Its slope is 1 near 0, and Xavier's weights keep z there."
    return other_activation(experiment, "tanh", "Use tanh with Xavier initialisation", reason)


def skips(experiment: Experiment) -> Remedy | None:
    """Add skip connections, for the sliders' network."""
    shape = experiment.network
    if shape.layers or shape.skip_every or shape.depth < 3:
        return None
    changes = {
        "network.skip_every": 1,
        "network.residual": "pre-activation",
        "network.branch_scale": _branch_scale(shape.depth),
    }
    reason = "The gradient also takes the way around each layer, where nothing multiplies it."
    return remedy(experiment, "Add skip connections", reason, changes)


def quiet_branches(experiment: Experiment) -> Remedy | None:
    """Scale the branches of a residual network down."""
    shape = experiment.network
    if shape.layers or not shape.skip_every:
        return None
    scale = _branch_scale(max(1, (shape.depth - 1) // shape.skip_every))
    if shape.branch_scale <= scale:
        return None
    reason = "Each block multiplies the gradient by √(1 + α²·…): with α = 1/√blocks the whole product stays below √e."
    return remedy(experiment, "Scale the branches by 1/√blocks", reason, {"network.branch_scale": scale})


def _branch_scale(blocks: int) -> float:
    return float(f"{1.0 / math.sqrt(blocks):.2g}")


def layer_norm(experiment: Experiment) -> Remedy | None:
    """Put layer norm into every hidden layer."""
    reason = "It brings every layer's z back to variance 1, whatever the weights are."
    title = "Use layer norm" if experiment.network.norm == NONE else "Use layer norm instead"
    return remedy(experiment, title, reason, {"network.norm": "layer-norm", **without_own(experiment, "norm")})


def other_rate(experiment: Experiment, factor: float) -> Remedy | None:
    """Multiply the learning rate."""
    rate = experiment.training.learning_rate
    if not rate > 0.0 or not 0.0 < factor < math.inf:
        return None
    new = min(round_number(rate * factor), 1e6)
    if not new > 1e-12 or new == rate:
        return None
    if factor < 1.0:
        reason = "Smaller steps stay where the slope still describes the loss."
        return remedy(experiment, f"Lower the learning rate to {new:g}", reason, {"training.learning_rate": new})
    reason = "Larger steps get somewhere in the time there is."
    return remedy(experiment, f"Raise the learning rate to {new:g}", reason, {"training.learning_rate": new})


def fair_factor(experiment: Experiment, rates: NDArray[np.float64]) -> float:
    """Return the factor on the learning rate that makes these log₁₀ ‖ΔW‖/‖W‖ fair ones."""
    if not len(rates):
        return 0.1
    momentum = experiment.training.momentum if experiment.training.optimizer in ACCELERATED else 0.0
    wanted = min(FAIR - float(np.sort(rates)[len(rates) // 2]), BOLD - float(rates.max()))
    return tenfold(wanted + math.log10(1.0 - momentum))


def tenfold(decades: float) -> float:
    """Return 10^decades to a quarter of a decade: what is offered must not change from step to step."""
    return float(10.0 ** (round(4.0 * decades) / 4.0))


def clip(experiment: Experiment, norm: float) -> Remedy | None:
    """Clip the gradient at a norm."""
    if experiment.training.clip_norm or not 0.0 < norm < 1e12:
        return None
    norm = max(round_number(norm), 1e-6)
    reason = "A gradient that is longer than usual is shortened, so that one bad batch cannot throw the weights away."
    return remedy(experiment, f"Clip the gradient at norm {norm:g}", reason, {"training.clip_norm": norm})


def warm_up(experiment: Experiment) -> Remedy | None:
    """Start with a small learning rate."""
    training = experiment.training
    if training.warmup_steps or training.steps < LOW_STEPS:
        return None
    steps = int(round_number(min(200, max(training.steps // 10, 10))))
    reason = "The first steps are taken carefully, where the loss is steepest."
    return remedy(experiment, f"Warm up for {steps} steps", reason, {"training.warmup_steps": steps})


def adam(experiment: Experiment) -> Remedy | None:
    """Use Adam with its usual learning rate."""
    if experiment.training.optimizer in ("adam", "adamw"):
        return None
    changes = {"training.optimizer": "adam", "training.learning_rate": 1e-3}
    reason = "It divides every gradient by its own usual size, so that all layers take steps of like size."
    return remedy(experiment, "Use Adam", reason, changes)


def set_one(experiment: Experiment, path: str, value: Any, title: str, reason: str) -> Remedy | None:
    """Set one field."""
    return remedy(experiment, title, reason, {path: value})
