"""The activation as a node: a = φ(z), entry by entry."""

from __future__ import annotations

import numpy as np

from gradflow.engine.activations import Activation
from gradflow.engine.graph import Node


class Activate(Node):
    """a = φ(z); backwards ∂L/∂z = ∂L/∂a · φ′(z)."""

    def __init__(self, source: Node, function: Activation) -> None:
        super().__init__((source,), source.units)
        self.function = function

    def allocate(self, batch: int) -> None:
        super().allocate(batch)
        self._share = np.empty((0 if self.writes_first[0] else batch, self.units))

    def forward(self) -> None:
        self.function.value(self.inputs[0].value, self.value)

    def backward(self) -> None:
        source = self.inputs[0]
        first = self.writes_first[0]
        out = source.grad if first else self._share[: len(self.value)]
        self.function.slope(source.value, self.value, out)
        np.multiply(out, self.grad, out=out)
        if not first:
            np.add(source.grad, out, out=source.grad)
