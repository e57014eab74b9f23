"""The split of a data set into a training and a validation part, standardised.

Everything that is fitted, even a mean, is fitted on the training part: what the validation part measures must not
have been seen (Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2nd ed., 2009, section 7.10.2).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from gradflow.errors import DataError
from gradflow.sim.datasets import strata
from gradflow.sim.datasets.base import Dataset

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Split:
    """A data set in two parts, ready to train on.

    ``x_train`` (n, d) and ``x_validation`` (m, d) are standardised: (inputs - input_mean) / input_std, with the (d,)
    statistics of the training part. ``y_train`` and ``y_validation`` are (n,) and (m,) int64 labels as they were; for
    regression (n, k) and (m, k) float64, standardised by the (k,) ``target_mean`` and ``target_std``, which are empty
    for classification. All arrays are read-only and C-contiguous.
    """

    dataset: Dataset
    x_train: Floats
    y_train: npt.NDArray[Any]
    x_validation: Floats
    y_validation: npt.NDArray[Any]
    input_mean: Floats
    input_std: Floats
    target_mean: Floats
    target_std: Floats

    def __post_init__(self) -> None:
        for field in fields(self):
            if isinstance(array := getattr(self, field.name), np.ndarray):
                array.setflags(write=False)


def split(dataset: Dataset, validation_fraction: float, rng: np.random.Generator) -> Split:
    """Set round(validation_fraction · N) samples aside for validation and standardise both parts.

    Classes keep their proportions (largest-remainder method) and every class keeps at least one training sample; the
    validation part is smaller, or empty, where that leaves too few. Both parts come in random order.
    Raises DataError if the data set has no samples or the fraction is not in 0 ≤ fraction < 1.
    """
    if not 0 <= validation_fraction < 1:
        raise DataError(f"the validation fraction is {validation_fraction}; choose 0 or more and less than 1")
    if not len(dataset.inputs):
        raise DataError("the training part would be empty: the data set has no samples; ask for at least 1")
    validation, training = _parts(dataset, validation_fraction, rng)
    x_train, x_validation, input_mean, input_std = _standardised(dataset.inputs, training, validation)
    if dataset.task == "regression":
        y_train, y_validation, target_mean, target_std = _standardised(dataset.targets, training, validation)
    else:
        y_train, y_validation = dataset.targets[training], dataset.targets[validation]
        target_mean, target_std = np.empty(0), np.empty(0)
    return Split(dataset, x_train, y_train, x_validation, y_validation, input_mean, input_std, target_mean, target_std)


def _parts(dataset: Dataset, fraction: float, rng: np.random.Generator) -> tuple[strata.Integers, strata.Integers]:
    """Return the indices of the (validation, training) parts."""
    labels = strata.labels(dataset)
    counts = np.bincount(labels)
    seats = strata.apportion(counts, round(fraction * len(labels)), np.maximum(counts - 1, 0))
    return strata.draw(labels, seats, rng)


def _standardised(
    values: Floats, training: strata.Integers, validation: strata.Integers
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return (training part, validation part, mean, std), standardised by the training part's statistics."""
    mean, std = _statistics(values[training])
    return (values[training] - mean) / std, (values[validation] - mean) / std, mean, std


def _statistics(rows: Floats) -> tuple[Floats, Floats]:
    """Return the columns' (mean, standard deviation) over n rows (divisor n); a constant column has deviation 1."""
    mean, std = rows.mean(axis=0), rows.std(axis=0)
    # Compare the values themselves: the mean of equal numbers rounds, so their deviation need not come out as 0;
    # and it comes out as 0 for unequal ones so small that their squares underflow.
    constant = (rows == rows[0]).all(axis=0)
    return np.where(constant, rows[0], mean), np.where(constant | (std == 0), 1.0, std)
