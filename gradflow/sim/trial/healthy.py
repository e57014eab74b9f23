"""Random experiments that are sound by construction: every choice is one that the literature recommends together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

Changes = dict[str, Any]
T = TypeVar("T")

DATA = (
    {"data.name": "two-moons"},
    {"data.name": "blobs"},
    {"data.name": "digits"},
    {"data.name": "spirals", "data.noise": 0.02},
    {"data.name": "sine"},
)

CLASSES = DATA[:-1]

DRAWN = {
    "relu": ("he-normal", "he-uniform"),
    "leaky-relu": ("he-normal", "he-uniform"),
    "prelu": ("he-normal",),
    "tanh": ("xavier-normal", "xavier-uniform", "orthogonal", "lecun-normal"),
    "erf": ("xavier-normal", "orthogonal"),
    "softsign": ("xavier-normal", "xavier-uniform"),
    "elu": ("lecun-normal", "lecun-uniform"),
    "selu": ("lecun-normal",),
    "gelu": ("lsuv", "gain-normal"),
    "silu": ("lsuv", "gain-normal"),
    "mish": ("lsuv",),
}
"""The init schemes that go with each activation."""

OPTIMIZERS: dict[str, tuple[Changes, float, float]] = {
    "sgd": ({"training.optimizer": "sgd"}, 0.03, 0.1),
    "momentum": ({"training.optimizer": "sgd", "training.momentum": 0.9}, 0.005, 0.02),
    "nesterov": ({"training.optimizer": "nesterov", "training.momentum": 0.9}, 0.005, 0.02),
    "adam": ({"training.optimizer": "adam"}, 1e-3, 3e-3),
    "adamw": ({"training.optimizer": "adamw", "training.weight_decay": 0.01}, 1e-3, 3e-3),
    "rmsprop": ({"training.optimizer": "rmsprop"}, 5e-4, 1.5e-3),
    "adagrad": ({"training.optimizer": "adagrad"}, 0.01, 0.03),
    "lion": ({"training.optimizer": "lion"}, 1e-4, 4e-4),
}
"""The usual learning rates of each optimiser."""


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """Return one of several."""
    return choices[int(rng.integers(len(choices)))]


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two, evenly on a logarithmic scale, with three digits."""
    return float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.3g}")


def whole(rng: np.random.Generator, low: int, high: int) -> int:
    """Return a whole number from low to high."""
    return int(rng.integers(low, high + 1))


def healthy(rng: np.random.Generator, steps: int) -> Changes:
    """Draw a sound experiment: data, shape, activation with its init scheme, optimiser with its rate, norm, skips."""
    activation = pick(rng, list(DRAWN))
    optimizer, low, high = OPTIMIZERS[pick(rng, list(OPTIMIZERS))]
    depth = round(between(rng, 1, 6 if activation in ("gelu", "silu", "mish") else 12))
    changes: Changes = {
        "seed": whole(rng, 0, 2**31),
        **pick(rng, DATA),
        "network.depth": depth,
        "network.width": pick(rng, (16, 24, 32, 48, 64)),
        "network.activation": activation,
        "init.scheme": pick(rng, DRAWN[activation]),
        **optimizer,
        "training.learning_rate": between(rng, low, high),
        "training.batch_size": pick(rng, (16, 32, 64, 128)),
        "training.steps": steps,
        "training.precision": pick(rng, ("float64",) * 14 + ("float32",) * 5 + ("bfloat16",)),
    }
    shape = rng.random()
    # Behind a batch norm all units that see one number alone are the same.
    if shape < 0.1 and depth <= 8 and changes["data.name"] != "sine":
        changes["network.norm"] = "batch-norm"
    elif shape < 0.2:
        changes["network.norm"] = "layer-norm"
    if rng.random() < 0.25 and depth >= 3:
        every = whole(rng, 1, 2)
        changes["network.skip_every"] = every
        # Behind ReLU a branch only adds, and the sum drifts: it stands in front.
        odd = activation in ("tanh", "erf", "softsign")
        changes["network.residual"] = pick(rng, ("after-activation", "pre-activation")) if odd else "pre-activation"
        changes["network.branch_scale"] = float(f"{1.0 / math.sqrt(max(1, (depth - 1) // every)):.2g}")
    return changes


def plain(changes: Changes, **more: Any) -> Changes:
    """Return the changes without norm and skips, with others instead (a double underscore stands for the dot)."""
    kept = {path: value for path, value in changes.items() if path not in PROTECTION}
    return on_data(kept, {name.replace("__", "."): value for name, value in more.items()})


def for_classes(rng: np.random.Generator, changes: Changes) -> Changes:
    """Return the changes with classes of several inputs to tell apart, whatever the data were."""
    return on_data(changes, pick(rng, CLASSES)) if changes["data.name"] == "sine" else changes


def on_data(changes: Changes, more: Changes) -> Changes:
    """Return the changes with others instead; another data set comes with its own number of samples and noise."""
    other = "data.name" in more
    return {path: value for path, value in changes.items() if not (other and path.startswith("data."))} | more


PROTECTION = ("network.norm", "network.skip_every", "network.residual", "network.branch_scale")
"""What hides a bad initialisation."""
