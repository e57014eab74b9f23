"""One field of an experiment: how it is declared, and what it accepts."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradflow.errors import ConfigError, suggestion
from gradflow.registry import Registry

MOST_ROWS = 10_000


@dataclass(frozen=True)
class Declaration:
    """What a field says beyond its type and default: the words on screen, the bounds, and how it is edited.

    `choices` is a registry and `names` are fixed names for a text; `words` are what a number may be instead ("all"),
    or a name beside the registry's. A `free` text is any text. `rows` are the fields of the tables that a list holds.
    `span` is the range of the slider, log-spaced if `log`; `low`…`high` is what is allowed at all. A `live` field
    reaches a running training without a rebuild.
    """

    title: str
    doc: str
    low: float = 0
    high: float = 0
    choices: Registry[Any] | None = None
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    span: tuple[float, float] | None = None
    log: bool = False
    live: bool = False
    free: bool = False
    rows: type | None = None


def declare(default: Any, title: str, doc: str, low: float = 0, high: float = 0, **how: Any) -> Any:
    """Declare a field of an experiment."""
    return dataclasses.field(default=default, metadata={"declaration": Declaration(title, doc, low, high, **how)})


@dataclass(frozen=True)
class Field:
    """One field of an experiment: its dotted path, the kind of value it holds, and what its declaration says.

    The kind is int, float, str, bool, or tuple for a list of tables.
    """

    path: str
    kind: type
    default: Any
    says: Declaration

    @property
    def choices(self) -> tuple[str, ...]:
        """All names this field accepts; empty for a number and for a free text."""
        names = self.says.choices if self.says.choices is not None else self.says.names
        return (*self.says.words, *names)

    @property
    def expects(self) -> str:
        """Say in words what a value must be."""
        if self.kind is tuple:
            return "a list of tables"
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            return "a text without zero bytes" if self.says.free else f"one of {', '.join(self.choices)}"
        words = "".join(f" or {word!r}" for word in self.says.words)
        if self.kind is int:
            return f"a whole number from {self.says.low} to {self.says.high}{words}"
        return f"a number from {self.says.low:g} to {self.says.high:g}{words}"

    def check(self, value: Any) -> Any:
        """Return `value` as this field stores it; raises ConfigError with what would be valid."""
        if self.kind is tuple:
            return self._rows(value)
        if self.kind is bool and isinstance(value, bool):
            return value
        if isinstance(value, str) and self.kind is not bool:
            if value in self.choices or (self.says.free and "\0" not in value):
                return value
            hint = suggestion(value, self.choices) if self.choices and self.kind is str else f"must be {self.expects}"
            raise ConfigError(self.path, f"{value!r} is not valid; {hint}")
        number = self._number(value)
        if number is None or not self.says.low <= number <= self.says.high:
            raise ConfigError(self.path, f"must be {self.expects}, not {_shown(value)}")
        return number

    def _number(self, value: Any) -> float | None:
        """Return a finite number of the field's kind, or None; booleans are not numbers here."""
        if isinstance(value, bool) or not isinstance(value, int | float) or self.kind not in (int, float):
            return None
        if self.kind is float:
            # A whole number may be beyond the largest float.
            return float(value) if abs(value) <= sys.float_info.max else None
        return int(value) if isinstance(value, int) else None

    def _rows(self, value: Any) -> tuple[Any, ...]:
        row_type = typing.cast(type, self.says.rows)
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ConfigError(self.path, f"must be {self.expects}, not {_shown(value)}")
        if len(value) > MOST_ROWS:
            raise ConfigError(self.path, f"has {len(value)} entries; the most is {MOST_ROWS}")
        fields = {field.path: field for field in fields_of(row_type)}
        return tuple(
            row if isinstance(row, row_type) else self._row(f"{self.path}[{number}]", row, row_type, fields)
            for number, row in enumerate(value, start=1)
        )

    def _row(self, place: str, table: Any, row_type: type, fields: Mapping[str, Field]) -> Any:
        if not isinstance(table, Mapping):
            raise ConfigError(place, f"must be a table, not {_shown(table)}")
        checked = {}
        for key, value in table.items():
            if key not in fields:
                raise ConfigError(f"{place}.{key}", f"unknown key; {suggestion(key, fields)}")
            checked[key] = dataclasses.replace(fields[key], path=f"{place}.{key}").check(value)
        return row_type(**checked)


def fields_of(part: type) -> list[Field]:
    """Return the fields that a dataclass declares, each with its bare name as path."""
    types = typing.get_type_hints(part)
    return [field_of(item.name, item, types[item.name]) for item in dataclasses.fields(part)]


def field_of(path: str, item: dataclasses.Field[Any], declared: Any) -> Field:
    """Return the field that a dataclass declares with the type `declared`, at a dotted path."""
    says: Declaration = item.metadata["declaration"]
    if says.rows is not None:
        return Field(path, tuple, item.default, says)
    kinds = (declared, *typing.get_args(declared))
    kind = next((kind for kind in (bool, int, float) if kind in kinds), str)
    return Field(path, kind, item.default, says)


def _shown(value: Any) -> str:
    text = repr(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
