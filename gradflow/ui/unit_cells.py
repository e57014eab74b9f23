"""How the units of a network become cells: where each stands, and the pixels that show its state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gradflow.sim.units import Units, UnitState
from gradflow.ui.theme import Theme, rgb

Indices = NDArray[np.uint8]

LARGEST_CELL = (40, 28)
PATTERN_FROM = 7
"""Cells of fewer pixels show their colour only."""

# Places in the colour table: a ramp for what is healthy, then what has one colour.
RAMP = 64
SATURATED, ALIKE, DEAD, STRAIGHT, GROUND, INK, DARK_INK = range(RAMP, RAMP + 7)
FILLS = {UnitState.SATURATED: SATURATED, UnitState.ALIKE: ALIKE, UnitState.DEAD: DEAD}


@lru_cache
def color_table(theme: Theme) -> list[int]:
    """Return the colours of all places: Okabe & Ito's, which the colour-blind can tell apart, and the theme's ink."""
    pale, full = (np.array(rgb(name)) for name in (theme.raised, theme.curve))
    ramp = [pale + (0.25 + 0.75 * i / (RAMP - 1)) * (full - pale) for i in range(RAMP)]
    single = ("#E69F00", "#CC79A7", theme.text, theme.border, theme.surface, theme.text, "#1b2027")
    rows = [*ramp, *(np.array(rgb(name)) for name in single)]
    return [QColor(*(round(float(c)) for c in row)).rgb() for row in rows]


def fills(state: NDArray[np.uint8], activity: NDArray[np.float64]) -> Indices:
    """Return the place in the colour table of every unit; one without φ has no activity."""
    found = np.clip(np.nan_to_num(activity) * (RAMP - 1), 0, RAMP - 1).astype(np.uint8)
    found[np.isnan(activity)] = STRAIGHT
    for which, place in FILLS.items():
        found[state == which] = place
    return found


def pattern(fill: Indices, width: int, height: int) -> Indices:
    """Return cells (rows, columns) as pixels: dead is hollow with a cross, saturated is striped, alike has a bar."""
    rows, columns = fill.shape
    pixels = np.repeat(np.repeat(fill, height, axis=0), width, axis=1)
    cells = pixels.reshape(rows, height, columns, width).swapaxes(1, 2)
    if min(width, height) < PATTERN_FROM:
        return pixels
    y, x = np.mgrid[0 : height - 1, 0 : width - 1]
    down, across = y / (height - 2), x / (width - 2)
    edge = (y == 0) | (y == height - 2) | (x == 0) | (x == width - 2)
    thin = 0.55 / (min(width, height) - 2)
    cross = (np.abs(down - across) <= thin) | (np.abs(down + across - 1.0) <= thin)
    middle = np.abs(across - 0.5) <= max(thin, 0.12)
    marks = {
        DEAD: [(np.ones_like(edge), GROUND), (edge | cross, INK)],
        SATURATED: [(y % 4 == 1, DARK_INK)],
        ALIKE: [(middle, DARK_INK)],
    }
    for place, layers in marks.items():
        chosen = fill == place
        if chosen.any():
            tile = np.full((height, width), place, np.uint8)
            for mask, ink in layers:
                tile[:-1, :-1][mask] = ink
            cells[chosen] = tile
    # A line of ground between cells.
    cells[:, :, -1, :] = cells[:, :, :, -1] = GROUND
    return pixels


@dataclass(frozen=True)
class Grid:
    """Where the cells stand: `columns` side by side in each slot, of `width` x `height` pixels.

    In very large networks a slot stands for several layers, or a cell for several units.
    """

    slot: float
    columns: int
    rows: int
    width: int
    height: int
    layers_each: int
    units_each: int

    @classmethod
    def fit(cls, layers: int, units: int, across: int, down: int) -> Grid:
        """Return the grid that shows so many layers of at most so many units in so many pixels, as square as can be."""
        across, down = max(across, 1), max(down, 1)
        layers_each = math.ceil(layers / across)
        slot = across / math.ceil(layers / layers_each)
        inside = max(1, int(slot - min(8.0, 0.15 * slot if slot >= 4 else 0.0)))
        units_each = math.ceil(units / (inside * down))
        shown = math.ceil(units / units_each)

        def cell(columns: int) -> tuple[int, int]:
            rows = math.ceil(shown / columns)
            return min(inside // columns, LARGEST_CELL[0]), min(down // rows, LARGEST_CELL[1])

        # The larger the shorter side, the better a pattern can be seen; then whatever fills more.
        columns = max(range(1, min(inside, shown) + 1), key=lambda c: (min(cell(c)), c * cell(c)[0]))
        width, height = cell(columns)
        rows = math.ceil(shown / columns)
        return cls(slot, columns, rows, max(width, 1), max(height, 1), layers_each, units_each)

    def left(self, layer: int) -> int:
        """Return where a layer's cells begin."""
        return int(layer // self.layers_each * self.slot + (self.slot - self.columns * self.width) / 2)


def share_out(units: Units, grid: Grid) -> Indices:
    """Return the places in the colour table of all cells (slots, cells of a slot).

    Where units or layers share a cell, the gravest of them is seen.
    """
    place = fills(units.state, units.activity)
    # The order of the table is that of gravity; of healthy ones the most active is seen.
    rank = np.where(place == STRAIGHT, 0, place).astype(np.int64)
    sizes = np.diff(units.starts)
    cells = np.full((-(-len(sizes) // grid.layers_each), grid.rows * grid.columns), GROUND, np.uint8)
    best = np.full(cells.shape, -1, np.int64)
    for layer, size in enumerate(sizes):
        span = units.span(layer)
        # Two numbers in one, so that one reduction finds the gravest and its colour.
        both = np.maximum.reduceat(rank[span] * 256 + place[span], np.arange(0, size, grid.units_each))
        slot, count = layer // grid.layers_each, len(both)
        graver = both > best[slot, :count]
        best[slot, :count][graver] = both[graver]
        cells[slot, :count][graver] = both[graver] % 256
    return cells
