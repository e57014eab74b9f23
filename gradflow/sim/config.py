"""Every field of an experiment by dotted path (``network.depth``): how it is read, edited, checked and compared.

`FIELDS` lists them in the order of the file; everything that reads or edits an experiment walks that table.
"""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from gradflow.errors import ConfigError, suggestion
from gradflow.sim.experiment import NONE, Data, Experiment, Init, NetworkShape
from gradflow.sim.fields import Field, field_of
from gradflow.sim.training import ALL, AUTO, DYNAMIC, Training

__all__ = [
    "ALL",
    "AUTO",
    "DYNAMIC",
    "FIELDS",
    "NONE",
    "Data",
    "Experiment",
    "Init",
    "NetworkShape",
    "Training",
    "brief",
    "differing",
    "edit",
    "find_field",
    "from_mapping",
    "get",
    "parse_value",
    "to_mapping",
    "with_live",
]


def _walk(part: type, prefix: str) -> Iterable[Field]:
    types = typing.get_type_hints(part)
    for item in dataclasses.fields(part):
        path, declared = f"{prefix}{item.name}", types[item.name]
        if dataclasses.is_dataclass(declared):
            yield from _walk(typing.cast(type, declared), f"{path}.")
        else:
            yield field_of(path, item, declared)


FIELDS: Mapping[str, Field] = {field.path: field for field in _walk(Experiment, "")}
"""Every field of an experiment by dotted path, in the order of the file."""


def find_field(path: str) -> Field:
    """Return the field at a dotted path; raises ConfigError with the nearest path."""
    if path not in FIELDS:
        raise ConfigError(path, f"no such field; {suggestion(path, FIELDS)}")
    return FIELDS[path]


def get(experiment: Experiment, path: str) -> Any:
    """Return the value at a dotted path."""
    value: Any = experiment
    for name in find_field(path).path.split("."):
        value = getattr(value, name)
    return value


def edit(experiment: Experiment, changes: Mapping[str, Any]) -> Experiment:
    """Return the experiment with the values at these dotted paths replaced; raises ConfigError at the first bad one."""
    for path, value in changes.items():
        checked = find_field(path).check(value)
        *parents, name = path.split(".")
        if parents:
            part = getattr(experiment, parents[0])
            experiment = dataclasses.replace(experiment, **{parents[0]: dataclasses.replace(part, **{name: checked})})
        else:
            experiment = dataclasses.replace(experiment, **{name: checked})
    return experiment


def with_live(experiment: Experiment, training: Training) -> Experiment:
    """Return the experiment with the live fields of `training`: those that reach a run without a rebuild."""
    live = {path: path.rsplit(".", 1)[1] for path, field in FIELDS.items() if field.says.live}
    return edit(experiment, {path: getattr(training, name) for path, name in live.items()})


def parse_value(path: str, text: str) -> Any:
    """Return the value that `text` (from ``--set`` or a box) means for the field at `path`, checked."""
    field = find_field(path)
    text = text.strip()
    if field.kind is tuple:
        return field.check(_parse_rows(path, text))
    for kind in (int, float):
        if field.kind in (int, float):
            try:
                return field.check(kind(text))
            except ValueError:
                continue
    return field.check(text)


def from_mapping(table: Mapping[str, Any], base: Experiment | None = None) -> Experiment:
    """Return the experiment that a nested table (a parsed file) describes, on top of `base`.

    Raises ConfigError naming the field: an unknown key, a wrong type, a value out of range.
    """
    return edit(base or Experiment(), dict(_flatten(table, "")))


def to_mapping(experiment: Experiment) -> dict[str, Any]:
    """Return the complete nested table of an experiment, in the order of the declarations.

    Of a row in a list only what differs from its defaults is written, and an empty list not at all.
    """
    table = dataclasses.asdict(experiment)
    for path, field in FIELDS.items():
        if field.kind is tuple:
            section, name = path.split(".")
            table[section][name] = [brief(row) for row in get(experiment, path)]
            if not table[section][name]:
                del table[section][name]
    return table


def brief(row: Any) -> dict[str, Any]:
    """Return a row of a list as a table of its first field and of what differs from the defaults."""
    first, *others = dataclasses.fields(row)
    changed = {item.name: getattr(row, item.name) for item in others if getattr(row, item.name) != item.default}
    return {first.name: getattr(row, first.name), **changed}


def _parse_rows(path: str, text: str) -> Any:
    """Return the list that a TOML text such as [{kind = "dense", units = 8}] means; empty for none."""
    try:
        # Only the list itself: what follows it on a line of its own would be read as another key, and be lost.
        (rows,) = tomllib.loads(f"rows = {text or '[]'}").values()
        return rows
    except (ValueError, RecursionError) as error:
        raise ConfigError(path, 'must be a list of tables, such as [{kind = "dense", units = 8}]') from error


def differing(a: Experiment, b: Experiment) -> tuple[str, ...]:
    """Return the paths at which two experiments differ."""
    return tuple(path for path in FIELDS if get(a, path) != get(b, path))


def _flatten(table: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    sections = dict.fromkeys(path.split(".")[0] for path in FIELDS if "." in path)
    for key, value in table.items():
        path = f"{prefix}{key}"
        if not prefix and key in sections:
            if not isinstance(value, Mapping):
                raise ConfigError(path, f"must be a table: write [{path}] on a line of its own")
            yield from _flatten(value, f"{path}.")
        elif path not in FIELDS:
            raise ConfigError(path, f"unknown key; {suggestion(path, [*sections, *FIELDS])}")
        else:
            yield path, value
