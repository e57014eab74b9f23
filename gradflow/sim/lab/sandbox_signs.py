"""The sign of an operation as it stands in its box: with the single numbers it takes written in, as ·2 or ^2.

A constant that is one number needs no box of its own then, and the graph no column for it.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradflow.sim.lab.numerals import full
from gradflow.sim.lab.sandbox import LONGEST_CONSTANT, Sandbox

SPACED = ("add", "sub", "maximum", "minimum")
WRITTEN_IN = (*SPACED, "mul", "div", "pow")
"""Operations of two values that a constant is written into."""

COMPARED = {
    operator.lt: "<",
    operator.le: "≤",
    operator.gt: ">",
    operator.ge: "≥",
    operator.eq: "=",
    operator.ne: "≠",
}

LARGER = {"·": "×"}
"""Signs that are too small to be seen."""


def written_in(sandbox: Sandbox) -> dict[int, int]:
    """Return the constants that are written into the box of an operation, each with that operation."""
    found = {}
    for node in sandbox.nodes:
        ends = node.inputs if node.operation in WRITTEN_IN else node.reads
        constants = [i for i in ends if _constant(sandbox, i)]
        if len(constants) == 1 and len(ends) == 2:
            found[constants[0]] = node.index
    return found


def sign(sandbox: Sandbox, node: int) -> str:
    """Return the sign of an operation, "" for a value that nothing computes."""
    entry = sandbox.nodes[node]
    symbol = LARGER.get(entry.symbol, entry.symbol)
    if entry.operation == "index":
        return _index(entry.parameters["index"])
    words = [_constant(sandbox, i) for i in entry.inputs]
    if entry.operation in WRITTEN_IN and sum(map(bool, words)) == 1:
        gap = " " if entry.operation in SPACED else ""
        if entry.operation in ("maximum", "minimum"):
            return f"{symbol} {''.join(words)}"
        left, right = words
        return f"{left}{gap}{symbol}" if left else f"{symbol}{gap}{_bracketed(right)}"
    words = [_constant(sandbox, i) for i in entry.reads]
    if entry.comparison and sum(map(bool, words)) == 1:
        left, right = (word or sandbox.label(i) for word, i in zip(words, entry.reads, strict=True))
        return f"{left} {COMPARED[entry.comparison]} {right} {symbol}"
    return symbol if entry.inputs else ""


def _constant(sandbox: Sandbox, node: int) -> str:
    """Return a nameless constant of one number as it is written into a sign, "" for anything else."""
    entry = sandbox.nodes[node]
    if entry.inputs or entry.name or entry.variable.requires_grad or np.ndim(sandbox.value(node)):
        return ""
    words = sandbox.label(node) if len(entry.expression) <= LONGEST_CONSTANT else full(float(sandbox.value(node)))
    return words if len(words) <= LONGEST_CONSTANT else ""


def _bracketed(words: str) -> str:
    """Return a number as a right operand."""
    return f"({words})" if any(mark in words for mark in "+−*/") else words


def _index(index: tuple[Any, ...]) -> str:
    """Return an index as it is typed, such as [0, 1:]."""
    return f"[{', '.join(map(_place, index))}]"


def _place(place: Any) -> str:
    if isinstance(place, slice):
        ends = ["" if end is None else str(end) for end in (place.start, place.stop)]
        return ":".join([*ends, str(place.step)] if place.step is not None else ends)
    return str(place.tolist()) if isinstance(place, np.ndarray) else str(place)
