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

from gradflow.sim.lab.edge_arrays import EdgeArrays
from gradflow.sim.lab.entries import entry, place

MOST_COLUMNS, MOST_UNITS = 32, 32
"""How large a window may be."""

FITTING = -1
"""In place of the last layer: as many layers as are easily read at once."""

EASY_COLUMNS, MOST_EASY = 7, 9
"""So many columns are easily read, and so many where that is all of the network."""

LARGEST = -1
"""In place of the first unit: those units through which most of the gradient flows."""

LOSS = -1
"""The target whose gradient is asked for, where it is the loss and no output (from 0)."""

Key = tuple[int, int]
"""A neuron by its place in the whole network: its column there (one more for the loss) and its unit."""


@dataclass(frozen=True)
class Window:
    """Which layers (0 is the data; both ends included) and which units of each are looked at.

    A column with no more units than `units` is shown whole; of others the ones from `unit` on, or the LARGEST.
    """

    first: int = 0
    last: int = FITTING
    unit: int = LARGEST
    units: int = 8

    def fitted(self, layer_of: Sequence[int]) -> Window:
        """Return a window that lies inside of a network, given the layer of each of its columns."""
        layers = layer_of[-1]
        first = min(max(self.first, 0), layers)
        last = min(max(self.last, first), layers)
        if self.last == FITTING:
            before = sum(layer < first for layer in layer_of)
            easy = MOST_EASY if len(layer_of) - before <= MOST_EASY else EASY_COLUMNS
            rest = layer_of[before + easy :]
            last = max(first, rest[0] - 1) if rest else layers
        units = min(max(self.units, 1), MOST_UNITS)
        return replace(self, first=first, last=last, unit=max(self.unit, LARGEST), units=units)

    def of(self, units: int, wanted: int | None = None) -> range:
        """Return which units of a column are shown from the first one on; a `wanted` one is among them."""
        count = min(self.units, units)
        start = min(max(self.unit, 0), units - count)
        if wanted is not None and not start <= wanted < start + count:
            start = min(wanted, units - count)
        return range(start, start + count)


@dataclass(frozen=True)
class Column:
    """What computes one number per neuron: `kind` is "input", "dense", "conv", "norm", "sum", "pool" or "loss".

    `layer` counts parameter layers from 1 (0: the data), `shape` is that of one sample, `shown` are the units in sight.
    All names are those of `symbols`: its own `symbol` (z₃), what is `activated` (a₃) and in the end `handed` on (a₃, or
    d₃ behind dropout), the `weights` (W₃) and `bias` of a layer and what they `read` (a₂), the learnt `slope` of its φ
    (α₃); "" for what there is not. `function` names the φ that follows; `drops` says that dropout does. `fan` is the
    shape that the rows of the weights have, of a convolution height, width and channel; `read_shape` what is read has.
    """

    kind: str
    layer: int
    shape: tuple[int, ...]
    shown: Sequence[int]
    symbol: str
    function: str = ""
    drops: bool = False
    projection: bool = False
    activated: str = ""
    handed: str = ""
    weights: str = ""
    bias: str = ""
    read: str = ""
    slope: str = ""
    fan: tuple[int, ...] = ()
    read_shape: tuple[int, ...] = ()

    @property
    def units(self) -> int:
        """How many neurons it has, shown or not."""
        return math.prod(self.shape)

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        if self.kind in ("input", "loss"):
            return self.kind
        words = {"norm": "norm", "sum": "sum", "pool": "pool", "conv": "conv"}.get(self.kind, "layer")
        return f"{'projection' if self.projection else words} {self.layer}"

    def name(self, unit: int) -> str:
        """Return the name of a neuron, z₃[2]; of an image it is row, column and channel."""
        return "L" if self.kind == "loss" else f"{self.symbol}[{self.place(unit)}]"

    def place(self, unit: int) -> str:
        """Return the index of a unit: 2, or row, column and channel in an image."""
        return place(unit, self.shape)

    def weight(self, row: int, unit: int) -> str:
        """Return the name of a weight: W₃[5, 2]; of a kernel W₃[0,2,5; 1]."""
        return entry(self.weights, place(row, self.fan), str(unit % self.shape[-1]))

    def number_read(self, number: int) -> str:
        """Return the name of a number that weights multiply: a₂[5]."""
        return entry(self.read, place(number, self.read_shape))


@dataclass(frozen=True)
class Neuron:
    """One number of the forward pass, with what backprop made of it.

    `value` is z, `output` what it hands on: φ(z), with dropout where that follows (nan where nothing follows).
    `gradient` is the engine's ∂L/∂z (or ∂output/∂z), `rest` the part of it that comes back from outside of the window.
    `bias`, `bias_grad` and the `slope` φ′(z) are nan where there is none.
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


@dataclass(frozen=True)
class Edge:
    """Where a neuron reads another: ∂target/∂source.

    Of a layer with weights `weight` is the one in this `row` of W, `read` the number that it multiplies, which stands
    at this `place` of what the layer reads, `weight_grad` the engine's ∂L/∂W there, if no other place has a part in it;
    `slope` and `mask` are the φ′ and the dropout between the source and this number. All are nan where there is none.
    `beyond` marks an edge that stands for everything between the window and the loss.
    """

    source: int
    target: int
    derivative: float
    row: int = -1
    place: int = -1
    weight: float = math.nan
    read: float = math.nan
    weight_grad: float = math.nan
    slope: float = math.nan
    mask: float = math.nan
    beyond: bool = False


@dataclass(frozen=True, eq=False)
class NeuronGraph:
    """Neurons in topological order, column by column; the last is the one whose gradient is asked for.

    `remarks` say what is left out, in sentences. `all_columns` are those of the whole network, of which the first that
    is shown has the place `offset`, with its `output_names`. `samples` is how many samples the loss is a mean of.
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
    output_names: Sequence[str]
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
        """Whether every neuron of the network is shown."""
        seen = self.columns[: len(self.all_columns)]
        return len(seen) == len(self.all_columns) and all(len(column.shown) == column.units for column in seen)

    def gradient_name(self, neuron: int) -> str:
        """Return what the gradient of a neuron is called: δ₃[2] for ∂L/∂z₃[2], as far as it has a name of its own."""
        name = self.neurons[neuron].name
        short = self.target == LOSS and name.startswith("z")
        return f"δ{name[1:]}" if short else f"∂{self.target_name}/∂{name}"

    @property
    def layers(self) -> int:
        """How many parameter layers the whole network has."""
        return max(column.layer for column in self.all_columns)

    def key(self, neuron: int) -> Key:
        """Return the place of a neuron in the whole network."""
        found = self.neurons[neuron]
        if found.column >= len(self.columns) - 1 and self.terminal == neuron:
            return (len(self.all_columns), 0) if self.target == LOSS else (len(self.all_columns) - 1, self.target)
        return self.offset + found.column, found.unit

    def edge_between(self, source: Key, target: Key) -> int | None:
        """Return the number of the edge between two neurons, given by their keys, if it is shown."""
        ends = self.places.get(source), self.places.get(target)
        leaving = self.outgoing[ends[0]] if ends[0] is not None else []
        return next((e for e in leaving if self.edges[e].target == ends[1]), None)

    @cached_property
    def arrays(self) -> EdgeArrays:
        """The edges as arrays."""
        return EdgeArrays(self.neurons, self.edges)

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
    def counts(self) -> tuple[list[int], list[int], list[int]]:
        """For every neuron its paths to the end, the sum of their lengths, and the calls of the naive recursion."""
        size, end = len(self.neurons), self.terminal
        paths, lengths, calls = [0] * size, [0] * size, [0] * size
        paths[end] = 1
        for i in reversed(range(end)):
            for e in self.ways[i]:
                target = self.edges[e].target
                paths[i] += paths[target]
                lengths[i] += lengths[target] + paths[target]
                calls[i] += 1 + calls[target] if target != end else 0
        return paths, lengths, calls

    @cached_property
    def places(self) -> dict[Key, int]:
        """The number of each neuron by its `key`."""
        return {self.key(i): i for i in range(len(self.neurons))}

    def _by(self, end: str) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.neurons]
        for number, edge in enumerate(self.edges):
            found[getattr(edge, end)].append(number)
        return found
