"""What is marked in the drawing of neurons, and what follows from it for each neuron and edge."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.lab.neuron_graph import Column, Neuron, NeuronGraph
from gradflow.sim.lab.numerals import full, short
from gradflow.sim.lab.orders import Walk
from gradflow.sim.lab.walk_words import share_told

STRONG, PLAIN, FAINT, GONE = 3, 2, 1, 0
"""How much an edge or a neuron is seen."""

Array = NDArray[Any]

Words = tuple[str, str]
"""A line of text in a neuron, and its role: "name", "text", "sign", "good", "error"."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A graph with what a person has chosen in it: a neuron, an edge or bias, a path, or a step of a walk."""

    graph: NeuronGraph
    chosen: int | None = None
    edge: int | None = None
    bias: bool = False
    path: tuple[int, ...] = ()
    walk: Walk | None = None
    position: int = 0

    @cached_property
    def edges(self) -> Array:
        """How much each edge is seen."""
        arrays = self.graph.arrays
        if self.walk is not None:
            at = np.array(self.walk.visited_at)[arrays.targets]
            return np.where(at == self.position - 1, STRONG, np.where(at < self.position, PLAIN, GONE))
        if self.path:
            seen = np.full(len(self.graph.edges), GONE)
            seen[list(self.path)] = STRONG
            return seen
        seen = np.where(self._cone[arrays.sources], PLAIN, FAINT)
        if self.edge is not None:
            seen[self.edge] = STRONG
        return seen

    @cached_property
    def neurons(self) -> list[int]:
        """How much each neuron is seen."""
        size = len(self.graph.neurons)
        if self.walk is not None:
            visited = self.walk.visited_at
            current = set(self.walk.groups[self.position - 1]) if self.position else {self.graph.terminal}
            return [STRONG if i in current else PLAIN if visited[i] < self.position else FAINT for i in range(size)]
        if self.path:
            on_it = {end for e in self.path for end in (self.graph.edges[e].source, self.graph.edges[e].target)}
            return [STRONG if i in on_it else FAINT for i in range(size)]
        return [PLAIN if inside else FAINT for inside in self._cone.tolist()]

    @cached_property
    def _cone(self) -> Array:
        """Which neurons lie on paths from the chosen one."""
        if self.chosen is None:
            return np.ones(len(self.graph.neurons), bool)
        return self.graph.arrays.reached(self.chosen, self.graph.terminal)

    @cached_property
    def own(self) -> Array:
        """Which edges leave or enter the chosen neuron."""
        arrays = self.graph.arrays
        if self.chosen is None or self.walk is not None:
            return np.zeros(len(self.graph.edges), bool)
        return np.asarray((arrays.sources == self.chosen) | (arrays.targets == self.chosen))

    @cached_property
    def gradients(self) -> list[float]:
        """The gradient that each neuron has, at this step of a walk or as backprop leaves it."""
        if self.walk is not None:
            return [float(g) for g in self.walk.arrived[self.position]]
        return [neuron.gradient for neuron in self.graph.neurons]

    @cached_property
    def wrong(self) -> list[bool]:
        """Which neurons have handed on too little, or are left with a wrong gradient when the walk is over."""
        if self.walk is None:
            return [False] * len(self.graph.neurons)
        over = self.position >= self.walk.steps
        early, wrong, visited = self.walk.too_early, self.walk.wrong, self.walk.visited_at
        return [
            bool((early[i] or wrong[i]) and visited[i] < self.position) or bool(over and wrong[i])
            for i in range(len(self.graph.neurons))
        ]

    @cached_property
    def complete(self) -> list[bool]:
        """Whose gradient has come in whole."""
        if self.walk is None:
            return [True] * len(self.graph.neurons)
        return self.walk.complete(self.graph, self.position)

    def words(self, neuron: int, rows: int, fits: Callable[[str], bool], letters: bool) -> list[Words]:
        """Return at most so many lines for a neuron, each as exact as `fits` allows, with or without letters.

        Its name is always among them, then its gradient, its value and what it hands on.
        """
        found, column = self.graph.neurons[neuron], self.graph.columns[self.graph.neurons[neuron].column]
        gradient = self.gradients[neuron]
        if self.walk is not None and self.wrong[neuron]:
            return self._words_of_wrong(self.walk, neuron, rows, fits)
        letter = (lambda sign: sign[:1]) if letters else (lambda _: "")
        short_name = found.name.replace(", ", ",")
        names = found.name, short_name, short_name.removeprefix(column.symbol)
        name = [(next((words for words in names if fits(words)), ""), "name")]
        known = self.walk is None or self.complete[neuron] or gradient != 0.0
        mark = letter(self.graph.gradient_name(neuron)) if self.complete[neuron] else "…"
        delta = [(_told(mark, gradient, fits), "sign")] if known else [("…", "name")]
        values: list[Words] = []
        if rows > 2:
            values.append((_told(letter(column.symbol), found.value, fits), "text"))
        if rows > 3 and not math.isnan(found.output):
            values = [(words, "text") for words in self._value_and_output(found, column, fits, letter)]
        return [*name, *values, *delta][: max(rows, 1)]

    def _value_and_output(
        self, found: Neuron, column: Column, fits: Callable[[str], bool], letter: Callable[[str], str]
    ) -> tuple[str, str]:
        """Return both with so many digits that they differ if they do, else that they nearly agree."""
        value, output = letter(column.symbol), letter(column.handed)
        for digits in (3, 4):
            both = f"{value} {short(found.value, digits)}".strip(), f"{output} {short(found.output, digits)}".strip()
            if not all(map(fits, both)):
                break
            if found.value == found.output or short(found.value, digits) != short(found.output, digits):
                return both
        first, second = _told(value, found.value, fits), _told(output, found.output, fits)
        alike = found.value != found.output and first.removeprefix(value) == second.removeprefix(output)
        return first, f"{output} ≈ {column.symbol[:1]}".strip() if alike else second

    def _words_of_wrong(self, walk: Walk, neuron: int, rows: int, fits: Callable[[str], bool]) -> list[Words]:
        """Return what a neuron has or has handed on, what it should, and which share is missing in the end."""
        wrong = bool(walk.wrong[neuron])
        over = self.position >= walk.steps
        has = float((walk.final if wrong and over else walk.handed)[neuron])
        lines = [(_told("✗", has, fits), "error"), (_told("✓", float(walk.wanted[neuron]), fits), "good")]
        share = walk.missing(neuron)
        if rows > 2 and wrong and math.isfinite(share):
            told = f"lacks {share_told(share)}"
            lines.append((told if fits(told) and 0.0 <= share < 9.0 else share_told(share), "error"))
        elif rows > 2 and not wrong:
            lines.append(("too early", "error"))
        return [(self.graph.neurons[neuron].name, "name"), *lines][:rows] if rows > 2 else lines[:rows]

    def told(self, kind: str, number: int) -> list[str]:
        """Return the numbers of a neuron, an edge or a bias with all their digits."""
        graph = self.graph
        if kind == "edge":
            edge = graph.edges[number]
            source, target = graph.neurons[edge.source].name, graph.neurons[edge.target].name
            return [f"<b>{source} → {target}</b>", f"∂{target}/∂{source} = {full(edge.derivative)}"]
        neuron, end = graph.neurons[number], graph.target_name
        if kind == "bias":
            column = graph.columns[neuron.column]
            name = f"{column.bias}[{neuron.unit % column.shape[-1]}]"
            return [f"<b>{name}</b> = {full(neuron.bias)}", f"∂{end}/∂{name} = {full(neuron.bias_grad)}"]
        lines = [f"<b>{neuron.name}</b> = {full(neuron.value)}"]
        if not math.isnan(neuron.output):
            column = graph.columns[neuron.column]
            lines.append(f"{column.handed}[{column.place(neuron.unit)}] = {full(neuron.output)}")
        lines.append(f"∂{end}/∂{neuron.name} = {full(neuron.gradient)}")
        if self.walk is not None:
            lines.append(f"come in at this step: {full(self.gradients[number])}")
        if neuron.rest:
            lines.append(f"of it by way of units not shown: {full(neuron.rest)}")
        return lines


def _told(sign: str, value: float, fits: Callable[[str], bool]) -> str:
    """Return a number behind its letter with as many digits as fit; a number without its letter is still a number."""
    words = ""
    for digits in (3, 2, 1):
        number = short(value, digits)
        for words in (f"{sign} {number}", number) if sign else (number,):
            if fits(words):
                return words
    return words
