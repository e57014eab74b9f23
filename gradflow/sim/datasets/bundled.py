"""Real sets: small classics that are installed with the program and read from `resources/datasets/`.

Each is one file NAME.csv.gz: a comment naming the set, a comment ``# classes: a, b, c`` (empty for regression), the
column names, then one line per sample with the target last. Sources and licences stand in LICENSES.md beside them.
Real data is taken as it is: `noise` adds nothing to it.
"""

from __future__ import annotations

import dataclasses
import gzip
import zlib
from functools import cache
from pathlib import Path

import numpy as np

from gradflow.assets import resource
from gradflow.errors import DataError
from gradflow.sim.datasets import strata
from gradflow.sim.datasets.base import Dataset, dataset


@dataset("digits", "Handwritten digits")
def digits(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """1797 handwritten digits of 8×8 pixels (0..16), ten classes; noise adds nothing.

    Alpaydin and Kaynak, 1998, test part of the UCI optical recognition set.
    The largest set here: use it for deep networks and mini-batches.
    """
    return dataclasses.replace(_bundled("digits", samples, rng), image=(8, 8, 1))


@dataset("iris", "Iris")
def iris(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """150 iris flowers, four measurements in cm, three species of 50 each; noise adds nothing.

    Fisher, The use of multiple measurements in taxonomic problems, 1936.
    Small and easy: use it for a first look at several classes.
    """
    return _bundled("iris", samples, rng)


@dataset("wine", "Wine")
def wine(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """178 wines, 13 chemical measurements, three cultivars; noise adds nothing.

    Forina et al., PARVUS; UCI wine recognition set.
    Measurements on very different scales: separable once standardised.
    """
    return _bundled("wine", samples, rng)


@dataset("breast-cancer", "Breast cancer")
def breast_cancer(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """569 tumours, 30 measurements of their cell nuclei, malignant (0) or benign (1); noise adds nothing.

    Street, Wolberg and Mangasarian, Nuclear feature extraction for breast tumor diagnosis, 1993.
    Use it for two classes with many correlated inputs.
    """
    return _bundled("breast-cancer", samples, rng)


@dataset("diabetes", "Diabetes")
def diabetes(samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """442 patients, 10 raw measurements; the target is the disease's progression after a year; noise adds nothing.

    Efron, Hastie, Johnstone and Tibshirani, Least angle regression, 2004.
    Regression with a lot of unexplained variance: use it to see overfitting.
    """
    return _bundled("diabetes", samples, rng)


@cache
def load(name: str) -> Dataset:
    """Return the whole bundled set `name`, read once; its arrays are read-only because they are shared.

    Raises DataError if its file is missing or damaged.
    """
    return read(resource("datasets", f"{name}.csv.gz"))


def read(path: Path) -> Dataset:
    """Read a data set file, in the format this module opens with.

    Raises DataError, naming the file, if it is missing or damaged.
    """
    try:
        return _parse(gzip.decompress(path.read_bytes()).decode("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: this data set file is missing; reinstall gradflow") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path}: this data set file cannot be read ({error}); reinstall gradflow") from error


def _parse(text: str) -> Dataset:
    """Return the data set written in `text`; raises ValueError for anything that is not in the format."""
    _title, comment, header, *rows = text.splitlines()
    if not rows:
        raise ValueError("no samples")
    *features, _target = header.split(",")
    mark, _colon, names = comment.partition(":")
    if mark != "# classes":
        raise ValueError("its second line does not give the classes")
    classes = tuple(name.strip() for name in names.split(",")) if names.strip() else ()
    table = np.loadtxt(rows, delimiter=",", ndmin=2, comments=None)
    if table.shape[1] != len(features) + 1 or not np.isfinite(table).all():
        raise ValueError(f"not every line has {len(features) + 1} finite numbers")
    targets = _labels(table[:, -1], len(classes)) if classes else table[:, -1:].copy()
    return Dataset(table[:, :-1].copy(), targets, tuple(features), classes)


def _labels(column: strata.Floats, classes: int) -> strata.Integers:
    """Return a column of floats as class labels; raises ValueError if one is not a whole number in 0..classes-1."""
    if not np.isin(column, np.arange(classes)).all():
        raise ValueError(f"a class label is not in 0..{classes - 1}")
    return column.astype(np.int64)


def _bundled(name: str, samples: int | None, rng: np.random.Generator) -> Dataset:
    """Return the set `name`, or a random subset of `samples` that keeps the proportions of the classes."""
    whole = load(name)
    if samples is None or samples == len(whole.inputs):
        return whole
    if samples > len(whole.inputs):
        raise DataError(f"data set {name!r} has {len(whole.inputs)} samples, not {samples}; ask for that many or fewer")
    labels = strata.labels(whole)
    counts = np.bincount(labels)
    drawn, _left = strata.draw(labels, strata.apportion(counts, samples, counts), rng)
    return dataclasses.replace(whole, inputs=whole.inputs[drawn], targets=whole.targets[drawn])
