"""The Jacobian of one operation by one of its inputs, as a matrix of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradflow.autograd.arrays import Array, frozen, shape_text
from gradflow.autograd.broadcasting import fit
from gradflow.errors import AutogradError

if TYPE_CHECKING:
    from gradflow.autograd.operation import Operation

LARGEST_LOCAL = 4_000_000
"""The most entries a local Jacobian is written out with."""


def local_jacobian(operation: Operation, index: int) -> Array:
    """Return ∂output/∂input number `index`, with one row per element of the output.

    Infinite slopes stay where they are: what does not depend on anything is 0, and not the NaN of 0·∞.
    """
    stored = operation.stored()
    rows, columns = stored[0].size, stored[index + 1].size
    if rows * columns > LARGEST_LOCAL:
        shapes = f"{shape_text(stored[0].shape)} by {shape_text(stored[index + 1].shape)}"
        raise AutogradError(f"{operation.name}: the Jacobian of {shapes} has {rows * columns:,} entries, too many")
    if operation.operator.elementwise:
        return frozen(_diagonal(operation, index))
    if operation.operator.bilinear:
        return frozen(_bilinear(operation, index))
    return frozen(_carried(operation, index, stored))


def _diagonal(operation: Operation, index: int) -> Array:
    stored, shape = operation.stored(), operation.output.shape
    source = stored[index + 1]
    with np.errstate(all="ignore"):
        slopes = operation.operator.vjp[index](np.ones(shape), *stored, **operation.parameters)
    jacobian = np.zeros((operation.output.size, source.size))
    columns = np.broadcast_to(np.arange(source.size).reshape(source.shape), shape)
    jacobian[np.arange(operation.output.size), columns.ravel()] = np.broadcast_to(slopes, shape).ravel()
    return jacobian


def _bilinear(operation: Operation, index: int) -> Array:
    """Write the Jacobian of a product, each entry of which is one entry of the other factor, or 0."""
    stored = operation.stored()
    other = np.asarray(stored[2 - index])
    finite = np.isfinite(other)
    jacobian = _carried(operation, index, _with_factor(stored, index, np.where(finite, other, 0.0)))
    for value in () if finite.all() else (np.inf, -np.inf, np.nan):
        here = np.isnan(other) if np.isnan(value) else other == value
        jacobian[_carried(operation, index, _with_factor(stored, index, here.astype(float))) != 0.0] = value
    return jacobian


def _with_factor(stored: tuple[Array, ...], index: int, other: Array) -> tuple[Array, ...]:
    # The factor it is differentiated by plays no part, but could bring an infinity of its own.
    mine = np.zeros(stored[index + 1].shape)
    return (stored[0], mine, other) if index == 0 else (stored[0], other, mine)


def _carried(operation: Operation, index: int, stored: tuple[Array, ...]) -> Array:
    """Carry unit vectors through the edge: one per row or one per column, whichever are fewer."""
    output, source = stored[0], stored[index + 1]
    by_rows = output.size <= source.size
    rule = (operation.operator.vjp if by_rows else operation.operator.jvp)[index]
    start, end = (output, source) if by_rows else (source, output)
    jacobian = np.zeros((start.size, end.size))
    with np.errstate(all="ignore"):
        for element in range(start.size):
            unit = np.zeros(start.size)
            unit[element] = 1.0
            carried = rule(unit.reshape(start.shape)[()], *stored, **operation.parameters)
            jacobian[element] = np.ravel(fit(carried, end.shape) if by_rows else carried)
    return jacobian if by_rows else jacobian.T.copy()
