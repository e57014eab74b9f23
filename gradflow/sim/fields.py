"""One field of an experiment: how it is declared, and what it accepts."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import Any

from gradflow.errors import ConfigError, suggestion
from gradflow.registry import Registry


@dataclass(frozen=True)
class Declaration:
    """What a field says beyond its type and default: the words on screen, the bounds, and how it is edited.

    `choices` is a registry and `names` are fixed names for a text; `words` are what a number may be instead ("all").
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


def declare(default: Any, title: str, doc: str, low: float = 0, high: float = 0, **how: Any) -> Any:
    """Declare a field of an experiment."""
    return dataclasses.field(default=default, metadata={"declaration": Declaration(title, doc, low, high, **how)})


@dataclass(frozen=True)
class Field:
    """One field of an experiment: its dotted path, the kind of value it holds, and what its declaration says."""

    path: str
    kind: type
    default: Any
    says: Declaration

    @property
    def choices(self) -> tuple[str, ...]:
        """All names this field accepts; empty for a number."""
        names = self.says.choices if self.says.choices is not None else self.says.names
        return (*self.says.words, *names)

    @property
    def expects(self) -> str:
        """Say in words what a value must be."""
        if self.kind is str:
            return f"one of {', '.join(self.choices)}"
        words = "".join(f" or {word!r}" for word in self.says.words)
        if self.kind is int:
            return f"a whole number from {self.says.low} to {self.says.high}{words}"
        return f"a number from {self.says.low:g} to {self.says.high:g}{words}"

    def check(self, value: Any) -> Any:
        """Return `value` as this field stores it; raises ConfigError with what would be valid."""
        if isinstance(value, str):
            if value in self.choices:
                return value
            hint = suggestion(value, self.choices) if self.kind is str else f"must be {self.expects}"
            raise ConfigError(self.path, f"{value!r} is not valid; {hint}")
        number = self._number(value)
        if number is None or not self.says.low <= number <= self.says.high:
            raise ConfigError(self.path, f"must be {self.expects}, not {_shown(value)}")
        return number

    def _number(self, value: Any) -> float | None:
        """Return a finite number of the field's kind, or None; booleans are not numbers here."""
        if isinstance(value, bool) or not isinstance(value, int | float) or self.kind is str:
            return None
        if self.kind is float:
            # A whole number may be beyond the largest float.
            return float(value) if abs(value) <= sys.float_info.max else None
        return int(value) if isinstance(value, int) else None


def _shown(value: Any) -> str:
    text = repr(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
