"""Faults of the network and of its data: of the first weights, the units, the precision, the inputs."""

from __future__ import annotations

import math

import numpy as np

from gradflow.sim.config import edit
from gradflow.sim.snapshot import Stat
from gradflow.sim.trainer import Trainer
from gradflow.sim.trial.disease import Disease, disease
from gradflow.sim.trial.healthy import Changes, between, for_classes, on_data, pick, plain, whole
from gradflow.sim.trial.observe import Record

WIDE = (32, 48, 64)
"""Where mean field is a good guide."""


def per_layer(rng: np.random.Generator, depth: int, low: float, high: float) -> float:
    """Return the factor of one layer whose product over all hidden layers but one is 10^low … 10^high."""
    return float(10.0 ** (rng.uniform(low, high) / (depth - 1)))


@disease("vanishing", "Vanishing gradient")
def vanishing() -> Disease:
    """Per-layer factors (mean field) whose product is 10⁻³ or less: small weights, Xavier under ReLU, deep sigmoids."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        kind = pick(rng, ("small", "small", "relu", "sigmoid"))
        if kind == "small":
            depth, activation = whole(rng, 5, 12), pick(rng, ("tanh", "softsign", "relu", "leaky-relu", "identity"))
            scheme = "he-normal" if "relu" in activation else "xavier-normal"
            scale = per_layer(rng, depth, -7.0, -3.0)
            drawn = {"init.scheme": scheme, "init.scale": scale}
        elif kind == "relu":
            depth, activation = whole(rng, 9, 12), "relu"
            drawn = {"init.scheme": "standard-uniform"}
        else:
            depth, activation = whole(rng, 6, 12), "sigmoid"
            drawn = {"init.scheme": pick(rng, ("xavier-normal", "lecun-normal"))}
        precise = {"training.precision": "float64", "network.width": pick(rng, WIDE)}
        return plain(sound, network__depth=depth, network__activation=activation) | drawn | precise

    return Disease(infect)


@disease("exploding", "Exploding gradient")
def exploding() -> Disease:
    """Per-layer factors (mean field) whose product is 10³ or more: large weights under ReLU, identity or deep tanh."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        activation = pick(rng, ("relu", "leaky-relu", "identity", "tanh"))
        depth = whole(rng, 10, 12) if activation == "tanh" else whole(rng, 4, 12)
        scale = between(rng, 6.0, 10.0) if activation == "tanh" else per_layer(rng, depth, 3.0, 6.0)
        scheme = "he-normal" if "relu" in activation else "xavier-normal"
        return plain(
            sound,
            network__depth=depth,
            network__activation=activation,
            init__scheme=scheme,
            init__scale=scale,
            network__width=pick(rng, WIDE),
            training__precision="float64",
        )

    return Disease(infect)


@disease("beyond-reach", "Deeper than signals reach")
def beyond_reach() -> Disease:
    """Per-layer factors (mean field) whose product is 0.045 to 0.02: plain descent leaves the loss where it was."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        depth = whole(rng, 12, 24)
        return plain(
            sound,
            network__depth=depth,
            network__activation="tanh",
            init__scheme="xavier-normal",
            init__scale=per_layer(rng, depth, -1.7, -1.35),
            network__width=pick(rng, WIDE),
            training__optimizer="sgd",
            training__momentum=0.0,
            training__learning_rate=between(rng, 0.03, 0.1),
            training__precision="float64",
        )

    return Disease(
        infect,
        lambda record, sound: not record.diverged and record.ended > 0.9 * record.started,
        ("chance", "rate-too-low", "vanishing"),
    )


@disease("saturated", "Saturated units")
def saturated() -> Disease:
    """Weights or biases that put z at 8 or more (sigmoid: 16) times its usual size: q ≥ 64, of which 79 % saturate."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        activation = pick(rng, ("tanh", "tanh", "erf", "sigmoid"))
        large = {"init.scale": between(rng, 10.0, 40.0) * (2.0 if activation == "sigmoid" else 1.0)}
        biased = {"init.bias": float(pick(rng, (-1, 1)) * rng.uniform(6.0, 12.0))}
        depth = whole(rng, 2, 6)
        return plain(sound, network__depth=depth, network__activation=activation, init__scheme="xavier-normal") | (
            large if rng.random() < 0.7 else biased
        )

    # Weights that are too large do both.
    return Disease(infect, causes=("exploding", "rate-too-high"))


@disease("dead-units", "Dead units")
def dead_units() -> Disease:
    """ReLU with strongly negative biases, or a learning rate that kills; at the end half of a layer never fires."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        sound = for_classes(rng, sound)
        relu = plain(sound, network__activation="relu", init__scheme="he-normal", network__depth=whole(rng, 1, 5))
        if rng.random() < 0.6:
            return relu | {"init.bias": -float(rng.uniform(1.5, 6.0))}
        return relu | {"training.learning_rate": relu["training.learning_rate"] * between(rng, 20.0, 100.0)}

    return Disease(infect, lambda record, sound: not record.diverged and record.never_on >= 0.5, ("rate-too-high",))


@disease("symmetric", "Symmetric units")
def symmetric() -> Disease:
    """All weights equal, and biases equal: units of a layer cannot differ."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        width = sound["network.width"]
        return plain(
            sound,
            network__depth=whole(rng, 1, 5),
            network__activation=pick(rng, ("tanh", "sigmoid", "elu", "softsign")),
            init__scheme="constant",
            init__scale=between(rng, 0.3, 1.5) / width,
        )

    return Disease(infect)


@disease("no-gradient", "No gradient at all")
def no_gradient() -> Disease:
    """Weights of 0 in all layers, or in one."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        if rng.random() < 0.5:
            return plain(sound, init__scheme="zeros")
        depth = whole(rng, 2, 8)
        empty = whole(rng, 2, depth)
        rows = [{"kind": "dense", "scale": 0.0 if number == empty else 1.0} for number in range(1, depth + 1)]
        activation = pick(rng, ("tanh", "softsign", "erf"))
        return plain(sound, network__layers=rows, network__activation=activation, init__scheme="xavier-normal")

    return Disease(infect)


@disease("underflow", "Underflow in half precision")
def underflow() -> Disease:
    """float16 without loss scale, where the typical δ of layer 1 (in float64) is below its smallest number, 2⁻²⁴."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        depth = whole(rng, 3, 12)
        return plain(
            sound,
            network__depth=depth,
            network__activation=pick(rng, ("tanh", "softsign", "leaky-relu")),
            init__scheme="xavier-normal",
            init__scale=per_layer(rng, depth, -7.0, -3.0),
            training__precision="float16",
        )

    def is_ill(record: Record, sound: Record) -> bool:
        first = Trainer(edit(record.experiment, {"training.precision": "float64"})).preview()
        entries = record.experiment.network.width * int(record.experiment.training.batch_size)
        return bool(first.stat(Stat.DELTA)[0] / math.sqrt(entries) < 2.0**-24)

    return Disease(infect, is_ill)


@disease("bias-only", "Only biases learn")
def bias_only() -> Disease:
    """A first layer drawn thousands of times too small: behind it is next to no signal, but all of the gradient."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        sound = for_classes(rng, sound)
        depth, small = whole(rng, 2, 6), between(rng, 1e-6, 1e-3)
        rows = [{"kind": "dense", "scale": small if number == 1 else 1.0} for number in range(1, depth + 1)]
        return plain(
            sound,
            network__layers=rows,
            network__activation=pick(rng, ("tanh", "softsign")),
            init__scheme="xavier-normal",
        )

    return Disease(infect)


@disease("uneven-rates", "Uneven update ratios")
def uneven_rates() -> Disease:
    """ReLU layers, one with weights k times as large and a later one with 1/k: the same function, other speeds (k⁴)."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        depth, k = whole(rng, 4, 9), between(rng, 12.0, 40.0)
        low, high = sorted(rng.choice(np.arange(2, depth + 1), 2, replace=False))
        factors = {int(low): k, int(high): 1.0 / k}
        rows = [{"kind": "dense", "scale": factors.get(number, 1.0)} for number in range(1, depth + 1)]
        return plain(
            sound,
            network__layers=rows,
            network__activation=pick(rng, ("relu", "leaky-relu")),
            init__scheme="he-normal",
            training__optimizer="sgd",
            training__momentum=0.0,
            # As fast as the small layer allows, whose step is k² times as far.
            training__learning_rate=between(rng, 0.02, 0.05) / k**2,
        )

    return Disease(infect)


@disease("idle-inputs", "Idle inputs")
def idle_inputs() -> Disease:
    """Digits of which so few are kept that many pixels are always blank."""

    def infect(rng: np.random.Generator, sound: Changes) -> Changes:
        return on_data(sound, {"data.name": "digits", "data.samples": whole(rng, 10, 15)})

    return Disease(infect)
