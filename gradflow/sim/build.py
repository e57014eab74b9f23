"""From an experiment's names to the engine's parts: data, targets and network."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gradflow.engine import network as engine
from gradflow.engine.activations import make_activation
from gradflow.engine.initializers import INITIALIZERS
from gradflow.engine.losses import LOSSES, default_loss
from gradflow.engine.network import LayerSpec, Network
from gradflow.errors import ConfigError, DataError
from gradflow.sim import datasets
from gradflow.sim.config import ALL, AUTO, Data, Experiment
from gradflow.sim.datasets import Split
from gradflow.sim.snapshot import LayerInfo, Topology

Array = NDArray[np.float64]

# Separate streams, so that a change of the network leaves the data and the order of batches as they are.
DATA_STREAM, INIT_STREAM, BATCH_STREAM, CHECK_STREAM = range(4)

MEMORY_LIMIT = 4_000_000_000


def stream(experiment: Experiment, number: int) -> np.random.Generator:
    """Return one of the experiment's independent random streams."""
    return np.random.default_rng([experiment.seed, number])


@lru_cache(maxsize=8)
def load_data(data: Data, seed: int) -> Split:
    """Return the split and standardised data of an experiment; raises DataError."""
    rng = np.random.default_rng([seed, DATA_STREAM])
    samples = None if data.samples == ALL else int(data.samples)
    try:
        made = datasets.make(data.name, samples, data.noise, rng)
    except DataError as error:
        if samples is None:
            raise
        raise ConfigError("data.samples", str(error)) from error
    return datasets.split(made, data.validation_fraction, rng)


def check(experiment: Experiment) -> None:
    """Raise ConfigError or DataError if the experiment cannot be built."""
    split = load_data(experiment.data, experiment.seed)
    outputs = encode_targets(split.y_train[:1], split, loss_name(experiment, split)).shape[1]
    check_size(experiment, split, outputs)


def loss_name(experiment: Experiment, split: Split) -> str:
    """Return the loss that the experiment means; raises ConfigError if it does not fit the data."""
    task = split.dataset.task
    name = experiment.training.loss
    if name == AUTO:
        return default_loss(task)
    if task not in LOSSES[name].part.tasks:
        fitting = [AUTO, *(other for other, entry in LOSSES.items() if task in entry.part.tasks)]
        what = {"regression": "numbers", "binary": "two classes", "multiclass": "several classes"}[task]
        raise ConfigError(
            "training.loss",
            f"{name!r} does not fit {experiment.data.name!r}, whose targets are {what}; choose {' or '.join(fitting)}",
        )
    return name


def encode_targets(labels: NDArray[np.generic], split: Split, loss: str) -> Array:
    """Return targets of shape (samples, outputs) as the loss wants them: numbers, 0/1, or one-hot rows."""
    task = split.dataset.task
    if task == "regression":
        return np.asarray(labels, float)
    if task == "binary" and loss != "softmax-cross-entropy":
        return np.asarray(labels, float)[:, None]
    return np.eye(max(len(split.dataset.classes), 2))[np.asarray(labels, np.int64)]


def batch_size(experiment: Experiment, samples: int) -> int:
    """Return the number of samples per update; more than there are means all."""
    size = experiment.training.batch_size
    return samples if size == ALL else min(int(size), samples)


def layer_specs(experiment: Experiment, outputs: int) -> list[LayerSpec]:
    """Return the list of layers: the hidden ones, with their skips, and the linear output."""
    shape = experiment.network
    activation = make_activation(shape.activation, shape.negative_slope)
    hidden = [
        LayerSpec(shape.width, activation, number - shape.skip_every if _ends_block(number, shape.skip_every) else None)
        for number in range(1, shape.depth + 1)
    ]
    return [*hidden, LayerSpec(outputs, None)]


def build_network(experiment: Experiment, inputs: int, outputs: int, loss: str) -> Network:
    """Return the network with its first weights drawn; memory for batches is not yet owned."""
    init = experiment.init
    return Network(
        inputs,
        layer_specs(experiment, outputs),
        LOSSES[loss].part,
        engine.Init(
            INITIALIZERS[init.scheme].part,
            init.scale,
            "fan_out" if init.mode == "fan_out" else "fan_in",
            init.bias_scale,
        ),
        stream(experiment, INIT_STREAM),
    )


def check_size(experiment: Experiment, split: Split, outputs: int) -> None:
    """Raise ConfigError if the network would need more memory than a desktop can be asked for."""
    depth, width = experiment.network.depth, experiment.network.width
    parameters = (split.x_train.shape[1] + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs
    batch = batch_size(experiment, len(split.x_train))
    needed = 8 * (3 * parameters + 5 * depth * width * batch)
    if needed > MEMORY_LIMIT:
        raise ConfigError(
            "network.width",
            f"{depth} layers of {width} units with batches of {batch} need {needed / 1e9:.1f} GB; "
            f"the limit is {MEMORY_LIMIT / 1e9:.0f} GB: choose fewer layers, fewer units or smaller batches",
        )


def describe(experiment: Experiment, split: Split, network: Network, loss: str) -> Topology:
    """Return what is fixed about the run."""
    last = len(network.layers)
    layers = tuple(
        LayerInfo(
            number=layer.number,
            name="output" if layer.number == last else f"hidden {layer.number}",
            inputs=layer.dense.inputs[0].units,
            units=layer.dense.units,
            activation=experiment.network.activation if layer.activate else None,
            saturation=layer.activate.function.saturation if layer.activate else None,
            init_n=layer.spread.n,
            init_gain=layer.spread.gain * experiment.init.scale,
            init_std=layer.spread.std * experiment.init.scale,
        )
        for layer in network.layers
    )
    return Topology(
        layers=layers,
        task=split.dataset.task,
        loss=loss,
        inputs=split.x_train.shape[1],
        outputs=network.layers[-1].dense.units,
        classes=split.dataset.classes,
        training_samples=len(split.x_train),
        validation_samples=len(split.x_validation),
        parameters=network.parameters.size,
    )


def _ends_block(number: int, every: int) -> bool:
    return every > 0 and number > every and (number - 1) % every == 0
