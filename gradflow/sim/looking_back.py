"""Looking back: the frame of an earlier step, rebuilt from the history that a later frame carries.

Of any recorded step there is what its row holds; of the last ones of a run that has diverged, the snapshots themselves.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from gradflow.sim.details import PARTS, Details, Want
from gradflow.sim.diagnosis import Case, diagnose
from gradflow.sim.frame import Frame
from gradflow.sim.history import SCALARS, HistoryView
from gradflow.sim.snapshot import Snapshot


def nearest_row(history: HistoryView, step: float) -> int:
    """Return the row of the recorded step nearest to this one, the earlier of two; −1 if nothing is recorded."""
    return int(np.abs(history.column("step") - step).argmin()) if len(history) else -1


def at_step(frame: Frame, step: float) -> Frame:
    """Return the frame as it was at the recorded step nearest to `step`; the frame itself if that is its own.

    Snapshot and verdict are those of that step, a prediction and the dear measurements too, or there are none. The
    history stays whole. A second run is looked at where it stood at that step.
    """
    row = nearest_row(frame.history, step)
    if row < 0 or frame.history.column("step")[row] >= frame.snapshot.step:
        return frame
    snapshot = recorded(frame.history, row)
    prediction, details = frame.prediction, _of_step(frame.details, snapshot.step)
    case = Case(frame.experiment, frame.topology, snapshot, until(frame.history, row), sharpness=details.sharpness)
    return dataclasses.replace(
        frame,
        snapshot=snapshot,
        findings=diagnose(case),
        details=details,
        prediction=prediction if prediction and prediction.step == snapshot.step else None,
        other=at_step(frame.other, snapshot.step) if frame.other else None,
        past=True,
    )


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
    row = int(np.searchsorted(frame.history.column("step"), step, side="right")) - 1
    return dataclasses.replace(frame, snapshot=found, history=until(frame.history, row, step))


def until(history: HistoryView, row: int, step: float = -1) -> HistoryView:
    """Return the record as it was at this row, with the last steps up to `step`."""
    tail = tuple(one for one in history.tail if one.step <= step)
    return HistoryView(history.scalars[: row + 1], history.stats[: row + 1], tail)


def recorded(history: HistoryView, row: int) -> Snapshot:
    """Return the snapshot that a row was written from."""
    values = dict(zip(SCALARS, history.scalars[row].tolist(), strict=True))
    return Snapshot(**values | {"step": int(values["step"])}, stats=history.stats[row])


def _of_step(details: Details, step: int) -> Details:
    """Return only those measurements that are of this step, and the course of the sharpness up to it."""
    kept = [want for want, taken in details.steps.items() if taken == step]
    found = Details(
        steps=dict.fromkeys(kept, step),
        seconds={want: details.seconds[want] for want in kept},
        **{name: getattr(details, name) for want in kept for name in PARTS[want]},
    )
    if details.sharpness is None:
        return found
    course = details.sharpness.until(step)
    return dataclasses.replace(found, sharpness=course, steps={**found.steps, Want.SHARPNESS: course.step})
