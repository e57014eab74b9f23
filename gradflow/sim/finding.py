"""What a diagnosis says: a finding with its layer, number, cause and formula, and the remedies that can be tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is; the window gives each a colour and a shape."""

    GOOD = "good"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Remedy:
    """One edit that would help: what to do, why it works, and the fields (by dotted path) that it changes at once."""

    title: str
    reason: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One verdict: a title, the evidence in a sentence with its numbers, the layer it is about, and what would help.

    `cause` is one sentence a student understands, `formula` what stands behind it in symbols, and `remedies` what can
    be tried with one click, the best first.
    """

    name: str
    severity: Severity
    title: str
    evidence: str
    layer: int | None = None
    advice: str = ""
    cause: str = ""
    formula: str = ""
    remedies: tuple[Remedy, ...] = ()
