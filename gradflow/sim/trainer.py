"""The training loop: an endless generator of snapshots, without threads and without a window.

Each turn runs a batch forwards and backwards, measures it, hands the snapshot out, and only then takes the step: the
snapshot of step k is taken at the parameters after k updates, on the batch that update k+1 uses.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.optimizers import OPTIMIZERS, Optimizer
from gradflow.engine.schedules import SCHEDULES, Schedule
from gradflow.engine.update import Update
from gradflow.sim import build
from gradflow.sim.batches import Batches
from gradflow.sim.checkpoint import Checkpoint, Parts
from gradflow.sim.config import Experiment, Training, with_live
from gradflow.sim.divergence import locate
from gradflow.sim.evaluator import Evaluator
from gradflow.sim.numbers import hyper_of, loss_scale_of, plan_of
from gradflow.sim.probe import Probe
from gradflow.sim.snapshot import NORMS, Snapshot

Array = NDArray[Any]

# Validation may cost about a tenth of the training: a forward pass is a third of a step.
VALIDATION_SHARE = 0.1

FIT_SAMPLES = 512
"""How many training samples a data-driven initialiser sees."""


class Trainer:
    """One run of one experiment. `experiment` changes only through `retune`."""

    def __init__(self, experiment: Experiment, give_way: Callable[[], None] = lambda: None) -> None:
        """Build data and network at step 0; raises ConfigError or DataError.

        `give_way` is called for every layer that is drawn, and may raise.
        """
        self.experiment = experiment
        self.split = split = build.load_data(experiment.data, experiment.seed)
        self.loss_name = build.loss_name(experiment, split)
        targets = build.training_targets(experiment, split)
        build.check_size(experiment, split, targets.shape[1])
        self.network = network = build.build_network(experiment, split, targets.shape[1], give_way)
        dtype = network.precision.dtype
        self._inputs, self._targets = split.x_train.astype(dtype, copy=False), targets.astype(dtype, copy=False)
        self.topology = build.describe(experiment, split, targets, network, self.loss_name)
        self._classifies = self.topology.task != "regression"
        self.evaluator = Evaluator(network, self._classifies)
        self.validation_targets = build.encode_targets(split.y_validation, split, self.loss_name)
        training = experiment.training
        optimizer = OPTIMIZERS[training.optimizer].part(network.master.size, dtype.type)
        self._optimizer = optimizer
        self._update = Update(network.master, network.gradients, optimizer, network.trainable_spans())
        self._scale = loss_scale_of(training.loss_scale)
        self._schedule: Schedule = SCHEDULES[training.schedule].part(plan_of(training))
        self._batches = Batches(len(self._inputs), build.stream(experiment, build.BATCH_STREAM))
        self._first: Snapshot | None = None
        self._best: tuple[float, int, Array, Array] | None = None
        self._left: tuple[Array, Array] | None = None
        self._validated_step = 0
        self._stopped = False
        self.keep_every = 0
        self.checkpoint: Checkpoint | None = None
        self._resumed = False

    @property
    def training_set(self) -> tuple[Array, Array]:
        """All training samples and their targets."""
        return self._inputs, self._targets

    def next_update(self, learning_rate: float) -> Array:
        """Return what the next step adds to all parameters (as a flat vector) at this rate; 0 where it is left out."""
        direction = self._update.direction
        return np.zeros_like(direction) if self._skipped else -learning_rate * direction

    @property
    def optimizer(self) -> Optimizer:
        """What makes steps of gradients, with what it remembers after that of the present batch."""
        return self._optimizer

    @property
    def stopped_early(self) -> bool:
        """Whether the validation loss has not fallen for as long as the experiment's patience lasts."""
        return self._stopped

    @property
    def best_step(self) -> int | None:
        """The step with the least validation loss so far, where best weights are kept."""
        return self._best[1] if self._best else None

    def abandon(self) -> None:
        """Give up, from another thread, the pass that is under way; no step can be taken any more.

        A pass changes no parameter: they stay those of the last step.
        """
        self.network.graph.abandon()
        self.evaluator.abandon()

    def preview(self) -> Snapshot:
        """Return the snapshot of step 0 without its validation: the profile at initialisation, as fast as can be."""
        if self._first is None:
            self._fit_to_data()
            self._first = self._turn(0)
        return self._first

    def steps(self) -> Iterator[Snapshot]:
        """Yield the snapshot of step 0, 1, 2, … for ever; the one that has lost its finiteness is the last."""
        step, snapshot = 0, self.preview()
        if self._resumed and self.checkpoint:
            step = self.checkpoint.step
            snapshot = self._turn(step)
        while True:
            snapshot = self._validated(snapshot)
            yield snapshot
            if not snapshot.finite:
                return
            self._take_step(snapshot)
            step += 1
            if self.keep_every and step % self.keep_every == 0:
                self.checkpoint = self.checkpoint or Checkpoint()
                self.checkpoint.keep(step, self.experiment.training, self._parts())
            snapshot = self._turn(step)

    def resume(self, checkpoint: Checkpoint) -> None:
        """Let `steps` begin at a checkpoint of another trainer of the same experiment."""
        assert checkpoint.training is not None
        self.retune(checkpoint.training)
        vars(self).update(checkpoint.restore(self._parts()))
        self.network.publish()
        self.checkpoint, self._resumed = checkpoint, True

    def _parts(self) -> Parts:
        network, optimizer = self.network, self._optimizer
        return Parts(
            (network.master, network.state, optimizer.memory),
            (optimizer, self._batches, self._schedule, self._scale, network.noise),
            {name: vars(self)[name] for name in ("_best", "_left", "_validated_step", "_stopped")},
        )

    def retune(self, training: Training) -> None:
        """Apply a live edit (learning rate, batch size, clipping, …) from the next batch on.

        More patience or more steps let a run whose best weights were put back go on from where it was.
        """
        before = self.experiment.training
        self.experiment = with_live(self.experiment, training)
        after = self.experiment.training
        if after.schedule != before.schedule:
            self._schedule = SCHEDULES[after.schedule].part(plan_of(after))
        else:
            self._schedule.plan = plan_of(after)
        if after.patience != before.patience:
            self._judge()
        if self._left and not self._stopped:
            self._put(self._left)
            self._left = None

    def restore_best(self) -> None:
        """Put the parameters of the least validation loss back, where they were kept."""
        if self._best and not self._left:
            self._left = self._put(self._best[2:])

    @contextmanager
    def at_last_step(self) -> Iterator[None]:
        """Have the parameters of the last step in place again, for what is measured with its values and gradients."""
        best = self._put(self._left) if self._left else None
        try:
            yield
        finally:
            if best:
                self._put(best)

    def _put(self, weights: tuple[Array, Array]) -> tuple[Array, Array]:
        """Put parameters and running statistics in place; return those that were there."""
        before = self.network.master.copy(), self.network.state.copy()
        self.network.take_over(weights[0])
        self.network.state[:] = weights[1]
        return before

    def _fit_to_data(self) -> None:
        network = self.network
        if network.data_driven:
            size = min(len(self._inputs), FIT_SAMPLES)
            network.allocate(size)
            network.input.value[:] = self._inputs[:size]
            network.loss.targets[:] = self._targets[:size]
            with np.errstate(all="ignore"):
                network.fit_to_data()

    def _load_batch(self) -> None:
        size = build.batch_size(self.experiment, len(self._inputs))
        network = self.network
        if size != network.graph.capacity or self._first is None:
            self._allocate(size)
        rows = self._batches.deal(size)
        network.resize(len(rows))
        self.probe.follow()
        # mode="clip" lets numpy write straight into `out`; the indices are in range anyway.
        np.take(self._inputs, rows, axis=0, out=network.input.value, mode="clip")
        np.take(self._targets, rows, axis=0, out=network.loss.targets, mode="clip")
        if network.rounding:
            network.precision.round(network.input.value)

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
            loss, accuracy = self.evaluator.score(self.split.x_validation, self.validation_targets)
        # Without a validation part the plateau is that of the training.
        self._schedule.observe(snapshot.train_loss if math.isnan(loss) else loss)
        self._keep_best(snapshot.step, loss)
        return dataclasses.replace(snapshot, validation_loss=loss, validation_accuracy=accuracy)

    def _keep_best(self, step: int, loss: float) -> None:
        patience = self.experiment.training.patience
        if not patience or math.isnan(loss):
            return
        if self._best is None or loss < self._best[0]:
            self._best = loss, step, self.network.master.copy(), self.network.state.copy()
        self._validated_step = step
        self._judge()

    def _judge(self) -> None:
        patience = self.experiment.training.patience
        self._stopped = bool(patience and self._best and self._validated_step - self._best[1] >= patience)

    def _measure(self, step: int, epoch: float) -> Snapshot:
        network, training = self.network, self.experiment.training
        network.loss_scale = scale = self._scale.scale
        loss = network.forward()
        network.backward()
        rate = training.learning_rate * self._schedule.factor(step)
        stats = self.probe.norms()
        grad_norm = self.probe.gradient_norm(stats)
        finite = bool(np.isfinite(loss) and np.isfinite(grad_norm))
        # With a dynamic loss scale that was too large for this batch the step is left out, and no memory of it kept.
        self._skipped = not self._scale.accept(finite)
        clipped = self._prepare(stats, grad_norm, rate, scale)
        finite = finite and bool(np.isfinite(stats[: len(NORMS)]).all())
        return Snapshot(
            step=step,
            epoch=epoch,
            train_loss=loss,
            train_accuracy=network.loss.correct() / network.graph.samples if self._classifies else np.nan,
            validation_loss=np.nan,
            validation_accuracy=np.nan,
            learning_rate=rate,
            grad_norm=grad_norm,
            grad_norm_clipped=clipped,
            stats=stats,
            divergence=None if finite or self._skipped else locate(network, step, stats),
        )

    def _prepare(self, stats: Array, grad_norm: float, rate: float, scale: float) -> float:
        """Prepare the step, whose size belongs to this snapshot; return the norm after clipping, nan without it."""
        training = self.experiment.training
        if self._skipped:
            self.probe.complete(stats, self._update.direction, 0.0)
            return np.nan
        clip_norm, clip_value = training.clip_norm, training.clip_value
        clipped = self._update.prepare(hyper_of(training), grad_norm, clip_norm, clip_value, 1.0 / scale)
        self.probe.complete(stats, self._update.direction, rate)
        return clipped if clip_norm or clip_value else np.nan

    def _take_step(self, snapshot: Snapshot) -> None:
        if self._skipped:
            return
        with np.errstate(all="ignore"):
            self._update.take(snapshot.learning_rate)
            self.network.publish()
