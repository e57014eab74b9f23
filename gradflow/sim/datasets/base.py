"""What a data set is, and how one is made by name.

A maker is a registered function of (samples, noise, rng). It owns no state: the same generator gives the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from gradflow.engine.losses import Task
from gradflow.errors import DataError
from gradflow.registry import Registry


@dataclass(frozen=True)
class Dataset:
    """Inputs with their targets, in the data's own units.

    ``inputs`` is (N, d) float64; where they are images, ``image`` is (height, width, channels), with d their product.
    ``targets`` is (N,) int64 class labels 0..C-1, or (N, k) float64 for regression.
    ``features`` holds the d column names, ``classes`` the C class names and is empty for regression.
    Both arrays become read-only: several experiments may share one data set.
    """

    inputs: npt.NDArray[np.float64]
    targets: npt.NDArray[Any]
    features: tuple[str, ...]
    classes: tuple[str, ...]
    image: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        self.inputs.setflags(write=False)
        self.targets.setflags(write=False)

    @property
    def task(self) -> Task:
        """Return what the targets ask for: "regression" without classes, "binary" up to two, else "multiclass"."""
        if not self.classes:
            return "regression"
        return "binary" if len(self.classes) <= 2 else "multiclass"


# In quotes: numpy.random is slow to import, and the window is on screen before it is needed.
Maker: TypeAlias = "Callable[[int | None, float, np.random.Generator], Dataset]"

DATASETS: Registry[Maker] = Registry("data set")
dataset = DATASETS.register


def make(name: str, samples: int | None, noise: float, rng: np.random.Generator) -> Dataset:
    """Make the registered data set `name`.

    ``samples`` is the number of points N; None takes every sample of a bundled set and 500 points of a toy set.
    ``noise`` is the standard deviation of the Gaussian noise of a toy set, in its own units; bundled sets ignore it.
    Raises UnknownNameError for an unknown name and DataError for a size or noise that cannot be had.
    """
    maker = DATASETS[name].part
    if samples is not None and samples < 1:
        raise DataError(f"data set {name!r} cannot have {samples} samples; ask for at least 1")
    if not (math.isfinite(noise) and noise >= 0):
        raise DataError(f"data set {name!r} cannot have noise {noise}; choose a finite standard deviation of 0 or more")
    return maker(samples, noise, rng)
