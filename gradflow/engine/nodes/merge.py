"""The sum of two branches: what a skip connection ends in."""

from __future__ import annotations

import numpy as np

from gradflow.engine.graph import Node


class Add(Node):
    """value = left + right; the gradient goes unchanged to both."""

    def __init__(self, left: Node, right: Node) -> None:
        if left.units != right.units:
            raise ValueError(f"cannot add {left.units} units to {right.units}")
        super().__init__((left, right), left.units)

    def forward(self) -> None:
        np.add(self.inputs[0].value, self.inputs[1].value, out=self.value)

    def backward(self) -> None:
        for source, first in zip(self.inputs, self.writes_first, strict=True):
            if not source.needs_grad:
                continue
            if first:
                np.copyto(source.grad, self.grad)
            else:
                np.add(source.grad, self.grad, out=source.grad)
