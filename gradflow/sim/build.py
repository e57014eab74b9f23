"""From an experiment's names to the engine's parts: data, targets and network."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.activations import ACTIVATIONS
from gradflow.engine.graph import Input, Node, ParameterNode
from gradflow.engine.layers import chain
from gradflow.engine.losses import LOSSES, Loss, default_loss, make_loss, smooth
from gradflow.engine.network import Network
from gradflow.engine.nodes import Conv
from gradflow.engine.precision import PRECISIONS
from gradflow.errors import ConfigError, DataError
from gradflow.sim import datasets
from gradflow.sim.blueprint import default_init, estimated_size, image_or_row, layer_specs
from gradflow.sim.chance import chance_loss
from gradflow.sim.config import ALL, AUTO, Data, Experiment
from gradflow.sim.datasets import Split
from gradflow.sim.graph_shape import graph_shape
from gradflow.sim.plateaus import find_plateaus
from gradflow.sim.snapshot import NO_PLATEAUS, LayerInfo, Topology
from gradflow.sim.transfer import load_saved

Array = NDArray[Any]

# Separate streams, so that a change of the network leaves the data and the order of batches as they are.
DATA_STREAM, INIT_STREAM, BATCH_STREAM, CHECK_STREAM, NOISE_STREAM, LABEL_STREAM = range(6)

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
        name = default_loss(task)
    if task not in LOSSES[name].part.tasks:
        fitting = [AUTO, *(other for other, entry in LOSSES.items() if task in entry.part.tasks)]
        what = {"regression": "numbers", "binary": "two classes", "multiclass": "several classes"}[task]
        raise ConfigError(
            "training.loss",
            f"{name!r} does not fit {experiment.data.name!r}, whose targets are {what}; choose {' or '.join(fitting)}",
        )
    if experiment.training.label_smoothing and (task == "regression" or not LOSSES[name].part.takes_soft_targets):
        raise ConfigError(
            "training.label_smoothing", "spreads classes under a cross-entropy only; choose such a loss, or 0"
        )
    if experiment.training.patience and not len(split.x_validation):
        raise ConfigError("training.patience", "waits for the validation loss, but no sample is left for it; choose 0")
    return name


def encode_targets(labels: NDArray[np.generic], split: Split, loss: str) -> Array:
    """Return targets of shape (samples, outputs) as the loss wants them: numbers, 0/1, or one-hot rows."""
    task = split.dataset.task
    if task == "regression":
        return np.asarray(labels, float)
    if task == "binary" and loss != "softmax-cross-entropy":
        return np.asarray(labels, float)[:, None]
    return np.eye(max(len(split.dataset.classes), 2))[np.asarray(labels, np.int64)]


def training_targets(experiment: Experiment, split: Split) -> Array:
    """Return the targets that are trained on: encoded, with label noise and label smoothing."""
    training, share = experiment.training, experiment.data.label_noise
    labels = split.y_train
    if share:
        labels = _noisy(labels, len(split.dataset.classes), share, stream(experiment, LABEL_STREAM))
    targets = encode_targets(labels, split, loss_name(experiment, split))
    return smooth(targets, training.label_smoothing) if training.label_smoothing else targets


def _noisy(labels: NDArray[Any], classes: int, share: float, rng: np.random.Generator) -> NDArray[Any]:
    """Return the labels with a share of them wrong: another class, or another sample's number."""
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    noisy = labels.copy()
    if classes:
        noisy[chosen] = (labels[chosen] + rng.integers(1, max(classes, 2), len(chosen))) % max(classes, 2)
    else:
        noisy[chosen] = labels[np.roll(chosen, 1)]
    return noisy


def batch_size(experiment: Experiment, samples: int) -> int:
    """Return the number of samples per update; more than there are means all."""
    size = experiment.training.batch_size
    return samples if size == ALL else min(int(size), samples)


def build_network(
    experiment: Experiment, split: Split, outputs: int, give_way: Callable[[], None] = lambda: None
) -> Network:
    """Return the network with its first weights drawn; memory for batches is not yet owned.

    `give_way` is called for every layer, and may raise.
    Raises ConfigError where the layers do not fit each other or the saved run cannot be used.
    """
    shape = image_or_row(split.dataset.image, split.x_train.shape[1])
    try:
        network = Network(
            shape,
            layer_specs(experiment, outputs),
            loss_maker(experiment, split),
            default_init(experiment),
            None,
            PRECISIONS[experiment.training.precision].part(),
            stream(experiment, NOISE_STREAM),
        )
    except ValueError as error:
        raise ConfigError("network.layers", str(error)) from error
    saved = load_saved(experiment, network)
    network.initialize(stream(experiment, INIT_STREAM), give_way=give_way)
    for target, values in saved:
        target[:] = values
    network.publish()
    return network


def loss_maker(experiment: Experiment, split: Split) -> Callable[[Node], Loss]:
    """Return what puts the experiment's loss on a node."""
    return make_loss(loss_name(experiment, split), experiment.training.huber_delta)


def check_size(experiment: Experiment, split: Split, outputs: int) -> None:
    """Raise ConfigError if the network cannot be put together, or needs more memory than a desktop can be asked for."""
    rows = experiment.network.layers
    inputs = split.x_train.shape[1]
    parameters, units = estimated_size(experiment, inputs, outputs) if not rows else _size(experiment, split, outputs)
    batch = batch_size(experiment, len(split.x_train))
    needed = PRECISIONS[experiment.training.precision].part.dtype.itemsize * (5 * parameters + 4 * units * batch)
    if needed > MEMORY_LIMIT:
        depth, width = experiment.network.depth, experiment.network.width
        what = f"{len(rows)} layers" if rows else f"{depth} layers of {width} units"
        raise ConfigError(
            "network.layers" if rows else "network.width",
            f"{what} with batches of {batch} need {needed / 1e9:.1f} GB; "
            f"the limit is {MEMORY_LIMIT / 1e9:.0f} GB: choose fewer layers, fewer units or smaller batches",
        )


def _size(experiment: Experiment, split: Split, outputs: int) -> tuple[int, int]:
    """Return the parameters and units of a network made row by row; raises ConfigError where rows do not fit."""
    source = Input(image_or_row(split.dataset.image, split.x_train.shape[1]))
    specs = layer_specs(experiment, outputs)
    for place, spec in enumerate(specs, start=1):
        if spec.skip_from is not None and spec.skip_from >= place:
            raise ConfigError(
                f"network.layers[{place}].skip_from", f"must be a row before {place}, not {spec.skip_from}"
            )
    try:
        _, last = chain(source, specs, default_init(experiment), np.random.default_rng(0))
    except ValueError as error:
        raise ConfigError("network.layers", str(error)) from error
    nodes, stack = {last}, [last]
    while stack:
        for node in stack.pop().inputs:
            if node not in nodes:
                nodes.add(node)
                stack.append(node)
    parameters = sum(node.parameter_count for node in nodes if isinstance(node, ParameterNode))
    return parameters, sum(node.units for node in nodes)


def describe(experiment: Experiment, split: Split, targets: Array, network: Network, loss: str) -> Topology:
    """Return what is fixed about the run; `targets` are those that are trained on."""
    last = len(network.layers)
    names = {entry.part: name for name, entry in ACTIVATIONS.items()}
    layers = tuple(
        LayerInfo(
            number=layer.number,
            name="output" if layer.number == last else f"hidden {layer.number}",
            inputs=layer.fans.fan_in,
            units=layer.linear.units,
            activation=names[type(layer.activate.function)] if layer.activate else None,
            saturation=layer.activate.function.saturation if layer.activate else None,
            init_n=layer.spread.n,
            init_gain=layer.spread.gain * layer.init.scale,
            init_std=layer.spread.std * layer.init.scale,
            kind="conv" if isinstance(layer.linear, Conv) else "dense",
            trainable=layer.trainable,
            plateaus=find_plateaus(layer.activate.function) if layer.activate else NO_PLATEAUS,
        )
        for layer in network.layers
    )
    return Topology(
        layers=layers,
        task=split.dataset.task,
        loss=loss,
        inputs=split.x_train.shape[1],
        outputs=network.layers[-1].linear.units,
        classes=split.dataset.classes,
        training_samples=len(split.x_train),
        validation_samples=len(split.x_validation),
        parameters=network.parameters.size,
        graph=graph_shape(network),
        chance_loss=chance_loss(loss, targets, experiment.training.huber_delta),
        idle_inputs=int((split.x_train == split.x_train[0]).all(axis=0).sum()),
    )
