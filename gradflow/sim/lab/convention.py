"""Whether gradients are written as columns or as rows: it turns every product round, and changes no number."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from numpy.typing import NDArray

T = TypeVar("T")


class Convention(StrEnum):
    """How a gradient is written.

    As rows, ∇(f∘g) = ∇f·J with J (m, d), as the arrays of every framework lie; as columns, ∇(f∘g) = J·∇f with J (d, m)
    and J_kr = ∂g_r/∂x_k: each the transpose of the other, with the order of the factors reversed.
    """

    ROWS = "rows"
    COLUMNS = "columns"

    def jacobian(self, derivative: NDArray[Any]) -> NDArray[Any]:
        """Return ∂out/∂in, given as (out, in), as it is written here."""
        return derivative.T if self is Convention.COLUMNS else derivative

    def ends(self, first: T, last: T) -> tuple[T, T]:
        """Return whose entries are the rows and the columns of ∂last/∂first."""
        return (first, last) if self is Convention.COLUMNS else (last, first)

    def gradient(self, vector: NDArray[Any]) -> NDArray[Any]:
        """Return a gradient, given as (n,), with the shape it has here."""
        return vector[:, None] if self is Convention.COLUMNS else vector[None, :]

    def product(self, inner_first: list[str]) -> str:
        """Return the product of factors that are listed from the input to the output."""
        return " · ".join(inner_first if self is Convention.COLUMNS else reversed(inner_first))
