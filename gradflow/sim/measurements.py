"""How each dear measurement is taken, and into which parts of the details it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.network import Network
from gradflow.sim import clipping, distributions, noise, paths, statistics, surface, units
from gradflow.sim.course import Course
from gradflow.sim.details import Want
from gradflow.sim.interruption import Interrupted
from gradflow.sim.isotropic import isotropic
from gradflow.sim.lab import specimen
from gradflow.sim.noise import FullGradient
from gradflow.sim.probe import magnitudes
from gradflow.sim.sharpness import Sharpener
from gradflow.sim.snapshot import Snapshot
from gradflow.sim.spectrum import Spectra
from gradflow.sim.subject import Subject
from gradflow.sim.trainer import Trainer

Array = NDArray[Any]
Parts = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Look:
    """What is measured: a trainer that stands at a snapshot. `interrupted` is asked now and then.

    `spectra` measures Jacobians and `sharpener` the sharpness, and keep what they have made for that; `course` is how
    the run came here. What can be left and gone on with later takes at most `seconds` at once.
    """

    trainer: Trainer
    snapshot: Snapshot
    spectra: Spectra
    sharpener: Sharpener
    interrupted: Callable[[], bool]
    course: Course
    seconds: float

    @property
    def network(self) -> Network:
        """The network."""
        return self.trainer.network

    def give_way(self) -> None:
        """Raise Interrupted if something more urgent came."""
        if self.interrupted():
            raise Interrupted

    def full_gradient(self) -> FullGradient:
        """Return the gradient of all training samples."""
        return self.trainer.evaluator.gradient(*self.trainer.training_set, self.give_way)


def take(want: Want, look: Look) -> Parts:
    """Take a measurement; raises Interrupted."""
    with np.errstate(all="ignore"):
        if want is Want.SURFACE:
            # That of the weights that are in place, the best ones where they were put back.
            return _surface(look)
        with look.trainer.at_last_step():
            return _TAKEN[want](look)


def step_of(parts: Parts, now: int) -> int:
    """Return the step that a measurement is of; the sharpness may still be that of an earlier one."""
    sharpness = parts.get("sharpness")
    return sharpness.step if sharpness else now


def _magnitudes(look: Look) -> Parts:
    return {name: magnitudes(*of, look.give_way) for name, of in _numbers(look).items()}


def _histograms(look: Look) -> Parts:
    return {"histograms": {name: distributions.histogram(*of, look.give_way) for name, of in _numbers(look).items()}}


def _numbers(look: Look) -> Mapping[str, tuple[list[Array], float]]:
    return distributions.numbers(look.network, look.trainer.next_update(look.snapshot.learning_rate))


def _statistics(look: Look) -> Parts:
    full_gradient = cache(look.full_gradient)
    return {
        "statistics": statistics.take(Subject(look.network, full_gradient, look.give_way)),
        "noise": noise.of_batch(look.network, full_gradient(), look.give_way),
    }


def _signal(look: Look) -> Parts:
    signal = statistics.take(Subject(look.network), statistics.SIGNAL)
    return {"signal": signal, "number_range": clipping.number_range(look.network)}


def _sizes(look: Look) -> Parts:
    return {"sizes": statistics.take(Subject(look.network), statistics.SIZES)}


def _prediction(look: Look) -> Parts:
    # That of the initialisation takes its own time, and comes with the frame.
    return {"prediction": isotropic(look.network, look.snapshot) if look.snapshot.step else None}


def _specimen(look: Look) -> Parts:
    snapshot, trainer = look.snapshot, look.trainer
    update, rate = trainer.next_update(snapshot.learning_rate), snapshot.learning_rate
    found = specimen.take(look.network, snapshot.step, trainer.experiment, update, rate, trainer.optimizer, look.course)
    return {"specimen": found}


def _sharpness(look: Look) -> Parts:
    return {"sharpness": look.sharpener.measure(look.snapshot, look.give_way, look.seconds)}


def _surface(look: Look) -> Parts:
    trainer = look.trainer
    evaluator, experiment = trainer.evaluator, trainer.experiment

    def outputs(x: Array) -> Array:
        pieces = []
        for start in range(0, len(x), evaluator.PIECE):
            look.give_way()
            pieces.append(evaluator.outputs(x[start : start + evaluator.PIECE]))
        return np.concatenate(pieces)

    return {"surface": surface.measure(outputs, experiment.data, experiment.seed, trainer.loss_name)}


_TAKEN: Mapping[Want, Callable[[Look], Parts]] = {
    Want.MAGNITUDES: _magnitudes,
    Want.HISTOGRAMS: _histograms,
    Want.STATISTICS: _statistics,
    Want.SIGNAL: _signal,
    Want.SIZES: _sizes,
    Want.PREDICTION: _prediction,
    Want.UNITS: lambda look: {"units": units.measure(look.network, look.give_way)},
    Want.PATHS: lambda look: {"paths": paths.measure(look.network)},
    Want.SPECIMEN: _specimen,
    Want.SHARPNESS: _sharpness,
    Want.SPECTRUM: lambda look: {"spectrum": look.spectra.measure(look.snapshot.step, look.give_way)},
}
