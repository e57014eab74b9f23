"""What an experiment is: the single source for the file, the form, the command line and the tooltips.

`Experiment` and its parts are frozen. Each field is declared once, with its bounds, its title and its explanation;
`FIELDS` lists them by dotted path (``network.depth``); everything that reads or edits an experiment walks that table.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.losses import LOSSES
from gradflow.engine.optimizers import OPTIMIZERS
from gradflow.errors import ConfigError, suggestion
from gradflow.sim.datasets import DATASETS
from gradflow.sim.fields import Field, declare

AUTO = "auto"
ALL = "all"


@dataclass(frozen=True)
class Data:
    """Where the samples come from."""

    name: str = declare("digits", "Data set", "The samples to learn from.", choices=DATASETS)
    samples: int | str = declare(
        ALL,
        "Samples",
        "How many samples: drawn anew for a toy set (all = 500), kept of a real one (all = every sample).",
        1,
        100_000,
        words=(ALL,),
    )
    noise: float = declare(
        0.1,
        "Noise",
        "Standard deviation of the Gaussian noise added to a toy set, in the units of its coordinates. "
        "Real sets have their own.",
        0.0,
        10.0,
        span=(0.0, 1.0),
    )
    validation_fraction: float = declare(
        0.2,
        "Validation part",
        "Share of the samples kept aside to validate on. Split class by class; the standardisation is fitted on the "
        "rest.",
        0.0,
        0.9,
        span=(0.0, 0.9),
    )


@dataclass(frozen=True)
class NetworkShape:
    """The layers: `depth` hidden ones of `width` units, then one linear layer to the outputs."""

    depth: int = declare(
        10,
        "Depth",
        "Hidden layers. One more dense layer maps to the outputs. The gradient of layer 1 is a product of this many "
        "factors: 0.5¹⁰ ≈ 10⁻³, 0.5²⁰ ≈ 10⁻⁶.",
        1,
        5_000,
        span=(1, 200),
    )
    width: int = declare(64, "Width", "Units of each hidden layer.", 1, 8_192, span=(1, 512), log=True)
    activation: str = declare("tanh", "Activation", "The function φ after each hidden layer.", choices=ACTIVATIONS)
    negative_slope: float = declare(
        0.01,
        "Negative slope",
        "a in φ(z) = a·z for z < 0 of the leaky ReLU. He's gain becomes √(2/(1+a²)).",
        0.0,
        1.0,
        span=(0.0, 1.0),
    )
    skip_every: int = declare(
        0,
        "Skip every",
        "Skip connections (He et al. 2016): from layer 1 on, every block of this many layers adds its input to its "
        "output, so that the gradient has a path around it. 0 = none.",
        0,
        5_000,
        span=(0, 10),
    )


@dataclass(frozen=True)
class Init:
    """How the first weights are drawn."""

    scheme: str = declare("xavier-normal", "Init scheme", "How the weights are drawn.", choices=INITIALIZERS)
    scale: float = declare(
        1.0,
        "Init scale",
        "Factor on every first weight. Each layer multiplies the gradient by about scale · σ√n · √E φ′²: below 1 it "
        "vanishes with depth, above 1 it explodes.",
        1e-6,
        1e6,
        span=(0.01, 100.0),
        log=True,
    )
    mode: str = declare(
        "fan_in",
        "Fan",
        "What n counts in LeCun's and He's schemes: the inputs of a layer (keeps the activations' variance) or its "
        "outputs (keeps the gradients').",
        names=("fan_in", "fan_out"),
    )
    bias_scale: float = declare(
        0.0, "Bias scale", "σ_b: biases are drawn from N(0, σ_b²); 0 = all zero.", 0.0, 100.0, span=(0.0, 2.0)
    )


@dataclass(frozen=True)
class Training:
    """How the network learns."""

    loss: str = declare(
        AUTO,
        "Loss",
        "auto follows the data: softmax cross-entropy for several classes, binary cross-entropy for two, mean squared "
        "error for numbers.",
        choices=LOSSES,
        words=(AUTO,),
    )
    optimizer: str = declare("sgd", "Optimiser", "The rule that turns gradients into steps.", choices=OPTIMIZERS)
    learning_rate: float = declare(
        0.05, "Learning rate", "η in W ← W − η·v.", 0.0, 1e6, span=(1e-5, 10.0), log=True, live=True
    )
    momentum: float = declare(
        0.0, "Momentum", "μ in v ← μ·v + ∂L/∂W; 0 = plain gradient descent.", 0.0, 0.9999, span=(0.0, 0.99), live=True
    )
    batch_size: int | str = declare(
        64,
        "Batch size",
        "Samples per update: 1 = stochastic, all = batch gradient descent. One epoch is ⌈N/B⌉ updates; the short last "
        "batch counts with its own mean.",
        1,
        100_000,
        span=(1, 1_000),
        log=True,
        words=(ALL,),
        live=True,
    )
    steps: int = declare(
        10_000, "Steps", "Updates until the run ends.", 0, 10_000_000, span=(1, 100_000), log=True, live=True
    )


@dataclass(frozen=True)
class Experiment:
    """One experiment: with its seed it determines every number of the run."""

    format: int = declare(1, "Format", "Version of the file format.", 1, 1)
    seed: int = declare(
        0, "Seed", "Decides the data's split and noise, the first weights and the order of batches.", 0, 2**32 - 1
    )
    data: Data = Data()
    network: NetworkShape = NetworkShape()
    init: Init = Init()
    training: Training = Training()


def _walk(part: type, prefix: str) -> Iterable[Field]:
    types = typing.get_type_hints(part)
    for item in dataclasses.fields(part):
        path, declared = f"{prefix}{item.name}", types[item.name]
        if dataclasses.is_dataclass(declared):
            yield from _walk(typing.cast(type, declared), f"{path}.")
        else:
            kind = next((kind for kind in (int, float) if kind in (declared, *typing.get_args(declared))), str)
            yield Field(path, kind, item.default, item.metadata["declaration"])


FIELDS: Mapping[str, Field] = {field.path: field for field in _walk(Experiment, "")}
"""Every field of an experiment by dotted path, in the order of the file."""


def find_field(path: str) -> Field:
    """Return the field at a dotted path; raises ConfigError with the nearest path."""
    if path not in FIELDS:
        raise ConfigError(path, f"no such field; {suggestion(path, FIELDS)}")
    return FIELDS[path]


def get(experiment: Experiment, path: str) -> Any:
    """Return the value at a dotted path."""
    value: Any = experiment
    for name in find_field(path).path.split("."):
        value = getattr(value, name)
    return value


def edit(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    """Return the experiment with the values at these dotted paths replaced; raises ConfigError at the first bad one."""
    for path, value in changes.items():
        checked = find_field(path).check(value)
        *parents, name = path.split(".")
        if parents:
            part = getattr(experiment, parents[0])
            experiment = dataclasses.replace(experiment, **{parents[0]: dataclasses.replace(part, **{name: checked})})
        else:
            experiment = dataclasses.replace(experiment, **{name: checked})
    return experiment


def with_live(experiment: Experiment, training: Training) -> Experiment:
    """Return the experiment with the live fields of `training`: those that reach a run without a rebuild."""
    live = {path: path.rsplit(".", 1)[1] for path, field in FIELDS.items() if field.says.live}
    return edit(experiment, {path: getattr(training, name) for path, name in live.items()})


def parse_value(path: str, text: str) -> Any:
    """Return the value that `text` (from ``--set`` or a box) means for the field at `path`, checked."""
    field = find_field(path)
    text = text.strip()
    for kind in (int, float):
        if field.kind is not str:
            try:
                return field.check(kind(text))
            except ValueError:
                continue
    return field.check(text)


def from_mapping(table: Mapping[str, Any], base: Experiment | None = None) -> Experiment:
    """Return the experiment that a nested table (a parsed file) describes, on top of `base`.

    Raises ConfigError naming the field: an unknown key, a wrong type, a value out of range.
    """
    return edit(base or Experiment(), dict(_flatten(table, "")))


def to_mapping(experiment: Experiment) -> dict[str, Any]:
    """Return the complete nested table of an experiment, in the order of the declarations."""
    return dataclasses.asdict(experiment)


def differing(a: Experiment, b: Experiment) -> tuple[str, ...]:
    """Return the paths at which two experiments differ."""
    return tuple(path for path in FIELDS if get(a, path) != get(b, path))


def _flatten(table: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    sections = dict.fromkeys(path.split(".")[0] for path in FIELDS if "." in path)
    for key, value in table.items():
        path = f"{prefix}{key}"
        if not prefix and key in sections:
            if not isinstance(value, Mapping):
                raise ConfigError(path, f"must be a table: write [{path}] on a line of its own")
            yield from _flatten(value, f"{path}.")
        elif path not in FIELDS:
            raise ConfigError(path, f"unknown key; {suggestion(path, [*sections, *FIELDS])}")
        else:
            yield path, value
