"""One pass forwards and backwards with every gradient kept as it was when it was complete, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.engine.network import Network
from gradflow.sim.lab.convention import Convention
from gradflow.sim.lab.entries import entry, places
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.station import Shown, Way
from gradflow.sim.lab.symbols import Symbols
from gradflow.sim.paths import contributions

Array = NDArray[Any]
T = TypeVar("T")


class Recording:
    """What a specimen's network computed for some samples; `names` are their numbers in the batch.

    Gradients are turned in place by the engine, so they are recorded while the backward pass is run once more, when
    somebody first asks for one, or when it is `complete`.
    """

    def __init__(self, specimen: Specimen, samples: Sequence[int] | None = None) -> None:
        """Run the samples (None: all); raises ValueError where they cannot be alone."""
        self.specimen = specimen
        self.network: Network = specimen.network(samples)
        self.names = tuple(map(str, range(specimen.samples) if samples is None else samples))
        with np.errstate(all="ignore"):
            # A loss may have used its memory again on the way back.
            self.network.loss.forward()
        self.symbols = Symbols(self.network)
        self.readers: dict[int, list[Node]] = {id(node): [] for node in self.network.graph.order}
        for node in self.network.graph.order:
            for source in dict.fromkeys(node.inputs):
                self.readers[id(source)].append(node)

    @property
    def samples(self) -> int:
        """How many samples were run."""
        return len(self.names)

    def gradient(self, node: Node) -> Array:
        """Return ∂L/∂value of a node, complete."""
        return self._recorded[0][id(node)]

    def gift(self, source: Node, reader: Node) -> Array:
        """Return what a reader of a node gave to its gradient."""
        return self._recorded[1][id(source), id(reader)]

    def complete(self) -> None:
        """Record all gradients now: whoever makes a recording beside the window leaves no work to the first look."""
        _ = self._recorded

    @cached_property
    def _recorded(self) -> tuple[dict[int, Array], dict[tuple[int, int], Array]]:
        whole: dict[int, Array] = {}
        gifts: dict[tuple[int, int], Array] = {}
        with np.errstate(all="ignore"):
            for source, reader, gift, total in contributions(self.network):
                whole[id(source)] = total.copy()
                alone = len(self.readers[id(source)]) == 1
                gifts[id(source), id(reader)] = whole[id(source)] if alone else gift.copy()
            self.network.loss.forward()
        for array in (*whole.values(), *gifts.values()):
            array.setflags(write=False)
        return whole, gifts


class Page:
    """A recording written in one convention: what entries are called, and how arrays stand as matrices."""

    def __init__(self, recording: Recording, convention: Convention) -> None:
        self.recording, self.convention = recording, convention
        self.symbols = recording.symbols

    @property
    def columns(self) -> bool:
        """Whether a sample is a column."""
        return self.convention is Convention.COLUMNS

    def product(self, rows: T, columns: T) -> T:
        """Return one of two ways to write a product: with samples as rows, or as columns."""
        return columns if self.columns else rows

    def at(self, symbol: str, sample: int | str, unit: int | str, node: Node | None = None) -> str:
        """Return what the entry of a sample and a unit is called."""
        name = self.recording.names[sample] if isinstance(sample, int) else sample
        place = places(node.shape)[unit] if isinstance(unit, int) and node is not None else str(unit)
        return entry(symbol, *self.product((name, place), (place, name)))

    def of_samples(self, symbol: str, title: str, values: Array, node: Node, way: Way) -> Shown:
        """Return numbers (samples, units of a node) as a matrix."""
        samples, units = self.recording.names, places(node.shape)
        size = "×".join(map(str, node.shape)) if len(node.shape) > 1 else str(node.units)
        return self._shown(symbol, title, values, samples, units, size, way, node.shape)

    def of_units(
        self, symbol: str, title: str, values: Array, names: Sequence[str], way: Callable[[int], Any]
    ) -> Shown:
        """Return one number for each unit: a row beside samples that are rows, a column beside columns."""
        row = values.reshape(1, -1)
        return self._shown(symbol, title, row, ("",), names, str(values.size), lambda _, j: way(j), ())

    def weights(
        self, symbol: str, title: str, values: Array, rows: Sequence[str], columns: Sequence[str], way: Way
    ) -> Shown:
        """Return a matrix (inputs, units), which stands alike in both conventions."""
        return Shown(symbol, title, values.view(), rows, columns, f"({len(rows)}, {len(columns)})", way)

    def _shown(
        self,
        symbol: str,
        title: str,
        values: Array,
        samples: Sequence[str],
        units: Sequence[str],
        size: str,
        way: Way,
        shape: tuple[int, ...],
    ) -> Shown:
        image = shape if len(shape) == 3 else None
        # A view: what is shown becomes read-only, but the engine's own array must not.
        values = values.view()
        if self.columns:
            words = f"({size}, {len(values)})"
            return Shown(symbol, title, values.T, units, samples, words, way, flipped=True, image=image)
        return Shown(symbol, title, values, samples, units, f"({len(values)}, {size})", way, image=image)
