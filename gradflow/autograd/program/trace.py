"""What a run leaves behind: its nodes in the order in which they were computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gradflow.autograd.variable import Variable

Cut: TypeAlias = Literal["", "no_grad", "detach"]
"""What keeps gradients from passing a node."""


@dataclass(frozen=True)
class TraceNode:
    """One node of the graph as typed: a leaf, a constant, or one operation.

    `inputs` are indices of earlier nodes, in the order of the operation's inputs; `reads` are nodes that were only
    looked at, as the condition of where: no gradient goes there. `name` is "" for an intermediate result, `expression`
    its text; line and columns count from 1, and `end_column` is the one after its last character on that line.
    """

    index: int
    operation: str
    symbol: str
    name: str
    expression: str
    line: int
    column: int
    end_column: int
    inputs: tuple[int, ...]
    variable: Variable
    cut: Cut = ""
    reads: tuple[int, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What the operation was given besides its inputs, such as an axis."""
    comparison: Callable[..., Any] | None = None
    """What `reads` are put to, for the condition of where."""


@dataclass(frozen=True)
class Trace:
    """A program that has run."""

    text: str
    nodes: tuple[TraceNode, ...]
    inputs: tuple[str, ...]
    """The free names, whose values come from outside, in the order in which they were first used."""
    names: Mapping[str, int]
    """The node that each name stands for at the end."""
    outputs: tuple[int, ...]
    """What nobody consumes; the last line's value first, then from last to first."""
