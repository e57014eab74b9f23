"""Pooling on the walk: which entry of a window won, and means over windows and whole images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradflow.engine.nodes import AveragePool, GlobalAverage, MaxPool
from gradflow.sim.lab import entries
from gradflow.sim.lab.numerals import short
from gradflow.sim.lab.stations.explainer import Explainer
from gradflow.sim.lab.unfolding import Unfolding, products


class PoolExplainer(Explainer):
    """What max- and average-pooling share: windows, by the places of their entries."""

    node: MaxPool | AveragePool

    def window(self, j: int) -> list[int]:
        """Return the places in the input of the window of an output's place."""
        node = self.node
        h, w, c = (int(n) for n in np.unravel_index(j, node.shape))
        _, width, channels = self.source().shape
        rows = range(h * node.stride, h * node.stride + node.size)
        columns = range(w * node.stride, w * node.stride + node.size)
        return [(y * width + x) * channels + c for y in rows for x in columns]

    def windows_with(self, j: int) -> list[int]:
        """Return the places of the outputs in whose window a place of the input is."""
        node, stride = self.node, self.node.stride
        y, x, c = (int(n) for n in np.unravel_index(j, self.source().shape))
        rows, columns, channels = node.shape
        return [
            (h * columns + w) * channels + c
            for h in range(rows)
            if h * stride <= y < h * stride + node.size
            for w in range(columns)
            if w * stride <= x < w * stride + node.size
        ]


class MaxPoolExplainer(PoolExplainer):
    """The largest number of each window."""

    node: MaxPool
    forward_words = "Of every window only the largest number goes on."
    backward_words = "The gradient goes to the place that won; the others get nothing."

    def forward_formulas(self) -> Sequence[str]:
        """The maximum."""
        size = self.node.size
        return [f"{self.symbol} = max of {self.page.symbols.value(self.source())} over windows of {size}×{size}"]

    def backward_formulas(self) -> Sequence[str]:
        """Winner takes all."""
        return [f"{self.gift_symbol()} = {self.gradient_symbol} where the largest stood, else 0"]

    def winner(self, s: int, j: int) -> int:
        """Return the place of the largest number of a window: the first, if several tie."""
        window = self.window(j)
        return window[int(np.argmax(self.source().value[s, window]))]

    def value(self, s: int, j: int) -> Unfolding:
        """Say which entry won, and against which."""
        window, won = self.window(j), self.winner(s, j)
        names, numbers = entries.places(self.source().shape), self.source().value[s, window]
        listed = [f"{names[k]}{' won' if k == won else ''}" for k in window]
        taken = np.array([float(k == won) for k in window])
        formula = "max of " + ", ".join(self.source_at(s, k) for k in window)
        columns = [(self.page.symbols.value(self.source()), numbers), ("won", taken)]
        found = products(self.at(s, j), self.node.value[s, j], formula, listed, columns)
        return replace(found, put_in=f"max({', '.join(map(short, numbers.tolist()))})")

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Add up the gradient of the windows in which this entry won."""
        places = self.windows_with(j)
        won = np.array([float(self.winner(s, k) == j) for k in places])
        names = entries.places(self.node.shape)
        columns = [(self.gradient_symbol, self.grad[s, places]), ("won", won)]
        at, formula = self.gift_at(s, j), f"Σ of {self.gradient_symbol} over the windows that it won"
        return products(at, self.gift_value(i, s, j), formula, [names[k] for k in places], columns)


class AveragePoolExplainer(PoolExplainer):
    """The mean of each window."""

    node: AveragePool
    forward_words = "Every window becomes its mean."
    backward_words = "Every entry of a window gets the same share of the window's gradient."

    def forward_formulas(self) -> Sequence[str]:
        """The mean."""
        size = self.node.size
        return [f"{self.symbol} = mean of {self.page.symbols.value(self.source())} over windows of {size}×{size}"]

    def backward_formulas(self) -> Sequence[str]:
        """Equal shares."""
        return [f"{self.gift_symbol()} = {self.gradient_symbol}/{self.node.size**2} in the whole window"]

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold the mean."""
        window, names, source = self.window(j), entries.places(self.source().shape), self.source()
        share = np.full(len(window), 1.0 / len(window))
        columns = [(self.page.symbols.value(source), source.value[s, window]), (f"1/{len(window)}", share)]
        formula = f"Σ over the window of {self.page.symbols.value(source)}/{len(window)}"
        return products(self.at(s, j), self.node.value[s, j], formula, [names[k] for k in window], columns)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Add up the shares of the windows that hold this entry."""
        places, names, count = self.windows_with(j), entries.places(self.node.shape), self.node.size**2
        columns = [(self.gradient_symbol, self.grad[s, places]), (f"1/{count}", np.full(len(places), 1.0 / count))]
        at, formula = self.gift_at(s, j), f"Σ over its windows of {self.gradient_symbol}/{count}"
        return products(at, self.gift_value(i, s, j), formula, [names[k] for k in places], columns)


class GlobalAverageExplainer(Explainer):
    """The mean of every channel."""

    node: GlobalAverage
    forward_words = "Every channel becomes its mean over the whole image."
    backward_words = "Every place of a channel gets the same share of the channel's gradient."

    @property
    def count(self) -> int:
        """How many places an image has."""
        return self.source().units // self.node.units

    def forward_formulas(self) -> Sequence[str]:
        """The mean."""
        return [f"{self.symbol} = mean of {self.page.symbols.value(self.source())} over its {self.count} places"]

    def backward_formulas(self) -> Sequence[str]:
        """Equal shares."""
        return [f"{self.gift_symbol()} = {self.gradient_symbol}/{self.count} at every place"]

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold the mean of a channel."""
        numbers = self.source().value[s, j :: self.node.units]
        names, share = entries.places(self.source().shape)[j :: self.node.units], np.full(self.count, 1.0 / self.count)
        a = self.page.symbols.value(self.source())
        columns = [(a, numbers), (f"1/{self.count}", share)]
        return products(self.at(s, j), self.node.value[s, j], f"Σ over the places of {a}/{self.count}", names, columns)

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold the share of one place."""
        k = j % self.node.units
        head = self.grad_at(s, k)
        columns = [(head, self.grad[s, k]), (f"1/{self.count}", np.array(1.0 / self.count))]
        return products(self.gift_at(s, j), self.gift_value(i, s, j), f"{head}/{self.count}", [""], columns)
