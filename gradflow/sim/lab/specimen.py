"""What the lab takes apart: the network as it stood at one step, with the batch that was in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Phase
from gradflow.engine.network import Network
from gradflow.engine.nodes import Dropout
from gradflow.engine.nodes.norm import BatchNorm
from gradflow.engine.optimizers import Optimizer
from gradflow.sim.config import Experiment
from gradflow.sim.course import Course
from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.pause import breathe

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Memory(Frozen):
    """What the optimiser reckons with: its numbers, and what it remembers, the present gradient included.

    `rows` (states, parameters) are empty where it remembers nothing. `count` is the number of the step (0: no matter).
    """

    rows: Array
    count: int
    momentum: float
    beta1: float
    beta2: float
    epsilon: float


@dataclass(frozen=True, eq=False, repr=False)
class Specimen(Frozen):
    """A network at a step, and all that its next step needs.

    `inputs` (B, units) and `targets` (B, outputs) are the batch of the next step, `update` is what that step adds to
    all parameters, as a flat vector, at `learning_rate`, `memory` what the optimiser has made it from, and `course` how
    the run came here. Where samples are
    `coupled`, by batch norm, no sample's numbers are its own: then only the whole batch can be looked at.
    """

    step: int
    experiment: Experiment
    inputs: Array
    targets: Array
    update: Array
    learning_rate: float
    coupled: bool
    memory: Memory
    course: Course
    _network: Network
    _masks: tuple[Array, ...]

    @property
    def samples(self) -> int:
        """How many samples the batch has."""
        return len(self.inputs)

    @property
    def precision_words(self) -> str:
        """Say that the run is less precise than what the lab computes of it, "" if it is not."""
        precision = self.experiment.training.precision
        return "" if precision == "float64" else f"The run is in {precision}; here all is computed in float64."

    def network(self, samples: Sequence[int] | None = None) -> Network:
        """Return a new network in float64 that has run these samples (from 0; None: all) forwards and backwards.

        It belongs to the caller and holds still: dropout masks and the statistics of the batch stay as they are. The
        loss is the mean over these samples, and ∂L/∂x is computed as well. Raises ValueError where samples are coupled
        and not all are chosen.
        """
        chosen = range(self.samples) if samples is None else list(samples)
        if self.coupled and len(chosen) != self.samples:
            raise ValueError("with batch norm a sample's numbers depend on the whole batch")
        rows = np.asarray(chosen, dtype=np.intp)
        made = self._network.copy()
        breathe()
        made.follow(self._network)
        made.allocate(len(rows))
        made.graph.set_phase(Phase.HOLD)
        made.input.value[:], made.loss.targets[:] = self.inputs[rows], self.targets[rows]
        for node, mask in zip(_dropouts(made), self._masks, strict=True):
            node.hold(mask[rows])
        with np.errstate(all="ignore"):
            for each in made.graph.order:
                breathe()
                each.forward()
            for each in reversed(made.graph.order):
                breathe()
                each.backward()
        return made


def take(
    network: Network,
    step: int,
    experiment: Experiment,
    update: Array,
    learning_rate: float,
    optimizer: Optimizer,
    course: Course,
) -> Specimen:
    """Return the specimen of a network that has just run its batch."""
    copy = network.copy()
    copy.follow(network)
    return Specimen(
        step=step,
        experiment=experiment,
        inputs=np.array(network.input.value, float),
        targets=np.array(network.loss.targets, float),
        update=np.array(update, float),
        learning_rate=learning_rate,
        coupled=any(isinstance(node, BatchNorm) for node in network.graph.order),
        memory=_memory(optimizer),
        course=course,
        _network=copy,
        _masks=tuple(np.array(node.mask, float) for node in _dropouts(network)),
    )


def _memory(optimizer: Optimizer) -> Memory:
    # Without momentum SGD counts no steps, and remembers nothing.
    rows = optimizer.memory if optimizer.step else optimizer.memory[:0]
    return Memory(
        np.array(rows, float),
        optimizer.step,
        optimizer.momentum,
        optimizer.beta1,
        optimizer.beta2,
        optimizer.epsilon,
    )


def _dropouts(network: Network) -> Iterator[Dropout]:
    return (node for node in network.graph.order if isinstance(node, Dropout))
