"""Small experiments for the tests of `sim`."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from gradflow.sim.config import FIELDS, Experiment, Field, edit
from gradflow.sim.snapshot import Norm, Snapshot
from gradflow.sim.trainer import Trainer

SMALL: dict[str, Any] = {
    "data.name": "two-moons",
    "data.samples": 50,
    "network.depth": 3,
    "network.width": 6,
    "training.batch_size": 16,
}
"""40 training and 10 validation samples, batches of 16, 16 and 8."""


def small(changes: dict[str, Any] | None = None) -> Experiment:
    """Return a small experiment with changes by dotted path."""
    return edit(Experiment(), SMALL | (changes or {}))


def trainer(changes: dict[str, Any] | None = None) -> Trainer:
    """Return the trainer of a small experiment."""
    return Trainer(small(changes))


def take(source: Trainer, count: int) -> list[Snapshot]:
    """Return the first `count` snapshots of a run, fewer if it ends before."""
    return list(islice(source.steps(), count))


def snapshot(step: int = 0, delta: NDArray[np.float64] | list[float] | None = None, layers: int = 3) -> Snapshot:
    """Return a made-up snapshot whose numbers all tell the step, or whose hidden layers have these norms of δ."""
    if delta is None:
        norms = np.full((len(Norm), layers), float(step))
    else:
        norms = np.ones((len(Norm), len(delta) + 1))
        norms[Norm.DELTA.row, :-1] = delta
    number = float(step)
    return Snapshot(step, number / 10, number, number, number, number, number, number, norms)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Return a strategy for the valid values of a field."""
    named = st.sampled_from(field.choices) if field.choices else st.nothing()
    low, high = field.says.low, field.says.high
    if field.kind is int:
        return named | st.integers(int(low), int(high))
    return named | st.floats(low, high) if field.kind is float else named


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Draw an experiment in which any set of fields has any valid values."""
    chosen = draw(st.sets(st.sampled_from(list(FIELDS))))
    return edit(Experiment(), {path: draw(values(FIELDS[path])) for path in sorted(chosen)})
