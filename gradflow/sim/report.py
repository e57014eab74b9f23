"""What a headless run leaves behind: the experiment, the histories as CSV, and the weights as arrays.

Every step is a row. A quantity that does not exist (the validation loss between its turns, the dead units of a linear
layer) is an empty field, never 0; a number that overflowed is written as inf or nan.
"""

from __future__ import annotations

import csv
import io
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from gradflow.files import cannot_write, write_atomically
from gradflow.sim.archive import save_experiment
from gradflow.sim.details import Details, Want
from gradflow.sim.prediction import Prediction
from gradflow.sim.run import Run
from gradflow.sim.snapshot import Snapshot, Stat, Topology
from gradflow.sim.statistics import STATISTICS
from gradflow.sim.transfer import parameter_names

HISTORY_COLUMNS = (
    "step",
    "epoch",
    "train_loss",
    "val_loss",
    "train_accuracy",
    "val_accuracy",
    "learning_rate",
    "grad_norm",
    "grad_norm_clipped",
    "finite",
)
LAYER_COLUMNS = (
    "step",
    "layer",
    "name",
    "units",
    "weight_norm",
    "weight_grad_norm",
    "bias_grad_norm",
    "delta_norm",
    "predicted_delta_norm",
    "activation_mean",
    "activation_std",
    "update_ratio",
    "dead_fraction",
    "saturated_fraction",
)


STATISTICS_COLUMNS = ("step", "layer", "name", "underflow_fraction", *STATISTICS)


class Report:
    """Writes the files of one run into a folder; a context manager, so that what was recorded survives an interrupt."""

    def __init__(self, folder: Path, run: Run) -> None:
        """Begin the report of a run that stands at step 0; raises FileError if the folder cannot be written."""
        self._folder = folder
        self._run = run
        self._arrays = dict(_parameters("initial", run)) | dict(_first_batch(run))
        self._history = _Table(folder / "history.csv", HISTORY_COLUMNS)
        self._layers = _Table(folder / "layers.csv", LAYER_COLUMNS)
        self._statistics = _Table(folder / "statistics.csv", STATISTICS_COLUMNS)

    def __enter__(self) -> Report:
        return self

    def record(self, snapshot: Snapshot) -> None:
        """Add the rows of one step; the dear statistics at step 0, every power of two, and the last."""
        self._history.write(_history_row(snapshot))
        whole = not snapshot.step & (snapshot.step - 1) or self._run.finished
        details = self._run.measure(frozenset((Want.STATISTICS, Want.PREDICTION))) if whole else Details()
        predicted = self._run.forecast.finish() if not snapshot.step else details.prediction
        for row in _layer_rows(self._run.trainer.topology, snapshot, predicted):
            self._layers.write(row)
        if whole:
            for row in _statistics_rows(self._run, details):
                self._statistics.write(row)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._history.close()
        self._layers.close()
        self._statistics.close()
        save_experiment(self._run.experiment, self._folder / "experiment.toml")
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **self._arrays, **dict(_parameters("final", self._run)))
        write_atomically(self._folder / "weights.npz", buffer.getvalue())


class _Table:
    """A CSV file that grows row by row beside its place and moves there when it is complete."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, self._temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        except OSError as error:
            raise cannot_write(path.parent, error) from error
        self._file = os.fdopen(handle, "w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(columns)

    def write(self, row: list[str]) -> None:
        try:
            self._writer.writerow(row)
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        try:
            self._file.close()
            write_atomically(self._path, Path(self._temporary).read_bytes())
        except OSError as error:
            raise cannot_write(self._path, error) from error
        finally:
            with suppress(OSError):
                Path(self._temporary).unlink()


def _number(value: float) -> str:
    return repr(float(value))


def _optional(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))


def _history_row(snapshot: Snapshot) -> list[str]:
    return [
        str(snapshot.step),
        _number(snapshot.epoch),
        _number(snapshot.train_loss),
        _optional(snapshot.validation_loss),
        _optional(snapshot.train_accuracy),
        _optional(snapshot.validation_accuracy),
        _number(snapshot.learning_rate),
        _number(snapshot.grad_norm),
        _optional(snapshot.grad_norm_clipped),
        str(int(snapshot.finite)),
    ]


def _layer_rows(topology: Topology, snapshot: Snapshot, predicted: Prediction | None) -> Iterator[list[str]]:
    ratio = snapshot.update_ratio
    delta = predicted.delta_norm if predicted else np.full(len(topology.layers), np.nan)
    for i, layer in enumerate(topology.layers):
        yield [
            str(snapshot.step),
            str(layer.number),
            layer.name,
            str(layer.units),
            _number(snapshot.stat(Stat.WEIGHT)[i]),
            _number(snapshot.stat(Stat.WEIGHT_GRAD)[i]),
            _number(snapshot.stat(Stat.BIAS_GRAD)[i]),
            _number(snapshot.stat(Stat.DELTA)[i]),
            _optional(delta[i]),
            _number(snapshot.stat(Stat.ACTIVATION_MEAN)[i]),
            _number(snapshot.stat(Stat.ACTIVATION_STD)[i]),
            _optional(ratio[i]),
            _optional(snapshot.stat(Stat.DEAD)[i]),
            _optional(snapshot.stat(Stat.SATURATED)[i]),
        ]


def _statistics_rows(run: Run, details: Details) -> Iterator[list[str]]:
    underflow = run.snapshot.stat(Stat.UNDERFLOW)
    for i, layer in enumerate(run.trainer.topology.layers):
        numbers = (_optional(values[i]) for values in (underflow, *details.statistics.values()))
        yield [str(run.snapshot.step), str(layer.number), layer.name, *numbers]


def _parameters(when: str, run: Run) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for name, values in parameter_names(run.trainer.network):
        yield f"{when}/{name}", values.copy()


def _first_batch(run: Run) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """The batch that step 0 was measured on; classes as whole numbers where the loss takes one-hot rows."""
    network = run.trainer.network
    targets = network.loss.targets
    yield "batch/x", network.input.value.copy()
    one_hot = run.trainer.topology.classes and targets.shape[1] > 1
    yield "batch/y", targets.argmax(axis=1) if one_hot else targets.copy()
