"""Precisions: what the numbers of a network are stored in, and how the half precisions are imitated.

float64 and float32 are the processor's own. float16 and bfloat16 are computed in float32, and every value and every
gradient is rounded to the nearest number of the half precision (ties to even) as soon as its node is done, as
mixed-precision training does; the parameters keep a float32 master copy. Underflow is counted where it happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gradflow.registry import Registry

if TYPE_CHECKING:
    from gradflow.engine.graph import Node, ParameterNode

Array = NDArray[Any]


class Precision:
    """The contract of a precision: the type that arrays are stored in, and rounding in place where that is not all."""

    dtype: np.dtype[Any]
    smallest_normal: float
    smallest: float
    largest: float
    epsilon: float
    rounds = False
    """Whether `round` does anything."""

    def round(self, x: Array) -> None:
        """Round every entry of a C-contiguous array to this precision, in place."""


PRECISIONS: Registry[type[Precision]] = Registry("precision")
precision = PRECISIONS.register


@precision("float64", "float64 (double)")
class Float64(Precision):
    """52 bits of fraction, ε = 2.2·10⁻¹⁶, from 5·10⁻³²⁴ to 1.8·10³⁰⁸.

    A gradient of 10⁻²⁰⁰ is a result, not an underflow.
    """

    dtype = np.dtype(np.float64)
    smallest_normal, smallest, largest, epsilon = 2.0**-1022, 2.0**-1074, float(np.finfo(np.float64).max), 2.0**-52


@precision("float32", "float32 (single)")
class Float32(Precision):
    """23 bits of fraction, ε = 1.2·10⁻⁷, from 1.4·10⁻⁴⁵ to 3.4·10³⁸.

    The default of PyTorch and JAX. Half the memory, and about twice as fast.
    """

    dtype = np.dtype(np.float32)
    smallest_normal, smallest, largest, epsilon = 2.0**-126, 2.0**-149, float(np.finfo(np.float32).max), 2.0**-23


@precision("float16", "float16 (half)")
class Float16(Precision):
    """10 bits of fraction, ε = 9.8·10⁻⁴, from 6·10⁻⁸ to 65 504: gradients underflow first (Micikevicius et al. 2018).

    Computed in float32 and rounded after every node. Loss scaling lifts the gradients above the floor.
    """

    dtype = np.dtype(np.float32)
    smallest_normal, smallest, largest, epsilon = 2.0**-14, 2.0**-24, 65504.0, 2.0**-10
    rounds = True

    def __init__(self) -> None:
        self._half = np.empty(0, np.float16)

    def round(self, x: Array) -> None:
        """Round by way of NumPy's own half precision; what is too large becomes infinite."""
        flat = x.reshape(-1)
        if self._half.size < flat.size:
            self._half = np.empty(flat.size, np.float16)
        half = self._half[: flat.size]
        np.copyto(half, flat, casting="same_kind")
        np.copyto(flat, half)


@precision("bfloat16", "bfloat16")
class BFloat16(Precision):
    """7 bits of fraction, ε = 7.8·10⁻³, with the range of float32: coarse, but it hardly underflows.

    Computed in float32 and rounded after every node.
    """

    dtype = np.dtype(np.float32)
    smallest_normal, smallest, largest, epsilon = 2.0**-126, 2.0**-133, 255 / 128 * 2.0**127, 2.0**-7
    rounds = True

    def __init__(self) -> None:
        self._bits = np.empty(0, np.uint32)

    def round(self, x: Array) -> None:
        """Add half a unit of the last kept place (ties to even) to the bit pattern and cut the lower half off."""
        flat = x.reshape(-1).view(np.uint32)
        if self._bits.size < flat.size:
            self._bits = np.empty(flat.size, np.uint32)
        bits = self._bits[: flat.size]
        np.right_shift(flat, np.uint32(16), out=bits)
        np.bitwise_and(bits, np.uint32(1), out=bits)
        np.add(bits, np.uint32(0x7FFF), out=bits)
        # The nan and the infinity that arithmetic makes have an empty lower half and stay what they are.
        np.add(bits, flat, out=bits)
        np.bitwise_and(bits, np.uint32(0xFFFF0000), out=flat)


class Rounding:
    """Rounds the nodes of a graph as they are computed, and counts the gradients that underflow to zero."""

    def __init__(self, precision: Precision) -> None:
        self._precision = precision
        self.lost: dict[int, int] = {}
        """By id of the node: how many entries of its gradient were rounded to zero in the last backward pass."""

    def values(self, node: Node) -> None:
        """Round what a node has computed."""
        self._precision.round(node.value)

    def gradients(self, node: Node) -> None:
        """Round the gradient that has arrived at a node."""
        before = np.count_nonzero(node.grad)
        self._precision.round(node.grad)
        self.lost[id(node)] = int(before - np.count_nonzero(node.grad))

    def learning(self, node: ParameterNode) -> None:
        """Round the gradients of a node's parameters."""
        self._precision.round(node.gradients)
