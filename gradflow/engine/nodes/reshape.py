"""Flattening: the same numbers, seen as one row of units."""

from __future__ import annotations

from gradflow.engine.graph import Array, Node


class Flatten(Node):
    """An image (height, width, channels) as height·width·channels units; value and gradient are the input's own."""

    in_place = 0
    shows_input = True

    def __init__(self, source: Node) -> None:
        super().__init__((source,), source.units)

    def allocate(self, batch: int, value: Array | None = None) -> None:
        super().allocate(batch, self.inputs[0]._value)

    def resize(self, samples: int) -> None:
        # The data set replaces its input's rows by views of its own, so the value is looked up each time.
        self.value = self.inputs[0].value
        self.grad = self._grad[:samples]

    def forward(self) -> None:
        """Do nothing: the value is there already."""

    def backward(self) -> None:
        """Hand the gradient on, where it does not stand in the input's memory already."""
        if self.inputs[0].needs_grad and self.shares_grad_of is None:
            self._give(0, self.grad)
