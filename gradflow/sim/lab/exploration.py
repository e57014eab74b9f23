"""What is computed of a direction, bit by bit: its slope, the loss along it, and the plane with a second one."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gradflow.sim.lab.directions import WITH_TRAJECTORY, Ask, Ground, make, title
from gradflow.sim.lab.line import Line, walk
from gradflow.sim.lab.memory import remembered
from gradflow.sim.lab.objective import Objective
from gradflow.sim.lab.pause import Pause
from gradflow.sim.lab.plane import Plane, axes, paint
from gradflow.sim.lab.slope import Slope, slope
from gradflow.sim.lab.specimen import Specimen
from gradflow.sim.lab.trajectory import Trajectory, retrace

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """A word on what takes long, while there is nothing else to show."""

    words: str


RUNNING = Progress("running the network …")


@dataclass(frozen=True)
class Refused:
    """Why there is nothing to show: what was asked for is no direction, or no plane.

    `of` says which direction is none, "h", "across" or "up", and "" that the two span no plane.
    """

    words: str
    of: str = ""


def explore(
    specimen: Specimen, ask: Ask, zoom: float = 1.0, whole: bool = False
) -> Iterator[Progress | Refused | Slope | Line]:
    """Yield the slope along a direction, then the loss on the line, from few points to all.

    With `whole` the loss of the whole training part as well.
    """
    try:
        question = "line", ask, zoom, whole
        yield from remembered(specimen, question, lambda: _quiet(_explore(specimen, ask, zoom, whole)))
    except ValueError as error:
        yield Refused(str(error), "h")


def _explore(specimen: Specimen, ask: Ask, zoom: float, whole: bool) -> Iterator[Progress | Slope | Line]:
    trajectory = (yield from _travel(specimen)) if ask.kind in WITH_TRAJECTORY else None
    pause, objective = Pause(), Objective(specimen)
    if pause.due():
        yield RUNNING
    h = make(ask, Ground(objective, specimen, trajectory))
    if pause.due():
        yield RUNNING
    yield slope(objective, h)
    back = -trajectory.last_update() if trajectory and trajectory.last else None
    everything = Objective(specimen, whole=True) if whole else None
    yield from walk(objective, h, zoom, specimen.update, back, everything)


@dataclass(frozen=True)
class Look:
    """How a plane is looked at: how near, the loss of what, and with the run's trajectory or without."""

    zoom: float = 1.0
    whole: bool = False
    trajectory: bool = True


INSTEAD = {"principal-1": "update", "principal-2": "filter-normalised"}
"""What stands in for the trajectory's own directions as long as the run has not moved in two."""


def survey(specimen: Specimen, ask: Ask, other: Ask, look: Look) -> Iterator[Progress | Refused | Plane]:
    """Yield the plane of two directions, from coarse to fine."""
    try:
        question = "plane", ask, other, look
        yield from remembered(specimen, question, lambda: _quiet(_survey(specimen, ask, other, look)))
    except ValueError as error:
        yield Refused(str(error))


def _survey(specimen: Specimen, ask: Ask, other: Ask, look: Look) -> Iterator[Progress | Refused | Plane]:
    asked = look.trajectory or {ask.kind, other.kind} & set(WITH_TRAJECTORY)
    trajectory = (yield from _travel(specimen)) if asked else None
    pause, objective = Pause(), Objective(specimen, look.whole)
    if pause.due():
        yield RUNNING
    ground = Ground(objective, specimen, trajectory)
    asks = {"across": ask, "up": dataclasses.replace(other, seed=other.seed + 1)}
    instead = bool(trajectory and trajectory.dimensions < 2 and {ask.kind, other.kind} & set(INSTEAD))
    if instead:
        asks = {name: dataclasses.replace(one, kind=INSTEAD.get(one.kind, one.kind)) for name, one in asks.items()}
    made = []
    for name, one in asks.items():
        try:
            made.append(make(one, ground))
        except ValueError as error:
            yield Refused(str(error), name)
            return
    if pause.due():
        yield RUNNING
    first, second = made
    plane = axes(objective, first, second, specimen.update, trajectory if look.trajectory else None, look.zoom)
    across, up = (title(one.kind) for one in asks.values())
    yield from paint(objective, dataclasses.replace(plane, titles=(across, up), instead=instead))


def _quiet(found: Iterator[T]) -> Iterator[T]:
    """Compute without NumPy's warnings: what is not finite is a result. Between two results they are on again."""
    while True:
        with np.errstate(all="ignore"):
            try:
                one = next(found)
            except StopIteration:
                return
        yield one


def _travel(specimen: Specimen) -> Generator[Progress, None, Trajectory]:
    """Yield how far the run is retraced, and return the whole trajectory."""
    for found in retrace(specimen):
        if not found.complete:
            yield Progress(f"retracing the run: step {found.step} of {found.last}")
    return found


ZOOM_STEPS = 16
"""How far a slider for the zoom goes to either side of 0, eight to a power of ten."""


def zoom_of(position: int) -> float:
    """Return the zoom at a slider's position: 1 at 0, 100 at its end."""
    return float(10.0 ** (position / 8.0))
