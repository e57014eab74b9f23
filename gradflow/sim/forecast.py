"""The theory's predictions for one run: made once at its initialisation, in the background; and the overlay after it.

The quick one (signal and δ) takes milliseconds and follows a slider; the thorough one (all pairs of samples, ‖∂L/∂W‖)
comes when it is ready. Once training has begun the weights are no longer independent of each other: what is expected
then is only what isotropic gradients would do with the weights as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Input
from gradflow.engine.network import Network
from gradflow.engine.nodes import Activate, Dense, Flatten
from gradflow.sim import build
from gradflow.sim.mean_field import Subject, quickly, thoroughly
from gradflow.sim.prediction import Prediction, predicting
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.statistics import slope_square
from gradflow.sim.subject import Subject as Measured
from gradflow.sim.trainer import Trainer
from gradflow.theory.steps import NotCovered

Array = NDArray[Any]


class _Cancelled(Exception):
    """Nobody waits for this any more."""


class Forecast:
    """The predictions for a trainer that stands at step 0. `latest` may be read on any thread."""

    def __init__(self, trainer: Trainer, replaced: Forecast | None = None) -> None:
        """`replaced` is given up, and its thread waited for where nobody notices: on the next thread."""
        network = trainer.network
        self.latest: Prediction | None = None
        self._layers = len(network.layers)
        self.subject = Subject(
            network,
            np.array(network.input.value, float),
            np.array(network.loss.targets, float),
            build.loss_maker(trainer.experiment, trainer.split),
            trainer.loss_name,
        )
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._replaced = replaced
        if replaced:
            replaced.cancel()

    def begin(self, ready: Callable[[], None]) -> bool:
        """Make the quick prediction now and the thorough one on a thread of its own; `ready` is called after that.

        Returns whether there is something new: at the first call only.
        """
        if self.latest:
            return False
        if not self._make(lambda: quickly(self.subject)):
            # It may take the pairs of samples, as with batch norm; if not, the reason comes at once.
            self.latest = predicting(0, self._layers, "Theory is at work …")
        self._thread = threading.Thread(target=self._ponder, args=(ready,), name="gradflow-forecast", daemon=True)
        self._thread.start()
        return True

    def finish(self) -> Prediction:
        """Return the thorough prediction, however long it takes."""
        if self._thread:
            self._thread.join()
        elif self.latest is None:
            self._make(lambda: thoroughly(self.subject))
        assert self.latest is not None
        return self.latest

    def cancel(self) -> None:
        """Give up what is not ready; nobody waits for it."""
        self._cancelled.set()

    def stop(self) -> None:
        """Give up, and wait until the thread and those of all that was replaced have ended."""
        self.cancel()
        if self._thread:
            self._thread.join()
        else:
            self._succeed()

    def _succeed(self) -> None:
        if self._replaced:
            self._replaced.stop()
        self._replaced = None

    def _ponder(self, ready: Callable[[], None]) -> None:
        self._succeed()
        try:
            self._make(lambda: thoroughly(self.subject, self._watch))
        except _Cancelled:
            return
        ready()

    def _watch(self) -> None:
        if self._cancelled.is_set():
            raise _Cancelled

    def _make(self, prediction: Callable[[], Prediction]) -> bool:
        try:
            with np.errstate(all="ignore"):
                self.latest = prediction()
        except NotCovered as reason:
            self.latest = predicting(0, self._layers, f"Theory is silent: {reason}.")
            return False
        return True


def isotropic(network: Network, snapshot: Snapshot) -> Prediction:
    """Return what gradients without a preferred direction would do with the weights as they are.

    ‖δ_l‖² = ‖δ_{l+1}‖²·‖W_{l+1}‖²/N_{l+1}·⟨φ′²⟩_l, each layer from the measured δ of the next: at step 0 this is what
    theory says, later the measured δ exceeds it, because training aligns δ with the weights.
    """
    layers = network.layers
    if not _plain(network):
        return predicting(
            snapshot.step, len(layers), "No prediction for a trained network with skips, norms or images."
        )
    slopes = slope_square(Measured(network))[:-1]
    slopes[[layer.activate is None for layer in layers[:-1]]] = 1.0
    weights = snapshot.stat(Stat.WEIGHT)[1:]
    units = np.array([layer.linear.units for layer in layers[1:]])
    with np.errstate(all="ignore"):
        factor = np.sqrt(weights**2 / units * slopes)
        delta = np.append(factor * snapshot.stat(Stat.DELTA)[1:], np.nan)
    return predicting(snapshot.step, len(layers), delta_norm=delta, factor=np.append(factor, np.nan))


def _plain(network: Network) -> bool:
    """Whether the network is one chain of dense layers and activations."""
    *others, _ = network.graph.order
    return all(isinstance(node, Input | Dense | Activate | Flatten) for node in others)
