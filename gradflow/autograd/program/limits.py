"""How much a typed program may ask for, so that no text can hang the window or eat the memory."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from gradflow.autograd.arrays import Shape
from gradflow.autograd.operation import Operator
from gradflow.errors import AutogradError

CHARACTERS = 20_000
NESTING = 60
NODES = 2_000
ELEMENTS = 100_000
"""Of one node."""
ALL_ELEMENTS = 5_000_000
MULTIPLICATIONS = 200_000_000


class Budget:
    """What one run has used so far; asked before anything is computed."""

    def __init__(self) -> None:
        self._nodes = self._elements = self._multiplications = 0

    def add(self, elements: int) -> None:
        """Count one more node of so many elements; raises AutogradError if that is too much."""
        self._nodes += 1
        self._elements += elements
        if self._nodes > NODES:
            raise AutogradError(f"the graph has more than {NODES:,} nodes, the most that can be looked at")
        if elements > ELEMENTS:
            raise AutogradError(f"the result would have {elements:,} elements; the most is {ELEMENTS:,}")
        if self._elements > ALL_ELEMENTS:
            raise AutogradError(
                f"all nodes together would have more than {ALL_ELEMENTS:,} elements, the most there are"
            )

    def check(self, shapes: Sequence[Shape]) -> None:
        """Refuse what would broadcast to too many elements, although it is no node of its own."""
        try:
            elements = prod(np.broadcast_shapes(*shapes))
        except ValueError:
            return
        if elements > ELEMENTS:
            raise AutogradError(f"the comparison would have {elements:,} elements; the most is {ELEMENTS:,}")

    def compute(self, operator: Operator, shapes: Sequence[Shape], parameters: dict[str, Any]) -> None:
        """Count the result of an operation before it is computed; one that cannot be computed is left to fail."""
        try:
            elements = operator.size(*shapes, **parameters)
        except (ValueError, IndexError):
            return
        self.add(elements)
        # A product multiplies for every element of its result as often as its rows are long.
        inner = shapes[0][-1] if operator.name in ("matmul", "dot") and shapes[0] else 1
        self._multiplications += elements * inner
        if self._multiplications > MULTIPLICATIONS:
            raise AutogradError(f"more than {MULTIPLICATIONS:,} multiplications are too many to wait for")
