"""The way of a run: what it began as, and how it was edited while it went on. The same way gives the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

from gradflow.sim.config import Experiment, Training


@dataclass(frozen=True)
class Course:
    """The first experiment of a run, and its live edits with the steps that they were made at."""

    first: Experiment
    retunes: tuple[tuple[int, Training], ...] = ()
