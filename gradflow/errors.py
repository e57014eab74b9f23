"""Everything gradflow can say no to.

Each error is one sentence a person can act on: what is wrong, where, and what would be right. The command line
prints it and exits with 2; the window shows it at the field or in a bar. Nothing else may reach the user.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GradflowError(Exception):
    """Base of all errors that are the input's fault and not the program's."""

    def __str__(self) -> str:
        # KeyError, which one of these also is, would show the sentence in quotes.
        return str(self.args[0]) if self.args else ""


class ConfigError(GradflowError):
    """A field of an experiment has a value that cannot be used.

    `field` is the dotted path (``network.depth``) shared by files, ``--set``, forms and messages; `file` is the file
    that says so, if one does.
    """

    def __init__(self, field: str, reason: str, file: str = "") -> None:
        super().__init__(": ".join(part for part in (file, field, reason) if part))
        self.field = field
        self.reason = reason


class DataError(GradflowError):
    """A data set cannot be made or read."""


class FileError(GradflowError):
    """A file cannot be read or written; the message opens with its name."""


class AutogradError(GradflowError):
    """An operation cannot be computed, recorded or differentiated; the message opens with the operation's name."""


class ProgramError(AutogradError):
    """A line of a typed program cannot be understood or computed.

    `line` and `column` say where, both counted from 1; `reason` is the sentence without the place.
    """

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


class UnknownNameError(GradflowError, KeyError):
    """A name that is not in a registry."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        known = sorted(known)
        super().__init__(f"unknown {kind} {name!r}; {suggestion(str(name), known)}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "did you mean …?" for a near miss, also of a path's last part, else the list of valid names."""
    known = list(known)
    last_parts = {path.rsplit(".", 1)[-1]: path for path in reversed(known)}
    for candidates in ({path: path for path in known}, last_parts):
        close = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
        if close:
            return f"did you mean {candidates[close[0]]!r}?"
    return f"choose from {', '.join(known)}"
