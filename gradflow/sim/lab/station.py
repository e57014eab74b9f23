"""What is seen at one position of the walk: words, formulas, and the matrices involved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.sim.frozen import Frozen
from gradflow.sim.lab.entries import entry
from gradflow.sim.lab.table import Table
from gradflow.sim.lab.unfolding import Unfolding, Uses

Array = NDArray[Any]
Way = Callable[[int, int], Unfolding]


class Kind(StrEnum):
    """Which part of a training step a position belongs to."""

    FORWARD = "forward"
    LOSS = "loss"
    BACKWARD = "backward"
    UPDATE = "update"


@dataclass(frozen=True)
class Channel:
    """One channel of one sample's image, a part of a `whole` with rows of height · width · channels units."""

    whole: Shown
    sample: int
    channel: int
    width: int
    channels: int

    def unit(self, row: int, column: int) -> int:
        """Return the unit that stands at a place of the image."""
        return (row * self.width + column) * self.channels + self.channel

    def spot(self, sample: int | None, unit: int | None) -> tuple[int | None, int | None]:
        """Return where a unit of a sample stands in the image; nowhere if it is of another channel or sample."""
        if sample != self.sample or unit is None or unit % self.channels != self.channel:
            return None, None
        return divmod(unit // self.channels, self.width)


@dataclass(frozen=True, eq=False, repr=False)
class Shown(Frozen):
    """A matrix at a station: its symbol, what it is, its numbers with names for rows and columns, its shape in words.

    `way` unfolds an entry, given as it stands in the engine: a sample's row first. `flipped` says that a sample is a
    column here. `image` is the shape of a sample (height, width, channels) where it is an image, and `channel` says
    what of it is shown, where this is one image alone. `sign` is what stands between the matrix before and this one:
    a line of matrices is read like a formula, and what has none stands beside it.
    """

    symbol: str
    title: str
    values: Array
    rows: Sequence[str]
    columns: Sequence[str]
    shape: str
    way: Way
    flipped: bool = False
    image: tuple[int, ...] | None = None
    channel: Channel | None = None
    sign: str = ""

    def unfold(self, row: int, column: int) -> Unfolding:
        """Return where an entry comes from; raises IndexError for one that is not there."""
        height, width = self.values.shape
        if not (0 <= row < height and 0 <= column < width):
            raise IndexError(f"no entry [{row}, {column}] in {self.symbol} {self.shape}")
        found = self.way(*self.engine_entry(row, column))
        return found if found.symbol else replace(found, symbol=self.entry_name(row, column))

    def entry_name(self, row: int, column: int) -> str:
        """Return what an entry is called, in an image as in the matrix that it is part of."""
        if self.channel is not None:
            whole, place = self.channel.whole, self.engine_entry(row, column)
            return whole.entry_name(*(place[::-1] if whole.flipped else place))
        return entry(self.symbol, self.rows[row], self.columns[column])

    def engine_entry(self, row: int, column: int) -> tuple[int, int]:
        """Return where an entry of what is shown stands in the engine's array."""
        if self.channel is not None:
            return self.channel.sample, self.channel.unit(row, column)
        return (column, row) if self.flipped else (row, column)

    def framed(self, uses: Uses) -> tuple[int | None, int | None]:
        """Return the row and the column, or the entry, that an unfolding takes from this matrix."""
        symbol = (self.channel.whole if self.channel else self).symbol.rstrip("ᵀ")
        i, j = uses.get(symbol, (None, None))
        if self.channel is not None:
            return self.channel.spot(i, j)
        return (j, i) if self.flipped else (i, j)

    @property
    def engine(self) -> Array:
        """The numbers as they stand in the engine: a sample is a row."""
        return self.values.T if self.flipped else self.values

    def with_sign(self, sign: str) -> Shown:
        """Return the same with a sign before it."""
        return replace(self, sign=sign)

    def turned(self) -> Shown:
        """Return the transpose."""
        height, _, width = self.shape.strip("()").partition(", ")
        return replace(
            self,
            symbol=f"{self.symbol}ᵀ",
            title=f"{self.title}, transposed",
            values=self.values.T,
            rows=self.columns,
            columns=self.rows,
            shape=f"({width}, {height})",
            flipped=not self.flipped,
        )

    def picture(self, sample: int, channel: int) -> Shown:
        """Return one channel of one sample as an image; the matrix itself if it has no images."""
        if self.image is None:
            return self
        height, width, channels = self.image
        rows = self.values.T if self.flipped else self.values
        sample, channel = min(sample, len(rows) - 1), min(channel, channels - 1)
        values = rows[sample].reshape(self.image)[:, :, channel]
        names = self.columns if self.flipped else self.rows
        return replace(
            self,
            symbol=f"{self.symbol}[{names[sample]}]",
            title=f"channel {channel}, {self.title}" if channels > 1 else self.title,
            values=values,
            rows=tuple(map(str, range(height))),
            columns=tuple(map(str, range(width))),
            shape=f"({height}, {width})",
            flipped=False,
            image=None,
            channel=Channel(self, sample, channel, width, channels),
        )

    def table(self) -> Table:
        """Return the numbers, for a file."""
        return Table(f"{self.symbol} {self.shape} {self.title}", tuple(self.rows), tuple(self.columns), self.values)

    @property
    def largest(self) -> tuple[int, int]:
        """Where the largest finite entry stands: the one that has most to tell."""
        return self.largest_of(*map(range, self.values.shape))

    def largest_of(self, rows: range, columns: range) -> tuple[int, int]:
        """Return where the largest finite entry of these rows and columns stands."""
        values = self.values[rows.start : rows.stop, columns.start : columns.stop]
        if not values.size:
            return 0, 0
        size = np.abs(np.where(np.isfinite(values), values, 0.0))
        row, column = np.unravel_index(int(size.argmax()), size.shape)
        return rows.start + int(row), columns.start + int(column)


Line = Sequence[Shown]

AND = ","
"""The sign of what a result takes together, where it is more than one product."""


@dataclass(frozen=True, eq=False, repr=False)
class Station(Frozen):
    """A position of the walk: what happens there, in words, formulas and matrices.

    `layer` is the parameter layer it belongs to (from 1), `box` its place in the drawing of the network. Each of its
    `lines` is a formula in matrices, and `main` the matrix that comes out of it.
    """

    kind: Kind
    name: str
    layer: int | None
    box: int
    words: str
    formulas: tuple[str, ...]
    lines: tuple[Line, ...]
    main: str

    @property
    def matrices(self) -> tuple[Shown, ...]:
        """The matrices of all lines; one that is in two formulas is there twice."""
        return tuple(shown for line in self.lines for shown in line)

    def matrix(self, symbol: str) -> Shown | None:
        """Return the matrix of this symbol, None if it is not involved."""
        return next((shown for shown in self.matrices if shown.symbol == symbol), None)

    @property
    def result(self) -> Shown | None:
        """The matrix that comes out; the last one if there is no main one."""
        return self.matrix(self.main) or (self.matrices[-1] if self.matrices else None)


def joined(stations: Sequence[Station]) -> Station:
    """Return the stations of one box as one: a line goes on where another ends in what it begins with."""
    if len(stations) == 1:
        return stations[0]
    last = stations[-1]
    return replace(
        last,
        name=", ".join(station.name for station in stations),
        words=" ".join(dict.fromkeys(station.words for station in stations)),
        formulas=tuple(dict.fromkeys(line for station in stations for line in station.formulas)),
        lines=joined_lines([line for station in stations for line in station.lines]),
    )


def joined_lines(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return lines with those in one that continue each other."""
    found: list[list[Shown]] = []
    for line in filter(None, lines):
        before = next((one for one in found if one[-1].symbol == line[0].symbol), None)
        if before is None:
            found.append([line[0].with_sign(""), *line[1:]])
        else:
            before += line[1:]
    return tuple(map(tuple, found))
