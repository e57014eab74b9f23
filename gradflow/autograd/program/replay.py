"""A program that has run, computed again with other numbers in some of its nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradflow.autograd.arrays import Array
from gradflow.autograd.operation import Operator
from gradflow.autograd.program.trace import Trace
from gradflow.autograd.table import OPERATORS


def compute_again(
    trace: Trace, changed: Mapping[int, Array], steps: Sequence[int]
) -> tuple[list[Array], dict[int, Mapping[str, Any]]]:
    """Return the numbers of all nodes with others in the `changed` ones and all `steps` computed from them, in order.

    With them come the settings of those operations that depend on numbers: the condition of where. Nothing is recorded.
    """
    values = [node.variable.data for node in trace.nodes]
    settings: dict[int, Mapping[str, Any]] = {}
    for index, value in changed.items():
        values[index] = value
    for index in steps:
        node = trace.nodes[index]
        inputs = [values[i] for i in node.inputs]
        if node.operation == "detach":
            values[index] = inputs[0]
            continue
        if node.comparison:
            settings[index] = {"condition": node.comparison(*(values[i] for i in node.reads))}
        operator = OPERATORS[node.operation]
        assert isinstance(operator, Operator)
        values[index] = operator.compute(inputs, {**node.parameters, **settings.get(index, {})})
    return values, settings
