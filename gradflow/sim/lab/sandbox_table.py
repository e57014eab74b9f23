"""The nodes of a graph as a table, for a spreadsheet or a paper."""

from __future__ import annotations

from math import nan

import numpy as np

from gradflow.sim.lab.sandbox_check import entry_name
from gradflow.sim.lab.sandbox_program import Opened
from gradflow.sim.lab.sandbox_steps import Moment
from gradflow.sim.lab.table import Table
from gradflow.sim.words import counted

MOST_ENTRIES = 10_000
"""Of a larger array only so many entries are listed."""


def node_table(opened: Opened, now: Moment) -> Table:
    """Return every entry of every node with its value, and the gradient it has at a moment; what is not yet is nan."""
    sandbox = opened.sandbox
    computed = set(sandbox.steps[: now.computed])
    names: list[str] = []
    values: list[tuple[float, float]] = []
    expressions: list[str] = []
    for node in sandbox.nodes:
        value = sandbox.value(node.index)
        shown = range(min(np.size(value), MOST_ENTRIES))
        entries = [entry_name(sandbox.label(node.index), np.shape(value), place) for place in shown]
        known = not node.inputs or node.index in computed
        gradient = opened.walk.gradient(node.index, now.visits)
        numbers = np.ravel(value).tolist() if known else [nan] * len(entries)
        slopes = np.ravel(gradient).tolist() if gradient is not None else [nan] * len(entries)
        names += entries
        values += list(zip(numbers[: len(entries)], slopes[: len(entries)], strict=True))
        expressions += [node.expression] * len(entries)
    output = sandbox.label(sandbox.output) if sandbox.output is not None else "f"
    cut = any(sandbox.value(node.index).size > MOST_ENTRIES for node in sandbox.nodes)
    first = f" (of larger arrays the first {counted(MOST_ENTRIES)} entries)" if cut else ""
    return Table(
        f"Nodes of the graph of {output}{first}",
        names,
        ["value", "gradient"],
        np.array(values, float).reshape(len(names), 2),
        [("expression", expressions)],
    )
