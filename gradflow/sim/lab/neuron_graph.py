"""The graph of neurons: values, gradients, and the derivative on every edge; what paths are made of.

A neuron is a number z that a layer computes, with the a = φ(z) it hands on. The edge z_k → z_i carries ∂z_i/∂z_k, which
for dense layers is w_ki·φ′(z_k). Only a window of a large network is in it: what reaches a neuron's gradient from
outside of the window is its `rest`, one number, so that every sum still closes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gradflow.sim.words import subscript, superscript

MOST_COLUMNS, MOST_UNITS = 32, 32
"""How large a window may be."""

FITTING = -1
"""In place of the last layer: as many layers as are easily read at once."""

EASY_COLUMNS = 9

LOSS = -1
"""The target whose gradient is asked for, where it is the loss and no output (from 0)."""


@dataclass(frozen=True)
class Window:
    """Which layers (0 is the data; both ends included) and which units of each are looked at.

    A column with no more units than `units` is shown whole.
    """

    first: int = 0
    last: int = FITTING
    unit: int = 0
    units: int = 8

    def fitted(self, layer_of: Sequence[int]) -> Window:
        """Return a window that lies inside of a network, given the layer of each of its columns."""
        layers = layer_of[-1]
        first = min(max(self.first, 0), layers)
        last = min(max(self.last, first), layers)
        if self.last == FITTING:
            before = sum(layer < first for layer in layer_of)
            rest = layer_of[before + EASY_COLUMNS :]
            last = max(first, rest[0] - 1) if rest else layers
        units = min(max(self.units, 1), MOST_UNITS)
        return replace(self, first=first, last=last, unit=max(self.unit, 0), units=units)

    def of(self, units: int, wanted: int | None = None) -> range:
        """Return which units of a column are shown; a `wanted` one is among them."""
        count = min(self.units, units)
        start = min(self.unit, units - count)
        if wanted is not None and not start <= wanted < start + count:
            start = min(wanted, units - count)
        return range(start, start + count)


@dataclass(frozen=True)
class Column:
    """What computes one number per neuron: `kind` is "input", "dense", "conv", "norm", "sum", "pool" or "loss".

    `layer` counts parameter layers from 1 (0: the data). `function` names the φ that follows, "" if none does; `drops`
    says that dropout does. `shape` is that of one sample.
    """

    kind: str
    layer: int
    shape: tuple[int, ...]
    shown: range
    function: str = ""
    drops: bool = False
    projection: bool = False

    @property
    def units(self) -> int:
        """How many neurons it has, shown or not."""
        return math.prod(self.shape)

    @property
    def symbol(self) -> str:
        """Its letter with the layer, z³."""
        if self.kind in ("input", "loss"):
            return "x" if self.kind == "input" else "L"
        letter = "q" if self.projection else {"norm": "y", "sum": "h", "pool": "p"}.get(self.kind, "z")
        return f"{letter}{superscript(self.layer)}"

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        if self.kind in ("input", "loss"):
            return self.symbol
        words = {"norm": "norm", "sum": "sum", "pool": "pool", "conv": "conv"}.get(self.kind, "layer")
        return f"{'projection' if self.projection else words} {self.layer}"

    def name(self, unit: int) -> str:
        """Return the name of a neuron, z³₂; of an image it is row, column and channel."""
        if self.kind == "loss":
            return "L"
        if len(self.shape) == 1:
            return f"{self.symbol}{subscript(unit + 1)}"
        _, width, channels = self.shape
        place = (unit // channels // width + 1, unit // channels % width + 1, unit % channels + 1)
        return f"{self.symbol}[{', '.join(map(str, place))}]"


@dataclass(frozen=True)
class Neuron:
    """One number of the forward pass, with what backprop made of it.

    `value` is z, `output` what it hands on: φ(z), with dropout where that follows (nan where nothing follows).
    `gradient` is the engine's ∂L/∂z (or ∂output/∂z), `rest` the part of it that comes back from outside of the window.
    `bias`, `bias_grad`, the `slope` φ′(z) and the `mask` of dropout are nan where there is none.
    """

    column: int
    unit: int
    name: str
    value: float
    output: float
    gradient: float
    rest: float = 0.0
    bias: float = math.nan
    bias_grad: float = math.nan
    slope: float = math.nan
    mask: float = math.nan


@dataclass(frozen=True)
class Edge:
    """Where a neuron reads another: ∂target/∂source.

    In a dense layer `weight` is w[d,k], `read` the f_in[0,d] that it multiplies, `weight_grad` the engine's ∂L/∂w[d,k];
    nan elsewhere. `beyond` marks an edge that stands for everything between the window and the loss.
    """

    source: int
    target: int
    derivative: float
    weight: float = math.nan
    read: float = math.nan
    weight_grad: float = math.nan
    beyond: bool = False


@dataclass(frozen=True, eq=False)
class NeuronGraph:
    """Neurons in topological order, column by column; the last is the one whose gradient is asked for.

    `remarks` say what is left out, in sentences. `all_columns` are those of the whole network, of which the first that
    is shown has the place `offset`. `samples` is how many samples the loss is a mean of.
    """

    columns: Sequence[Column]
    neurons: Sequence[Neuron]
    edges: Sequence[Edge]
    window: Window
    sample: int
    samples: int
    target: int
    all_columns: Sequence[Column]
    offset: int
    outputs: int
    remarks: Sequence[str] = ()

    @property
    def terminal(self) -> int:
        """The neuron at which all paths end: the loss, or the chosen output."""
        return len(self.neurons) - 1

    @property
    def target_name(self) -> str:
        """The symbol of what is differentiated."""
        return self.neurons[self.terminal].name

    @property
    def whole(self) -> bool:
        """Whether nothing is left out: then no neuron has a rest."""
        return not any(neuron.rest for neuron in self.neurons) and not any(edge.beyond for edge in self.edges)

    @property
    def layers(self) -> int:
        """How many parameter layers the whole network has."""
        return max(column.layer for column in self.all_columns)

    def key(self, neuron: int) -> tuple[int, int]:
        """Return the place of a neuron in the whole network: its column there (one more for the loss) and its unit."""
        found = self.neurons[neuron]
        if found.column >= len(self.columns) - 1 and self.terminal == neuron:
            return (len(self.all_columns), 0) if self.target == LOSS else (len(self.all_columns) - 1, self.target)
        return self.offset + found.column, found.unit

    @cached_property
    def outgoing(self) -> list[list[int]]:
        """The edges that leave each neuron, towards the loss."""
        return self._by("source")

    @cached_property
    def incoming(self) -> list[list[int]]:
        """The edges that enter each neuron."""
        return self._by("target")

    @cached_property
    def ways(self) -> list[list[int]]:
        """The edges that leave each neuron and from which the end can be reached."""
        leads = [False] * self.terminal + [True]
        for i in reversed(range(self.terminal)):
            leads[i] = any(leads[self.edges[e].target] for e in self.outgoing[i])
        return [[e for e in edges if leads[self.edges[e].target]] for edges in self.outgoing]

    @cached_property
    def places(self) -> dict[tuple[int, int], int]:
        """The number of each neuron by its `key`."""
        return {self.key(i): i for i in range(len(self.neurons))}

    def _by(self, end: str) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.neurons]
        for number, edge in enumerate(self.edges):
            found[getattr(edge, end)].append(number)
        return found
