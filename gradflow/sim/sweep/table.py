"""The results of a sweep in files: a table of its cells, and beside it all that is needed to run it again.

Both are written whole or not at all, the table again and again while the sweep runs: whatever ends the program, the
next sweep with the same description goes on where this one was.
"""

from __future__ import annotations

import csv
import io
import math
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from gradflow.errors import ConfigError, FileError
from gradflow.files import read_text, write_atomically
from gradflow.sim.sweep.cell import CellResult
from gradflow.sim.sweep.grid import Cell, Sweep, first_difference, sweep_from_mapping, sweep_to_mapping
from gradflow.sim.sweep.measures import MEASURES

FLUSH_SECONDS = 1.0
"""How old the file may be while the sweep runs."""

DIVERGED = "diverged"
"""A measure that has a column of its own anyway."""

NUMBERS = tuple(name for name in MEASURES if name != DIVERGED)


class Table:
    """A table of cells on disk, and what of it is done."""

    def __init__(self, path: Path, sweep: Sweep) -> None:
        """Take up what the file holds; raises FileError or ConfigError if it is not of this very sweep."""
        self.path, self.sweep = path, sweep
        self.results = self._resumed()
        self._written_at = -math.inf
        self._flushed = len(self.results)

    def begin(self) -> None:
        """Write the description, and the table as it is."""
        write_atomically(description_path(self.path), describe(self.sweep).encode())
        self._write()

    def add(self, found: Mapping[Cell, CellResult]) -> None:
        """Take cells that are done, and write what is not written yet if the last time was a while ago."""
        self.results.update(found)
        if time.monotonic() - self._written_at >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet."""
        if self._flushed != len(self.results):
            self._write()

    def _write(self) -> None:
        write_atomically(self.path, render(self.sweep, self.results).encode())
        self._written_at, self._flushed = time.monotonic(), len(self.results)

    def _resumed(self) -> dict[Cell, CellResult]:
        description = description_path(self.path)
        if not description.exists():
            if self.path.exists():
                raise FileError(f"{self.path}: is there already, without {description.name}; choose another --out")
            return {}
        difference = first_difference(read_description(description), self.sweep)
        if difference:
            raise FileError(f"{self.path}: holds another sweep ({difference}); choose another --out or delete it")
        return parse(read_text(self.path), self.sweep, self.path) if self.path.exists() else {}


def description_path(path: Path) -> Path:
    """Return where the description of a table stands: ``map.csv`` has ``map.sweep.toml``."""
    return path.with_suffix(".sweep.toml")


def describe(sweep: Sweep) -> str:
    """Return the description of a sweep as TOML: all that is needed to run it again."""
    return tomli_w.dumps(sweep_to_mapping(sweep))


def read_description(path: Path) -> Sweep:
    """Return the sweep that a description is of; raises FileError or ConfigError naming the file."""
    text = read_text(path)
    try:
        return sweep_from_mapping(tomllib.loads(text))
    except ConfigError as error:
        raise ConfigError(error.field, error.reason, str(path)) from error
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: is no description of a sweep") from error


def columns(sweep: Sweep) -> list[str]:
    """Return the names of the table's columns."""
    return [sweep.x.path, sweep.y.path, *NUMBERS, "step", DIVERGED, "message"]


def render(sweep: Sweep, results: Mapping[Cell, CellResult]) -> str:
    """Return the table as CSV, row by row of the map; a number that does not exist is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns(sweep))
    for cell in sorted(results, key=lambda cell: (cell.row, cell.column)):
        result = results[cell]
        numbers = (_spelled(result.values.get(name, math.nan)) for name in NUMBERS)
        ran = ["", ""] if result.failed else [result.step, int(result.diverged)]
        writer.writerow([*map(_written, sweep.values(cell).values()), *numbers, *ran, result.message])
    return text.getvalue()


def parse(text: str, sweep: Sweep, path: Path) -> dict[Cell, CellResult]:
    """Return the cells that a table holds; raises FileError at the first row that is not of this sweep."""
    rows = csv.reader(io.StringIO(text))
    if next(rows, None) != columns(sweep):
        raise FileError(f"{path}: has other columns than this sweep; choose another --out or delete it")
    x, y = ({_written(value): place for place, value in enumerate(axis.values)} for axis in (sweep.x, sweep.y))
    results = {}
    for row in rows:
        try:
            column, line, *numbers, step, diverged, message = row
            results[Cell(x[column], y[line])] = _result(numbers, step, diverged, message)
        except (ValueError, KeyError) as error:
            raise FileError(f"{path}: line {rows.line_num} is not a cell of this sweep; delete that line") from error
    return results


def _result(numbers: list[str], step: str, diverged: str, message: str) -> CellResult:
    if not step:
        return CellResult({}, 0, False, message=message)
    values = {name: float(text) if text else math.nan for name, text in zip(NUMBERS, numbers, strict=True)}
    return CellResult(
        {name: values.get(name, float(diverged)) for name in MEASURES}, int(step), diverged == "1", message=message
    )


def _written(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _spelled(value: float) -> str:
    return "" if math.isnan(value) else repr(float(value))
