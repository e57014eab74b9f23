"""Behaviour by registration, configuration by name.

An activation, an initialiser, a loss, a data set, a view: each is one decorated function or class. The name is what
files and the command line say, the title is what a combo box shows, the docstring is the tooltip.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import fill
from typing import Any, Generic, TypeVar

from gradflow.errors import UnknownNameError

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered part: its name in files, its title on screen, its documentation, and the part itself."""

    name: str
    title: str
    doc: str
    part: T


class Registry(Mapping[str, Entry[T]]):
    """The parts of one kind, in the order in which they were registered."""

    def __init__(self, kind: str, known: Callable[[T], str] = lambda part: "") -> None:
        """Start empty; `known` returns what else is known about a part, as a last paragraph of its documentation."""
        self.kind, self._known = kind, known
        self._entries: dict[str, Entry[T]] = {}

    def register(self, name: str, title: str) -> Callable[[T], T]:
        """Return a decorator that adds a part; its docstring becomes the tooltip.

        Raises ValueError for a name that is taken or a part without a docstring.
        """

        def add(part: T) -> T:
            # `inspect.getdoc` would inherit the base class's sentence; a part must bring its own.
            doc = inspect.cleandoc(part.__doc__ or "").strip()
            if not doc:
                raise ValueError(f"{self.kind} {name!r} needs a docstring: it is the tooltip")
            if name in self._entries:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._entries[name] = Entry(name, title, f"{doc}\n\n{fill(self._known(part), 110)}".strip(), part)
            return part

        return add

    def __getitem__(self, name: str) -> Entry[T]:
        """Return the entry called `name`; raises UnknownNameError with the nearest name."""
        try:
            return self._entries[name]
        except (KeyError, TypeError):  # TypeError: what cannot be hashed is no name either
            raise UnknownNameError(self.kind, name, self) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: Any) -> bool:
        return name in self._entries
