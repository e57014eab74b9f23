"""What a person has chosen in the sandbox, and the program opened by it: the graph, the walk, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gradflow.autograd import Multiplications
from gradflow.autograd.program import ProgramError, TraceNode, run
from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_modes import Curvature, cost, curvature, jacobian, tangents
from gradflow.sim.lab.sandbox_walk import Order, Walk, total, walk

Array = NDArray[np.float64]

NUMBERS = "only numbers can stand here, such as 2, [1, 2] or [[1, 2], [3, 4]]"
ONLY_NUMBERS = re.compile(r"[-\d.eE+*/,\[\]() −]+")
"""What is written with these signs may be wrong for a reason of its own."""


@dataclass(frozen=True)
class Choices:
    """A program and all that is chosen beside it, as texts: what is not there is left as the program has it.

    `values` and `direction` are typed numbers by the leaf's name, values of free names only; `plain` are leaves that
    are told not to ask for a gradient. `output` and `detached` are labels of nodes; `seed` is v, typed.
    """

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    plain: frozenset[str] = frozenset()
    direction: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    seed: str = ""
    order: Order = Order.REVERSE
    detached: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Opened:
    """A program that runs, with the choices it runs with.

    `wrong` says of what is typed beside it that it is not used, and why: by ("value" or "direction", input's name),
    or ("seed", "").
    """

    choices: Choices
    sandbox: Sandbox
    values: Mapping[str, Array]
    seed: Array
    direction: Mapping[int, Array]
    wrong: Mapping[tuple[str, str], str]

    @cached_property
    def walk(self) -> Walk:
        """The walk back in the chosen order."""
        return walk(self.sandbox, self.seed, self.choices.order)

    @cached_property
    def right(self) -> Walk:
        """The walk back in the right order."""
        return self.walk if self.choices.order is Order.REVERSE else walk(self.sandbox, self.seed)

    @cached_property
    def missing(self) -> dict[int, Array]:
        """What a walk in a wrong order leaves out, at every node where that is not 0."""
        found: dict[int, Array] = {}
        if self.walk is self.right:
            return found
        with np.errstate(all="ignore"):
            for node, parts in self.right.parts.items():
                all_of_it, received = total(parts), total(self.walk.parts.get(node, ()))
                assert all_of_it is not None
                lacks = all_of_it - received if received is not None else all_of_it
                if received is None or not np.array_equal(all_of_it, received, equal_nan=True):
                    found[node] = lacks
        return found

    @cached_property
    def tangents(self) -> dict[int, Array]:
        """The change of each node along the direction."""
        return tangents(self.sandbox, self.direction)

    @cached_property
    def cost(self) -> Multiplications:
        """How many multiplications each mode takes."""
        return cost(self.sandbox)

    @cached_property
    def curvature(self) -> Curvature | None:
        """The second derivatives of the output, None if they are not shown."""
        return curvature(self.sandbox)

    def gradients(self) -> dict[int, Array]:
        """Return the gradient of each leaf that one has reached."""
        found = {leaf: total(self.walk.parts.get(leaf, ())) for leaf in self.sandbox.leaves}
        return {leaf: gradient for leaf, gradient in found.items() if gradient is not None}

    def jacobian(self, leaf: int) -> Array | None:
        """Return ∂output/∂leaf, None if it is too large."""
        return jacobian(self.sandbox, leaf)

    def by_reverse(self) -> float:
        """Return ∇(vᵀf)·h: the slope along the direction by the gradients of reverse mode."""
        slope = 0.0
        with np.errstate(all="ignore"):
            for leaf, step in self.direction.items():
                gradient = total(self.right.parts.get(leaf, ()))
                slope += 0.0 if gradient is None else float(np.sum(gradient * step))
        return slope

    def by_forward(self) -> float:
        """Return vᵀ(D f[h]): the same slope by the output's tangent of forward mode."""
        output = self.sandbox.output
        with np.errstate(all="ignore"):
            return float(np.sum(self.seed * self.tangents.get(output, np.float64(0.0)))) if output is not None else 0.0


def numbers_in(text: str) -> Array:
    """Return typed numbers, such as 2, [1, 2] or [[1, 2], [3, 4]]; raises ProgramError for anything else."""
    try:
        trace = run(text.strip())
    except ProgramError:
        if ONLY_NUMBERS.fullmatch(text):
            raise
        raise ProgramError(NUMBERS, 1, 1) from None
    if trace.inputs or len(trace.names) or not trace.outputs:
        raise ProgramError(NUMBERS, 1, 1)
    return trace.nodes[trace.outputs[0]].variable.data


def open_program(choices: Choices) -> Opened:
    """Run a program with what is chosen beside it; raises ProgramError where the text itself is wrong."""
    wrong: dict[tuple[str, str], str] = {}
    values = {}
    for name, text in choices.values.items():
        with _noting(wrong, ("value", name), f"The value typed for {name} is not used, it is 1"):
            values[name] = numbers_in(text)
    trace = run(choices.text, values)
    wrong = {(what, name): reason for (what, name), reason in wrong.items() if name in trace.inputs}
    sandbox = Sandbox(trace, None)
    output = sandbox.find(choices.output) if choices.output else None
    if output is None:
        # The last line is what a program is written for; a sink that nothing asks for is none.
        output = next((i for i in trace.outputs if sandbox.wanted[i]), trace.outputs[0])
    sandbox = Sandbox(
        trace,
        output,
        frozenset(node for label in choices.detached if (node := sandbox.find(label)) is not None),
        frozenset(node for label in choices.plain if (node := sandbox.find_leaf(label)) is not None),
    )
    seed: Array = np.ones(np.shape(sandbox.value(output)))[()]
    if choices.seed and np.size(seed) > 1:
        label = sandbox.label(output)
        with _noting(wrong, ("seed", ""), f"The v that is typed is not used, every entry of {label} counts once"):
            seed = _shaped(numbers_in(choices.seed), np.shape(seed), label)
    return Opened(choices, sandbox, values, seed, _direction(sandbox, choices, wrong), wrong)


def _direction(sandbox: Sandbox, choices: Choices, wrong: dict[tuple[str, str], str]) -> dict[int, Array]:
    """Return the typed direction; where none is typed, that along the first entry of the first leaf."""
    direction: dict[int, Array] = {}
    typed = {leaf: text for leaf in sandbox.leaves if (text := choices.direction.get(sandbox.label(leaf), ""))}
    for leaf, text in typed.items():
        label = sandbox.label(leaf)
        with _noting(wrong, ("direction", label), f"The h that is typed for {label} is not used, it counts as 0"):
            direction[leaf] = _shaped(numbers_in(text), np.shape(sandbox.value(leaf)), label)
    if not typed and sandbox.leaves:
        first = np.zeros(np.shape(sandbox.value(sandbox.leaves[0])))
        first.flat[:1] = 1.0
        direction = {sandbox.leaves[0]: first[()]}
    return direction


@contextmanager
def _noting(wrong: dict[tuple[str, str], str], what: tuple[str, str], lead: str) -> Iterator[None]:
    """Keep the reason why something that was typed is not used."""
    try:
        yield
    except ProgramError as error:
        wrong[what] = f"{lead}: {error.reason}"


def _shaped(array: Array, shape: tuple[int, ...], whose: str) -> Array:
    """Return the array, one number for all entries; raises ProgramError for another shape than that of `whose`."""
    if np.shape(array) == shape:
        return array
    if np.ndim(array) == 0:
        return np.full(shape, float(array))
    needed = f"that of {whose} is {shape}" if shape else f"{whose} is a single number"
    raise ProgramError(f"its shape is {np.shape(array)}, and {needed}", 1, 1)


def value_in(text: str, ran: str, leaf: TraceNode) -> str | None:
    """Return what now stands in a text as the value of a leaf that the program names itself.

    `ran` is the text that the leaf is of; all around the value has to be as it was there. None where that is not so,
    or where the value spans several lines.
    """
    found = _around(text, ran, leaf)
    if found is None:
        return None
    before, after = found
    line = text.split("\n")[leaf.line - 1]
    return line[len(before) : len(line) - len(after)].strip()


def with_value(text: str, ran: str, leaf: TraceNode, value: str) -> str | None:
    """Return the text with another value for a leaf that it names itself; None where `value_in` finds none."""
    found, lines = _around(text, ran, leaf), text.split("\n")
    if found is None:
        return None
    lines[leaf.line - 1] = value.join(found)
    return "\n".join(lines)


def _around(text: str, ran: str, leaf: TraceNode) -> tuple[str, str] | None:
    """Return what stands before and after a leaf's value on its line, which the text has to share with `ran`."""
    lines, were = text.split("\n"), ran.split("\n")
    if len(lines) != len(were) or leaf.line > len(were):
        return None
    line, was = lines[leaf.line - 1], were[leaf.line - 1]
    before, value, after = (
        was[: leaf.column - 1],
        was[leaf.column - 1 : leaf.end_column - 1],
        was[leaf.end_column - 1 :],
    )
    if value.split() != leaf.expression.split() or len(line) < len(before) + len(after):
        return None
    return (before, after) if line.startswith(before) and line.endswith(after) else None
