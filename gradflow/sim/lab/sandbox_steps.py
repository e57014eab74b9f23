"""The sequence of the sandbox: forward node by node, the seed, then backward operation by operation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradflow.sim.lab.sandbox import Sandbox
from gradflow.sim.lab.sandbox_walk import Walk


class Phase(StrEnum):
    """What happens at a moment."""

    START = "start"
    FORWARD = "forward"
    SEED = "seed"
    BACKWARD = "backward"


@dataclass(frozen=True)
class Moment:
    """Where the sequence stands: `computed` steps forward, `visits` backward (−1 before the seed), now at `node`."""

    phase: Phase
    computed: int
    visits: int
    node: int | None


def positions(sandbox: Sandbox, walk: Walk) -> int:
    """Return how many moments there are."""
    return 1 + len(sandbox.steps) + (1 + len(walk.visits) if sandbox.differentiable else 0)


def moment(sandbox: Sandbox, walk: Walk, position: int) -> Moment:
    """Return the moment at a position from 0; what lies outside of the sequence is its end."""
    position = min(max(position, 0), positions(sandbox, walk) - 1)
    forward = len(sandbox.steps)
    if position == 0:
        return Moment(Phase.START, 0, -1, None)
    if position <= forward:
        return Moment(Phase.FORWARD, position, -1, sandbox.steps[position - 1])
    visits = position - forward - 1
    if visits == 0:
        return Moment(Phase.SEED, forward, 0, sandbox.output)
    return Moment(Phase.BACKWARD, forward, visits, walk.visits[visits - 1].node)


def position_of(sandbox: Sandbox, walk: Walk, visits: int) -> int:
    """Return the position after so many visits; 0 is that of the seed."""
    return min(len(sandbox.steps) + 1 + visits, positions(sandbox, walk) - 1)
