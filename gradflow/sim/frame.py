"""What crosses from the worker to the window: the latest frame, and rare events with the frame they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gradflow.sim.config import Experiment
from gradflow.sim.details import EVERYTHING, Details
from gradflow.sim.finding import Finding
from gradflow.sim.history import HistoryView
from gradflow.sim.prediction import Prediction
from gradflow.sim.snapshot import Snapshot, Topology

if TYPE_CHECKING:
    # A sweep runs experiments, and these hand out frames.
    from gradflow.sim.sweep.chart import Chart


class State(StrEnum):
    """What the worker is doing."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class LiveEdit:
    """A change made while the run was going: the same experiment and seed alone would not repeat it."""

    step: int
    path: str
    value: object

    def __str__(self) -> str:
        return f"{self.path} = {self.value} from step {self.step + 1}"


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """Everything a view may draw: one state of one run. `build` counts rebuilds, so that stale frames are known.

    `findings` are the verdicts, the most urgent first. `prediction` is the theory's, None until there is one. `ending`
    says how a finished run has ended, "" before that. `other` is a second run to be drawn as a ghost beside this one,
    and `label` what such a run is called. In a `past` frame the snapshot is one of those recorded before the run came
    to where it is now. `chart` is the map of a sweep, None until one is begun.
    """

    build: int
    experiment: Experiment
    topology: Topology
    snapshot: Snapshot
    history: HistoryView
    details: Details
    findings: tuple[Finding, ...]
    state: State
    steps_per_second: float = 0.0
    edits: tuple[LiveEdit, ...] = ()
    ending: str = ""
    prediction: Prediction | None = None
    other: Frame | None = None
    chart: Chart | None = None
    past: bool = False
    label: str = ""

    @property
    def finding(self) -> Finding:
        """The most urgent verdict."""
        return self.findings[0]

    @property
    def complete(self) -> bool:
        """Whether everything a picture shows is measured, and of this very step."""
        return all(self.details.steps.get(want) == self.snapshot.step for want in EVERYTHING)


@dataclass(frozen=True, eq=False, repr=False)
class Event:
    """Something that happens rarely; `frame` is the last frame at that moment, if there is one."""

    frame: Frame | None


class Started(Event):
    """A run was built and its step 0 is measured."""


class Paused(Event):
    """The worker stands still and waits."""


class Resumed(Event):
    """The worker trains on."""


class Captured(Event):
    """The frame has every measurement, all of its own step: it can be exported."""


class Finished(Event):
    """The run has taken all its steps, or was stopped early."""


class Diverged(Event):
    """Numbers are no longer finite; the frame's snapshot says where."""


@dataclass(frozen=True, eq=False, repr=False)
class Failed(Event):
    """A command could not be carried out; what ran before stays. `field` is the one at fault, if known."""

    message: str
    field: str = ""
    details: str = ""
