"""What every kind of node is asked on the walk: where an entry of its value comes from, and of what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.sim.lab.entries import places
from gradflow.sim.lab.recording import Page, Recording
from gradflow.sim.lab.station import Line, Shown
from gradflow.sim.lab.unfolding import Unfolding

Array = NDArray[Any]


class Explainer:
    """Explains one node of a recording on a page. Entries are given as in the engine: sample, unit."""

    forward_words: str = ""
    backward_words: str = ""
    sign: str = "→"
    """What stands before its value, after all that it is made of."""

    back_sign: str = "→"
    """What stands before what it gives back."""

    def __init__(self, page: Page, node: Any) -> None:
        self.page, self.node = page, node
        self.recording: Recording = page.recording
        self.symbol = page.symbols.value(node)
        self.gradient_symbol = page.symbols.gradient(node)

    # What a kind of node says about itself.

    def forward_formulas(self) -> Sequence[str]:
        """Return how the value comes from those of the inputs."""
        raise NotImplementedError

    def backward_formulas(self) -> Sequence[str]:
        """Return how what is given back comes from the gradient."""
        raise NotImplementedError

    def forward_lines(self, inputs: Sequence[Shown], value: Shown) -> Sequence[Line]:
        """Return the way forward as formulas in matrices, from the inputs' values to its own."""
        return [[*inputs, *self.forward_parts(), value.with_sign(self.sign)]]

    def backward_lines(self, gradient: Line, given: Sequence[Shown], came: Sequence[Shown]) -> Sequence[Line]:
        """Return the way back as formulas in matrices, from its gradient (none: []) to what each input is given.

        `came` are the inputs' values, for the gradients of parameters.
        """
        back = [one.with_sign(self.back_sign) for one in given]
        return [[*gradient, *self.backward_parts(), *back]]

    def forward_parts(self) -> Sequence[Shown]:
        """Return the matrices between the inputs' values and its own: masks, probabilities."""
        return ()

    def backward_parts(self) -> Sequence[Shown]:
        """Return the matrices between its gradient and what it gives back: φ′, masks."""
        return ()

    def value(self, s: int, j: int) -> Unfolding:
        """Unfold an entry of the value."""
        raise NotImplementedError

    def gift(self, i: int, s: int, j: int) -> Unfolding:
        """Unfold an entry of what the i-th input is given."""
        raise NotImplementedError

    # What all of them need.

    def source(self, i: int = 0) -> Node:
        """Return an input."""
        found: Node = self.node.inputs[i]
        return found

    def at(self, s: int | str, j: int | str) -> str:
        """Return what an entry of the value is called."""
        return self.page.at(self.symbol, s, j, self.node)

    def grad_at(self, s: int | str, j: int | str) -> str:
        """Return what an entry of the gradient is called."""
        return self.page.at(self.gradient_symbol, s, j, self.node)

    def source_at(self, s: int | str, j: int | str, i: int = 0) -> str:
        """Return what an entry of an input's value is called."""
        return self.page.at(self.page.symbols.value(self.source(i)), s, j, self.source(i))

    def gift_symbol(self, i: int = 0) -> str:
        """Return what the gift to an input is called: its gradient, unless others give to it as well."""
        return gift_symbol(self.page, self.source(i), self.node)

    def gift_at(self, s: int, j: int, i: int = 0) -> str:
        """Return what an entry of the gift to an input is called."""
        return self.page.at(self.gift_symbol(i), s, j, self.source(i))

    def gift_value(self, i: int, s: int, j: int) -> float:
        """Return an entry of what an input is given."""
        return float(self.recording.gift(self.source(i), self.node)[s, j])

    @property
    def grad(self) -> Array:
        """∂L/∂value."""
        return self.recording.gradient(self.node)

    def channel_names(self) -> tuple[str, ...]:
        """Return the names of the channels, or of the units where there is no image."""
        return places(self.node.shape[-1:])


def gift_symbol(page: Page, source: Node, reader: Node) -> str:
    """Return what a reader's gift to a node's gradient is called."""
    name = page.symbols.gradient(source)
    alone = len(page.recording.readers[id(source)]) == 1
    return name if alone else f"{name} via {page.symbols.value(reader)}"


def plain(words: str, values: Array) -> Any:
    """Return the way of a matrix whose entries come from nowhere else; they have the names that the matrix gives."""
    table = np.atleast_2d(values)

    def way(i: int, j: int) -> Unfolding:
        return Unfolding("", float(table[i, j]), words)

    return way
