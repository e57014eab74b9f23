"""What a drawing of a computational graph shows: its boxes and edges, each in a state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradflow.ui.lab.cards import Card, Size


class Look(StrEnum):
    """How a box or an edge is drawn."""

    WAITING = "waiting"
    DONE = "done"
    NOW = "now"
    BACK = "back"
    OFF = "off"
    LATE = "late"


@dataclass(frozen=True)
class Wire:
    """An edge: its two boxes, its look, what may be written on it (the longest first), and whether it is cut.

    A thing that cannot be written without lying on another is left out.
    """

    source: int
    target: int
    look: Look = Look.WAITING
    labels: tuple[str, ...] = ()
    cut: bool = False
    backwards: bool = False
    room: tuple[str, ...] = ()
    """The labels that it will have at one time or another, the longest first: the boxes stand apart for one."""


@dataclass(frozen=True)
class Scene:
    """A graph as it is drawn: for each box the room it takes, the card it shows and its look."""

    room: tuple[Size, ...] = ()
    cards: tuple[Card, ...] = ()
    looks: tuple[Look, ...] = ()
    inputs: frozenset[int] = frozenset()
    wires: tuple[Wire, ...] = ()
    chosen: int | None = None
    stale: bool = False
    """Whether it is not what the text says, because that is wrong."""

    def now(self) -> list[int]:
        """Return the boxes at which something happens."""
        return [i for i, look in enumerate(self.looks) if look is Look.NOW]
