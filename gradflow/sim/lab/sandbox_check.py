"""Finite differences in the sandbox: one entry of a leaf is moved, and what depends on it computed again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.autograd import OPERATORS, Kink, Operator
from gradflow.autograd.program import compute_again
from gradflow.engine.gradcheck import crossed
from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_program import Opened
from gradflow.sim.lab.sandbox_walk import total
from gradflow.sim.lab.step_curve import StepCurve, refine

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """One number to differentiate by: an entry of a leaf, counted by rows."""

    leaf: int
    place: int = 0


@dataclass(frozen=True, eq=False)
class Slope:
    """The step-size curve of `f` by the entry `x`; these, and their `derivative`, as they are written.

    `arrives` says whether a gradient reaches the leaf at all; the curve's exact value is 0 where none does. `cut`
    says whether a way to the output is cut that differences know nothing of.
    """

    f: str
    x: str
    derivative: str
    curve: StepCurve
    arrives: bool
    cut: bool


def slope(opened: Opened, entry: Entry, first: int | None = None) -> Iterator[Slope]:
    """Yield the curve of vᵀf by one entry, from few steps to all; the step numbered `first` comes first."""
    sandbox, output = opened.sandbox, opened.sandbox.output
    assert output is not None
    gradient = total(opened.right.parts.get(entry.leaf, ()))
    exact = 0.0 if gradient is None else float(np.ravel(gradient)[entry.place])
    several, label = sandbox.value(output).size > 1, sandbox.label(output)
    f = f"vᵀ{label}" if several else label
    x = entry_name(sandbox.label(entry.leaf), np.shape(sandbox.value(entry.leaf)), entry.place)
    section = _Section(opened, entry)
    ways = {entry.leaf, *_between(sandbox, entry.leaf)}
    cut = any(edge.cut and edge.source in ways and edge.target in ways for edge in sandbox.edges)
    for curve in refine(section.value, section.here, exact, section.crossed, first):
        yield Slope(f, x, f"∂({f})/∂{x}" if several else f"∂{f}/∂{x}", curve, gradient is not None, cut)


class _Section:
    """The weighted output as a function of one number, and on which side of its kinks everything then lies."""

    def __init__(self, opened: Opened, entry: Entry) -> None:
        self._opened, self._leaf = opened, entry.leaf
        self._at = np.array(opened.sandbox.value(entry.leaf), float)
        self._place = np.unravel_index(entry.place, self._at.shape)
        self._ways = _between(opened.sandbox, entry.leaf)
        found = ((node, _kink(opened, node)) for node in self._ways)
        self._kinks = {node: (kink, _named(opened.sandbox, node, kink)) for node, kink in found if kink}
        self._sides: dict[float, dict[str, list[Array]]] = {}
        self.here = float(self._at[self._place])

    def value(self, x: float) -> float:
        """Return vᵀf with this number in place."""
        opened, point = self._opened, self._at.copy()
        point[self._place] = x
        values, settings = compute_again(opened.sandbox.trace, {self._leaf: point[()]}, self._ways)
        # Only the middle and the last point are ever compared.
        self._sides = {at: sides for at, sides in self._sides.items() if at == self.here}
        self._sides[x] = self._sides_of(values, settings)
        assert opened.sandbox.output is not None
        return float(np.sum(opened.seed * values[opened.sandbox.output]))

    def crossed(self, one: float, other: float) -> str:
        """Name the kinks between two points."""
        return ", ".join(crossed(self._sides[one], self._sides[other]))

    def _sides_of(self, values: list[Array], settings: Mapping[int, Mapping[str, Any]]) -> dict[str, list[Array]]:
        sides: dict[str, list[Array]] = {}
        for number, (kink, words) in self._kinks.items():
            node = self._opened.sandbox.nodes[number]
            parameters = {**node.parameters, **settings.get(number, {})}
            side = kink.sides(values[number], *(values[i] for i in node.inputs), **parameters)
            # What is no number lies on no side.
            sides.setdefault(words, []).append(np.nan_to_num(np.asarray(side, float)))
        return sides


def _named(sandbox: Sandbox, node: int, kink: Kink) -> str:
    """Return a kink in the names of the program."""
    names = dict(zip("ab", map(sandbox.label, sandbox.nodes[node].inputs), strict=False))
    return kink.words.format(y=sandbox.label(node), **names)


def _kink(opened: Opened, node: int) -> Kink | None:
    operator = OPERATORS.get(opened.sandbox.nodes[node].operation)
    return operator.kink if isinstance(operator, Operator) else None


def _between(sandbox: Sandbox, leaf: int) -> list[int]:
    """Return what is computed from a leaf on the way to the output, also where no gradient passes."""
    reached = {leaf}
    for node in sandbox.nodes:
        if not reached.isdisjoint((*node.inputs, *node.reads)):
            reached.add(node.index)
    needed = {sandbox.output}
    for node in reversed(sandbox.nodes):
        if node.index in needed:
            needed.update(node.inputs, node.reads)
    return [i for i in sandbox.steps if i in reached and i in needed]


def entry_name(label: str, shape: tuple[int, ...], place: int) -> str:
    """Return an entry, counted by rows, as it is written: w[0, 1]; a single number is called by its name."""
    return f"{label}[{', '.join(str(i) for i in np.unravel_index(place, shape))}]" if shape else label


def no_entry(label: str, shape: tuple[int, ...], typed: str) -> str:
    """Say that an array has no entry of the place that was typed, and which places there are."""
    axes = {1: ("entries",), 2: ("rows", "columns")}.get(len(shape), ("indices",) * len(shape))
    places = ", ".join(f"{axis} 0–{size - 1}" for axis, size in zip(axes, shape, strict=True))
    return f"{label} has no entry [{typed.strip()[:20]}]" + (f": {places}" if places and all(shape) else "")


def entry_of(sandbox: Sandbox, name: str) -> Entry | None:
    """Return the entry of this name; of a name without a place the first; None for what is no entry of a leaf."""
    label, bracket, places = name.partition("[")
    leaf = sandbox.find_leaf(label.strip())
    if leaf not in sandbox.leaves:
        return None
    assert leaf is not None
    shape = np.shape(sandbox.value(leaf))
    if not bracket:
        return Entry(leaf) if np.prod(shape, dtype=int) else None
    try:
        at = [int(place) for place in places.rstrip("] ").split(",")]
        return Entry(leaf, int(np.ravel_multi_index(at, shape))) if min(at) >= 0 else None
    except (ValueError, TypeError, OverflowError):
        return None
