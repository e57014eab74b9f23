"""What a person has chosen in the view of paths, as it can stand in a text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gradflow.sim.lab.neuron_graph import FITTING, LARGEST, LOSS, Key, Window
from gradflow.sim.lab.orders import ORDERS

PAGES = ("paths", "order", "cost")
MOST = 10**6


@dataclass(frozen=True)
class Chosen:
    """All of it. A neuron is named by its column and unit in the whole network, an edge by both of its ends.

    None is the first neuron that has a gradient; `kept` is the one that was to stay when the units were chosen.
    """

    sample: int = 0
    target: int = LOSS
    window: tuple[int, int, int, int] = (0, FITTING, LARGEST, 8)
    neuron: Key | None = None
    kept: Key | None = None
    edge: tuple[int, int, int, int] | None = None
    bias: bool = False
    path: int = -1
    page: str = PAGES[0]
    order: str = "right"
    by_layer: bool = True
    seed: int = 0
    own: tuple[Key, ...] = ()
    position: int = 0
    look: tuple[float, float, float] = (1.0, 0.0, 0.0)

    @property
    def shown(self) -> Window:
        """The window that is wanted."""
        return Window(*self.window)

    def state(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


def read(state: Mapping[str, Any]) -> Chosen:
    """Return what a text said, the rest as at first; raises TypeError or ValueError for what makes no sense."""
    first = Chosen()
    return Chosen(**{field.name: _read(field.name, state, getattr(first, field.name)) for field in fields(Chosen)})


def _read(name: str, state: Mapping[str, Any], usual: Any) -> Any:
    value = state.get(name, usual)
    if name in ("edge", "neuron", "kept") and value is None:
        return None
    if name == "own":
        return tuple((_whole(column, 0), _whole(unit, 0)) for column, unit in value)
    if name in ("page", "order"):
        if value not in (PAGES if name == "page" else ORDERS):
            raise ValueError(f"no {name} {value!r}")
        return value
    if isinstance(usual, bool):
        return bool(value)
    if isinstance(usual, int):
        # Only a target and a path can be none of all.
        return _whole(value, -1 if usual < 0 else 0)
    length = {"edge": 4, "neuron": 2, "kept": 2}.get(name) or len(usual)
    numbers = tuple(_real(v) if name == "look" else _whole(v, -1) for v in value)
    if len(numbers) != length:
        raise ValueError(f"{name} has {length} numbers")
    return numbers


def _whole(value: Any, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MOST:
        raise ValueError(f"{value!r} is no number from {low}")
    return value


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > MOST:
        raise ValueError(f"{value!r} is no place")
    return float(value)
