"""The training loop: an endless generator of snapshots, without threads and without a window.

Each turn runs a batch forwards and backwards, measures it, hands the snapshot out, and only then takes the step: the
snapshot of step k is taken at the parameters after k updates, on the batch that update k+1 uses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Layer
from gradflow.engine.optimizers import OPTIMIZERS, Step
from gradflow.sim import build
from gradflow.sim.config import Experiment, Training, with_live
from gradflow.sim.evaluator import Evaluator
from gradflow.sim.probe import Probe
from gradflow.sim.snapshot import Divergence, Norm, Snapshot

Array = NDArray[np.float64]

# Validation may cost about a tenth of the training: a forward pass is a third of a step.
VALIDATION_SHARE = 0.1


class Trainer:
    """One run of one experiment. `experiment` changes only through `retune`."""

    def __init__(self, experiment: Experiment) -> None:
        """Build data and network at step 0; raises ConfigError or DataError."""
        self.experiment = experiment
        self.split = build.load_data(experiment.data, experiment.seed)
        self.loss_name = build.loss_name(experiment, self.split)
        self._inputs = self.split.x_train
        self._targets = build.encode_targets(self.split.y_train, self.split, self.loss_name)
        outputs = self._targets.shape[1]
        build.check_size(experiment, self.split, outputs)
        self.network = build.build_network(experiment, self._inputs.shape[1], outputs, self.loss_name)
        self.topology = build.describe(experiment, self.split, self.network, self.loss_name)
        self._classifies = self.topology.task != "regression"
        self.evaluator = Evaluator(self.network, self._classifies)
        self._validation_targets = build.encode_targets(self.split.y_validation, self.split, self.loss_name)
        self._optimizer = OPTIMIZERS[experiment.training.optimizer].part(self.network.parameters.size)
        self._step = Step(self.network.parameters)
        self._batches = Batches(len(self._inputs), build.stream(experiment, build.BATCH_STREAM))
        self._first: Snapshot | None = None

    def preview(self) -> Snapshot:
        """Return the snapshot of step 0 without its validation: the profile at initialisation, as fast as can be."""
        if self._first is None:
            self._first = self._turn(0)
        return self._first

    def steps(self) -> Iterator[Snapshot]:
        """Yield the snapshot of step 0, 1, 2, … for ever; the one that has lost its finiteness is the last."""
        step, snapshot = 0, self.preview()
        while True:
            snapshot = self._validated(snapshot)
            yield snapshot
            if not snapshot.finite:
                return
            with np.errstate(all="ignore"):
                self._step.take(self._direction, snapshot.learning_rate)
            step += 1
            snapshot = self._turn(step)

    def retune(self, training: Training) -> None:
        """Apply a live edit (learning rate, momentum, batch size, steps) from the next batch on."""
        self.experiment = with_live(self.experiment, training)

    def _load_batch(self) -> None:
        size = build.batch_size(self.experiment, len(self._inputs))
        network = self.network
        if size != network.graph.capacity:
            self._allocate(size)
        rows = self._batches.deal(size)
        network.resize(len(rows))
        # mode="clip" lets numpy write straight into `out`; the indices are in range anyway.
        np.take(self._inputs, rows, axis=0, out=network.input.value, mode="clip")
        np.take(self._targets, rows, axis=0, out=network.loss.targets, mode="clip")

    def _allocate(self, size: int) -> None:
        self.network.allocate(size)
        self.probe = Probe(self.network)
        ratio = len(self.split.x_validation) / (3 * VALIDATION_SHARE * size)
        # A power of two, so that the validated steps survive the thinning of a long history.
        self.validate_every = 1 << max(0, int(np.ceil(np.log2(max(ratio, 1.0)))))

    def _turn(self, step: int) -> Snapshot:
        """Run the next batch forwards and backwards and measure it."""
        epoch = self._batches.epoch
        self._load_batch()
        with np.errstate(all="ignore"):
            return self._measure(step, epoch)

    def _validated(self, snapshot: Snapshot) -> Snapshot:
        """Add the validation part's loss and accuracy, where it is this step's turn or the last step."""
        if snapshot.step % self.validate_every and snapshot.step != self.experiment.training.steps:
            return snapshot
        with np.errstate(all="ignore"):
            loss, accuracy = self.evaluator.score(self.split.x_validation, self._validation_targets)
        return dataclasses.replace(snapshot, validation_loss=loss, validation_accuracy=accuracy)

    def _measure(self, step: int, epoch: float) -> Snapshot:
        network, training = self.network, self.experiment.training
        loss = network.forward()
        network.backward()
        self._direction = self._optimizer.direction(network.gradients, training.momentum)
        norms = self.probe.norms(self._direction, training.learning_rate)
        gradient = np.hypot(norms[Norm.WEIGHT_GRAD.row], norms[Norm.BIAS_GRAD.row])
        finite = np.isfinite(loss) and np.isfinite(norms).all()
        return Snapshot(
            step=step,
            epoch=epoch,
            train_loss=loss,
            train_accuracy=network.loss.correct() / network.graph.samples if self._classifies else np.nan,
            validation_loss=np.nan,
            validation_accuracy=np.nan,
            learning_rate=training.learning_rate,
            grad_norm=float(np.hypot.reduce(gradient)),
            norms=norms,
            divergence=None if finite else self._locate(step, norms),
        )

    def _locate(self, step: int, norms: Array) -> Divergence:
        """Find the first number that is not finite, in the order in which they were computed."""
        layers = self.network.layers
        for layer in layers:
            for quantity, array in _forward_quantities(layer):
                if not np.isfinite(array).all():
                    return Divergence(step, layer.number, "forward", quantity)
        if not np.isfinite(self.network.loss.loss):
            return Divergence(step, None, "forward", "the loss")
        for layer in reversed(layers):
            for quantity, array in (("δ = ∂L/∂z", layer.dense.grad), ("∂L/∂W", layer.dense.W_grad)):
                if not np.isfinite(array).all():
                    return Divergence(step, layer.number, "backward", quantity)
        # Every entry is finite but a norm is not: the update, or a norm beyond the largest float64.
        overflowing = np.argwhere(~np.isfinite(norms))
        row, column = overflowing[0]
        return Divergence(step, int(column) + 1, "backward", f"the {list(Norm)[row].replace('_', ' ')}")


def _forward_quantities(layer: Layer) -> Iterator[tuple[str, Array]]:
    yield "W", layer.dense.W
    yield "z", layer.dense.value
    yield "a = φ(z)", layer.output.value


class Batches:
    """Deals the training samples: every epoch in a new order, the short last batch included."""

    def __init__(self, samples: int, rng: np.random.Generator) -> None:
        self._samples = samples
        self._rng = rng
        self._order = rng.permutation(samples)
        self._epochs_done = 0
        self._next = 0

    @property
    def epoch(self) -> float:
        """Epochs worth of samples dealt so far."""
        return self._epochs_done + self._next / self._samples

    def deal(self, size: int) -> NDArray[np.intp]:
        """Return the indices of the next batch: `size` of them, or what the epoch has left."""
        rows = self._order[self._next : self._next + size]
        self._next += len(rows)
        if self._next >= self._samples:
            self._epochs_done += 1
            self._next = 0
            self._order = self._rng.permutation(self._samples)
        return rows
