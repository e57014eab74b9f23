"""Small experiments for the tests of `sim`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from gradflow.sim.config import FIELDS, Experiment, edit
from gradflow.sim.diagnosis import Case, check_up
from gradflow.sim.fields import Field, fields_of
from gradflow.sim.history import History
from gradflow.sim.layer_rows import LayerRow
from gradflow.sim.snapshot import Snapshot, Stat
from gradflow.sim.trainer import Trainer

SMALL: dict[str, Any] = {
    "data.name": "two-moons",
    "data.samples": 50,
    "network.depth": 3,
    "network.width": 6,
    "training.batch_size": 16,
}
"""40 training and 10 validation samples, batches of 16, 16 and 8."""

ROW_FIELDS = {field.path: field for field in fields_of(LayerRow)}


def small(changes: Mapping[str, Any] | None = None) -> Experiment:
    """Return a small experiment with changes by dotted path."""
    return edit(Experiment(), SMALL | dict(changes or {}))


def trainer(changes: Mapping[str, Any] | None = None) -> Trainer:
    """Return the trainer of a small experiment."""
    return Trainer(small(changes))


def validating(changes: Mapping[str, Any] | None = None, every: int = 1) -> Trainer:
    """Return the trainer of a small experiment, at step 0, that validates every so many steps."""
    made = trainer(changes)
    made.preview()
    made.validate_every = every
    return made


def take(source: Trainer, count: int) -> list[Snapshot]:
    """Return the first `count` snapshots of a run, fewer if it ends before."""
    return list(islice(source.steps(), count))


def bits(snapshots: Iterable[Snapshot], without_validation: bool = False) -> list[bytes]:
    """Return everything measured at each step, as bytes."""
    hidden = ("divergence", "stats", *(("validation_loss", "validation_accuracy") if without_validation else ()))
    return [
        np.array([value for name, value in vars(s).items() if name not in hidden]).tobytes() + s.stats.tobytes()
        for s in snapshots
    ]


def snapshot(step: int = 0, delta: NDArray[np.float64] | list[float] | None = None, layers: int = 3) -> Snapshot:
    """Return a made-up snapshot whose numbers all tell the step, or whose hidden layers have these norms of δ."""
    if delta is None:
        stats = np.full((len(Stat), layers), float(step))
    else:
        stats = np.ones((len(Stat), len(delta) + 1))
        stats[Stat.DELTA.row, :-1] = delta
        stats[Stat.UPDATE.row] = 1e-3
        stats[[Stat.DEAD.row, Stat.SATURATED.row, Stat.UNDERFLOW.row]] = 0.0
    number = float(step)
    return Snapshot(step, number / 10, number, number, number, number, number, number, number, stats)


def case(run: Trainer, now: Snapshot, before: Iterable[Snapshot] = (), checked: bool = False) -> Case:
    """Return the case of a snapshot of a run, with a history, and with a check-up of the network as it is."""
    history = History(len(run.topology.layers))
    for one in before:
        history.append(one)
    checkup = check_up(run.network, now.step, run.topology.training_samples) if checked else None
    return Case(run.experiment, run.topology, now, history.view(), checkup=checkup)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Return a strategy for the valid values of a field."""
    if field.kind is tuple:
        return st.lists(rows(), max_size=4).map(tuple)
    if field.kind is bool:
        return st.booleans()
    if field.says.free:
        # A box and the command line strip what is around a text.
        return st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))).map(str.strip)
    named = st.sampled_from(field.choices) if field.choices else st.nothing()
    low, high = field.says.low, field.says.high
    if field.kind is int:
        return named | st.integers(int(low), int(high))
    return named | st.floats(low, high) if field.kind is float else named


@st.composite
def rows(draw: st.DrawFn) -> LayerRow:
    """Draw a row of the layer list in which any set of fields has any valid values, whether layers fit or not."""
    chosen = draw(st.sets(st.sampled_from(list(ROW_FIELDS)), max_size=5))
    return LayerRow(**{name: draw(values(ROW_FIELDS[name])) for name in sorted(chosen)})


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Draw an experiment in which any set of fields has any valid values."""
    chosen = draw(st.sets(st.sampled_from(list(FIELDS))))
    return edit(Experiment(), {path: draw(values(FIELDS[path])) for path in sorted(chosen)})


def as_text(value: Any) -> str:
    """Return a value as a person writes it on the command line; a list of rows as TOML."""
    if not isinstance(value, tuple):
        return str(value)
    tables = ({name: getattr(row, name) for name in ROW_FIELDS} for row in value)
    # Names, numbers, true and false are written in TOML as in JSON.
    return f"[{', '.join(_inline(table) for table in tables)}]"


def _inline(table: dict[str, Any]) -> str:
    return "{" + ", ".join(f"{name} = {json.dumps(value)}" for name, value in table.items()) + "}"
