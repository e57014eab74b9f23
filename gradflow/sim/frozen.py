"""What may cross from the training thread to any other: frozen dataclasses whose arrays are read-only."""

from __future__ import annotations

import numpy as np


class Frozen:
    """A base for frozen dataclasses that carry arrays: these become read-only with them."""

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
