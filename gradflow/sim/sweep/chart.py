"""A sweep as there is to draw: its cells so far, and what theory says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.config import FIELDS, Experiment, differing, get
from gradflow.sim.frozen import Frozen
from gradflow.sim.sweep.cell import CellResult
from gradflow.sim.sweep.grid import Cell, Sweep
from gradflow.sim.sweep.measures import MEASURES

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Curve(Frozen):
    """A line on the map, in cells from the first one along each axis, with a label; nan interrupts it."""

    label: str
    x: Array
    y: Array


@dataclass(frozen=True, eq=False, repr=False)
class Chart:
    """A map that fills in: the cells that are done, and the theory's lines. `note` says what keeps it from going on."""

    sweep: Sweep
    results: Mapping[Cell, CellResult]
    curves: tuple[Curve, ...] = ()
    running: bool = False
    note: str = ""

    @property
    def size(self) -> int:
        """How many cells there are."""
        rows, columns = self.sweep.shape
        return rows * columns

    def values(self, measure: str) -> Array:
        """Return one measure as (rows, columns); nan where a cell is not done or has no such number."""
        found = np.full(self.sweep.shape, np.nan)
        for cell, result in self.results.items():
            found[cell.row, cell.column] = result.values.get(measure, np.nan)
        return found

    def done(self) -> Mask:
        """Return which cells are done, as (rows, columns)."""
        found = np.zeros(self.sweep.shape, bool)
        for cell in self.results:
            found[cell.row, cell.column] = True
        return found

    def has(self, measure: str) -> bool:
        """Whether the cells know a measure: one of a trained network needs cells that were trained."""
        return self.sweep.trains or not MEASURES[measure].part.trains

    def marked(self) -> tuple[list[Cell], list[Cell]]:
        """Return the cells that diverged and those that could not be run."""
        diverged = [cell for cell, result in self.results.items() if result.diverged]
        return diverged, [cell for cell, result in self.results.items() if result.failed]

    def outdated(self, experiment: Experiment) -> tuple[str, ...]:
        """Return the fields in which an experiment differs from all cells, by their titles."""
        own = {self.sweep.x.path, self.sweep.y.path, "training.steps"}
        paths = differing(self.sweep.experiment, experiment)
        return tuple(FIELDS[path].says.title for path in paths if path not in own)

    def place_of(self, experiment: Experiment) -> tuple[float, float]:
        """Return where the two fields of an experiment lie on the map; nan where they do not."""
        x, y = self.sweep.x, self.sweep.y
        return x.place_of(get(experiment, x.path)), y.place_of(get(experiment, y.path))
