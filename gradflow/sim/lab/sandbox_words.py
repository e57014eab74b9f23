"""The sandbox in words: numbers as they are printed, what is on an edge, and what happens at a moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.numerals import factor, short
from gradflow.sim.lab.sandbox import READ, Edge, Sandbox
from gradflow.sim.lab.sandbox_steps import Moment, Phase
from gradflow.sim.lab.sandbox_walk import SEED, Part, Walk, total

Array = NDArray[np.float64]

MOST_PRINTED = 16
"""Of an array with more entries only the first are printed."""

FIRST, DIGITS = 3, 4


def number(value: float) -> str:
    """Return a number to four significant digits."""
    return short(value, DIGITS)


def shape(array: Array) -> str:
    """Return a shape as 3 or 2×3; "" for a single number."""
    return "×".join(map(str, np.shape(array)))


def numbers(array: Array) -> str:
    """Return an array on one line, of a large one its shape and first entries."""
    array = np.asarray(array)
    if not array.ndim:
        return number(float(array))
    if array.size > MOST_PRINTED:
        return f"{shape(array)}: {', '.join(number(v) for v in array.ravel()[:FIRST].tolist())}, …"
    return _nested(array)


def _nested(array: Array) -> str:
    return f"[{', '.join(_nested(row) if row.ndim else number(float(row)) for row in array)}]"


def cells(array: Array, most: int = 4) -> tuple[tuple[str, ...], ...]:
    """Return the entries as rows for a small grid, or shape and first entries if one side is longer than `most`."""
    array = np.asarray(array)
    if array.ndim <= 2 and array.size and max(array.shape, default=1) <= most:
        return tuple(tuple(number(v) for v in row) for row in np.atleast_2d(array).tolist())
    first = ", ".join(number(v) for v in array.ravel()[:2].tolist())
    return ((f"{shape(array)}: {first}, …" if first else f"{shape(array)}: empty",),)


def derivative(sandbox: Sandbox, node: int) -> str:
    """Return the symbol of a node's gradient: ∂f/∂x, or ∂(vᵀf)/∂x for an output with several entries."""
    assert sandbox.output is not None
    output = sandbox.label(sandbox.output)
    several = sandbox.value(sandbox.output).size > 1
    return f"∂{f'(vᵀ{output})' if several else output}/∂{sandbox.label(node)}"


def typed(sandbox: Sandbox, node: int) -> str:
    """Return a node's expression as it was typed, with the minus sign that all numbers have."""
    return sandbox.nodes[node].expression.replace("-", "−")


def local_formula(sandbox: Sandbox, edge: Edge) -> str:
    """Return an open edge's local derivative in the names of this graph, such as ∂(x·y)/∂x = y."""
    node = sandbox.nodes[edge.target]
    operation = node.variable.grad_fn
    assert operation is not None
    if node.inputs == (edge.source, edge.source):
        # One operand is moved and the other held still: they need names of their own.
        name = sandbox.label(edge.source)
        return f"{operation.formula(edge.place)} with a = {name}, b = {name}"
    names = [_factor(sandbox.label(i)) for i in node.inputs]
    return operation.formula(edge.place, names, sandbox.label(edge.target))


def _factor(label: str) -> str:
    """Return a name as it stands in a formula: a negative number in brackets."""
    return f"({label})" if label.startswith("−") else label


def _short_formula(sandbox: Sandbox, edge: Edge) -> str:
    """Return what a local derivative is equal to, such as y; "" if that would not be clear on an edge."""
    operation = sandbox.nodes[edge.target].variable.grad_fn
    assert operation is not None
    left, _, right = operation.formula(edge.place, ("a",) * len(operation.inputs)).rpartition(" = ")
    if "[" in right or (", " in right and ("[" in left or sandbox.value(edge.target).size == 1)):
        return ""
    names = [_factor(sandbox.label(i)) for i in sandbox.nodes[edge.target].inputs]
    return operation.formula(edge.place, names, sandbox.label(edge.target)).rpartition(" = ")[2]


def edge_labels(sandbox: Sandbox, edge: Edge) -> tuple[str, ...]:
    """Return what may be written on an open edge, the longest first: its formula with its number, or its number."""
    formula = _short_formula(sandbox, edge)
    target, source = sandbox.value(edge.target), sandbox.value(edge.source)
    if target.size == source.size == 1:
        value = number(float(sandbox.local(edge)[0, 0]))
        return (value,) if formula in ("", value) else (f"{formula} = {value}", value)
    shapes = f"{target.size}×{source.size}"
    return (formula, shapes) if formula else (shapes,)


def happening(sandbox: Sandbox, walk: Walk, now: Moment) -> str:
    """Return a moment in one sentence."""
    if now.phase is Phase.START:
        return "The inputs are given; step forward to compute what is made of them."
    assert now.node is not None
    label = sandbox.label(now.node)
    if now.phase is Phase.FORWARD:
        expression = typed(sandbox, now.node)
        words = f"{label} = {expression}" if expression != label else label
        return f"Forward {now.computed} of {len(sandbox.steps)}: {words} = {numbers(sandbox.value(now.node))}"
    if now.phase is Phase.SEED:
        seed = walk.parts[now.node][0].value
        given = f"v = {numbers(seed)}" if np.size(seed) > 1 else f"∂{label}/∂{label} = {numbers(seed)}"
        return f"Backward begins at {label} with {given}."
    visit = walk.visits[now.visits - 1]
    words = "; ".join(
        f"{derivative(sandbox, sandbox.edges[part.edge].source)} += {product(sandbox, visit.gradient, part)}"
        for part in sent(walk, now.visits, visit.over, sandbox)
    )
    return f"Backward {now.visits} of {len(walk.visits)}, {label}: {words}"


def sent(walk: Walk, visit: int, over: tuple[int, ...], sandbox: Sandbox) -> list[Part]:
    """Return the parts that a visit sends over its edges, operand by operand."""
    by_edge = {
        part.edge: part for number in over for part in walk.parts[sandbox.edges[number].source] if part.visit == visit
    }
    return [by_edge[number] for number in over]


def product(sandbox: Sandbox, gradient: Array, part: Part) -> str:
    """Return the product by which a part was made, with its factors' numbers if they are single ones."""
    edge = sandbox.edges[part.edge]
    factors = f"{derivative(sandbox, edge.target)} · ∂{sandbox.label(edge.target)}/∂{sandbox.label(edge.source)}"
    if np.size(gradient) == np.size(part.value) == 1:
        local = float(sandbox.local(edge)[0, 0])
        factors += f" = {number(float(np.ravel(gradient)[0]))} · {factor(local, DIGITS)}"
    return f"{factors} = {numbers(part.value)}"


MOST_SUMMANDS = 4


def sum_of(parts: tuple[Part, ...], whole: int) -> str:
    """Return single numbers with their sum, "−2 + 3 = 1"; of `whole` parts some may be yet to come: "−2 + …"."""
    values = [float(np.ravel(part.value)[0]) for part in parts]
    summed = total(parts)
    assert summed is not None
    result = number(float(np.ravel(summed)[0]))
    if whole == 1:
        return result
    if whole > MOST_SUMMANDS:
        return f"Σ of {whole} = {result}" if len(parts) == whole else f"Σ {len(parts)} of {whole} = {result}"
    words = _chain(values)
    return f"{words} = {result}" if len(parts) == whole else f"{words} + …"


def _chain(values: Sequence[float]) -> str:
    """Return summands as they are written: −2 + 3 − 1."""
    words = number(values[0])
    for value in values[1:]:
        words += f" − {number(-value)}" if value < 0 else f" + {number(value)}"
    return words


def accumulated(before: Array, new: Array) -> str:
    """Return what a leaf's .grad of one entry becomes by adding to it, "−3 − 3 = −6"."""
    old, added = (float(np.ravel(value)[0]) for value in (before, new))
    return f"{_chain([old, added])} = {number(old + added)}"


def unfolded(sandbox: Sandbox, walk: Walk, node: int, visits: int) -> list[str]:
    """Return a node's gradient as the sum of what has arrived, a line for each part."""
    parts = walk.received(node, visits)
    lines = []
    for part in parts:
        if part.edge == SEED:
            lines.append(f"the seed: {numbers(part.value)}")
        else:
            gradient = walk.visits[part.visit - 1].gradient
            late = " (too late: not passed on)" if part in walk.late(node, visits) else ""
            lines.append(f"{product(sandbox, gradient, part)}{late}")
    return lines


def edge_words(sandbox: Sandbox, edge: Edge) -> str:
    """Return what there is to say of an edge in one sentence."""
    source, target = sandbox.label(edge.source), sandbox.label(edge.target)
    if not edge.open:
        why = (
            "only compared" if edge.place == READ else "the gradient is cut" if edge.cut else "no gradient is asked for"
        )
        return f"{source} → {target}: {why}."
    rows, columns = sandbox.value(edge.target).size, sandbox.value(edge.source).size
    value = number(float(sandbox.local(edge)[0, 0])) if rows == columns == 1 else f"a {rows}×{columns} matrix"
    return f"{source} → {target}: {local_formula(sandbox, edge)}, here {value}"
