"""What a sweep is: an experiment, two axes and a measure. Frozen and validated; each cell is an experiment."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gradflow.errors import ConfigError, suggestion
from gradflow.sim.config import Experiment, differing, edit, from_mapping, get, to_mapping
from gradflow.sim.sweep.axis import Axis
from gradflow.sim.sweep.measures import MEASURES, Scale

MOST_CELLS = 10_000
FORMAT = 1
LISTED = ("network.depth", "network.skip_every")
"""What a layer list overrides: varying it would change nothing."""


class Cell(NamedTuple):
    """A place on the map, counted from 0: column along x, row along y."""

    column: int
    row: int


@dataclass(frozen=True)
class Sweep:
    """A grid of experiments over two fields, and what is looked at; raises ConfigError where they do not go together.

    `goal` is the loss that the measure steps-to-loss waits for.
    """

    experiment: Experiment
    x: Axis
    y: Axis
    measure: str = "gradient-ratio"
    goal: float = 0.1

    def __post_init__(self) -> None:
        if self.x.path == self.y.path:
            raise ConfigError(self.y.path, "is on both axes; choose two different fields")
        size = len(self.x.values) * len(self.y.values)
        if size > MOST_CELLS:
            counts = f"{len(self.x.values)} × {len(self.y.values)}"
            raise ConfigError(self.x.path, f"a grid of {counts} has {size} cells; the most is {MOST_CELLS}")
        if self.measure not in MEASURES:
            raise ConfigError("measure", f"{self.measure!r} is not known; {suggestion(self.measure, MEASURES)}")
        if not math.isfinite(self.goal):
            raise ConfigError("goal", "must be a finite number")
        for axis in (self.x, self.y):
            if self.experiment.network.layers and axis.path in LISTED:
                raise ConfigError(axis.path, "does nothing while network.layers lists the layers; remove the list")
        steps = "training.steps"
        if not self.trains and steps in (self.x.path, self.y.path):
            raise ConfigError(steps, f"does nothing to {self.measure}, which is measured at initialisation")

    @property
    def trains(self) -> bool:
        """Whether cells are trained; not if the measure is one of step 0."""
        return MEASURES[self.measure].part.trains

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.y.values), len(self.x.values)

    @property
    def essence(self) -> Sweep:
        """The sweep without what plays no part in it: the experiment's own values of the two fields."""
        return dataclasses.replace(self, experiment=edit(self.experiment, self.values(Cell(0, 0))))

    def words(self, measure: str) -> str:
        """Say what is varied, and when which measure is taken."""
        says, steps = MEASURES[measure], "training.steps"
        when = ""
        if not says.part.trains:
            when = " at initialisation"
        elif says.part.scale is Scale.STEPS:
            when = f" of {self.goal:g}"
        if says.part.trains and steps not in (self.x.path, self.y.path):
            count = self.experiment.training.steps
            when += f", {count} step{'' if count == 1 else 's'} per cell"
        return f"{self.x.words} × {self.y.words} · {says.title.lower()}{when}"

    def values(self, cell: Cell) -> dict[str, Any]:
        """Return the two fields of a cell by dotted path."""
        return {self.x.path: self.x.values[cell.column], self.y.path: self.y.values[cell.row]}

    def experiment_at(self, cell: Cell) -> Experiment:
        """Return the experiment of a cell."""
        return edit(self.experiment, self.values(cell))

    def cells(self) -> Iterator[Cell]:
        """Yield every cell once, coarse to fine: a grid of every 2ᵏth cell, then what lies between, down to k = 0."""
        rows, columns = self.shape
        stride = 1 << (max(rows, columns) - 1).bit_length()
        first = True
        while stride:
            for row in range(0, rows, stride):
                for column in range(0, columns, stride):
                    # What both coordinates of the coarser grid have is done already.
                    if first or row % (2 * stride) or column % (2 * stride):
                        yield Cell(column, row)
            stride, first = stride // 2, False


def sweep_to_mapping(sweep: Sweep) -> dict[str, Any]:
    """Return the complete nested table of a sweep: all that is needed to run it again."""
    axes = {name: {"path": axis.path, "values": list(axis.values), "log": axis.log} for name, axis in _axes(sweep)}
    settings = {"format": FORMAT, "measure": sweep.measure, "goal": sweep.goal}
    return {**settings, **axes, "experiment": to_mapping(sweep.experiment)}


def sweep_from_mapping(table: Mapping[str, Any]) -> Sweep:
    """Return the sweep that a nested table describes; raises ConfigError."""
    known = {"format", "measure", "goal", "x", "y", "experiment"}
    for key in table:
        if key not in known:
            raise ConfigError(key, f"unknown key; {suggestion(key, known)}")
    if table.get("format") != FORMAT:
        raise ConfigError("format", f"must be {FORMAT}, not {table.get('format')!r}; this is no sweep, or a newer one")
    goal = table.get("goal", Sweep.goal)
    if isinstance(goal, bool) or not isinstance(goal, int | float):
        raise ConfigError("goal", "must be a finite number")
    experiment = table.get("experiment")
    if not isinstance(experiment, Mapping):
        raise ConfigError("experiment", "is missing")
    measure = str(table.get("measure"))
    return Sweep(from_mapping(experiment), _axis("x", table), _axis("y", table), measure, float(goal))


def first_difference(a: Sweep, b: Sweep) -> str:
    """Say where sweep `a` differs from `b` first; "" if all their cells are the same."""
    a, b = a.essence, b.essence
    for name, axis in _axes(a):
        other = getattr(b, name)
        if axis.path != other.path:
            return f"{name} is {axis.path}, not {other.path}"
        if axis != other:
            return f"{name} has other values of {axis.path}"
    for name in ("measure", "goal"):
        if getattr(a, name) != getattr(b, name):
            return f"{name} is {getattr(a, name)}, not {getattr(b, name)}"
    for path in differing(a.experiment, b.experiment):
        return f"{path} is {get(a.experiment, path)}, not {get(b.experiment, path)}"
    return ""


def _axes(sweep: Sweep) -> tuple[tuple[str, Axis], tuple[str, Axis]]:
    return ("x", sweep.x), ("y", sweep.y)


def _axis(name: str, table: Mapping[str, Any]) -> Axis:
    part = table.get(name)
    if not isinstance(part, Mapping) or not isinstance(part.get("values"), list):
        raise ConfigError(name, "must be a table with path and values")
    return Axis(str(part.get("path")), tuple(part["values"]), part.get("log") is True)
