"""One axis of a sweep: the field that is varied and the values it takes.

Written as on the command line: ``init.scale=0.1:10:21:log`` is start:stop:count on a logarithmic axis,
``network.depth=2:100:25`` the same with equal steps, ``network.activation=tanh,relu`` a list.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.errors import ConfigError
from gradflow.sim.config import FIELDS, find_field, parse_value
from gradflow.sim.words import spelled

Array = NDArray[np.float64]

MOST_VALUES = 1_000
FEW = 3
"""So many values are named one by one."""

RANGE = "start:stop:count, start:stop:count:log or a list a,b,c"


@dataclass(frozen=True)
class Axis:
    """A field by its dotted path and the values it takes, checked against its bounds, each once.

    Numbers rise; names stand in the order given. `log` says whether numbers are placed by their logarithm.
    """

    path: str
    values: tuple[Any, ...]
    log: bool = False

    def __post_init__(self) -> None:
        field = find_field(self.path)
        if field.kind is tuple:
            raise ConfigError(self.path, "is a list of tables, which a sweep cannot vary; choose a number or a name")
        if not self.values:
            raise ConfigError(self.path, f"has no values; write {RANGE}")
        if len(self.values) > MOST_VALUES:
            raise ConfigError(self.path, f"has {len(self.values)} values; the most is {MOST_VALUES}")
        values = tuple(dict.fromkeys(field.check(value) for value in self.values))
        if all(map(_is_number, values)):
            values = tuple(sorted(values))
        object.__setattr__(self, "values", values)
        # A logarithm needs numbers above 0; where there are none, the question does not arise.
        object.__setattr__(self, "log", self.log and self.numeric and values[0] > 0)

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Return the axis that ``path=values`` means; raises ConfigError."""
        path, equals, values = (part.strip() for part in text.partition("="))
        # What is wrong with the path comes first: without it nobody knows which values would be right.
        field = find_field(path)
        if not equals or not values:
            raise ConfigError(path, f"write {path}={RANGE}")
        if field.kind in (int, float) and ":" in values:
            return cls._of_range(path, values)
        names = (name.strip() for name in values.split(","))
        return cls(path, tuple(parse_value(path, name) for name in names), field.says.log)

    @classmethod
    def _of_range(cls, path: str, text: str) -> Axis:
        start_text, stop_text, count_text, log = _parts(path, text)
        start, stop = (_number(path, part) for part in (start_text, stop_text))
        try:
            count = int(count_text)
        except ValueError:
            count = 0
        if not 1 <= count <= MOST_VALUES:
            raise ConfigError(path, f"the count in {text} must be a whole number from 1 to {MOST_VALUES}")
        if start > stop or (start == stop and count > 1):
            raise ConfigError(path, f"{text} must start below where it stops")
        if log and start <= 0.0:
            raise ConfigError(path, f"{text} is logarithmic and must start above 0")
        field = FIELDS[path]
        for end in (start, stop):
            field.check(round(end) if field.kind is int and end.is_integer() else end)
        spaced = np.geomspace(start, stop, count) if log else np.linspace(start, stop, count)
        # Fifteen digits: 0.1 and not 0.10000000000000002, which is what the logarithm there and back leaves.
        values = [round(value) if field.kind is int else float(f"{value:.15g}") for value in spaced.tolist()]
        return cls(path, tuple(values), log)

    @property
    def title(self) -> str:
        """The field's words on screen."""
        return FIELDS[self.path].says.title

    @property
    def words(self) -> str:
        """What is varied, in words: ``init scale 0.1 to 10 (21 values, logarithmic)``."""
        count, title = len(self.values), self.title.lower()
        if not self.numeric or count <= FEW:
            return f"{title} {', '.join(map(spelled, self.values))}"
        kind = ", logarithmic" if self.log else ""
        return f"{title} {spelled(self.values[0])} to {spelled(self.values[-1])} ({count} values{kind})"

    @property
    def numeric(self) -> bool:
        """Whether all values are numbers, so that there is something between them."""
        return all(map(_is_number, self.values))

    def place(self, values: Iterable[float]) -> Array:
        """Return where numbers lie between the values, counted in cells from the first one; nan beyond the cells."""
        found = np.asarray(list(values), float)
        if not self.numeric or len(self.values) < 2:
            return np.array([self._index(value) for value in found.tolist()])
        grid = np.array(self.values, float)
        with np.errstate(all="ignore"):
            if self.log:
                grid, found = np.log(grid), np.log(found)
            places: Array = np.interp(found, grid, np.arange(len(grid)), left=np.nan, right=np.nan)
            # The outer half of the first and the last cell belongs to the axis as well.
            before = (found - grid[0]) / (grid[1] - grid[0])
            after = len(grid) - 1 + (found - grid[-1]) / (grid[-1] - grid[-2])
        last = len(grid) - 1
        for outer in (np.isfinite(before) & (before < 0.0) & (before >= -0.5), (after > last) & (after <= last + 0.5)):
            places[outer] = np.where(before < 0.0, before, after)[outer]
        return places

    def place_of(self, value: Any) -> float:
        """Return where one value, a number or a name, lies on the axis; nan if it does not."""
        return float(self.place([float(value)])[0]) if _is_number(value) and self.numeric else self._index(value)

    def _index(self, value: Any) -> float:
        return float(self.values.index(value)) if value in self.values else math.nan


def suggested(path: str) -> str:
    """Return values that show something of a field, as they are written: what a person may start from."""
    if path in USUAL:
        return USUAL[path]
    says, field = FIELDS[path].says, FIELDS[path]
    if field.choices and field.kind is str:
        return ",".join(field.choices)
    low, high = says.span or (says.low, says.high)
    return f"{low:g}:{high:g}:11{':log' if says.log and low > 0 else ''}"


USUAL = {
    "network.depth": "2:50:17",
    "init.scale": "0.3:3:21:log",
    "network.width": "4:256:13:log",
    "training.learning_rate": "0.001:10:17:log",
    "network.skip_every": "0:5:6",
    "seed": "0:9:10",
}
"""Where a field's slider reaches further than a map should."""


def sweepable() -> tuple[str, ...]:
    """Return the paths of all fields that can be an axis."""
    return tuple(
        path for path, field in FIELDS.items() if path != "format" and field.kind is not tuple and not field.says.free
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parts(path: str, text: str) -> tuple[str, str, str, bool]:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) == 4 and parts[3] == "log":
        return parts[0], parts[1], parts[2], True
    if len(parts) != 3:
        raise ConfigError(path, f"{text} is no range; write {RANGE}")
    return parts[0], parts[1], parts[2], False


def _number(path: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ConfigError(path, f"{text or 'nothing'} is not a number; write {RANGE}") from error
    if not math.isfinite(number):
        raise ConfigError(path, f"must be {FIELDS[path].expects}, not {text}")
    return number
