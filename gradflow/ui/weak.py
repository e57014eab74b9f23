"""Slots that do not keep alive whom they call.

A widget whose own lambda listens to one of its children is held by that lambda: it waits for the garbage collector,
which may come on the training's thread, where Qt must not be touched.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any


def weakly(owner: Any, act: Callable[..., object]) -> Callable[..., None]:
    """Return a slot that calls `act` with the owner and as many of the signal's arguments as it takes.

    It does nothing once the owner is gone. `act` must not refer to the owner but by its first argument. A button's
    `clicked` hands on nothing here: whoever wants its state connects a bound method.
    """
    reference = weakref.ref(owner)
    taken = len(inspect.signature(act).parameters) - 1

    def slot(*arguments: Any) -> None:
        alive = reference()
        if alive is not None:
            act(alive, *arguments[:taken])

    return slot
