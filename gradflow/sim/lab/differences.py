"""Finite differences of the loss by one parameter or one input of a network, beside backprop's exact derivative."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine import gradcheck
from gradflow.engine.network import Network
from gradflow.sim.lab.memory import remembered
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.step_curve import StepCurve, refine
from gradflow.sim.words import subscript

Array = NDArray[Any]

INPUT = "x"
_GREEK = {"gamma": "γ", "beta": "β"}


@dataclass(frozen=True)
class Block:
    """A matrix or row of numbers by which the loss can be differentiated: W, b, γ, β, a of a layer, or the input.

    A row has no rows: `rows` is 0. Of the input x every row is a sample. `start` is its place in the flat vector.
    """

    key: str
    layer: int
    name: str
    rows: int
    columns: int
    start: int

    @property
    def title(self) -> str:
        """The block in words: "layer 3: W"."""
        return f"layer {self.layer}: {self.name}" if self.layer else "input: x"

    @property
    def paired(self) -> bool:
        """Whether an entry is named by two numbers: not in a row of biases, nor in the only sample."""
        return self.rows > 0 and (self.layer > 0 or self.rows > 1)

    def symbol(self, row: int, column: int) -> str:
        """Return one entry as it is written: W₃[2, 5], b₃[5], x[5] of the only sample, x[2, 5] of one of several."""
        number = subscript(self.layer) if self.layer else ""
        place = f"{row}, {column}" if self.paired else f"{column}"
        return f"{self.name}{number}[{place}]"

    def has(self, row: int, column: int) -> bool:
        """Return whether there is such an entry."""
        return 0 <= row < max(self.rows, 1) and 0 <= column < self.columns

    def read(self, text: str) -> tuple[int, int]:
        """Return the entry that a person has typed, "3, 5" or "5"; raises ValueError in words where it is none."""
        found = re.fullmatch(r"\s*\[?\s*(?:(\d{1,9})(?:\s*[,;]\s*|\s+))?(\d{1,9})\s*\]?\s*", text)
        if found and bool(found[1]) == self.paired:
            entry = int(found[1] or 0), int(found[2])
            if self.has(*entry):
                return entry
        number = subscript(self.layer) if self.layer else ""
        raise ValueError(f"“{text.strip()[:20]}” is no entry of {self.name}{number}: type {self.choices()}.")

    def choices(self) -> str:
        """Say what can be typed for an entry."""
        if not self.paired:
            return f"a number {'k' if self.layer else 'i'} from 0 to {self.columns - 1}"
        of = ("a row d", "a column k") if self.layer else ("a sample", "an input")
        return f"{of[0]} from 0 to {self.rows - 1} and {of[1]} from 0 to {self.columns - 1}, as 0, {self.columns - 1}"

    def place(self, row: int, column: int) -> int:
        """Return where the entry stands in its flat vector; raises ValueError outside of the block."""
        if not self.has(row, column):
            raise ValueError(f"{self.title} has no entry [{row}, {column}]")
        return self.start + row * self.columns + column


def blocks(network: Network) -> tuple[Block, ...]:
    """Return everything that the loss of a network can be differentiated by: the input, then layer by layer."""
    found = [Block(INPUT, 0, "x", len(network.input.value), network.input.units, 0)]
    seen = {INPUT}
    for layer, node in network.learning:
        start = node.span.start
        for name, shape in node.parameter_shapes.items():
            key, shown = f"{layer.number}/{name}", _GREEK.get(name, name)
            if key in seen:
                # The matrix that gives a shortcut the shape of its branch.
                key, shown = f"{layer.number}/{name}2", f"{shown}ₛ"
            seen.add(key)
            rows, columns = shape if len(shape) == 2 else (0, shape[0])
            found.append(Block(key, layer.number, shown, rows, columns, start))
            start += prod(shape)
    return tuple(found)


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """What differences say of one entry, and all `blocks` it could have been taken from.

    It is of the network of one step. With `stand_in` the exact number came through a slope that is no derivative (that
    of the activation "step"): nothing has to agree.
    """

    step: int
    blocks: tuple[Block, ...]
    block: Block
    row: int
    column: int
    curve: StepCurve
    stand_in: bool

    @property
    def symbol(self) -> str:
        """The entry as it is written."""
        return self.block.symbol(self.row, self.column)


@dataclass(frozen=True)
class Entry:
    """One number to differentiate by. Without a block it is the weight of layer 1 with the largest gradient."""

    block: str = ""
    row: int = 0
    column: int = 0


def study(
    specimen: Specimen, entry: Entry, samples: Sequence[int] | None = None, first: int | None = None
) -> Iterator[Study]:
    """Yield the step-size curve of the loss over these samples by one entry, from few steps to all.

    What the network does not have is replaced by the nearest that it has. The step numbered `first` comes first.
    """
    question = "differences", entry, None if samples is None else tuple(samples)
    return remembered(specimen, question, lambda: _study(specimen, entry, samples, first))


def _study(specimen: Specimen, entry: Entry, samples: Sequence[int] | None, first: int | None) -> Iterator[Study]:
    network = specimen.network(samples)
    every = blocks(network)
    block = next((block for block in every if block.key == entry.block), None)
    row, column = entry.row, entry.column
    if block is None:
        block = next((block for block in every if block.name == "W"), every[0])
        steepest = np.abs(network.gradients[block.start : block.start + block.rows * block.columns])
        row, column = divmod(int(np.nan_to_num(steepest).argmax()), block.columns)
    row, column = min(row, max(block.rows, 1) - 1), min(column, block.columns - 1)
    place = block.place(row, column)
    vector, gradient = network.parameters, network.gradients
    if block.key == INPUT:
        vector, gradient = network.input.value.reshape(-1), network.input.grad.reshape(-1)
    section, exact = _Section(network, vector, place), float(gradient[place])
    stand_in = _stands_in(network, block)
    for curve in refine(section.loss, section.here, exact, section.crossed, first):
        yield Study(specimen.step, every, block, row, column, curve, stand_in)


class _Section:
    """The loss as a function of one number of a network, and on which side of its kinks everything then lies."""

    def __init__(self, network: Network, vector: Array, place: int) -> None:
        self._network, self._vector, self._place = network, vector, place
        self.here = float(vector[place])
        self._sides: dict[float, dict[str, list[Array]]] = {}

    def loss(self, value: float) -> float:
        """Return L with this number in place."""
        self._vector[self._place] = value
        loss = self._network.forward()
        self._vector[self._place] = self.here
        # Only the middle and the last point are ever compared.
        self._sides = {at: sides for at, sides in self._sides.items() if at == self.here}
        self._sides[value] = gradcheck.kink_sides(self._network)
        return loss

    def crossed(self, one: float, other: float) -> str:
        """Name the kinks between two points."""
        return ", ".join(gradcheck.crossed(self._sides[one], self._sides[other]))


def _stands_in(network: Network, block: Block) -> bool:
    below = gradcheck.below_stand_ins(network)
    if block.key == INPUT:
        return network.input in below
    return any(node in below for _, node in network.learning if node.span.start <= block.start < node.span.stop)
