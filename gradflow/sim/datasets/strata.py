"""Drawing at random while keeping the proportions of the classes.

Used twice: to set a validation part aside and to thin out a bundled set. Regression is the case of a single stratum.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gradflow.sim.datasets.base import Dataset

Integers: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


def labels(dataset: Dataset) -> Integers:
    """Return the stratum of every sample, (N,): its class label, or 0 throughout for regression."""
    if dataset.task == "regression":
        return np.zeros(len(dataset.inputs), np.int64)
    return dataset.targets.astype(np.int64)


def apportion(counts: Integers, total: int, room: Integers) -> Integers:
    """Share `total` seats among strata in proportion to `counts`, at most `room` each; all arrays are (C,).

    Largest-remainder method (Hamilton): every stratum gets the whole part of its quota total·countsᵢ/Σcounts, the
    seats left go one by one to the stratum furthest below its quota, ties to the first. Gives Σroom seats if `total`
    is more than that.
    """
    total = min(total, int(room.sum()))
    size = max(int(counts.sum()), 1)
    # Whole numbers throughout: a quota of exactly 3 must not become 2 by rounding.
    quota = counts * total
    seats = np.minimum(quota // size, room)
    while seats.sum() < total:
        deficit = np.where(seats < room, quota - seats * size, np.iinfo(np.int64).min)
        seats[np.argmax(deficit)] += 1
    return seats


def draw(strata: Integers, seats: Integers, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Draw seats[c] samples of every stratum c without replacement.

    ``strata`` is (N,). Returns the indices (drawn, left): disjoint, together 0..N-1, each in random order.
    """
    order = rng.permutation(len(strata))
    shuffled = strata[order]
    drawn = np.zeros(len(strata), bool)
    for stratum, size in enumerate(seats):
        drawn[np.flatnonzero(shuffled == stratum)[:size]] = True
    return order[drawn], order[~drawn]
