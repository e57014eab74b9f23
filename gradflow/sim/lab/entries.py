"""What entries of values and parameters are called: z₃[2], of an image x[4,3,0], of a sample z₃[0, 2] or x[0; 4,3,0].

Everything counts from 0. The place in an image is its row, column and channel in one index, without spaces; where that
stands beside another index, a semicolon is between them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def entry(symbol: str, *indices: str) -> str:
    """Return the name of an entry; indices that are empty are none, and a sum is put in brackets."""
    told = index(*indices)
    whole = f"({symbol})" if " + " in symbol and told else symbol
    return f"{whole}[{told}]" if told else whole


def index(*indices: str) -> str:
    """Return several indices as one text."""
    given = [one for one in indices if one]
    return ("; " if any("," in one for one in given) else ", ").join(given)


def place(unit: int, shape: tuple[int, ...]) -> str:
    """Return where a unit of a sample stands: its number, or row, column and channel of an image."""
    return ",".join(str(int(i)) for i in np.unravel_index(unit, shape))


@lru_cache(maxsize=64)
def places(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Return where each unit of a sample stands."""
    return tuple(",".join(map(str, found)) for found in np.ndindex(*shape))


def fan(kernel: tuple[int, int], channels: int) -> tuple[int, ...]:
    """Return the shape that the rows of a weight matrix have: of a kernel height, width and channel."""
    return (channels,) if kernel == (1, 1) else (*kernel, channels)
