"""Whether operations are recorded: on, unless one stands inside `no_grad`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# One value per thread (and per task), as in PyTorch: a window's no_grad does not reach the worker.
_RECORDS: ContextVar[bool] = ContextVar("records", default=True)


def is_grad_enabled() -> bool:
    """Return whether operations are being recorded here and now."""
    return _RECORDS.get()


class _Switch:
    """A context manager that is a decorator too, with or without parentheses."""

    records: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        made._before = []
        return made if function is None else made(function)

    _before: list[Token[bool]]

    def __enter__(self) -> None:
        self._before.append(_RECORDS.set(self.records))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _RECORDS.reset(self._before.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        switch = type(self)

        @wraps(function)
        def inside(*positional: P.args, **named: P.kwargs) -> R:
            with switch():
                return function(*positional, **named)

        return inside


class no_grad(_Switch):
    """Record nothing inside: ``with no_grad():`` or ``@no_grad()``.

    What is computed asks for no gradient and keeps nothing alive.
    """

    records = False


class enable_grad(_Switch):
    """Record again inside a `no_grad`: ``with enable_grad():`` or ``@enable_grad()``."""

    records = True
