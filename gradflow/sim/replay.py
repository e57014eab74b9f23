"""Looking back at the last steps: a frame as it stood when one of them was taken."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradflow.sim.frame import Frame
from gradflow.sim.history import HistoryView


def last_steps(frame: Frame) -> tuple[int, ...]:
    """Return the steps that can be replayed, in their order; the last one is the frame's own."""
    return (*(one.step for one in frame.history.tail if one.step < frame.snapshot.step), frame.snapshot.step)


def replayed(frame: Frame, step: int) -> Frame:
    """Return the frame as it stood at one of its last steps: the record ends there, and the verdict is today's.

    The dear measurements are those that there are; `details.steps` says of which step.
    """
    found = next((one for one in frame.history.tail if one.step == step), frame.snapshot)
    if found.step == frame.snapshot.step:
        return frame
    history = frame.history
    rows = int(np.searchsorted(history.column("step"), step, side="right"))
    before = tuple(one for one in history.tail if one.step <= step)
    seen = HistoryView(history.scalars[:rows], history.stats[:rows], before)
    return dataclasses.replace(frame, snapshot=found, history=seen)
