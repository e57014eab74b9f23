"""Operands and their shapes in words, for errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradflow.autograd.arrays import Shape, shape_text


def named(name: str, shape: Shape) -> str:
    """Return an operand as errors speak of it: "W (2, 3)", or only its shape."""
    return f"{name} {shape_text(shape)}".strip()


def operands(names: Sequence[str]) -> list[str]:
    """Return what to call two operands: by their names, or as the first and the second."""
    return [name or ordinal for name, ordinal in zip(names, ("the first", "the second"), strict=False)]


def counted(count: int, one: str, many: str) -> str:
    """Return "1 entry" or "3 entries"."""
    return f"{count} {one if count == 1 else many}"


def do_not_broadcast(shapes: Sequence[Shape], names: Sequence[str], condition: Any = None, **settings: Any) -> str:
    """Return which axis of which two operands has two lengths, "" if none has."""
    if condition is not None:
        shapes, names = [*shapes, condition.shape], [*names, "the condition"]
    for place, right in enumerate(shapes):
        for earlier in range(place):
            words = _differ((shapes[earlier], right), (names[earlier], names[place]))
            if words:
                return words
    return ""


def _differ(shapes: tuple[Shape, Shape], names: tuple[str, str]) -> str:
    (left, right), (a, b) = shapes, operands(names)
    for back, (m, n) in enumerate(zip(reversed(left), reversed(right), strict=False), 1):
        if m != n and 1 not in (m, n):
            which = "last axis" if back == 1 else f"axis {back} from the right"
            return (
                f"{named(names[0], left)} and {named(names[1], right)} do not fit: the {which} has {m} in {a} and "
                f"{n} in {b}; they must be the same, or 1"
            )
    return ""
