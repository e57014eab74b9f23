"""The numbers inside a Variable: float64 arrays that nobody can write into."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gradflow.errors import AutogradError

Array: TypeAlias = NDArray[np.float64]
"""What a Variable holds. A single number is held as `np.float64`, which has a shape, () , and is ten times as fast."""

Shape: TypeAlias = tuple[int, ...]


def as_array(data: Any) -> Array:
    """Return a read-only float64 copy of numbers, lists of numbers or an array; a single number as `np.float64`.

    Raises AutogradError for what is not real numbers in rectangular shape.
    """
    if isinstance(data, float):  # np.float64 is one too
        return np.float64(data)  # type: ignore[return-value]
    if isinstance(data, list | tuple) and _holds_history(data):
        raise AutogradError("Variable: a list of Variables would lose their history; put them into stack")
    try:
        with np.errstate(all="ignore"):
            raw = np.asarray(data)
            if raw.dtype.kind not in "biuf" and not _holds_large_integers(raw):
                raise AutogradError(f"Variable: {_short(data)} is not an array of real numbers")
            array = np.array(raw, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        reason = "is not an array of real numbers; every row needs the same number of them"
        raise AutogradError(f"Variable: {_short(data)} {reason}") from None
    return frozen(array)


def _holds_history(data: Any, depth: int = 0) -> bool:
    """Return whether a gradient would be lost without a word, because a nested list holds what asks for one."""
    if isinstance(data, list | tuple):
        # Arrays have fewer axes than that; NumPy says no to the rest.
        return depth < 64 and any(_holds_history(entry, depth + 1) for entry in data)
    return bool(getattr(data, "requires_grad", False))


def _holds_large_integers(raw: NDArray[Any]) -> bool:
    # Integers beyond 64 bits arrive as objects, and so do lists of anything else.
    return raw.dtype.kind == "O" and raw.size > 0 and all(type(entry) in (int, float) for entry in raw.flat)


def frozen(array: Any) -> Array:
    """Return the array, made read-only, or the number if it is a single one."""
    if array.ndim == 0:
        return array[()]  # type: ignore[no-any-return]
    array.setflags(write=False)
    return array  # type: ignore[no-any-return]


def shape_text(shape: Shape) -> str:
    """Return a shape as it is written: "(2, 3)", "(4,)", and "()" for a single number."""
    return str(tuple(int(size) for size in shape))


def _short(data: Any, most: int = 40) -> str:
    text = repr(data).replace("\n", " ")
    return text if len(text) <= most else f"{text[:most]}…"
