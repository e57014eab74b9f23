"""Which unit reads which: what a number at every output of a node adds up to at every unit that it reads.

For counting along paths nothing else is needed: with ones the result says how many outputs read a unit, with a single
one which units an output reads. Arrays may hold whole numbers of any size (dtype object).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradflow.engine.graph import Node
from gradflow.engine.losses import Loss
from gradflow.engine.nodes import (
    Activate,
    Add,
    AveragePool,
    Concatenate,
    Conv,
    Dropout,
    Flatten,
    GlobalAverage,
    MaxPool,
)
from gradflow.engine.nodes.norm import BatchNorm

Array = NDArray[Any]

PASSING = (Activate, Dropout, Flatten, Concatenate)
"""Nodes that work on each number by itself, or only put numbers in another place: no neurons of their own."""


def spread(node: Node, numbers: Array) -> list[Array]:
    """Return for each input of a node, at each of its units, the sum of the numbers at the outputs that read it."""
    if isinstance(node, Concatenate):
        rows = numbers.reshape(-1, node.shape[-1])
        cut = node.inputs[0].shape[-1]
        return [rows[:, :cut].reshape(-1), rows[:, cut:].reshape(-1)]
    if isinstance(node, Add):
        return [numbers, numbers]
    if isinstance(node, (Activate, Dropout, Flatten, BatchNorm, Loss)):
        return [numbers]
    source = node.inputs[0]
    if isinstance(node, Conv):
        image = numbers.reshape(node.shape).sum(axis=-1, keepdims=True)
        return [_windows(image, source.shape, node.kernel, node.stride, node.padding)]
    if isinstance(node, (MaxPool, AveragePool)):
        return [_windows(numbers.reshape(node.shape), source.shape, (node.size, node.size), node.stride, 0)]
    if isinstance(node, GlobalAverage):
        return [np.tile(numbers, source.units // node.units)]
    # A dense layer, and the norms over the units of a sample: everything reads everything.
    return [np.full(source.units, numbers.sum(), numbers.dtype)]


def _windows(image: Array, shape: tuple[int, ...], kernel: tuple[int, int], stride: int, padding: int) -> Array:
    """Add each number of an image to the window that it was computed from."""
    height, width, channels = shape
    rows, columns = image.shape[:2]
    whole = np.zeros((height + 2 * padding, width + 2 * padding, channels), image.dtype)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            whole[i : i + stride * rows : stride, j : j + stride * columns : stride][:rows, :columns] += image
    inside = whole[padding : padding + height, padding : padding + width]
    return inside.reshape(prod(shape))
